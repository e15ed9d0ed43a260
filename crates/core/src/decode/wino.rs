//! `wino`: wide in, narrow out (arXiv 2507.18578; `LLaDA/decoding.py` of Feng-Hong/WINO-DLLM).
//!
//! A step drafts every masked position of the block whose confidence is over `threshold`, and
//! verifies what is written in it: a *shadow* of each position, a mask that sees all but the
//! position itself, says how probable the token is without being known. What falls under
//! `threshold_back` is masked again, always fewer than were drafted in the step before, so that a
//! block ends.
//!
//! Differences to the source: a draft of the mask token is not written and does not count as
//! accepted (there it stays in the answer for good); where such drafts are all there is, the run
//! is stagnant. Probabilities are compared in f32, not f64. There are no recorded runs of the
//! source to compare with: decisions are held against its rules, worked out by hand, and shadows
//! against a pass over a canvas whose position is masked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Affects, Decision, DecodeError, Extras, FillRule, Finish, Growth, LeftRule, Measure, Mode,
    ParamSpec, Params, Phase, Plan, RemaskRule, State as AnyState, Strategy, Test, Value, Verdict,
    ask::Ask,
    blocks::{IDLE, Over, back_to_open, is_zero, open, window},
    low_confidence,
    specs::{BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE, count, threshold},
};
use crate::{
    canvas::{Canvas, Edit, SpecialTokens, TokenId},
    predict::{Column, Prediction},
};

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ_high",
        0.6,
        "Masked positions with a confidence over this are drafted; if there are none, the best",
    ),
    threshold(
        "threshold_back",
        "τ_back",
        0.9,
        "Written positions whose token is less probable than this, seen without it, are masked \
         again",
    ),
    GEN_LENGTH,
    ParamSpec {
        aliases: BLOCK_LENGTH.aliases,
        help: "Width of a block; blocks are filled one after the other",
        ..count("block_length", "block", (1, 128, 1), Affects::Predict, "")
    },
    TEMPERATURE,
    SEED,
];

/// What counts as accepted before the first step of a block.
const FIRST: usize = 30;

/// The most drafts of a step: 7 in 10 masks, at least 5, at most 20; in f32, as the source does.
fn most_drafts(masks: usize) -> usize {
    ((masks as f32 * 0.7) as usize).clamp(5, 20)
}

/// What is remembered between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// First position of the block in work; at or past the length when all blocks are done.
    pub cursor: usize,
    /// Positions written by the step before, 30 at the start of a block: fewer are masked again.
    pub accepted: usize,
    /// Steps since one changed the canvas.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// No later step can change anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

impl State {
    /// The state at the first block from `cursor` on that has something to fill.
    fn enter(canvas: &Canvas, mut cursor: usize, block: usize) -> Self {
        while cursor < canvas.len() && open(canvas, cursor, block).next().is_none() {
            cursor = cursor.saturating_add(block);
        }
        Self { cursor, accepted: FIRST, idle: 0, over: None }
    }

    /// The state, moved on if its block was made so narrow that nothing is left in it.
    fn at_work(self, canvas: &Canvas, block: usize) -> Self {
        match open(canvas, self.cursor, block).next().is_none() {
            true => Self { over: self.over, ..Self::enter(canvas, self.cursor, block) },
            false => self,
        }
    }
}

/// The strategy.
#[derive(Debug, Clone, Copy)]
pub struct Wino;

/// What a step goes by.
struct Sight<'a> {
    state: State,
    block: usize,
    /// Open positions up to the end of the block, surest first.
    ranked: Vec<usize>,
    /// Written positions of the block that may be masked again, least sure first.
    written: Vec<usize>,
    choice: &'a [TokenId],
    p: &'a [f32],
    back: &'a [f32],
}

impl<'a> Sight<'a> {
    fn of(
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        prediction: &'a Prediction,
    ) -> Result<Self, DecodeError> {
        if prediction.rows() != canvas.len() {
            return Err(DecodeError::Rows { expected: canvas.len(), found: prediction.rows() });
        }
        let block = width(params)?;
        let state = own(state)?.at_work(canvas, block);
        let p = prediction.numbers(Column::PChoice)?;
        let back = prediction.numbers(Column::PShadow)?;
        let window = window(canvas, state.cursor, block);
        let mut ranked: Vec<usize> = (0..window.end).filter(|&at| canvas.is_open(at)).collect();
        let cells = canvas.cells();
        let mut written: Vec<usize> =
            window.filter(|&at| !canvas.is_masked(at) && !cells[at].wish.pinned).collect();
        let faults = ranked.iter().filter(|&&at| !p[at].is_finite());
        if let Some(&at) = faults.chain(written.iter().filter(|&&at| !back[at].is_finite())).next()
        {
            return Err(DecodeError::NotFinite(at));
        }
        ranked.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        written.sort_by(|&a, &b| back[a].total_cmp(&back[b]));
        let choice = prediction.ids(Column::Choice)?;
        Ok(Self { state, block, ranked, written, choice, p, back })
    }
}

