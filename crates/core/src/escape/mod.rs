//! Text of models, recordings and files, escaped before it reaches a terminal or a document.
//!
//! What a model writes is hostile: it may hold controls, escape sequences, bidirectional overrides
//! and markup. What belongs to a script or an emoji is text and stays.
//!
//! ```
//! use demask_core::escape::{escaped, markdown, one_line};
//!
//! assert_eq!(escaped("a\x1b[31m"), "a\u{fffd}[31m");
//! assert_eq!(one_line("a\nb"), "a↵b");
//! assert_eq!(markdown("a*b"), "a\\*b");
//! ```

mod document;
mod hidden;
mod terminal;

pub use document::{json, markdown, one_line, visible, xml};
pub use hidden::{Characters, characters, is_hidden, is_mark};
pub use terminal::{escaped, escaped_json};
