//! Where lines come from: a file, compressed or not, or standard input, read a line at a time and
//! never more than a line can be long.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::line;

/// No line of a recording is longer: beyond it a file is damaged or hostile.
pub(super) const LONGEST_LINE: u64 = 64 << 20;

/// A compressed file may unfold into so many times its bytes, and this much in any case: text
/// compresses ten to fifty times, a hostile file ten thousand times.
const MOST_TIMES: u64 = 1000;
const ALWAYS: u64 = 256 << 20;

/// Whether a file is named as recordings are, plain or packed.
pub fn named_so(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".jsonl", ".jsonl.zst", ".jsonl.gz"].iter().any(|ending| name.ends_with(ending))
}

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// The text itself, unpacked.
    Plain,
    /// Packed with gzip (`.gz`).
    Gzip,
    /// Packed with Zstandard (`.zst`).
    Zstd,
}

impl Packing {
    /// The packing that a file's name asks for.
    pub fn named(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// The packing of what begins with these bytes.
    fn found(begin: &[u8]) -> Self {
        match begin {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one that is skipped, in front of others.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// A line, without its end.
pub(super) struct RawLine {
    /// Number of the line, from 1.
    pub number: usize,
    /// The bytes of the line.
    pub bytes: Vec<u8>,
    /// Where it begins among the bytes of all lines.
    pub place: u64,
    /// False for a last line without its newline: it was being written when its writer was
    /// stopped.
    pub whole: bool,
}

impl RawLine {
    /// Its text.
    ///
    /// # Errors
    /// In words, if it is none, or its checksum does not fit it.
    pub fn text(&self) -> Result<&str, String> {
        let text = std::str::from_utf8(&self.bytes).map_err(|_| "this is no text".to_owned())?;
        line::intact(text)?;
        Ok(text)
    }
}

/// Lines of a file.
pub(super) struct FileLines {
    input: Box<dyn BufRead + Send>,
    packing: Packing,
    number: usize,
    /// Bytes taken from the file, and bytes they unfolded into.
    taken: Arc<AtomicU64>,
    unfolded: u64,
    /// A line whose end has not come.
    half: Vec<u8>,
}

/// Counts the bytes that pass.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl FileLines {
    /// The lines of a file, or of standard input for `-`.
    pub fn open(path: &Path) -> io::Result<Self> {
        match path == Path::new("-") {
            true => Self::of(io::stdin()),
            false => Self::of(File::open(path)?),
        }
    }

    /// The lines of what is read from `input`.
    pub fn of(input: impl Read + Send + 'static) -> io::Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut input = BufReader::with_capacity(1 << 16, Counted(input, taken.clone()));
        let packing = Packing::found(input.fill_buf()?);
        let input: Box<dyn BufRead + Send> = match packing {
            Packing::Plain => Box::new(input),
            Packing::Gzip => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))),
            Packing::Zstd => Box::new(BufReader::new(zstd::Decoder::with_buffer(input)?)),
        };
        Ok(Self { input, packing, number: 0, taken, unfolded: 0, half: Vec::new() })
    }

    /// A line that the caller read; it is counted with the others.
    pub fn given(&mut self, bytes: &[u8]) -> RawLine {
        self.number += 1;
        let place = self.unfolded;
        self.unfolded += bytes.len() as u64;
        RawLine { number: self.number, bytes: bytes.trim_ascii_end().to_vec(), place, whole: true }
    }

    /// Bytes of the file read so far; what is read ahead counts.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Bytes of lines read so far.
    pub fn unfolded(&self) -> u64 {
        self.unfolded
    }

    /// The number of the last whole line read.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How the file is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// The next line; `None` at the end. An end in the middle of compressed data counts as the
    /// end of a line that is cut.
    pub fn next(&mut self) -> io::Result<Option<RawLine>> {
        match self.more()? {
            Some(line) => Ok(Some(line)),
            None if self.half.is_empty() => Ok(None),
            None => {
                self.number += 1;
                Ok(Some(self.line(false)))
            }
        }
    }

    /// Passes over the empty lines at hand: gigabytes of them take no longer than reading them does.
    fn skip_blanks(&mut self) -> io::Result<()> {
        if self.half.is_empty() {
            let blanks = self.input.fill_buf()?.iter().take_while(|&&byte| byte == b'\n').count();
            self.input.consume(blanks);
            self.number += blanks;
            self.unfolded += blanks as u64;
        }
        Ok(())
    }

