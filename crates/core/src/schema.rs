//! JSON Schemas made from our types, and what they say as Markdown.
//!
//! ```
//! let mut schema = serde_json::json!({"format": "uint32", "description": "see [`Edit`]"});
//! demask_core::schema::finish(&mut schema);
//! assert_eq!(schema["maximum"], u32::MAX);
//! assert_eq!(schema["description"], "see `Edit`");
//! ```

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What every schema made here has in common: links of the source's documentation are plain names,
/// and whole numbers have the bounds of their types, which validators do not take from `format`.
pub fn finish(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("[`", "`").replace("`]", "`"),
        Value::Array(items) => items.iter_mut().for_each(finish),
        Value::Object(fields) => {
            bound(fields);
            fields.values_mut().for_each(finish);
        }
        _ => {}
    }
}

fn bound(fields: &mut Map<String, Value>) {
    let most = match fields.get("format").and_then(Value::as_str) {
        Some("uint32") => u64::from(u32::MAX),
        Some("uint" | "uint64") => u64::MAX,
        _ => return,
    };
    fields.entry("maximum").or_insert_with(|| json!(most));
}

/// The forms of `of`, each with its fields, as Markdown: those of an enum whose variants the field
/// `tag` tells apart. `whole` is the schema with the definitions.
pub fn variants(whole: &Value, of: &Value, tag: &str) -> String {
    let mut text = String::new();
    for variant in list(&of["oneOf"]) {
        let name = variant["properties"][tag]["const"].as_str().unwrap_or_default();
        let own = variant["$ref"].as_str().and_then(|target| definition(whole, target));
        let description = variant["description"].as_str().unwrap_or_default();
        text.push_str(&format!("### `{name}`\n\n{}\n\n", one_line(description)));
        table(own.unwrap_or(variant), tag, &mut text);
    }
    text
}

/// The definitions of a schema as Markdown, but for those that are forms of one of `shown`.
pub fn definitions(whole: &Value, shown: &[&Value]) -> String {
    let forms = shown.iter().flat_map(|one| list(&one["oneOf"]));
    let used: BTreeSet<&str> = forms.filter_map(|form| form["$ref"].as_str()).collect();
    let mut text = String::new();
    for (name, shape) in whole["$defs"].as_object().into_iter().flatten() {
        if shown.contains(&shape) || used.contains(format!("#/$defs/{name}").as_str()) {
            continue;
        }
        let description = shape["description"].as_str().unwrap_or_default();
        text.push_str(&format!("### {name}\n\n{}\n\n", one_line(description)));
        match shape["properties"].is_object() {
            true => table(shape, "", &mut text),
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

/// The fields of an object, and below them those of the forms that it may have beside them.
fn table(shape: &Value, tag: &str, text: &mut String) {
    fields(shape, tag, text);
    for form in list(&shape["anyOf"]) {
        let description = one_line(form["description"].as_str().unwrap_or_default());
        text.push_str(&format!("Form: {description}\n\n"));
        fields(form, tag, text);
    }
}

fn fields(shape: &Value, tag: &str, text: &mut String) {
    let properties = shape["properties"].as_object().into_iter().flatten();
    let fields: Vec<_> = properties.filter(|(name, _)| *name != tag).collect();
    if fields.is_empty() {
        return;
    }
    let required: Vec<&str> = list(&shape["required"]).filter_map(Value::as_str).collect();
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    for (name, field) in fields {
        let optional = if required.contains(&name.as_str()) { "" } else { ", optional" };
        let description = one_line(field["description"].as_str().unwrap_or_default());
        text.push_str(&format!("| `{name}` | {}{optional} | {description} |\n", kind_of(field)));
    }
    text.push('\n');
}

/// The forms a value may have.
fn alternatives(shape: &Value, text: &mut String) {
    text.push_str("| form | meaning |\n|---|---|\n");
    let forms = list(&shape["oneOf"]).chain(list(&shape["anyOf"]));
    for form in forms {
        let description = one_line(form["description"].as_str().unwrap_or_default());
        text.push_str(&format!("| {} | {description} |\n", kind_of(form)));
    }
    for value in list(&shape["enum"]).filter_map(Value::as_str) {
        text.push_str(&format!("| `\"{value}\"` | |\n"));
    }
    text.push('\n');
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
    if shape["enum"].is_array() {
        let values: Vec<String> = list(&shape["enum"]).map(|value| format!("`{value}`")).collect();
        return values.join(" or ");
    }
    let either: Vec<String> =
        list(&shape["anyOf"]).chain(list(&shape["oneOf"])).map(kind_of).collect();
    if !either.is_empty() {
        return either.join(" or ");
    }
    let of = |name: &str| match name {
        "array" if shape["prefixItems"].is_array() => {
            let items: Vec<String> = list(&shape["prefixItems"]).map(kind_of).collect();
            format!("[{}]", items.join(", "))
        }
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
