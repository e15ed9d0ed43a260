//! Options that several subcommands share.

use std::path::{Path, PathBuf};

use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    ColorChoice, Config, Fault, ParamOptions, PromptOptions,
    place::{self, ModelPlace},
};
use crate::{
    decode::{self, Cache},
    engine::Address,
    model::{
        self, BlockAttention, ChatSettings, Computing, ModelSource, Overrides, Precision,
        Quantization, TemplateVariable, TokenName,
        hub::{HubSettings, RepoId},
    },
    tui::{Look, Palette, Shade},
};

/// Which model, and where it computes.
#[derive(Debug, Clone, Args)]
pub struct SourceOptions {
    /// Checkpoint folder, GGUF file, or owner/name [default: the embedded model]
    ///
    /// At the hub also owner/name@revision, and owner/name:file.gguf for one file of several.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Engine that computes the model: a command, unix:PATH or tcp:…
    ///
    /// A command starts an engine, like "python -m demask.engine MODEL"; an engine that listens is
    /// joined at unix:PATH or tcp:127.0.0.1:PORT#TOKEN.
    #[arg(long, value_name = "ENGINE", conflicts_with_all = ["model", "revision", "offline", "device", "dtype", "quantize", "tokenizer", "block_attention", "backend"])]
    pub engine: Option<Address>,
    /// What computes --model: candle, which is this program, or torch, which is PyTorch and
    /// transformers in your Python (DEMASK_PYTHON, else that of the active virtual environment, or of
    /// the one this program was installed into, else python3)
    #[arg(long, value_name = "NAME", value_enum, default_value_t, hide_short_help = true)]
    pub backend: Backend,
    /// Branch, tag or commit of a model of the hub [default: main]
    #[arg(long, value_name = "REV", requires = "model", hide_short_help = true)]
    pub revision: Option<String>,
    /// Take a model of the hub from the cache, and ask nobody; HF_HUB_OFFLINE=1 does the same
    #[arg(long, hide_short_help = true)]
    pub offline: bool,
    /// Where to compute: auto, cpu, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: String,
    /// What to compute in: auto, f32, f16 or bf16 (auto: f32 on a CPU, the file's type elsewhere)
    #[arg(long, value_name = "TYPE", default_value_t = Precision::Auto, hide_short_help = true)]
    pub dtype: Precision,
    /// Round matrices to this type on the way into memory: q8_0, q6_k, q5_k, q4_k, q5_0 or q4_0
    #[arg(long, value_name = "TYPE", hide_short_help = true)]
    pub quantize: Option<Quantization>,
    /// Tokenizer (a tokenizer.json) in place of the model's own
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub tokenizer: Option<PathBuf>,
    /// Mask token in place of the model's own: its number, or its text in the tokenizer
    #[arg(long, value_name = "TOKEN", hide_short_help = true)]
    pub mask_token: Option<TokenName>,
    /// End-of-sequence token in place of the model's own: its number, or its text
    #[arg(long, value_name = "TOKEN", hide_short_help = true)]
    pub eos_token: Option<TokenName>,
    /// Chat template in place of the model's own: a file, the name of one of the model's, or none
    /// for a prompt as it is
    #[arg(long, value_name = "FILE|NAME|none", hide_short_help = true)]
    pub chat_template: Option<String>,
    /// A variable of the chat template: `enable_thinking=true`. The value is JSON or a text (may be
    /// given often)
    #[arg(long = "template-var", value_name = "NAME=VALUE", hide_short_help = true)]
    pub template_vars: Vec<TemplateVariable>,
    /// System prompt, before what is asked
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub system: Option<String>,
    /// Who sees whom in the model: N, positions in a block that sees itself and what is before it;
    /// full, everybody; auto, as the checkpoint says (`demask info` tells what it says)
    #[arg(long, value_name = "N|full|auto", default_value_t, hide_short_help = true)]
    pub block_attention: BlockAttention,
}

impl Default for SourceOptions {
    /// The embedded model, as nothing said of it.
    fn default() -> Self {
        Self {
            model: None,
            engine: None,
            backend: Backend::default(),
            revision: None,
            offline: false,
            device: "auto".to_owned(),
            dtype: Precision::Auto,
            quantize: None,
            tokenizer: None,
            mask_token: None,
            eos_token: None,
            chat_template: None,
            template_vars: Vec::new(),
            system: None,
            block_attention: BlockAttention::default(),
        }
    }
}

