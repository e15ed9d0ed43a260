//! The thread that reads the terminal.

use std::{
    fs::File,
    io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write, pipe, stdin},
    os::fd::AsFd,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossterm::event::Event;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{Receiver, Sender, channel},
};

use super::parse::Parser;

/// Bytes read at once.
const READ: usize = 4096;
/// Events on their way: a terminal that sends faster waits.
const QUEUE: usize = 1 << 14;
/// Silence after which an unfinished paste counts as finished.
const QUIET: Duration = Duration::from_secs(1);

/// What a terminal sends.
pub(super) struct TerminalSource {
    events: Receiver<io::Result<Event>>,
    resized: Signal,
    /// Ends the thread: two readers of one terminal would steal each other's keys.
    stop: PipeWriter,
    thread: Option<JoinHandle<()>>,
}

impl TerminalSource {
    pub(super) fn open() -> io::Result<Self> {
        let tty = match stdin().is_terminal() {
            true => File::from(stdin().as_fd().try_clone_to_owned()?),
            false => File::open("/dev/tty")?,
        };
        let (stopped, stop) = pipe()?;
        let (tell, events) = channel(QUEUE);
        let read = move || {
            if let Err(error) = read(tty, &stopped, &tell) {
                let _ = tell.blocking_send(Err(error));
            }
        };
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(read)?;
        let resized = signal(SignalKind::window_change())?;
        Ok(Self { events, resized, stop, thread: Some(thread) })
    }

    pub(super) async fn next(&mut self) -> Option<io::Result<Event>> {
        tokio::select! {
            biased;
            event = self.events.recv() => event,
            _ = self.resized.recv() => {
                Some(crossterm::terminal::size().map(|(width, height)| Event::Resize(width, height)))
            }
        }
    }

    /// An event that is there already.
    pub(super) fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()?.ok()
    }
}

impl Drop for TerminalSource {
    fn drop(&mut self) {
        // It may be waiting for room, or for the terminal.
        self.events.close();
        let _ = self.stop.write_all(b"!");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads until told to stop, or until the terminal hangs up.
fn read(mut tty: File, stopped: &PipeReader, tell: &Sender<io::Result<Event>>) -> io::Result<()> {
    let mut parser = Parser::default();
    let mut bytes = [0; READ];
    let mut events = Vec::new();
    let quiet = Timespec::try_from(QUIET).ok();
    loop {
        let mut waited = [PollFd::new(&tty, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        let ready = match poll(&mut waited, quiet.as_ref().filter(|_| parser.waits())) {
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        let [by_tty, stop] = waited.map(|fd| !fd.revents().is_empty());
        if stop {
            return Ok(());
        }
        if ready == 0 {
            parser.give_up(&mut events);
        }
        if by_tty {
            match tty.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) => parser.take(&bytes[..count], count == READ, &mut events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody else read what was there.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // What Linux says of a terminal that hung up.
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        for event in events.drain(..) {
            if tell.blocking_send(Ok(event)).is_err() {
                return Ok(());
            }
        }
    }
}
