//! The recordings of a folder as a list: which files there are, what each run comes to in a few figures,
//! and how the list is kept up to date while files are written.
//!
//! Of a recording only its [`RunSummary`] is kept, so that a folder of thousands takes little memory.
//! `summary` and `thumbnail` are made from a recording, `row` and `column` are the list, `filter` says
//! which runs are kept, `find` and `read` look at the files, and `watch` does that on threads of its own.
//!
//! ```
//! use demask::folder::{self, RowState, RunColumn};
//!
//! let rows = folder::read("recordings".as_ref())?;
//! let short = rows.iter().find(|row| row.name() == "short-answer.jsonl").expect("it is shipped");
//! assert!(matches!(short.state, RowState::Read(_)));
//! assert_eq!(RunColumn::Finish.text(short), "complete");
//! # Ok::<(), demask::folder::ListingError>(())
//! ```

mod column;
mod filter;
mod find;
mod read;
mod row;
mod summary;
mod thumbnail;
mod watch;

pub use column::RunColumn;
pub use filter::RunFilter;
pub use find::{FileStamp, FoundFile, ListingError, find};
pub use read::{read, read_file};
pub use row::{FolderRow, RowState};
pub use summary::{FirstFinding, RunSummary};
pub use thumbnail::{Thumbnail, ThumbnailCell};
pub use watch::{FolderChanges, FolderWatch, ReadFile};
