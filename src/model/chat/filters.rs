//! Filters and tests of Jinja2 where the engine's own differ or are missing.

use minijinja::{
    AutoEscape, Environment, Error, State, Value, filters,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs},
};
use minijinja_contrib::filters as more;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    arguments::{bind, optional_text, pairs, refused, split, truth, whole},
    format, json, methods, python,
};

type Filter = fn(&mut State, &Value, &[Value]) -> Result<Value, Error>;

const FILTERS: [(&str, Filter); 31] = [
    ("tojson", |_, value, args| json::tojson(value, args)),
    ("int", int),
    ("float", float),
    ("abs", abs),
    ("default", default),
    ("d", default),
    ("indent", indent),
    ("truncate", truncate),
    ("center", |_, value, args| {
        let [width] = bind(args, ["width"])?;
        methods::padded(&python::shown(value), whole(width, 80)?, " ", "center").map(Value::from)
    }),
    ("escape", escape),
    ("e", escape),
    ("forceescape", |_, value, args| {
        let [] = bind(args, [])?;
        Ok(Value::from_safe_string(escaped(&python::shown(value))))
    }),
    ("urlencode", urlencode),
    ("xmlattr", xmlattr),
    ("wordcount", |_, value, args| {
        let [] = bind(args, [])?;
        let word = |c: char| c == '_' || c.is_alphanumeric();
        let text = python::shown(value);
        Ok(text.split(|c| !word(c)).filter(|part| !part.is_empty()).count().into())
    }),
    ("striptags", |_, value, args| {
        let [] = bind(args, [])?;
        Ok(more::striptags(python::shown(value)).into())
    }),
    ("filesizeformat", |_, value, args| {
        let [binary] = bind(args, ["binary"])?;
        Ok(more::filesizeformat(f64::try_from(value.clone())?, Some(truth(binary, false))).into())
    }),
    ("replace", replace),
    ("batch", |state, value, args| {
        let [count, fill] = bind(args, ["linecount", "fill_with"])?;
        filters::batch(state, value.clone(), count_of(count)?, fill.filter(|fill| !fill.is_none()))
    }),
    ("slice", |state, value, args| {
        let [count, fill] = bind(args, ["slices", "fill_with"])?;
        filters::slice(state, value.clone(), count_of(count)?, fill.filter(|fill| !fill.is_none()))
    }),
    ("trim", |_, value, args| {
        let [chars] = bind(args, ["chars"])?;
        let chars = optional_text(chars, "chars")?;
        Ok(methods::stripped(&python::shown(value), chars.as_deref(), true, true).into())
    }),
    ("sort", |state, value, args| {
        let given = bind(args, ["reverse", "case_sensitive", "attribute"])?;
        let named = named(["reverse", "case_sensitive", "attribute"], given);
        filters::sort(state, value.clone(), named)
    }),
    ("unique", |state, value, args| {
        let given = bind(args, ["case_sensitive", "attribute"])?;
        filters::unique(state, value.clone(), named(["case_sensitive", "attribute"], given))
    }),
    ("dictsort", |_, value, args| {
        let names = ["case_sensitive", "by", "reverse"];
        filters::dictsort(value, named(names, bind(args, names)?))
    }),
    ("sum", |state, value, args| {
        let [attribute, start] = bind(args, ["attribute", "start"])?;
        let named = named(["attribute", "start"], [attribute, start]);
        let mut call = vec![value.clone()];
        call.push(named.into());
        state.apply_filter(SUM, &call)
    }),
    ("string", |_, value, args| {
        let [] = bind(args, [])?;
        Ok(if value.is_safe() { value.clone() } else { python::shown(value).into() })
    }),
    ("join", join),
    ("capitalize", |_, value, args| {
        let [] = bind(args, [])?;
        Ok(methods::capitalized(&python::shown(value)).into())
    }),
    ("format", |_, value, args| {
        let (positional, named) = split(args)?;
        let names = pairs(&named)?;
        let values = match (positional, names.is_empty()) {
            (positional, true) => Value::from(minijinja::value::Tuple::from(positional.to_vec())),
            ([], false) => Value::from_pairs(names),
            _ => return Err(refused("`format`: values by place or by name, not both")),
        };
        format::percent(&python::shown(value), &values).map(Value::from)
    }),
    ("pprint", |_, value, args| {
        let [] = bind(args, [])?;
        let text = python::repr(&sorted(value)?);
        match text.chars().count() {
            0..80 => Ok(text.into()),
            _ => Err(refused("`pprint` breaks long values over lines, which is not done here")),
        }
    }),
    ("title", |_, value, args| {
        let [] = bind(args, [])?;
        Ok(titled(&python::shown(value)).into())
    }),
];

/// The engine's own filter, which is called from the one of Jinja2's arguments.
const SUM: &str = "sum__";

