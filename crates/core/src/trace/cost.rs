//! What the lines and columns of a recording cost, in bytes: as they are, and packed.

use std::{collections::BTreeMap, io::Write, path::Path};

use serde_json::value::RawValue;

use super::{
    TraceError,
    source::{FileLines, Packing},
};

/// How hard Zstandard tries where a cost is measured: as when a recording is written.
const LEVEL: i32 = 3;

/// Bytes of something, as they are and packed with everything else of its kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PackedBytes {
    /// Bytes of the text as it is.
    pub plain: u64,
    /// Bytes of the text packed with Zstandard.
    pub packed: u64,
}

/// The costs of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Costs {
    /// Bytes of the file.
    pub file: u64,
    /// Number of lines in the file.
    pub lines: usize,
    /// Generated positions over all predictions.
    pub rows: u64,
    /// All lines together, packed as one.
    pub all: PackedBytes,
    /// The lines of each kind, together.
    pub kinds: BTreeMap<String, PackedBytes>,
    /// The columns of predictions, each by its name.
    pub columns: BTreeMap<String, PackedBytes>,
}

/// Text being packed, of which only the size is kept.
struct Packer(zstd::stream::write::Encoder<'static, Counter>, u64);

#[derive(Default)]
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Packer {
    fn new() -> std::io::Result<Self> {
        Ok(Self(zstd::Encoder::new(Counter::default(), LEVEL)?, 0))
    }

    fn put(&mut self, text: &str) -> std::io::Result<()> {
        self.1 += text.len() as u64;
        self.0.write_all(text.as_bytes())
    }

    fn bytes(self) -> std::io::Result<PackedBytes> {
        Ok(PackedBytes { plain: self.1, packed: self.0.finish()?.0 })
    }
}

/// What is looked at of a line.
#[derive(serde::Deserialize)]
struct LineTag<'a> {
    kind: String,
    #[serde(default)]
    rows: u64,
    #[serde(borrow, default)]
    columns: BTreeMap<String, &'a RawValue>,
}

/// Measures a recording. Only whole lines count.
///
/// # Errors
/// If it cannot be read, or a line is no object with a kind.
pub fn costs(path: &Path) -> Result<Costs, TraceError> {
    let file = path.display().to_string();
    let measured = measure(path);
    measured.map_err(|(line, problem)| {
        let keep = "The file is damaged, or changed while it was measured".to_owned();
        TraceError::Damaged { file, line, problem, keep }
    })
}

fn measure(path: &Path) -> Result<Costs, (usize, String)> {
    let at = |line: usize| move |error: std::io::Error| (line, error.to_string());
    let mut lines = FileLines::open(path).map_err(at(1))?;
    let mut costs = Costs::default();
    let mut all = Packer::new().map_err(at(1))?;
    let mut kinds: BTreeMap<String, Packer> = BTreeMap::new();
    let mut columns: BTreeMap<String, Packer> = BTreeMap::new();
    while let Some(line) = lines.more().map_err(at(costs.lines + 1))? {
        costs.lines += 1;
        let fault = at(line.number);
        let text = line.text().map_err(|problem| (line.number, problem))?;
        if text.is_empty() {
            continue;
        }
        let seen: LineTag = serde_json::from_str(text)
            .map_err(|error| (line.number, format!("this is no record ({error})")))?;
        all.put(text).map_err(fault)?;
        all.put("\n").map_err(fault)?;
        entry(&mut kinds, &seen.kind).and_then(|packer| packer.put(text)).map_err(fault)?;
        costs.rows += seen.rows;
        for (name, values) in &seen.columns {
            entry(&mut columns, name).and_then(|packer| packer.put(values.get())).map_err(fault)?;
        }
    }
    costs.file = match lines.packing() {
        Packing::Plain => lines.unfolded(),
        _ => lines.taken(),
    };
    let end = at(costs.lines);
    costs.all = all.bytes().map_err(end)?;
    for (from, to) in [(kinds, &mut costs.kinds), (columns, &mut costs.columns)] {
        for (name, packer) in from {
            to.insert(name, packer.bytes().map_err(end)?);
        }
    }
    Ok(costs)
}

fn entry<'a>(
    packers: &'a mut BTreeMap<String, Packer>,
    name: &str,
) -> std::io::Result<&'a mut Packer> {
    // A hostile file may name as many columns as it likes.
    const MOST_COLUMNS: usize = 64;
    let name: String = name.chars().take(40).collect();
    let name = if packers.len() >= MOST_COLUMNS && !packers.contains_key(&name) {
        "others".to_owned()
    } else {
        name
    };
    Ok(match packers.entry(name) {
        std::collections::btree_map::Entry::Occupied(found) => found.into_mut(),
        std::collections::btree_map::Entry::Vacant(free) => free.insert(Packer::new()?),
    })
}
