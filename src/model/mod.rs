//! Models: the only room that knows tensors. Everything else reaches it through
//! [`crate::predict::Predictor`].
//!
//! A checkpoint is a folder as Hugging Face stores it, or the one embedded in the binary. It
//! loads into a [`Loaded`]: a predictor, the tokenizer, and the facts people are shown.

mod chat;
mod config;
mod device;
mod embedded;
mod error;
mod llada;
mod noise;
mod predictor;
mod progress;
mod reduce;
mod tokenizer;
mod weights;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

pub use config::LladaConfig;
pub use device::{Computing, Precision, device};
pub use error::LoadError;
pub use llada::Llada;
pub use predictor::LladaPredictor;
pub use progress::{LoadProgress, LoadWatch, Work};
pub use tokenizer::Tokenizer;
pub use weights::{Files, Weights};

use crate::predict::{ModelFacts, Predictor};

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The small model compiled into the binary.
    Embedded,
    /// A folder with config.json, safetensors and tokenizer.json.
    Folder(PathBuf),
}

/// A model ready to be used.
pub struct Loaded {
    /// Answers requests.
    pub predictor: Box<dyn Predictor>,
    /// Text to ids and back.
    pub tokenizer: Arc<Tokenizer>,
    /// What people are shown.
    pub facts: ModelFacts,
    /// Decoding parameters the checkpoint suggests.
    pub suggested: Suggestions,
}

/// Decoding parameters that suit a checkpoint: the numbers under a strategy's name in its
/// generation_config.json, and what follows from its family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Suggestions(BTreeMap<String, Vec<(String, f64)>>);

impl Suggestions {
    /// Those for a strategy.
    pub fn of(&self, strategy: &str) -> Vec<(String, f64)> {
        // A LLaDA predicts a position at that position.
        let family = [("right_shift_logits".to_owned(), 0.0)];
        let own = self.0.get(strategy).into_iter().flatten().cloned();
        family.into_iter().chain(own).collect()
    }
}

/// Loads a model.
///
/// # Errors
/// [`LoadError`], which names the file, what was expected and what to do.
pub fn load(source: &Source, computing: &Computing) -> Result<Loaded, LoadError> {
    let files = match source {
        Source::Embedded => embedded::files(),
        Source::Folder(path) => weights::Files::read(path)?,
    };
    let config = LladaConfig::parse(&files.config, &files.name_of("config.json"))?;
    let tokenizer = Tokenizer::read(&files, config.columns())?;
    let special = tokenizer.special(&config, &files)?;
    let weights = Weights::open(&files)?;
    let precision = computing.precision.resolve(&weights, &computing.device);
    let model = Llada::load(&config, &weights, precision, &computing.device)?;
    let facts = ModelFacts {
        name: files.name.clone(),
        family: "llada".to_owned(),
        device: device::name(&computing.device),
        dtype: precision.as_str().to_owned(),
        vocabulary: config.columns(),
        context: config.max_sequence_length,
        layers: config.n_layers,
        special,
    };
    Ok(Loaded {
        predictor: Box::new(LladaPredictor::new(model)),
        tokenizer: Arc::new(tokenizer),
        suggested: Suggestions(files.suggested()),
        facts,
    })
}
