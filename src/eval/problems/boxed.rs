//! Answers in `\boxed{}`, as in MATH.

/// The inside of the last `\boxed{…}` or `\fbox{…}` whose braces balance.
pub fn last(text: &str) -> Option<&str> {
    let starts = |command: &str| {
        text.match_indices(command).map(|(at, found)| at + found.len()).collect::<Vec<_>>()
    };
    let mut starts: Vec<usize> = [starts("\\boxed"), starts("\\fbox")].concat();
    starts.sort_unstable();
    starts.into_iter().rev().find_map(|start| inside(text[start..].trim_start()))
}

/// What stands between a leading brace and the one that closes it.
pub(super) fn inside(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        match (depth, at) {
            (0, 0) => return None,
            (0, _) => return Some(&text[1..at]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn the_last_balanced_box_counts() {
        for (text, expected) in [
            ("so \\boxed{42}.", Some("42")),
            ("\\boxed{1} then \\boxed{2}", Some("2")),
            ("\\boxed{\\frac{1}{2}}", Some("\\frac{1}{2}")),
            ("\\boxed {7}", Some("7")),
            ("\\fbox{7}", Some("7")),
            ("\\boxed{1} and \\boxed{2", Some("1")),
            ("\\boxed{\\{1,2\\}}", Some("\\{1,2\\}")),
            ("\\boxed{}", Some("")),
            ("\\boxed{\\boxed{3}}", Some("3")),
            ("\\boxed", None),
            ("\\boxed 5", None),
            ("}", None),
            ("", None),
        ] {
            assert_eq!(last(text), expected, "{text:?}");
        }
    }
}
