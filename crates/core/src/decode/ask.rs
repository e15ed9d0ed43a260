//! What strategies ask of the model: the parts of a request that they share.

use std::ops::Range;

use super::{
    Extras, TokenList,
    noise::{NoisePlace, Purpose},
};
use crate::{
    canvas::{Canvas, Cell, TokenId},
    predict::{
        Attention, Column, ColumnSet, Credits, Filters, Grid, Guidance, Pass, Reading, Request,
        Sampling, Score,
    },
};

/// Random tokens in the place of masks: each drawn from the first `vocabulary` tokens by seed, step and slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputNoise {
    /// Seed of the run's noise.
    pub seed: u64,
    /// Number of the step, from 0.
    pub step: u64,
    /// Tokens that are drawn from.
    pub vocabulary: u32,
}

impl InputNoise {
    /// Prompt, region and suffix, with noise for masks.
    fn ids(self, canvas: &Canvas) -> Vec<TokenId> {
        let place = NoisePlace { seed: self.seed, round: 0, step: self.step };
        let drawn = |cell: &Cell| {
            let share = place.uniform(Purpose::Input, cell.slot);
            (share * f64::from(self.vocabulary)) as TokenId
        };
        let mask = canvas.special().mask;
        let input = |cell: &Cell| if cell.token == mask { drawn(cell) } else { cell.token };
        canvas.around(canvas.cells().iter().map(input))
    }
}

/// What a strategy wants of a forward pass beyond the canvas itself.
#[derive(Debug, Clone, Default)]
pub(super) struct PassOptions {
    /// Columns its decision reads.
    pub columns: &'static [Column],
    /// Guidance by a second canvas with all masked that is fixed, if over 0.
    pub cfg_scale: f64,
    /// Noise on the choice of tokens, if over 0.
    pub temperature: f64,
    /// Seed of the noise.
    pub seed: u64,
    /// Whether row `i` reads the logits of position `i - 1`, where a parameter says; else the
    /// model does.
    pub shift: Option<bool>,
    /// Temperature, top-p and top-k applied before all else.
    pub filters: Option<Filters>,
    /// Tokens made impossible everywhere.
    pub suppressed: TokenList,
    /// The token whose prediction expands a position: made impossible where the user forbade that.
    pub expands_by: Option<TokenId>,
    /// Random tokens that the model is given in the place of masks.
    pub noise: Option<InputNoise>,
    /// Tokens that may be chosen but have no probability.
    pub begin_suppressed: TokenList,
    /// What [`Column::Score`] is computed as; `None` where the decision reads no score.
    pub score: Option<Score>,
    /// The generated region at an earlier step, which [`Column::Kl`] compares with.
    pub earlier: Option<Vec<TokenId>>,
    /// Generated positions that get a shadow.
    pub shadow: Option<Range<usize>>,
    /// Who may attend to whom, where the strategy says; else the model does.
    pub attention: Option<Attention>,
    /// The first generated position that the pass is asked about: nothing is read of those before.
    pub first_row: usize,
    /// Credit of tokens, which raises their logits in the choice.
    pub credits: Option<Credits>,
    /// Logits that are lowered: row of the pass, token and by how much.
    pub lowered: Vec<(usize, TokenId, f32)>,
    /// How many of the best tokens of a position the decision may have to choose from.
    pub alternatives: Option<usize>,
}

