//! The messages to and from engines and sampling loops as one JSON Schema, made from their types.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::message::{FromLoop, ToLoop};
use crate::{
    engine::message::{self as engine, PROTOCOL, ToEngine},
    schema::{definitions, finish, variants},
};

/// The names of the four sets of messages, each with who sends it to whom.
const DIRECTIONS: [(&str, &str); 4] = [
    ("ToEngine", "From demask to an engine"),
    ("FromEngine", "From an engine to demask"),
    ("ToLoop", "From demask to a sampling loop"),
    ("FromLoop", "From a sampling loop to demask"),
];

/// The JSON Schema (draft 2020-12) of a message of this version. Each of its definitions
/// `ToEngine`, `FromEngine`, `ToLoop` and `FromLoop` describes one direction. Later versions may
/// send fields and types that are not in it; readers ignore them.
pub fn schema() -> Value {
    let sent = SchemaSettings::draft2020_12().for_serialize();
    let read = SchemaSettings::draft2020_12().for_deserialize();
    let mut shapes = of::<ToEngine>(&sent);
    shapes.append(&mut of::<ToLoop>(&sent));
    shapes.append(&mut of::<engine::FromEngine>(&read));
    shapes.append(&mut of::<FromLoop>(&read));
    let any = DIRECTIONS.map(|(name, _)| json!({ "$ref": format!("#/$defs/{name}") }));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("A message of demask's protocol, version {PROTOCOL}"),
        "description": "Of a sampling loop, lines without a `type` are records of a recording, which have a schema of their own.",
        "anyOf": any,
        "$defs": shapes,
    });
    finish(&mut schema);
    schema
}

/// The definitions of a type and of all types in it.
fn of<Message: JsonSchema>(settings: &SchemaSettings) -> Map<String, Value> {
    let mut generator = settings.clone().into_generator();
    generator.subschema_for::<Message>();
    generator.take_definitions(true)
}

/// Every message and type of the protocol with its fields, as Markdown, from the doc comments of
/// the types.
pub fn field_tables() -> String {
    let schema = schema();
    let shown = DIRECTIONS.map(|(name, _)| &schema["$defs"][name]);
    let messages = DIRECTIONS.iter().zip(shown).map(|((_, title), messages)| {
        format!("## {title}\n\n{}", variants(&schema, messages, "type"))
    });
    let messages: String = messages.collect();
    format!("{messages}## Types\n\n{}", definitions(&schema, &shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_sides_use_has_one_shape() {
        let sent = SchemaSettings::draft2020_12().for_serialize();
        let read = SchemaSettings::draft2020_12().for_deserialize();
        let all = [
            of::<ToEngine>(&sent),
            of::<ToLoop>(&sent),
            of::<engine::FromEngine>(&read),
            of::<FromLoop>(&read),
        ];
        let merged = schema();
        for (name, mut shape) in all.into_iter().flatten() {
            finish(&mut shape);
            assert_eq!(merged["$defs"][&name], shape, "{name}");
        }
    }
}
