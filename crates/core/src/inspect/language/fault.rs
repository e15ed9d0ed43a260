//! Syntax errors of conditions and queries, and the part of the text that a message shows.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The most characters of a word in a message.
const LONGEST_WORD: usize = 40;

/// The error of a text that is not a condition or query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The place in the text, in bytes.
    pub at: Range<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(at: Range<usize>, message: String) -> Self {
        Self { at, message }
    }
}

/// A word as a message names it; a long one is cut.
pub fn quoted(word: &str) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        None => format!("`{word}`"),
        Some((end, _)) => format!("`{}…`", &word[..end]),
    }
}

/// `text`, and under it a line that points at `at`. Of a text wider than `width` columns, only the
/// part around the place is shown, about `width` columns wide.
pub fn pointed(text: &str, at: &Range<usize>, width: usize) -> String {
    // A control character could break the line, and the marks would not stand under their place.
    let text = text.replace(|c: char| c.is_ascii_control(), " ");
    let columns = |range: Range<usize>| text.get(range).map_or(0, UnicodeWidthStr::width);
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    let start = boundary(at.start).unwrap_or(0);
    let end = boundary(at.end).unwrap_or(0).max(start);
    let mut shown = 0..text.len();
    if columns(0..text.len()) > width {
        // Most of the width goes to the text behind the place, which is where the error is.
        let back = text[..start].chars().rev();
        shown.start = start - fitting(back, width / 3);
        let room = width.saturating_sub(columns(shown.start..start));
        shown.end = start + fitting(text[start..].chars(), room);
        // Columns that the end does not need go to the beginning.
        let room = width.saturating_sub(columns(start..shown.end));
        shown.start = start - fitting(text[..start].chars().rev(), room);
    }
    let before = if shown.start > 0 { "…" } else { "" };
    let behind = if shown.end < text.len() { "…" } else { "" };
    let blanks = " ".repeat(before.width() + columns(shown.start..start));
    let marks = "^".repeat(columns(start..end.min(shown.end)).max(1));
    format!("{before}{}{behind}\n{blanks}{marks}", &text[shown])
}

/// The number of bytes of the first characters that fit into the columns.
fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> usize {
    let (mut bytes, mut taken) = (0, 0);
    for c in characters {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        bytes += c.len_utf8();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_pointed_at() {
        let digits = "0123456789".repeat(4);
        for (text, at, expected) in [
            ("lenght > 3", 0..6, "lenght > 3\n^^^^^^"),
            ("text contains '世", 14..18, "text contains '世\n              ^^^"),
            ("a", 5..9, "a\n ^"),
            ("a\nb c", 4..5, "a b c\n    ^"),
            // Twenty columns of a longer one, around the place.
            (&digits, 0..2, "01234567890123456789…\n^^"),
            (&digits, 20..21, "…45678901234567890123…\n       ^"),
            (&digits, 38..40, "…01234567890123456789\n                   ^^"),
            (&digits, 40..40, "…01234567890123456789\n                     ^"),
            (&digits, 0..40, "01234567890123456789…\n^^^^^^^^^^^^^^^^^^^^"),
            ("世世世世世世世世世世世世", 3..6, "世世世世世世世世世世…\n  ^^"),
        ] {
            let pointed_at = pointed(text, &at, 20);
            assert_eq!(pointed_at, expected, "{text:?} {at:?}");
            assert!(pointed_at.lines().all(|line| line.width() <= 23), "{pointed_at}");
        }
    }

    #[test]
    fn a_text_of_ten_thousand_terms_is_not_repeated() {
        let text = vec!["p < 0.5"; 10_000].join(" and ");
        let error = crate::inspect::Query::parse(&format!("fills where {text}")).unwrap_err();
        assert!(pointed(&text, &error.at, 76).len() < 200);
        let word = "x".repeat(10_000);
        let error = crate::inspect::Condition::parse(&word).unwrap_err();
        assert!(error.message.len() < 200, "{}", error.message);
        assert!(pointed(&word, &error.at, 76).len() < 200);
    }
}
