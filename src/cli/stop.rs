//! Stopping: signals outside the interface.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises. A second one ends the program, and so
/// does each that comes when the flag has been dropped: nobody looks at it any more.
pub fn on_signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    now().flag = Arc::downgrade(&flag);
    listen();
    flag
}

/// Ends what goes over many things once the flag is raised.
///
/// # Errors
/// If it is.
pub fn go_on(flag: &AtomicBool) -> Result<(), super::Fault> {
    match flag.load(Ordering::Relaxed) {
        true => Err(super::Fault::failure("stopped by a signal")),
        false => Ok(()),
    }
}

/// Removes a half-written file before the program ends by a signal.
pub fn removing(part: PathBuf) {
    now().part = Some(part);
    listen();
}

/// Whether a signal has come, whoever it was for.
pub fn came() -> bool {
    now().came
}

/// What a shell gives a program that was interrupted.
const EXIT: i32 = 130;

/// What a signal does now.
struct Now {
    flag: Weak<AtomicBool>,
    part: Option<PathBuf>,
    came: bool,
}

impl Now {
    /// Whether a signal ends the program here; if not, it has raised the flag.
    fn ends(&self) -> bool {
        self.flag.upgrade().is_none_or(|flag| flag.swap(true, Ordering::Relaxed))
    }
}

fn now() -> MutexGuard<'static, Now> {
    static NOW: Mutex<Now> = Mutex::new(Now { flag: Weak::new(), part: None, came: false });
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signal() {
    let mut now = now();
    now.came = true;
    if !now.ends() {
        return;
    }
    if let Some(part) = &now.part {
        // Nothing stands there once it is whole.
        let _ = fs::remove_file(part);
    }
    std::process::exit(EXIT)
}

/// Listens from now on. One thread does, whoever asks: what is done once with tokio's handlers
/// cannot be undone, so there must always be somebody who answers.
fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let (ready, heard) = mpsc::channel();
        let listening = async move {
            let Ok(mut signals) = StopSignals::new() else { return };
            let _ = ready.send(());
            while signals.next().await.is_some() {
                signal();
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        if let Ok(runtime) = runtime {
            // Without the thread the signals end the program as they always do.
            let _ = std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || runtime.block_on(listening));
            let _ = heard.recv();
        }
    });
}

#[cfg(unix)]
struct StopSignals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl StopSignals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self([interrupt, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) -> Option<()> {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            got = interrupt.recv() => got,
            got = terminate.recv() => got,
            got = hangup.recv() => got,
        }
    }
}

#[cfg(not(unix))]
struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<()> {
        tokio::signal::ctrl_c().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_nobody_waits_for_ends_the_program() {
        let flag = Arc::new(AtomicBool::new(false));
        let now = Now { flag: Arc::downgrade(&flag), part: None, came: false };
        assert!(!now.ends(), "the first is for who waits");
        assert!(flag.load(Ordering::Relaxed));
        assert!(now.ends(), "the second ends it");
        flag.store(false, Ordering::Relaxed);
        drop(flag);
        assert!(now.ends(), "nobody waits any more");
    }
}
