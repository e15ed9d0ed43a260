//! The results' folder: appended a line at a time while work goes on, so that it can be killed
//! at any moment and gone on with; put in order when all is done.
//!
//! `manifest.json` is written first and never changed. `rows.jsonl`, `timings.jsonl` and
//! `eos.jsonl` grow in whatever order work is done; a row's line is written last of all that
//! belongs to it. In the end they become `results.jsonl`, `timings.jsonl` and `tails.jsonl`, in
//! the order of the plan; `results.jsonl` comes last and says that all is there.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Manifest, Results, Tails};
use crate::{
    bounded,
    eval::{EvalRow, RowTiming},
    trace,
};

const MANIFEST: &str = "manifest.json";
/// The largest manifest, bytes.
const LARGEST_MANIFEST: u64 = 1 << 24;
const ROWS: &str = "rows.jsonl";
const TIMINGS: &str = "timings.jsonl";
const EOS: &str = "eos.jsonl";
const RESULTS: &str = "results.jsonl";
const TAILS: &str = "tails.jsonl";

/// The folder of recordings in the results' folder.
pub const TRACES: &str = "traces";

/// What an unfinished file's name ends in.
pub const PART: &str = ".part";

/// Why a results' folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be read or written.
    #[error("{place}: {what} ({error})")]
    Io {
        /// The file or folder.
        place: String,
        /// What cannot be done.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// Results of something else are there.
    #[error(
        "{place} holds other results: {differences}. Give another --out, or add --overwrite to \
         lose what is there"
    )]
    Other {
        /// The path of the folder.
        place: String,
        /// What differs from the evaluation there, in words.
        differences: String,
    },
    /// Something that is not ours is there.
    #[error("{place}: {what}. Give another --out")]
    Foreign {
        /// The path of the file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// A line that cannot be read.
    #[error("{place}:{line}: this line is damaged ({what}). Add --overwrite to begin anew")]
    Damaged {
        /// The path of the file.
        place: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with the line.
        what: String,
    },
    /// Somebody else is writing.
    #[error("{0}: another demask is writing there. Wait for it, or give another --out")]
    Busy(String),
}

impl FolderError {
    /// A file that cannot be read or written.
    pub fn io(path: &Path, what: &'static str, error: io::Error) -> Self {
        Self::Io { place: path.display().to_string(), what, error }
    }
}

/// A folder being filled.
pub struct Folder {
    dir: PathBuf,
    rows: Log,
    timings: Log,
    eos: Log,
}

/// What is in a folder when work begins.
pub enum OpenedFolder {
    /// Everything: there is nothing to do.
    Finished(Results),
    /// A part of the results, maybe none.
    Open(Folder, Results),
}

impl Folder {
    /// Opens `dir` for the results of `manifest`: makes it, or goes on with what is there.
    /// `overwrite` removes other results first.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(
        dir: &Path,
        manifest: &Manifest,
        overwrite: bool,
    ) -> Result<OpenedFolder, FolderError> {
        fs::create_dir_all(dir)
            .map_err(|error| FolderError::io(dir, "the folder cannot be made", error))?;
        let known = read_manifest(dir);
        match &known {
            Ok(Some(_)) | Err(_) if overwrite => {}
            Ok(Some(known)) => {
                let differences = known.differences(manifest);
                if !differences.is_empty() {
                    let place = dir.display().to_string();
                    return Err(FolderError::Other { place, differences: differences.join("; ") });
                }
                if let Some(results) = read_finished(dir, manifest)? {
                    // Left by a run that ended between the last two steps.
                    let _ = remove(dir, &[ROWS, EOS]);
                    return Ok(OpenedFolder::Finished(results));
                }
            }
            Ok(None) => {
                let ours = [ROWS, TIMINGS, EOS, RESULTS, TAILS, TRACES];
                let mut foreign = ours.iter().chain(&crate::eval::report::FILES);
                if let Some(name) = foreign.find(|name| dir.join(name).exists()) {
                    return Err(FolderError::Foreign {
                        place: dir.join(name).display().to_string(),
                        what: "it would be written over, and there is no manifest.json beside it"
                            .to_owned(),
                    });
                }
            }
            Err(_) => {}
        }
        if !overwrite {
            known?;
        }
        // The log is the lock: it stays while work goes on.
        let mut rows = Log::open(dir.join(ROWS))?;
        rows.lock(dir)?;
        if overwrite {
            rows.cut(0)?;
            remove(dir, &[RESULTS, TIMINGS, EOS, TAILS, MANIFEST])?;
            remove_traces(dir, |_| true)?;
        }
        write_manifest(dir, manifest)?;
        fs::create_dir_all(dir.join(TRACES))
            .map_err(|error| FolderError::io(dir, "the folder of traces cannot be made", error))?;
        remove_traces(dir, |name| name.ends_with(PART))?;
        let (mut timings, mut eos) = (Log::open(dir.join(TIMINGS))?, Log::open(dir.join(EOS))?);
        let mut results = Results {
            manifest: manifest.clone(),
            rows: rows.read()?,
            timings: timings.read()?,
            tails: eos.read()?,
        };
        results.sort();
        Ok(OpenedFolder::Open(Self { dir: dir.to_owned(), rows, timings, eos }, results))
    }

    /// Keeps a row that is done, its recording being there already.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn row(&mut self, row: &EvalRow, timing: &RowTiming) -> Result<(), FolderError> {
        self.timings.append(timing)?;
        self.rows.append(row)
    }

    /// Keeps the tails of a problem.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn tails(&mut self, tails: &Tails) -> Result<(), FolderError> {
        self.eos.append(tails)
    }

    /// Puts everything in its final place and order.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn finish(self, results: &Results) -> Result<(), FolderError> {
        write(&self.dir, results)?;
        // Unlocked with it: whoever comes now finds finished results.
        remove(&self.dir, &[ROWS, EOS])
    }
}

