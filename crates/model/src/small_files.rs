//! A checkpoint's small files: their bytes, their text, and the JSON objects that they hold.

use std::{fs, path::Path};

use serde_json::{Map, Value};

use super::LoadError;
use crate::bounded;

/// The advice for a damaged file.
const FETCH: &str = "Fetch the file again from where the model came from";

/// The fields of an object.
pub(super) type JsonObject = Map<String, Value>;

/// Reads the object that the file at `place` holds.
///
/// # Errors
/// If the file is empty, is not UTF-8 or JSON, or holds another value than an object.
pub(super) fn object(bytes: &[u8], place: &str) -> Result<JsonObject, LoadError> {
    let text = text(bytes, place)?;
    let wrong = |problem: String| LoadError::new(place, problem, FETCH);
    if text.trim().is_empty() {
        return Err(wrong("it is empty".to_owned()));
    }
    match serde_json::from_str(text).map_err(|error| wrong(format!("this is no JSON ({error})")))? {
        Value::Object(object) => Ok(object),
        other => Err(wrong(format!("it holds {}, expected a JSON object", kind(&other)))),
    }
}

/// The text that the file at `place` holds.
///
/// # Errors
/// If the file is not UTF-8.
pub(super) fn text<'b>(bytes: &'b [u8], place: &str) -> Result<&'b str, LoadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let problem = format!("this is no text (byte {} is no UTF-8)", error.valid_up_to() + 1);
        LoadError::new(place, problem, FETCH)
    })
}

/// The kind of a value, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Largest file read as a whole, bytes: tokenizers have some dozen megabytes.
const LARGEST_FILE: u64 = 1 << 28;

/// A file's contents. A pipe or device could keep us waiting, or never end.
pub(super) fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    plain(path)?;
    bounded::read(path, LARGEST_FILE)
}

/// An error unless `path` is a plain file.
pub(super) fn plain(path: &Path) -> std::io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        Err(std::io::Error::other("it is not a plain file"))
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
    LoadError::new(
        path.display().to_string(),
        format!("it cannot be read ({error})"),
        "Check its permissions and that the download is complete",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_object_is_refused_with_the_file() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b" \n", "it is empty"),
            (b"{", "this is no JSON (EOF while parsing an object at line 1 column 1)"),
            (b"{}}", "this is no JSON (trailing characters at line 1 column 3)"),
            (b"{\"a\": NaN}", "this is no JSON (expected value at line 1 column 7)"),
            (b"{\"a\": \"\xff\"}", "this is no text (byte 8 is no UTF-8)"),
            (b"[1]", "it holds a list, expected a JSON object"),
            (b"5", "it holds a number, expected a JSON object"),
            (b"null", "it holds null, expected a JSON object"),
            (b"\"x\"", "it holds a text, expected a JSON object"),
            (b"true", "it holds true or false, expected a JSON object"),
        ] {
            let problem = object(bytes, "there/x.json").unwrap_err().to_string();
            assert_eq!(problem, format!("there/x.json: {expected}. {FETCH}"));
        }
        assert_eq!(object(b"{}", "there").unwrap(), JsonObject::new());
    }
}
