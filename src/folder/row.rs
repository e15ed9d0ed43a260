//! A row of the list: a file, and what is known of it.

use super::{FoundFile, RunSummary};

/// What is known of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum RowState {
    /// It is not read yet.
    Waiting,
    /// It is a recording.
    Read(Box<RunSummary>),
    /// It cannot be opened: why, and what to do.
    Broken(String),
    /// It is in this format of another program, which `demask import` reads.
    Importable(&'static str),
    /// It is something else, such as a table of figures. It is left out of the list.
    Other,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderRow {
    /// The file.
    pub file: FoundFile,
    /// What is known of it.
    pub state: RowState,
}

impl FolderRow {
    /// A row before the file is read.
    pub fn waiting(file: FoundFile) -> Self {
        Self { file, state: RowState::Waiting }
    }

    /// The file's path from the folder on.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The run, if it is read.
    pub fn run(&self) -> Option<&RunSummary> {
        match &self.state {
            RowState::Read(run) => Some(run),
            _ => None,
        }
    }

    /// True if it is listed. What may be in a format of another program is not before it is read.
    pub fn is_listed(&self) -> bool {
        match self.state {
            RowState::Other => false,
            RowState::Waiting => self.file.recording,
            RowState::Read(_) | RowState::Broken(_) | RowState::Importable(_) => true,
        }
    }

    /// What there is to say of a file that is not a run; `None` for a run.
    pub fn words(&self) -> Option<String> {
        match &self.state {
            RowState::Read(_) => None,
            RowState::Waiting | RowState::Other => Some(String::new()),
            RowState::Broken(why) => Some(why.clone()),
            RowState::Importable(format) => Some(format!(
                "in the format {format} of another program: `demask import FILE OUT` makes a recording"
            )),
        }
    }
}
