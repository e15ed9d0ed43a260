//! Models: the only crate that knows tensors. Everything else reaches it through
//! [`predict::Predictor`].
//!
//! A checkpoint is a folder as Hugging Face stores it, a GGUF file, or the one embedded in the
//! binary. Its headers are read into a [`Checkpoint`], which loads into a [`Loaded`]: a predictor,
//! the tokenizer, and the facts the user is shown.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use candle_core::Device;
//! use demask_model::{Computing, ModelSource, open};
//!
//! let go_on = &mut |_: &_| ControlFlow::Continue(());
//! let checkpoint = open(&ModelSource::Embedded, &Computing::on(Device::Cpu), go_on)?;
//! assert_eq!(checkpoint.family.model_type, "llada");
//! assert!(checkpoint.described.columns() > checkpoint.special.tokens.mask as usize);
//! # Ok::<(), demask_model::LoadError>(())
//! ```

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod blocks;
mod chat;
mod checkpoint;
mod computing;
mod device;
mod embedded;
mod error;
pub mod estimate;
mod family;
mod file_names;
mod files;
pub mod hub;
mod index;
mod kernels;
mod linear;
pub mod memory;
mod network;
mod noise;
mod overrides;
mod precision;
mod predictor;
mod progress;
mod reduce;
mod small_files;
mod special;
mod speed;
mod surroundings;
mod tensor_files;
mod tokenizer;
mod unsupported;
mod weights;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use candle_core::Device;
use demask_core::{
    bounded,
    canvas::{self, TokenId},
    panics,
    predict::{self, Grid, ModelFacts, Predictor, Reading, Vocabulary},
};
use network::ModernBert;
use weights::Loader;

pub use blocks::{BlockAttention, Blocks};
pub use chat::{Chat, ChatSettings, Messages, Template, TemplateVariable};
pub use checkpoint::{Checkpoint, count};
pub use computing::Computing;
pub use device::{DeviceReport, available, device};
pub use error::LoadError;
pub use family::{
    Description, ExpertOutline, FAMILIES, Family, NetworkKind, NotUnderstood, Outline, alias_table,
    family_table,
};
pub use files::Files;
pub use linear::Matrix;
pub use network::{
    Batch, Biases, Head, KvCache, Names, Network, NetworkPart, Pattern, Prefix, Spec, Transformer,
};
pub use overrides::{Overrides, TokenName};
pub use precision::{Precision, Quantization};
pub use predictor::{NetworkPredictor, RequestChecks};
pub use progress::{LoadProgress, LoadWatch, LoadingWork};
pub use reduce::reduce;
pub use special::{CheckpointTokens, NamedEos};
pub use speed::{instructions, matmul_speed, threads};
pub use surroundings::{
    EncodedSurroundings, HOLE, HoledText, HoledTextError, Surroundings, SurroundingsError,
};
pub use tensor_files::Stored;
pub use tokenizer::{Encoder, Tokenizer};
pub use weights::{HeldWeights, Weights};

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// The small model compiled into the binary.
    Embedded,
    /// A folder with config.json, safetensors and tokenizer.json, or a GGUF file.
    Folder(PathBuf),
    /// A repository of a hub.
    Hub(hub::RepoId, Box<hub::HubSettings>),
}

/// A model ready to be used.
pub struct Loaded {
    /// The network, which answers requests.
    pub predictor: Box<dyn Predictor>,
    /// Text to ids and back.
    pub tokenizer: Arc<dyn Encoder>,
    /// What the user is shown.
    pub facts: ModelFacts,
    /// Decoding parameters the checkpoint suggests.
    pub suggested: Suggestions,
    /// It is the one compiled into the binary.
    pub embedded: bool,
    /// Numbers in the tensors that the network uses.
    pub parameters: u64,
    /// Floating-point operations of a pass for each position.
    pub flops_per_position: u64,
}

/// The token that becomes two masks where it is predicted, in the vocabulary of DreamOn.
const EXPAND: &str = "<|expand|>";

/// Decoding parameters that suit a checkpoint: the numbers under a strategy's name in its
/// generation_config.json, and what follows from its family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Suggestions {
    reading: Reading,
    /// Tokens by the name of the parameter that they are for.
    tokens: Vec<(String, TokenId)>,
    /// Tokens of the vocabulary.
    vocabulary: usize,
    /// What stands under each name, strategies or not.
    own: BTreeMap<String, serde_json::Value>,
}

