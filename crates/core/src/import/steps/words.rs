//! A running text as positions.

use super::names::MASK_TEXTS;

/// A text as words with the blanks before them, and masks.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut rest, mut word) = (text, String::new());
    let mut finish = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(next) = rest.chars().next() {
        if let Some(mask) = MASK_TEXTS.into_iter().find(|mask| rest.starts_with(mask)) {
            // Blanks between masks are how they were joined.
            if word.trim().is_empty() {
                word.clear();
            }
            finish(&mut word);
            word.push_str(mask);
            finish(&mut word);
            rest = &rest[mask.len()..];
            continue;
        }
        if next.is_whitespace() && !word.trim().is_empty() {
            finish(&mut word);
        }
        word.push(next);
        rest = &rest[next.len_utf8()..];
    }
    finish(&mut word);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn texts_fall_into_words_and_masks() {
        for (text, expected) in [
            ("", &[][..]),
            ("The cat", &["The", " cat"]),
            ("The <mask> <mask>.", &["The", "<mask>", "<mask>", "."]),
            ("[MASK][MASK] end\n", &["[MASK]", "[MASK]", " end", "\n"]),
            ("a  b", &["a", "  b"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
