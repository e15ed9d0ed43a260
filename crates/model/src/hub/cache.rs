//! One repository in the cache, in the layout of the hub's other programs: files under their etag
//! in `blobs`, links to them under their names in `snapshots/<commit>`, commits under the names of
//! branches and tags in `refs`.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{super::LoadError, HubSettings, RepoId};
use crate::bounded;

/// A repository's folder in the cache.
pub(super) struct CachedRepository {
    folder: PathBuf,
    locks: PathBuf,
}

/// Whether a text is the full name of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl CachedRepository {
    /// The repository's.
    ///
    /// # Errors
    /// If nothing says where the cache is.
    pub(super) fn of(repo: &RepoId, settings: &HubSettings) -> Result<Self, LoadError> {
        let Some(root) = &settings.cache else {
            return Err(LoadError::new(
                repo.to_string(),
                "there is no place for what comes from the hub: neither HF_HOME nor HOME is set",
                "Set HF_HOME to a folder",
            ));
        };
        let name = format!("models--{}", repo.id.replace('/', "--"));
        Ok(Self { folder: root.join(&name), locks: root.join(".locks").join(name) })
    }

    /// The repository's folder in the cache.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a commit's files.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// Where a whole file is kept.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// Where what has come of a file is kept.
    pub(super) fn part(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(format!("{etag}.incomplete"))
    }

    /// The commit that was last seen under a revision's name.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let note = self.folder.join("refs").join(revision);
        let text = bounded::read_text(&note, 1 << 10).ok()?;
        Some(text.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Notes the commit seen under a revision's name.
    ///
    /// # Errors
    /// If the cache cannot be written to.
    pub(super) fn note(&self, revision: &str, commit: &str) -> Result<(), LoadError> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.folder.join("refs").join(revision);
        make_parent(&path)?;
        fs::write(&path, commit).map_err(|error| disk(&path, &error))
    }

    /// Puts a file that is in `blobs` into a snapshot.
    ///
    /// # Errors
    /// If the cache cannot be written to.
    pub(super) fn link(&self, etag: &str, commit: &str, name: &str) -> Result<(), LoadError> {
        let (blob, pointer) = (self.blob(etag), self.snapshot(commit).join(name));
        make_parent(&pointer)?;
        // A link to nowhere, or to what turned out to be damaged.
        match fs::remove_file(&pointer) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(disk(&pointer, &error));
            }
            _ => {}
        }
        let up = "../".repeat(2 + name.matches('/').count());
        // Where the file system or the system has no links, the file itself goes there.
        symlink(Path::new(&format!("{up}blobs/{etag}")), &pointer)
            .or_else(|_| fs::rename(&blob, &pointer))
            .map_err(|error| disk(&pointer, &error))
    }

    /// Tries to be the only one who writes a file: `None` while another process does.
    ///
    /// # Errors
    /// If the cache cannot be written to.
    pub(super) fn lock(&self, etag: &str) -> Result<Option<File>, LoadError> {
        let path = self.locks.join(format!("{etag}.lock"));
        make_parent(&path)?;
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| disk(&path, &error))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // A file system without locks: as if nobody else were there.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
        }
    }
}

/// Makes the folder that a file goes to.
pub(super) fn make_parent(path: &Path) -> Result<(), LoadError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| disk(folder, &error))
}

#[cfg(unix)]
fn symlink(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn symlink(to: &Path, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(to, at)
}

/// The cache cannot be written to.
pub(super) fn disk(path: &Path, error: &io::Error) -> LoadError {
    let (problem, advice) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            "there is no space left for it",
            "Make room, or set HF_HOME to a folder on another disk, and run the same command \
             again: what has come already is kept",
        ),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => (
            "the cache cannot be written to",
            "Set HF_HOME to a folder that can be written to; if the model is in the cache already, \
             add --offline",
        ),
        _ => (
            "the cache cannot be used",
            "Check the folder, or set HF_HOME to one that can be written to",
        ),
    };
    LoadError::new(path.display().to_string(), format!("{problem} ({error})"), advice)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Error, ErrorKind},
        path::Path,
    };

    use super::{disk, is_commit};

    #[test]
    fn faults_of_the_disk_say_what_to_do() {
        fn check(kind: ErrorKind, words: &[&str]) {
            let text = disk(Path::new("/c/x"), &Error::from(kind)).to_string();
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
        check(ErrorKind::StorageFull, &["/c/x", "no space", "Make room", "kept"]);
        check(ErrorKind::QuotaExceeded, &["no space", "HF_HOME"]);
        check(ErrorKind::ReadOnlyFilesystem, &["cannot be written", "HF_HOME", "--offline"]);
        check(ErrorKind::PermissionDenied, &["cannot be written"]);
        check(ErrorKind::NotADirectory, &["/c/x", "cannot be used", "Check the folder"]);
    }

    #[test]
    fn commits_are_known() {
        assert!(is_commit(&"0123456789".repeat(4)));
        assert!(!is_commit("main") && !is_commit(&"x".repeat(40)) && !is_commit(""));
    }
}
