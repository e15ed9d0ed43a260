//! The debugger without a screen: commands one after the other, each run to its stop; runs in lockstep; the
//! passes of a recording once more.
//!
//! Forward passes are waited for. A flag ends each of these functions, a pass between two layers, and an
//! [`Observer`] hears what is worth telling meanwhile.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use demask::{headless, predict::Predictor, session::{Pending, Session}};
//!
//! /// Runs a session to its end; a signal handler may raise the flag.
//! fn run(
//!     session: &mut Session,
//!     predictor: &mut dyn Predictor,
//!     stopped: &AtomicBool,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     loop {
//!         if let Pending::Wanted { key, request } = session.pending().clone() {
//!             let (prediction, took) = headless::pass(predictor, &request, stopped)?;
//!             session.supply(key, prediction, took);
//!         }
//!         if let Pending::Done(_) = session.pending() {
//!             return Ok(());
//!         }
//!         session.step()?;
//!     }
//! }
//! ```

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
