//! One file: from the hub into the cache, in as many goes as it takes.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::ControlFlow,
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use ureq::http::{Response, StatusCode, header};

use super::{
    super::{LoadError, LoadProgress, LoadWatch, LoadingWork},
    cache::{CachedRepository, disk, make_parent},
    client::{Client, HubMetadata},
    trouble::{Trouble, garbage, text, transport},
};

/// Bytes read at a time.
const CHUNK: usize = 1 << 18;
/// Most goes in a row that bring nothing.
const MOST_IN_VAIN: u32 = 3;
/// Most goes at all.
const MOST_GOES: u32 = 30;
/// How often somebody who waits is asked whether to go on.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// Fetches a file that its snapshot does not have. `pause` is the first wait after a go that
/// brought nothing.
///
/// # Errors
/// [`LoadError`]; what came is kept, and the next try goes on from there.
pub(super) fn download(
    client: &Client,
    cache: &CachedRepository,
    (commit, name): (&str, &str),
    pause: Duration,
    watch: &mut LoadWatch,
) -> Result<(), LoadError> {
    let url = client.file_url(commit, name);
    let metadata = client.metadata(&url).map_err(Trouble::error)?;
    let mut report = DownloadReport { name, of: metadata.size, watch };
    let etag = &metadata.etag;
    let part = cache.part(etag);
    make_parent(&part)?;
    let lock = loop {
        match cache.lock(etag)? {
            Some(lock) => break lock,
            // Another process fetches the same file: its progress is ours.
            None => {
                report.at(part.metadata().map_or(0, |part| part.len()))?;
                thread::sleep(HEARTBEAT);
            }
        }
    };
    let blob = cache.blob(etag);
    if blob.metadata().map(|blob| blob.len()).ok() != Some(metadata.size) {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&part);
        let file = file.map_err(|error| disk(&part, &error))?;
        let mut transfer =
            Transfer { client, url: &url, metadata: &metadata, file, have: 0, sum: Sha256::new() };
        let written = |error| disk(&part, &error);
        transfer.take_up(&mut report).map_err(|fault| fault.named(written))?;
        transfer.run(pause, &mut report).map_err(|fault| fault.named(written))?;
        if !transfer.is_right() {
            // Going on from it would never end well.
            let _ = fs::remove_file(&part);
            return Err(garbage(
                &url,
                "what came is not what the hub announced: its SHA-256 is another. It was removed",
            ));
        }
        transfer.file.sync_all().map_err(written)?;
        fs::rename(&part, &blob).map_err(|error| disk(&blob, &error))?;
    }
    cache.link(etag, commit, name)?;
    drop(lock);
    Ok(())
}

/// Tells the watcher how far a file is.
struct DownloadReport<'a, 'w> {
    name: &'a str,
    of: u64,
    watch: &'a mut LoadWatch<'w>,
}

impl DownloadReport<'_, '_> {
    /// This many bytes are there.
    fn at(&mut self, done: u64) -> Result<(), LoadError> {
        let work = LoadingWork::Downloading(self.name.to_owned());
        match (self.watch)(&LoadProgress { work, done, of: self.of }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(LoadError::cancelled(self.name)),
        }
    }
}

/// Why a go came to an end.
enum DownloadFault {
    /// On the way from the hub.
    Way(Trouble),
    /// On the disk, where the file cannot be written.
    Disk(io::Error),
}

impl DownloadFault {
    fn named(self, disk: impl FnOnce(io::Error) -> LoadError) -> LoadError {
        match self {
            Self::Way(trouble) => trouble.error(),
            Self::Disk(error) => disk(error),
        }
    }
}

impl From<LoadError> for DownloadFault {
    fn from(error: LoadError) -> Self {
        Self::Way(Trouble::Lasting(error))
    }
}

impl From<io::Error> for DownloadFault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A file on its way.
struct Transfer<'a> {
    client: &'a Client<'a>,
    url: &'a str,
    metadata: &'a HubMetadata,
    file: File,
    /// Bytes that are there.
    have: u64,
    /// Of those bytes, if it will be asked for.
    sum: Sha256,
}

