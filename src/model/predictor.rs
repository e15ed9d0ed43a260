//! Requests answered by a LLaDA network.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::{Llada, reduce::Reducer};
use crate::{
    canvas::TokenId,
    predict::{
        Attention, Column, ColumnSet, Data, Pass, PredictError, Prediction, Predictor, Progress,
        Request, Watch,
    },
};

/// Logits held at once, as numbers: 16 M are 64 MB in f32, 130 rows of a vocabulary of 126,464.
const LOGITS_AT_ONCE: usize = 1 << 24;

/// A network that answers requests.
pub struct LladaPredictor {
    model: Llada,
    /// Final hidden states of the last pass that a later one may be compared with.
    last: Option<(Vec<TokenId>, Tensor)>,
}

impl LladaPredictor {
    /// Wraps a network.
    pub fn new(model: Llada) -> Self {
        Self { model, last: None }
    }

    fn check(&self, request: &Request) -> std::result::Result<(), PredictError> {
        let config = self.model.config();
        let length = request.pass.ids.len();
        let unsupported = |text: String| Err(PredictError::Unsupported(text));
        if length == 0 {
            return unsupported(
                "an empty canvas behind an empty prompt cannot be predicted".into(),
            );
        }
        if length > config.max_sequence_length {
            return unsupported(format!(
                "{length} positions, prompt included, are more than the model's context of {}: \
                 lower max_gen_length or shorten the prompt",
                config.max_sequence_length
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
        let passes = std::iter::once(&request.pass)
            .chain(request.guidance.iter().map(|guidance| &guidance.unconditional))
            .chain(&request.earlier);
        for pass in passes {
            if let Some(id) = pass.ids.iter().find(|&&id| id as usize >= config.columns()) {
                return unsupported(format!(
                    "token {id} is not in the model's vocabulary of {}",
                    config.columns()
                ));
            }
            if pass.attention != Attention::Full || pass.positions.is_some() {
                return unsupported("this model has full attention and positions from 0".into());
            }
        }
        Ok(())
    }

    /// The final hidden states of one canvas, computed as they are when it is asked for itself.
    fn alone(&self, ids: &[TokenId], watch: &mut Watch) -> Result<Option<Tensor>> {
        let ids = Tensor::from_vec(ids.to_vec(), (1, ids.len()), self.model.device())?;
        self.model.hidden(&ids, None, None, watch)
    }

    fn run(&mut self, request: &Request, watch: &mut Watch) -> Result<Option<Prediction>> {
        let passes: Vec<&Pass> = std::iter::once(&request.pass)
            .chain(request.guidance.iter().map(|guidance| &guidance.unconditional))
            .collect();
        // Both canvases of guidance in one batch.
        let mut ids: Vec<TokenId> =
            passes.iter().flat_map(|pass| pass.ids.iter().copied()).collect();
        let shadow = request.shadow.clone().map(|shadow| {
            let first = request.rows.start;
            first + shadow.start..first + shadow.end
        });
        ids.extend(shadow.iter().flat_map(|shadow| shadow.clone().map(|_| request.special.mask)));
        let shape = (passes.len(), ids.len() / passes.len());
        let ids = Tensor::from_vec(ids, shape, self.model.device())?;
        let Some(hidden) = self.model.hidden(&ids, None, shadow.clone(), watch)? else {
            return Ok(None);
        };
        let earlier = match &request.earlier {
            None => None,
            Some(pass) => match &self.last {
                Some((ids, hidden)) if *ids == pass.ids => Some(hidden.clone()),
                _ => match self.alone(&pass.ids, watch)? {
                    None => return Ok(None),
                    hidden => hidden,
                },
            },
        };
        if request.columns.has(Column::Kl) {
            self.last = Some((request.pass.ids.clone(), hidden.narrow(0, 0, 1)?));
        }
        let layers = self.model.config().n_layers;
        let columns = self.model.config().columns();
        let at_once = (LOGITS_AT_ONCE / columns / passes.len()).max(1);
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
                self.model.logits(&hidden)
            };
            let earlier = earlier.as_ref().map(|earlier| logits(earlier, 0)).transpose()?;
            let logits = match &request.guidance {
                None => logits(&hidden, 0)?,
                Some(guidance) => {
                    let (conditional, unconditional) = (logits(&hidden, 0)?, logits(&hidden, 1)?);
                    let difference = (conditional - &unconditional)?;
                    (unconditional + (difference * (guidance.scale + 1.0))?)?
                }
            };
            reducer.push(&logits, earlier.as_ref())?;
        }
        let prediction = reducer.finish();
        let Some(shadow) = shadow.filter(|_| request.columns.has(Column::PShadow)) else {
            return Ok(Some(prediction));
        };
        let shadows = hidden.get(0)?.narrow(0, request.pass.ids.len(), shadow.len())?;
        let mut p = vec![f32::NAN; request.rows.len()];
        let there = shadow.start - request.rows.start..shadow.end - request.rows.start;
        let seen = self.shadowed(request, shadow, &shadows, at_once)?;
        p[there].iter_mut().zip(seen).for_each(|(p, seen)| *p = seen);
        Ok(Some(prediction.with(Column::PShadow, Data::Numbers(p))))
    }

    /// The probability of the token that each position of `shadow` holds, at its shadow: plain
    /// logits, without filters or suppression.
    fn shadowed(
        &self,
        request: &Request,
        shadow: Range<usize>,
        hidden: &Tensor,
        at_once: usize,
    ) -> Result<Vec<f32>> {
        let plain = Request {
            rows: shadow.clone(),
            sampling: None,
            suppressed: Vec::new(),
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
            reducer.push(&self.model.logits(&hidden.narrow(0, start, rows)?)?, None)?;
        }
        let prediction = reducer.finish();
        Ok(prediction.numbers(Column::PCurrent).map(<[f32]>::to_vec).unwrap_or_default())
    }
}

impl Predictor for LladaPredictor {
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
