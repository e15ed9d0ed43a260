//! Prompt formats: how a question is put to a model.

use serde::{Deserialize, Serialize};

use super::{Checker, Problem, choice};

/// What the published evaluation of DAEDAL puts before questions of GSM8K and MATH-500, word for
/// word, as data: figures are comparable only under the same prompt.
const MATH: &str = "You are a math expert. You will be given a question to solve. Solve it step \
by step. Wrap the final answer in a \\boxed{}. \nRespond in the following format:\n<reasoning>\n\
Your reasoning here\n</reasoning>\n<answer>\n\\boxed{...}\n</answer>";

/// The same, before a function is named and behind it: what follows a problem of HumanEval and MBPP.
const CODE: [&str; 2] = [
    "\n\nFirst, reason about the solution step-by-step. Then, write the code.\nRespond in the \
     following format:\n<reasoning>\nYour reasoning here\n</reasoning>\n<answer>\n```python\n\
     The complete implementation ",
    " function\n```\n</answer>",
];

/// What the published evaluation begins a model's answer with.
const BEGUN: &str = "<reasoning> ";

/// How a question becomes a prompt. The model's chat template goes around it either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFormat {
    /// The question as it stands
    #[default]
    Plain,
    /// The prompt of DAEDAL's published evaluation, with an answer that begins with
    /// `<reasoning>`
    Daedal,
}

impl PromptFormat {
    /// The name, as flags and files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Daedal => "daedal",
        }
    }

    /// What the answer begins with, behind the template: a part of the prompt.
    pub fn begun(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Daedal => BEGUN,
        }
    }

    /// The prompt that asks `problem`. The published evaluation has no multiple choice: there
    /// its words for mathematics stand before the question, and a line asks for the letter.
    pub fn prompt(self, problem: &Problem, checker: Checker) -> String {
        let mut question = problem.question.clone();
        for (index, text) in problem.choices.iter().enumerate() {
            if let Some(letter) = choice::letter(index) {
                question.push_str(&format!("\n{letter}. {text}"));
            }
        }
        let tests = problem.expected.as_deref().unwrap_or_default();
        // Choices are asked for alike, whether the answer is checked or not.
        let checker = match checker {
            Checker::None if !problem.choices.is_empty() => Checker::Choice,
            checker => checker,
        };
        match (self, checker) {
            (Self::Plain, Checker::Choice) => {
                format!("{question}\nAnswer with the letter of the right choice.")
            }
            (Self::Plain, Checker::Mbpp) => {
                format!("{question} Your code should pass these tests:\n\n{tests}")
            }
            (Self::Plain, _) => question,
            (Self::Daedal, Checker::Choice) => {
                format!("{MATH}\n\n{question}\nThe final answer is the letter alone.\n\n")
            }
            (Self::Daedal, Checker::HumanEval) => {
                let function = problem.code.as_ref().and_then(|task| task.entry_point.as_deref());
                format!(
                    "Write a solution to the following problem and make sure that it passes the \
                     tests:\n{question}{} of the {}{}",
                    CODE[0],
                    function.unwrap_or_default(),
                    CODE[1]
                )
            }
            (Self::Daedal, Checker::Mbpp) => format!(
                "\n{question} Your code should pass these tests:\n\n{tests} {}of the{}",
                CODE[0], CODE[1]
            ),
            (Self::Daedal, _) => format!("{MATH}\n\n{question}\n\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::problems::code::CodeTask;

    #[test]
    fn questions_become_prompts() {
        let problem = |choices: &[&str]| Problem {
            question: "How many?".to_owned(),
            expected: Some("assert f(1) == 1\nassert f(2) == 2".to_owned()),
            choices: choices.iter().map(|&text| text.to_owned()).collect(),
            code: Some(CodeTask { entry_point: Some("f".to_owned()), before: String::new() }),
            ..Problem::default()
        };
        let check = |format: PromptFormat, choices: &[&str], checker: Checker, expected: &str| {
            let prompt = format.prompt(&problem(choices), checker);
            assert!(prompt.ends_with(expected), "{prompt:?}");
        };
        check(PromptFormat::Plain, &[], Checker::Gsm8k, "How many?");
        check(PromptFormat::Daedal, &[], Checker::Math, "\n</answer>\n\nHow many?\n\n");
        let letters = "How many?\nA. one\nB. two\nAnswer with the letter of the right choice.";
        check(PromptFormat::Plain, &["one", "two"], Checker::Choice, letters);
        check(PromptFormat::Plain, &["one", "two"], Checker::None, letters);
        check(
            PromptFormat::Daedal,
            &["one"],
            Checker::Choice,
            "A. one\nThe final answer is the letter alone.\n\n",
        );
        check(PromptFormat::Plain, &[], Checker::Mbpp, "\n\nassert f(1) == 1\nassert f(2) == 2");
    }

    /// The prompts that the published tasks make: `tests/reference/checkers.py` wrote them down.
    #[test]
    fn prompts_are_those_published() {
        let cases = include_str!("../../../tests/checkers/prompts.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let line = serde_json::to_vec(&case["line"]).unwrap();
            let read = crate::eval::problems::file::parse(&line, "p", "p", None, None).unwrap();
            let (problem, target) = (&read.problems[0], &case["target"]);
            let benchmark = read.benchmark.unwrap();
            assert_eq!(benchmark.name(), case["benchmark"]);
            let prompt = PromptFormat::Daedal.prompt(problem, benchmark.checker());
            assert_eq!(prompt, case["prompt"].as_str().unwrap());
            assert_eq!(problem.expected.as_deref(), target.as_str());
        }
    }
}
