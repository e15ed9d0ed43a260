//! The runs of a folder: a line each, as text and as JSON.

use serde::Serialize;

use super::OrderReport;
use crate::{
    decode::Finish,
    folder::{FolderRow, RowState, RunColumn},
};

/// A file of a folder, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct FolderRunReport<'a> {
    file: &'a str,
    /// What it is: `run`, `broken`, or `importable`.
    kind: &'static str,
    #[serde(flatten)]
    run: Option<RunFigures<'a>>,
    /// Why it cannot be opened, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct RunFigures<'a> {
    model: &'a str,
    strategy: &'a str,
    steps: usize,
    nfe: usize,
    /// N_token: the length of the generated region, positions.
    length: usize,
    e_token: usize,
    /// e_token / nfe; null where no prediction was asked for.
    tokens_per_pass: Option<f64>,
    #[serde(flatten)]
    order: OrderReport,
    masks: usize,
    /// Why the run is over; null if it is not.
    finish: Option<&'static str>,
    /// What the diagnosis finds first; null if it finds nothing.
    finding: Option<FindingFigures<'a>>,
    notices: &'a [String],
}

#[derive(Debug, Serialize)]
struct FindingFigures<'a> {
    lint: &'static str,
    text: &'a str,
    advice: &'a str,
    /// Findings besides.
    more: usize,
}

impl<'a> FolderRunReport<'a> {
    /// What is printed of a file.
    pub fn of(row: &'a FolderRow) -> Self {
        let run = row.run().map(|run| RunFigures {
            model: &run.model,
            strategy: &run.strategy,
            steps: run.steps,
            nfe: run.nfe,
            length: run.length,
            e_token: run.e_token,
            tokens_per_pass: run.tokens_per_pass(),
            order: OrderReport::of(&run.order),
            masks: run.masks,
            finish: run.finish.map(Finish::name),
            finding: run.finding.as_ref().map(|first| FindingFigures {
                lint: first.lint,
                text: &first.text,
                advice: &first.advice,
                more: first.more,
            }),
            notices: &run.notices,
        });
        let kind = match row.state {
            RowState::Read(_) => "run",
            RowState::Importable(_) => "importable",
            RowState::Waiting | RowState::Broken(_) | RowState::Other => "broken",
        };
        Self { file: row.name(), kind, run, problem: row.words() }
    }
}

/// The runs of a folder as a table.
#[derive(Debug)]
pub struct FolderTable {
    lines: Vec<String>,
}

impl FolderTable {
    /// The columns, from left to right; the last is as wide as it is.
    const COLUMNS: [RunColumn; 10] = [
        RunColumn::Name,
        RunColumn::Strategy,
        RunColumn::Steps,
        RunColumn::Nfe,
        RunColumn::Length,
        RunColumn::TokensPerPass,
        RunColumn::OrderTau,
        RunColumn::TailFirst,
        RunColumn::Finish,
        RunColumn::Finding,
    ];

    /// The table of these rows, with how many there are at the end.
    pub fn of(rows: &[FolderRow]) -> Self {
        // A file must not write lines of its own.
        let cell = |column: RunColumn, row| column.text(row).replace(char::is_control, " ");
        let width = |column: RunColumn| {
            let cells = rows.iter().map(|row| cell(column, row).chars().count());
            cells.chain([column.heading().len()]).max().unwrap_or(0)
        };
        let widths = Self::COLUMNS.map(width);
        let line = |text: &dyn Fn(RunColumn) -> String| {
            let cells = Self::COLUMNS.iter().zip(widths).map(|(column, width)| {
                let text = text(*column);
                match column.is_number() {
                    true => format!("{text:>width$}"),
                    false => format!("{text:<width$}"),
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines = vec![line(&|column| column.heading().to_owned())];
        lines.extend(rows.iter().map(|row| line(&|column| cell(column, row))));
        let count =
            |wanted: fn(&RowState) -> bool| rows.iter().filter(|row| wanted(&row.state)).count();
        let runs = match count(|state| matches!(state, RowState::Read(_))) {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        let rest = [
            (count(|state| matches!(state, RowState::Broken(_))), "broken"),
            (count(|state| matches!(state, RowState::Importable(_))), "to import"),
        ];
        let rest = rest.into_iter().filter(|(n, _)| *n > 0);
        let rest: String = rest.map(|(n, what)| format!(", {n} {what}")).collect();
        lines.push(format!("{runs}{rest}"));
        Self { lines }
    }

    /// Its lines, not escaped.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::{FileStamp, FoundFile};

    fn row(name: &str, state: RowState) -> FolderRow {
        let stamp = FileStamp { length: 1, written: None };
        let file = FoundFile { path: name.into(), name: name.to_owned(), stamp, recording: true };
        FolderRow { file, state }
    }

    #[test]
    fn a_file_writes_no_lines_of_its_own() {
        let broken = RowState::Broken("this is no recording\nrun".to_owned());
        let rows = [row("a\nb.jsonl", broken), row("c.json", RowState::Importable("steps"))];
        let table = FolderTable::of(&rows);
        assert!(table.lines().iter().all(|line| !line.contains('\n')));
        assert_eq!(table.lines().len(), 4);
        assert_eq!(table.lines()[3], "0 runs, 1 broken, 1 to import");
        let json = serde_json::to_value(FolderRunReport::of(&rows[0])).unwrap();
        assert_eq!(json["kind"], "broken");
        assert_eq!(json["problem"], "this is no recording\nrun");
    }
}
