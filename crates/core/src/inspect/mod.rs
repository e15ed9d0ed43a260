//! Questions about what happened, read-only: conditions at a node, queries over a branch, the
//! history of a position, lints.
//!
//! [`language`] is text and its meaning; [`View`] answers its names from a session's tree;
//! [`lints`] look for what often goes wrong. Nothing here changes a session or needs a model.

mod exact;
pub mod language;
pub mod lints;
mod query;
mod view;
mod writings;

pub use exact::{Beside, ExactComparison};
pub use language::{
    Completion, Condition, Query, Subject, SyntaxError, name_table, nearest, pointed, quoted,
    subject_table,
};
pub use lints::{Finding, Lint, lint, lint_table, told};
pub use query::{QueryRow, rows};
pub use view::{Thought, View, prediction_at, thoughts};
pub use writings::{Writing, rewritten, writings};
