//! Commands given on the command line or in a file: `--exec`, `--break`.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Fault, fault::WIDTH};
use crate::{
    bounded,
    debugger::{self, Command},
    inspect::{Condition, pointed},
};

/// Most bytes of a script: more is no script.
const MOST_BYTES: u64 = 1 << 20;

/// A text file, if it is not too long to be one.
pub(super) fn read(path: &Path) -> io::Result<String> {
    bounded::read_text(path, MOST_BYTES)
}

/// What to do from the start on.
#[derive(Debug, Clone, Default, Args)]
pub struct ScriptOptions {
    /// Commands to begin with, parted by `;`: `step 10; continue`
    #[arg(long, value_name = "COMMANDS", hide_short_help = true)]
    pub exec: Vec<String>,
    /// The same from a file, one or more a line; lines that begin with `#` are comments
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub exec_file: Option<PathBuf>,
    /// Stop whenever this condition comes to hold: `eos_conf crosses 0.9`
    #[arg(long = "break", value_name = "CONDITION")]
    pub breaks: Vec<String>,
}

impl ScriptOptions {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.exec.is_empty() && self.exec_file.is_none() && self.breaks.is_empty()
    }

    /// Breakpoints first, then the commands.
    pub fn commands(&self) -> Result<Vec<Command>, Fault> {
        let mut commands = Vec::new();
        for text in &self.breaks {
            let condition = Condition::parse(text).map_err(|error| {
                Fault::usage(format!("--break: {error}\n{}", pointed(text, &error.at, WIDTH)))
            })?;
            commands.push(Command::break_when(condition));
        }
        let file = match &self.exec_file {
            None => None,
            Some(path) => Some(read(path).map_err(|error| {
                let advice = "Give a text file with commands";
                Fault::usage(format!("{}: it cannot be read ({error}). {advice}", path.display()))
            })?),
        };
        for script in self.exec.iter().chain(&file) {
            for statement in debugger::statements(script) {
                let command = debugger::parse(statement).map_err(|error| {
                    Fault::usage(format!(
                        "--exec: {error}\n{}",
                        pointed(statement, &error.at, WIDTH)
                    ))
                })?;
                commands.push(command);
            }
        }
        Ok(commands)
    }
}
