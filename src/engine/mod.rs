//! Models that run elsewhere: an engine is another process, mostly Python with PyTorch, that
//! answers forward passes over a protocol of JSON Lines. To everything else it is one more
//! [`Predictor`](crate::predict::Predictor).
//!
//! An [`Address`] says where the engine is: a command that is started here, or a socket on which
//! one listens. [`connect`] waits for its greeting and fetches the texts of its tokens. The
//! messages are in [`message`]; [`link`] carries them; docs/engine.md describes them.

mod address;
mod column;
mod connect;
mod link;
pub mod message;
mod peer;
mod predictor;
mod process;
mod text;

pub use address::Address;
pub use connect::{Connected, connect};
pub use predictor::EnginePredictor;
