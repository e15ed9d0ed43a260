//! Commands given on the command line or in a file: `--exec`, `--break`.

use std::path::PathBuf;

use clap::Args;

use super::Fault;
use crate::{
    debugger::{self, Command},
    inspect::{Condition, pointed},
};

/// What to do from the start on.
#[derive(Debug, Clone, Default, Args)]
pub struct ScriptOptions {
    /// Commands to begin with, parted by `;`: `step 10; set low_conf_threshold 0.2; continue`
    #[arg(long, value_name = "COMMANDS")]
    pub exec: Vec<String>,
    /// The same from a file, one or more a line; lines that begin with `#` are comments
    #[arg(long, value_name = "FILE")]
    pub exec_file: Option<PathBuf>,
    /// Stop whenever this condition comes to hold: `eos_conf crosses 0.9` (may be given often)
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
                Fault::usage(format!("--break: {error}\n{}", pointed(text, &error.at)))
            })?;
            commands.push(Command::Break(condition));
        }
        let file = match &self.exec_file {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                Fault::usage(format!("{}: it cannot be read ({error})", path.display()))
            })?),
        };
        for script in self.exec.iter().chain(&file) {
            for statement in debugger::statements(script) {
                let command = debugger::parse(statement).map_err(|error| {
                    Fault::usage(format!("--exec: {error}\n{}", pointed(statement, &error.at)))
                })?;
                commands.push(command);
            }
        }
        Ok(commands)
    }
}
