//! Stopping: signals outside the interface.

use std::{
    fs,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises; a second one ends the program. Once the
/// flag is dropped, both are somebody else's.
pub fn on_signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::downgrade(&flag);
    at_signals(move || match raised.upgrade() {
        Some(raised) if raised.swap(true, Ordering::Relaxed) => std::process::exit(EXIT),
        Some(_) => ControlFlow::Continue(()),
        None => ControlFlow::Break(()),
    });
    flag
}

/// Removes a half-written file before the program ends by a signal.
pub fn removing(part: PathBuf) {
    at_signals(move || {
        // Nothing stands there once it is whole.
        let _ = fs::remove_file(&part);
        std::process::exit(EXIT)
    });
}

/// What a shell gives a program that was interrupted.
const EXIT: i32 = 130;

/// Does something at each signal from now on, until it says that it is done.
fn at_signals(mut work: impl FnMut() -> ControlFlow<()> + Send + 'static) {
    let (ready, heard) = mpsc::channel();
    let listen = async move {
        let Ok(mut signals) = Signals::new() else { return };
        let _ = ready.send(());
        while signals.next().await.is_some() && work().is_continue() {}
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        // Without the thread the signals end the program as they always do.
        let _ = std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listen));
        let _ = heard.recv();
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
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
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<()> {
        tokio::signal::ctrl_c().await.ok()
    }
}
