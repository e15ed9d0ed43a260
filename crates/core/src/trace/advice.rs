//! What to do about a file that cannot be written.

use std::io::{self, ErrorKind};

/// What the user can do who reads that a file cannot be written: a sentence without its full stop.
pub fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "Free some space, or write to another place"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "See that its folder is there, or give another name"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "See that it may be written to, or write to another place"
        }
        ErrorKind::ResourceBusy => "Wait until it has ended, or give another name",
        ErrorKind::IsADirectory => "It is a folder: give the name of a file",
        _ => "Write to another place",
    }
}
