//! Answers of GSM8K and MATH-500 as the published evaluation of DAEDAL finds and compares them
//! (`metrics/gsm8k.py` and `metrics/math500.py` of its repository, which are alike). Equal to it
//! on every text, its oddities included: `tests/reference/checkers.py` holds them together.

mod python;

/// What a generation answers: the last box, or the whole text where there is none, or what stands
/// between `<answer>` and `</answer>` where a box does not close. `text` is the whole generation
/// with its end-of-sequence tokens by name, as they come between the answer and the end.
pub fn answer(text: &str) -> Option<String> {
    last_box(text)
        .filter(|found| !found.is_empty())
        .map(unboxed)
        .or_else(|| {
            let (_, behind) = text.split_once("<answer>")?;
            let (inside, _) = behind.split_once("</answer>")?;
            Some(python::strip(inside))
        })
        .map(str::to_owned)
}

/// Whether an answer and the one wanted say the same: in value within 1e-6, else once normalised.
pub fn same(answer: &str, wanted: &str) -> bool {
    // Where the published code breaks off, nothing is counted as right.
    let (Some(answer), Some(wanted)) = (normal(answer), normal(wanted)) else { return false };
    let near = match (python::float(&answer), python::float(&wanted)) {
        (Some(answer), Some(wanted)) => (answer - wanted).abs() < 1e-6,
        _ => false,
    };
    near || answer == wanted
}

/// The answer wanted, of an answer as the data sets have it: what is behind the last `####`. A list
/// of whole numbers in brackets is read and written again by Python on its way: `[2,500]` becomes
/// `[2, 500]`, which holds no comma between thousands.
pub fn target(answer: &str) -> String {
    let text = answer.rsplit_once("####").map_or(answer, |(_, behind)| python::strip(behind));
    let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let whole = |part: &str| {
        let digits = part.trim_matches(' ').trim_start_matches(['-', '+']);
        let number: i64 = part.trim_matches(' ').parse().ok()?;
        // Python has no whole number with zeros before it.
        (digits == "0" || !digits.starts_with('0')).then(|| number.to_string())
    };
    let parts: Option<Vec<String>> =
        inside.and_then(|inside| inside.split(',').map(whole).collect());
    parts.map_or_else(|| text.to_owned(), |parts| format!("[{}]", parts.join(", ")))
}

/// The last `\boxed …` up to a dollar sign if one is written that way, else from the last
/// `\boxed` or `\fbox` to the brace that closes it, else everything. `None` if it does not close.
fn last_box(text: &str) -> Option<&str> {
    const OPEN: &str = "\\boxed ";
    if let Some(at) = text.rfind(OPEN) {
        let end = text[at + OPEN.len()..].find('$').map_or(text.len(), |end| at + OPEN.len() + end);
        return Some(&text[at..end]);
    }
    let Some(start) = text.rfind("\\boxed").or_else(|| text.rfind("\\fbox")) else {
        return Some(text);
    };
    let mut depth = 0_i64;
    for (at, c) in text[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if c == '}' && depth == 0 {
            return Some(&text[start..=start + at]);
        }
    }
    None
}

/// A box's inside; what is no `\boxed` stays as it is.
fn unboxed(text: &str) -> &str {
    let braced = || text.strip_prefix("\\boxed{")?.strip_suffix('}');
    text.strip_prefix("\\boxed ").or_else(braced).unwrap_or(text)
}

/// The text without what the published comparison does not look at. The order matters. `None`
/// where its code breaks off: a `\frac` with nothing behind.
fn normal(text: &str) -> Option<String> {
    let mut text = without_thousands(python::strip(text));
    for (from, to) in [
        ("\n", ""),
        ("\\!", ""),
        ("\\\\", "\\"),
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("^{\\circ}", ""),
        ("^\\circ", ""),
        ("\\$", ""),
        ("\\%", ""),
    ] {
        text = text.replace(from, to);
    }
    if let Some((before, behind)) = text.split_once("\\text{ ")
        && !behind.contains("\\text{ ")
    {
        text = before.to_owned();
    }
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    text = text.replace(" .", " 0.");
    if let Some((name, value)) = text.split_once('=')
        && !value.contains('=')
        && name.chars().count() <= 2
    {
        text = python::strip(value).to_owned();
    }
    text = with_braced_roots(&text).replace(' ', "");
    text = with_braced_fractions(&text)?;
    if text == "0.5" {
        text = "\\frac{1}{2}".to_owned();
    }
    Some(match text.split_once('/') {
        // More than one slash: what is behind the first is no number.
        Some((over, under)) if [over, under].iter().all(|part| python::float(part).is_some()) => {
            format!("\\frac{{{over}}}{{{under}}}")
        }
        _ => text,
    })
}

/// Takes away every comma between a digit and three more, whatever follows those.
fn without_thousands(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    loop {
        let digit = |at: usize| chars.get(at).is_some_and(|&c| python::digit(c).is_some());
        let (mut kept, mut at) = (Vec::with_capacity(chars.len()), 0);
        while at < chars.len() {
            let found = chars.get(at + 1) == Some(&',')
                && digit(at)
                && (2..=4).all(|ahead| digit(at + ahead));
            if found {
                kept.push(chars[at]);
                kept.extend(&chars[at + 2..at + 5]);
                at += 5;
            } else {
                kept.push(chars[at]);
                at += 1;
            }
        }
        if kept.len() == chars.len() {
            return kept.into_iter().collect();
        }
        chars = kept;
    }
}

/// Puts the character behind `\sqrt` into braces.
fn with_braced_roots(text: &str) -> String {
    let mut parts = text.split("\\sqrt");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("\\sqrt");
        match part.chars().next() {
            Some(first) if first != '{' => {
                out.push_str(&format!("{{{first}}}{}", &part[first.len_utf8()..]));
            }
            _ => out.push_str(part),
        }
    }
    out
}

/// Puts the two characters behind `\frac` into braces, or the first if the second is one. A
/// `\frac` with one character behind leaves everything as it is; with none it is `None`.
fn with_braced_fractions(text: &str) -> Option<String> {
    let mut parts = text.split("\\frac");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("\\frac");
        let mut chars = part.chars();
        let over = chars.next()?;
        if over == '{' {
            out.push_str(part);
            continue;
        }
        let Some(under) = chars.next() else { return Some(text.to_owned()) };
        out.push_str(&match under {
            '{' => format!("{{{over}}}{{{}", chars.as_str()),
            _ => format!("{{{over}}}{{{under}}}{}", chars.as_str()),
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{answer, same};

    #[derive(Deserialize)]
    struct Case {
        text: String,
        target: String,
        extracted: Option<String>,
        correct: bool,
    }

    /// Every case that the published functions were asked, with what they said.
    #[test]
    fn checked_as_published() {
        let cases = include_str!("../../../../tests/checkers/answers.json");
        let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() >= 1000, "{}", cases.len());
        assert!(cases.iter().filter(|case| case.correct).count() >= 200);
        for Case { text, target, extracted, correct } in cases {
            let found = answer(&text);
            assert_eq!(found, extracted, "{text:?}");
            let right = found.is_some_and(|found| same(&found, &target));
            assert_eq!(right, correct, "{text:?} for {target:?}");
        }
    }
}
