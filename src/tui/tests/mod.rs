//! Tests of the screen: tables for the small parts, drawings of every pane and size over a fake
//! model, and keys in long rows.

mod ahead;
mod contrast;
mod debug;
mod debug_screens;
mod diagnosis;
mod driving;
mod exact;
pub mod fake;
mod flow;
mod habits;
mod help;
mod incremental;
mod keymap;
mod keys;
mod layout;
mod presets;
mod questions;
mod revising;
mod robust;
mod screens;
mod svg;
mod text;
mod theme;
mod tries;
mod waiting;
