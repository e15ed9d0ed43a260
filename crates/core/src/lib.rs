//! Denoising with masked diffusion language models, step by step, without a model and without a
//! terminal.
//!
//! Data flows one way: [`decode`] *plans* a request, a [`predict::Predictor`] answers it,
//! [`decode`] *decides*, [`canvas`] *applies*, and [`trace`] records. ARCHITECTURE.md has the rooms
//! and their invariants.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod bounded;
pub mod canvas;
pub mod compare;
pub mod debugger;
pub mod decode;
pub mod escape;
pub mod import;
pub mod inspect;
pub mod panics;
pub mod predict;
pub mod schema;
pub mod session;
pub mod trace;
