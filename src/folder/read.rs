//! From a file to what is known of it, on the caller's thread; and a whole folder at once.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{FolderRow, FoundFile, ListingError, RowState, RunFilter, RunSummary, find};
use crate::{import, panics, trace};

/// Threads that read files side by side, at most: they hold a recording each.
const MOST_READERS: usize = 4;

/// How many threads read on this machine.
pub(super) fn readers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST_READERS)
}

/// Reads a file, and says whether `filter`, if there is one, keeps it. Whatever is in the file, the answer is
/// a row.
pub fn read_file(file: &FoundFile, filter: Option<&RunFilter>) -> (RowState, bool) {
    panics::caught(|| looked_at(file, filter)).unwrap_or_else(|panic| {
        let why = format!("it cannot be read: the program failed on it ({panic})");
        (RowState::Broken(why), filter.is_none())
    })
}

fn looked_at(file: &FoundFile, filter: Option<&RunFilter>) -> (RowState, bool) {
    let path = &file.path;
    let other = |state| (state, filter.is_none());
    if !file.recording {
        return other(imported(path).unwrap_or(RowState::Other));
    }
    match trace::read(path) {
        Ok(recording) => {
            let keeps = filter.is_none_or(|filter| filter.keeps(&recording));
            (RowState::Read(Box::new(RunSummary::of(&recording))), keeps)
        }
        Err(_) if trace::is_other_json(path) => other(imported(path).unwrap_or(RowState::Other)),
        Err(error) => {
            let text = error.to_string();
            // The row names the file.
            let own = path.display().to_string();
            let why = text.strip_prefix(&own).unwrap_or(&text).trim_start_matches([':', ',', ' ']);
            other(RowState::Broken(why.to_owned()))
        }
    }
}

/// What a file of another program is, if its content shows that.
fn imported(path: &Path) -> Option<RowState> {
    import::format(path).map(|format| RowState::Importable(format.name()))
}

/// Reads every file of a folder and of the folders in it, on a few threads; the rows are in the order of
/// their paths.
///
/// # Errors
/// If the folder cannot be read, or there is nothing in it to be listed.
pub fn read(folder: &Path) -> Result<Vec<FolderRow>, ListingError> {
    let files = find(folder)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut read = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (state, _) = read_file(file, None);
            read.push(FolderRow { file: file.clone(), state });
        }
        read
    };
    let mut rows: Vec<FolderRow> = thread::scope(|scope| {
        let threads: Vec<_> = (0..readers()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    rows.retain(FolderRow::is_listed);
    rows.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    match rows.is_empty() {
        true => Err(ListingError::Empty { folder: folder.display().to_string() }),
        false => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_a_row_or_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = fs::read("recordings/short-answer.jsonl").unwrap();
        let mut cut = shipped.clone();
        cut.truncate(shipped.len() - 5);
        let packed = zstd::encode_all(&*shipped, 3).unwrap();
        for (name, bytes) in [
            ("a.jsonl", &shipped[..]),
            ("b.jsonl.zst", &packed),
            ("cut.jsonl", &cut),
            ("damaged.jsonl", &[&shipped[..2000], b"}\n", &shipped[2000..]].concat()),
            ("empty.jsonl", b""),
            ("rows.jsonl", b"{\"problem\":1}\n{\"problem\":2}\n"),
            ("summary.json", b"{\"runs\":3}"),
            ("history.json", b"[[9,9,9],[9,4,9],[5,4,6]]"),
        ] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let rows = read(folder.path()).unwrap();
        let told = |row: &FolderRow| match &row.state {
            RowState::Read(run) => format!("run of {} steps", run.steps),
            RowState::Broken(why) => {
                format!("broken: {}", why.chars().take(12).collect::<String>())
            }
            RowState::Importable(format) => (*format).to_owned(),
            RowState::Waiting | RowState::Other => "left out".to_owned(),
        };
        let told: Vec<(&str, String)> = rows.iter().map(|row| (row.name(), told(row))).collect();
        let expected = [
            ("a.jsonl", "run of 2 steps"),
            ("b.jsonl.zst", "run of 2 steps"),
            ("cut.jsonl", "run of 2 steps"),
            ("damaged.jsonl", "broken: line 5: this"),
            ("empty.jsonl", "broken: this is no d"),
            ("history.json", "history"),
        ];
        assert_eq!(told.iter().map(|(name, told)| (*name, &**told)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_empty_folder_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no recording") && error.contains("--record"), "{error}");
    }
}
