//! What recordings are exported to: documents, pictures and tables, one row of [`FORMATS`] and one file each.
//!
//! A format is given what it is made of and writes it: a recording, the rows of a table, or the screen drawn
//! step by step, as buffers. `walk` is what documents and tables share: each branch from the start of its run
//! to its end, with the prediction on each canvas and the step made from it. What a recording lacks is absent
//! here, never zero.
//!
//! ```
//! use demask::{export::markdown, trace};
//!
//! let recording = trace::read("recordings/short-answer.jsonl".as_ref())?;
//! assert!(markdown("run.jsonl", &recording).starts_with(r"# run\.jsonl"), "all text is escaped");
//! # Ok::<(), trace::TraceError>(())
//! ```

mod cast;
mod csv;
mod error;
mod format;
mod html;
mod markdown;
mod ndjson;
mod parquet;
mod rows;
mod svg;
mod table;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

pub use error::ExportError;
pub use format::{Document, ExportFormat, Make, Screens, TerminalColors};
pub use html::player;
pub use markdown::markdown;
pub use rows::{BeginRows, RowWriter, RowsOut, Tables};
pub use svg::{PRINT_POINTS, svg};
pub use table::{Table, TableColumn, TableValue, ValueKind, column_table};

/// Every format, in the order of the documents.
pub const FORMATS: [ExportFormat; 7] = [
    html::FORMAT,
    svg::FORMAT,
    cast::FORMAT,
    markdown::FORMAT,
    csv::FORMAT,
    ndjson::FORMAT,
    parquet::FORMAT,
];

/// The format of this name.
pub fn format(name: &str) -> Option<ExportFormat> {
    FORMATS.into_iter().find(|format| format.name == name)
}

/// The formats as Markdown, for the documents.
pub fn format_table() -> String {
    let mut text = "| OUT | what it is | options |\n|---|---|---|\n".to_owned();
    for ExportFormat { name, help, step, make } in FORMATS {
        let (size, speed, table) = match make {
            Make::Document(_) => (false, false, false),
            Make::Screens { timed, .. } => (true, timed, false),
            Make::Rows { .. } => (false, false, true),
        };
        let options = [
            ("--step", step.is_some()),
            ("--size", size),
            ("--pane", size),
            ("--speed", speed),
            ("--theme", step.is_some()),
            ("--table", table),
        ];
        let options = options.into_iter().filter(|(_, takes)| *takes);
        let options: Vec<_> = options.map(|(option, _)| format!("`{option}`")).collect();
        let _ = writeln!(text, "| `.{name}` | {help} | {} |", options.join(", "));
    }
    text
}
