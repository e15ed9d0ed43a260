//! A recorder that is waited for, so that its time can be told: in the debugger it works beside
//! the interface, on a thread of its own.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant, SystemTime},
};

use super::error::BenchError;
use crate::{
    model::Loaded,
    session::{Event, Recorder},
    trace::{Header, TraceRecorder},
};

/// Time spent recording since it was asked for last.
#[derive(Clone, Default)]
pub struct Spent(Arc<Mutex<Duration>>);

impl Spent {
    /// The time so far; it counts from zero again.
    pub fn take(&self) -> Duration {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, took: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += took;
    }
}

/// Passes events on to the recorder of `--record` and waits until each is written.
pub struct TimedRecorder {
    inner: TraceRecorder,
    written: Receiver<()>,
    spent: Spent,
}

impl TimedRecorder {
    /// Starts a recording.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(
        place: &RecordingFile,
        header: &Header,
        loaded: &Loaded,
        spent: Spent,
    ) -> Result<Self, BenchError> {
        let name = place.path().display().to_string();
        let file = place.open().map_err(|error| {
            let path = place.path().to_owned();
            BenchError::Unwritable { path, error }
        })?;
        let (told, written) = channel();
        let file = Box::new(Telling { file, told });
        let inner = TraceRecorder::start(file, name, header, loaded.tokenizer.clone())
            .map_err(BenchError::Run)?;
        // The header is written by now.
        while written.try_recv().is_ok() {}
        Ok(Self { inner, written, spent })
    }
}

impl Recorder for TimedRecorder {
    fn record(&mut self, event: Event) {
        let started = Instant::now();
        self.inner.record(event);
        // An event ends in one flush; after a fault nobody tells any more.
        let _ = self.written.recv();
        self.spent.add(started.elapsed());
    }

    fn fault(&self) -> Option<String> {
        self.inner.fault()
    }

    fn close(self: Box<Self>) -> Result<(), String> {
        Box::new(self.inner).close()
    }
}

/// A file that tells when it is flushed.
struct Telling {
    file: File,
    told: Sender<()>,
}

impl Write for Telling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let _ = self.told.send(());
        Ok(())
    }
}

/// Where the recording goes: the file asked for, or one that is removed afterwards.
pub enum RecordingFile {
    /// The file that was asked for.
    Kept(PathBuf),
    /// In the folder for temporary files.
    Removed(PathBuf),
}

impl RecordingFile {
    /// In the folder for temporary files, under a name that nobody has.
    pub fn temporary() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("demask-bench-{}-{}", std::process::id(), now.as_nanos());
        Self::Removed(std::env::temp_dir().join(name))
    }

    fn open(&self) -> io::Result<File> {
        match self {
            Self::Kept(path) => File::create(path),
            // Others may write there too: nothing of theirs is followed or lost.
            Self::Removed(path) => File::options().write(true).create_new(true).open(path),
        }
    }

    /// The path that is written to.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Removed(path) => path,
        }
    }
}

impl Drop for RecordingFile {
    fn drop(&mut self) {
        if let Self::Removed(path) = self {
            let _ = fs::remove_file(path);
        }
    }
}
