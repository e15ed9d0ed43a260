//! What is said of runs, recordings, models and engines, as text and as JSON, for whoever prints it.
//!
//! Nothing here is escaped for a terminal but the text of [`diff`], which has colours of its own: who prints
//! it escapes it.
//!
//! ```
//! use demask::{compare::{Figures, RunPath}, reports::TokenCounts, trace};
//!
//! let recording = trace::read("recordings/short-answer.jsonl".as_ref())?;
//! let session = recording.session();
//! let run = RunPath { session: &session, end: recording.recorded.end };
//! let counts = TokenCounts::of(&Figures::of(run));
//! assert!(counts.e_token <= counts.n_token);
//! # Ok::<(), trace::TraceError>(())
//! ```

mod comparison;
mod counts;
pub mod diff;
mod findings;
mod folder;
pub mod info;
mod order;
mod rows;
mod run;
mod verification;

pub use comparison::{ComparedRuns, ModelOfRuns, RunOfSeveral, run_label};
pub use counts::TokenCounts;
pub use findings::{FindingReport, LintCounts, LintReport};
pub use folder::{FolderRunReport, FolderTable};
pub use order::OrderReport;
pub use rows::{GroupReport, RowReport};
pub use run::{RunReport, RunSubject};
pub use verification::Verification;
