//! Families of models: one file each, and one row in [`FAMILIES`]. A family reads a config.json
//! and describes the network.

mod a2d;
mod dream;
mod fields;
mod gguf;
mod hf;
mod illada;
mod layers;
mod llada;
mod llada2_moe;
mod llada_moe;
mod modernbert;
mod outline;
mod rope;
mod sdar;
mod sizes;
mod unread;

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    LoadError,
    files::{Files, Tensors},
    network::Spec,
    predict::Grid,
    small_files::{JsonObject, object},
    unsupported,
};
pub use fields::NotUnderstood;
use fields::UnreadFields;
pub(super) use fields::ids;
pub use outline::{ExpertOutline, Outline};

/// A family of models.
pub struct Family {
    /// `model_type` in config.json, in any case.
    pub model_type: &'static str,
    /// Other names of the same network: `model_type` in other programs' files, and the classes
    /// that `architectures` names.
    aliases: &'static [&'static str],
    /// A published model of it.
    pub example: &'static str,
    /// What is its own, for the documents.
    own: &'static str,
    /// What its results were compared with, for the documents.
    tested: &'static str,
    /// Fields of its own that change no number.
    no_effect: &'static [&'static str],
    describe: fn(&mut UnreadFields) -> Result<Description, Unfit>,
}

/// The families that can be loaded.
pub static FAMILIES: &[Family] = &[
    Family {
        model_type: "llada",
        aliases: &["fastdllm_llada", "LLaDAModelLM", "FastdLLMLLaDAModelLM"],
        example: "GSAI-ML/LLaDA-8B-Instruct",
        own: "every variant of its config",
        tested: "its PyTorch code, forward passes and whole runs",
        no_effect: llada::NO_EFFECT,
        describe: llada::describe,
    },
    Family {
        model_type: "Dream",
        aliases: &["fastdllm_dream", "DreamModel", "FastdLLMDreamModel"],
        example: "Dream-org/Dream-v0-Instruct-7B",
        own: "biases on queries, keys, values; logits shifted by one position",
        tested: "its PyTorch code, forward passes and whole runs",
        no_effect: &[],
        describe: dream::describe,
    },
    Family {
        model_type: "a2d-qwen2",
        aliases: &["A2DQwen2LMHeadModel"],
        example: "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-mdlm-v0.1",
        own: "biases as in Dream, no shift",
        tested: "dLLM's PyTorch code, forward passes, blocks too",
        no_effect: &[],
        describe: a2d::describe_qwen2,
    },
    Family {
        model_type: "a2d-qwen3",
        aliases: &["A2DQwen3LMHeadModel"],
        example: "dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1",
        own: "norms on queries and keys",
        tested: "dLLM's PyTorch code, forward passes (blocks too) and whole runs",
        no_effect: &[],
        describe: a2d::describe_qwen3,
    },
    Family {
        model_type: "a2d-llama",
        aliases: &["A2DLlamaLMHeadModel"],
        example: "one that dLLM's examples/a2d made of Llama",
        own: "Llama's names; biases as config.json says",
        tested: "the network is that of `illada`; no checkpoint of its own was run",
        no_effect: &[],
        describe: a2d::describe_llama,
    },
    Family {
        model_type: "illada",
        aliases: &["ILLaDAForCausalLM"],
        example: "GSAI-ML/iLLaDA-8B-Instruct",
        own: "Llama's names; mask token 5",
        tested: "transformers' Llama under a full mask; its own code and checkpoint were not run",
        no_effect: &[],
        describe: illada::describe,
    },
    Family {
        model_type: "llada2_moe",
        aliases: &["llada21_moe", "LLaDA2MoeModelLM"],
        example: "inclusionAI/LLaDA2.1-mini",
        own: "experts chosen in groups, a shared expert; half of a head rotated; blocks of 32 from position 0",
        tested: "dLLM's copy of its PyTorch code, forward passes, blocks too",
        no_effect: llada2_moe::NO_EFFECT,
        describe: llada2_moe::describe,
    },
    Family {
        model_type: "lladamoe",
        aliases: &["LLaDAMoEModel", "LLaDAMoEModelLM"],
        example: "inclusionAI/LLaDA-MoE-7B-A1B-Instruct",
        own: "experts; its config.json names itself `llada`, and is known by its class",
        tested: "dLLM's copy of its PyTorch code, forward passes",
        no_effect: llada_moe::NO_EFFECT,
        describe: llada_moe::describe,
    },
    Family {
        model_type: "sdar",
        aliases: &["SDARForCausalLM"],
        example: "JetLM/SDAR-4B-Chat",
        own: "Qwen3's network; blocks of 4 from position 0",
        tested: "transformers' Qwen3, forward passes in blocks; its own code needs a GPU",
        no_effect: sdar::NO_EFFECT,
        describe: sdar::describe,
    },
    Family {
        model_type: "sdar_moe",
        aliases: &["SDARMoeForCausalLM"],
        example: "JetLM/SDAR-30B-A3B-Chat",
        own: "Qwen3-MoE's network; blocks of 4 from position 0",
        tested: "transformers' Qwen3-MoE, forward passes in blocks; its own code needs a GPU",
        no_effect: sdar::NO_EFFECT,
        describe: sdar::describe_moe,
    },
    Family {
        model_type: "Fast_dLLM_Qwen",
        aliases: &["Fast_dLLM_QwenForCausalLM"],
        example: "Efficient-Large-Model/Fast_dLLM_v2_7B",
        own: "Qwen2's network; logits shifted by one position; blocks of 32 from position 0",
        tested: "the network is that of `a2d-qwen2`; its own code and checkpoint were not run",
        no_effect: &[],
        describe: a2d::describe_fast_dllm,
    },
    Family {
        model_type: "modernbert",
        aliases: &["ModernBertForMaskedLM"],
        example: "dllm-hub/ModernBERT-base-chat-v0.1",
        own: "local and global attention; no block-causal attention, caches or cancelling inside a pass",
        tested: "transformers' PyTorch code, forward passes",
        no_effect: modernbert::NO_EFFECT,
        describe: modernbert::describe,
    },
];

