//! The debugger as a whole: commands in, canvases out, over the fake predictor, the embedded
//! model, the golden traces and the recordings of this repository.

#[path = "../support/mod.rs"]
mod support;

mod drive;
mod edges;
mod text;
mod walk;
