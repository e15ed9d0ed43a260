//! Problems with checkable answers, and what a model does with them.
//!
//! [`tasks`] generates the problems that the embedded model is trained on and measured with; it
//! knows neither a model nor a decoder. [`measure`] runs a model on them,
//! [`report`] makes tables, figures and files of the rows.

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