fn own(state: &AnyState) -> Result<State, DecodeError> {
    match state {
        AnyState::Wino(state) => Ok(*state),
        _ => Err(DecodeError::State),
    }
}

fn width(params: &Params) -> Result<usize, DecodeError> {
    Ok(low_confidence::shape(params)?.block.max(1))
}

impl Strategy for Wino {
    fn name(&self) -> &'static str {
        "wino"
    }

    fn params(&self) -> &'static [ParamSpec] {
        SPECS
    }

    fn revises(&self) -> bool {
        true
    }

    fn start(
        &self,
        prompt: &[TokenId],
        special: SpecialTokens,
        params: &Params,
    ) -> Result<(Canvas, AnyState), DecodeError> {
        let shape = low_confidence::shape(params)?;
        let canvas = Canvas::masked(prompt, shape.length, special);
        let state = State::enter(&canvas, 0, shape.block.max(1));
        Ok((canvas, AnyState::Wino(state)))
    }

    fn plan(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        step: u32,
        extras: Extras,
    ) -> Result<Plan, DecodeError> {
        let block = width(params)?;
        let state = own(state)?.at_work(canvas, block);
        match state.over {
            Some(Over::Stagnant) => return Ok(Plan::Done(Finish::Stagnant)),
            Some(Over::OutOfSteps) => return Ok(Plan::Done(Finish::OutOfSteps)),
            None if state.cursor < canvas.len() => {}
            None if canvas.masks() > 0 => return Ok(Plan::Done(Finish::OutOfSteps)),
            None => return Ok(Plan::Done(Finish::Complete)),
        }
        let ask = Ask {
            columns: &[
                Column::Argmax,
                Column::Choice,
                Column::PChoice,
                Column::PEos,
                Column::PShadow,
            ],
            shadow: Some(window(canvas, state.cursor, block)),
            ..low_confidence::noised(params)?
        };
        Ok(Plan::Predict(Box::new(ask.request(canvas, step, extras))))
    }

    fn decide(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Decision, DecodeError> {
        let sight = Sight::of(canvas, state, params, prediction)?;
        let (high, low) =
            (params.float("threshold")? as f32, params.float("threshold_back")? as f32);
        let mut verdicts: Vec<Verdict> = (0..canvas.len())
            .map(|at| match canvas.is_masked(at) {
                false => Verdict::Written,
                true => {
                    let pinned = canvas.cells()[at].wish.pinned;
                    let rule = if pinned { LeftRule::Pinned } else { LeftRule::OutsideBlock };
                    Verdict::Left { p: sight.p[at], rule }
                }
            })
            .collect();
        let mut edits = Vec::new();

        let over = sight.ranked.iter().take_while(|&&at| sight.p[at] > high).count();
        let quota = most_drafts(sight.ranked.len());
        let drafts = if over == 0 { 1 } else { over.min(quota) };
        let best = (over == 0).then(|| sight.ranked.first().map(|&at| (at, sight.p[at]))).flatten();
        for (index, &at) in sight.ranked.iter().enumerate() {
            let (token, p) = (sight.choice[at], sight.p[at]);
            verdicts[at] = if index >= drafts {
                let rule = match index < over {
                    true => LeftRule::Quota { rank: index + 1, quota },
                    false => LeftRule::NotConfident { threshold: high, best },
                };
                Verdict::Left { p, rule }
            } else if token == canvas.special().mask {
                Verdict::Left { p, rule: LeftRule::PredictsMask }
            } else {
                edits.push(Edit::Fill { slot: canvas.cells()[at].slot, token });
                let rule = match over {
                    0 => FillRule::BestOfBlock { threshold: high },
                    _ => FillRule::Above { threshold: high },
                };
                Verdict::Fill { token, p, rule }
            };
        }

        let accepted = edits.len();
        let failing = sight.written.iter().take_while(|&&at| sight.back[at] < low);
        let most = if accepted > 1 { sight.state.accepted.saturating_sub(1) } else { 0 };
        for &at in failing.take(most) {
            let (slot, token, p) =
                (canvas.cells()[at].slot, canvas.cells()[at].token, sight.back[at]);
            edits.push(Edit::Remask { slot });
            let test = Test { measure: Measure::Verified, value: p, bound: low };
            verdicts[at] = Verdict::Remask { token, p: Some(p), rule: RemaskRule::Fails(test) };
        }

        let after = canvas.apply(&edits, 0)?.canvas;
        let next = next(&after, &sight, params, accepted)?;
        Ok(Decision {
            mode: match (edits.len() > accepted, over) {
                (true, _) => Mode::Remask,
                (false, 0) => Mode::Fallback,
                (false, _) => Mode::HighConf,
            },
            edits,
            verdicts,
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: AnyState::Wino(next),
        })
    }

    fn edited(
        &self,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
    ) -> Result<AnyState, DecodeError> {
        let block = width(params)?;
        let cursor = back_to_open(canvas, own(state)?.cursor, block);
        Ok(AnyState::Wino(State::enter(canvas, cursor, block)))
    }

    /// Exact for both thresholds.
    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &AnyState,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let sight = Sight::of(canvas, state, params, prediction)?;
        let values = |values: Vec<f32>| {
            Ok(Some(values.into_iter().map(|value| Value::Float(f64::from(value))).collect()))
        };
        match name {
            // At its own confidence a position is no longer over the threshold.
            "threshold" => values(sight.ranked.iter().map(|&at| sight.p[at]).collect()),
            "threshold_back" => {
                values(sight.written.iter().map(|&at| sight.back[at].next_up()).collect())
            }
            _ => {
                let decides = params.spec(name)?.affects == Affects::Decide;
                Ok((!decides).then(Vec::new))
            }
        }
    }

    fn phase(&self, canvas: &Canvas, state: &AnyState, params: &Params) -> Phase {
        let (Ok(state), Ok(block)) = (own(state), width(params)) else { return Phase::unknown() };
        let state = state.at_work(canvas, block);
        Phase {
            stage: 1,
            name: "drafting and verifying",
            block: Some(window(canvas, state.cursor, block)),
        }
    }
}