    /// The next whole line; `None` if its end has not come yet: there may be more later, where the
    /// file grows.
    pub fn more(&mut self) -> io::Result<Option<RawLine>> {
        let left = LONGEST_LINE.saturating_sub(self.half.len() as u64);
        let before = self.half.len();
        let read = self
            .skip_blanks()
            .and_then(|()| (&mut self.input).take(left).read_until(b'\n', &mut self.half));
        self.unfolded += (self.half.len() - before) as u64;
        match read {
            // What a killed writer left of a compressed file.
            Err(error)
                if self.packing != Packing::Plain
                    && error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        if self.packing != Packing::Plain
            && self.unfolded > ALWAYS.max(self.taken().saturating_mul(MOST_TIMES))
        {
            return Err(io::Error::other(format!(
                "it unfolds into more than {MOST_TIMES} times its size, which no recording does"
            )));
        }
        if self.half.last() != Some(&b'\n') {
            if self.half.len() as u64 >= LONGEST_LINE {
                return Err(io::Error::other(format!(
                    "it is longer than {} MiB, which no line of a recording is",
                    LONGEST_LINE >> 20
                )));
            }
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(self.line(true)))
    }

    /// The line that was read, without blanks at its end: other systems end lines otherwise.
    fn line(&mut self, whole: bool) -> RawLine {
        let mut bytes = std::mem::take(&mut self.half);
        let place = self.unfolded - bytes.len() as u64;
        bytes.truncate(bytes.trim_ascii_end().len());
        RawLine { number: self.number, bytes, place, whole }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: Vec<u8>) -> Vec<(String, bool)> {
        let mut lines = FileLines::of(io::Cursor::new(bytes)).unwrap();
        std::iter::from_fn(|| lines.next().unwrap())
            .map(|line| (String::from_utf8(line.bytes).unwrap(), line.whole))
            .collect()
    }

    #[test]
    fn empty_lines_are_counted_and_passed_over() {
        let mut found = FileLines::of(io::Cursor::new(b"\n\n\na\n\nb".to_vec())).unwrap();
        let line = found.next().unwrap().unwrap();
        assert_eq!((line.number, &*line.bytes, line.whole), (4, &b"a"[..], true));
        assert_eq!(line.place, 3);
        let line = found.next().unwrap().unwrap();
        assert_eq!((line.number, &*line.bytes, line.whole), (6, &b"b"[..], false));
        assert!(found.next().unwrap().is_none());
        assert_eq!(found.unfolded(), 7);
    }

    fn packed(packing: Packing, text: &[u8]) -> Vec<u8> {
        match packing {
            Packing::Plain => text.to_vec(),
            Packing::Zstd => zstd::encode_all(text, 3).unwrap(),
            Packing::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn lines_are_the_same_however_they_are_packed() {
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
            let text = packed(packing, b"one\n\ntwo\nthree");
            let expected = [("one", true), ("two", true), ("three", false)]
                .map(|(line, whole)| (line.to_owned(), whole));
            assert_eq!(lines(text), expected, "{packing:?}");
            assert_eq!(lines(packed(packing, b"")), []);
        }
    }

    #[test]
    fn a_cut_file_gives_the_lines_that_are_whole() {
        let text: Vec<u8> =
            (0..4000).flat_map(|n| format!("line {}\n", n * n).into_bytes()).collect();
        for packing in [Packing::Gzip, Packing::Zstd] {
            let mut whole = packed(packing, &text);
            whole.truncate(whole.len() / 2);
            let lines = lines(whole);
            for (n, (line, whole)) in lines.iter().enumerate() {
                assert!(!whole || *line == format!("line {}", n * n), "{packing:?} {line}");
            }
        }
    }

    #[test]
    fn hostile_sizes_are_refused() {
        let endless = FileLines::of(io::repeat(b'x')).unwrap().next();
        assert!(endless.err().unwrap().to_string().contains("64 MiB"));
        let line = [vec![b'x'; 1 << 20], vec![b'\n']].concat();
        let bomb = packed(Packing::Zstd, &line.repeat((ALWAYS >> 20) as usize + 1));
        let mut lines = FileLines::of(io::Cursor::new(bomb)).unwrap();
        let error = std::iter::repeat_with(|| lines.next()).find_map(Result::err).unwrap();
        assert!(error.to_string().contains("1000 times"), "{error}");
    }
}
