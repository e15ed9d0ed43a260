//! Lines in colour: text and escape sequences are kept apart until they are printed, so that
//! nothing of a recording reaches the terminal unescaped.

use crate::escape::escaped;
use unicode_width::UnicodeWidthStr;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffInk {
    /// Text in the terminal's own colour.
    Plain,
    /// A heading, in bold.
    Bold,
    /// Text of less importance, dimmed.
    Dim,
    /// What is A's alone.
    A,
    /// What is B's alone.
    B,
}

impl DiffInk {
    fn sequence(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::A => "\x1b[31m",
            Self::B => "\x1b[32m",
        }
    }
}

/// A line in pieces.
#[derive(Debug, Clone, Default)]
pub struct PaintedLine(pub Vec<(DiffInk, String)>);

impl PaintedLine {
    /// A line of one piece.
    pub fn of(ink: DiffInk, text: impl Into<String>) -> Self {
        Self(vec![(ink, text.into())])
    }

    /// The same with another piece at its end.
    #[must_use]
    pub fn and(mut self, ink: DiffInk, text: impl Into<String>) -> Self {
        self.0.push((ink, text.into()));
        self
    }
}

/// Columns a text takes, as it is printed.
pub fn width(text: &str) -> usize {
    escaped(text).width()
}

/// `text` on one line, filled up or cut to so many columns.
pub fn cell(text: &str, columns: usize) -> String {
    let text = fitted(text, columns);
    let blanks = columns.saturating_sub(width(&text));
    format!("{text}{}", " ".repeat(blanks))
}

/// `text` on one line, cut to so many columns.
pub fn fitted(text: &str, columns: usize) -> String {
    let text = text.replace('\n', "↵").replace('\t', " ");
    if width(&text) <= columns {
        return text;
    }
    let mut cut = String::new();
    for c in text.chars() {
        let mut next = cut.clone();
        next.push(c);
        if width(&next) + 1 > columns {
            break;
        }
        cut = next;
    }
    cut.push('…');
    cut
}

/// The lines as they are printed.
pub fn printed(lines: &[PaintedLine], coloured: bool) -> String {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        for (at, (ink, piece)) in line.0.iter().enumerate() {
            let last = at + 1 == line.0.len();
            let piece = escaped(piece);
            let piece = if last { piece.trim_end() } else { &piece };
            match coloured && *ink != DiffInk::Plain && !piece.is_empty() {
                true => text.extend([ink.sequence(), piece, "\x1b[0m"]),
                false => text.push_str(piece),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_steers_the_terminal() {
        let lines = [
            PaintedLine::of(DiffInk::A, "a\x1b[2J").and(DiffInk::Plain, "b  "),
            PaintedLine::of(DiffInk::Dim, "c"),
        ];
        assert_eq!(printed(&lines, false), "a\u{fffd}[2Jb\nc");
        assert_eq!(printed(&lines, true), "\x1b[31ma\u{fffd}[2J\x1b[0mb\n\x1b[2mc\x1b[0m");
    }

    #[test]
    fn cells_have_their_columns() {
        for (text, columns, expected) in
            [("ab", 4, "ab  "), ("abcdef", 4, "abc…"), ("字字字", 4, "字… "), ("a\nb", 3, "a↵b")]
        {
            assert_eq!(cell(text, columns), expected);
        }
    }
}
