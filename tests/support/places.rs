//! Values of another type at every place of a JSON value.

use serde_json::{Value, json};

/// A value of another type.
pub fn other(value: &Value) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) | Value::Null => json!("x"),
        Value::String(_) => json!(17.5),
        Value::Array(_) => json!({ "x": 1 }),
        // Not a list: serde takes one for an object, field by field.
        Value::Object(_) => json!("x"),
    }
}

/// Every place in a value that is worth another type, as the path to it. Of long lists the first
/// two entries.
pub fn places(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = format!("{path}/{name}");
                found.push(path.clone());
                places(field, path, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().take(2).enumerate() {
                let path = format!("{path}/{at}");
                found.push(path.clone());
                places(item, path, found);
            }
        }
        _ => {}
    }
}
