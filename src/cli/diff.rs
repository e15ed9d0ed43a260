//! `demask diff`: two recorded runs compared, as text, as JSON, or side by side on
//! the screen.

use std::{ffi::OsString, io::IsTerminal, process::ExitCode};

use clap::Args;

use super::{
    Config, ConfigOptions, Fault, LookOptions,
    fault::{AT_BREAKPOINT, say},
    recording,
};
use crate::{
    escape::escaped_json,
    reports::diff::{self, DiffSide, TwoRuns},
    tui::{self, Palette, RunStart, Start},
};

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A recording: the branch that was left last, or with FILE@BRANCH another, by its number or
    /// name
    #[arg(value_name = "A")]
    a: OsString,
    /// Another recording, or @BRANCH for a branch of A's file; may be left out where A has two
    /// branches
    #[arg(value_name = "B")]
    b: Option<OsString>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Open both side by side on a screen, to be stepped together
    #[arg(long, conflicts_with = "json")]
    tui: bool,
    /// List every step that differs, not the first few
    #[arg(long, conflicts_with = "tui")]
    all: bool,
    /// End with exit code 3 if the runs differ
    #[arg(long, conflicts_with = "tui")]
    exit_code: bool,
    #[command(flatten)]
    look: LookOptions,
}

pub fn main(args: &DiffArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    if args.tui {
        super::tui::terminal_or_fault()?;
    }
    let config = options.read()?;
    let (a, b) = diff::open(&args.a, args.b.as_deref())?;
    if args.tui {
        return show(args, &config, a, b);
    }
    let found = TwoRuns::of(a, b);
    if args.json {
        say(&escaped_json(&found.json().map_err(Fault::failure)?))?;
    } else {
        let coloured = args.look.look(&config).palette != Palette::Mono
            && (std::io::stdout().is_terminal() || args.look.color.is_some());
        say(&found.text(args.all, coloured))?;
    }
    Ok(match args.exit_code && !found.equal() {
        true => ExitCode::from(AT_BREAKPOINT),
        false => ExitCode::SUCCESS,
    })
}

/// Opens the screen on both.
fn show(args: &DiffArgs, config: &Config, a: DiffSide, b: DiffSide) -> Result<ExitCode, Fault> {
    let lanes = [a, b].map(|side| {
        let label = side.label();
        RunStart::new(label, start(args, config, side))
    });
    tui::compare(lanes.into(), Vec::new()).map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// A lane of the screen: the branch from its start, over what is recorded.
fn start(args: &DiffArgs, config: &Config, side: DiffSide) -> Start {
    let DiffSide { file, recording, mut session, end, .. } = side;
    // The way forward is the branch's.
    session.go(end);
    session.go(session.timeline().root_of(end));
    let look = args.look.look(config);
    recording::screen(&recording, session, &file, look, config)
}
