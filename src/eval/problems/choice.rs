//! Answers that are a letter of A to E, in multiple choice.

/// Longest list of choices.
pub const MOST_CHOICES: usize = 5;

/// The letter of choice number `index`, from 0.
pub fn letter(index: usize) -> Option<char> {
    ('A'..='E').nth(index)
}

/// The letter a text answers with. In this order: the last one behind words like `answer is`,
/// the last in `\boxed{}`, the last in parentheses, one that is all of a line, the first that
/// stands at the beginning before `.`, `:` or `)`. `None` if there is none.
pub fn answer(text: &str) -> Option<String> {
    let found = behind_words(text)
        .or_else(|| super::boxed::last(text).and_then(only))
        .or_else(|| in_parentheses(text))
        .or_else(|| text.lines().rev().find_map(only))
        .or_else(|| leading(text));
    found.map(String::from)
}

fn is_letter(c: char) -> bool {
    ('A'..='E').contains(&c)
}

/// The letter that is all there is, but for marks around it.
fn only(text: &str) -> Option<char> {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let bare = bare.strip_prefix("text{").unwrap_or(bare);
    let mut chars = bare.chars();
    let first = chars.next()?.to_ascii_uppercase();
    (is_letter(first) && chars.next().is_none()).then_some(first)
}

/// The last letter behind `answer is`, `answer:`, `answer =` or `option`.
fn behind_words(text: &str) -> Option<char> {
    let lower = text.to_ascii_lowercase();
    let words = ["answer is", "answer:", "answer =", "answer to this is", "option", "choice"];
    let mut starts: Vec<usize> = words
        .iter()
        .flat_map(|word| lower.match_indices(word).map(|(at, word)| at + word.len()))
        .collect();
    starts.sort_unstable();
    starts.into_iter().rev().find_map(|start| {
        let rest = text[start..].trim_start_matches(|c: char| !c.is_alphanumeric());
        let rest = rest.strip_prefix("boxed{").unwrap_or(rest);
        let rest = rest.strip_prefix("option ").unwrap_or(rest);
        let rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let mut chars = rest.chars();
        let first = chars.next()?;
        // `answer is A tree` is an article; `answer is A. A tree` is a letter.
        let ends = match (chars.next(), chars.next()) {
            (None, _) => true,
            (Some(c), _) if c.is_alphanumeric() || c == '\'' => false,
            (Some(' '), Some(c)) if first == 'A' && c.is_lowercase() => false,
            _ => true,
        };
        (ends && is_letter(first)).then_some(first)
    })
}

/// The last letter between parentheses.
fn in_parentheses(text: &str) -> Option<char> {
    let chars: Vec<char> = text.chars().collect();
    let held = |three: &&[char]| three[0] == '(' && is_letter(three[1]) && three[2] == ')';
    chars.windows(3).rev().find(held).map(|three| three[1])
}

fn leading(text: &str) -> Option<char> {
    let mut chars = text.trim_start().chars();
    let (first, second) = (chars.next()?, chars.next()?);
    (is_letter(first) && matches!(second, '.' | ':' | ')' | ',')).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn the_letter_is_found() {
        for (text, expected) in [
            ("The answer is (B).", Some("B")),
            ("the answer is B", Some("B")),
            ("Answer: C", Some("C")),
            ("**Answer:** D", Some("D")),
            ("I first thought the answer is A. But the answer is (D).", Some("D")),
            ("The answer is option C.", Some("C")),
            ("The correct choice: E", Some("E")),
            ("The answer is \\boxed{B}.", Some("B")),
            ("\\boxed{\\text{C}}", Some("C")),
            ("B", Some("B")),
            ("(c)", Some("C")),
            ("b.", Some("B")),
            ("It must be (A), not (C)", Some("C")),
            ("Because it is warm.\nD", Some("D")),
            ("B) the sun", Some("B")),
            ("A. a tree", Some("A")),
            ("the answer is a tree", None),
            ("The answer is A tree", None),
            ("The answer is F", None),
            ("Everything is fine", None),
            ("", None),
        ] {
            assert_eq!(answer(text).as_deref(), expected, "{text:?}");
        }
    }
}
