//! The format as a JSON Schema, made from the types of `record`.

use serde_json::{Value, json};

use super::record::{Record, VERSION};
use crate::schema::{definitions, finish, variants};

/// The JSON Schema (draft 2020-12) of a line of a recording of this version. Lines of later minor
/// versions may have fields and kinds that are not in it; readers ignore them.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Record);
    let [major, minor] = VERSION;
    schema.insert(
        "title".to_owned(),
        json!(format!("A line of a demask recording, format {major}.{minor}")),
    );
    // It is no field of a record: it is made of the line's text.
    let sum = json!({
        "description": "XXH3-64 of the line's text before `,\"sum\"`, 16 hexadecimal digits; optional, and the last field.",
        "type": "string",
        "pattern": "^[0-9a-f]{16}$",
    });
    schema.insert("properties".to_owned(), json!({ "sum": sum }));
    let mut schema = schema.to_value();
    finish(&mut schema);
    schema
}

/// Every record and type of the format with its fields, as Markdown: what the document says is what
/// the types say.
pub fn field_tables() -> String {
    let schema = schema();
    variants(&schema, &schema, "kind") + &definitions(&schema, &[&schema])
}
