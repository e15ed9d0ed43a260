//! What a model, an engine and a recording are.

mod engine;
mod model;
mod recording;

pub use engine::EngineInfo;
pub use model::ModelInfo;
pub use recording::RecordingInfo;
