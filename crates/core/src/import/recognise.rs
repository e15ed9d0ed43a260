//! How a text begins, by which its format is recognised, and why it is in none.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Map, Value, value::RawValue};

use super::{ImportFormat, json};
use crate::trace;

/// Records at the start that are looked at to tell a format.
const LOOKED_AT: usize = 8;

/// How a JSON text begins, as far as its format shows by that.
pub(super) struct Beginning<'a> {
    bytes: &'a [u8],
    /// How many lists are open before the first other thing.
    pub(super) depth: usize,
    /// The first byte of that thing, blanks left out.
    pub(super) first: Option<u8>,
    /// The fields of the object that the text is, if it is one and whole.
    fields: BTreeMap<String, &'a RawValue>,
}

impl<'a> Beginning<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut shown = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
        let depth = shown.clone().take_while(|&&byte| byte == b'[').count();
        let first = shown.nth(depth).copied();
        let fields = match (depth, first) {
            (0, Some(b'{')) => serde_json::from_slice(bytes).unwrap_or_default(),
            _ => BTreeMap::new(),
        };
        Self { bytes, depth, first, fields }
    }

    /// Whether a field of the object begins so, blanks left out.
    pub(super) fn field_begins(&self, name: &str, wanted: &str) -> bool {
        self.fields.get(name).is_some_and(|value| {
            let shown = value.get().chars().filter(|c| !c.is_whitespace());
            shown.take(wanted.len()).eq(wanted.chars())
        })
    }

    /// The first values: the first item of a list, else the objects at the start.
    pub(super) fn values(&self) -> Vec<Value> {
        if self.depth > 0 {
            // A list that is cut does not show what it is.
            let list = serde_json::from_slice::<Vec<&RawValue>>(self.bytes).unwrap_or_default();
            let first = list.first().and_then(|first| serde_json::from_str(first.get()).ok());
            return first.into_iter().collect();
        }
        let values = serde_json::Deserializer::from_slice(self.bytes).into_iter::<Value>();
        values.take(LOOKED_AT).map_while(Result::ok).collect()
    }
}

/// Why a text is in no format that is read.
pub(super) fn unknown(bytes: &[u8]) -> String {
    if bytes.trim_ascii().is_empty() {
        return "it is empty".to_owned();
    }
    if let Some(what) = known_bytes(bytes) {
        return format!("this is {what}");
    }
    if trace::is_recording(bytes) {
        return "this is a demask recording already: `demask replay` opens it".to_owned();
    }
    let begins = bytes.trim_ascii_start().first();
    if matches!(begins, Some(b'{' | b'[')) {
        if bytes.trim_ascii_start().starts_with(b"{'")
            || bytes.trim_ascii_start().starts_with(b"[{'")
        {
            return "this is what Python prints, not JSON. Write it with json.dump".to_owned();
        }
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
        match values.next() {
            Some(Err(error)) => return json::fault(bytes, &error),
            Some(Ok(value)) => {
                if let Some(what) = known_object(&value) {
                    return format!(
                        "this is {what}: it holds no canvases, so there is no run to import. \
                         docs/recorder.md says how a loop is recorded"
                    );
                }
            }
            None => {}
        }
    }
    let names: Vec<&str> = ImportFormat::all().map(ImportFormat::name).collect();
    format!(
        "this is in no format that is known ({}). If it is in one of them, say which with --format; \
         docs/import.md has what each holds, and under which names steps and canvases are looked for",
        names.join(", ")
    )
}

