//! Passes over a window of the canvas, against the keys and values of an earlier full pass
//! (Fast-dLLM's prefix and dual caches).
//!
//! The answer depends on the request alone: what is kept here only saves doing it again. If the
//! full pass that a request names is not here, it is run first. The window's own keys and values
//! serve its own pass and are then forgotten. The reference writes them over the kept ones, which
//! comes to the same: every later pass of the block has the same window.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::NetworkPredictor;
use crate::network::{Batch, KvCache};
use crate::predict::{
    Attention, Cached, Column, Pass, PredictError, Prediction, Request, Sampling, Watch,
};

/// Full passes kept: the one in use, and one more, so that a look at the exact pass in between
/// does not cost the one in use.
const FULL_PASSES_KEPT: usize = 2;

/// The full passes kept, the one used last at the end.
#[derive(Default)]
pub(super) struct FullPasses(Vec<FullPass>);

/// A full pass and what it left.
struct FullPass {
    pass: Pass,
    kept: KvCache,
    /// Final hidden states, `[1, length, width]`.
    hidden: Tensor,
    layers: usize,
    /// What was read from it last.
    read: Option<(Request, Prediction)>,
}

impl FullPasses {
    fn push(&mut self, full: FullPass) {
        self.0.retain(|other| other.pass != full.pass);
        if self.0.len() >= FULL_PASSES_KEPT {
            self.0.remove(0);
        }
        self.0.push(full);
    }

    /// The full pass over this canvas, if it is here; it counts as used then.
    fn touch(&mut self, pass: &Pass) -> Option<&mut FullPass> {
        let at = self.0.iter().position(|full| full.pass == *pass)?;
        self.0[at..].rotate_left(1);
        self.0.last_mut()
    }
}

/// True if a full pass of this kind can be run against later.
pub(super) fn serves(request: &Request) -> bool {
    request.guidance.is_none()
        && request.earlier.is_none()
        && request.shadow.is_none()
        && !request.columns.has(Column::Kl)
        && plain(&request.pass)
}

fn plain(pass: &Pass) -> bool {
    pass.positions.is_none() && pass.attention == Attention::Full
}

impl NetworkPredictor {
    pub(super) fn check_cached(
        &self,
        request: &Request,
        Cached { from, window }: &Cached,
    ) -> std::result::Result<(), PredictError> {
        let unsupported = |text: &str| Err(PredictError::Unsupported(text.to_owned()));
        if !self.network.keeps() {
            return unsupported(
                "this network keeps no keys and values to go on from: run it without --cache",
            );
        }
        if !serves(request) || !plain(from) || request.shift {
            return unsupported(
                "a cached pass goes with neither guidance, comparison, shadows nor shift, and \
                 needs full attention",
            );
        }
        let ids = &request.pass.ids;
        if from.ids.len() != ids.len() || window.is_empty() || window.end > ids.len() {
            return unsupported("the window of a cached pass does not fit the canvas");
        }
        let outside = |range: Range<usize>| ids[range.clone()] == from.ids[range];
        if !outside(0..window.start) || !outside(window.end..ids.len()) {
            return unsupported("a cached pass whose canvas has changed outside its window");
        }
        Ok(())
    }

    /// A full pass that is kept.
    pub(super) fn run_kept(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        let Some(mut full) = self.full(&request.pass, watch)? else { return Ok(None) };
        let prediction = self.reduce(request, (&full.hidden, full.layers), None, watch)?;
        let Some(prediction) = prediction else { return Ok(None) };
        full.read = Some((request.clone(), prediction.clone()));
        self.full_passes.get_or_insert_default().push(full);
        Ok(Some(prediction))
    }

    /// A pass over a window; the rest is that of the full pass named.
    pub(super) fn run_window(
        &mut self,
        request: &Request,
        Cached { from, window }: &Cached,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        let mut full_passes = self.full_passes.take().unwrap_or_default();
        let run = self.run_against(&mut full_passes, request, from, window.clone(), watch);
        self.full_passes = Some(full_passes);
        run
    }

    fn run_against(
        &self,
        full_passes: &mut FullPasses,
        request: &Request,
        from: &Pass,
        window: Range<usize>,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        if full_passes.touch(from).is_none() {
            match self.full(from, watch)? {
                None => return Ok(None),
                Some(full) => full_passes.push(full),
            }
        }
        let Some(full) = full_passes.touch(from) else { return Ok(None) };
        // What the full pass says, read as this request reads.
        let outside = Request { pass: from.clone(), cached: None, ..request.clone() };
        let known = full.read.as_ref().filter(|(read, _)| *read == outside);
        let base = match known {
            Some((_, base)) => base.clone(),
            None => {
                let base = self.reduce(&outside, (&full.hidden, full.layers), None, watch)?;
                let Some(base) = base else { return Ok(None) };
                full.read = Some((outside, base.clone()));
                base
            }
        };
        let ids = Tensor::from_slice(
            &request.pass.ids[window.clone()],
            (1, window.len()),
            self.network.device(),
        )?;
        let hidden = self.network.window(&ids, window.start, &full.kept, watch)?;
        let Some(hidden) = hidden else { return Ok(None) };
        let rows = window.start.max(request.rows.start)..window.end.min(request.rows.end);
        if rows.is_empty() {
            return Ok(Some(base));
        }
        let length = full.hidden.dim(1)?;
        let before = full.hidden.narrow(1, 0, window.start)?;
        let behind = full.hidden.narrow(1, window.end, length - window.end)?;
        let hidden = Tensor::cat(&[before, hidden, behind], 1)?;
        let own = part(request, rows.clone());
        let own = self.reduce(&own, (&hidden, full.layers), None, watch)?;
        Ok(own.map(|own| base.patched(rows.start - request.rows.start, &own)))
    }

    /// Runs a full pass.
    fn full(&self, pass: &Pass, watch: &mut Watch) -> Result<Option<FullPass>> {
        let shape = (1, pass.ids.len());
        let ids = Tensor::from_slice(&pass.ids, shape, self.network.device())?;
        let mut layers = 0;
        let run = self.network.keep(&Batch::full(&ids), &mut |progress| {
            layers = progress.of - 1;
            watch(progress)
        })?;
        let pass = pass.clone();
        Ok(run.map(|(hidden, kept)| FullPass { pass, kept, hidden, layers, read: None }))
    }
}

/// The part of a request about these rows, which are positions of the pass.
fn part(request: &Request, rows: Range<usize>) -> Request {
    let first = rows.start - request.rows.start;
    let here = first..first + rows.len();
    let suppressed = request.suppressed.iter().filter(|(row, _)| here.contains(row));
    let lowered = request.lowered.iter().filter(|(row, ..)| here.contains(row));
    Request {
        lowered: lowered.map(|&(row, token, by)| (row - first, token, by)).collect(),
        suppressed: suppressed.map(|&(row, token)| (row - first, token)).collect(),
        sampling: request.sampling.as_ref().map(|sampling| Sampling {
            slots: sampling.slots[here.clone()].to_vec(),
            ..sampling.clone()
        }),
        credits: request.credits.as_ref().map(|credits| credits.part(here.clone())),
        cached: None,
        rows,
        ..request.clone()
    }
}
