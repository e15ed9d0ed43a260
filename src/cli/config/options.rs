//! The options for the configuration file.

use std::path::PathBuf;

use clap::Args;

use super::{Config, place};
use crate::cli::Fault;

/// The options for the configuration file; every command takes them, before its name or behind it.
#[derive(Debug, Args)]
pub struct ConfigOptions {
    /// Configuration file [default: DEMASK_CONFIG, else demask/config.toml in your configuration
    /// folder, if there is one]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Read no configuration file and no preset files
    #[arg(long, global = true, hide_short_help = true)]
    pub no_config: bool,
}

impl ConfigOptions {
    /// Refuses two options that contradict each other, and a file for a command that `reads` none.
    ///
    /// # Errors
    /// A wrong use.
    pub fn fits(&self, reads: bool) -> Result<(), Fault> {
        match (&self.config, self.no_config) {
            // The parser finds this conflict only if both options stand on the same side of the
            // command's name.
            (Some(_), true) => Err(Fault::usage(
                "--config FILE names a configuration, and --no-config reads none. Leave one of the \
                 two out",
            )),
            (Some(_), false) if !reads => Err(Fault::usage(
                "this command reads no configuration file, so that it gives the same everywhere. \
                 Leave --config out",
            )),
            _ => Ok(()),
        }
    }

    /// The configuration.
    ///
    /// # Errors
    /// If a file that was asked for is not there, or a file has a fault.
    pub fn read(&self) -> Result<Config, Fault> {
        let place = if self.no_config { None } else { place(self.config.as_deref()) };
        let read = place.map(|place| Config::read(&place.path, place.explicit));
        Ok(read.transpose()?.unwrap_or_default())
    }
}
