//! Why an export failed.

use crate::trace::advice;

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error("it cannot be written ({0}). {advice}", advice = advice(.0))]
    Io(#[from] std::io::Error),
    /// A table could not be made: a fault of this program.
    #[error("the table cannot be made ({0}); this is a fault of demask, please report it")]
    Table(Box<dyn std::error::Error + Send + Sync>),
    /// A page could not be made: a fault of this program.
    #[error("the page cannot be made ({0}); this is a fault of demask, please report it")]
    Page(#[from] serde_json::Error),
}
