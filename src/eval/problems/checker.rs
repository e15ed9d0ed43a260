//! Checkers: what of a model's text is the answer, and whether it is right.

use serde::{Deserialize, Serialize};

use super::{Problem, boxed, choice, number};

/// How answers are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Checker {
    /// The number behind ####, in \boxed{}, or the last one of the text
    Gsm8k,
    /// What is in the last \boxed{}, compared as LaTeX
    Math,
    /// A letter from A to E
    Choice,
    /// The whole text, blanks around it aside
    Exact,
    /// The rule of the generated problem's own kind
    Synthetic,
}

/// What a checker found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was taken for the answer.
    pub extracted: Option<String>,
    /// True if it is right.
    pub correct: bool,
}

impl Checker {
    /// The name, as flags and files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm8k => "gsm8k",
            Self::Math => "math",
            Self::Choice => "choice",
            Self::Exact => "exact",
            Self::Synthetic => "synthetic",
        }
    }

    /// Checks the answer `text` to `problem`.
    pub fn check(self, problem: &Problem, text: &str) -> Verdict {
        let expected = problem.expected.as_str();
        let (extracted, correct) = match (self, &problem.generated) {
            (Self::Gsm8k, _) => {
                let found = number::answer(text);
                let correct = found.as_ref().is_some_and(|found| number::same(found, expected));
                (found, correct)
            }
            (Self::Math, _) => {
                let found = boxed::last(text).map(|inside| inside.trim().to_owned());
                let correct = found.as_ref().is_some_and(|found| boxed::same(found, expected));
                (found, correct)
            }
            (Self::Choice, _) => {
                let found = choice::answer(text);
                let correct = found.as_deref() == Some(expected);
                (found, correct)
            }
            (Self::Synthetic, Some(generated)) => {
                let number = generated.number.and_then(|_| number::answer(text));
                (number, generated.check(text))
            }
            (Self::Exact | Self::Synthetic, _) => (None, text.trim() == expected.trim()),
        };
        Verdict { extracted, correct }
    }
}

#[cfg(test)]
mod tests {
    use super::Checker;
    use crate::eval::problems::Problem;

    #[test]
    fn answers_are_checked() {
        let check = |checker: Checker, expected: &str, text: &str, correct: bool| {
            let problem = Problem {
                number: 0,
                task: String::new(),
                question: String::new(),
                expected: expected.to_owned(),
                choices: Vec::new(),
                generated: None,
            };
            let found = checker.check(&problem, text);
            assert_eq!(found.correct, correct, "{checker:?} {expected:?} {text:?} {found:?}");
        };
        check(Checker::Gsm8k, "18", "She makes $18.00 a day.", true);
        check(Checker::Gsm8k, "18", "She makes $81.", false);
        check(Checker::Gsm8k, "18", "I do not know.", false);
        check(Checker::Math, "\\frac12", "so \\boxed{\\dfrac{1}{2}}", true);
        check(Checker::Math, "\\frac12", "so \\frac12", false);
        check(Checker::Choice, "B", "The answer is (B).", true);
        check(Checker::Choice, "B", "The answer is (C).", false);
        check(Checker::Choice, "B", "", false);
        check(Checker::Exact, "blue", " blue\n", true);
        check(Checker::Exact, "blue", "Blue", false);
        check(Checker::Exact, "", "", true);
    }
}
