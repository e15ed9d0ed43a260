//! What a step costs on this machine, part by part.
//!
//! A run is made as in the debugger: the same session, recorder and screen, only that nobody looks
//! and that each part is waited for before the next. Nothing runs beside what is measured.
//!
//! ```
//! use demask::bench::RecordingFile;
//!
//! // Where nobody asks to keep it, the recording that is timed lies in a temporary file.
//! let file = RecordingFile::temporary();
//! assert!(file.path().starts_with(std::env::temp_dir()));
//! ```

mod against;
mod error;
mod passes;
mod recorder;
mod report;
mod run;
mod samples;

pub use against::AgainstEarlier;
pub use error::BenchError;
pub use passes::lengths;
pub use recorder::{RecordingFile, Spent, TimedRecorder};
pub use report::{Bare, BenchReport, Measured, Steps};
pub use run::run;