impl SourceOptions {
    /// Where the model is.
    ///
    /// # Errors
    /// If `--model` is neither a folder that is there nor an id of the hub, or an option is none
    /// of an engine's.
    pub fn place(&self) -> Result<ModelPlace, Fault> {
        if let Some(address) = &self.engine {
            self.chat_of_engine()?;
            return Ok(ModelPlace::Engine(address.clone()));
        }
        match (self.backend, &self.model) {
            (Backend::Candle, _) => self.source().map(ModelPlace::Here),
            (Backend::Torch, None) => {
                Err(Fault::usage("--backend torch runs a model of yours: name it with --model"))
            }
            (Backend::Torch, Some(model)) => {
                self.no_backend_but_candle()?;
                self.chat_of_engine()?;
                let chosen = |value: String| (value != "auto").then_some(value);
                let named = |token: &Option<TokenName>| token.as_ref().map(ToString::to_string);
                let options = [
                    ("--device", chosen(self.device.clone())),
                    ("--dtype", chosen(self.dtype.to_string())),
                    ("--mask-token", named(&self.mask_token)),
                    ("--eos-token", named(&self.eos_token)),
                ];
                Ok(ModelPlace::Engine(place::torch(model, options)))
            }
        }
    }

    /// Refuses options that only models have which this program computes.
    fn no_backend_but_candle(&self) -> Result<(), Fault> {
        let given = [
            ("--revision", self.revision.is_some()),
            ("--offline", self.offline),
            ("--quantize", self.quantize.is_some()),
            ("--tokenizer", self.tokenizer.is_some()),
            ("--block-attention", self.block_attention != BlockAttention::Auto),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((flag, _)) => Err(Fault::usage(format!(
                "{flag} does not go with --backend torch. Give --engine \"python -m demask.engine …\" \
                 with the options of that command (python -m demask.engine --help)"
            ))),
        }
    }

    /// Refuses `--chat-template` for an engine, whose tokenizer has its own.
    fn chat_of_engine(&self) -> Result<(), Fault> {
        match self.chat_template.as_deref() {
            None | Some("none") => Ok(()),
            Some(_) => Err(Fault::usage(
                "an engine uses the chat template of its tokenizer. Leave --chat-template out, or \
                 give none for a prompt as it is",
            )),
        }
    }

    /// Where the files of a model come from that this program computes.
    ///
    /// # Errors
    /// If `--model` is neither a folder that is there nor an id of the hub.
    pub fn source(&self) -> Result<ModelSource, Fault> {
        self.model.as_deref().map_or(Ok(ModelSource::Embedded), |model| self.source_named(model))
    }

    /// The same for another `--model`.
    ///
    /// # Errors
    /// As above.
    pub fn source_named(&self, model: &str) -> Result<ModelSource, Fault> {
        if Path::new(model).exists() {
            return match &self.revision {
                None => Ok(ModelSource::Folder(model.into())),
                Some(_) => Err(Fault::usage(format!(
                    "--revision is of a model of the hub, and {model} is here on the disk. Leave \
                     --revision out"
                ))),
            };
        }
        let repo: RepoId = model.parse().map_err(|why| {
            Fault::failure(format!(
                "{model}: there is no such folder or file, and it is no model of the hub ({why}). Give a \
                 folder that holds config.json, *.safetensors and tokenizer.json, or an id \
                 (owner/name) like GSAI-ML/LLaDA-8B-Instruct"
            ))
        })?;
        let repo = match &self.revision {
            Some(revision) if repo.revision.as_ref().is_some_and(|other| other != revision) => {
                return Err(Fault::usage(format!(
                    "{model} names one revision and --revision another. Give one"
                )));
            }
            Some(revision) => repo.at(revision).map_err(|why| {
                Fault::usage(format!("--revision {revision}: {why}. Look it up at the hub"))
            })?,
            None => repo,
        };
        let mut settings = HubSettings::from_env(|name| std::env::var(name).ok());
        settings.offline |= self.offline;
        Ok(ModelSource::Hub(repo, Box::new(settings)))
    }

