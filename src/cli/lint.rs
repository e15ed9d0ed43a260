//! `demask lint`: look through recordings for what often goes wrong.

use std::{path::Path, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    Fault,
    fault::{AT_BREAKPOINT, say, tell_cut},
    files::{self, RecordingFiles, counted},
    stop,
};
use crate::{
    escape::{escaped, escaped_json},
    inspect::{self, Finding},
    reports::{FindingReport, LintCounts, LintReport},
    trace,
};

#[derive(Debug, Args)]
pub struct LintArgs {
    /// Recordings, and folders of them; of each, the branch that was left last is looked at
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON array on stdout; of several recordings one JSON object each
    #[arg(long)]
    json: bool,
    /// End with exit code 3 if something was found
    #[arg(long)]
    strict: bool,
}

pub fn main(args: &LintArgs) -> Result<ExitCode, Fault> {
    let files = RecordingFiles::of(&args.files);
    let many = files.many;
    // Of those with a finding, the commands that open them.
    let (mut counts, mut open) = (LintCounts::default(), Vec::new());
    let stopped = stop::on_signals();
    let walked = files.each(|file| {
        stop::go_on(&stopped)?;
        let (findings, end) = looked_at(file)?;
        counts.add(&findings);
        // Standard input is read and gone.
        if let Some(first) = findings.first().filter(|_| file != Path::new("-")) {
            open.push(files::replay(file, first.before().unwrap_or(end)));
        }
        match (args.json, many) {
            (true, false) => {
                let found: Vec<FindingReport> = findings.iter().map(FindingReport::of).collect();
                say(&escaped_json(&serde_json::to_string(&found).map_err(Fault::failure)?))
            }
            (true, true) => {
                let lints = findings.iter().map(FindingReport::of).collect();
                let report = LintReport { file: file.display().to_string(), lints };
                say(&escaped_json(&serde_json::to_string(&report).map_err(Fault::failure)?))
            }
            (false, false) => {
                inspect::told(&findings).iter().try_for_each(|line| say(&escaped(line)))
            }
            (false, true) if findings.is_empty() => Ok(()),
            (false, true) => {
                say(&escaped(&format!("{}:", file.display())))?;
                let lines = inspect::told(&findings);
                lines.iter().try_for_each(|line| say(&escaped(&format!("  {line}"))))
            }
        }
    })?;
    if !args.json {
        if many {
            let (clean, unread) = (counts.all - counts.found, walked.unread());
            say(&format!("{}, {clean} without a finding{unread}", counted(counts.all)))?;
            counts.lines(counted).iter().try_for_each(|line| say(line))?;
        }
        files::say_to_open(&open)?;
    }
    Ok(match args.strict && counts.found > 0 {
        true => ExitCode::from(AT_BREAKPOINT),
        false => walked.code,
    })
}

/// What is found on the branch that was left last, and the number of its last step.
fn looked_at(file: &Path) -> Result<(Vec<Finding>, usize), Fault> {
    let recording = trace::read(file)?;
    tell_cut(&recording, file);
    let end = recording.recorded.end;
    let session = recording.session();
    let findings = inspect::lint(&session, &*recording.vocabulary, end);
    Ok((findings, session.timeline()[end].depth as usize))
}
