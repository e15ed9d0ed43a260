//! The session that was left last, as it was left: what is kept of it when the debugger ends, and how it is
//! made again.

mod keep;
mod last;

pub use keep::{ModelOrigin, SessionOrigin, keep};
pub use last::{Last, LastBreakpoint, LastModel, ResumeError, absolute};
