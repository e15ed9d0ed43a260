//! Stopping: signals in a headless run.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises; a second one ends the program. Once the
/// flag is dropped, both are somebody else's.
pub fn on_signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::downgrade(&flag);
    let listen = async move {
        loop {
            if wait().await.is_err() {
                return;
            }
            let Some(raised) = raised.upgrade() else { return };
            if raised.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    if let Ok(runtime) = runtime {
        // Without the thread the signals end the program as they always do.
        let _ = std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(listen));
    }
    flag
}

#[cfg(unix)]
async fn wait() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
