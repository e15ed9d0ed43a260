//! Text in a report: cut to a width, as code, as a link, as a word of a shell.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

pub(super) use crate::escape::{markdown, one_line, xml};

/// At most `cells` terminal cells of it on one line, with … behind what is cut.
pub(super) fn fit(text: &str, cells: usize) -> String {
    let line = one_line(text);
    let width = |c: char| c.width().unwrap_or(0);
    if line.chars().map(width).sum::<usize>() <= cells {
        return line;
    }
    let mut used = 1;
    let kept = line.chars().take_while(|c| {
        used += width(*c);
        used <= cells
    });
    kept.chain(['…']).collect()
}

/// The same with … in the middle: recipes that differ at their end stay apart.
pub(super) fn fit_middle(text: &str, cells: usize) -> String {
    let line = one_line(text);
    if fit(&line, cells) == line {
        return line;
    }
    let head = fit(&line, cells / 2 + 1);
    let backward: String = line.chars().rev().collect();
    let tail = fit(&backward, cells - cells / 2);
    head.chars().chain(tail.trim_end_matches('…').chars().rev()).collect()
}

/// As Markdown code in a table: fenced by more backticks than it holds, or as HTML if it holds a
/// pipe, since readers differ in what ends a cell within a fence.
pub(super) fn markdown_code(text: &str) -> String {
    let line = one_line(text);
    if line.contains('|') {
        return format!("<code>{}</code>", markdown(&line).replace("\\|", "&#124;"));
    }
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{gap}{line}{gap}{fence}")
}

/// A path as a relative link: nothing in it can be a scheme or end the link.
pub(super) fn link(path: &str) -> String {
    let mut link = "./".to_owned();
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                link.push(char::from(byte));
            }
            _ => {
                let _ = write!(link, "%{byte:02X}");
            }
        }
    }
    link
}

/// One argument of a shell's command line.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=,:@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
    fn code_ends_where_it_should() {
        check(
            markdown_code,
            &[
                ("a", "`a`"),
                ("a`b", "``a`b``"),
                ("`", "`` ` ``"),
                ("a`\\|c", "<code>a\\`\\\\&#124;c</code>"),
            ],
        );
    }

    #[test]
    fn paths_stay_paths() {
        check(
            link,
            &[
                ("traces/daedal/3.jsonl", "./traces/daedal/3.jsonl"),
                ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
                ("//host/x", "./host/x"),
                ("a b\"?#|é", "./a%20b%22%3F%23%7C%C3%A9"),
            ],
        );
        check(
            shell,
            &[
                ("out/traces/a:b=1,c.jsonl", "out/traces/a:b=1,c.jsonl"),
                ("a b", "'a b'"),
                ("it's $(x)", r"'it'\''s $(x)'"),
                ("", "''"),
            ],
        );
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        assert_eq!(fit("字字字字", 6), "字字…");
        assert_eq!(fit_middle("abcdef", 6), "abcdef");
        assert_eq!(fit_middle("abcdefgh", 6), "abc…gh");
    }
}
