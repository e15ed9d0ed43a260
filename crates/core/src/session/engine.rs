//! The thread that owns the model. The interface hands it requests and goes on; answers,
//! progress and faults come back as [`EngineReport`]s.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use crate::{
    panics,
    predict::{Key, PredictError, Prediction, Predictor, Progress, Request},
};

/// A report of the engine.
#[derive(Debug)]
pub enum EngineReport {
    /// A layer of this pass is done.
    Progress(Key, Progress),
    /// A pass is done.
    Done {
        /// The name of the prediction.
        key: Key,
        /// The predictor's answer to the request.
        prediction: Prediction,
        /// The time that the pass took.
        took: Duration,
    },
    /// A pass failed or was cancelled.
    Failed(Key, PredictError),
    /// The engine thread panicked with this message and is gone.
    Died(String),
}

struct PassJob {
    number: u64,
    key: Key,
    request: Arc<Request>,
}

/// How long the end of the thread is waited for: enough for a process of the predictor's to end.
const GRACE: Duration = Duration::from_millis(1500);

/// A handle on the engine thread; dropping it ends the thread after the layer in work, and waits a
/// little for that.
pub struct Engine {
    /// `None` once the thread is to end.
    jobs: Option<mpsc::Sender<PassJob>>,
    /// Closed when the thread has ended and its predictor is gone.
    ended: mpsc::Receiver<()>,
    /// Jobs up to this number are cancelled.
    cancelled: Arc<AtomicU64>,
    submitted: u64,
}

impl Engine {
    /// Starts the thread. `notify` is called on it and must not block.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn(
        predictor: Box<dyn Predictor>,
        notify: impl Fn(EngineReport) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<PassJob>();
        let cancelled = Arc::new(AtomicU64::new(0));
        let stop = cancelled.clone();
        let (held, ended) = mpsc::channel();
        std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            // It is dropped behind the predictor.
            let _held = held;
            let mut predictor = predictor;
            let work = || {
                while let Ok(job) = inbox.recv() {
                    notify(run(predictor.as_mut(), &job, &stop, &notify));
                }
            };
            if let Err(panic) = panics::caught(work) {
                notify(EngineReport::Died(panic));
            }
        })?;
        Ok(Self { jobs: Some(jobs), ended, cancelled, submitted: 0 })
    }

    /// Asks for a prediction. Requests are answered in order.
    pub fn submit(&mut self, key: Key, request: Arc<Request>) {
        self.submitted += 1;
        // A dead engine has said so already.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(PassJob { number: self.submitted, key, request });
        }
    }

    /// Cancels everything asked for so far; each is reported as failed.
    pub fn cancel(&self) {
        self.cancelled.store(self.submitted, Ordering::Relaxed);
    }
}

impl std::ops::Drop for Engine {
    fn drop(&mut self) {
        self.cancel();
        self.jobs = None;
        // Nobody sends: it comes back when the thread has ended.
        let _ = self.ended.recv_timeout(GRACE);
    }
}

fn run(
    predictor: &mut dyn Predictor,
    job: &PassJob,
    stop: &AtomicU64,
    notify: &impl Fn(EngineReport),
) -> EngineReport {
    let started = Instant::now();
    let mut watch = |progress| {
        if stop.load(Ordering::Relaxed) >= job.number {
            return ControlFlow::Break(());
        }
        notify(EngineReport::Progress(job.key, progress));
        ControlFlow::Continue(())
    };
    if watch(Progress { done: 0, of: 1 }).is_break() {
        return EngineReport::Failed(job.key, PredictError::Cancelled);
    }
    match predictor.predict(&job.request, &mut watch) {
        Ok(prediction) => EngineReport::Done { key: job.key, prediction, took: started.elapsed() },
        Err(error) => EngineReport::Failed(job.key, error),
    }
}