/// The families as Markdown, for the documents: what is their own, and how they were tested.
pub fn family_table() -> String {
    let mut text =
        "| `model_type` | a published model | what is its own | tested against |\n|---|---|---|---|\n"
            .to_owned();
    for Family { model_type, example, own, tested, .. } in FAMILIES {
        let _ = writeln!(text, "| `{model_type}` | {example} | {own} | {tested} |");
    }
    text
}

/// The other names of the families as Markdown, for the documents.
pub fn alias_table() -> String {
    let mut text = "| family | other names |\n|---|---|\n".to_owned();
    for Family { model_type, aliases, .. } in FAMILIES {
        let names: Vec<String> = aliases.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| `{model_type}` | {} |", names.join(", "));
    }
    text
}

impl Family {
    /// The family that goes by this name.
    fn named(name: &str) -> Option<&'static Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        FAMILIES
            .iter()
            .find(|family| is(family.model_type) || family.aliases.iter().any(|alias| is(alias)))
    }

    /// The family that config.json names: by `model_type`, or where it has none by the class in
    /// `architectures`. LLaDA-MoE's files have the `model_type` of LLaDA, and a class of their own.
    ///
    /// # Errors
    /// What it says instead.
    fn of(config: &JsonObject) -> Result<&'static Self, String> {
        let classes = config.get("architectures");
        let class = classes.and_then(|classes| classes.get(0)?.as_str());
        if let Some(known) = class.and_then(Self::named)
            && config.contains_key("num_experts")
        {
            return Ok(known);
        }
        match config.get("model_type") {
            Some(Value::String(name)) => {
                Self::named(name).ok_or_else(|| format!("`model_type` is {}", shown(name)))
            }
            Some(other) if !other.is_null() => {
                Err(format!("`model_type` is {}", fields::shown(other)))
            }
            _ => {
                let class = class.ok_or("it has neither `model_type` nor `architectures`")?;
                Self::named(class).ok_or_else(|| {
                    let class = shown(class);
                    format!("it has no `model_type`, and `architectures` says {class}")
                })
            }
        }
    }
}

/// A text for messages.
fn shown(text: &str) -> String {
    fields::shown(&text.into())
}

/// A network, and how it is used.
#[derive(Debug, Clone)]
pub struct Description {
    /// What is built, with its numbers.
    pub kind: NetworkKind,
    /// Position `i` is predicted by the logits of position `i - 1`.
    pub shift: bool,
    /// The mask token, if the config names it.
    pub mask: Option<u32>,
    /// The mask token of the family's published models, where no file names one.
    pub usual_mask: Option<u32>,
    /// The end-of-sequence tokens that the config names.
    pub eos: Vec<u32>,
    /// Tokens that the config names by the name of a strategy's parameter.
    pub tokens: Vec<(&'static str, u32)>,
    /// Positions in a block of block-causal attention, and what says so, in words.
    pub block: Option<(String, usize)>,
    /// Where the grid of these blocks begins.
    pub grid: Grid,
    /// What the config says that nobody here knows.
    pub not_understood: Vec<NotUnderstood>,
}

/// Which of the networks there are is built, with its numbers.
#[derive(Debug, Clone)]
pub enum NetworkKind {
    /// The one that a spec describes.
    Transformer(Spec),
    /// ModernBERT, an encoder whose layers attend to all or to neighbours.
    ModernBert(candle_transformers::models::modernbert::Config),
}

impl Description {
    /// A network that is read where it stands, of which nothing else is known yet.
    fn of_kind(kind: NetworkKind) -> Self {
        Self {
            kind,
            shift: false,
            mask: None,
            usual_mask: None,
            eos: Vec::new(),
            tokens: Vec::new(),
            block: None,
            grid: Grid::Prompt,
            not_understood: Vec::new(),
        }
    }