fn next(
    after: &Canvas,
    sight: &Sight,
    params: &Params,
    accepted: usize,
) -> Result<State, DecodeError> {
    let (state, block) = (sight.state, sight.block);
    if open(after, state.cursor, block).next().is_none() {
        return Ok(State::enter(after, state.cursor.saturating_add(block), block));
    }
    // Without a draft nothing is masked again, so nothing changes.
    let idle = if accepted == 0 { state.idle + 1 } else { 0 };
    let patience = if params.float("temperature")? > 0.0 { IDLE } else { 1 };
    let over = (idle >= patience).then_some(Over::Stagnant);
    Ok(State { accepted, idle, over, ..state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Data;

    const MASK: TokenId = 9;

    #[test]
    fn drafts_are_bounded_as_in_the_source() {
        for (masks, most) in [(0, 5), (7, 5), (8, 5), (9, 6), (10, 7), (20, 14), (29, 20), (99, 20)]
        {
            assert_eq!(most_drafts(masks), most, "{masks}");
        }
    }

    /// One step over `tokens`: what holds in the block of the first eight, by hand.
    fn check(
        tokens: &[TokenId],
        accepted: usize,
        (p, back): (&[f32], &[f32]),
        (fills, remasks): (&[usize], &[usize]),
        after: usize,
    ) {
        let special = SpecialTokens { mask: MASK, eos: 8 };
        let canvas = Canvas::holding(vec![1], tokens, special);
        let mut params = Params::defaults(SPECS);
        params.set("gen_length", Value::Int(tokens.len() as i64)).unwrap();
        params.set("block_length", Value::Int(8)).unwrap();
        let state = State { cursor: 0, accepted, idle: 0, over: None };
        let prediction = Prediction::new(tokens.len())
            .with(Column::Choice, Data::Ids(vec![5; tokens.len()]))
            .with(Column::PChoice, Data::Numbers(p.to_vec()))
            .with(Column::PShadow, Data::Numbers(back.to_vec()));
        let decision = Wino.decide(&canvas, &AnyState::Wino(state), &params, &prediction).unwrap();
        assert_eq!(decision.fills().map(|(at, _)| at).collect::<Vec<_>>(), fills);
        assert_eq!(decision.remasks().map(|(at, _)| at).collect::<Vec<_>>(), remasks);
        let AnyState::Wino(next) = decision.next else { panic!("{:?}", decision.next) };
        assert_eq!(next.accepted, after);
    }

    #[test]
    fn steps_draft_widely_and_take_back_narrowly() {
        let m = MASK;
        let half = [m, m, m, m, 3, 3, 3, 3];
        let sure = [0.7, 0.65, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0];
        let back = [0.0, 0.0, 0.0, 0.0, 0.95, 0.5, 0.89, 0.2];
        // Two drafts, three under .9, and all of them may go.
        check(&half, 30, (&sure, &back), (&[0, 1], &[5, 6, 7]), 2);
        // Three were accepted before, so two go: the least probable.
        check(&half, 3, (&sure, &back), (&[0, 1], &[5, 7]), 2);
        // One was accepted: none goes.
        check(&half, 1, (&sure, &back), (&[0, 1], &[]), 2);
        // One draft: nothing is verified.
        let one = [0.7, 0.6, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0];
        check(&half, 30, (&one, &back), (&[0], &[]), 1);
        // None is over .6: the best.
        let none = [0.1, 0.6, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0];
        check(&half, 30, (&none, &back), (&[1], &[]), 1);
        // Eight are over, five of eight masks may be drafted.
        let all = [0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97];
        check(&[m; 8], 30, (&all, &back), (&[3, 4, 5, 6, 7], &[]), 5);
    }
}
