//! Characters that show nothing themselves: which of them belong to the text around them, and which
//! only deceive the reader.
//!
//! Persian, Sinhala and emoji are written with joiners and variation selectors: where these stand
//! as Unicode means them to, they are text. Everything else of the kind is shown by a stand-in.

use std::str::Chars;

use unicode_width::UnicodeWidthChar;

/// Characters that show nothing but change what others show: direction, joining, variation, and
/// spaces that look like none or like plain ones.
pub fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff)
}

/// A mark that belongs on the character before it.
pub fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !c.is_control() && !is_hidden(c)
}

/// The characters of a text, each with whether it is hidden: true for those of [`is_hidden`] that
/// do not belong to what stands around them.
pub fn characters(text: &str) -> Characters<'_> {
    Characters { rest: text.chars(), before: None, tags: 0 }
}

/// The iterator that [`characters`] returns.
#[derive(Debug, Clone)]
pub struct Characters<'a> {
    rest: Chars<'a>,
    /// What stands before, if it is seen.
    before: Option<char>,
    /// Characters of a flag's tags that are still to come.
    tags: usize,
}

impl Iterator for Characters<'_> {
    type Item = (char, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let c = self.rest.next()?;
        let hidden = is_hidden(c) && !self.belongs(c);
        self.before = (!hidden && !c.is_control()).then_some(c);
        Some((c, hidden))
    }
}

impl Characters<'_> {
    /// Whether a character of [`is_hidden`] is part of the text here.
    fn belongs(&mut self, c: char) -> bool {
        if self.tags > 0 {
            self.tags -= 1;
            return true;
        }
        let next = self.rest.clone().next();
        let before = self.before;
        let both = |fits: fn(char) -> bool| before.is_some_and(fits) && next.is_some_and(fits);
        match u32::from(c) {
            // Joiners, and the one of marks.
            0x200c | 0x200d | 0x34f => self.joins(c, next),
            // Selectors of Mongolian, and its separator of vowels.
            0x180b..=0x180d | 0x180f => before.is_some_and(is_mongolian),
            0x180e => both(is_mongolian),
            // Fillers inside a syllable of Hangul.
            0x115f => next.is_some_and(|next| matches!(next, '\u{1160}'..='\u{11a7}')),
            0x1160 => before.is_some_and(
                |before| matches!(before, '\u{1100}'..='\u{115f}' | '\u{a960}'..='\u{a97c}'),
            ),
            // Where words may break, in scripts that write no spaces.
            0x200b => both(is_unspaced),
            // Variation selectors: one behind a character that has variants.
            0xfe00..=0xfe0f => before.is_some_and(|before| {
                !is_hidden(before)
                    && !before.is_whitespace()
                    && (!before.is_ascii() || matches!(before, '0'..='9' | '#' | '*'))
            }),
            0xe0100..=0xe01ef => {
                before.is_some_and(|before| before.is_alphabetic() && !before.is_ascii())
            }
            // The tags of a flag: England's, Scotland's.
            0xe0020..=0xe007e if before == Some('\u{1f3f4}') => {
                self.tags = tags(self.rest.clone());
                self.tags > 0
            }
            _ => false,
        }
    }

    /// Whether a joiner stands where one may: inside a word or behind it, between emoji.
    fn joins(&self, joiner: char, next: Option<char>) -> bool {
        let Some(before) = self.before else { return false };
        let word = |c: char| c.is_alphanumeric() || is_mark(c);
        let foreign = |c: char| word(c) && !c.is_ascii();
        let emoji = |c: char| is_pictograph(c) || c == '\u{fe0f}';
        match next {
            Some(next) if joiner == '\u{200d}' && emoji(before) => is_pictograph(next),
            Some(next) if foreign(next) => !before.is_whitespace() && !is_hidden(before),
            Some(next) if word(next) => word(before),
            // The last letter takes another form.
            _ => foreign(before),
        }
    }
}

/// How many characters follow of a flag's tags, their end included; 0 if they have none.
fn tags(rest: Chars) -> usize {
    const MOST_TAGS: usize = 8;
    let tag = |c: &char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let n = rest.clone().take(MOST_TAGS).take_while(tag).count();
    if rest.clone().nth(n) == Some('\u{e007f}') { n + 1 } else { 0 }
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18aa}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Thai, Lao, Myanmar, Khmer and their like.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// What emoji are made of; symbols that have a form as emoji are among them.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with what is hidden in brackets.
    fn shown(text: &str) -> String {
        let one = |(c, hidden): (char, bool)| match hidden {
            true => format!("[{:X}]", u32::from(c)),
            false => c.to_string(),
        };
        characters(text).map(one).collect()
    }

    #[test]
    fn joiners_and_selectors_in_their_places_are_text() {
        for text in [
            "می‌خواهم",
            "۵‌ساله",
            "«کتاب»‌ها",
            "ක්‍රි",
            "क्‍ष",
            "ണ്‍",
            "Auf\u{200c}lage",
            "👩‍💻 👨‍👩‍👧 🏳️‍🌈 🧑🏽‍🚀 ❤️‍🔥",
            "❤️ ☺︎ 1️⃣ #️⃣",
            "葛\u{e0100}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}!",
            "🇩🇪",
            "e\u{301}\u{323}",
            "\u{1112}\u{1161}\u{11ab}",
            "\u{1100}\u{1160}\u{11a8}",
            "ភាសា\u{200b}ខ្មែរ",
            "ᠠ\u{180b}",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn what_deceives_is_shown_everywhere() {
        for (text, expected) in [
            ("a\u{202e}b\u{2066}c\u{2069}", "a[202E]b[2066]c[2069]"),
            ("ا\u{200f}ب\u{200e}ج\u{61c}", "ا[200F]ب[200E]ج[61C]"),
            ("\u{feff}a\u{feff}", "[FEFF]a[FEFF]"),
            ("a\u{200b}b", "a[200B]b"),
            ("\u{200d}a", "[200D]a"),
            ("a \u{200c}b", "a [200C]b"),
            ("a\u{200d}", "a[200D]"),
            ("ب\u{200c}\u{200c}ب", "ب\u{200c}[200C]ب"),
            // Text hidden in selectors and tags.
            ("a\u{fe01}", "a[FE01]"),
            ("😀\u{fe0f}\u{fe01}\u{e0101}", "😀\u{fe0f}[FE01][E0101]"),
            ("😀\u{e0041}\u{e007f}", "😀[E0041][E007F]"),
            ("🏴\u{e0067}", "🏴[E0067]"),
            ("\u{fff9}a\u{fffa}b\u{fffb}", "[FFF9]a[FFFA]b[FFFB]"),
            ("\u{3164}\u{ffa0}\u{1160}", "[3164][FFA0][1160]"),
            ("👩\u{200d}a", "👩[200D]a"),
            ("\u{1b}\u{200c}ب", "\u{1b}[200C]ب"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
