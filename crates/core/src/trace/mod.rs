//! Recordings: JSON Lines, one record a line, written as things happen and readable after a kill.
//!
//! `record` holds the types of the format, which are a promise; [`TraceRecorder`] is a session's
//! recorder that writes them on a thread of its own; [`read`] turns a file back into a timeline.
//! A recording carries its token texts, so a replay needs neither model nor tokenizer.
//!
//! ```
//! use demask_core::trace::Reader;
//!
//! let mut reader = Reader::of_lines("a pipe")?;
//! for line in [
//!     r#"{"kind":"header","format":"demask","version":[1,4],"model":{"name":"m","mask":9},"strategy":"mine"}"#,
//!     r#"{"kind":"root","id":0,"prompt":[1,2],"length":2}"#,
//!     r#"{"kind":"step","id":1,"parent":0,"canvas":[9,6]}"#,
//! ] {
//!     reader.push(line.as_bytes())?;
//! }
//! let recording = reader.so_far()?;
//! assert_eq!(recording.recorded.timeline.len(), 2, "the start and a step");
//! # Ok::<(), demask_core::trace::TraceError>(())
//! ```

mod advice;
mod builder;
mod check;
mod convert;
mod cost;
mod derive;
mod follow;
mod foreign;
mod kept;
mod line;
mod lock;
mod reader;
mod record;
mod recorded;
mod schema;
mod source;
mod verify;
mod vocabulary;
mod whole;
mod writer;

pub use advice::advice;
pub use check::{RecordingDivergence, Verified};
pub use convert::{edit as edit_on_record, params_json};
pub use cost::{Costs, PackedBytes, costs};
pub use follow::{exists, follow, open, wait_for};
pub use foreign::{ForeignRun, ForeignStep, save_foreign};
pub use lock::claim;
pub use reader::{
    ReadAdvance, Reader, Recorded, Recording, cut_in, is_other_json, is_recording, read,
};
pub use record::{
    Header, Param, RecordedChat, RecordedEdit, RecordedKnob, RecordedModel, RecordedOverride,
    VERSION,
};
pub use schema::{field_tables, schema};
pub use source::{Packing, named_so};
pub use verify::{NumberDifference, OtherToken, Passes, verify};
pub use vocabulary::RecordedVocabulary;
pub use whole::WholeFile;
pub use writer::{TraceRecorder, save};

/// Why a recording cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("{file}: it cannot be read ({error}). Check the path and its permissions")]
    Unreadable {
        /// The path, as it was given.
        file: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is something else.
    #[error(
        "{file}: this is no demask recording ({problem}). Give a file written with --record; \
         `demask import` makes one of what other programs wrote"
    )]
    NotARecording {
        /// The path, as it was given.
        file: String,
        /// What is missing or wrong, in words.
        problem: String,
    },
    /// It comes from a later format.
    #[error(
        "{file}: the recording has format version {found}, this program reads version {}.x. \
         Open it with a newer demask",
        VERSION[0]
    )]
    Version {
        /// The path, as it was given.
        file: String,
        /// The version that the header names.
        found: String,
    },
    /// It is too large for any memory.
    #[error(
        "{file}, line {line}: its canvases would take more memory than a recording of this size \
         does. It was not made by a program that records as docs/trace.md says"
    )]
    TooLarge {
        /// The path, as it was given.
        file: String,
        /// The line that asks for too much, from 1.
        line: usize,
    },
    /// A line in the middle is damaged.
    #[error("{file}, line {line}: {problem}. {keep}")]
    Damaged {
        /// The path, as it was given.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
        /// What can be kept of the file, and how.
        keep: String,
    },
}
