//! A folder watched: threads that read its files, the first ones first, and look whether files are new, were
//! written or are gone. What they find is kept until it is taken, the last of each file, so that it takes
//! little room however long nobody takes it.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{FileStamp, FoundFile, RowState, RunFilter, find, read::readers, read_file};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A file that is being written is read again after this many times the time that reading it took, so that
/// a large one does not keep a processor busy.
const PATIENCE: u32 = 10;

/// The shortest time between two readings of a file.
const SHORTEST_WAIT: Duration = Duration::from_millis(400);

/// What was read of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadFile {
    /// What is in it.
    pub state: RowState,
    /// Whether the filter of this number keeps it.
    pub keeps: (u64, bool),
}

/// What has changed since the changes were taken last.
#[derive(Debug, Default)]
pub struct FolderChanges {
    /// The files that there are now, if files are new, written or gone.
    pub files: Option<Vec<FoundFile>>,
    /// What was read, by path.
    pub read: BTreeMap<PathBuf, ReadFile>,
    /// Why the folder cannot be read any more.
    pub fault: Option<String>,
}

impl FolderChanges {
    fn is_empty(&self) -> bool {
        self.files.is_none() && self.read.is_empty() && self.fault.is_none()
    }
}

/// Is called when there are changes to be taken; returns false if nobody listens any more.
type OnChange = Box<dyn Fn() -> bool + Send>;

/// A file, and how far it is read.
struct Tracked {
    file: FoundFile,
    /// The file as it was when it was read last, and the number of the filter then.
    read: Option<(FileStamp, u64)>,
    /// When reading it ended last, and how long it took.
    last: Option<(Instant, Duration)>,
    /// It waits in the queue, or is being read.
    queued: bool,
}

impl Tracked {
    /// True if it may be read again already.
    fn is_due(&self) -> bool {
        self.last.is_none_or(|(at, took)| at.elapsed() >= SHORTEST_WAIT.max(took * PATIENCE))
    }
}

/// What the threads share.
#[derive(Default)]
struct WatchState {
    files: BTreeMap<PathBuf, Tracked>,
    queue: VecDeque<PathBuf>,
    filter: Option<Arc<RunFilter>>,
    /// The number of the filter.
    generation: u64,
    changes: FolderChanges,
    wake: Option<OnChange>,
    /// Nobody needs it any more.
    over: bool,
}

impl WatchState {
    /// Changes something that is to be taken, and tells who waits for it.
    fn change(&mut self, change: impl FnOnce(&mut FolderChanges)) {
        let untold = self.changes.is_empty();
        change(&mut self.changes);
        if untold && self.wake.as_ref().is_some_and(|wake| !wake()) {
            self.wake = None;
        }
    }

    /// Puts a file into the queue, unless it waits there.
    fn enqueue(&mut self, path: &Path) {
        if let Some(tracked) = self.files.get_mut(path).filter(|tracked| !tracked.queued) {
            tracked.queued = true;
            self.queue.push_back(path.to_owned());
        }
    }

    /// Takes a new list of the folder's files in.
    fn compare(&mut self, found: Vec<FoundFile>) {
        let same = self.files.len() == found.len()
            && found.iter().all(|file| {
                self.files.get(&file.path).is_some_and(|tracked| tracked.file == *file)
            });
        let mut before = std::mem::take(&mut self.files);
        for file in &found {
            let tracked = match before.remove(&file.path) {
                Some(tracked) => Tracked { file: file.clone(), ..tracked },
                None => Tracked { file: file.clone(), read: None, last: None, queued: false },
            };
            self.files.insert(file.path.clone(), tracked);
        }
        let generation = self.generation;
        let stale = self.files.values().filter(|tracked| {
            tracked.read != Some((tracked.file.stamp, generation)) && tracked.is_due()
        });
        let stale: Vec<PathBuf> = stale.map(|tracked| tracked.file.path.clone()).collect();
        stale.iter().for_each(|path| self.enqueue(path));
        if !same {
            self.changes.read.retain(|path, _| self.files.contains_key(path));
            self.change(|changes| changes.files = Some(found));
        }
    }

