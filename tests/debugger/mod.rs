//! The debugger as a whole: commands in, canvases out, over the fake predictor, the embedded
//! model, the golden traces and the recordings of this repository.

mod conditions;
mod drive;
mod edges;
mod golden;
mod lints;
mod questions;
mod script;
mod table;
mod text;
mod walk;