/// Writes finished results: `results.jsonl` last.
///
/// # Errors
/// [`FolderError`].
pub fn write(dir: &Path, results: &Results) -> Result<(), FolderError> {
    remove_traces(dir, |name| name.ends_with(PART))?;
    replace(&dir.join(TIMINGS), &lines(&results.timings)?)?;
    replace(&dir.join(TAILS), &lines(&results.tails)?)?;
    replace(&dir.join(RESULTS), &lines(&results.rows)?)
}

/// The manifest in `dir`, if there is one.
///
/// # Errors
/// If there is one that cannot be read.
pub fn read_manifest(dir: &Path) -> Result<Option<Manifest>, FolderError> {
    let path = dir.join(MANIFEST);
    let text = match bounded::read_text(&path, LARGEST_MANIFEST) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FolderError::io(&path, "it cannot be read", error)),
    };
    let foreign = |what| FolderError::Foreign {
        place: path.display().to_string(),
        what: format!("this is no manifest of an evaluation that can be read here: {what}"),
    };
    Manifest::parse(&text).map(Some).map_err(foreign)
}

/// The results in `dir`, if they are all there.
///
/// # Errors
/// If files cannot be read.
pub fn read_finished(dir: &Path, manifest: &Manifest) -> Result<Option<Results>, FolderError> {
    if !dir.join(RESULTS).exists() {
        return Ok(None);
    }
    let mut results = Results {
        manifest: manifest.clone(),
        rows: read_file(&dir.join(RESULTS))?,
        timings: read_file(&dir.join(TIMINGS))?,
        tails: read_file(&dir.join(TAILS))?,
    };
    results.sort();
    Ok(results.missing().is_empty().then_some(results))
}

/// A file that lines are appended to.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn open(path: PathBuf) -> Result<Self, FolderError> {
        // What is there is gone on with, so nothing is truncated.
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.map_err(|error| FolderError::io(&path, "it cannot be written", error))?;
        Ok(Self { path, file })
    }

    fn lock(&self, dir: &Path) -> Result<(), FolderError> {
        trace::claim(&self.file).map_err(|_| FolderError::Busy(dir.display().to_string()))
    }

    fn cut(&mut self, length: u64) -> Result<(), FolderError> {
        let cut = self.file.set_len(length);
        cut.map_err(|error| FolderError::io(&self.path, "it cannot be written", error))
    }

    /// Every whole line. A last one that was cut is taken away.
    fn read<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, FolderError> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .map_err(|error| FolderError::io(&self.path, "it cannot be read", error))?;
        let (items, whole) = parse(&bytes, &self.path)?;
        if whole < bytes.len() {
            self.cut(whole as u64)?;
        }
        Ok(items)
    }

    /// One call a line: a kill between two leaves whole lines.
    fn append(&mut self, item: &impl Serialize) -> Result<(), FolderError> {
        let line = lines(std::slice::from_ref(item))?;
        let written = self.file.write_all(&line);
        written.map_err(|error| {
            FolderError::io(&self.path, "it cannot be written; what is there is kept", error)
        })
    }
}

