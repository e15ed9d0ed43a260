//! Checkers: what of a model's text is the answer, and whether it is right.

use serde::{Deserialize, Serialize};

use super::{
    Problem, boxed, choice,
    code::{CodeJob, Python, PythonError, Rules},
    latex, number, published,
};
use crate::model::Surroundings;

/// How answers are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Checker {
    /// GSM8K as published with DAEDAL: the last \boxed{}, else the whole text, compared as LaTeX
    Gsm8k,
    /// MATH-500 as published with DAEDAL, which is the same
    #[value(alias = "math500")]
    Math,
    /// HumanEval as published with DAEDAL: the code is run with its tests, under --run-code
    #[serde(rename = "humaneval")]
    #[value(name = "humaneval")]
    HumanEval,
    /// MBPP as published with DAEDAL: the code is run with its tests, under --run-code
    Mbpp,
    /// HumanEval-Infilling: the text before the gap, the answer and the text behind it are run with
    /// their tests, under --run-code
    #[serde(rename = "humaneval-infilling")]
    #[value(name = "humaneval-infilling")]
    HumanEvalInfilling,
    /// The number behind ####, in \boxed{}, or the last one of the text
    Number,
    /// What is in the last \boxed{}, compared as LaTeX with more tolerance
    Latex,
    /// A letter from A to E
    Choice,
    /// The whole text, blanks around it aside
    Exact,
    /// The rule of the generated problem's own kind
    Synthetic,
    /// Answers are not checked, whether there are some or not
    None,
}

/// What a model wrote.
#[derive(Debug, Clone, Copy)]
pub struct ModelAnswer<'a> {
    /// The text before the tail of end-of-sequence tokens, without control tokens.
    pub text: &'a str,
    /// All of it, control tokens by name: what the published checkers read.
    pub whole: &'a str,
}

/// What a checker found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckerVerdict {
    /// What was taken for the answer.
    pub extracted: Option<String>,
    /// True if it is right; `None` if that takes running code, and it was not run, or if the problem has
    /// no answer.
    pub correct: Option<bool>,
    /// Why code that was run has not passed its tests.
    pub fault: Option<String>,
}

impl Checker {
    /// The name, as flags and files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm8k => "gsm8k",
            Self::Math => "math",
            Self::HumanEval => "humaneval",
            Self::Mbpp => "mbpp",
            Self::HumanEvalInfilling => "humaneval-infilling",
            Self::Number => "number",
            Self::Latex => "latex",
            Self::Choice => "choice",
            Self::Exact => "exact",
            Self::Synthetic => "synthetic",
            Self::None => "none",
        }
    }

    /// What the published metric counts as padding besides the end of the text.
    pub fn padding(self) -> &'static [&'static str] {
        match self {
            Self::HumanEval => &["[DONE]", "<|eot_id|>"],
            Self::Mbpp => &["<|eot_id|>"],
            _ => &[],
        }
    }

    /// True if it runs the code of answers.
    pub fn runs_code(self) -> bool {
        self.rules().is_some()
    }

    fn rules(self) -> Option<Rules> {
        match self {
            Self::HumanEval => Some(Rules::HumanEval),
            Self::Mbpp => Some(Rules::Mbpp),
            Self::HumanEvalInfilling => Some(Rules::Infilling),
            _ => None,
        }
    }

    /// Checks the answer to `problem`. Its code is run if there is a `python` to run it with.
    ///
    /// # Errors
    /// If Python fails, which says nothing about the answer.
    pub fn check(
        self,
        problem: &Problem,
        written: ModelAnswer,
        python: Option<&Python>,
    ) -> Result<CheckerVerdict, PythonError> {
        let Some(expected) = problem.expected.as_deref() else {
            return Ok(CheckerVerdict::default());
        };
        if let Some(rules) = self.rules() {
            return match python {
                None => Ok(CheckerVerdict::default()),
                Some(python) => run(rules, problem, expected, written, python),
            };
        }
        let text = written.text;
        let (extracted, correct) = match (self, &problem.generated) {
            (Self::None, _) => return Ok(CheckerVerdict::default()),
            (Self::Gsm8k | Self::Math, _) => {
                let found = published::answer(written.whole);
                let correct = found.as_ref().is_some_and(|found| published::same(found, expected));
                (found, correct)
            }
            (Self::Number, _) => {
                let found = number::answer(text);
                let correct = found.as_ref().is_some_and(|found| number::same(found, expected));
                (found, correct)
            }
            (Self::Latex, _) => {
                let found = boxed::last(text).map(|inside| inside.trim().to_owned());
                let correct = found.as_ref().is_some_and(|found| latex::same(found, expected));
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
            // Programs are run above.
            (
                Self::Exact
                | Self::Synthetic
                | Self::HumanEval
                | Self::Mbpp
                | Self::HumanEvalInfilling,
                _,
            ) => (None, text.trim() == expected.trim()),
        };
        Ok(CheckerVerdict { extracted, correct: Some(correct), fault: None })
    }
}