impl Suggestions {
    /// Only what follows from how the model is run and read, and from its vocabulary.
    pub fn of_model(reading: Reading, vocabulary: &dyn Vocabulary, size: usize) -> Self {
        let expand = vocabulary.find(EXPAND).map(|token| ("expand_token_id".to_owned(), token));
        let tokens = expand.into_iter().collect();
        Self { reading, tokens, vocabulary: size, own: BTreeMap::new() }
    }

    /// The same with tokens that a configuration names, by the name of the parameter they are for.
    #[must_use]
    pub fn naming(
        mut self,
        tokens: impl IntoIterator<Item = (impl Into<String>, TokenId)>,
    ) -> Self {
        self.tokens.extend(tokens.into_iter().map(|(name, token)| (name.into(), token)));
        self
    }

    /// Those for a strategy.
    pub fn of(&self, strategy: &str) -> Vec<(String, f64)> {
        let shift = [("right_shift_logits".to_owned(), f64::from(u8::from(self.reading.shift)))];
        let block = self.reading.block.into_iter().flat_map(|block| {
            let grid = match self.reading.grid {
                Grid::Start => 0.0,
                Grid::Prompt => 1.0,
            };
            [("block_length".to_owned(), block as f64), ("grid".to_owned(), grid)]
        });
        let tokens = self.tokens.iter().map(|(name, token)| (name.clone(), f64::from(*token)));
        let size = [("vocab_size".to_owned(), self.vocabulary as f64)];
        let (numbers, _) = self.own(strategy);
        shift.into_iter().chain(block).chain(tokens).chain(size).chain(numbers).collect()
    }

    /// The numbers that generation_config.json itself has for a strategy, and the names of what is
    /// no number there.
    pub fn own(&self, strategy: &str) -> (Vec<(String, f64)>, Vec<String>) {
        let Some(value) = self.own.get(strategy) else { return Default::default() };
        let Some(fields) = value.as_object() else {
            return (Vec::new(), vec![strategy.to_owned()]);
        };
        let (mut numbers, mut others) = (Vec::new(), Vec::new());
        for (name, value) in fields {
            match value.as_f64() {
                Some(number) => numbers.push((name.clone(), number)),
                None => others.push(format!("{strategy}.{name} ({value})")),
            }
        }
        (numbers, others)
    }
}

/// Reads the headers of a model. One of a hub is fetched first; `watch` is told how that goes on
/// and may end it.
///
/// # Errors
/// [`LoadError`], which names the file, what was expected and what to do.
pub fn open(
    source: &ModelSource,
    computing: &Computing,
    watch: &mut LoadWatch,
) -> Result<Checkpoint, LoadError> {
    let files = match source {
        ModelSource::Embedded => embedded::files()?,
        ModelSource::Folder(path) => Files::read(path)?,
        ModelSource::Hub(repo, settings) => {
            let mut files = Files::read(&hub::fetch(repo, settings, watch)?)?;
            // The folder's own name is a commit.
            files.name = repo.to_string();
            files
        }
    };
    Checkpoint::open(files, computing)
}

/// Loads a model. `watch` is told how it goes on and may end it.
///
/// # Errors
/// [`LoadError`], which names the file, what was expected and what to do.
pub fn load(
    source: &ModelSource,
    computing: &Computing,
    watch: &mut LoadWatch,
) -> Result<Loaded, LoadError> {
    open(source, computing, watch)?.load(watch)
}

/// Puts the weights of a described network in place.
///
/// # Errors
/// If a tensor is missing, of another shape, or does not fit into memory.
pub fn network(
    described: &Description,
    weights: &Weights,
    held: HeldWeights,
    device: &Device,
    watch: &mut LoadWatch,
) -> Result<Box<dyn Network>, LoadError> {
    let mut loader = Loader::new(weights, held, device, watch);
    Ok(match &described.kind {
        NetworkKind::Transformer(spec) => Box::new(Transformer::load(spec, &mut loader)?),
        NetworkKind::ModernBert(config) => Box::new(ModernBert::load(config, &mut loader)?),
    })
}

/// Runs code of a library that panics on some damaged files.
fn unpanicked<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match panics::caught(work) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("the library that reads it panics: {panic}")),
    }
}
