//! Lines: a JSON object with a checksum as its last field.

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
pub(super) fn intact(line: &str) -> bool {
    let body = line.strip_suffix("\"}").and_then(|rest| {
        let digits = rest.len().checked_sub(16)?;
        let (body, sum) = (rest.get(..digits)?, rest.get(digits..)?);
        Some((body.strip_suffix(MARK)?, u64::from_str_radix(sum, 16).ok()?))
    });
    body.is_none_or(|(body, sum)| xxh3_64(body.as_bytes()) == sum)
}

#[cfg(test)]
mod tests {
    use super::{intact, seal};

    #[test]
    fn a_changed_line_is_noticed() {
        let line = seal("{\"kind\":\"end\",\"at\":3}".to_owned());
        assert!(intact(&line));
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        assert!(!intact(&line.replace("\"at\":3", "\"at\":4")));
        assert!(intact("{\"kind\":\"end\",\"at\":4}"));
        assert!(intact(""));
    }
}
