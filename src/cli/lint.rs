//! `demask lint`: look through recordings for what often goes wrong.

use std::{collections::BTreeMap, path::Path, path::PathBuf, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{
    Fault,
    fault::{AT_BREAKPOINT, say, tell_cut},
    files::{self, RecordingFiles, counted},
    stop,
};
use crate::{
    escape::{escaped, escaped_json},
    inspect::{self, Finding, Lint},
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

/// What `--json` prints of one recording among many.
#[derive(Serialize)]
struct LintReport {
    file: String,
    lints: Vec<FindingJson>,
}

/// A finding, for `--json`.
#[derive(Serialize)]
pub(super) struct FindingJson {
    lint: &'static str,
    text: String,
    /// What to do about it.
    advice: String,
    steps: Vec<usize>,
    positions: Vec<usize>,
}

impl FindingJson {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            lint: finding.lint.name(),
            text: finding.text.clone(),
            advice: finding.advice.clone(),
            steps: finding.steps.clone(),
            positions: finding.positions.clone(),
        }
    }
}

pub fn main(args: &LintArgs) -> Result<ExitCode, Fault> {
    let files = RecordingFiles::of(&args.files);
    let many = files.many;
    let mut counts = LintCounts::default();
    let stopped = stop::on_signals();
    let walked = files.each(|file| {
        stop::go_on(&stopped)?;
        let (findings, end) = looked_at(file)?;
        counts.add(file, &findings, end);
        match (args.json, many) {
            (true, false) => {
                let found: Vec<FindingJson> = findings.iter().map(FindingJson::of).collect();
                say(&escaped_json(&serde_json::to_string(&found).map_err(Fault::failure)?))
            }
            (true, true) => {
                let lints = findings.iter().map(FindingJson::of).collect();
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
            counts.tell(&walked.unread())?;
        }
        files::say_to_open(&counts.open)?;
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

/// What was found in how many recordings.
#[derive(Default)]
struct LintCounts {
    /// Recordings looked at, and those with a finding.
    all: usize,
    found: usize,
    lints: BTreeMap<Lint, usize>,
    /// Commands that open those with a finding.
    open: Vec<String>,
}

impl LintCounts {
    fn add(&mut self, file: &Path, findings: &[Finding], end: usize) {
        self.all += 1;
        self.found += usize::from(!findings.is_empty());
        let mut kinds: Vec<Lint> = findings.iter().map(|finding| finding.lint).collect();
        kinds.dedup();
        kinds.into_iter().for_each(|lint| *self.lints.entry(lint).or_default() += 1);
        // Standard input is read and gone.
        if let Some(first) = findings.first().filter(|_| file != Path::new("-")) {
            self.open.push(files::replay(file, first.before().unwrap_or(end)));
        }
    }

    fn tell(&self, unread: &str) -> Result<(), Fault> {
        let clean = self.all - self.found;
        say(&format!("{}, {clean} without a finding{unread}", counted(self.all)))?;
        let width = self.lints.keys().map(|lint| lint.name().len()).max().unwrap_or(0);
        self.lints.iter().try_for_each(|(lint, count)| {
            say(&format!("  {:<width$}  {}", lint.name(), counted(*count)))
        })
    }
}
