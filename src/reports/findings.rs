//! What lints found, in one recording and in many.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::inspect::{Finding, Lint};

/// A finding, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct FindingReport {
    lint: &'static str,
    text: String,
    /// What to do about it.
    advice: String,
    steps: Vec<usize>,
    positions: Vec<usize>,
}

impl FindingReport {
    /// What is printed of a finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            lint: finding.lint.name(),
            text: finding.text.clone(),
            advice: finding.advice.clone(),
            steps: finding.steps.clone(),
            positions: finding.positions.clone(),
        }
    }
}

/// What was found in one recording among many, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct LintReport {
    /// The recording's path.
    pub file: String,
    /// What was found in it.
    pub lints: Vec<FindingReport>,
}

/// In how many recordings something was found.
#[derive(Debug, Default)]
pub struct LintCounts {
    /// Recordings looked at.
    pub all: usize,
    /// Those with a finding.
    pub found: usize,
    lints: BTreeMap<Lint, usize>,
}

impl LintCounts {
    /// Counts what was found in one more recording.
    pub fn add(&mut self, findings: &[Finding]) {
        self.all += 1;
        self.found += usize::from(!findings.is_empty());
        let mut lints: Vec<Lint> = findings.iter().map(|finding| finding.lint).collect();
        lints.dedup();
        lints.into_iter().for_each(|lint| *self.lints.entry(lint).or_default() += 1);
    }

    /// Each lint that found something, with the number of recordings, in columns.
    pub fn lines(&self, counted: impl Fn(usize) -> String) -> Vec<String> {
        let width = self.lints.keys().map(|lint| lint.name().len()).max().unwrap_or(0);
        let line =
            |(lint, &n): (&Lint, &usize)| format!("  {:<width$}  {}", lint.name(), counted(n));
        self.lints.iter().map(line).collect()
    }
}
