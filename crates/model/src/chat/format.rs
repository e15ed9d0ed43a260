//! Python's two ways to put values into a text: `'%s' % value` and `'{}'.format(value)`.

use minijinja::{
    Error, State, Value,
    formatting::{FormatStyle, format},
    value::ValueKind,
};

use super::{
    arguments::refused,
    budget::{self, FueledText},
    python::{self, float_of, repr, shown},
};

/// `text % values`: a tuple gives one value for each place, a dictionary by name, and anything
/// else is the one value.
pub(super) fn percent(state: &State, text: &str, values: &Value) -> Result<String, Error> {
    let mapping = values.kind() == ValueKind::Map;
    let all: Vec<Value> =
        if values.is_tuple() { values.try_iter()?.collect() } else { vec![values.clone()] };
    let mut next = all.iter();
    let mut written = FueledText::new(state);
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        written.push(&rest[..at])?;
        rest = &rest[at + 1..];
        let mut key = None;
        if let Some(named) = rest.strip_prefix('(') {
            let (name, after) = named.split_once(')').ok_or_else(|| cut("%("))?;
            key = Some(name);
            rest = after;
        }
        let mut spec = String::new();
        let kind = loop {
            let mut chars = rest.chars();
            let c = chars.next().ok_or_else(|| cut("%"))?;
            rest = chars.as_str();
            match c {
                '*' => {
                    let width = next.next().ok_or_else(few)?;
                    spec.push_str(&i64::try_from(width.clone())?.to_string());
                }
                '#' | '0'..='9' | '-' | ' ' | '+' | '.' => spec.push(c),
                'l' | 'h' | 'L' => {}
                _ => break c,
            }
        };
        if too_wide(&spec) {
            return Err(refused(format!("`%{spec}{kind}` is too wide")));
        }
        if kind == '%' {
            written.push("%")?;
            continue;
        }
        let value = match key {
            Some(name) if mapping => values.get_item(&Value::from(name))?,
            Some(_) => return Err(refused("`%(name)` wants a dictionary")),
            None => next.next().cloned().ok_or_else(few)?,
        };
        let (kind, value) = match kind {
            's' => ('s', Value::from(shown(state, &value)?)),
            'r' => ('s', Value::from(repr(state, &value)?)),
            'a' => ('s', Value::from(ascii(&repr(state, &value)?))),
            'd' | 'i' | 'u' => ('d', float_of(&value).map_or(value, |x| Value::from(x as i64))),
            other => (other, value),
        };
        written.push(&format(FormatStyle::Printf, &format!("%{spec}{kind}"), &[value])?)?;
    }
    if !mapping
        && next.next().is_some()
        && !(all.len() == 1 && values.kind() == ValueKind::Seq && !values.is_tuple())
    {
        return Err(refused("`%`: not all values have a place in the text"));
    }
    written.push(rest)?;
    Ok(written.done())
}

/// Whether a width or precision in a format is so large that it only wastes memory.
fn too_wide(spec: &str) -> bool {
    let numbers = spec.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.into_iter().any(|digits| !digits.parse().is_ok_and(|n: usize| n <= budget::WIDEST))
}

fn cut(start: &str) -> Error {
    refused(format!("`{start}` has no end in the text"))
}

fn few() -> Error {
    refused("`%`: there are more places in the text than values")
}

/// `text.format(…)`. `named` gives the arguments by name.
pub(super) fn braces(
    state: &State,
    text: &str,
    positional: &[Value],
    named: &dyn Fn(&str) -> Option<Value>,
) -> Result<String, Error> {
    let mut fields = FormatFields { positional, named, next: 0 };
    fields.written(state, text, 2)
}

struct FormatFields<'a> {
    positional: &'a [Value],
    named: &'a dyn Fn(&str) -> Option<Value>,
    /// The next that is taken by its place.
    next: usize,
}

impl FormatFields<'_> {
    fn written(&mut self, state: &State, text: &str, depth: usize) -> Result<String, Error> {
        let mut written = FueledText::new(state);
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            written.push(&rest[..at])?;
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                written.push(brace)?;
                rest = after;
                continue;
            }
            if brace == "}" || depth == 0 {
                return Err(refused("`format`: a brace stands alone"));
            }
            let end = closing(rest).ok_or_else(|| cut("{"))?;
            written.push(&self.field(state, &rest[..end], depth - 1)?)?;
            rest = &rest[end + 1..];
        }
        written.push(rest)?;
        Ok(written.done())
    }

    fn field(&mut self, state: &State, field: &str, depth: usize) -> Result<String, Error> {
        let bracketed = field.find(']').unwrap_or(0);
        let name_end = field[bracketed..].find(['!', ':']).map_or(field.len(), |at| bracketed + at);
        let (name, rest) = field.split_at(name_end);
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(rest) => rest.split_once(':').map_or((rest, ""), |(how, spec)| (how, spec)),
            None => ("", rest.strip_prefix(':').unwrap_or_default()),
        };
        let value = self.value(name)?;
        let value = match conversion {
            "" => value,
            "s" => shown(state, &value)?.into(),
            "r" => repr(state, &value)?.into(),
            "a" => ascii(&repr(state, &value)?).into(),
            other => return Err(refused(format!("`format`: `!{other}` is no conversion"))),
        };
        let spec = self.written(state, spec, depth)?;
        let kind = value.kind();
        if spec.is_empty() {
            return shown(state, &value);
        }
        if too_wide(&spec) {
            return Err(refused(format!("`format`: `{spec}` is too wide")));
        }
        if !matches!(kind, ValueKind::String | ValueKind::Number | ValueKind::Bool) {
            return Err(refused(format!(
                "`format`: `{spec}` does not go with this value ({kind})"
            )));
        }
        if let Some(spec) = spec.strip_suffix('%') {
            let hundredfold = f64::try_from(value)? * 100.0;
            let number = braced(&format!("{spec}f"), hundredfold.into())?;
            // The sign of percent takes one place of the width, on the right of the digits.
            return Ok(number.strip_prefix(' ').unwrap_or(&number).to_owned() + "%");
        }
        braced(&spec, value)
    }

    /// The value of `name.attribute[key]`.
    fn value(&mut self, name: &str) -> Result<Value, Error> {
        let first_end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(first_end);
        let by_place = |index: usize| {
            self.positional
                .get(index)
                .cloned()
                .ok_or_else(|| refused(format!("`format`: there is no value number {index}")))
        };
        let mut value = if first.is_empty() {
            self.next += 1;
            by_place(self.next - 1)?
        } else if let Ok(index) = first.parse() {
            by_place(index)?
        } else {
            (self.named)(first)
                .ok_or_else(|| refused(format!("`format`: there is no value `{first}`")))?
        };
        while !path.is_empty() {
            let key = if let Some(rest) = path.strip_prefix('.') {
                let (key, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                path = after;
                Value::from(key)
            } else {
                let (key, after) = path[1..].split_once(']').ok_or_else(|| cut("["))?;
                path = after;
                key.parse::<i64>().map_or_else(|_| Value::from(key), Value::from)
            };
            value = value.get_item(&key)?;
        }
        Ok(value)
    }
}

fn braced(spec: &str, value: Value) -> Result<String, Error> {
    format(FormatStyle::StrFormat, &format!("{{:{spec}}}"), &[value])
}

/// Where the field that begins a text ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A text with everything beyond ASCII escaped.
fn ascii(text: &str) -> String {
    let escaped = |c: char| if c.is_ascii() { c.to_string() } else { python::escaped(c) };
    text.chars().map(escaped).collect()
}
