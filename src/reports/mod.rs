//! What is said of runs, recordings, models and engines, as text and as JSON, for whoever prints it.
//!
//! Nothing here is escaped for a terminal but the text of [`diff`], which has colours of its own: who prints
//! it escapes it.

mod comparison;
mod counts;
pub mod diff;
pub mod info;
mod verification;

pub use comparison::ComparedRuns;
pub use counts::TokenCounts;
pub use verification::Verification;
