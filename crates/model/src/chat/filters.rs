//! Filters and tests of Jinja2 where the engine's own differ or are missing.

use minijinja::{
    AutoEscape, Environment, Error, State, Value, filters,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs},
};
use minijinja_contrib::filters as more;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    arguments::{bind, optional_text, pairs, refused, split, truth, whole},
    arithmetic,
    budget::{self, FueledText},
    escapes, format, json, methods, python,
};

type Filter = fn(&mut State, &Value, &[Value]) -> Result<Value, Error>;

const FILTERS: [(&str, Filter); 32] = [
    ("tojson", |state, value, args| json::tojson(state, value, args)),
    ("int", int),
    ("float", float),
    ("abs", abs),
    ("default", default),
    ("d", default),
    ("indent", indent),
    ("truncate", truncate),
    ("center", |state, value, args| {
        let [width] = bind(args, ["width"])?;
        methods::padded(&python::shown(state, value)?, whole(width, 80)?, " ", "center")
            .map(Value::from)
    }),
    ("escape", escape),
    ("e", escape),
    ("forceescape", |state, value, args| {
        let [] = bind(args, [])?;
        Ok(Value::from_safe_string(escapes::html(&python::shown(state, value)?)))
    }),
    ("urlencode", urlencode),
    ("xmlattr", xmlattr),
    ("wordcount", |state, value, args| {
        let [] = bind(args, [])?;
        let word = |c: char| c == '_' || c.is_alphanumeric();
        let text = python::shown(state, value)?;
        Ok(text.split(|c| !word(c)).filter(|part| !part.is_empty()).count().into())
    }),
    ("striptags", |state, value, args| {
        let [] = bind(args, [])?;
        Ok(more::striptags(python::shown(state, value)?).into())
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
    ("trim", |state, value, args| {
        let [chars] = bind(args, ["chars"])?;
        let chars = optional_text(chars, "chars")?;
        Ok(methods::stripped(&python::shown(state, value)?, chars.as_deref(), true, true).into())
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
    ("dictsort", |state, value, args| {
        let names = ["case_sensitive", "by", "reverse"];
        budget::room_of_list(state, value.len().unwrap_or_default())?;
        filters::dictsort(value, named(names, bind(args, names)?))
    }),
    ("sum", sum),
    ("reverse", |state, value, args| {
        let [] = bind(args, [])?;
        match value.kind() {
            ValueKind::Undefined => Ok(value.clone()),
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
                let mut items = budget::items(state, value)?;
                items.reverse();
                Ok(items.into())
            }
            _ => filters::reverse(value),
        }
    }),
    ("string", |state, value, args| {
        let [] = bind(args, [])?;
        Ok(if value.is_safe() { value.clone() } else { python::shown(state, value)?.into() })
    }),
    ("join", join),
    ("capitalize", |state, value, args| {
        let [] = bind(args, [])?;
        Ok(methods::capitalized(&python::shown(state, value)?).into())
    }),
    ("format", |state, value, args| {
        let (positional, named) = split(args)?;
        let names = pairs(&named)?;
        let values = match (positional, names.is_empty()) {
            (positional, true) => Value::from(minijinja::value::Tuple::from(positional.to_vec())),
            ([], false) => Value::from_pairs(names),
            _ => return Err(refused("`format`: values by place or by name, not both")),
        };
        format::percent(state, &python::shown(state, value)?, &values).map(Value::from)
    }),
    ("pprint", |state, value, args| {
        let [] = bind(args, [])?;
        let text = python::repr(state, &sorted(state, value, 0)?)?;
        match text.chars().count() {
            0..80 => Ok(text.into()),
            _ => Err(refused("`pprint` breaks long values over lines, which is not done here")),
        }
    }),
    ("title", |state, value, args| {
        let [] = bind(args, [])?;
        Ok(titled(&python::shown(state, value)?).into())
    }),
];

/// Filters of the library that Jinja2 does not have, and that join sequences without a bound.
const NOT_JINJA2S: [&str; 2] = ["chain", "zip"];

/// Puts the filters and tests into an environment.
pub(super) fn add(environment: &mut Environment) {
    NOT_JINJA2S.into_iter().for_each(|name| environment.remove_filter(name));
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
    if count > budget::WIDEST { Err(refused("that many parts are too many")) } else { Ok(count) }
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

fn indent(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [width, first, blank] = bind(args, ["width", "first", "blank"])?;
    let before = match width.as_ref().and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => " ".repeat(usize::try_from(whole(width, 4)?).unwrap_or_default().min(1000)),
    };
    // As Jinja2 does it, so that an end of line at the end is kept.
    let text = python::shown(state, value)? + "\n";
    let blank = truth(blank, false);
    let mut written = FueledText::new(state);
    if truth(first, false) {
        written.push(&before)?;
    }
    for (index, line) in python::lines(&text, false).into_iter().enumerate() {
        if index > 0 {
            written.push("\n")?;
            if blank || !line.is_empty() {
                written.push(&before)?;
            }
        }
        written.push(line)?;
    }
    Ok(written.done().into())
}

fn truncate(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [length, kill, end, leeway] = bind(args, ["length", "killwords", "end", "leeway"])?;
    let end = optional_text(end, "end")?.unwrap_or_else(|| "...".to_owned());
    let sized = |n: i64| usize::try_from(n).unwrap_or_default();
    let (length, leeway) = (sized(whole(length, 255)?), sized(whole(leeway, 5)?));
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(refused("`truncate`: the length is shorter than what is put at the end"));
    };
    let text = python::shown(state, value)?;
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

fn escape(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [] = bind(args, [])?;
    Ok(match value.is_safe() {
        true => value.clone(),
        false => Value::from_safe_string(escapes::html(&python::shown(state, value)?)),
    })
}

/// What stays as it is in a path; in a query `/` does not.
const KEPT_IN_PATHS: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const KEPT_IN_QUERY: AsciiSet = KEPT_IN_PATHS.add(b'/').remove(b' ');

fn urlencode(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [] = bind(args, [])?;
    let part = |value: &Value| -> Result<String, Error> {
        let shown = python::shown(state, value)?;
        Ok(utf8_percent_encode(&shown, &KEPT_IN_QUERY).to_string().replace(' ', "+"))
    };
    let pairs: Vec<[Value; 2]> = match value.kind() {
        ValueKind::Map => {
            let pair = |key: Value| Ok([key.clone(), value.get_item(&key)?]);
            budget::items(state, value)?.into_iter().map(pair).collect::<Result<_, Error>>()?
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let pair = |pair: Value| Ok([pair.get_item_by_index(0)?, pair.get_item_by_index(1)?]);
            budget::items(state, value)?.into_iter().map(pair).collect::<Result<_, Error>>()?
        }
        _ => {
            let shown = python::shown(state, value)?;
            return Ok(utf8_percent_encode(&shown, &KEPT_IN_PATHS).to_string().into());
        }
    };
    let mut text = FueledText::new(state);
    for (index, [key, held]) in pairs.iter().enumerate() {
        if index > 0 {
            text.push("&")?;
        }
        text.push(&part(key)?)?;
        text.push("=")?;
        text.push(&part(held)?)?;
    }
    Ok(text.done().into())
}

fn xmlattr(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [space] = bind(args, ["autospace"])?;
    let mut text = FueledText::new(state);
    for key in budget::items(state, value)? {
        let held = value.get_item(&key)?;
        let name = python::shown(state, &key)?;
        if held.is_none() || held.is_undefined() {
            continue;
        }
        if name.contains(|c: char| python::blank(c) || matches!(c, '/' | '>' | '=')) {
            return Err(refused(format!("`xmlattr`: {name:?} is no name of an attribute")));
        }
        text.push(" ")?;
        text.push(&escapes::html(&name))?;
        text.push("=\"")?;
        text.push(&escapes::html(&python::shown(state, &held)?))?;
        text.push("\"")?;
    }
    let mut joined = text.done();
    if !truth(space, true) && !joined.is_empty() {
        joined.remove(0);
    }
    Ok(match state.auto_escape() {
        AutoEscape::None => joined.into(),
        _ => Value::from_safe_string(joined),
    })
}

fn replace(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [old, new, count] = bind(args, ["old", "new", "count"])?;
    let part = |value: Option<Value>| python::shown(state, &value.unwrap_or_default());
    let (text, old, new) = (python::shown(state, value)?, part(old)?, part(new)?);
    methods::replaced(state, &text, &old, &new, whole(count, -1)?)
}

fn join(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [between, attribute] = bind(args, ["d", "attribute"])?;
    let between = between.filter(|given| !given.is_none()).unwrap_or_else(|| "".into());
    let items = attributes(state, value, attribute)?;
    arithmetic::joined(state, &items, &between)
}

/// The sum of values, or of an attribute of each.
fn sum(state: &mut State, value: &Value, args: &[Value]) -> Result<Value, Error> {
    let [attribute, start] = bind(args, ["attribute", "start"])?;
    let mut terms = vec![start.unwrap_or_else(|| 0.into())];
    terms.extend(attributes(state, value, attribute)?);
    arithmetic::add(state, &terms)
}

/// The items of a value, or an attribute of each. An undefined value has none.
fn attributes(
    state: &mut State,
    value: &Value,
    attribute: Option<Value>,
) -> Result<Vec<Value>, Error> {
    let items = match attribute.filter(|given| !given.is_none()) {
        Some(attribute) => {
            let named: Kwargs = [("attribute", attribute)].into_iter().collect();
            state.apply_filter("map", &[value.clone(), named.into()])?
        }
        None => value.clone(),
    };
    if items.is_undefined() { Ok(Vec::new()) } else { budget::items(state, &items) }
}

/// A value whose dictionaries are sorted by their keys.
fn sorted(state: &State, value: &Value, depth: usize) -> Result<Value, Error> {
    if depth > budget::DEEPEST {
        return Err(refused("`pprint`: the value is nested too deeply"));
    }
    let inner = |value: &Value| sorted(state, value, depth + 1);
    Ok(match value.kind() {
        ValueKind::Map => {
            let mut keys = budget::items(state, value)?;
            keys.sort();
            let pair = |key: Value| Ok((key.clone(), inner(&value.get_item(&key)?)?));
            Value::from_pairs(keys.into_iter().map(pair).collect::<Result<Vec<_>, Error>>()?)
        }
        ValueKind::Seq if !value.is_tuple() => {
            let items = budget::items(state, value)?;
            items.iter().map(inner).collect::<Result<Value, Error>>()?
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
