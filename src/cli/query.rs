//! `demask query`: what fits a query or condition, over the runs of recordings.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{
    Fault,
    fault::{WIDTH, say, tell, tell_cut},
    files::{self, RecordingFiles, counted},
    stop,
};
use crate::{
    debugger::{Debugger, NoHost},
    escape::{escaped, escaped_json},
    inspect::{self, Condition, Query, SyntaxError, pointed},
    reports::RowReport,
    trace,
};

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// A query, e.g. "fills where p < 0.3", or a condition, which lists the steps at which it holds
    #[arg(value_name = "QUERY")]
    query: String,
    /// Recordings, and folders of them; of each, the branch that was left last is looked at
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a row on stdout
    #[arg(long)]
    json: bool,
}

/// Reads a query, or a condition as a query for steps.
fn query(text: &str) -> Result<Query, String> {
    let report = |SyntaxError { at, message }| format!("{message}\n{}", pointed(text, &at, WIDTH));
    match Query::parse(text) {
        Ok(query) => Ok(query),
        // What begins as a query is meant as one.
        Err(error) if error.at.start > 0 => Err(report(error)),
        Err(unknown) => match Condition::parse(text) {
            Ok(_) => Query::parse(&format!("steps where {text}")).map_err(report),
            Err(error) if error.at.start > 0 => Err(report(error)),
            Err(error) => {
                Err(format!("{}, or with a condition; {}", unknown.message, report(error)))
            }
        },
    }
}

pub fn main(args: &QueryArgs) -> Result<ExitCode, Fault> {
    let query = query(&args.query).map_err(Fault::usage)?;
    let files = RecordingFiles::of(&args.files);
    let many = files.many;
    let stopped = stop::on_signals();
    let (mut all, mut fitting, mut rows, mut open) = (0, 0, 0, Vec::new());
    let walked = files.each(|file| {
        stop::go_on(&stopped)?;
        let found = one(args, &query, file, many)?;
        all += 1;
        fitting += usize::from(found.is_some());
        let Some((found, first)) = found else { return Ok(()) };
        rows += found;
        if file != Path::new("-") {
            // Before the step is made, where what it is decided on is shown.
            open.push(files::replay(file, first.saturating_sub(1)));
        }
        Ok(())
    })?;
    if !args.json {
        let noun = if rows == 1 { "row" } else { "rows" };
        let unread = walked.unread();
        match many {
            true => say(&format!("{rows} {noun} in {fitting} of {}{unread}", counted(all)))?,
            false => tell(&format!("{rows} {noun}")),
        }
        files::say_to_open(&open)?;
    }
    Ok(walked.code)
}

/// Prints the rows of one recording; their number and the first one's step, if there are any.
fn one(
    args: &QueryArgs,
    query: &Query,
    file: &Path,
    many: bool,
) -> Result<Option<(usize, usize)>, Fault> {
    let recording = trace::read(file)?;
    tell_cut(&recording, file);
    let vocabulary = recording.vocabulary.clone();
    let tokens = recording.header.model.vocabulary;
    let debugger =
        Debugger::new(recording.session(), vocabulary.clone(), Box::new(NoHost), false, tokens);
    let end = recording.recorded.end;
    let rows = inspect::rows(query, &debugger.session, &*vocabulary, (end, 0));
    let name = file.display().to_string();
    for row in &rows {
        let line = match args.json {
            true => {
                let report = RowReport::of(&name, row, &debugger);
                escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?)
            }
            false if many => escaped(&format!("{name}: {}", debugger.row_text(row))),
            false => escaped(&debugger.row_text(row)),
        };
        say(&line)?;
    }
    Ok(rows.first().map(|first| (rows.len(), first.step)))
}
