//! The rows of a query, in words and as a table.

use std::path::PathBuf;

use super::{CommandFailed, Debugger, FollowUp, List, Reply};
use crate::{
    canvas::TokenId,
    inspect::{
        self, KeyedRow, Query, QueryRow, RowGroup,
        language::{Grouping, NameValue},
    },
    predict::Piece,
};

/// The most rows of a query that are printed; a file gets all of them.
const ROWS: usize = 200;

/// The columns that every row has; the values of the query's names follow them.
const COLUMNS: [&str; 9] =
    ["step", "position", "slot", "token", "text", "p", "made", "was", "was_text"];

/// What a group of rows of the session on screen says for the recording.
const THIS_RUN: &str = "this run";

fn grouped(query: &Query, grouping: &Grouping, rows: &[QueryRow]) -> Vec<RowGroup> {
    let rows = rows.iter().map(|row| KeyedRow { row: (), keys: row.keys.clone() });
    let rows: Vec<_> = rows.collect();
    inspect::groups(&query.operations, grouping, &rows, |()| THIS_RUN)
}

/// The groups of a query as CSV; `None` if it lists rows.
fn group_table(query: &Query, rows: &[QueryRow]) -> Option<csv::Result<String>> {
    let grouping = query.operations.grouping.as_ref()?;
    let cells = inspect::group_cells(grouping, &grouped(query, grouping, rows));
    let mut table = csv::Writer::from_writer(Vec::new());
    let written = cells.into_iter().try_for_each(|line| table.write_record(line));
    let bytes = written.and_then(|()| Ok(table.into_inner().map_err(|e| e.into_error())?));
    Some(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

impl Debugger {
    /// The first rows, in words; the first line is the number of rows. The file gets all of them.
    pub(super) fn query(
        &mut self,
        (query, file): (&Query, Option<&PathBuf>),
    ) -> Result<Reply, CommandFailed> {
        let at = (self.session.at(), 0);
        let rows = inspect::rows(query, &self.session, &*self.vocabulary, at);
        let rows = inspect::ordered_rows(&query.operations, rows);
        let noun = if rows.len() == 1 { "row" } else { "rows" };
        let mut lines = vec![format!("{query}: {} {noun}", rows.len())];
        if let Some(file) = file {
            let table = match group_table(query, &rows) {
                Some(table) => table,
                None => self.table(query, &rows),
            };
            let table = table.map_err(|error| CommandFailed::new(error.to_string()))?;
            self.host.write(file, &table).map_err(CommandFailed::new)?;
            lines.push(format!("written to {}", file.display()));
            return Ok(Reply::lines(lines));
        }
        if let Some(groups) = self.group_lines(query, &rows) {
            lines.extend(groups);
            return Ok(
                Reply::lines(lines).then(FollowUp::Show(List::Rows(Box::new(query.clone()))))
            );
        }
        lines.extend(rows.iter().take(ROWS).map(|row| self.row_text(row)));
        if rows.len() > ROWS {
            lines.push(format!("and {} more; `query … to FILE` writes all", rows.len() - ROWS));
        }
        Ok(Reply::lines(lines).then(FollowUp::Show(List::Rows(Box::new(query.clone())))))
    }

    /// The groups that the query makes of rows of this session, a line each behind the headings;
    /// `None` if it lists the rows themselves.
    pub fn group_lines(&self, query: &Query, rows: &[QueryRow]) -> Option<Vec<String>> {
        let grouping = query.operations.grouping.as_ref()?;
        Some(inspect::group_lines(grouping, &grouped(query, grouping, rows)))
    }

    /// A row in words.
    pub fn row_text(&self, row: &QueryRow) -> String {
        let mut text = format!("step {}", row.step);
        if let Some(position) = row.position {
            text.push_str(&format!(" · position {position}"));
        }
        match (row.was, row.token) {
            (Some(was), Some(token)) => {
                text.push_str(&format!(" · {} → {}", self.named(was), self.named(token)));
            }
            (Some(was), None) => text.push_str(&format!(" · {} → mask", self.named(was))),
            (None, Some(token)) => text.push_str(&format!(" · {}", self.named(token))),
            (None, None) => {}
        }
        if let Some(p) = row.p {
            text.push_str(&format!(" · {}", NameValue::P(p)));
        }
        if let Some(made) = row.made {
            text.push_str(&format!(" · into {made}"));
        }
        for reading in &row.values {
            if let Some(value) = &reading.text {
                text.push_str(&format!(" · {} {value}", reading.name));
            }
        }
        text
    }

    /// The rows as CSV: numbers in full, and a column for each name that the query reads.
    fn table(&self, query: &Query, rows: &[QueryRow]) -> csv::Result<String> {
        fn cell<T: ToString>(value: Option<T>) -> String {
            value.map_or(String::new(), |value| value.to_string())
        }
        let text = |token: TokenId| {
            Some(match self.vocabulary.piece(token)? {
                Piece::Text(text) | Piece::Control(text) => text,
                Piece::Bytes(bytes) => format!("{bytes:02X?}"),
            })
        };
        let mut table = csv::Writer::from_writer(Vec::new());
        let read = query.reads().into_iter().map(|used| used.to_string());
        table.write_record(COLUMNS.map(str::to_owned).into_iter().chain(read))?;
        for row in rows {
            let own = [
                row.step.to_string(),
                cell(row.position),
                cell(row.slot.map(|slot| slot.0)),
                cell(row.token),
                cell(row.token.and_then(text)),
                cell(row.p),
                cell(row.made),
                cell(row.was),
                cell(row.was.and_then(text)),
            ];
            let read = row.values.iter().map(|reading| cell(reading.value.as_ref().map(in_full)));
            table.write_record(own.into_iter().chain(read))?;
        }
        let bytes = table.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A value without quotes, and a number with all of its digits.
fn in_full(value: &NameValue) -> String {
    match value {
        NameValue::Number(number) => number.to_string(),
        NameValue::P(p) => p.to_string(),
        NameValue::Truth(truth) => truth.to_string(),
        NameValue::Text(text) | NameValue::Token { text, .. } => text.clone(),
    }
}
