//! Recordings for other programs: tables for data tools, Markdown for people, and a page that
//! plays a run in a browser.
//!
//! `walk` is what all share: each branch from the start of its run to its end, with the
//! prediction on each canvas and the step made from it. What a recording lacks is absent here,
//! never zero.

mod markdown;
mod page;
mod player;
mod sinks;
mod table;
mod walk;

#[cfg(test)]
mod tests;

pub use markdown::markdown;
pub use page::{Dress, page};
pub use sinks::Tables;
pub use table::{ColumnSpec, Kind, Table, column_table};

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error("it cannot be written ({0}). {advice}", advice = super::advice(.0))]
    Io(#[from] std::io::Error),
    /// A table could not be made: a fault of this program.
    #[error("the table cannot be made ({0}); this is a fault of demask, please report it")]
    Table(Box<dyn std::error::Error + Send + Sync>),
    /// A page could not be made: a fault of this program.
    #[error("the page cannot be made ({0}); this is a fault of demask, please report it")]
    Page(#[from] serde_json::Error),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            kind => Self::Table(format!("{kind:?}").into()),
        }
    }
}

impl From<parquet::errors::ParquetError> for ExportError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        use parquet::errors::ParquetError::External;
        match error {
            External(error) => error.downcast().map_or_else(Self::Table, |error| Self::Io(*error)),
            error => Self::Table(error.into()),
        }
    }
}
