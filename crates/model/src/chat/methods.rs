//! Methods of Python's strings, lists and dictionaries.

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Tuple, ValueKind},
};

use super::{
    arguments::{bind, optional_text, refused, split, text, truth, whole},
    budget::{self, FueledText},
    format, python,
};

/// Methods that change what they are called on: transformers runs templates where none may.
const CHANGING: [&str; 13] = [
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
    "add",
    "discard",
];

/// Calls a method of a value that is no object of the engine's.
pub(super) fn call(
    state: &mut State,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => string(state, value.as_str().unwrap_or_default(), method, args),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map if CHANGING.contains(&method) => {
            Err(refused(format!("a chat template may not change a value (`{method}`)")))
        }
        ValueKind::Seq | ValueKind::Iterable if method == "index" => {
            let [wanted] = bind(args, ["value"])?;
            let wanted = wanted.unwrap_or_default();
            let found = value.try_iter()?.position(|item| item == wanted);
            found.map(Value::from).ok_or_else(|| refused("`index`: it is not in the list"))
        }
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map if method == "copy" => {
            Ok(value.clone())
        }
        _ => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
    }
}

fn string(state: &State, s: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    // Those without arguments.
    if let Some(value) = of_itself(s, method) {
        let [] = bind(args, [])?;
        return Ok(value);
    }
    Ok(match method {
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = bind(args, ["chars"])?;
            let chars = optional_text(chars, "chars")?;
            stripped(s, chars.as_deref(), method != "rstrip", method != "lstrip").into()
        }
        "split" | "rsplit" => {
            let [separator, most] = bind(args, ["sep", "maxsplit"])?;
            let separator = optional_text(separator, "sep")?;
            let most = usize::try_from(whole(most, -1)?).ok();
            strings(state, &parts(s, separator.as_deref(), most, method == "rsplit")?)?
        }
        "splitlines" => {
            let [ends] = bind(args, ["keepends"])?;
            strings(state, &python::lines(s, truth(ends, false)))?
        }
        "partition" | "rpartition" => {
            let [separator] = bind(args, ["sep"])?;
            let separator = text(separator, "sep")?;
            let found = match method {
                "partition" => s.split_once(&*separator),
                _ => s.rsplit_once(&*separator),
            };
            let three = match (found, method) {
                (Some((before, after)), _) => [before, &separator, after],
                (None, "partition") => [s, "", ""],
                (None, _) => ["", "", s],
            };
            Value::from(Tuple::from(three.map(Value::from)))
        }
        "removeprefix" => {
            let [prefix] = bind(args, ["prefix"])?;
            s.strip_prefix(&*text(prefix, "prefix")?).unwrap_or(s).into()
        }
        "removesuffix" => {
            let [suffix] = bind(args, ["suffix"])?;
            s.strip_suffix(&*text(suffix, "suffix")?).unwrap_or(s).into()
        }
        "replace" => {
            let [old, new, count] = bind(args, ["old", "new", "count"])?;
            let (old, new) = (text(old, "old")?, text(new, "new")?);
            replaced(state, s, &old, &new, whole(count, -1)?)?
        }
        "join" => {
            let [items] = bind(args, ["iterable"])?;
            let mut joined = FueledText::new(state);
            for (index, item) in items.unwrap_or_default().try_iter()?.enumerate() {
                if index > 0 {
                    joined.push(s)?;
                }
                joined.push(&text(Some(item), "each item of join")?)?;
            }
            joined.done().into()
        }
        "startswith" | "endswith" => {
            let [affix, start, end] = bind(args, ["affix", "start", "end"])?;
            let affix = affix.unwrap_or_default();
            let affixes: Vec<Value> = match affix.as_str() {
                Some(_) => vec![affix],
                None if affix.is_tuple() => affix.try_iter()?.collect(),
                None => return Err(refused(format!("`{method}` wants a string or a tuple"))),
            };
            let Some((_, window)) = window(s, start, end)? else { return Ok(false.into()) };
            let mut found = false;
            for affix in affixes {
                let affix = text(Some(affix), method)?;
                found |= match method {
                    "startswith" => window.starts_with(&*affix),
                    _ => window.ends_with(&*affix),
                };
            }
            found.into()
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [sub, start, end] = bind(args, ["sub", "start", "end"])?;
            let (sub, window) = (text(sub, "sub")?, window(s, start, end)?);
            if method == "count" {
                return Ok(window.map_or(0, |(_, part)| part.matches(&*sub).count()).into());
            }
            let found = window.and_then(|(before, part)| {
                let at = if method.starts_with('r') { part.rfind(&*sub) } else { part.find(&*sub) };
                at.map(|at| before + part[..at].chars().count())
            });
            match (found, method) {
                (Some(at), _) => at.into(),
                (None, "find" | "rfind") => Value::from(-1),
                (None, _) => return Err(refused(format!("`{method}`: it is not in the string"))),
            }
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill] = bind(args, ["width", "fillchar"])?;
            let fill = optional_text(fill, "fillchar")?.unwrap_or_else(|| " ".to_owned());
            padded(s, whole(width, 0)?, &fill, method)?.into()
        }
        "zfill" => {
            let [width] = bind(args, ["width"])?;
            let signed = usize::from(s.starts_with(['-', '+']));
            let (sign, digits) = s.split_at(signed);
            let width = whole(width, 0)?.saturating_sub(signed as i64);
            format!("{sign}{}", padded(digits, width, "0", "rjust")?).into()
        }
        "expandtabs" => {
            let [size] = bind(args, ["tabsize"])?;
            let size = usize::try_from(whole(size, 8)?).unwrap_or_default().min(budget::WIDEST);
            budget::room(state, s.len().saturating_add(s.matches('\t').count() * size))?;
            expanded(s, size).into()
        }
        "format" => {
            let (positional, named) = split(args)?;
            let named = |name: &str| named.peek::<Option<Value>>(name).ok().flatten();
            format::braces(state, s, positional, &named)?.into()
        }
        "format_map" => {
            let [mapping] = bind(args, ["mapping"])?;
            let mapping = mapping.unwrap_or_default();
            format::braces(state, s, &[], &|name| {
                mapping.get_attr(name).ok().filter(|value| !value.is_undefined())
            })?
            .into()
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

/// Methods of a string that take nothing.
fn of_itself(s: &str, method: &str) -> Option<Value> {
    let all = |test: &dyn Fn(char) -> bool| (!s.is_empty() && s.chars().all(test)).into();
    let one_case = |wanted: &dyn Fn(char) -> bool, other: &dyn Fn(char) -> bool| {
        (s.chars().any(wanted) && !s.chars().any(other)).into()
    };
    Some(match method {
        "upper" => s.to_uppercase().into(),
        "lower" => s.to_lowercase().into(),
        "title" => title(s).into(),
        "capitalize" => capitalized(s).into(),
        "swapcase" => s
            .chars()
            .map(|c| {
                if c.is_uppercase() {
                    c.to_lowercase().to_string()
                } else {
                    c.to_uppercase().to_string()
                }
            })
            .collect::<String>()
            .into(),
        "casefold" => s
            .chars()
            .flat_map(|c| if c == 'ı' { vec![c] } else { c.to_uppercase().collect() })
            .flat_map(char::to_lowercase)
            .collect::<String>()
            .into(),
        "islower" => one_case(&char::is_lowercase, &char::is_uppercase),
        "isupper" => one_case(&char::is_uppercase, &char::is_lowercase),
        "istitle" => (s.chars().any(python::cased) && title(s) == s).into(),
        "isspace" => all(&python::blank),
        "isdecimal" => all(&|c| python::digit(c).is_some()),
        "isdigit" => all(&|c| python::digit(c).is_some() || raised(c)),
        "isnumeric" => all(&|c| c.is_numeric() || ideograph(c)),
        "isalnum" => all(&char::is_alphanumeric),
        "isalpha" => all(&char::is_alphabetic),
        "isascii" => s.is_ascii().into(),
        "isprintable" => s.chars().all(python::printable).into(),
        "isidentifier" => {
            let word = |c: char| c == '_' || c.is_alphanumeric();
            (s.starts_with(|c: char| c == '_' || c.is_alphabetic()) && s.chars().all(word)).into()
        }
        _ => return None,
    })
}

/// Digits above or below the line.
fn raised(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '\u{2070}' | '\u{2074}'..='\u{2079}' | '\u{2080}'..='\u{2089}')
}

/// Ideographs that are numbers.
fn ideograph(c: char) -> bool {
    "〇一二三四五六七八九十百千万億兆零壱弐参肆伍陸漆捌玖拾佰仟".contains(c)
}

fn title(s: &str) -> String {
    let mut inside = false;
    let word = |c: char| {
        let written = if inside { c.to_lowercase().to_string() } else { python::title(c) };
        inside = python::cased(c);
        written
    };
    s.chars().map(word).collect()
}

/// The first letter large, the others small.
pub(super) fn capitalized(s: &str) -> String {
    let mut chars = s.chars();
    let first = chars.next().map(python::title).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

/// A text without these characters, or blanks, at its ends.
pub(super) fn stripped<'s>(s: &'s str, chars: Option<&str>, left: bool, right: bool) -> &'s str {
    let strip = |c: char| chars.map_or_else(|| python::blank(c), |chars| chars.contains(c));
    let s = if left { s.trim_start_matches(strip) } else { s };
    if right { s.trim_end_matches(strip) } else { s }
}

