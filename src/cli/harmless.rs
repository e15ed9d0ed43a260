//! Text of models and files, made harmless before it is printed.

use crate::predict::is_hidden;

/// `text` with everything that could steer a terminal or reorder its text replaced; line ends
/// and tabs stay.
pub(super) fn harmless(text: &str) -> String {
    let harmful = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_hidden(c);
    text.chars().map(|c| if harmful(c) { '\u{FFFD}' } else { c }).collect()
}

/// JSON with the same characters escaped: it means the same.
pub(super) fn harmless_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_control() || is_hidden(c) {
            c.encode_utf16(&mut units)
                .iter()
                .for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{harmless, harmless_json};

    #[test]
    fn nothing_steers_a_terminal() {
        let text = "a\x1b]0;title\x07b\u{9b}31m\u{202e}c\n\td é 字";
        let safe = harmless(text);
        assert_eq!(safe, "a\u{fffd}]0;title\u{fffd}b\u{fffd}31m\u{fffd}c\n\td é 字");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let text = "x\u{9b}\u{202e}\u{e0041}y";
        let json = serde_json::to_string(text).unwrap();
        let safe = harmless_json(&json);
        assert!(safe.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