    /// The transformer that a spec describes.
    fn plain(spec: Spec) -> Self {
        Self::of_kind(NetworkKind::Transformer(spec))
    }

    /// Describes the network of a checkpoint.
    ///
    /// # Errors
    /// As [`Description::parse`]; the same of a GGUF file's metadata.
    pub fn of(files: &Files) -> Result<(&'static Family, Self), LoadError> {
        match &files.tensors {
            Tensors::Gguf(file) => gguf::describe(file, &files.folder),
            _ => Self::parse(&files.config, &files.name_of("config.json")),
        }
    }

    /// Describes the network of config.json, `text`, found at `place`.
    ///
    /// # Errors
    /// If it is no JSON object, names an unknown family, lacks a field, or asks for another network.
    pub fn parse(text: &str, place: &str) -> Result<(&'static Family, Self), LoadError> {
        let config = object(text.as_bytes(), place)?;
        if let Some(refused) = unsupported::quantised(&config, place) {
            return Err(refused);
        }
        let family = Family::of(&config).map_err(|says| {
            let known: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
            LoadError::new(
                place,
                format!("{says}, expected one of {}", known.join(", ")),
                "Give a masked diffusion model of one of these families",
            )
        })?;
        let description = family.read(config).map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) => LoadError::new(
                place,
                format!("it describes no network of the family {} ({problem})", family.model_type),
                format!("Compare it with the config.json of {}", family.example),
            ),
            Unfit::Another(problem) => LoadError::new(
                place,
                problem,
                format!(
                    "This network is not the one that {} checkpoints have; docs/models.md says \
                     what is read of config.json",
                    family.model_type
                ),
            ),
        })?;
        Ok((family, description))
    }

    /// Floating-point operations of a pass for each position, head included, attention to the
    /// others not.
    pub fn flops_per_position(&self) -> u64 {
        let weights = match &self.kind {
            NetworkKind::Transformer(spec) => spec.layer_weights() + spec.head_weights(),
            NetworkKind::ModernBert(config) => {
                let (width, hidden) = (config.hidden_size, config.intermediate_size);
                let layers = config.num_hidden_layers * (4 * width + 3 * hidden);
                (width * (layers + width + config.vocab_size)) as u64
            }
        };
        2 * weights
    }

    /// Columns of the logits.
    pub fn columns(&self) -> usize {
        Outline::of(self).vocabulary
    }

    /// Longest sequence that the model was made for, positions.
    pub fn context(&self) -> usize {
        Outline::of(self).context
    }

    /// Number of transformer layers.
    pub fn layers(&self) -> usize {
        Outline::of(self).layers
    }
}

/// Fields that say how many positions a block of block-causal attention has.
const BLOCKS: [&str; 3] = ["block_size", "bd_size", "block_length"];

/// Fields that name a token which deletes a position, or puts a mask before one (LLaDA2.2).
const EDIT_TOKENS: [&str; 2] = ["delete_token_id", "split_token_id"];

impl Family {
    /// Reads all fields of a config.
    fn read(&self, config: JsonObject) -> Result<Description, Unfit> {
        let mut fields = UnreadFields::of(config);
        // Read by whoever asked for this.
        for name in ["model_type", "quantization_config", "compression_config"] {
            fields.take(name);
        }
        let network = (self.describe)(&mut fields)?;
        let mask = fields.token("mask_token_id")?;
        let eos = fields.tokens("eos_token_id")?;
        let mut tokens = Vec::new();
        for name in EDIT_TOKENS {
            tokens.extend(fields.token(name)?.map(|token| (name, token)));
        }
        let mut block: Option<(&str, usize)> = None;
        for name in BLOCKS {
            let Some(size) = fields.optional_size(name)?.filter(|size| *size > 0) else { continue };
            match &block {
                Some((other, found)) if *found != size => {
                    return Err(Unfit::Another(format!(
                        "{other} is {found} and {name} is {size}, and only one of them can be the \
                         length of a block"
                    )));
                }
                _ => block = Some((name, size)),
            }
        }
        let block = block.map(|(name, size)| (format!("{name} in config.json"), size));
        let block = block.or(network.block);
        let not_understood = fields.rest(self.no_effect)?;
        Ok(Description { mask, eos, tokens, block, not_understood, ..network })
    }
}

/// Why a config.json does not describe a network of its family.
enum Unfit {
    /// A field is missing or of another type.
    Unreadable(String),
    /// It describes another network.
    Another(String),
}
