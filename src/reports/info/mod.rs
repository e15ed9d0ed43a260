//! What a model, an engine and a recording are.
//!
//! ```
//! use demask::reports::info::RecordingInfo;
//!
//! let info = RecordingInfo::of("recordings/short-answer.jsonl".as_ref())?;
//! assert!(info.steps > 0);
//! # Ok::<(), demask::trace::TraceError>(())
//! ```

mod engine;
mod model;
mod recording;

pub use engine::EngineInfo;
pub use model::ModelInfo;
pub use recording::RecordingInfo;
