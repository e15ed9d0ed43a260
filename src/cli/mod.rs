//! The command line: one file a subcommand, options that several share in files of their own.
//!
//! Data goes to stdout, messages to stderr. Exit code 0 is success, 1 a failure, 2 a wrong use.
//!
//! ```
//! let command = demask::cli::command();
//! assert!(command.find_subcommand("replay").is_some());
//! ```

mod against;
mod attach;
mod bench;
mod browser;
mod compare;
mod config;
mod diff;
mod doctor;
mod embedded;
mod eval;
mod export;
mod fault;
mod files;
mod folder;
mod help;
mod hooks;
mod host;
mod import;
mod info;
mod lint;
mod man;
mod mistaken;
mod open;
mod options;
mod pages;
mod params;
mod place;
mod progress;
mod prompt;
mod query;
mod recording;
mod replay;
mod resume;
mod run;
mod schema;
mod script;
mod stop;
mod tui;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use against::AgainstOptions;
pub use config::{
    ColorChoice, Config, ConfigError, ConfigOptions, LookConfig, ParamSet, color_table,
    default_text as default_config, preset_table,
};
pub use fault::Fault;
pub use options::{LoadOptions, LookOptions, ModelOptions, SourceOptions};
pub use params::{ParamOptions, parameter_table, strategy_tables};
pub use prompt::PromptOptions;
pub use script::ScriptOptions;

use crate::panics;

/// A visual debugger for masked diffusion language models.
#[derive(Debug, Parser)]
#[command(name = "demask", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    tui: tui::TuiArgs,
    #[command(flatten)]
    config: ConfigOptions,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Open the debugger (the default)
    Tui(tui::TuiArgs),
    /// Debug a sampling loop that another process runs: yours, in Python
    Attach(attach::AttachArgs),
    /// Generate without the debugger: the answer on stdout
    Run(run::RunArgs),
    /// Run several strategies or models on one prompt, side by side
    Compare(compare::CompareArgs),
    /// Compare two recordings, or two branches
    Diff(diff::DiffArgs),
    /// Open a recording, or list those of a folder, without a model
    Replay(replay::ReplayArgs),
    /// Turn recordings into a player for browsers, pictures, tables
    Export(export::ExportArgs),
    /// Make every decision of a recording again, and say where one differs
    Verify(verify::VerifyArgs),
    /// Turn a recording of another program into one that can be opened
    Import(import::ImportArgs),
    /// Measure strategies on problems: a table, files and recordings
    Eval(eval::EvalArgs),
    /// Measure the time and memory that steps take on this machine
    Bench(bench::BenchArgs),
    /// Say what this machine, terminal and configuration give the program, and what is amiss
    Doctor(doctor::DoctorArgs),
    /// Say what a model is and would need, without loading it, or what a recording holds
    Info(info::InfoArgs),
    /// Look through recordings for what often goes wrong, and say what to do about it
    Lint(lint::LintArgs),
    /// List what fits a query or condition in recordings
    Query(query::QueryArgs),
    /// Print the JSON Schema of a line of a recording, or of the protocol's messages
    Schema(schema::SchemaArgs),
    /// Print the configuration file with its defaults, or where it is read from
    Config(config::ConfigArgs),
    /// Print what makes a shell complete commands and options
    Completions(man::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands to a folder
    Man(man::ManArgs),
}

impl CliCommand {
    /// Whether the command depends on the configuration file. Commands that measure, check or
    /// convert do not, so that they give the same everywhere.
    fn reads_configuration(&self) -> bool {
        match self {
            Self::Tui(_)
            | Self::Attach(_)
            | Self::Run(_)
            | Self::Compare(_)
            | Self::Diff(_)
            | Self::Replay(_)
            | Self::Export(_)
            | Self::Bench(_)
            | Self::Doctor(_)
            | Self::Config(_) => true,
            Self::Verify(_)
            | Self::Import(_)
            | Self::Eval(_)
            | Self::Info(_)
            | Self::Lint(_)
            | Self::Query(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// Runs the program, and gives its exit code.
pub fn main() -> ExitCode {
    pages::keep();
    panics::tell_callers();
    let words = std::env::args_os().collect();
    let cli = match help::parse(words) {
        Ok(cli) => cli,
        // Help and the version come this way too.
        Err(error) => {
            return match mistaken::misspelt(&error) {
                Some(fault) => fault.report(),
                None => fault::tell_usage(&error),
            };
        }
    };
    let config = &cli.config;
    if let Err(fault) =
        config.fits(cli.command.as_ref().is_none_or(CliCommand::reads_configuration))
    {
        return fault.report();
    }
    let done = match cli.command {
        None => {
            mistaken::bare(cli.tui.prompt.as_deref()).and_then(|()| tui::main(&cli.tui, config))
        }
        Some(CliCommand::Tui(args)) => tui::main(&args, config),
        Some(CliCommand::Attach(args)) => attach::main(&args, config),
        Some(CliCommand::Run(args)) => run::main(&args, config),
        Some(CliCommand::Compare(args)) => compare::main(&args, config),
        Some(CliCommand::Diff(args)) => diff::main(&args, config),
        Some(CliCommand::Replay(args)) => replay::main(&args, config),
        Some(CliCommand::Export(args)) => export::main(&args, config),
        Some(CliCommand::Verify(args)) => verify::main(&args),
        Some(CliCommand::Import(args)) => import::main(&args),
        Some(CliCommand::Eval(args)) => eval::main(&args),
        Some(CliCommand::Bench(args)) => bench::main(&args, config),
        Some(CliCommand::Doctor(args)) => doctor::main(&args, config),
        Some(CliCommand::Info(args)) => info::main(&args),
        Some(CliCommand::Lint(args)) => lint::main(&args),
        Some(CliCommand::Query(args)) => query::main(&args),
        Some(CliCommand::Schema(args)) => schema::main(&args),
        Some(CliCommand::Config(args)) => config::main(&args, config),
        Some(CliCommand::Completions(args)) => man::completions(&args),
        Some(CliCommand::Man(args)) => man::main(&args),
    };
    match done {
        Ok(code) => code,
        Err(fault) => fault.report(),
    }
}

/// The command's definition, for documents and tests.
pub fn command() -> clap::Command {
    Cli::command()
}
