//! `demask lint`: look through a recording for what often goes wrong.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    Fault,
    batch::AT_BREAKPOINT,
    fault::{say, tell_cut},
    harmless::{harmless, harmless_json},
    run::Found,
};
use crate::{inspect, trace};

#[derive(Debug, Args)]
pub struct LintArgs {
    /// The recording; the branch that was left last is looked at
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON array on stdout
    #[arg(long)]
    json: bool,
    /// End with exit code 3 if something was found
    #[arg(long)]
    strict: bool,
}

pub fn main(args: &LintArgs) -> Result<ExitCode, Fault> {
    let recording = trace::read(&args.file)?;
    tell_cut(&recording, &args.file);
    let session = recording.session();
    let findings = inspect::lint(&session, &*recording.vocabulary, recording.recorded.end);
    if args.json {
        let found: Vec<Found> = findings.iter().map(Found::of).collect();
        say(&harmless_json(&serde_json::to_string(&found).map_err(Fault::failure)?))?;
    } else if findings.is_empty() {
        say("nothing was found")?;
    } else {
        findings.iter().try_for_each(|finding| say(&harmless(&finding.to_string())))?;
    }
    Ok(match args.strict && !findings.is_empty() {
        true => ExitCode::from(AT_BREAKPOINT),
        false => ExitCode::SUCCESS,
    })
}