/// Files of other kinds by how they begin, and what to do.
fn known_bytes(bytes: &[u8]) -> Option<&'static str> {
    let text: Cow<str> = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]);
    let html = text.trim_start().to_ascii_lowercase();
    let kinds: [(bool, &str); 9] = [
        (
            bytes.starts_with(b"\x93NUMPY"),
            "an array of NumPy. Write it as JSON: json.dump(numpy.load(file).tolist(), …)",
        ),
        (
            bytes.starts_with(b"GGUF") || bytes.get(8..10) == Some(b"{\""),
            "a file of weights, not of a run: `demask info` says what is in it",
        ),
        (bytes.starts_with(b"PAR1"), "a Parquet table. Write its canvases as JSON lines"),
        (
            bytes.starts_with(b"PK\x03\x04"),
            "an archive that torch.save did not write. Write its canvases as JSON",
        ),
        (
            bytes.starts_with(b"SQLite format 3"),
            "a data base of SQLite. Write its canvases as JSON",
        ),
        (
            matches!(bytes, [0x80, 2..=5, ..]),
            "a pickle of Python that torch.save did not write. Save it with torch.save, or as JSON",
        ),
        (bytes.starts_with(b"\x89HDF"), "a file of HDF5. Write its canvases as JSON"),
        (
            html.starts_with("<!doctype") || html.starts_with("<html"),
            "a page for a browser. Import what it was made from",
        ),
        (
            bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"),
            "text in UTF-16. Save it as UTF-8",
        ),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

/// JSON of other programs that holds no canvases, by its names.
fn known_object(value: &Value) -> Option<&'static str> {
    let object = match value {
        Value::Array(list) => list.first()?.as_object()?,
        value => value.as_object()?,
    };
    let kinds: [(&[&str], &str); 8] = [
        (&["filtered_resps"], "samples of lm-evaluation-harness"),
        (&["doc_id", "resps"], "samples of lm-evaluation-harness"),
        (&["results", "config"], "results of lm-evaluation-harness"),
        (&["choices", "object"], "an answer of a completion API"),
        (&["messages"], "a conversation"),
        (&["conversations"], "a conversation"),
        (&["log_history"], "a trainer's state of transformers"),
        (&["traceEvents"], "a profile in Chrome's trace format"),
    ];
    let has = |object: &Map<String, Value>, names: &[&str]| {
        names.iter().all(|name| object.contains_key(*name))
    };
    kinds.into_iter().find(|(names, _)| has(object, names)).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_what_they_hold() {
        for (text, format) in [
            ("[[1,2],[1,3]]", Some(ImportFormat::History)),
            ("[[[1,2]],[[1,3]]]", Some(ImportFormat::History)),
            ("[]", Some(ImportFormat::History)),
            ("{\"histories\": [[1,2]]}", Some(ImportFormat::History)),
            ("{\"seed\": 1, \"history\": [[[1,2]]]}", Some(ImportFormat::History)),
            ("[1,2,9]\n[1,2,3]\n", Some(ImportFormat::Steps)),
            ("[[\"a\",\"[MASK]\"]]", Some(ImportFormat::Steps)),
            ("[\"[MASK]\", \"a\"]", Some(ImportFormat::Steps)),
            ("[{\"step\":0,\"token_ids\":[1]}]", Some(ImportFormat::Steps)),
            ("{\"steps\":[{\"ids\":[1]}]}", Some(ImportFormat::Steps)),
            ("{\"steps\":[[1,2]], \"mask_id\": 2}", Some(ImportFormat::Steps)),
            ("{\"history\":[{\"x\":[1]}]}", Some(ImportFormat::Steps)),
            ("{\"history\":[\"[MASK]\"]}", Some(ImportFormat::Steps)),
            ("{\"step\":0,\"x\":[1]}\n{\"step\":1,\"x\":[2]}", Some(ImportFormat::Steps)),
            ("{\"schema\":\"dg-runlog/1\"}\n", Some(ImportFormat::Steps)),
            ("{\"words\":[{\"text\":\"a\"}]}", Some(ImportFormat::AfterTokens)),
            ("{\"tokens\":[1,2]}", Some(ImportFormat::Steps)),
            ("{\"a\":1}", None),
            ("[{\"a\":1}]", None),
            ("{\"histories\": [[1,2", None),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(super::super::format_of(text.as_bytes()), format, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, expected) in [
            ("", "it is empty"),
            ("{\"histories\": [[1,2,9],[1,", "ends early, at line 1, column 26 (byte 26)"),
            ("[\n[1,2],\n[1,x]]", "no JSON at line 3, column 4 (byte 13)"),
            ("{'step': 0}", "json.dump"),
            ("{\"doc_id\": 0, \"resps\": [[\"a\"]]}", "samples of lm-evaluation-harness"),
            ("[{\"messages\": []}]", "a conversation"),
            ("{\"traceEvents\": []}", "Chrome"),
            ("<!DOCTYPE html><p>", "a page for a browser"),
            ("GGUF\u{3}", "a file of weights"),
            ("{\"a\":1}", "--format"),
        ] {
            let told = unknown(text.as_bytes());
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
