//! A run, step by step.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use super::{
    error::BenchError,
    passes::{PassSplit, divided},
    recorder::Spent,
    report::Steps,
};
use crate::{
    predict::Predictor,
    session::{Pending, Session},
    tui::{OffScreen, Start},
};

/// Makes the run of `start` on a screen of this size, step by step and `limit` steps at most. `spent` is the
/// recorder's; `moved` hears after every step. The flag ends it with what was measured until then.
///
/// # Errors
/// [`BenchError`].
pub fn run(
    start: Start,
    predictor: &mut dyn Predictor,
    size: (u16, u16),
    limit: usize,
    spent: &Spent,
    stopped: &AtomicBool,
    moved: impl Fn(&Session),
) -> Result<Steps, BenchError> {
    let mut screen = OffScreen::new(start, size.0, size.1)?;
    // The first frame is drawn whole, once.
    screen.draw()?;
    let mut steps = Steps::on(size);
    while steps.whole.len() < limit && !stopped.load(Ordering::Relaxed) {
        spent.take();
        let started = Instant::now();
        let mut pass = PassSplit::default();
        match screen.session().pending().clone() {
            Pending::Done(_) => break,
            Pending::Failed(error) => return Err(BenchError::Run(error.to_string())),
            Pending::Decided { .. } => {}
            Pending::Wanted { key, request } => {
                let (split, prediction) = match divided(predictor, &request, stopped) {
                    Err(_) if stopped.load(Ordering::Relaxed) => break,
                    answer => answer?,
                };
                let positions = request.pass.ids.len() * request.canvases();
                steps.positions.push(positions);
                screen.supply(key, prediction, split.forward + split.head);
                pass = split;
            }
        }
        steps.frame_bytes += screen.draw()?;
        if !screen.step() {
            return Err(BenchError::Stuck);
        }
        let whole = started.elapsed();
        if let Some(fault) = screen.session().recorder_fault() {
            return Err(BenchError::Run(fault));
        }
        let made = screen.session().node().step();
        let decide = made.map(|step| step.timing.decide).unwrap_or_default();
        let record = spent.take();
        let known = pass.forward + pass.head + decide + record;
        steps.forward.push(pass.forward);
        steps.head.push(pass.head);
        steps.decide.push(decide);
        steps.record.push(record);
        // What is left is the interface: its bookkeeping, the frame, and what a terminal is sent.
        steps.draw.push(whole.saturating_sub(known));
        steps.whole.push(whole);
        moved(screen.session());
    }
    steps.finish(screen.session());
    screen.close().map_err(BenchError::Run)?;
    Ok(steps)
}
