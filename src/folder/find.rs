//! Which files of a folder are recordings, or may be: nothing is read but the folders themselves.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::trace;

/// Folders within folders that are looked into.
const DEEPEST: usize = 8;

/// How a file of another program may end that `demask import` reads.
const IMPORTED_ENDINGS: [&str; 4] = ["json", "pt", "pth", "pkl"];

/// What tells a file that was written from what it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    /// Its length, bytes.
    pub length: u64,
    /// When it was written last, where the system says.
    pub written: Option<SystemTime>,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path, the folder's own included.
    pub path: PathBuf,
    /// Its path from the folder on, as it is shown.
    pub name: String,
    /// How it is now.
    pub stamp: FileStamp,
    /// It is named as recordings are; else it may be a file of another program.
    pub recording: bool,
}

/// Why a folder is not listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// It cannot be read.
    #[error("{folder}: it cannot be read ({error}). Check the path and its permissions")]
    Unreadable {
        /// The path, as it was given.
        folder: String,
        /// What the system said.
        error: io::Error,
    },
    /// There is nothing to be shown.
    #[error(
        "{folder}: there is no recording in this folder (*.jsonl, *.jsonl.zst, *.jsonl.gz). \
         `demask run PROMPT --record {folder}/run.jsonl` makes one, and `demask import` makes one of what \
         other programs wrote"
    )]
    Empty {
        /// The path, as it was given.
        folder: String,
    },
}

/// The files of a folder, and of the folders in it, in the order of their paths.
///
/// # Errors
/// If the folder cannot be read. One in it that cannot be is left out.
pub fn find(folder: &Path) -> Result<Vec<FoundFile>, ListingError> {
    let mut found = Vec::new();
    inside(folder, folder, DEEPEST, &mut found).map_err(|error| ListingError::Unreadable {
        folder: folder.display().to_string(),
        error,
    })?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn inside(top: &Path, folder: &Path, depth: usize, found: &mut Vec<FoundFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        // A file that is removed meanwhile is not there.
        let Ok(entry) = entry else { continue };
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        // A link to a folder may lead back here.
        if kind.is_dir() {
            if depth > 0 {
                // What one may not look into is not this folder's fault.
                let _ = inside(top, &path, depth - 1, found);
            }
            continue;
        }
        let recording = trace::named_so(&path);
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !recording && !ending.is_some_and(|ending| IMPORTED_ENDINGS.contains(&ending)) {
            continue;
        }
        // Behind links, and no pipes: reading one would wait for its writer.
        let Some(stamp) = stamp(&path) else { continue };
        let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
        found.push(FoundFile { name, stamp, recording, path });
    }
    Ok(())
}

/// How a file is now; `None` if it is none.
fn stamp(path: &Path) -> Option<FileStamp> {
    let about = path.metadata().ok().filter(fs::Metadata::is_file)?;
    Some(FileStamp { length: about.len(), written: about.modified().ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_told_by_their_names_also_in_folders_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("traces/daedal")).unwrap();
        for (name, _) in [
            ("b.jsonl", true),
            ("a.jsonl.zst", true),
            ("traces/daedal/c.jsonl.gz", true),
            ("history.json", false),
            ("steps.pt", false),
            ("notes.txt", false),
        ] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let found = find(folder.path()).unwrap();
        let found: Vec<(&str, bool, u64)> =
            found.iter().map(|file| (&*file.name, file.recording, file.stamp.length)).collect();
        assert_eq!(
            found,
            [
                ("a.jsonl.zst", true, 1),
                ("b.jsonl", true, 1),
                ("history.json", false, 1),
                ("steps.pt", false, 1),
                ("traces/daedal/c.jsonl.gz", true, 1),
            ]
        );
        let error = find(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("it cannot be read"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_back_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jsonl"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink("nothing", folder.path().join("gone.jsonl")).unwrap();
        assert_eq!(find(folder.path()).unwrap().len(), 1);
    }
}
