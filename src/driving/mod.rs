//! Sampling loops that other processes run: finding one, joining it, telling it to make a step, and
//! taking in what it did, which comes as the records of a recording.

mod find;
mod join;
pub mod message;
mod schema;

pub use find::{Found, address, running};
pub use join::{Intake, Joined, join};
pub use schema::{field_tables, schema};
