//! The configuration file: what it may hold, where it lies, and how it is read.
//!
//! No file is no configuration, silently. A file with a fault is a wrong use: nothing in it is
//! passed over. [`default_text`] is the file with every default, commented.

mod command;
mod error;
mod file;
mod options;
mod parse;
mod presets;
mod print;
mod shipped;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use command::{ConfigArgs, main};
pub use error::ConfigError;
pub use options::ConfigOptions;
pub use presets::Presets;
pub(super) use presets::set_all;
pub use print::{color_table, default_text, preset_table};

use clap::ValueEnum;

use crate::{
    decode::Value,
    tui::{Colors, Keymap, Shade},
};

use super::Fault;

/// Parameters with the values to set them to.
pub type ParamSet = Vec<(String, Value)>;

/// What a configuration says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Parameters' values in the place of the defaults and of the checkpoint's suggestions.
    pub params: ParamSet,
    /// The keys, with the changes that the file makes.
    pub keymap: Keymap,
    /// How the screen looks.
    pub look: LookConfig,
    /// Colours in the place of the theme's.
    pub colors: Colors,
    /// Parameter sets by name.
    pub presets: BTreeMap<String, ParamSet>,
    /// Commands under a name; kept as they are written.
    pub macros: BTreeMap<String, String>,
    /// The folder it lies in, with `presets` beside it; `None` if none is used.
    pub folder: Option<PathBuf>,
}

/// How many colours to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// What the terminal can.
    Auto,
    /// None: bold, underline and reverse.
    Never,
    /// The 16 of every terminal.
    #[value(name = "16")]
    Ansi16,
    /// 256.
    #[value(name = "256")]
    Ansi256,
    /// 16 million.
    Truecolor,
}

impl ColorChoice {
    /// Every choice under its name.
    pub const NAMES: [(&str, Self); 5] = [
        ("auto", Self::Auto),
        ("never", Self::Never),
        ("16", Self::Ansi16),
        ("256", Self::Ansi256),
        ("truecolor", Self::Truecolor),
    ];
}

/// How the screen looks, below the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookConfig {
    /// How many colours are used.
    pub color: ColorChoice,
    /// Only ASCII is drawn.
    pub ascii: bool,
    /// Clicks and the wheel are listened to.
    pub mouse: bool,
    /// Whether the colours are for a dark or a light ground.
    pub theme: Shade,
    /// Steps a second, one of 1, 2, 5, 10, 30; `None` is as fast as it goes.
    pub speed: Option<u32>,
}

impl Default for LookConfig {
    fn default() -> Self {
        Self {
            color: ColorChoice::Auto,
            ascii: false,
            mouse: true,
            theme: Shade::Dark,
            speed: Some(5),
        }
    }
}

impl Config {
    /// Reads a configuration from a text; `file` names it in errors.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        parse::config(error::ConfigText { file, text })
    }

    /// Reads the file; `explicit` means that it was asked for and has to be there.
    ///
    /// # Errors
    /// If it cannot be read, or holds a fault.
    pub fn read(path: &Path, explicit: bool) -> Result<Self, ConfigError> {
        let folder = path.parent().map(Path::to_owned);
        match file::read(path)? {
            Some(text) => Ok(Self { folder, ..Self::parse(&text, &path.display().to_string())? }),
            None if explicit => Err(ConfigError {
                file: path.display().to_string(),
                at: None,
                text: "there is no such file. `demask config` prints one to begin with".to_owned(),
            }),
            None => Ok(Self { folder, ..Self::default() }),
        }
    }
}

/// Where the configuration is read from, and whether it has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPlace {
    /// The path of the file.
    pub path: PathBuf,
    /// It was asked for by flag or environment.
    pub explicit: bool,
}

/// The place: the flag, else `DEMASK_CONFIG`, else `demask/config.toml` in the user's
/// configuration folder; `None` if there is no such folder.
pub(super) fn place(flag: Option<&Path>) -> Option<ConfigPlace> {
    let environment =
        || std::env::var_os("DEMASK_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = flag.map(Path::to_owned).or_else(environment) {
        return Some(ConfigPlace { path, explicit: true });
    }
    use etcetera::BaseStrategy;
    let folders = etcetera::choose_base_strategy().ok()?;
    let path = folders.config_dir().join("demask").join("config.toml");
    Some(ConfigPlace { path, explicit: false })
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}
