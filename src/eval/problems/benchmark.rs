//! The benchmarks of DAEDAL's paper, in the files they are published in.

use serde::{Deserialize, Serialize};

use super::Checker;

/// One of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Benchmark {
    /// GSM8K: question, and answer with `####` before the number.
    Gsm8k,
    /// MATH-500: problem, solution, answer.
    Math500,
    /// HumanEval: prompt, entry point, test.
    HumanEval,
    /// MBPP: text, list of tests; the sanitized one too.
    Mbpp,
}

impl Benchmark {
    /// The name of its rows and of its section in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm8k => "gsm8k",
            Self::Math500 => "math500",
            Self::HumanEval => "humaneval",
            Self::Mbpp => "mbpp",
        }
    }

    /// The checker that the benchmark was published with.
    pub fn checker(self) -> Checker {
        match self {
            Self::Gsm8k => Checker::Gsm8k,
            Self::Math500 => Checker::Math,
            Self::HumanEval => Checker::HumanEval,
            Self::Mbpp => Checker::Mbpp,
        }
    }
}
