//! A pipe with a name: it holds a program up at a place of its own until the test lets it go on.

use std::{
    fs::{File, OpenOptions},
    path::PathBuf,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

/// A pipe with a name, in a folder of its own.
pub struct Pipe {
    _folder: TempDir,
    path: PathBuf,
}

impl Pipe {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Self { _folder: folder, path }
    }

    pub fn name(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Waits for the reader.
    pub fn open(&self) -> File {
        OpenOptions::new().write(true).open(&self.path).unwrap()
    }
}
