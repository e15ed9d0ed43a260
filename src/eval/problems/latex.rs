//! Answers in LaTeX: when two of them say the same.

use super::{boxed::inside, number};

/// Whether two LaTeX answers say the same: equal once normalised, or equal in value.
pub fn same(left: &str, right: &str) -> bool {
    let (left, right) = (normal(left), normal(right));
    left == right || (left.parse::<f64>().is_ok() && number::same(&left, &right))
}

/// LaTeX without what does not change its meaning: blanks, `\left` and `\right`, kinds of
/// fraction, text commands, units in them, dollar, percent and degree signs, commas between
/// thousands, missing braces behind `\frac` and `\sqrt`, a leading `x =`.
pub fn normal(latex: &str) -> String {
    let mut text = latex.trim().trim_end_matches('.').to_owned();
    text = without_units(&text);
    for command in ["\\text", "\\mathrm", "\\textbf", "\\mathbf", "\\mbox"] {
        text = unwrapped(&text, command);
    }
    for (from, to) in [
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\cfrac", "\\frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("\\!", ""),
        ("\\,", ""),
        ("\\;", ""),
        ("\\:", ""),
        ("\\ ", ""),
        ("~", ""),
        ("^{\\circ}", ""),
        ("^\\circ", ""),
        ("\\$", ""),
        ("$", ""),
        ("\\%", ""),
        ("%", ""),
        ("\\leq", "\\le"),
        ("\\geq", "\\ge"),
        ("\\neq", "\\ne"),
    ] {
        // `\leftarrow` and `\rightarrow` are commands of their own.
        text = match from {
            "\\left" | "\\right" => without_command(&text, from),
            _ => text.replace(from, to),
        };
    }
    text.retain(|c| !c.is_whitespace());
    text = without_thousands(&text);
    if let Some((name, value)) = text.split_once('=')
        && name.chars().count() <= 2
        && !value.contains('=')
    {
        text = value.to_owned();
    }
    for (command, arguments) in [("\\frac", 2), ("\\sqrt", 1)] {
        text = braced(&text, command, arguments);
    }
    if let Some((over, under)) = text.split_once('/')
        && over.parse::<i64>().is_ok()
        && under.parse::<i64>().is_ok()
    {
        text = format!("\\frac{{{over}}}{{{under}}}");
    }
    if text.starts_with('.') { format!("0{text}") } else { text }
}

/// Takes away a trailing ` \text{ units}`: a text that begins with a blank stands behind the
/// answer.
fn without_units(text: &str) -> String {
    match text.split_once("\\text{ ") {
        Some((before, _)) if !before.trim().is_empty() => before.to_owned(),
        _ => text.to_owned(),
    }
}

/// Takes the braces away: `\command{inside}` becomes `inside`.
fn unwrapped(text: &str, command: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(command) {
        let behind = &rest[at + command.len()..];
        match inside(behind) {
            Some(content) => {
                out.push_str(&rest[..at]);
                out.push_str(content);
                rest = &behind[content.len() + 2..];
            }
            None => {
                out.push_str(&rest[..at + command.len()]);
                rest = behind;
            }
        }
    }
    out + rest
}

/// Takes `\command` away where it is not the beginning of a longer command.
fn without_command(text: &str, command: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(command) {
        let behind = &rest[at + command.len()..];
        let longer = behind.starts_with(|c: char| c.is_ascii_alphabetic());
        out.push_str(&rest[..if longer { at + command.len() } else { at }]);
        rest = behind;
    }
    out + rest
}

/// Takes commas away between a digit and three more.
fn without_thousands(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let between = |at: usize| {
        at > 0 && digit(at - 1) && (1..=3).all(|next| digit(at + next)) && !digit(at + 4)
    };
    let kept = chars.iter().enumerate().filter(|&(at, &c)| c != ',' || !between(at));
    kept.map(|(_, &c)| c).collect()
}

/// Puts braces around the arguments of `command` that are single characters.
fn braced(text: &str, command: &str, arguments: usize) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(command) {
        out.push_str(&rest[..at + command.len()]);
        rest = &rest[at + command.len()..];
        for _ in 0..arguments {
            // A root of another order, or a longer command: not ours to mend.
            let Some(first) = rest.chars().next().filter(|c| c.is_ascii_alphanumeric()) else {
                break;
            };
            out.push_str(&format!("{{{first}}}"));
            rest = &rest[first.len_utf8()..];
        }
        // An argument in braces before one without: `\frac{a}b`.
        if arguments == 2
            && let Some(content) = inside(rest)
        {
            let (whole, behind) = rest.split_at(content.len() + 2);
            if let Some(first) = behind.chars().next().filter(char::is_ascii_alphanumeric) {
                out.push_str(&format!("{whole}{{{first}}}"));
                rest = &behind[first.len_utf8()..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn writing_does_not_count() {
        for (left, right) in [
            ("\\dfrac{1}{2}", "\\frac12"),
            ("\\frac1{2}", "\\frac{1}2"),
            ("\\tfrac{a}{b}", "\\frac{a}{b}"),
            ("1/2", "\\frac{1}{2}"),
            ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})"),
            ("\\text{even}", "even"),
            ("12 \\text{ inches}", "12"),
            ("\\$18.90", "18.9"),
            ("10,080", "10080"),
            ("50\\%", "50"),
            ("90^\\circ", "90"),
            ("90^{\\circ}", "90"),
            ("x = 5", "5"),
            (" 5. ", "5"),
            ("\\sqrt2", "\\sqrt{2}"),
            (".5", "0.5"),
            ("2\\!\\cdot 3", "2\\cdot3"),
            ("$x+1$", "x+1"),
        ] {
            assert!(same(left, right), "{left} and {right}");
        }
    }

    #[test]
    fn meaning_does() {
        for (left, right) in [
            ("\\frac{1}{2}", "\\frac{2}{1}"),
            ("(1,2)", "(12)"),
            ("x+1", "x-1"),
            ("5", ""),
            ("a\\rightarrow b", "ab"),
            ("1,2", "12"),
            ("nan", "inf"),
        ] {
            assert!(!same(left, right), "{left} and {right}");
        }
    }
}
