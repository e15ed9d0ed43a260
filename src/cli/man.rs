//! `demask man` and `demask completions`: the command line's definition, for readers and for shells.

use std::{
    fs,
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use clap_complete::Shell;

use super::{
    Fault, command,
    fault::{say, tell, unwritable},
};

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell: `source <(demask completions bash)` tries it out
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page to print [default: the program's own]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write every page to this folder, which is made if need be: demask.1, demask-run.1 and so on
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "demask", &mut script);
    say(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

pub fn main(args: &ManArgs) -> Result<ExitCode, Fault> {
    let mut whole = command();
    whole.build();
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        clap_mangen::generate_to(whole, folder).map_err(|error| unwritable(folder, &error))?;
        return Ok(ExitCode::SUCCESS);
    }
    let page = match &args.command {
        None => whole,
        Some(name) => found(&whole, name)?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(Fault::failure)?;
    if io::stdout().is_terminal() {
        tell("note: this is a page's source; `demask man | man -l -` shows it");
    }
    say(String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The command of that name.
fn found(whole: &clap::Command, name: &str) -> Result<clap::Command, Fault> {
    if let Some(found) = whole.find_subcommand(name) {
        return Ok(found.clone());
    }
    let known = whole.get_subcommands().map(clap::Command::get_name);
    let hint = match crate::inspect::nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`demask -h` lists them".to_owned(),
    };
    Err(Fault::usage(format!("there is no command `{name}`; {hint}")))
}
