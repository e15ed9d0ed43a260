//! `demask`: a visual debugger for masked diffusion language models.
//!
//! Data flows one way: [`decode`] *plans* a request, a [`predict::Predictor`] answers it,
//! [`decode`] *decides*, [`canvas`] *applies*, [`trace`] records and [`tui`] shows.
//! ARCHITECTURE.md has the rooms and their invariants.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod bench;
pub mod cli;
pub mod driving;
pub mod engine;
pub mod eval;
pub mod export;
pub mod folder;
pub mod headless;
pub mod reports;
pub mod resume;
pub mod tui;

use demask_core::{bounded, panics, schema};
pub use demask_core::{
    canvas, compare, debugger, decode, escape, import, inspect, predict, session, trace,
};
pub use demask_model as model;
