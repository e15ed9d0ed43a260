//! Reading on a thread of its own: the rest of a large file while its beginning is looked at, or a
//! file that another program is still writing.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{ReadAdvance, Reader, TraceError};
use crate::session::RunNews;

/// What is read is told this often.
const BEAT: Duration = Duration::from_millis(16);

/// So many events are told at once: a frame comes between two of them.
const MOST_EVENTS: usize = 256;

/// How long to wait before looking whether a file has grown.
const LOOK: Duration = Duration::from_millis(40);

/// Whether a recording is there; nothing of it is read.
///
/// # Errors
/// If there is no such file.
pub fn exists(path: &Path) -> Result<(), TraceError> {
    let unreadable = |error| TraceError::Unreadable { file: path.display().to_string(), error };
    path.metadata().map(drop).map_err(unreadable)
}

/// Waits until a recording is there that another program is about to write.
///
/// # Errors
/// If nothing can be there: it has no folder.
pub fn wait_for(path: &Path) -> Result<(), TraceError> {
    loop {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match exists(path) {
            Err(TraceError::Unreadable { error, .. })
                if error.kind() == io::ErrorKind::NotFound && folder.is_none_or(Path::is_dir) =>
            {
                thread::sleep(LOOK);
            }
            found => return found,
        }
    }
}

/// Opens a recording to be looked at while the rest is read: reads until it is at its end, or, once
/// a run has started, for as long as `patience`. Waits for the start of a run where the file is
/// still written. True if that was all.
///
/// # Errors
/// [`TraceError`].
pub fn open(reader: &mut Reader, growing: bool, patience: Duration) -> Result<bool, TraceError> {
    let began = Instant::now();
    loop {
        match reader.advance()? {
            ReadAdvance::Took(_) if reader.started() && began.elapsed() >= patience => {
                return Ok(false);
            }
            ReadAdvance::Took(_) => {}
            ReadAdvance::End if growing && reader.endless() && !reader.started() => {
                thread::sleep(LOOK)
            }
            ReadAdvance::End if growing && reader.endless() => return Ok(false),
            ReadAdvance::End => {
                reader.cut()?;
                return Ok(true);
            }
        }
    }
}

/// Reads the rest on a thread of its own; `notify` hears what there is, and says whether anybody
/// still listens. `path`: the file to look at while it grows; `None` if it does not.
///
/// # Errors
/// If there can be no thread.
pub fn follow(
    mut reader: Reader,
    path: Option<PathBuf>,
    notify: impl Fn(RunNews) -> bool + Send + 'static,
) -> io::Result<()> {
    let work = move || match rest(&mut reader, path, &notify) {
        Ok(()) => {
            let notices = reader.so_far().map_or(Vec::new(), |recording| recording.notices);
            notify(RunNews::Over(notices));
        }
        Err(EndedEarly::Unheard) => {}
        Err(EndedEarly::Trace(error)) => {
            notify(RunNews::Failed(error.to_string()));
        }
        Err(EndedEarly::Anew) => {
            notify(RunNews::Failed("the file is written anew: open it again".to_owned()));
        }
    };
    thread::Builder::new().name("reader".to_owned()).spawn(work).map(drop)
}

/// Why reading ended early.
enum EndedEarly {
    Unheard,
    /// The file is another one now.
    Anew,
    Trace(TraceError),
}

impl From<TraceError> for EndedEarly {
    fn from(error: TraceError) -> Self {
        Self::Trace(error)
    }
}

fn rest(
    reader: &mut Reader,
    path: Option<PathBuf>,
    notify: &impl Fn(RunNews) -> bool,
) -> Result<(), EndedEarly> {
    let mut events = Vec::new();
    let mut told = Instant::now();
    let tell = |news: RunNews| if notify(news) { Ok(()) } else { Err(EndedEarly::Unheard) };
    loop {
        let advance = reader.advance()?;
        let ended = matches!(advance, ReadAdvance::End);
        if let ReadAdvance::Took(Some(event)) = advance {
            events.push(event);
        }
        if ended && path.is_none() {
            events.extend(reader.cut()?);
        }
        if ended || events.len() >= MOST_EVENTS || told.elapsed() >= BEAT {
            if !events.is_empty() {
                tell(RunNews::Events(std::mem::take(&mut events)))?;
                let (done, of) = reader.progress();
                tell(RunNews::Read(done, of))?;
            }
            told = Instant::now();
        }
        if !ended {
            continue;
        }
        let Some(path) = &path else { return Ok(()) };
        if reader.closed() {
            return Ok(());
        }
        // A file that is shorter than what was read of it is another one.
        let length = fs::metadata(path).map_or(u64::MAX, |found| found.len());
        if length < reader.progress().0 {
            return Err(EndedEarly::Anew);
        }
        // Also the way to find out that nobody listens.
        let (done, of) = reader.progress();
        tell(RunNews::Read(done, of))?;
        thread::sleep(LOOK);
    }
}
