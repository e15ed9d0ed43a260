//! `demask query`: what fits a query or condition, over the runs of recordings.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
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
    inspect::{self, Condition, KeyedRow, Query, QueryRow, SyntaxError, pointed},
    reports::{GroupReport, RowReport},
    trace,
};

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// A query, e.g. "fills where p < 0.3" or "fills | mean p by file", or a condition, which lists the steps at which it holds
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
    let operations = &query.operations;
    let files = RecordingFiles::of(&args.files);
    let many = files.many;
    let stopped = stop::on_signals();
    let (mut all, mut fitting, mut rows, mut open) = (0, 0, 0, Vec::new());
    let mut kept = Vec::new();
    let walked = files.each(|file| {
        stop::go_on(&stopped)?;
        let found = found(args, &query, file, many)?;
        all += 1;
        fitting += usize::from(!found.is_empty());
        rows += found.len();
        if let Some(first) = found.first()
            && file != Path::new("-")
        {
            // Before the step is made, where what it is decided on is shown.
            open.push(files::replay(file, first.row.step.saturating_sub(1)));
        }
        match operations.is_none() {
            true => found.iter().try_for_each(|found| say(&found.row.line))?,
            false => kept.extend(found),
        }
        Ok(())
    })?;
    let kept = inspect::ordered(operations, kept);
    match &operations.grouping {
        Some(grouping) => {
            let groups = inspect::groups(operations, grouping, &kept, |row: &FoundRow| &row.file);
            match args.json {
                true => groups.iter().try_for_each(|group| {
                    let report = GroupReport::of(grouping, group);
                    say(&escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?))
                })?,
                false => {
                    let lines = inspect::group_lines(grouping, &groups);
                    lines.iter().try_for_each(|line| say(&escaped(line)))?;
                }
            }
        }
        None => kept.iter().try_for_each(|kept| say(&kept.row.line))?,
    }
    if !args.json {
        let noun = if rows == 1 { "row" } else { "rows" };
        let unread = walked.unread();
        // Of some orders rows are left out.
        let rows = match !operations.orders.is_empty() && kept.len() < rows {
            true => format!("{} of {rows}", kept.len()),
            false => rows.to_string(),
        };
        match many {
            true => say(&format!("{rows} {noun} in {fitting} of {}{unread}", counted(all)))?,
            false => tell(&format!("{rows} {noun}")),
        }
        if operations.is_none() {
            files::say_to_open(&open)?;
        }
    }
    Ok(walked.code)
}

/// A row as it is printed.
struct FoundRow {
    file: Rc<str>,
    step: usize,
    /// The line that says what it is, escaped; empty where only groups are printed.
    line: String,
}

/// The rows of one recording.
fn found(
    args: &QueryArgs,
    query: &Query,
    file: &Path,
    many: bool,
) -> Result<Vec<KeyedRow<FoundRow>>, Fault> {
    let recording = trace::read(file)?;
    tell_cut(&recording, file);
    let vocabulary = recording.vocabulary.clone();
    let tokens = recording.header.model.vocabulary;
    let debugger =
        Debugger::new(recording.session(), vocabulary.clone(), Box::new(NoHost), false, tokens);
    let end = recording.recorded.end;
    let rows = inspect::rows(query, &debugger.session, &*vocabulary, (end, 0));
    let name: Rc<str> = file.display().to_string().into();
    let line = |row: &QueryRow| -> Result<String, Fault> {
        Ok(match args.json {
            _ if query.operations.grouping.is_some() => String::new(),
            true => {
                let report = RowReport::of(&name, row, &debugger);
                escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?)
            }
            false if many => escaped(&format!("{name}: {}", debugger.row_text(row))),
            false => escaped(&debugger.row_text(row)),
        })
    };
    let found = |row: QueryRow| {
        let shown = FoundRow { file: name.clone(), step: row.step, line: line(&row)? };
        Ok(KeyedRow { row: shown, keys: row.keys })
    };
    rows.into_iter().map(found).collect()
}
