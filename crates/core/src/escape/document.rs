//! Text in documents: Markdown, HTML, SVG and JSON.

use std::fmt::Write as _;

use super::{characters, is_hidden};

/// `text` with a visible stand-in for everything that shows nothing but changes what others
/// show; line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (c, hidden) in characters(&text.replace("\r\n", "\n")) {
        let code = u32::from(c);
        match c {
            '\n' | '\t' => safe.push(c),
            '\u{0}'..='\u{1f}' => safe.push(char::from_u32(0x2400 + code).unwrap_or('\u{fffd}')),
            '\u{7f}' => safe.push('␡'),
            // XML cannot hold the last two.
            _ if c.is_control() || hidden || matches!(code, 0xfffe | 0xffff) => {
                let _ = write!(safe, "⟨U+{code:04X}⟩");
            }
            c => safe.push(c),
        }
    }
    safe
}

/// [`visible`] on one line: a line end is ↵, a tab ⇥.
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "↵").replace('\t', "⇥")
}

/// JSON that means the same, with everything escaped in it that could steer a terminal or hide, and
/// the characters of `also`.
pub fn json(json: &str, also: &[char]) -> String {
    let mut safe = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if also.contains(&c) || c.is_control() || is_hidden(c) {
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// For XML and HTML, in text and in quoted attributes.
pub fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// For Markdown, on one line and in a table: no markup, HTML, link or cell begins in it.
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '.'
            | '!' | '|' | '~' | ':' | '@' | '$' | '=' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(made: fn(&str) -> String, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(made(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn hidden_characters_are_shown() {
        check(
            visible,
            &[
                ("a\nb\tc", "a\nb\tc"),
                ("a\r\nb\rc", "a\nb␍c"),
                ("\x1b[31m\0\x7f", "␛[31m␀␡"),
                ("\u{9b}\u{202e}\u{200b}\u{e0041}", "⟨U+009B⟩⟨U+202E⟩⟨U+200B⟩⟨U+E0041⟩"),
                ("\u{ffff}", "⟨U+FFFF⟩"),
                ("é 字", "é 字"),
                ("می‌خواهم ❤️ ක්‍රි", "می‌خواهم ❤️ ක්‍රි"),
            ],
        );
        check(one_line, &[("a\nb\tc\r\n", "a↵b⇥c↵")]);
    }

    #[test]
    fn markup_is_text() {
        check(
            xml,
            &[
                (
                    "<script>alert('&\")</script>",
                    "&lt;script&gt;alert(&#39;&amp;&quot;)&lt;/script&gt;",
                ),
                ("]]> -->", "]]&gt; --&gt;"),
            ],
        );
        check(
            markdown,
            &[
                ("a|b\nc", "a\\|b↵c"),
                ("[x](y) ![z](w)", "\\[x\\]\\(y\\) \\!\\[z\\]\\(w\\)"),
                ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
                ("http://x.y", "http\\://x\\.y"),
                ("\\|", "\\\\\\|"),
            ],
        );
    }
}
