//! Options that several subcommands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ParamOptions;
use crate::{
    decode,
    model::{Precision, Source},
    tui::{Look, Palette},
};

/// Which model, which strategy, which parameters, and what to record.
#[derive(Debug, Args)]
pub struct ModelOptions {
    /// Folder with a LLaDA checkpoint as Hugging Face stores it [default: the embedded model]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Token ids instead of a prompt text, past tokenizer and chat template: `1,2,3`
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with = "prompt")]
    pub prompt_ids: Option<Vec<u32>>,
    /// Decoding strategy
    #[arg(long, value_name = "NAME", default_value = "daedal", value_parser = strategies())]
    pub strategy: String,
    /// Where to compute: auto, cpu, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: String,
    /// What to compute in: auto, f32, f16 or bf16 (auto: f32 on a CPU, the file's type elsewhere)
    #[arg(long, value_name = "TYPE", default_value_t = Precision::Auto)]
    pub dtype: Precision,
    /// Candidate tokens kept for every position, for people to look at
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub top_k: u16,
    /// Record every step to FILE, as it happens
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Record over FILE if it exists
    #[arg(long, requires = "record")]
    pub overwrite: bool,
    /// Parameters of the strategy.
    #[command(flatten)]
    pub params: ParamOptions,
}

fn strategies() -> clap::builder::PossibleValuesParser {
    decode::STRATEGIES.iter().map(|strategy| strategy.name()).collect::<Vec<_>>().into()
}

impl ModelOptions {
    /// Where the model comes from.
    pub fn source(&self) -> Source {
        self.model.clone().map_or(Source::Embedded, Source::Folder)
    }
}

/// How the screen looks.
#[derive(Debug, Args)]
pub struct LookOptions {
    /// Colours; auto looks at NO_COLOR, COLORTERM and TERM
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
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

impl LookOptions {
    /// The look, from the options and, where they leave it open, the environment.
    pub fn look(&self) -> Look {
        let palette = match self.color {
            ColorChoice::Never => Palette::Mono,
            ColorChoice::Ansi16 => Palette::Ansi16,
            ColorChoice::Ansi256 => Palette::Ansi256,
            ColorChoice::Truecolor => Palette::TrueColor,
            ColorChoice::Auto => match supports_color::on(supports_color::Stream::Stdout) {
                Some(level) if level.has_16m => Palette::TrueColor,
                Some(level) if level.has_256 => Palette::Ansi256,
                Some(_) => Palette::Ansi16,
                None => Palette::Mono,
            },
        };
        // The Linux console has no block glyphs beyond a few.
        let console = std::env::var_os("TERM").is_some_and(|term| term == "linux");
        Look { palette, ascii: self.ascii || console, mouse: !self.no_mouse, ..Look::default() }
    }
}
