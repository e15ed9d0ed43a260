//! Configuration files on disk: read with a limit, written whole or not at all.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

use super::ConfigError;
use crate::{bounded, trace::WholeFile};

/// Most bytes read: far more than anybody writes, far less than fills the memory.
const MOST_BYTES: u64 = 1 << 20;

/// The file's text; `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let fault = |text: String| ConfigError { file: path.display().to_string(), at: None, text };
    match bounded::read_text(path, MOST_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(fault(format!(
            "it cannot be read ({error}). See that it is a text file in UTF-8 that may be read, or \
             add --no-config"
        ))),
    }
}

/// Writes a file and the folders it is in: a reader or a crash sees the old or the new one, never a
/// part.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let (mut file, whole) = WholeFile::begin(path, |_| {})?;
    file.write_all(text.as_bytes())?;
    whole.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("a.toml");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file.
        let path = folder.path().join("a.toml");
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(write(&path, "text").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        assert_eq!(read(&path), Ok(None));
        assert_eq!(read(&path.join("b")), Ok(None));
        for (bytes, word) in [(vec![0xff, 0xfe], "UTF-8"), (vec![b' '; 1 << 21], "1 MiB")] {
            fs::write(&path, bytes).unwrap();
            assert!(read(&path).unwrap_err().text.contains(word));
        }
    }
}
