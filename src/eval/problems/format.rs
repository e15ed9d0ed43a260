//! Prompt formats: how a question is put to a model.

use serde::{Deserialize, Serialize};

use super::{Checker, Problem, choice};

/// What the published evaluation of DAEDAL puts before questions of GSM8K and MATH, word for
/// word, as data: figures are comparable only under the same prompt.
const DAEDAL: &str = "You are a math expert. You will be given a question to solve. Solve it step \
by step. Wrap the final answer in a \\boxed{}. \nRespond in the following format:\n<reasoning>\n\
Your reasoning here\n</reasoning>\n<answer>\n\\boxed{...}\n</answer>";

/// How a question becomes a prompt. The model's chat template goes around it either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFormat {
    /// The question as it stands
    #[default]
    Plain,
    /// The prompt of DAEDAL's published evaluation: reasoning, then the answer in \boxed{}
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

    /// The prompt that asks `problem`.
    ///
    /// The published evaluation also begins the model's answer with `<reasoning>`, which is not
    /// done here. It has no multiple choice: there the same words stand before the question, and
    /// a line asks for the letter.
    pub fn prompt(self, problem: &Problem, checker: Checker) -> String {
        let mut question = problem.question.clone();
        for (index, text) in problem.choices.iter().enumerate() {
            if let Some(letter) = choice::letter(index) {
                question.push_str(&format!("\n{letter}. {text}"));
            }
        }
        match (self, checker) {
            (Self::Plain, Checker::Choice) => {
                format!("{question}\nAnswer with the letter of the right choice.")
            }
            (Self::Plain, _) => question,
            (Self::Daedal, Checker::Choice) => {
                format!("{DAEDAL}\n\n{question}\nThe final answer is the letter alone.\n\n")
            }
            (Self::Daedal, _) => format!("{DAEDAL}\n\n{question}\n\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_prompts() {
        let problem = |choices: &[&str]| Problem {
            number: 0,
            task: String::new(),
            question: "How many?".to_owned(),
            expected: String::new(),
            choices: choices.iter().map(|&text| text.to_owned()).collect(),
            generated: None,
        };
        let check = |format: PromptFormat, choices: &[&str], checker: Checker, expected: &str| {
            let prompt = format.prompt(&problem(choices), checker);
            assert!(prompt.ends_with(expected), "{prompt:?}");
            assert_eq!(prompt.starts_with("You are a math expert."), format != PromptFormat::Plain);
        };
        check(PromptFormat::Plain, &[], Checker::Gsm8k, "How many?");
        check(PromptFormat::Daedal, &[], Checker::Math, "\n</answer>\n\nHow many?\n\n");
        let letters = "How many?\nA. one\nB. two\nAnswer with the letter of the right choice.";
        check(PromptFormat::Plain, &["one", "two"], Checker::Choice, letters);
        check(
            PromptFormat::Daedal,
            &["one"],
            Checker::Choice,
            "A. one\nThe final answer is the letter alone.\n\n",
        );
    }
}
