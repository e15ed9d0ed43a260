//! Sampling loops that other processes run: finds one, joins it, tells it to make steps, and reads
//! what it did, which it sends as the records of a recording.

mod find;
mod join;
pub mod message;
mod schema;

pub use find::{RunningLoop, address, running};
pub use join::{Intake, JoinedLoop, join};
pub use schema::{field_tables, schema};
