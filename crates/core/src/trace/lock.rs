//! Locks a recording for one writer: two writers would damage it.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
};

/// Takes `file` for this writer, until it is closed. Where the file system knows no locks, and on
/// Windows, where one would keep out readers that follow along, nothing is taken.
///
/// # Errors
/// [`ErrorKind::ResourceBusy`] if another writer has it.
pub fn claim(file: &File) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { answer(file.try_lock()) }
}

/// Says whether somebody writes the file at `path`, if there is one.
///
/// # Errors
/// [`ErrorKind::ResourceBusy`] if so.
pub fn unclaimed(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => answer(file.try_lock_shared()),
        Err(_) => Ok(()),
    }
}

fn answer(locked: Result<(), TryLockError>) -> io::Result<()> {
    match locked {
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(ErrorKind::ResourceBusy, "another run is writing it"))
        }
        Err(TryLockError::Error(_)) | Ok(()) => Ok(()),
    }
}

/// True while `path` still names `file`, which may be removed or replaced during a run.
pub(super) fn is_there(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(ours)) = (path.metadata(), file.metadata()) else { return false };
    same(&there, &ours)
}

#[cfg(unix)]
fn same(there: &std::fs::Metadata, ours: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (there.dev(), there.ino()) == (ours.dev(), ours.ino())
}

#[cfg(not(unix))]
fn same(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(unclaimed(&path).is_ok());
        let first = File::create(&path).unwrap();
        claim(&first).unwrap();
        let second = File::options().write(true).open(&path).unwrap();
        for refused in [claim(&second), unclaimed(&path)] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ResourceBusy);
        }
        drop(first);
        claim(&second).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_removed_or_replaced_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        assert!(is_there(&path, &file));
        fs::remove_file(&path).unwrap();
        assert!(!is_there(&path, &file));
        fs::write(&path, "another").unwrap();
        assert!(!is_there(&path, &file));
    }
}