impl PassOptions {
    /// The request on `canvas` for the step with this number.
    pub(super) fn request(&self, canvas: &Canvas, step: u32, extras: Extras) -> Request {
        let rows = self.first_row..canvas.len();
        let slots = || canvas.cells().range(rows.clone()).map(|cell| cell.slot).collect();
        let prompt = canvas.prompt().len();
        let own = self.attention.clone();
        let attention = own.unwrap_or_else(|| attention(extras.reading, prompt));
        let pass = |ids| Pass { ids, positions: None, attention: attention.clone() };
        Request {
            pass: pass(self.noise.map_or_else(|| canvas.ids(), |noise| noise.ids(canvas))),
            guidance: (self.cfg_scale > 0.0).then(|| Guidance {
                scale: self.cfg_scale,
                unconditional: pass(unconditional(canvas)),
            }),
            rows: prompt + self.first_row..prompt + canvas.len(),
            shift: self.shift.unwrap_or(extras.reading.shift),
            sampling: (self.temperature > 0.0).then(|| Sampling {
                temperature: self.temperature,
                seed: self.seed,
                step,
                slots: slots(),
            }),
            suppressed: self.suppressed(canvas),
            lowered: self.lowered.clone(),
            begin_suppressed: self.begin_suppressed.ids().to_vec(),
            filters: self.filters,
            score: self.score,
            earlier: self
                .earlier
                .as_ref()
                .map(|tokens| pass(canvas.around(tokens.iter().copied()))),
            shadow: self.shadow.clone(),
            credits: self.credits.clone(),
            alternatives: self.alternatives,
            targets: Vec::new(),
            cached: None,
            special: canvas.special(),
            columns: ColumnSet::of(self.columns).and(extras.columns),
            top_k: extras.top_k,
        }
    }

    fn suppressed(&self, canvas: &Canvas) -> Vec<(usize, TokenId)> {
        let rows = canvas.cells().range(self.first_row..canvas.len()).enumerate();
        let mut all: Vec<(usize, TokenId)> = rows
            .flat_map(|(row, cell)| {
                let masked = cell.token == canvas.special().mask;
                let vetoes = canvas.vetoes_at(cell.slot).filter(move |_| masked);
                let forbidden = cell.overridden.expand == Some(false);
                let expands = self
                    .expands_by
                    .filter(|token| forbidden && masked && !self.suppressed.ids().contains(token));
                let suppressed = self.suppressed.ids().iter().copied().chain(expands);
                vetoes.chain(suppressed).map(move |token| (row, token))
            })
            .collect();
        all.dedup();
        all
    }
}

/// Who may attend to whom, behind a prompt of this many tokens.
fn attention(reading: Reading, prompt: usize) -> Attention {
    match reading.block {
        None | Some(0) => Attention::Full,
        Some(block) => {
            let before = match reading.grid {
                Grid::Prompt => prompt.next_multiple_of(block) - prompt,
                Grid::Start => 0,
            };
            Attention::BlockCausal { block, before, seen: None }
        }
    }
}

/// The canvas without its condition: prompt, suffix and given text masked, what is generated kept.
fn unconditional(canvas: &Canvas) -> Vec<TokenId> {
    let mask = canvas.special().mask;
    let (before, behind) = (canvas.prompt().len(), canvas.suffix().len());
    let generated = canvas.inputs().into_iter().zip(canvas.cells());
    let generated = generated.map(|(id, cell)| if cell.is_given() { mask } else { id });
    let masks = |n| std::iter::repeat_n(mask, n);
    masks(before).chain(generated).chain(masks(behind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::SpecialTokens;

    #[test]
    fn guidance_compares_with_a_canvas_that_nothing_fixed_is_on() {
        let special = SpecialTokens { mask: 9, eos: 8 };
        let canvas = Canvas::holding([1, 2], &[9, 3, 4], special).with_given([1]).with_suffix([5]);
        assert_eq!(canvas.ids(), [1, 2, 9, 3, 4, 5]);
        assert_eq!(unconditional(&canvas), [9, 9, 9, 9, 4, 9]);
    }

    #[test]
    fn blocks_begin_with_the_generated_region_or_with_the_sequence() {
        let check = |block, grid, expected| {
            assert_eq!(attention(Reading { shift: false, block, grid }, 6), expected);
        };
        check(None, Grid::Start, Attention::Full);
        check(Some(4), Grid::Prompt, Attention::BlockCausal { block: 4, before: 2, seen: None });
        check(Some(3), Grid::Prompt, Attention::BlockCausal { block: 3, before: 0, seen: None });
        check(Some(4), Grid::Start, Attention::BlockCausal { block: 4, before: 0, seen: None });
    }
}
