//! The filter `tojson`, as transformers has it: Python's `json.dumps`, which escapes no HTML.

use minijinja::{Error, State, Value, value::ValueKind};

use super::{
    arguments::{bind, refused, truth},
    budget::{DEEPEST, FueledText},
    python::{float, float_of},
};

/// `value | tojson(ensure_ascii, indent, separators, sort_keys)`.
///
/// # Errors
/// If a value has no form in JSON.
pub(super) fn tojson(state: &State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [ascii, indent, separators, sorted] =
        bind(args, ["ensure_ascii", "indent", "separators", "sort_keys"])?;
    let indent = indent.filter(|given| !given.is_none()).map(|given| match given.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => i64::try_from(given).map(|n| " ".repeat(usize::try_from(n.min(100)).unwrap_or(0))),
    });
    let indent = indent.transpose()?;
    let given: Vec<Value> = match separators.filter(|given| !given.is_none()) {
        Some(given) => given.try_iter()?.collect(),
        None => vec![if indent.is_some() { "," } else { ", " }.into(), ": ".into()],
    };
    let [Some(between), Some(after)] = [given.first(), given.get(1)].map(|s| s?.as_str()) else {
        return Err(refused("`tojson`: separators are two strings"));
    };
    let mut writer = JsonWriter {
        text: FueledText::new(state),
        ascii: truth(ascii, false),
        indent,
        between: between.to_owned(),
        after: after.to_owned(),
        sorted: truth(sorted, false),
    };
    writer.value(value, 0)?;
    Ok(writer.text.done().into())
}

struct JsonWriter {
    text: FueledText,
    ascii: bool,
    indent: Option<String>,
    /// What is written between two items.
    between: String,
    /// What is written after a key.
    after: String,
    sorted: bool,
}

impl JsonWriter {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(refused("`tojson`: the value is nested too deeply"));
        }
        match value.kind() {
            ValueKind::None => self.text.push("null"),
            ValueKind::Bool => self.text.push(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                self.nested(["[", "]"], value.try_iter()?, depth, |writer, item| {
                    writer.value(item, depth + 1)
                })
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.nested(["{", "}"], keys.into_iter(), depth, |writer, key| {
                    let name = match key.kind() {
                        ValueKind::String => key.as_str().unwrap_or_default().to_owned(),
                        ValueKind::None => "null".to_owned(),
                        ValueKind::Bool if key.is_true() => "true".to_owned(),
                        ValueKind::Bool => "false".to_owned(),
                        ValueKind::Number => number(key),
                        kind => return Err(refused(format!("`tojson`: a key is a {kind}"))),
                    };
                    writer.string(&name)?;
                    writer.text.push(&writer.after)?;
                    writer.value(&value.get_item(key)?, depth + 1)
                })
            }
            kind => Err(refused(format!("`tojson`: the value is {kind}"))),
        }
    }

    fn nested(
        &mut self,
        [open, close]: [&str; 2],
        items: impl Iterator<Item = Value>,
        depth: usize,
        mut one: impl FnMut(&mut Self, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.text.push(open)?;
        let mut first = true;
        for item in items {
            if !std::mem::take(&mut first) {
                self.text.push(&self.between)?;
            }
            self.line(depth + 1)?;
            one(self, &item)?;
        }
        if !first {
            self.line(depth)?;
        }
        self.text.push(close)
    }

    /// A new line, if there are any.
    fn line(&mut self, depth: usize) -> Result<(), Error> {
        if let Some(indent) = &self.indent {
            self.text.push("\n")?;
            self.text.repeat(indent, depth)?;
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        self.text.push("\"")?;
        let mut rest = text;
        // A run of characters that need no escape is added at once.
        while let Some(at) = rest.find(|c| self.escapes(c)) {
            self.text.push(&rest[..at])?;
            let mut chars = rest[at..].chars();
            match chars.next().unwrap_or_default() {
                '"' => self.text.push("\\\"")?,
                '\\' => self.text.push("\\\\")?,
                '\n' => self.text.push("\\n")?,
                '\r' => self.text.push("\\r")?,
                '\t' => self.text.push("\\t")?,
                '\x08' => self.text.push("\\b")?,
                '\x0C' => self.text.push("\\f")?,
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.text.push(&format!("\\u{unit:04x}"))?;
                    }
                }
            }
            rest = chars.as_str();
        }
        self.text.push(rest)?;
        self.text.push("\"")
    }

    fn escapes(&self, c: char) -> bool {
        c < ' ' || matches!(c, '"' | '\\') || (self.ascii && !matches!(c, ' '..='~'))
    }
}

fn number(value: &Value) -> String {
    match float_of(value) {
        None => value.to_string(),
        Some(number) if number.is_nan() => "NaN".to_owned(),
        Some(number) if number.is_infinite() => {
            if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Some(number) => float(number),
    }
}
