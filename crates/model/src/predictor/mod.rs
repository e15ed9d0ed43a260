//! Requests answered by a network.

mod cache;
mod finished_blocks;

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::{
    network::{Batch, Network, Pattern},
    reduce::Reducer,
};
use crate::{
    canvas::TokenId,
    predict::{
        Attention, Column, ColumnSet, Data, Pass, PredictError, Prediction, Predictor, Progress,
        Request, Watch,
    },
};
use cache::FullPasses;
use finished_blocks::FinishedBlocks;

/// Logits held at once, as numbers: 16 M are 64 MB in f32, 130 rows of a vocabulary of 126,464.
pub(super) const LOGITS_AT_ONCE: usize = 1 << 24;

/// A network that answers requests.
pub struct NetworkPredictor {
    network: Box<dyn Network>,
    facts: RequestChecks,
    /// Final hidden states of the last pass that a later one may be compared with.
    last: Option<(Pass, Tensor)>,
    /// Full passes that windows are run against; nothing is kept before the first of these.
    full_passes: Option<FullPasses>,
    /// Finished blocks that block-causal passes go on from.
    finished_blocks: FinishedBlocks,
}

/// What a request is checked against.
#[derive(Debug, Clone, Copy)]
pub struct RequestChecks {
    /// Longest sequence that is answered, positions.
    pub context: usize,
    /// Columns of the logits.
    pub columns: usize,
}

impl NetworkPredictor {
    /// A predictor that has computed nothing yet.
    pub fn new(network: Box<dyn Network>, facts: RequestChecks) -> Self {
        let finished_blocks = FinishedBlocks::default();
        Self { network, facts, last: None, full_passes: None, finished_blocks }
    }

    fn check(&self, request: &Request) -> std::result::Result<(), PredictError> {
        let length = request.pass.ids.len();
        let unsupported = |text: String| Err(PredictError::Unsupported(text));
        if length == 0 {
            return unsupported(
                "an empty canvas behind an empty prompt cannot be predicted".into(),
            );
        }
        if length > self.facts.context {
            return unsupported(format!(
                "{length} positions, prompt included, are more than the model's context of {}: \
                 lower max_gen_length or shorten the prompt",
                self.facts.context
            ));
        }
        if request.guidance.is_some() && request.earlier.is_some() {
            return unsupported("a comparison with an earlier canvas has no guidance".into());
        }
        if let Some(shadow) = &request.shadow {
            if request.guidance.is_some() || request.earlier.is_some() || request.shift {
                return unsupported(
                    "shadows go with neither guidance, comparison nor shift".into(),
                );
            }
            if shadow.start > shadow.end || shadow.end > request.rows.len() {
                return unsupported("shadows of positions that are not there".into());
            }
        }
        if let Some(cached) = &request.cached {
            self.check_cached(request, cached)?;
        }
        let passes = std::iter::once(&request.pass)
            .chain(request.guidance.iter().map(|guidance| &guidance.unconditional))
            .chain(&request.earlier)
            .chain(request.cached.iter().map(|cached| &cached.from));
        for pass in passes {
            if let Some(id) = pass.ids.iter().find(|&&id| id as usize >= self.facts.columns) {
                return unsupported(format!(
                    "token {id} is not in the model's vocabulary of {}",
                    self.facts.columns
                ));
            }
            let plain = matches!(pass.attention, Attention::Full | Attention::Keys(_));
            let moved = pass.positions.is_some() || !plain || request.shadow.is_some();
            if moved && !self.network.takes_patterns() {
                return unsupported(
                    "this network runs with full attention and positions from 0 only".into(),
                );
            }
            if request.shadow.is_some() && pass.attention != Attention::Full {
                return unsupported("shadows need full attention".into());
            }
            let other = match (&pass.positions, &pass.attention) {
                (Some(positions), _) if positions.len() != pass.ids.len() => true,
                (_, Attention::Keys(keys)) => keys.len() != pass.ids.len(),
                (_, Attention::BlockCausal { block, .. }) => *block == 0,
                _ => false,
            };
            if other {
                return unsupported("positions or attention do not fit the sequence".into());
            }
        }
        Ok(())
    }

    /// The final hidden states of some sequences of one length and pattern, `[batch, length,
    /// width]`; `shadow`: positions that get a shadow.
    fn hidden(
        &self,
        passes: &[&Pass],
        shadow: Option<(Range<usize>, TokenId)>,
        watch: &mut Watch,
    ) -> Result<Option<Tensor>> {
        let device = self.network.device();
        let length = passes[0].ids.len();
        let shape = (passes.len(), length);
        let mut ids: Vec<TokenId> =
            passes.iter().flat_map(|pass| pass.ids.iter().copied()).collect();
        let pattern = match (&passes[0].attention, shadow) {
            (_, Some((shadow, mask))) => {
                ids.extend(shadow.clone().map(|_| mask));
                Pattern::Shadow(shadow)
            }
            (Attention::Full, None) => Pattern::Full,
            (Attention::BlockCausal { block, before, seen }, None) => {
                Pattern::BlockCausal { block: *block, before: *before, seen: *seen }
            }
            (Attention::Keys(_), None) => {
                let keys = passes.iter().flat_map(|pass| match &pass.attention {
                    Attention::Keys(keys) => keys.iter().map(|&key| u8::from(key)).collect(),
                    _ => vec![1; length],
                });
                Pattern::Keys(Tensor::from_vec(keys.collect::<Vec<u8>>(), shape, device)?)
            }
        };
        let positions = match &passes[0].positions {
            None => None,
            Some(positions) => Some(Tensor::from_vec(positions.clone(), length, device)?),
        };
        let shape = (passes.len(), ids.len() / passes.len());
        let ids = Tensor::from_vec(ids, shape, device)?;
        self.network.hidden(&Batch { ids: &ids, positions, pattern }, watch)
    }

