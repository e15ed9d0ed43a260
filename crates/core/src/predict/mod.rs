//! What a forward pass is asked and what it answers, in plain numbers.
//!
//! A [`Request`] holds everything a pass depends on and nothing that only a decision depends on,
//! so that its [`Key`] names the prediction: the same request never needs a second pass. A
//! [`Predictor`] is anything that answers requests: a model, or a store of recorded answers.
//!
//! What a column is, and how it is recorded and shown, is a row of [`COLUMNS`].
//!
//! This room knows neither tensors nor terminals.
//!
//! ```
//! use demask_core::predict::{Column, ColumnKind, ColumnRecording, Data, Prediction};
//!
//! // Two positions, of which a model says its best token and how sure it is.
//! let prediction = Prediction::new(2)
//!     .with(Column::Argmax, Data::Ids(vec![791, 8415]))
//!     .with(Column::PArgmax, Data::Numbers(vec![0.91, 0.45]));
//! assert_eq!((prediction.guess(1), prediction.confidence(1)), (Some(8415), Some(0.45)));
//! assert!(prediction.numbers(Column::PEos).is_err(), "never read as zero");
//!
//! let entropy = Column::Entropy.spec();
//! assert_eq!((entropy.name, entropy.kind), ("entropy", ColumnKind::Entropy));
//! assert_eq!(entropy.recorded, ColumnRecording::Rounded(3), "it is shown, and decides nothing");
//! ```

mod column;
mod known;
mod prediction;
mod request;
mod vocabulary;

pub use column::{
    COLUMNS, Column, ColumnKind, ColumnRecording, ColumnSet, ColumnSpec, RequestPart,
};
pub use known::{KeptPrediction, KnownPrediction, KnownPredictions};
pub use prediction::{Data, MissingColumn, Prediction, Ranked};
pub use request::{
    Attention, Cached, Credits, Filters, Guidance, Key, Pass, Request, Sampling, Score,
};
pub use vocabulary::joined;
pub use vocabulary::{Grid, ModelFacts, Piece, Reading, Vocabulary};

use std::ops::ControlFlow;

/// How far a forward pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Layers computed so far.
    pub done: usize,
    /// Layers in all; the head counts as one.
    pub of: usize,
}

impl Progress {
    /// In words: the layer in work, `layer 7/24`, or the head; where layers are not told apart,
    /// only that it is a pass.
    pub fn words(self) -> String {
        match self.of.saturating_sub(1) {
            0 | 1 => "forward pass".to_owned(),
            layers if self.done >= layers => "head".to_owned(),
            layers => format!("layer {}/{layers}", self.done + 1),
        }
    }
}

/// Told after each layer; answers whether to go on.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Why a prediction did not come.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The watcher asked to stop.
    #[error("the forward pass was cancelled")]
    Cancelled,
    /// The request cannot be answered by this predictor.
    #[error("{0}")]
    Unsupported(String),
    /// The computation itself failed.
    #[error("the forward pass failed: {0}")]
    Failed(String),
}

/// Answers requests. The only slow thing in the program.
pub trait Predictor: Send {
    /// Runs the passes of `request` and reduces them to its columns.
    ///
    /// # Errors
    /// [`PredictError`]; a cancelled pass leaves the predictor usable.
    fn predict(&mut self, request: &Request, watch: &mut Watch)
    -> Result<Prediction, PredictError>;
}
