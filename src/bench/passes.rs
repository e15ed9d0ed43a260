//! Single passes, and how their time is divided.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{error::BenchError, report::Bare, samples::Samples};
use crate::{
    headless::{HeadlessError, watched_pass},
    predict::{Attention, Pass, Prediction, Predictor, Request},
    session::{Pending, Session},
};

/// How a pass is divided: the layers, and the head with the reduction to columns.
#[derive(Default)]
pub(super) struct PassSplit {
    pub forward: Duration,
    pub head: Duration,
}

/// Runs a pass and divides its time where the head begins.
pub(super) fn divided(
    predictor: &mut dyn Predictor,
    request: &Request,
    stopped: &AtomicBool,
) -> Result<(PassSplit, Prediction), HeadlessError> {
    let mut head_from = None;
    let (prediction, took) = watched_pass(predictor, request, stopped, |progress, time| {
        if progress.done + 1 >= progress.of {
            head_from.get_or_insert(time);
        }
    })?;
    let forward = head_from.unwrap_or(took).min(took);
    Ok((PassSplit { forward, head: took - forward }, prediction))
}

/// Measures passes over the prompt and so many masks: for each length `repeats`, after one that is not counted.
///
/// # Errors
/// [`BenchError`].
pub fn lengths(
    session: &Session,
    predictor: &mut dyn Predictor,
    lengths: &[u32],
    repeats: u16,
    stopped: &AtomicBool,
) -> Result<Vec<Bare>, BenchError> {
    let mut measured = Vec::new();
    for &masks in lengths {
        let request = over_masks(session, masks as usize)?;
        let (mut forward, mut head, mut whole) =
            (Samples::default(), Samples::default(), Samples::default());
        for repeat in 0..=repeats {
            let (split, _) = match divided(predictor, &request, stopped) {
                Err(_) if stopped.load(Ordering::Relaxed) => break,
                answer => answer?,
            };
            // The first one warms up.
            if repeat > 0 {
                forward.push(split.forward);
                head.push(split.head);
                whole.push(split.forward + split.head);
            }
        }
        let positions = request.pass.ids.len();
        measured.extend(Bare::of(masks, positions, [&forward, &head, &whole]));
    }
    Ok(measured)
}

/// What the strategy asks of its first pass, on a canvas of so many masks.
fn over_masks(session: &Session, masks: usize) -> Result<Request, BenchError> {
    let Pending::Wanted { request, .. } = session.pending() else {
        return Err(BenchError::NoPass);
    };
    let prompt = session.canvas().prompt();
    let mask = session.canvas().special().mask;
    let ids = prompt.iter().copied().chain(std::iter::repeat_n(mask, masks)).collect();
    let attention = match &request.pass.attention {
        Attention::Keys(_) => Attention::Full,
        attention => attention.clone(),
    };
    Ok(Request {
        pass: Pass { ids, positions: None, attention },
        rows: prompt.len()..prompt.len() + masks,
        guidance: None,
        sampling: None,
        suppressed: Vec::new(),
        lowered: Vec::new(),
        earlier: None,
        shadow: None,
        credits: None,
        alternatives: None,
        targets: Vec::new(),
        ..Request::clone(request)
    })
}
