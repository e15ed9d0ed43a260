//! The session that was left last, as it was left: what is kept of it when the debugger ends, and how it is
//! made again.
//!
//! ```
//! use demask::resume::{Last, ResumeError};
//!
//! let nowhere = std::env::temp_dir().join("demask-no-such-folder");
//! assert!(matches!(Last::read(&nowhere), Err(ResumeError::None)), "no session was left there");
//! ```

mod keep;
mod last;

pub use keep::{ModelOrigin, SessionOrigin, keep};
pub use last::{Last, LastBreakpoint, LastModel, ResumeError, absolute};