impl Transfer<'_> {
    /// Reads what came before.
    fn take_up(&mut self, report: &mut DownloadReport) -> Result<(), DownloadFault> {
        let there = self.file.metadata()?.len();
        if there > self.metadata.size {
            return self.start_over();
        }
        if self.metadata.sha256().is_none() {
            self.have = self.file.seek(SeekFrom::End(0))?;
            return Ok(());
        }
        let mut chunk = vec![0; CHUNK];
        while self.have < there {
            report.at(self.have)?;
            let read = self.file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            self.sum.update(&chunk[..read]);
            self.have += read as u64;
        }
        Ok(())
    }

    fn start_over(&mut self) -> Result<(), DownloadFault> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.have = 0;
        self.sum = Sha256::new();
        Ok(())
    }

    /// Fetches until all is there.
    fn run(&mut self, pause: Duration, report: &mut DownloadReport) -> Result<(), DownloadFault> {
        let (mut goes, mut in_vain) = (0, 0);
        report.at(self.have)?;
        while self.have < self.metadata.size {
            let before = self.have;
            let trouble = match self.go(report) {
                Ok(()) => continue,
                Err(DownloadFault::Way(Trouble::Passing(trouble))) => trouble,
                Err(fault) => return Err(fault),
            };
            goes += 1;
            in_vain = if self.have > before { 0 } else { in_vain + 1 };
            if goes == MOST_GOES || in_vain == MOST_IN_VAIN {
                return Err(self.cut(goes, trouble).into());
            }
            if in_vain > 0 {
                self.wait(pause * 2u32.pow(in_vain - 1), report)?;
            }
        }
        Ok(())
    }

    /// Waits, and lets the watcher end the wait.
    fn wait(&self, mut left: Duration, report: &mut DownloadReport) -> Result<(), LoadError> {
        while !left.is_zero() {
            report.at(self.have)?;
            let beat = left.min(HEARTBEAT);
            thread::sleep(beat);
            left -= beat;
        }
        Ok(())
    }

    /// One request, and what comes of it.
    fn go(&mut self, report: &mut DownloadReport) -> Result<(), DownloadFault> {
        let response = self.client.contents(self.url, self.have).map_err(DownloadFault::Way)?;
        if response.status() != StatusCode::PARTIAL_CONTENT && self.have > 0 {
            // The whole file comes, whatever was asked for.
            self.start_over()?;
        }
        self.check(&response)?;
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = body.read(&mut chunk).map_err(|error| {
                let error = ureq::Error::Io(error);
                DownloadFault::Way(transport(self.url, &error))
            })?;
            if read == 0 {
                break;
            }
            if self.have + read as u64 > self.metadata.size {
                return Err(self.bad("more came than the hub announced").into());
            }
            self.file.write_all(&chunk[..read])?;
            if self.metadata.sha256().is_some() {
                self.sum.update(&chunk[..read]);
            }
            self.have += read as u64;
            report.at(self.have)?;
        }
        if self.have < self.metadata.size {
            let error = ureq::Error::Io(io::ErrorKind::UnexpectedEof.into());
            return Err(DownloadFault::Way(transport(self.url, &error)));
        }
        Ok(())
    }

    /// Whether an answer is about the bytes that are wanted.
    fn check(&self, response: &Response<ureq::Body>) -> Result<(), LoadError> {
        let (headers, size) = (response.headers(), self.metadata.size);
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = text(headers, "content-range").unwrap_or_default();
            let expected = format!("bytes {}-", self.have);
            if !range.starts_with(&expected) {
                return Err(self.bad(&format!("another part came than was asked for (`{range}`)")));
            }
        }
        let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        match length.and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length != size - self.have => {
                let wanted = size - self.have;
                Err(self.bad(&format!("{length} bytes come, and the hub announced {wanted}")))
            }
            _ => Ok(()),
        }
    }

    fn bad(&self, problem: &str) -> LoadError {
        garbage(self.url, problem)
    }

    /// The last of several goes was cut short as well.
    fn cut(&self, goes: u32, last: LoadError) -> LoadError {
        let (have, size) = (self.have, self.metadata.size);
        LoadError::new(
            self.url,
            format!(
                "the download broke off {goes} times, the last time after {have} of {size} bytes \
                 ({})",
                last.problem
            ),
            "What came is kept: run the same command again, and it goes on from there",
        )
    }

    /// Whether the contents are those announced, as far as the hub says what they are.
    fn is_right(&self) -> bool {
        let sum: String = self.sum.clone().finalize().iter().map(|b| format!("{b:02x}")).collect();
        self.metadata.sha256().is_none_or(|expected| expected.eq_ignore_ascii_case(&sum))
    }
}
