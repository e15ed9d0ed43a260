//! JSON texts as Python writes them, and where one breaks off.

use serde_json::Number;

/// JSON as Python writes it, made JSON: `NaN` and infinities become `null`. A mark of the encoding
/// in front is taken off.
pub(super) fn plain(bytes: Vec<u8>) -> Vec<u8> {
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    if !WORDS[1..].iter().any(|word| has(word)) {
        return bytes;
    }
    let mut made = Vec::with_capacity(bytes.len() + 64);
    let (mut at, mut text) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let word = WORDS.into_iter().find(|word| !text && bytes[at..].starts_with(word));
        if let Some(word) = word {
            made.extend_from_slice(b"null");
            at += word.len();
            continue;
        }
        made.push(byte);
        if byte == b'"' {
            text = !text;
        } else if text && byte == b'\\' {
            made.extend(bytes.get(at + 1));
            at += 1;
        }
        at += 1;
    }
    made
}

/// A whole number, as `1` or as `1.0`.
pub(super) fn whole(number: &Number) -> Option<i64> {
    // Above this, f64 cannot represent every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < EXACT;
    number.as_i64().or_else(|| number.as_f64().filter(whole).map(|number| number as i64))
}

/// The place of an error: line, column, and bytes from the beginning of the text.
pub(super) fn place(bytes: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let before: usize = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    format!("line {line}, column {column} (byte {})", before + column)
}

/// An error in a JSON text, in words: the text ends early, is not JSON, or has a value of the wrong
/// type.
pub(super) fn fault(bytes: &[u8], error: &serde_json::Error) -> String {
    let place = place(bytes, error);
    if error.is_eof() {
        return format!(
            "it ends early, at line {}, column {} (byte {}): the file was cut off while it was \
             written or copied. Write or copy it again",
            error.line(),
            error.column(),
            bytes.len()
        );
    }
    let problem = error.to_string();
    let problem = problem.split(" at line ").next().unwrap_or_default();
    if problem == "recursion limit exceeded" {
        return format!("at {place} it is nested too deep to be a run. Check what wrote it");
    }
    if error.is_data() {
        return format!("at {place}: {}. Check what wrote it", in_words(problem));
    }
    format!("it is no JSON at {place}: {problem}. Write it with Python's json.dump or the like")
}

/// Serde's message about a value of the wrong type, in JSON's terms.
fn in_words(problem: &str) -> String {
    if let Some(name) = problem.strip_prefix("missing field ") {
        return format!("there is no {name} before it");
    }
    let Some((_, rest)) = problem.split_once("invalid ") else { return problem.to_owned() };
    let Some((found, wanted)) =
        rest.split_once(": ").and_then(|(_, rest)| rest.split_once(", expected "))
    else {
        return problem.to_owned();
    };
    // The longest come first, as one is part of another.
    let words = [
        ("floating point", "the number"),
        ("integer", "the number"),
        ("boolean", "the value"),
        ("string", "the text"),
        ("sequence", "a list"),
        ("map", "an object"),
    ];
    let found = words
        .iter()
        .find_map(|(serde, word)| found.strip_prefix(serde).map(|rest| format!("{word}{rest}")));
    let wanted = match wanted {
        "a string" => "a text",
        "a sequence" => "a list",
        "i64" | "u32" | "usize" => "a whole number",
        "f64" => "a number",
        wanted => wanted.strip_prefix("struct ").map_or(wanted, |_| "an object"),
    };
    format!("{} stands where {wanted} is needed", found.unwrap_or_else(|| "null".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_becomes_json() {
        for (text, expected) in [
            ("[NaN, -Infinity, Infinity, 1]", "[null, null, null, 1]"),
            ("[\"NaN\", \"a\\\"NaN\", NaN]", "[\"NaN\", \"a\\\"NaN\", null]"),
            ("\u{feff}[1]", "[1]"),
        ] {
            assert_eq!(plain(text.as_bytes().to_vec()), expected.as_bytes(), "{text}");
        }
    }
}
