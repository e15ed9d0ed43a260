//! Reads files that users name, up to a largest size, since a pipe or a device may never end.
//!
//! ```
//! use demask_core::bounded::read_from;
//!
//! assert_eq!(read_from("text".as_bytes(), 4)?, b"text");
//! assert!(read_from(std::io::repeat(0), 4).is_err(), "it would never end");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// A file's bytes.
///
/// # Errors
/// If it cannot be read, or is larger than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_from(File::open(path)?, most)
}

/// The bytes of `from`, up to its end.
///
/// # Errors
/// If they cannot be read, or are more than `most`.
pub fn read_from(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it is larger than {}", size(most)))),
        false => Ok(bytes),
    }
}

/// A file's text, without the byte order mark that some programs put before it.
///
/// # Errors
/// If the file cannot be read, is larger than `most` bytes, or is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// Bytes as text, without the byte order mark that some programs put before it.
///
/// # Errors
/// If they are not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::other(format!("it is no UTF-8 from byte {at} on"))
    })?;
    Ok(text.strip_prefix('\u{FEFF}').map_or(text.clone(), str::to_owned))
}

/// A size as it is shown, rounded down.
fn size(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = |bytes: &[u8]| {
            let path = folder.path().join("a");
            fs::write(&path, bytes).unwrap();
            read_text(&path, 1 << 10).map_err(|error| error.to_string())
        };
        assert_eq!(file(b"\xef\xbb\xbfa\xc3\xa9"), Ok("aé".to_owned()));
        assert_eq!(file(&[b'a'; 1 << 10]).map(|text| text.len()), Ok(1 << 10));
        assert_eq!(file(&[b'a'; 1025]), Err("it is larger than 1 KiB".to_owned()));
        assert_eq!(file(b"ab\xe9"), Err("it is no UTF-8 from byte 2 on".to_owned()));
        assert!(read(folder.path(), 9).is_err() && read(Path::new("/nonexistent"), 9).is_err());
        assert_eq!([1 << 18, 1 << 24, 4 << 30].map(size), ["256 KiB", "16 MiB", "4 GiB"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_refused() {
        let problem = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(problem.to_string(), "it is larger than 1 MiB");
    }
}
