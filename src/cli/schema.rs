//! `demask schema`: what lines of recordings and messages are made of.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Fault, fault::say};
use crate::{driving, trace};

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// What to print the schema of
    #[arg(value_enum, default_value_t)]
    of: SchemaOf,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SchemaOf {
    /// A line of a recording
    #[default]
    Recording,
    /// A message to or from an engine or a sampling loop
    Protocol,
}

pub fn main(args: &SchemaArgs) -> Result<ExitCode, Fault> {
    let schema = match args.of {
        SchemaOf::Recording => trace::schema(),
        SchemaOf::Protocol => driving::schema(),
    };
    say(&format!("{schema:#}"))?;
    Ok(ExitCode::SUCCESS)
}
