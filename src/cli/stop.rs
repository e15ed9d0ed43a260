//! Stopping: signals in a headless run, and the hook that tests use to break the model's thread.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::predict::{PredictError, Prediction, Predictor, Request, Watch};

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

/// The environment variable that makes the model panic at its N-th pass, for tests of what
/// happens then.
const PANIC_AT: &str = "DEMASK_TEST_PANIC_AT_PASS";

/// Wraps the predictor if the test hook asks for it.
pub fn test_hook(inner: Box<dyn Predictor>) -> Box<dyn Predictor> {
    let at = std::env::var(PANIC_AT).ok().and_then(|text| text.parse().ok());
    match at {
        None => inner,
        Some(left) => Box::new(Panicking { inner, left }),
    }
}

struct Panicking {
    inner: Box<dyn Predictor>,
    left: u32,
}

impl Predictor for Panicking {
    fn predict(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<Prediction, PredictError> {
        self.left = self.left.saturating_sub(1);
        assert!(self.left > 0, "asked to panic by {PANIC_AT}");
        self.inner.predict(request, watch)
    }
}
