//! The columns of the list: what stands in each, and what order it gives.

use std::cmp::Ordering;

use super::{FolderRow, RowState, RunSummary};
use crate::decode::Finish;

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the heading says what each is")]
pub enum RunColumn {
    Name,
    Model,
    Strategy,
    Steps,
    Nfe,
    Length,
    TokensPerPass,
    OrderTau,
    TailFirst,
    Finish,
    Finding,
}

impl RunColumn {
    /// Every column, from left to right.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Model,
        Self::Strategy,
        Self::Steps,
        Self::Nfe,
        Self::Length,
        Self::TokensPerPass,
        Self::OrderTau,
        Self::TailFirst,
        Self::Finish,
        Self::Finding,
    ];

    /// Its heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "file",
            Self::Model => "model",
            Self::Strategy => "strategy",
            Self::Steps => "steps",
            Self::Nfe => "NFE",
            Self::Length => "length",
            Self::TokensPerPass => "tok/pass",
            Self::OrderTau => "order τ",
            Self::TailFirst => "tail 1st",
            Self::Finish => "finish",
            Self::Finding => "finding",
        }
    }

    /// True if its numbers stand at the right.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Steps
                | Self::Nfe
                | Self::Length
                | Self::TokensPerPass
                | Self::OrderTau
                | Self::TailFirst
        )
    }

    /// What stands in it, not escaped; empty where nothing is known. The finding of what is no run is why it
    /// is none.
    pub fn text(self, row: &FolderRow) -> String {
        let Some(run) = row.run() else {
            return match self {
                Self::Name => row.name().to_owned(),
                Self::Finding => row.words().unwrap_or_default(),
                Self::Finish => match row.state {
                    RowState::Broken(_) => "broken".to_owned(),
                    RowState::Importable(_) => "to import".to_owned(),
                    _ => String::new(),
                },
                _ => String::new(),
            };
        };
        match self {
            Self::Name => row.name().to_owned(),
            Self::Model => run.model.clone(),
            Self::Strategy => run.strategy.clone(),
            Self::Steps => run.steps.to_string(),
            Self::Nfe => run.nfe.to_string(),
            Self::Length => run.length.to_string(),
            Self::TokensPerPass | Self::OrderTau | Self::TailFirst => {
                self.measure(run).map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
            }
            Self::Finish => run.finish.map_or("unfinished", Finish::name).to_owned(),
            Self::Finding => run.finding.as_ref().map_or(String::new(), |first| first.text.clone()),
        }
    }

    /// The order of two rows by this column, the smallest first; of equal ones the name decides. What is no
    /// run, or not known, stands behind, whichever way the others are ordered.
    pub fn order(self, a: &FolderRow, b: &FolderRow, descending: bool) -> Ordering {
        let by_name = || a.file.path.cmp(&b.file.path);
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        if self == Self::Name {
            return directed(by_name());
        }
        match (a.run(), b.run()) {
            (Some(one), Some(other)) => {
                let known = self.known(other).cmp(&self.known(one));
                known.then_with(|| directed(self.compare(one, other))).then_with(by_name)
            }
            (one, other) => other.is_some().cmp(&one.is_some()).then_with(by_name),
        }
    }

    /// The number of a column that not every run has.
    fn measure(self, run: &RunSummary) -> Option<f64> {
        match self {
            Self::TokensPerPass => run.tokens_per_pass(),
            Self::OrderTau => run.order.tau,
            Self::TailFirst => run.order.tail_first,
            _ => None,
        }
    }

    /// Whether a run has something in this column.
    fn known(self, run: &RunSummary) -> bool {
        match self {
            Self::Finding => run.finding.is_some(),
            Self::TokensPerPass | Self::OrderTau | Self::TailFirst => self.measure(run).is_some(),
            Self::Model => !run.model.is_empty(),
            Self::Strategy => !run.strategy.is_empty(),
            _ => true,
        }
    }

    fn compare(self, a: &RunSummary, b: &RunSummary) -> Ordering {
        let measure = |run: &RunSummary| self.measure(run).unwrap_or_default();
        let finish = |run: &RunSummary| run.finish.map_or("", Finish::name);
        let finding = |run: &RunSummary| run.finding.as_ref().map(|first| first.text.clone());
        match self {
            Self::Name => Ordering::Equal,
            Self::Model => a.model.cmp(&b.model),
            Self::Strategy => a.strategy.cmp(&b.strategy),
            Self::Steps => a.steps.cmp(&b.steps),
            Self::Nfe => a.nfe.cmp(&b.nfe),
            Self::Length => a.length.cmp(&b.length),
            Self::TokensPerPass | Self::OrderTau | Self::TailFirst => {
                measure(a).total_cmp(&measure(b))
            }
            Self::Finish => finish(a).cmp(finish(b)),
            Self::Finding => finding(a).cmp(&finding(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::read, *};

    #[test]
    fn rows_are_ordered_by_any_column_and_what_is_no_run_stands_behind() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["short-answer", "maximum-length", "stage-1-growth"] {
            let from = format!("recordings/{name}.jsonl");
            std::fs::copy(from, folder.path().join(format!("{name}.jsonl"))).unwrap();
        }
        std::fs::write(folder.path().join("broken.jsonl"), "{").unwrap();
        let rows = read(folder.path()).unwrap();
        let ordered = |column: RunColumn, descending| {
            let mut rows: Vec<&FolderRow> = rows.iter().collect();
            rows.sort_by(|a, b| column.order(a, b, descending));
            rows.iter().map(|row| row.name().split('-').next().unwrap()).collect::<Vec<_>>()
        };
        for (column, descending, expected) in [
            (RunColumn::Name, false, ["broken.jsonl", "maximum", "short", "stage"]),
            (RunColumn::Name, true, ["stage", "short", "maximum", "broken.jsonl"]),
            (RunColumn::Length, false, ["short", "maximum", "stage", "broken.jsonl"]),
            (RunColumn::Length, true, ["stage", "maximum", "short", "broken.jsonl"]),
            (RunColumn::Steps, false, ["short", "stage", "maximum", "broken.jsonl"]),
        ] {
            assert_eq!(ordered(column, descending), expected, "{column:?} {descending}");
        }
        for column in RunColumn::ALL {
            assert!(rows.iter().all(|row| !column.text(row).contains('\u{0}')), "{column:?}");
        }
    }
}
