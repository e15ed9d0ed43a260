//! `demask config`: the configuration to begin with, and where it is read from.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigOptions, default_text, place};
use crate::cli::{Fault, fault::say};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Print where the configuration is read from instead
    #[arg(long)]
    path: bool,
}

pub fn main(args: &ConfigArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    if !args.path {
        say(default_text().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.no_config {
        return Err(Fault::usage("with --no-config nothing is read. Leave one of the two out"));
    }
    let place = place(options.config.as_deref())
        .ok_or_else(|| Fault::failure("there is no home folder to look in. Give --config FILE"))?;
    say(&place.path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