fn strings(state: &State, items: &[&str]) -> Result<Value, Error> {
    budget::room_of_list(state, items.len())?;
    Ok(items.iter().map(|item| Value::from(*item)).collect())
}

/// A text in which another text replaces a part: the first `count` times, or everywhere if `count`
/// is negative.
pub(super) fn replaced(
    state: &State,
    s: &str,
    old: &str,
    new: &str,
    count: i64,
) -> Result<Value, Error> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let times = s.matches(old).take(most).count();
    budget::room(state, s.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(s.replacen(old, new, times).into())
}

/// The parts between separators, or blanks; at most `most` cuts, from the right if `right`.
fn parts<'s>(
    s: &'s str,
    separator: Option<&str>,
    most: Option<usize>,
    right: bool,
) -> Result<Vec<&'s str>, Error> {
    let most = most.unwrap_or(usize::MAX);
    let pieces = most.saturating_add(1);
    let mut found: Vec<&str> = match (separator, right) {
        (Some(""), _) => return Err(refused("a separator must not be empty")),
        (Some(separator), false) => s.splitn(pieces, separator).collect(),
        (Some(separator), true) => s.rsplitn(pieces, separator).collect(),
        (None, _) => {
            let (mut found, mut rest) = (Vec::new(), stripped(s, None, !right, right));
            while !rest.is_empty() {
                let cut = if right { rest.rfind(python::blank) } else { rest.find(python::blank) };
                match cut.filter(|_| found.len() < most) {
                    None => {
                        found.push(stripped(rest, None, right, !right));
                        if found.len() <= most {
                            break;
                        }
                        // The last part keeps its outer blanks.
                        found.pop();
                        found.push(rest);
                        break;
                    }
                    Some(at) if right => {
                        let blank = rest[at..].chars().next().map_or(1, char::len_utf8);
                        found.push(&rest[at + blank..]);
                        rest = stripped(&rest[..at], None, false, true);
                    }
                    Some(at) => {
                        found.push(&rest[..at]);
                        rest = stripped(&rest[at..], None, true, false);
                    }
                }
            }
            found
        }
    };
    if right {
        found.reverse();
    }
    Ok(found)
}