    fn run(&mut self, request: &Request, watch: &mut Watch) -> Result<Option<Prediction>> {
        if let Some(cached) = &request.cached {
            return self.run_window(request, cached, watch);
        }
        if let Some(grid) = self.goes_on_from_blocks(request) {
            return self.run_blocks(request, grid, watch);
        }
        if self.full_passes.is_some() && cache::serves(request) {
            return self.run_kept(request, watch);
        }
        let passes: Vec<&Pass> = std::iter::once(&request.pass)
            .chain(request.guidance.iter().map(|guidance| &guidance.unconditional))
            .collect();
        let shadow = request.shadow.clone().map(|shadow| {
            let first = request.rows.start;
            first + shadow.start..first + shadow.end
        });
        // Both canvases of guidance in one batch.
        let shadows = shadow.clone().map(|shadow| (shadow, request.special.mask));
        let mut layers = 0;
        let hidden = self.hidden(&passes, shadows, &mut |progress| {
            layers = progress.of - 1;
            watch(progress)
        })?;
        let Some(hidden) = hidden else { return Ok(None) };
        let earlier = match &request.earlier {
            None => None,
            Some(pass) => match &self.last {
                Some((last, hidden)) if last == pass => Some(hidden.clone()),
                _ => match self.hidden(&[pass], None, watch)? {
                    None => return Ok(None),
                    hidden => hidden,
                },
            },
        };
        if request.columns.has(Column::Kl) {
            self.last = Some((request.pass.clone(), hidden.narrow(0, 0, 1)?));
        }
        let Some(prediction) = self.reduce(request, (&hidden, layers), earlier.as_ref(), watch)?
        else {
            return Ok(None);
        };
        let Some(shadow) = shadow.filter(|_| request.columns.has(Column::PShadow)) else {
            return Ok(Some(prediction));
        };
        let shadows = hidden.get(0)?.narrow(0, request.pass.ids.len(), shadow.len())?;
        let mut p = vec![f32::NAN; request.rows.len()];
        let there = shadow.start - request.rows.start..shadow.end - request.rows.start;
        let seen = self.shadowed(request, shadow, &shadows)?;
        p[there].iter_mut().zip(seen).for_each(|(p, seen)| *p = seen);
        Ok(Some(prediction.with(Column::PShadow, Data::Numbers(p))))
    }

    /// Rows whose logits are held at once.
    fn at_once(&self, canvases: usize) -> usize {
        (LOGITS_AT_ONCE / self.facts.columns / canvases).max(1)
    }

    /// The rows of a request read from hidden states `[canvases, length, width]`, which came
    /// through so many layers; `None` if `watch` asked to stop.
    pub(super) fn reduce(
        &self,
        request: &Request,
        (hidden, layers): (&Tensor, usize),
        earlier: Option<&Tensor>,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        let at_once = self.at_once(request.canvases());
        let mut reducer = Reducer::new(request);
        for start in request.rows.clone().step_by(at_once) {
            if watch(Progress { done: layers, of: layers + 1 }).is_break() {
                return Ok(None);
            }
            let rows = at_once.min(request.rows.end - start);
            let logits = |batch: &Tensor, pass: usize| {
                let hidden = batch.get(pass)?;
                // Shifted, a row reads the position before it; the first one its own.
                let hidden = match (request.shift, start) {
                    (false, _) => hidden.narrow(0, start, rows)?,
                    (true, 0) => {
                        Tensor::cat(&[hidden.narrow(0, 0, 1)?, hidden.narrow(0, 0, rows - 1)?], 0)?
                    }
                    (true, _) => hidden.narrow(0, start - 1, rows)?,
                };
                self.network.logits(&hidden)
            };
            let earlier = earlier.map(|earlier| logits(earlier, 0)).transpose()?;
            let logits = match &request.guidance {
                None => logits(hidden, 0)?,
                Some(guidance) => {
                    let (conditional, unconditional) = (logits(hidden, 0)?, logits(hidden, 1)?);
                    let difference = (conditional - &unconditional)?;
                    (unconditional + (difference * (guidance.scale + 1.0))?)?
                }
            };
            reducer.push(&logits, earlier.as_ref())?;
        }
        Ok(Some(reducer.finish()))
    }

    /// The probability of the token that each position of `shadow` holds, at its shadow: plain
    /// logits, without filters or suppression.
    fn shadowed(
        &self,
        request: &Request,
        shadow: Range<usize>,
        hidden: &Tensor,
    ) -> Result<Vec<f32>> {
        let at_once = self.at_once(1);
        let plain = Request {
            rows: shadow.clone(),
            sampling: None,
            suppressed: Vec::new(),
            lowered: Vec::new(),
            begin_suppressed: Vec::new(),
            filters: None,
            score: None,
            columns: ColumnSet::of(&[Column::PCurrent]),
            top_k: 0,
            ..request.clone()
        };
        let mut reducer = Reducer::new(&plain);
        for start in (0..shadow.len()).step_by(at_once) {
            let rows = at_once.min(shadow.len() - start);
            reducer.push(&self.network.logits(&hidden.narrow(0, start, rows)?)?, None)?;
        }
        let prediction = reducer.finish();
        Ok(prediction.numbers(Column::PCurrent).map(<[f32]>::to_vec).unwrap_or_default())
    }
}

impl Predictor for NetworkPredictor {
    fn predict(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> std::result::Result<Prediction, PredictError> {
        self.check(request)?;
        match self.run(request, watch) {
            Ok(Some(prediction)) => Ok(prediction),
            Ok(None) => Err(PredictError::Cancelled),
            Err(error) => Err(PredictError::Failed(error.to_string())),
        }
    }
}
