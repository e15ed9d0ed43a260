//! What the embedded model is trained on and measured with.
//!
//! [`tasks`] generates the problems; nothing here knows a model or a decoder.

pub mod tasks;
