//! The debugger without a screen: commands one after the other, each run to its stop; runs in lockstep; the
//! passes of a recording once more.
//!
//! Forward passes are waited for. A flag ends each of these functions, a pass between two layers, and an
//! [`Observer`] hears what is worth telling meanwhile.

mod batch;
mod error;
mod lockstep;
mod observer;
mod pass;
mod passes;

pub use batch::BatchDebugger;
pub use error::HeadlessError;
pub use lockstep::run_to_end;
pub use observer::Observer;
pub use pass::{pass, watched_pass};
pub use passes::passes_again;
