//! Text that is printed to a terminal.

use super::{characters, json};

/// `text` with everything that could steer a terminal or reorder its text replaced; line ends
/// and tabs stay.
pub fn escaped(text: &str) -> String {
    let harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let shown = |(c, hidden)| if hidden || harmful(c) { '\u{FFFD}' } else { c };
    characters(text).map(shown).collect()
}

/// JSON with the same characters escaped: it means the same.
pub fn escaped_json(text: &str) -> String {
    json(text, &[])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{markdown, visible, xml},
        escaped, escaped_json,
    };

    #[test]
    fn nothing_steers_a_terminal() {
        let words = "می‌خواهم ❤️ ක්‍රි 👩‍💻";
        assert_eq!(escaped(words), words);
        let text = "a\x1b]0;title\x07b\u{9b}31m\u{202e}c\n\td é 字";
        let safe = escaped(text);
        assert_eq!(safe, "a\u{fffd}]0;title\u{fffd}b\u{fffd}31m\u{fffd}c\n\td é 字");
    }

    /// Characters of every kind that matters here, and any other.
    fn any_text() -> impl Strategy<Value = String> {
        let kinds = prop_oneof![
            any::<char>(),
            prop::sample::select(
                "\u{1b}\u{9b}\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{feff}\u{7f}\r\0"
                    .chars()
                    .collect::<Vec<_>>()
            ),
            prop::sample::select(
                "aب\u{200c}\u{200d}\u{fe0f}\u{fe00}\u{e0100}❤👩💻🏴\u{e0067}\u{e007f}\u{301}\u{dca}ක1 \u{1160}"
                    .chars()
                    .collect::<Vec<_>>()
            ),
        ];
        prop::collection::vec(kinds, 0..24).prop_map(String::from_iter)
    }

    /// Letters with marks, joined as their scripts do it, and emoji.
    fn proper_text() -> impl Strategy<Value = String> {
        const PARTS: &[&str] = &[
            "می‌خواهم",
            "ක්‍රි",
            "क्‍ष",
            "ക്‍",
            "é",
            "字",
            "葛\u{e0100}",
            "\u{1112}\u{1161}\u{11ab}",
            "❤️",
            "☺︎",
            "1️⃣",
            "👩‍💻",
            "👨‍👩‍👧",
            "🏳️‍🌈",
            "🧑🏽‍🚀",
            "🇩🇪",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "word",
            "42",
            ".",
            " ",
            "\n",
            "e\u{301}\u{323}",
        ];
        prop::collection::vec(prop::sample::select(PARTS), 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_escape_and_no_direction_passes(text in any_text()) {
            let steers = |c: char| {
                (c.is_control() && !matches!(c, '\n' | '\t'))
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
            };
            for safe in [escaped(&text), escaped_json(&text), visible(&text), xml(&text), markdown(&text)] {
                prop_assert!(!safe.contains(steers), "{:?}", safe);
            }
        }

        #[test]
        fn proper_text_is_left_alone(text in proper_text()) {
            prop_assert_eq!(escaped(&text), &*text);
            prop_assert_eq!(visible(&text), text);
        }
    }

    #[test]
    fn escaped_json_means_the_same() {
        let text = "x\u{9b}\u{202e}\u{e0041}y";
        let json = serde_json::to_string(text).unwrap();
        let safe = escaped_json(&json);
        assert!(safe.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