    /// The next file to be read, with the filter and its number.
    fn next(&mut self) -> Option<(FoundFile, Option<Arc<RunFilter>>, u64)> {
        while let Some(path) = self.queue.pop_front() {
            // It may be gone meanwhile.
            if let Some(tracked) = self.files.get(&path) {
                return Some((tracked.file.clone(), self.filter.clone(), self.generation));
            }
        }
        None
    }

    /// A file was read as it was when it was taken from the queue.
    fn read(&mut self, file: &FoundFile, read: ReadFile, took: Duration) {
        let generation = self.generation;
        let Some(tracked) = self.files.get_mut(&file.path) else { return };
        tracked.queued = false;
        tracked.read = Some((file.stamp, read.keeps.0));
        tracked.last = Some((Instant::now(), took));
        // The filter is another one by now.
        if read.keeps.0 != generation {
            self.enqueue(&file.path);
        }
        self.change(|changes| {
            changes.read.insert(file.path.clone(), read);
        });
    }
}

/// The threads' common ground: what they share, and a bell for those that wait.
#[derive(Default)]
struct Ground {
    shared: Mutex<WatchState>,
    bell: Condvar,
}

impl Ground {
    fn lock(&self) -> MutexGuard<'_, WatchState> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder that is read and watched until this is dropped.
pub struct FolderWatch {
    ground: Arc<Ground>,
}

impl FolderWatch {
    /// Begins with these files of the folder, which [`find`] has found.
    ///
    /// # Errors
    /// If there can be no threads.
    pub fn begin(folder: &Path, files: Vec<FoundFile>) -> std::io::Result<Self> {
        let ground = Arc::new(Ground::default());
        ground.lock().compare(files);
        let watch = Self { ground: ground.clone() };
        let folder = folder.to_owned();
        let looking = ground.clone();
        let look = move || look(&looking, &folder);
        thread::Builder::new().name("folder".to_owned()).spawn(look)?;
        for _ in 0..readers() {
            let ground = ground.clone();
            let work = move || work(&ground);
            thread::Builder::new().name("folder reader".to_owned()).spawn(work)?;
        }
        Ok(watch)
    }

    /// Takes what has changed since the last call.
    pub fn take(&self) -> FolderChanges {
        std::mem::take(&mut self.ground.lock().changes)
    }

    /// Who is told that there are changes; those that there are already are told at once.
    pub fn wake_by(&self, wake: impl Fn() -> bool + Send + 'static) {
        let mut shared = self.ground.lock();
        if !shared.changes.is_empty() {
            wake();
        }
        shared.wake = Some(Box::new(wake));
    }