    /// What it computes on and in, and what is said in place of its files.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn computing(&self) -> Result<Computing, Fault> {
        Ok(Computing {
            device: model::device(&self.device)?,
            precision: self.dtype,
            quantize: self.quantize,
            overrides: self.overrides(),
        })
    }

    /// What is said in place of the model's files.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            tokenizer: self.tokenizer.clone(),
            mask: self.mask_token.clone(),
            eos: self.eos_token.clone(),
            chat: ChatSettings {
                template: self.chat_template.clone(),
                variables: self.template_vars.clone(),
                system: self.system.clone(),
            },
            attention: self.block_attention,
        }
    }
}

/// What computes a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Backend {
    /// This program.
    #[default]
    Candle,
    /// PyTorch, in another process.
    Torch,
}

/// Which model, and what it is given.
#[derive(Debug, Clone, Args)]
pub struct LoadOptions {
    /// The model, and how it is loaded.
    #[command(flatten)]
    pub source: SourceOptions,
    /// A prompt that does not stand on the command line.
    #[command(flatten)]
    pub prompt: PromptOptions,
    /// Candidate tokens kept for every position, for the user to look at
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=256), hide_short_help = true)]
    pub candidates: u16,
}

/// Which model, which strategy, which parameters, and what to record.
#[derive(Debug, Args)]
pub struct ModelOptions {
    /// The model and what it is given.
    #[command(flatten)]
    pub load: LoadOptions,
    /// Decoding strategy
    #[arg(long, value_name = "NAME", default_value = "daedal", value_parser = strategies())]
    pub strategy: String,
    /// Leave out of a pass within a block what the first pass of the block computed: prefix (keys
    /// and values before the block) or dual (before and behind it). Faster and approximate
    #[arg(long, value_name = "none|prefix|dual", default_value = "none", hide_default_value = true, hide_possible_values = true, value_parser = caches(), hide_short_help = true)]
    pub cache: Cache,
    /// Record every step to FILE, as it happens
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Record over FILE if it exists
    #[arg(long, requires = "record", hide_short_help = true)]
    pub overwrite: bool,
    /// Parameters under a name: one of the program's, of the configuration's, or a file
    /// presets/NAME.toml beside it
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub preset: Option<String>,
    /// Parameters of the strategy.
    #[command(flatten)]
    pub params: ParamOptions,
}

fn strategies() -> PossibleValuesParser {
    decode::STRATEGIES.iter().map(|strategy| strategy.name()).collect::<Vec<_>>().into()
}

fn caches() -> impl TypedValueParser<Value = Cache> {
    let names: PossibleValuesParser = Cache::ALL.map(Cache::name).into();
    names.map(|name| Cache::ALL.into_iter().find(|cache| cache.name() == name).unwrap_or_default())
}

/// How the screen looks.
#[derive(Debug, Default, Args)]
pub struct LookOptions {
    /// Colours; auto looks at NO_COLOR, COLORTERM and TERM [default: auto]
    #[arg(long, value_enum, hide_short_help = true)]
    pub color: Option<ColorChoice>,
    /// Colours for a dark or a light ground [default: dark]
    #[arg(long, value_enum, hide_short_help = true)]
    pub theme: Option<Background>,
    /// Draw with ASCII characters only
    #[arg(long, overrides_with = "no_ascii", hide_short_help = true)]
    pub ascii: bool,
    /// Draw with all characters, whatever the configuration says
    #[arg(long, overrides_with = "ascii", hide_short_help = true)]
    pub no_ascii: bool,
    /// Listen to the mouse, whatever the configuration says
    #[arg(long, overrides_with = "no_mouse", hide_short_help = true)]
    pub mouse: bool,
    /// Leave the mouse to the terminal
    #[arg(long, overrides_with = "mouse", hide_short_help = true)]
    pub no_mouse: bool,
}

/// What ground the colours are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Background {
    /// A dark one.
    Dark,
    /// A light one.
    Light,
}

impl LookOptions {
    /// The choice of colours: the flag, else the configuration's.
    pub fn color(&self, config: &Config) -> ColorChoice {
        self.color.unwrap_or(config.look.color)
    }

    /// The look: the flags, else the configuration, else, where they leave it open, the
    /// environment.
    pub fn look(&self, config: &Config) -> Look {
        let palette = match self.color(config) {
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
        Look {
            palette,
            ascii: console || self.ascii || (config.look.ascii && !self.no_ascii),
            mouse: !self.no_mouse && (self.mouse || config.look.mouse),
            shade: match self.theme {
                Some(Background::Dark) => Shade::Dark,
                Some(Background::Light) => Shade::Light,
                None => config.look.theme,
            },
            colors: config.colors,
        }
    }
}
