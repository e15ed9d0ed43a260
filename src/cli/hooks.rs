//! Hooks for tests: a model that panics, and loading and passes that go on when a test lets them.
//! Each is set by an environment variable and changes nothing without it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io::{BufReader, Read},
    ops::ControlFlow,
};

use crate::{
    model::{LoadProgress, LoadWatch, LoadingWork},
    predict::{PredictError, Prediction, Predictor, Progress, Request, Watch},
};

/// Makes the model panic at its N-th pass.
const PANIC_AT: &str = "DEMASK_TEST_PANIC_AT_PASS";
/// Names a pipe that loading reads first: every byte is a megabyte of eight, its end lets loading
/// go on.
const LOAD_BY: &str = "DEMASK_TEST_LOAD_BY";
/// Names a pipe that the first pass reads: every byte is a layer of 24, its end lets the pass go
/// on. A pass that was cancelled leaves it to the next one.
const PASS_BY: &str = "DEMASK_TEST_PASS_BY";

/// Tells the number of every byte of a pipe as it comes.
fn by_bytes(pipe: &OsStr, mut told: impl FnMut(usize) -> ControlFlow<()>) -> ControlFlow<()> {
    let Ok(pipe) = File::open(pipe) else { return ControlFlow::Continue(()) };
    let bytes = BufReader::new(pipe).bytes().take_while(Result::is_ok);
    (1..).zip(bytes).try_for_each(|(number, _)| told(number))
}

/// Lets a pipe that a test names stand for a download, byte by byte.
pub fn before_loading(watch: &mut LoadWatch) {
    if let Some(pipe) = env::var_os(LOAD_BY) {
        let work = LoadingWork::Downloading("model.safetensors".to_owned());
        let progress = |done| LoadProgress { work: work.clone(), done, of: 8_000_000 };
        let _ = by_bytes(&pipe, |bytes| watch(&progress(bytes as u64 * 1_000_000)));
    }
}

/// Wraps the predictor if a hook asks for it.
pub fn predictor(mut inner: Box<dyn Predictor>) -> Box<dyn Predictor> {
    if let Some(left) = env::var(PANIC_AT).ok().and_then(|text| text.parse().ok()) {
        inner = Box::new(Panicking { inner, left });
    }
    match env::var_os(PASS_BY) {
        None => inner,
        pipe => Box::new(HeldEvent { inner, pipe }),
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

struct HeldEvent {
    inner: Box<dyn Predictor>,
    pipe: Option<OsString>,
}

impl Predictor for HeldEvent {
    fn predict(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<Prediction, PredictError> {
        if let Some(pipe) = &self.pipe {
            if by_bytes(pipe, |done| watch(Progress { done, of: 25 })).is_break() {
                return Err(PredictError::Cancelled);
            }
            self.pipe = None;
        }
        self.inner.predict(request, watch)
    }
}
