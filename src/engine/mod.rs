//! Models that another process runs: an engine, mostly Python with PyTorch, answers requests for
//! forward passes over a protocol of JSON Lines. To the rest of the program it is one more
//! [`Predictor`](crate::predict::Predictor).
//!
//! An [`Address`] is a command that starts an engine, or a socket at which one listens. [`connect`]
//! waits for the greeting and fetches the texts of the tokens. [`message`] has the messages, and
//! `link` sends and receives them; docs/protocol.md describes the protocol.
//!
//! ```
//! use demask::engine::Address;
//!
//! let address: Address = "python -m demask.engine 'my model'".parse()?;
//! assert_eq!(address, Address::Command(["python", "-m", "demask.engine", "my model"].map(String::from).into()));
//! assert!("tcp:10.0.0.1:4000".parse::<Address>().is_err(), "that is another machine");
//! # Ok::<(), String>(())
//! ```

mod address;
mod column;
mod connect;
mod link;
mod memory;
pub mod message;
mod peer;
mod predictor;
mod process;
mod socket;
mod text;

pub use address::Address;
pub use connect::{Connected, connect};
pub use memory::MemoryAddress;
pub use predictor::EnginePredictor;
pub use socket::{HangUp, Socket};
