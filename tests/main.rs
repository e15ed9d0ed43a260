//! All integration tests, as one program: each more would link the whole library once more.
//!
//! `cargo test --test all NAME::` runs those of one module.

mod support;

mod any_strategy;
mod bench;
mod block_diffusion;
mod caches;
mod checkpoints;
mod cli;
mod compare;
mod config;
mod debugger;
mod diff;
mod doctor;
mod documents;
mod driving;
mod embedded;
mod engine;
mod eval;
mod export;
mod flips;
mod forward;
mod fuzz;
mod gguf;
mod golden;
mod hub;
mod import;
mod infill;
mod info;
mod invariants;
mod kill;
mod long_recordings;
mod paper;
mod player;
mod prompts;
mod protocol;
mod python;
mod recordings;
mod rooms;
mod sampling;
mod schema;
mod scripts;
mod strategies;
mod terminal;
mod verification;
mod writing;
