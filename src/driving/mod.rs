//! Sampling loops that other processes run: finds one, joins it, tells it to make steps, and reads
//! what it did, which it sends as the records of a recording.
//!
//! ```
//! // The sampling loops of this user that wait for a debugger, by the sockets that they listen on.
//! for waiting in demask::driving::running() {
//!     println!("{} at {}", waiting.pid, waiting.path.display());
//! }
//! ```

mod find;
mod join;
pub mod message;
mod schema;

pub use find::{RunningLoop, address, running};
pub use join::{Intake, JoinedLoop, join};
pub use schema::{field_tables, schema};
