//! Families of models: one file each, and one row in [`FAMILIES`]. A family reads a config.json
//! and describes the network.

mod a2d;
mod dream;
mod gguf;
mod hf;
mod illada;
mod llada;
mod modernbert;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    LoadError, Outline,
    files::{Files, Tensors},
    network::Spec,
};

/// A family of models.
pub struct Family {
    /// `model_type` in config.json.
    pub model_type: &'static str,
    /// A published model of it.
    pub example: &'static str,
    describe: fn(Value) -> Result<Description, Unfit>,
}

/// The families that can be loaded.
pub static FAMILIES: &[Family] = &[
    Family { model_type: "llada", example: "GSAI-ML/LLaDA-8B-Instruct", describe: llada::describe },
    Family {
        model_type: "Dream",
        example: "Dream-org/Dream-v0-Instruct-7B",
        describe: dream::describe,
    },
    Family {
        model_type: "a2d-qwen2",
        example: "dllm-hub/Qwen2.5-Coder-0.5B-Instruct-diffusion-mdlm-v0.1",
        describe: a2d::describe_qwen2,
    },
    Family {
        model_type: "a2d-qwen3",
        example: "dllm-hub/Qwen3-0.6B-diffusion-mdlm-v0.1",
        describe: a2d::describe_qwen3,
    },
    Family {
        model_type: "illada",
        example: "GSAI-ML/iLLaDA-8B-Instruct",
        describe: illada::describe,
    },
    Family {
        model_type: "modernbert",
        example: "dllm-hub/ModernBERT-base-chat-v0.1",
        describe: modernbert::describe,
    },
];

/// A network, and how it is used.
#[derive(Debug, Clone)]
pub struct Description {
    /// The network.
    pub kind: Kind,
    /// Position `i` is predicted by the logits of position `i - 1`.
    pub shift: bool,
    /// The mask token, if the config names it.
    pub mask: Option<u32>,
    /// The end-of-sequence token, if the config names it.
    pub eos: Option<u32>,
}

/// Which network.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The one that a spec describes.
    Transformer(Spec),
    /// ModernBERT.
    ModernBert(candle_transformers::models::modernbert::Config),
}

impl Description {
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
    /// If it is no JSON, names an unknown family, lacks a field, or asks for another network.
    pub fn parse(text: &str, place: &str) -> Result<(&'static Family, Self), LoadError> {
        let config: Value = serde_json::from_str(text).map_err(|error| {
            LoadError::new(
                place,
                format!("this is no JSON ({error})"),
                "Fetch the file again from where the model came from",
            )
        })?;
        let found = config.get("model_type").and_then(|found| found.as_str()).unwrap_or("none");
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
        let family =
            FAMILIES.iter().find(|family| family.model_type == found).ok_or_else(|| {
                LoadError::new(
                    place,
                    format!(
                        "`model_type` is `{}`, expected one of {}",
                        found.escape_default(),
                        known.join(", ")
                    ),
                    "Give a masked diffusion model of one of these families",
                )
            })?;
        let description = (family.describe)(config).map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) => LoadError::new(
                place,
                format!(
                    "it does not describe a {found} model ({problem})",
                    found = family.model_type
                ),
                format!("Compare it with the config.json of {}", family.example),
            ),
            Unfit::Another(problem) => LoadError::new(
                place,
                problem,
                format!(
                    "This network is not the one that {} checkpoints have; see the README for \
                     what is supported",
                    family.model_type
                ),
            ),
        })?;
        Ok((family, description))
    }

    /// Positions in a block, if a model of this name has block-causal attention: dLLM's bd3lm
    /// models have, and nothing but their name says so.
    pub fn block(&self, name: &str) -> Option<usize> {
        name.to_lowercase().contains("bd3lm").then_some(32)
    }

    /// Floating-point operations of a pass for each position, head included, attention to the
    /// others not.
    pub fn flops_per_position(&self) -> u64 {
        let weights = match &self.kind {
            Kind::Transformer(spec) => {
                spec.layers as u64 * spec.layer_weights() + spec.head_weights()
            }
            Kind::ModernBert(config) => {
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

    /// Longest sequence, positions.
    pub fn context(&self) -> usize {
        Outline::of(self).context
    }

    /// Layers.
    pub fn layers(&self) -> usize {
        Outline::of(self).layers
    }
}

/// Why a config.json does not describe a network of its family.
enum Unfit {
    /// A field is missing or of another type.
    Unreadable(String),
    /// It describes another network.
    Another(String),
}

/// Larger numbers in a config are a mistake, or an attack on memory.
const MOST: usize = 1 << 24;

/// More layers or heads than any model has.
const MOST_LAYERS: usize = 4096;

/// Reads the fields of a config.
fn fields<T: DeserializeOwned>(config: Value) -> Result<T, Unfit> {
    serde_json::from_value(config).map_err(|error| Unfit::Unreadable(error.to_string()))
}

/// Checks that sizes are possible; those called layers or heads have a lower bound.
fn possible(sizes: &[(&str, usize)]) -> Result<(), Unfit> {
    for (name, size) in sizes {
        let few = name.contains("layers") || name.contains("heads");
        let most = if few { MOST_LAYERS } else { MOST };
        if *size == 0 || *size > most {
            return Err(Unfit::Another(format!("{name} is {size}, expected 1..={most}")));
        }
    }
    Ok(())
}