fn read_file<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FolderError> {
    let bytes =
        fs::read(path).map_err(|error| FolderError::io(path, "it cannot be read", error))?;
    Ok(parse(&bytes, path)?.0)
}

/// The items of all whole lines, and where they end. Only the last line may be cut.
fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<(Vec<T>, usize), FolderError> {
    let (mut items, mut whole) = (Vec::new(), 0);
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let last = whole + line.len() == bytes.len();
        match serde_json::from_slice(line) {
            Ok(item) if line.ends_with(b"\n") => items.push(item),
            _ if last => break,
            Ok(_) => break,
            Err(error) => {
                return Err(FolderError::Damaged {
                    place: path.display().to_string(),
                    line: number,
                    what: error.to_string(),
                });
            }
        }
        whole += line.len();
    }
    Ok((items, whole))
}

fn lines<T: Serialize>(items: &[T]) -> Result<Vec<u8>, FolderError> {
    let mut bytes = Vec::new();
    for item in items {
        serde_json::to_writer(&mut bytes, item).map_err(|error| {
            FolderError::io(Path::new("results"), "a line cannot be made", error.into())
        })?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Writes a file beside `path` and moves it there when whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut half = path.as_os_str().to_owned();
    half.push(PART);
    let half = PathBuf::from(half);
    let done = fs::write(&half, bytes).and_then(|()| fs::rename(&half, path));
    done.map_err(|error| {
        let _ = fs::remove_file(&half);
        FolderError::io(path, "it cannot be written", error)
    })
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), FolderError> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| FolderError::io(dir, "the manifest cannot be written", error.into()))?;
    replace(&dir.join(MANIFEST), format!("{text}\n").as_bytes())
}

/// Makes a folder for results to be merged into. What another evaluation left there is removed
/// if `overwrite` says so.
///
/// # Errors
/// [`FolderError`].
pub fn clear(dir: &Path, manifest: &Manifest, overwrite: bool) -> Result<(), FolderError> {
    match Folder::open(dir, manifest, overwrite)? {
        OpenedFolder::Finished(_) => Ok(()),
        OpenedFolder::Open(folder, _) => {
            drop(folder);
            remove(dir, &[ROWS, EOS])
        }
    }
}

fn remove(dir: &Path, names: &[&str]) -> Result<(), FolderError> {
    for path in names.iter().map(|name| dir.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FolderError::io(&path, "it cannot be removed", error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes recordings by name.
fn remove_traces(dir: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), FolderError> {
    let Ok(entries) = fs::read_dir(dir.join(TRACES)) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        // Ours are files called `….jsonl`.
        let ours = |name: &str| name.trim_end_matches(PART).ends_with(".jsonl");
        if name.is_some_and(|name| ours(&name) && wanted(&name)) {
            fs::remove_file(&path)
                .map_err(|error| FolderError::io(&path, "it cannot be removed", error))?;
        }
    }
    Ok(())
}

/// Timings in the order of the rows, the last one of each.
pub fn in_order(rows: &[EvalRow], timings: Vec<RowTiming>) -> Vec<RowTiming> {
    let mut by_row: HashMap<(usize, String, String), RowTiming> = timings
        .into_iter()
        .map(|timing| ((timing.problem, timing.model.clone(), timing.recipe.clone()), timing))
        .collect();
    rows.iter()
        .filter_map(|row| by_row.remove(&(row.problem, row.model.clone(), row.recipe.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_may_be_cut() {
        let check = |text: &str, expected: Option<(&[u32], usize)>| {
            let found = parse::<u32>(text.as_bytes(), Path::new("x")).ok();
            let expected = expected.map(|(items, whole)| (items.to_vec(), whole));
            assert_eq!(found, expected, "{text:?}");
        };
        check("", Some((&[], 0)));
        check("1\n22\n", Some((&[1, 22], 5)));
        check("1\n22", Some((&[1], 2)));
        check("1\n{", Some((&[1], 2)));
        check("1\nx\n", Some((&[1], 2)));
        check("x\n1\n", None);
    }
}
