//! Problems with checkable answers, and what a model does with them.
//!
//! [`tasks`] generates the problems that the embedded model is trained on and measured with; it
//! knows neither a model nor a decoder. [`measure`] runs a model on them,
//! [`report`] makes tables, figures and files of the rows.
//!
//! ```
//! use demask::eval::problems::{ProblemSet, Selection};
//!
//! let ten = Selection { limit: Some(10), ..Selection::default() };
//! let set = ProblemSet::load("counting", &ten)?;
//! assert_eq!(set.problems.len(), 10);
//! println!("{}", set.prompt(&set.problems[0]));
//! # Ok::<(), demask::eval::problems::ProblemError>(())
//! ```

pub mod card;
pub mod measure;
pub mod paper;
pub mod problems;
pub mod report;
mod row;
pub mod run;
pub mod tasks;
pub mod tokens;

pub use row::{EvalRow, RowTiming};
