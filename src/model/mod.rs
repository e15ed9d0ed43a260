//! Models: the only room that knows tensors. Everything else reaches it through
//! [`crate::predict::Predictor`].
//!
//! A checkpoint is a folder as Hugging Face stores it, or the one embedded in the binary. It
//! loads into a [`Loaded`]: a predictor, the tokenizer, and the facts people are shown.

mod chat;
mod device;
mod embedded;
mod error;
mod family;
mod files;
pub mod hub;
mod kernels;
mod network;
mod noise;
mod predictor;
mod progress;
mod reduce;
mod speed;
mod tokenizer;
mod weights;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use candle_core::Device;
use network::ModernBert;
use weights::Loader;

pub use device::{Computing, DeviceReport, Precision, Quantization, available, device};
pub use error::LoadError;
pub use family::{Description, FAMILIES, Family, Kind};
pub use files::Files;
pub use network::{Batch, Biases, Head, Matrix, Names, Network, Part, Pattern, Spec, Transformer};
pub use predictor::{Facts, NetworkPredictor};
pub use progress::{LoadProgress, LoadWatch, Work};
pub use speed::{matmul_speed, threads};
pub use tokenizer::Tokenizer;
pub use weights::{Held, Weights};

use crate::predict::{ModelFacts, Predictor, Reading};

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The small model compiled into the binary.
    Embedded,
    /// A folder with config.json, safetensors and tokenizer.json.
    Folder(PathBuf),
    /// A repository of a hub.
    Hub(hub::RepoId, Box<hub::HubSettings>),
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
    /// Floating-point operations of a pass for each position.
    pub flops_per_position: u64,
}

/// Decoding parameters that suit a checkpoint: the numbers under a strategy's name in its
/// generation_config.json, and what follows from its family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Suggestions {
    shift: bool,
    own: BTreeMap<String, Vec<(String, f64)>>,
}

impl Suggestions {
    /// Those for a strategy.
    pub fn of(&self, strategy: &str) -> Vec<(String, f64)> {
        let family = [("right_shift_logits".to_owned(), f64::from(u8::from(self.shift)))];
        let own = self.own.get(strategy).into_iter().flatten().cloned();
        family.into_iter().chain(own).collect()
    }
}

/// Loads a model. `watch` is told how it goes on and may end it.
///
/// # Errors
/// [`LoadError`], which names the file, what was expected and what to do.
pub fn load(
    source: &Source,
    computing: &Computing,
    watch: &mut LoadWatch,
) -> Result<Loaded, LoadError> {
    let files = match source {
        Source::Embedded => embedded::files(),
        Source::Folder(path) => Files::read(path)?,
        Source::Hub(repo, settings) => {
            let mut files = Files::read(&hub::fetch(repo, settings, watch)?)?;
            // The folder's own name is a commit.
            files.name = repo.to_string();
            files
        }
    };
    let (family, described) = Description::parse(&files.config, &files.name_of("config.json"))?;
    let tokenizer = Tokenizer::read(&files, described.columns())?;
    let special = tokenizer.special(&described, &files)?;
    let weights = Weights::open(&files)?;
    let dtype = computing.precision.resolve(&weights, &computing.device);
    let held = Held { dtype, quantize: computing.quantize };
    let network = network(&described, &weights, held, &computing.device, watch)?;
    let facts = ModelFacts {
        name: files.name.clone(),
        family: family.model_type.to_owned(),
        device: device::name(&computing.device),
        dtype: held.to_string(),
        vocabulary: described.columns(),
        context: described.context(),
        layers: described.layers(),
        special,
        reading: Reading { shift: described.shift, block: described.block(&files.name) },
    };
    let limits = Facts { context: facts.context, columns: facts.vocabulary };
    Ok(Loaded {
        predictor: Box::new(NetworkPredictor::new(network, limits)),
        tokenizer: Arc::new(tokenizer),
        flops_per_position: described.flops_per_position(),
        suggested: Suggestions { shift: described.shift, own: files.suggested() },
        facts,
    })
}

/// Puts the weights of a described network in place.
///
/// # Errors
/// If a tensor is missing, of another shape, or does not fit into memory.
pub fn network(
    described: &Description,
    weights: &Weights,
    held: Held,
    device: &Device,
    watch: &mut LoadWatch,
) -> Result<Box<dyn Network>, LoadError> {
    let mut loader = Loader::new(weights, held, device, watch);
    Ok(match &described.kind {
        Kind::Transformer(spec) => Box::new(Transformer::load(spec, &mut loader)?),
        Kind::ModernBert(config) => Box::new(ModernBert::load(config, &mut loader)?),
    })
}
