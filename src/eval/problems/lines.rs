//! The JSON objects of a problem file: one a line, or all in an array; packed with gzip or not.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::bounded;

/// The longest file, unpacked, bytes: a packed file or a device may have no end.
pub(super) const LARGEST_PROBLEM_FILE: u64 = 1 << 30;

/// The bytes of a file, unpacked.
///
/// # Errors
/// In words, if it is damaged.
pub fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let whole = bounded::read_from(flate2::read::MultiGzDecoder::new(bytes), LARGEST_PROBLEM_FILE);
    Ok(Cow::Owned(whole.map_err(|error| format!("it cannot be unpacked: {error}"))?))
}

/// The objects of a file with the lines they begin on, from 1.
///
/// # Errors
/// If it is an array that cannot be read; the error has the line.
pub fn objects(bytes: &[u8]) -> serde_json::Result<Vec<(usize, &[u8])>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if !bytes.trim_ascii_start().starts_with(b"[") {
        let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
        return Ok(lines.filter(|(_, line)| !line.trim_ascii().is_empty()).collect());
    }
    let entries: Vec<&RawValue> = serde_json::from_slice(bytes)?;
    let (mut line, mut read) = (1, 0);
    Ok(entries
        .into_iter()
        .map(|entry| {
            let text = entry.get().as_bytes();
            // Entries are parts of the file, in its order.
            let start = text.as_ptr() as usize - bytes.as_ptr() as usize;
            line += bytes[read..start].iter().filter(|&&byte| byte == b'\n').count();
            read = start;
            (line, text)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_and_arrays_are_read_alike() {
        let check = |text: &str, expected: &[(usize, &str)]| {
            let found = objects(text.as_bytes()).unwrap();
            let found: Vec<(usize, &str)> = found
                .into_iter()
                .map(|(line, bytes)| (line, std::str::from_utf8(bytes).unwrap().trim()))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("\u{feff}{\"a\":1}\r\n\n{}", &[(1, "{\"a\":1}"), (3, "{}")]);
        check("[\n {\"a\":\n 1},\n\n {}]\n", &[(2, "{\"a\":\n 1}"), (5, "{}")]);
        check("[]", &[]);
        check("\n \n", &[]);
        assert_eq!(objects(b"[\n{},\n").unwrap_err().line(), 3);
    }

    #[test]
    fn packed_files_are_unpacked() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"{}\n").unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(unpacked(&packed).unwrap().as_ref(), b"{}\n");
        assert_eq!(unpacked(b"{}").unwrap().as_ref(), b"{}");
        assert!(unpacked(&packed[..packed.len() - 9]).unwrap_err().contains("unpacked"));
    }
}