/// The part of a string between two indices, and the characters before it; `None` past its end.
fn window(
    s: &str,
    start: Option<Value>,
    end: Option<Value>,
) -> Result<Option<(usize, &str)>, Error> {
    let length = s.chars().count() as i64;
    let inside = |index: i64| (if index < 0 { index + length } else { index }).clamp(0, length);
    let (from, to) = (whole(start, 0)?, inside(whole(end, length)?));
    if from > length || inside(from) > to {
        return Ok(None);
    }
    let byte = |index: i64| {
        s.char_indices()
            .nth(usize::try_from(index).unwrap_or_default())
            .map_or(s.len(), |(at, _)| at)
    };
    let from = inside(from);
    Ok(Some((usize::try_from(from).unwrap_or_default(), &s[byte(from)..byte(to)])))
}

/// A text filled up to a width, as `center`, `ljust` or `rjust` does.
pub(super) fn padded(s: &str, width: i64, fill: &str, method: &str) -> Result<String, Error> {
    let width = usize::try_from(width).unwrap_or_default();
    if width > budget::WIDEST {
        return Err(refused(format!("`{method}`: {width} characters are too many")));
    }
    if fill.chars().count() != 1 {
        return Err(refused(format!("`{method}`: what it is filled with must be one character")));
    }
    let missing = width.saturating_sub(s.chars().count());
    let left = match method {
        "center" => missing / 2 + (missing & width & 1),
        "ljust" => 0,
        _ => missing,
    };
    Ok(format!("{}{s}{}", fill.repeat(left), fill.repeat(missing - left)))
}

fn expanded(s: &str, size: usize) -> String {
    let (mut written, mut column) = (String::new(), 0);
    for c in s.chars() {
        match c {
            '\t' => {
                let blanks = if size == 0 { 0 } else { size - column % size };
                written.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                written.push(c);
                column = 0;
            }
            _ => {
                written.push(c);
                column += 1;
            }
        }
    }
    written
}