/// Puts the filters and tests into an environment.
pub(super) fn add(environment: &mut Environment) {
    environment.add_filter(SUM, filters::sum);
    for (name, filter) in FILTERS {
        environment.add_filter(
            name,
            move |state: &mut State, value: Value, args: Rest<ValueOrKwargs>| {
                filter(state, &value, &args.into_values())
            },
        );
    }
    environment.add_test("callable", |value: &Value| {
        matches!(value.kind(), ValueKind::Plain | ValueKind::Undefined)
            || value.to_string().starts_with("<macro")
    });
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String)
            || (value.kind() == ValueKind::Iterable && value.len().is_some())
    });
}

/// Arguments by name, for a function that takes them so.
fn named<const N: usize>(names: [&str; N], given: [Option<Value>; N]) -> Kwargs {
    let given = names.into_iter().zip(given).filter_map(|(name, value)| Some((name, value?)));
    given
        .filter(|(_, value)| !value.is_none())
        .map(|(name, value)| match name {
            // The engine knows an index by its digits only.
            "attribute" if value.is_integer() => (name, value.to_string().into()),
            _ => (name, value),
        })
        .collect()
}

fn count_of(count: Option<Value>) -> Result<usize, Error> {
    let count = usize::try_from(whole(count, 0)?).unwrap_or_default();
    if count > methods::WIDEST { Err(refused("that many parts are too many")) } else { Ok(count) }
}

fn int(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [default, base] = bind(args, ["default", "base"])?;
    let base = u32::try_from(whole(base, 10)?).unwrap_or(10);
    let known = match value.kind() {
        ValueKind::Undefined => return Err(refused("`int`: the value is undefined")),
        ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        ValueKind::Number => match python::float_of(value) {
            Some(float) if !float.is_finite() => None,
            Some(float) => Some(Value::from(float as i128)),
            None => Some(value.clone()),
        },
        ValueKind::String => value.as_str().and_then(python::plain_number).and_then(|digits| {
            let whole = integer(&digits, base).map(Value::from);
            let cut = || digits.parse().ok().filter(|n: &f64| n.is_finite());
            whole.or_else(|| cut().map(|float| Value::from(float as i128)))
        }),
        _ => None,
    };
    Ok(known.or(default).unwrap_or_else(|| 0.into()))
}

/// A whole number's digits in a base, which may be named before them.
fn integer(digits: &str, base: u32) -> Option<i128> {
    let (sign, rest) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let lower = rest.to_lowercase();
    let named = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefix =
        named.iter().find(|(prefix, of)| lower.starts_with(prefix) && (*of == base || base == 0));
    let (rest, base) = match prefix {
        Some((prefix, of)) => (&rest[prefix.len()..], *of),
        None if base == 0 => (rest, 10),
        None => (rest, base),
    };
    if !(2..=36).contains(&base) || rest.starts_with(['-', '+']) {
        return None;
    }
    i128::from_str_radix(rest, base).ok().map(|number| sign * number)
}

fn float(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [default] = bind(args, ["default"])?;
    let known = match value.kind() {
        ValueKind::Undefined => return Err(refused("`float`: the value is undefined")),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => {
            value.as_str().and_then(python::plain_number).and_then(|digits| digits.parse().ok())
        }
        _ => None,
    };
    Ok(known.map(Value::from).or(default).unwrap_or_else(|| 0.0.into()))
}

fn abs(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [] = bind(args, [])?;
    match value.kind() {
        ValueKind::Bool => Ok(i64::from(value.is_true()).into()),
        _ => filters::abs(value.clone()),
    }
}

fn default(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [default, falsy] = bind(args, ["default_value", "boolean"])?;
    let missing = value.is_undefined() || (truth(falsy, false) && !value.is_true());
    Ok(if missing { default.unwrap_or_else(|| "".into()) } else { value.clone() })
}

fn indent(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [width, first, blank] = bind(args, ["width", "first", "blank"])?;
    let before = match width.as_ref().and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => " ".repeat(usize::try_from(whole(width, 4)?).unwrap_or_default().min(1000)),
    };
    // As Jinja2 does it, so that an end of line at the end is kept.
    let text = python::shown(value) + "\n";
    let blank = truth(blank, false);
    let mut written = if truth(first, false) { before.clone() } else { String::new() };
    for (index, line) in python::lines(&text, false).into_iter().enumerate() {
        if index > 0 {
            written.push('\n');
            if blank || !line.is_empty() {
                written.push_str(&before);
            }
        }
        written.push_str(line);
    }
    Ok(written.into())
}

fn truncate(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [length, kill, end, leeway] = bind(args, ["length", "killwords", "end", "leeway"])?;
    let end = optional_text(end, "end")?.unwrap_or_else(|| "...".to_owned());
    let sized = |n: i64| usize::try_from(n).unwrap_or_default();
    let (length, leeway) = (sized(whole(length, 255)?), sized(whole(leeway, 5)?));
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(refused("`truncate`: the length is shorter than what is put at the end"));
    };
    let text = python::shown(value);
    if text.chars().count() <= length + leeway {
        return Ok(text.into());
    }
    let start: String = text.chars().take(kept).collect();
    let start = match start.rsplit_once(' ') {
        Some((before, _)) if !truth(kill, false) => before,
        _ => &start,
    };
    Ok(format!("{start}{end}").into())
}