fn run(
    rules: Rules,
    problem: &Problem,
    expected: &str,
    written: ModelAnswer,
    python: &Python,
) -> Result<CheckerVerdict, PythonError> {
    let task = problem.code.as_ref();
    let before = task.map_or("", |task| &task.before);
    let filled = match &problem.surroundings {
        Surroundings::Gap { before, behind } => Some(format!("{before}{}{behind}", written.text)),
        _ => None,
    };
    let job = CodeJob {
        rules,
        text: filled.as_deref().unwrap_or(written.whole),
        prompt: &problem.question,
        entry_point: task.and_then(|task| task.entry_point.as_deref()).unwrap_or_default(),
        tests: &format!("{before}{expected}"),
    };
    let ran = python.run(&job)?;
    Ok(CheckerVerdict { extracted: ran.code, correct: Some(ran.fault.is_none()), fault: ran.fault })
}

#[cfg(test)]
mod tests {
    use super::{Checker, CheckerVerdict, ModelAnswer};
    use crate::eval::problems::Problem;

    #[test]
    fn answers_are_checked() {
        let check = |checker: Checker, expected: &str, text: &str, correct: bool| {
            let problem = Problem { expected: Some(expected.to_owned()), ..Problem::default() };
            let whole = format!("{text}<|endoftext|>");
            let written = ModelAnswer { text, whole: &whole };
            let found = checker.check(&problem, written, None).unwrap();
            assert_eq!(found.correct, Some(correct), "{checker:?} {expected:?} {text:?} {found:?}");
        };
        check(Checker::Gsm8k, "18", "so \\boxed{18.0}", true);
        check(Checker::Gsm8k, "18", "She makes $18.00 a day.", false);
        check(Checker::Gsm8k, "18", "18", false);
        check(Checker::Math, "\\frac12", "so \\boxed{\\dfrac{1}{2}}", true);
        check(Checker::Number, "18", "She makes $18.00 a day.", true);
        check(Checker::Number, "18", "She makes $81.", false);
        check(Checker::Number, "18", "I do not know.", false);
        check(Checker::Latex, "\\frac12", "so \\boxed{\\dfrac{1}{2}}", true);
        check(Checker::Latex, "\\frac12", "so \\frac12", false);
        check(Checker::Choice, "B", "The answer is (B).", true);
        check(Checker::Choice, "B", "The answer is (C).", false);
        check(Checker::Choice, "B", "", false);
        check(Checker::Exact, "blue", " blue\n", true);
        check(Checker::Exact, "blue", "Blue", false);
        check(Checker::Exact, "", "", true);
    }

    #[test]
    fn code_that_is_not_run_is_neither_right_nor_wrong() {
        for checker in [Checker::HumanEval, Checker::Mbpp, Checker::HumanEvalInfilling] {
            let written = ModelAnswer { text: "", whole: "" };
            let problem = Problem { expected: Some("tests".to_owned()), ..Problem::default() };
            let found = checker.check(&problem, written, None);
            assert_eq!(found, Ok(CheckerVerdict::default()), "{checker:?}");
        }
    }

    #[test]
    fn without_an_answer_nothing_is_right_or_wrong() {
        let written = ModelAnswer { text: "", whole: "" };
        for (checker, expected) in [
            (Checker::Exact, None),
            (Checker::Number, None),
            (Checker::Gsm8k, None),
            (Checker::None, Some("")),
            (Checker::None, None),
        ] {
            let problem = Problem { expected: expected.map(str::to_owned), ..Problem::default() };
            let found = checker.check(&problem, written, None);
            assert_eq!(found, Ok(CheckerVerdict::default()), "{checker:?} {expected:?}");
        }
    }
}
