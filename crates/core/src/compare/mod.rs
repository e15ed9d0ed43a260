//! Runs side by side: several sessions in lockstep, the figures of each, and where two of them
//! part. Everything here is pure; whoever owns the model answers what is wanted.
//!
//! ```
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     compare::Lockstep,
//!     decode::{Extras, Recipe},
//!     session::Session,
//! };
//!
//! let session = |text: &str| -> Result<Session, Box<dyn std::error::Error>> {
//!     let (recipe, special) = (Recipe::parse(text)?, SpecialTokens { mask: 9, eos: 8 });
//!     let params = recipe.params(&[])?;
//!     Ok(Session::new(recipe.strategy, &[1, 2], special, params, Extras::NONE, None)?)
//! };
//! let mut both = Lockstep { runs: vec![session("threshold")?, session("threshold:threshold=0.5")?] };
//! assert_eq!(both.wanted().len(), 1, "one pass serves both: their first canvases are the same");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alignment;
mod compared_by;
mod difference;
mod figures;
mod guesses;
mod lockstep;
mod trajectory;

pub use alignment::Correspondence;
pub use compared_by::ComparedBy;
pub use difference::{Excerpt, RunDifference, differing, excerpt, first_difference};
pub use figures::Figures;
pub use guesses::{Guesses, Predictions};
pub use lockstep::{Ahead, Lockstep, LockstepAdvance, LockstepRun, WantedPass};
pub use trajectory::{
    Change, ChangeKind, Comparison, Divergence, Fills, ParamPair, Parted, Spot, StepChanges,
    StepPair, params_apart, trajectories,
};

use crate::{
    canvas::{Canvas, TokenId},
    session::{NodeId, Session},
};

/// A run to one of its nodes.
#[derive(Clone, Copy)]
pub struct RunPath<'a> {
    /// The session it is in.
    pub session: &'a Session,
    /// The node that it ends at.
    pub end: NodeId,
}

impl<'a> RunPath<'a> {
    /// The run to where the session stands.
    pub fn here(session: &'a Session) -> Self {
        Self { session, end: session.at() }
    }

    /// The canvas at its end.
    pub fn canvas(&self) -> &'a Canvas {
        &self.session.timeline()[self.end].canvas
    }

    /// The answer: the tokens before the tail of end-of-sequence tokens.
    pub fn answer(&self) -> Vec<TokenId> {
        let canvas = self.canvas();
        let mut tokens = canvas.tokens();
        tokens.truncate(canvas.tail());
        tokens
    }
}
