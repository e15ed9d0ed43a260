//! `demask DIR` and `demask replay DIR`: the runs of a folder, as a list on the screen or as a table.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use super::{
    Config, ConfigOptions, Fault, LookOptions,
    fault::say,
    recording::{self, PATIENCE},
};
use crate::{
    escape::{escaped, escaped_json},
    folder::{self, FolderWatch, ListingError, RowState},
    reports::{FolderRunReport, FolderTable},
    trace::{self, Reader, Recording},
    tui::{self, FolderStart, Look, OpenedRuns, Rest, RunStart},
};

/// A file that was written so lately is followed when it is opened.
const LATELY: Duration = Duration::from_secs(5);

/// Lists the runs of a folder: on the screen, or as text where there is no terminal, or as JSON.
pub(super) fn main(
    folder: &Path,
    json: bool,
    look: &LookOptions,
    options: &ConfigOptions,
) -> Result<ExitCode, Fault> {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if json || !terminal {
        return print(folder, json);
    }
    let config = options.read()?;
    let files = folder::find(folder)?;
    if files.iter().all(|file| !file.recording || trace::is_other_json(&file.path)) {
        // There may be files of other programs. If not, that is said.
        folder::read(folder)?;
    }
    let look = look.look(&config);
    let keymap = config.keymap.clone();
    let config = Arc::new(config);
    let start = FolderStart {
        folder: folder.display().to_string(),
        watch: FolderWatch::begin(folder, files).map_err(Fault::failure)?,
        open: Arc::new(move |paths| opened(paths, look, &config)),
        look,
        keymap,
    };
    tui::browse(start).map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a line for each file.
fn print(folder: &Path, json: bool) -> Result<ExitCode, Fault> {
    let rows = folder::read(folder)?;
    match json {
        true => rows.iter().try_for_each(|row| {
            let report =
                serde_json::to_string(&FolderRunReport::of(row)).map_err(Fault::failure)?;
            say(&escaped_json(&report))
        })?,
        false => FolderTable::of(&rows).lines().iter().try_for_each(|line| say(&escaped(line)))?,
    }
    let broken = rows.iter().any(|row| matches!(row.state, RowState::Broken(_)));
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Reads recordings that are to be opened from the list.
fn opened(paths: &[PathBuf], look: Look, config: &Arc<Config>) -> Result<OpenedRuns, String> {
    let config = config.clone();
    if let [path] = paths {
        let path = path.clone();
        let (recording, rest) = begun(&path).map_err(|fault| fault.to_string())?;
        return Ok(Box::new(move || {
            let start = recording::start(&path, &recording, rest, look, &config);
            vec![RunStart::new(recording::shown_name(&path), start)]
        }));
    }
    let mut runs = Vec::new();
    for path in paths {
        let recording = trace::read(path).map_err(|error| error.to_string())?;
        runs.push((path.clone(), recording));
    }
    Ok(Box::new(move || {
        let run = |(path, recording): (PathBuf, Recording)| {
            let (mut session, end) = (recording.session(), recording.recorded.end);
            // The way forward is that of the branch that was left last.
            session.go(end);
            session.go(session.timeline().root_of(end));
            let start = recording::screen(&recording, session, &path, look, &config);
            RunStart::new(recording::shown_name(&path), start)
        };
        runs.into_iter().map(run).collect()
    }))
}

/// A recording as far as it can be shown at once, and the rest of it. One that is being written is followed.
fn begun(path: &Path) -> Result<(Recording, Option<Rest>), Fault> {
    let mut reader = Reader::open(path)?;
    let written = path.metadata().and_then(|about| about.modified()).ok();
    let lately = written.and_then(|written| written.elapsed().ok()).is_some_and(|age| age < LATELY);
    let growing = lately && reader.endless();
    let whole = trace::open(&mut reader, growing, PATIENCE)? || reader.closed();
    // A long one is shown from its start, as any other.
    let (done, of) = reader.progress();
    let live = growing && of.is_none_or(|of| done >= of);
    recording::with_rest(reader, whole, growing.then_some(path), live)
}

impl From<ListingError> for Fault {
    fn from(error: ListingError) -> Self {
        Self::failure(error)
    }
}