    /// Which runs are to be kept from now on; every file is read again for that. Returns the number by which
    /// [`ReadFile::keeps`] names the filter. Without a filter nothing is read again, and the number is 0.
    pub fn filter(&self, filter: Option<RunFilter>) -> u64 {
        let mut shared = self.ground.lock();
        shared.filter = filter.map(Arc::new);
        if shared.filter.is_none() {
            return 0;
        }
        shared.generation += 1;
        let paths: Vec<PathBuf> = shared.files.keys().cloned().collect();
        paths.iter().for_each(|path| shared.enqueue(path));
        self.ground.bell.notify_all();
        shared.generation
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.ground.lock().over = true;
        self.ground.bell.notify_all();
    }
}

/// Looks at the folder from time to time.
fn look(ground: &Ground, folder: &Path) {
    loop {
        let shared = ground.lock();
        let wait = ground.bell.wait_timeout_while(shared, LOOK, |shared| !shared.over);
        let (shared, _) = wait.unwrap_or_else(PoisonError::into_inner);
        if shared.over {
            return;
        }
        drop(shared);
        // Without the lock: a folder on a network may take its time.
        let found = find(folder);
        let mut shared = ground.lock();
        match found {
            Ok(found) => {
                shared.compare(found);
                ground.bell.notify_all();
            }
            Err(error) => shared.change(|changes| changes.fault = Some(error.to_string())),
        }
    }
}

/// Reads the files of the queue.
fn work(ground: &Ground) {
    loop {
        let shared = ground.lock();
        let idle = |shared: &mut WatchState| !shared.over && shared.queue.is_empty();
        let waited = ground.bell.wait_while(shared, idle);
        let mut shared = waited.unwrap_or_else(PoisonError::into_inner);
        if shared.over {
            return;
        }
        let Some((file, filter, generation)) = shared.next() else { continue };
        drop(shared);
        let began = Instant::now();
        let (state, keeps) = read_file(&file, filter.as_deref());
        let took = began.elapsed();
        ground.lock().read(&file, ReadFile { state, keeps: (generation, keeps) }, took);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc};

    use super::*;

    /// Long enough for a busy machine.
    const DEADLINE: Duration = Duration::from_secs(60);

    /// A watch, and a bell that rings when there are changes.
    struct Watched {
        watch: FolderWatch,
        rings: mpsc::Receiver<()>,
        files: Vec<FoundFile>,
        read: BTreeMap<PathBuf, ReadFile>,
    }

    impl Watched {
        fn of(folder: &Path) -> Self {
            let watch = FolderWatch::begin(folder, find(folder).unwrap()).unwrap();
            let (ring, rings) = mpsc::channel();
            watch.wake_by(move || ring.send(()).is_ok());
            Self { watch, rings, files: Vec::new(), read: BTreeMap::new() }
        }

        /// Takes changes until it is so.
        fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
            let deadline = Instant::now() + DEADLINE;
            while !is_so(self) {
                let left = deadline.saturating_duration_since(Instant::now());
                self.rings.recv_timeout(left).unwrap_or_else(|_| panic!("never {what}"));
                let changes = self.watch.take();
                self.read.extend(changes.read);
                self.files = changes.files.unwrap_or(std::mem::take(&mut self.files));
            }
        }

        fn state(&self, name: &str) -> Option<&RowState> {
            let found = self.read.iter().find(|(path, _)| path.ends_with(name));
            found.map(|(_, read)| &read.state)
        }

        fn steps(&self, name: &str) -> Option<usize> {
            match self.state(name)? {
                RowState::Read(run) => Some(run.steps),
                _ => None,
            }
        }
    }

    fn shipped(name: &str) -> String {
        fs::read_to_string(format!("recordings/{name}.jsonl")).unwrap()
    }

    #[test]
    fn files_that_come_grow_and_go_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.jsonl"), shipped("short-answer")).unwrap();
        let mut watched = Watched::of(folder.path());
        watched.until("a", |watched| watched.steps("a.jsonl") == Some(2));
        let text = shipped("stage-1-growth");
        let fifth = text.match_indices("{\"kind\":\"step\"").nth(5).unwrap().0;
        fs::write(path("b.jsonl"), &text[..fifth]).unwrap();
        watched.until("b", |watched| watched.steps("b.jsonl") == Some(5));
        assert_eq!(watched.files.len(), 2);
        fs::write(path("b.jsonl"), &text).unwrap();
        watched.until("all of b", |watched| watched.steps("b.jsonl").is_some_and(|n| n > 5));
        fs::remove_file(path("a.jsonl")).unwrap();
        watched.until("a is gone", |watched| watched.files.len() == 1);
    }

    #[test]
    fn a_filter_is_asked_of_every_file() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["short-answer", "maximum-length"] {
            fs::write(folder.path().join(format!("{name}.jsonl")), shipped(name)).unwrap();
        }
        let mut watched = Watched::of(folder.path());
        watched.until("both", |watched| watched.read.len() == 2);
        let number = watched.watch.filter(Some(RunFilter::parse("length > 50").unwrap()));
        watched.until("judged", |watched| watched.read.values().all(|read| read.keeps.0 == number));
        let kept: Vec<bool> = watched.read.values().map(|read| read.keeps.1).collect();
        assert_eq!(kept, [true, false]);
        assert_eq!(watched.watch.filter(None), 0);
    }
}
