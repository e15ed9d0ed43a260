//! What lies over the panes and takes the keys while it is there.

pub mod command_line;
pub mod copy;
pub mod help;
pub mod leaving;
pub mod picker;
pub mod prompts;
pub mod search;
pub mod tries;
pub mod typing;
