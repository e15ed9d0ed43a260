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
    schema.to_value()
}
