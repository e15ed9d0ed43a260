//! Lines: a JSON object with a checksum as its last field.

use std::{borrow::Cow, collections::HashMap};

use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_64;

/// How a checksum begins; sixteen hexadecimal digits and `"}` follow.
const MARK: &str = ",\"sum\":\"";

/// Adds the checksum to a JSON object: XXH3-64 of the text before it.
pub(super) fn seal(mut object: String) -> String {
    debug_assert!(object.ends_with('}'));
    object.pop();
    let sum = xxh3_64(object.as_bytes());
    object.push_str(&format!("{MARK}{sum:016x}\"}}"));
    object
}

/// Checks a line's checksum, if it has one: foreign writers may leave it out.
///
/// # Errors
/// In words, if it does not fit, or stands where it cannot be checked.
pub(super) fn intact(line: &str) -> Result<(), String> {
    match sealed(line) {
        Some((body, sum)) if xxh3_64(body.as_bytes()) == sum => Ok(()),
        Some(_) => Err("the checksum does not fit the line".to_owned()),
        None if claims(line) => Err(format!(
            "its checksum is not written as `{MARK}`, 16 hexadecimal digits and `\"}}` at the end \
             of the line: another program wrote the line anew, and has to leave `sum` out"
        )),
        None => Ok(()),
    }
}

/// The checksum of a line: of what it says it is of, or else of all of it.
pub(super) fn sum(line: &str) -> u64 {
    xxh3_64(sealed(line).map_or(line, |(body, _)| body).as_bytes())
}

/// The beginning of a prediction's line as we write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PredictionLine<'a> {
    /// Its name, hexadecimal digits.
    pub key: &'a str,
    /// Generated positions that it is for.
    pub rows: usize,
    /// The checksum, which fits the line.
    pub sum: u64,
}

/// The beginning of a line that is a prediction with a fitting checksum, written as we write it: what
/// stands behind that is as it was written, and need not be read now.
pub(super) fn prediction(line: &str) -> Option<PredictionLine<'_>> {
    let rest = line.strip_prefix("{\"kind\":\"prediction\",\"key\":\"")?;
    let (key, rest) = rest.split_at_checked(rest.bytes().take(33).position(|it| it == b'"')?)?;
    let rest = rest.strip_prefix("\",\"rows\":")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (rows, rest) = rest.split_at_checked(digits)?;
    let rows = rows.parse().ok().filter(|_| rest.starts_with(",\"columns\":{"))?;
    let (body, sum) = sealed(line)?;
    (xxh3_64(body.as_bytes()) == sum).then_some(PredictionLine { key, rows, sum })
}

/// What a checksum is of, and the checksum.
fn sealed(line: &str) -> Option<(&str, u64)> {
    let rest = line.strip_suffix("\"}")?;
    let digits = rest.len().checked_sub(16)?;
    let (body, sum) = (rest.get(..digits)?, rest.get(digits..)?);
    Some((body.strip_suffix(MARK)?, u64::from_str_radix(sum, 16).ok()?))
}

/// Whether a line has a checksum, wherever it stands and whatever it is.
fn claims(line: &str) -> bool {
    type LineFields<'a> = HashMap<Cow<'a, str>, IgnoredAny>;
    // The text of a token may be `sum`: only then it is read twice. What is no object is told later.
    line.contains("\"sum\"")
        && serde_json::from_str(line).is_ok_and(|fields: LineFields| fields.contains_key("sum"))
}

#[cfg(test)]
mod tests {
    use super::{PredictionLine, intact, prediction, seal, sum};

    #[test]
    fn a_changed_line_is_noticed() {
        let line = seal("{\"kind\":\"end\",\"at\":3}".to_owned());
        assert!(intact(&line).is_ok());
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        let fault = intact(&line.replace("\"at\":3", "\"at\":4")).unwrap_err();
        assert!(fault.contains("does not fit"), "{fault}");
        assert!(intact("{\"kind\":\"end\",\"at\":4}").is_ok());
        assert!(intact("").is_ok());
    }

    #[test]
    fn a_prediction_is_known_by_its_beginning_where_its_checksum_fits() {
        let line = r#"{"kind":"prediction","key":"1f","rows":12,"columns":{"argmax":[1]}}"#;
        assert_eq!(prediction(line), None, "it has no checksum");
        let line = seal(line.to_owned());
        let found = PredictionLine { key: "1f", rows: 12, sum: sum(&line) };
        assert_eq!(prediction(&line), Some(found));
        for (from, to) in [("12", "13"), ("1f", "1"), ("[1]", "[2]"), ("sum", "sun")] {
            assert_eq!(prediction(&line.replace(from, to)), None, "{to}");
        }
        for other in [r#"{"kind":"end","at":3}"#, r#"{"kind":"prediction","rows":12,"key":"1f"}"#] {
            assert_eq!(prediction(&seal(other.to_owned())), None, "{other}");
        }
    }

    #[test]
    fn a_checksum_that_cannot_be_checked_is_refused() {
        for line in [
            r#"{"kind": "end", "at": 3, "sum": "0123456789abcdef"}"#,
            r#"{"kind":"end","sum":"0123456789abcdef","at":3}"#,
            r#"{"kind":"end","at":3,"sum":"0123456789abcdex"}"#,
            r#"{"kind":"end","at":3,"sum":"0123456789abcdef"} "#,
            r#"{"kind":"end","at":3,"sum":null}"#,
            r#"{"kind":"end","at":3,"sum":7}"#,
            r#"{"sum":"0123456789abcdef","kind":"end","at":3,"sum":7}"#,
        ] {
            let fault = intact(line).unwrap_err();
            assert!(fault.contains("leave `sum` out"), "{line}: {fault}");
        }
        for line in [r#"{"tokens":{"5":"sum"}}"#, r#"{"tokens":{"sum":1}}"#, r#"["sum"]"#] {
            assert!(intact(line).is_ok(), "{line}");
        }
    }
}