/// HTML's characters in Python's way.
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '\'' => written.push_str("&#39;"),
            '"' => written.push_str("&#34;"),
            _ => written.push(c),
        }
    }
    written
}

fn escape(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [] = bind(args, [])?;
    let safe = || Value::from_safe_string(escaped(&python::shown(value)));
    Ok(if value.is_safe() { value.clone() } else { safe() })
}

/// What stays as it is in a path; in a query `/` does not.
const KEPT: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const KEPT_IN_QUERY: AsciiSet = KEPT.add(b'/').remove(b' ');

fn urlencode(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [] = bind(args, [])?;
    let part = |value: &Value| {
        utf8_percent_encode(&python::shown(value), &KEPT_IN_QUERY).to_string().replace(' ', "+")
    };
    let pairs: Vec<String> = match value.kind() {
        ValueKind::Map => {
            let pair = |key: Value| Ok(format!("{}={}", part(&key), part(&value.get_item(&key)?)));
            value.try_iter()?.map(pair).collect::<Result<_, Error>>()?
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let pair = |pair: Value| {
                Ok(format!(
                    "{}={}",
                    part(&pair.get_item_by_index(0)?),
                    part(&pair.get_item_by_index(1)?)
                ))
            };
            value.try_iter()?.map(pair).collect::<Result<_, Error>>()?
        }
        _ => return Ok(utf8_percent_encode(&python::shown(value), &KEPT).to_string().into()),
    };
    Ok(pairs.join("&").into())
}

fn xmlattr(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [space] = bind(args, ["autospace"])?;
    let mut attributes = Vec::new();
    for key in value.try_iter()? {
        let held = value.get_item(&key)?;
        let name = python::shown(&key);
        if held.is_none() || held.is_undefined() {
            continue;
        }
        if name.contains(|c: char| python::blank(c) || matches!(c, '/' | '>' | '=')) {
            return Err(refused(format!("`xmlattr`: {name:?} is no name of an attribute")));
        }
        attributes.push(format!("{}=\"{}\"", escaped(&name), escaped(&python::shown(&held))));
    }
    let mut joined = attributes.join(" ");
    if truth(space, true) && !joined.is_empty() {
        joined.insert(0, ' ');
    }
    Ok(match state.auto_escape() {
        AutoEscape::None => joined.into(),
        _ => Value::from_safe_string(joined),
    })
}

fn replace(_: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [old, new, count] = bind(args, ["old", "new", "count"])?;
    let part = |value: Option<Value>| value.as_ref().map(python::shown).unwrap_or_default();
    let (text, old, new) = (python::shown(value), part(old), part(new));
    if new.len().saturating_mul(text.len()) > 1 << 30 {
        return Err(refused("`replace`: the result would be too large"));
    }
    Ok(match usize::try_from(whole(count, -1)?) {
        Ok(count) => text.replacen(&old, &new, count).into(),
        Err(_) => text.replace(&old, &new).into(),
    })
}

fn join(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [between, attribute] = bind(args, ["d", "attribute"])?;
    let between = between.filter(|given| !given.is_none());
    let items = match attribute.filter(|given| !given.is_none()) {
        Some(attribute) => {
            let named: Kwargs = [("attribute", attribute)].into_iter().collect();
            state.apply_filter("map", &[value.clone(), named.into()])?
        }
        None => value.clone(),
    };
    if items.is_undefined() {
        return Ok("".into());
    }
    let between = between.unwrap_or_else(|| "".into());
    let items: Vec<Value> = items.try_iter()?.collect();
    let escaping = !matches!(state.auto_escape(), AutoEscape::None)
        && (between.is_safe() || items.iter().any(Value::is_safe));
    let part = |value: &Value| match escaping && !value.is_safe() {
        true => escaped(&python::shown(value)),
        false => python::shown(value),
    };
    let parts: Vec<String> = items.iter().map(part).collect();
    let length: usize = parts.iter().map(String::len).sum();
    state.consume_fuel((length / 64) as u64)?;
    let joined = parts.join(&part(&between));
    Ok(if escaping { Value::from_safe_string(joined) } else { joined.into() })
}

/// A value whose dictionaries are sorted by their keys.
fn sorted(value: &Value) -> Result<Value, Error> {
    Ok(match value.kind() {
        ValueKind::Map => {
            let mut keys: Vec<Value> = value.try_iter()?.collect();
            keys.sort();
            let pair = |key: Value| Ok((key.clone(), sorted(&value.get_item(&key)?)?));
            Value::from_pairs(keys.into_iter().map(pair).collect::<Result<Vec<_>, Error>>()?)
        }
        ValueKind::Seq if !value.is_tuple() => {
            value.try_iter()?.map(|item| sorted(&item)).collect::<Result<_, Error>>()?
        }
        _ => value.clone(),
    })
}

/// Each word's first letter large and the others small. Words begin after blanks, hyphens and
/// opening brackets.
fn titled(text: &str) -> String {
    let between = |c: char| python::blank(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    let mut written = String::new();
    for word in text.split_inclusive(between) {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            written.extend(first.to_uppercase());
            written.push_str(&chars.as_str().to_lowercase());
        }
    }
    written
}
