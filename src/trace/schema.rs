//! The format as a JSON Schema, made from the types of `record`.

use serde_json::{Value, json};

use super::record::{Record, VERSION};

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
    unlink(&mut schema);
    schema
}

/// Links of the source's documentation are plain names in a schema.
fn unlink(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("[`", "`").replace("`]", "`"),
        Value::Array(items) => items.iter_mut().for_each(unlink),
        Value::Object(fields) => fields.values_mut().for_each(unlink),
        _ => {}
    }
}

/// Every record and type of the format with its fields, as Markdown: what the document says is what
/// the types say.
pub fn field_tables() -> String {
    let schema = schema();
    let mut text = String::new();
    for variant in list(&schema["oneOf"]) {
        let kind = variant["properties"]["kind"]["const"].as_str().unwrap_or_default();
        let own = variant["$ref"].as_str().and_then(|target| definition(&schema, target));
        let said = variant["description"].as_str().unwrap_or_default();
        text.push_str(&format!("### `{kind}`\n\n{}\n\n", one_line(said)));
        table(own.unwrap_or(variant), &mut text);
    }
    let used: Vec<&str> = list(&schema["oneOf"]).filter_map(|v| v["$ref"].as_str()).collect();
    for (name, shape) in schema["$defs"].as_object().into_iter().flatten() {
        if used.contains(&format!("#/$defs/{name}").as_str()) {
            continue;
        }
        let said = shape["description"].as_str().unwrap_or_default();
        text.push_str(&format!("### {name}\n\n{}\n\n", one_line(said)));
        match shape["properties"].is_object() {
            true => table(shape, &mut text),
            false => alternatives(shape, &mut text),
        }
    }
    text
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn definition<'a>(schema: &'a Value, target: &str) -> Option<&'a Value> {
    schema["$defs"].get(target.strip_prefix("#/$defs/")?)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The fields of an object.
fn table(shape: &Value, text: &mut String) {
    let required: Vec<&str> = list(&shape["required"]).filter_map(Value::as_str).collect();
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    for (name, field) in shape["properties"].as_object().into_iter().flatten() {
        if name == "kind" {
            continue;
        }
        let optional = if required.contains(&name.as_str()) { "" } else { ", optional" };
        let said = one_line(field["description"].as_str().unwrap_or_default());
        text.push_str(&format!("| `{name}` | {}{optional} | {said} |\n", kind_of(field)));
    }
    text.push('\n');
}

/// The forms a value may have.
fn alternatives(shape: &Value, text: &mut String) {
    text.push_str("| form | meaning |\n|---|---|\n");
    let forms = list(&shape["oneOf"]).chain(list(&shape["anyOf"]));
    for form in forms {
        let said = one_line(form["description"].as_str().unwrap_or_default());
        for shown in forms_of(form) {
            text.push_str(&format!("| {shown} | {said} |\n"));
        }
    }
    for value in list(&shape["enum"]).filter_map(Value::as_str) {
        text.push_str(&format!("| `\"{value}\"` | |\n"));
    }
    text.push('\n');
}

fn forms_of(form: &Value) -> Vec<String> {
    let named = list(&form["enum"]).map(|value| format!("`{value}`"));
    let named: Vec<String> = named.collect();
    if named.is_empty() { vec![kind_of(form)] } else { named }
}

/// A type in words.
fn kind_of(shape: &Value) -> String {
    if let Some(target) = shape["$ref"].as_str() {
        return target.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if !shape["const"].is_null() {
        return format!("`{}`", shape["const"]);
    }
    if let Some(fields) = shape["properties"].as_object() {
        let fields = fields.iter().map(|(name, field)| format!("`{name}`: {}", kind_of(field)));
        return format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
    }
    if shape["prefixItems"].is_array() {
        let items: Vec<String> = list(&shape["prefixItems"]).map(kind_of).collect();
        return format!("[{}]", items.join(", "));
    }
    let either: Vec<String> =
        list(&shape["anyOf"]).chain(list(&shape["oneOf"])).map(kind_of).collect();
    if !either.is_empty() {
        return either.join(" or ");
    }
    let of = |name: &str| match name {
        "array" => format!("list of {}", kind_of(&shape["items"])),
        "object" if shape["additionalProperties"].is_object() => {
            format!("object of {}", kind_of(&shape["additionalProperties"]))
        }
        name => name.to_owned(),
    };
    match &shape["type"] {
        Value::String(name) => of(name),
        Value::Array(names) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(of).collect();
            names.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}
