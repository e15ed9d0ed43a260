//! Lines of predictions that are not held in memory: where they stand in a file, and the few that
//! were looked at last.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{convert, line, record::Record, source::RawLine};
use crate::predict::{KeptPrediction, KnownPrediction, Prediction};

/// Rows over all predictions that were looked at last: a row takes up to 100 bytes.
const MOST_RECENT_ROWS: usize = 1 << 18;

/// Predictions that were looked at last.
const MOST_RECENT: usize = 1024;

/// The file that lines are read from again, and what was read of it last.
pub(super) struct KeptLines {
    /// `None` until there is one, where the lines came from a stream or packed data.
    file: Mutex<Option<File>>,
    /// Lines are copied to a temporary file: what they came from cannot be read again at a place.
    copied: bool,
    recent: Mutex<RecentPredictions>,
}

impl KeptLines {
    /// Of a file that is not packed: its lines are read where they stand.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn of_file(path: &Path) -> io::Result<Arc<Self>> {
        let file = Mutex::new(Some(File::open(path)?));
        Ok(Arc::new(Self { file, copied: false, recent: Mutex::default() }))
    }

    /// Of anything else: its lines are copied to a temporary file, unpacked.
    pub fn of_stream() -> Arc<Self> {
        Arc::new(Self { file: Mutex::default(), copied: true, recent: Mutex::default() })
    }

    /// Keeps the line of a prediction, which may have been read already; `None` if it can only be
    /// held in memory, since there is no room for a temporary file.
    pub fn keep(
        self: &Arc<Self>,
        from: &RawLine,
        sum: u64,
        prediction: Option<Arc<Prediction>>,
    ) -> Option<KnownPrediction> {
        let place = match self.copied {
            false => from.place,
            true => self.copy(&from.bytes).ok()?,
        };
        if let Some(prediction) = prediction {
            self.recent().insert(place, prediction);
        }
        let (lines, length) = (self.clone(), from.bytes.len());
        Some(KnownPrediction::Kept(Arc::new(KeptLine { lines, place, length, sum })))
    }

    /// Copies a line behind those that were copied before; where it begins.
    fn copy(&self, bytes: &[u8]) -> io::Result<u64> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let place = file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        Ok(place)
    }

    fn bytes(&self, place: u64, length: usize) -> Option<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = file.as_mut()?;
        file.seek(SeekFrom::Start(place)).ok()?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, RecentPredictions> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line of a prediction.
struct KeptLine {
    lines: Arc<KeptLines>,
    /// Where it begins, bytes.
    place: u64,
    length: usize,
    /// Its checksum when it was read first: the file may have changed since.
    sum: u64,
}

impl KeptPrediction for KeptLine {
    fn read(&self) -> Option<Arc<Prediction>> {
        if let Some(prediction) = self.lines.recent().get(self.place) {
            return Some(prediction);
        }
        let bytes = self.lines.bytes(self.place, self.length)?;
        let text = std::str::from_utf8(&bytes).ok().filter(|text| line::sum(text) == self.sum)?;
        let Ok(Record::Prediction(record)) = serde_json::from_str(text) else { return None };
        let prediction = Arc::new(convert::predicted(record).ok()?);
        self.lines.recent().insert(self.place, prediction.clone());
        Some(prediction)
    }
}

/// Predictions that were looked at last, by where their lines begin.
#[derive(Default)]
struct RecentPredictions {
    /// With when each was looked at.
    known: HashMap<u64, (Arc<Prediction>, u64)>,
    rows: usize,
    now: u64,
}

impl RecentPredictions {
    fn get(&mut self, place: u64) -> Option<Arc<Prediction>> {
        self.now += 1;
        let (prediction, looked_at) = self.known.get_mut(&place)?;
        *looked_at = self.now;
        Some(prediction.clone())
    }

    fn insert(&mut self, place: u64, prediction: Arc<Prediction>) {
        self.now += 1;
        self.rows += prediction.rows();
        if let Some((before, _)) = self.known.insert(place, (prediction, self.now)) {
            self.rows -= before.rows();
        }
        // The one that was looked at last stays, however many rows it has.
        while self.known.len() > 1
            && (self.rows > MOST_RECENT_ROWS || self.known.len() > MOST_RECENT)
        {
            let oldest = self.known.iter().min_by_key(|(_, (_, looked_at))| *looked_at);
            let Some(place) = oldest.map(|(&place, _)| place) else { break };
            if let Some((gone, _)) = self.known.remove(&place) {
                self.rows -= gone.rows();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &KnownPrediction) -> Option<Arc<Prediction>> {
        line.get()
    }

    fn raw(text: &str, place: u64) -> RawLine {
        RawLine { number: 1, bytes: text.as_bytes().to_vec(), place, whole: true }
    }

    const LINE: &str = r#"{"kind":"prediction","key":"1","rows":1,"columns":{"argmax":[7]}}"#;

    #[test]
    fn a_line_is_read_again_where_it_stands_unless_it_has_changed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("\n{LINE}\n")).unwrap();
        let keep = || {
            let lines = KeptLines::of_file(file.path()).unwrap();
            lines.keep(&raw(LINE, 1), line::sum(LINE), None).unwrap()
        };
        let (kept, changed) = (keep(), keep());
        assert_eq!(read(&kept).unwrap().guess(0), Some(7));
        std::fs::write(file.path(), format!("\n{}\n", LINE.replace('7', "8"))).unwrap();
        assert!(read(&changed).is_none(), "it is not what was read first");
        assert_eq!(read(&kept).unwrap().guess(0), Some(7), "it was looked at before");
    }

    #[test]
    fn lines_of_a_stream_are_copied() {
        let lines = KeptLines::of_stream();
        let other = LINE.replace('7', "8");
        let kept: Vec<KnownPrediction> = [LINE, &other]
            .map(|text| lines.keep(&raw(text, 0), line::sum(text), None).unwrap())
            .into();
        assert_eq!(read(&kept[1]).unwrap().guess(0), Some(8));
        assert_eq!(read(&kept[0]).unwrap().guess(0), Some(7));
    }

    #[test]
    fn the_predictions_looked_at_last_are_bounded() {
        let mut recent = RecentPredictions::default();
        let rows = MOST_RECENT_ROWS / 4;
        (0..9).for_each(|place| recent.insert(place, Arc::new(Prediction::new(rows))));
        assert_eq!((recent.known.len(), recent.rows), (4, 4 * rows));
        assert!(recent.get(4).is_none() && recent.get(5).is_some());
        recent.insert(9, Arc::new(Prediction::new(rows)));
        assert!(recent.get(5).is_some() && recent.get(6).is_none(), "6 was looked at longest ago");
    }
}
