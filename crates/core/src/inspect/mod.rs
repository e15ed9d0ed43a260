//! Questions about what happened, read-only: conditions at a node, queries over a branch, the
//! history of a position, lints.
//!
//! [`language`] is text and its meaning; [`View`] answers its names from a session's tree;
//! [`lints`] look for what often goes wrong. Nothing here changes a session or needs a model.
//!
//! ```
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     decode::{Extras, Recipe},
//!     inspect::{Condition, View},
//!     session::Session,
//!     trace::RecordedVocabulary,
//! };
//!
//! let (recipe, special) = (Recipe::parse("threshold")?, SpecialTokens { mask: 9, eos: 8 });
//! let params = recipe.params(&[])?;
//! let session = Session::new(recipe.strategy, &[1, 2], special, params, Extras::NONE, None)?;
//! let no_texts = RecordedVocabulary::default();
//! let view = View::new(&session, &no_texts, session.at());
//! assert_eq!(Condition::parse("masks == length")?.holds(&view), Some(true));
//! assert_eq!(Condition::parse("conf[3] < 0.5")?.holds(&view), None, "no pass was made yet");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod asked;
mod columns;
mod eos;
mod exact;
mod flips;
mod influence;
pub mod language;
pub mod lints;
mod order;
mod probability;
mod query;
mod view;
mod writings;

pub use answer::{KeyedRow, RowGroup, group_cells, group_lines, groups, ordered, ordered_rows};
pub use asked::{AskedPosition, TokenOdds};
pub use columns::SlotColumns;
pub use exact::{Beside, ExactComparison};
pub use flips::flips_per_token;
pub use influence::{Influence, InfluenceChange, InfluenceQuestion, InfluenceSource};
pub use language::{
    Completion, Condition, Query, Subject, SyntaxError, name_table, nearest, pointed, quoted,
    subject_table,
};
pub use lints::{Finding, Lint, lint, lint_table, told};
pub use order::OrderMeasures;
pub use probability::{ProbabilityQuestion, TokenProbability};
pub use query::{QueryRow, rows};
pub use view::{Thought, View, prediction_at, thoughts};
pub use writings::{Writing, rewritten, writings};
