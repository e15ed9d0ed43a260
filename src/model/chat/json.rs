//! The filter `tojson`, as transformers has it: Python's `json.dumps`, which escapes no HTML.

use std::fmt::Write;

use minijinja::{Error, Value, value::ValueKind};

use super::{
    arguments::{bind, refused, truth},
    python::{float, float_of},
};

/// The deepest nesting of values.
const DEEPEST: usize = 100;

/// `value | tojson(ensure_ascii, indent, separators, sort_keys)`.
///
/// # Errors
/// If a value has no form in JSON.
pub(super) fn tojson(value: &Value, args: &[Value]) -> Result<Value, Error> {
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
    let mut writer = Writer {
        text: String::new(),
        ascii: truth(ascii, false),
        indent,
        between: between.to_owned(),
        after: after.to_owned(),
        sorted: truth(sorted, false),
    };
    writer.value(value, 0)?;
    Ok(writer.text.into())
}

struct Writer {
    text: String,
    ascii: bool,
    indent: Option<String>,
    /// Between two items.
    between: String,
    /// After a key.
    after: String,
    sorted: bool,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(refused("`tojson`: the value is nested too deeply"));
        }
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&number(value)),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.nested('[', ']', &items, depth, |writer, item| writer.value(item, depth + 1))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.nested('{', '}', &keys, depth, |writer, key| {
                    let name = match key.kind() {
                        ValueKind::String => key.as_str().unwrap_or_default().to_owned(),
                        ValueKind::None => "null".to_owned(),
                        ValueKind::Bool if key.is_true() => "true".to_owned(),
                        ValueKind::Bool => "false".to_owned(),
                        ValueKind::Number => number(key),
                        kind => return Err(refused(format!("`tojson`: a key is a {kind}"))),
                    };
                    writer.string(&name);
                    writer.text.push_str(&writer.after.clone());
                    writer.value(&value.get_item(key)?, depth + 1)
                })?;
            }
            kind => return Err(refused(format!("`tojson`: the value is {kind}"))),
        }
        Ok(())
    }

    fn nested(
        &mut self,
        open: char,
        close: char,
        items: &[Value],
        depth: usize,
        mut one: impl FnMut(&mut Self, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.text.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push_str(&self.between.clone());
            }
            self.line(depth + 1);
            one(self, item)?;
        }
        if !items.is_empty() {
            self.line(depth);
        }
        self.text.push(close);
        Ok(())
    }

    /// A new line, if there are any.
    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.text.push('\n');
            self.text.push_str(&indent.repeat(depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\x08' => self.text.push_str("\\b"),
                '\x0C' => self.text.push_str("\\f"),
                _ if c < ' ' || (self.ascii && !matches!(c, ' '..='~')) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                _ => self.text.push(c),
            }
        }
        self.text.push('"');
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
