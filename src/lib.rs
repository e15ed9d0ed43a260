//! `demask`: a visual debugger for masked diffusion language models.
//!
//! Data flows one way: [`decode`] *plans* a request, a [`predict::Predictor`] answers it,
//! [`decode`] *decides*, [`canvas`] *applies*, [`trace`] records and [`tui`] shows.
//! ARCHITECTURE.md has the rooms and their invariants.

#![warn(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod bounded;
pub mod canvas;
pub mod cli;
pub mod compare;
pub mod debugger;
pub mod decode;
pub mod driving;
pub mod engine;
pub mod eval;
pub mod import;
pub mod inspect;
pub mod model;
mod panics;
pub mod predict;
mod schema;
pub mod session;
pub mod trace;
pub mod tui;
