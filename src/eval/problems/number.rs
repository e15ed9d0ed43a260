//! Answers that are numbers, as in GSM8K.

use super::boxed;

/// The number a text answers with: behind the last `####`, else in the last `\boxed{}` that
/// holds one, else the last number of the text. Commas between digits, currency signs and
/// trailing dots are taken off. `None` if there is no number.
pub fn answer(text: &str) -> Option<String> {
    if let Some((_, behind)) = text.rsplit_once("####") {
        return numbers(behind).into_iter().next();
    }
    boxed::last(text)
        .and_then(|inside| numbers(inside).pop())
        .or_else(|| numbers(text).into_iter().next_back())
}

/// Whether two numbers have the same value.
pub fn same(left: &str, right: &str) -> bool {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() < 1e-6,
        _ => left == right,
    }
}

/// Every number of a text, in order, without commas.
fn numbers(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let leading_dot = chars[at] == '.' && digit(at + 1) && (at == 0 || !digit(at - 1));
        if !digit(at) && !leading_dot {
            at += 1;
            continue;
        }
        let mut number = String::new();
        // A minus belongs to the number unless it stands between two operands: `7-2`.
        let sign = chars[..at].iter().rposition(|c| !matches!(c, '$' | '€' | '£'));
        if let Some(sign) = sign.filter(|&sign| matches!(chars[sign], '-' | '−')) {
            let operand = sign > 0 && (chars[sign - 1].is_alphanumeric() || chars[sign - 1] == ')');
            if !operand {
                number.push('-');
            }
        }
        if leading_dot {
            number.push('0');
        }
        let mut dotted = false;
        while at < chars.len() {
            match chars[at] {
                c if c.is_ascii_digit() => number.push(c),
                ',' if (1..=3).all(|next| digit(at + next)) && !digit(at + 4) && !dotted => {}
                '.' if digit(at + 1) && !dotted => {
                    dotted = true;
                    number.push('.');
                }
                _ => break,
            }
            at += 1;
        }
        found.push(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{answer, same};

    #[test]
    fn the_answer_is_found() {
        for (text, expected) in [
            ("The answer is 42.", Some("42")),
            ("3 + 4 = 7\n#### 7", Some("7")),
            ("#### 1,234", Some("1234")),
            ("#### $18 (3 left)", Some("18")),
            ("she pays $1,234.50.", Some("1234.50")),
            ("1,234,567 people", Some("1234567")),
            ("1,2,3", Some("3")),
            ("it is -5 degrees", Some("-5")),
            ("-$5", Some("-5")),
            ("7-2", Some("2")),
            ("(7)-2", Some("2")),
            ("so .5 remains", Some("0.5")),
            ("version 1.2.3", Some("3")),
            ("so \\boxed{12} of 30", Some("12")),
            ("so \\boxed{x = 12} of 30", Some("12")),
            ("so \\boxed{many} of 30", Some("30")),
            ("#### none, though 3 before", Some("3")),
            ("3\n#### none", None),
            ("no number", None),
            ("", None),
            ("...", None),
            ("é7字", Some("7")),
        ] {
            assert_eq!(answer(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn values_count_not_digits() {
        assert!(same("18", "18.0") && same("0018", "18") && same("-0", "0"));
        assert!(!same("18", "18.01") && !same("18", "81"));
    }
}
