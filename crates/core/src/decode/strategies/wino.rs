//! `wino`: wide in, narrow out (arXiv 2507.18578; `LLaDA/decoding.py` of Feng-Hong/WINO-DLLM).
//!
//! A step drafts every masked position of the block whose confidence is over `threshold`, and
//! verifies what is written in it: a *shadow* of each position, a mask that sees all but the
//! position itself, says how probable the token is without being known. What falls under
//! `threshold_back` is remasked, always fewer than were drafted in the step before, so that a
//! block ends.
//!
//! Differences to the source: a draft of the mask token is not written and does not count as
//! accepted (there it stays in the answer for good); where such drafts are all there is, the run
//! is stagnant. Probabilities are compared in f32, not f64. There are no recorded runs of the
//! source to compare with: decisions are tested against its rules, worked out by hand, and shadows
//! against a pass over a canvas whose position is masked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{Canvas, Edit, FixedText, SpecialTokens, TokenId},
    decode::{
        Affects, DecisionOf, DecodeError, FillRule, Finish, Growth, LeftRule, Measure, Mode,
        ParamSpec, Params, Phase, Plan, RemaskRule, Test, Value, Verdict,
        ask::PassOptions,
        blocks::{IDLE, Over, Shape, back_to_open, is_zero, open, outside, window},
        specs::{BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE, count, threshold},
        strategy::{Context, Strategy},
    },
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
        "Positions whose token is less probable than this, seen without it, are remasked",
    ),
    GEN_LENGTH,
    ParamSpec {
        aliases: BLOCK_LENGTH.aliases,
        role: BLOCK_LENGTH.role,
        help: "Width of a block; blocks are decoded one after the other",
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
    /// Positions written by the step before, 30 at the start of a block: fewer are remasked.
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

/// The strategy `wino`: tokens are unmasked early, verified, and remasked if they fail.
#[derive(Debug, Clone, Copy)]
pub struct Wino;

pub(in crate::decode) struct Settings {
    threshold: f32,
    threshold_back: f32,
    length: usize,
    /// Positions of a block, at least 1.
    block: usize,
    temperature: f64,
    seed: u64,
}

/// What a step is decided on.
struct WinoEvidence<'a> {
    state: State,
    /// Open positions up to the end of the block, most confident first.
    ranked: Vec<usize>,
    /// Written positions of the block that may be remasked, least probable first.
    written: Vec<usize>,
    choice: &'a [TokenId],
    p: &'a [f32],
    back: &'a [f32],
}

impl<'a> WinoEvidence<'a> {
    fn of(at: Context<Wino>, prediction: &'a Prediction) -> Result<Self, DecodeError> {
        let (canvas, block) = (at.canvas, at.settings.block);
        let state = at.state.at_work(canvas, block);
        let p = prediction.numbers(Column::PChoice)?;
        let back = prediction.numbers(Column::PShadow)?;
        let window = window(canvas, state.cursor, block);
        let mut ranked: Vec<usize> = (0..window.end).filter(|&at| canvas.is_open(at)).collect();
        let cells = canvas.cells();
        let mut written: Vec<usize> =
            window.filter(|&at| !canvas.is_masked(at) && !cells[at].is_fixed()).collect();
        let faults = ranked.iter().filter(|&&at| !p[at].is_finite());
        if let Some(&at) = faults.chain(written.iter().filter(|&&at| !back[at].is_finite())).next()
        {
            return Err(DecodeError::NotFinite(at));
        }
        ranked.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        written.sort_by(|&a, &b| back[a].total_cmp(&back[b]));
        let choice = prediction.ids(Column::Choice)?;
        Ok(Self { state, ranked, written, choice, p, back })
    }
}

impl Strategy for Wino {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "wino";
    const PARAMS: &'static [ParamSpec] = SPECS;
    const CHANGES_TOKENS: bool = true;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        let Shape { length, block } = Shape::of(params)?;
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            threshold_back: params.float("threshold_back")? as f32,
            length,
            block: block.max(1),
            temperature: params.float("temperature")?,
            seed: params.seed("seed")?,
        })
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let canvas = text.canvas(settings.length, special);
        let state = State::enter(&canvas, 0, settings.block);
        Ok((canvas, state))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, settings, .. } = at;
        let state = at.state.at_work(canvas, settings.block);
        match state.over {
            Some(over) => return Plan::Done(over.finish(canvas)),
            None if state.cursor < canvas.len() => {}
            None if canvas.masks() > 0 => return Plan::Done(Finish::OutOfSteps),
            None => return Plan::Done(Finish::Complete),
        }
        Plan::Predict(PassOptions {
            columns: &[
                Column::Argmax,
                Column::Choice,
                Column::PChoice,
                Column::PEos,
                Column::PShadow,
            ],
            shadow: Some(window(canvas, state.cursor, settings.block)),
            temperature: settings.temperature,
            seed: settings.seed,
            ..PassOptions::default()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, settings, .. } = at;
        let evidence = WinoEvidence::of(at, prediction)?;
        let (high, low) = (settings.threshold, settings.threshold_back);
        let mut verdicts = outside(canvas, evidence.p);
        let mut edits = Vec::new();

        let over = evidence.ranked.iter().take_while(|&&at| evidence.p[at] > high).count();
        let quota = most_drafts(evidence.ranked.len());
        let drafts = if over == 0 { 1 } else { over.min(quota) };
        let first = evidence.ranked.first().map(|&at| (at, evidence.p[at]));
        let best = first.filter(|_| over == 0);
        for (index, &at) in evidence.ranked.iter().enumerate() {
            let (token, p) = (evidence.choice[at], evidence.p[at]);
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
                    0 => FillRule::BestOfBlock,
                    _ => FillRule::Above,
                };
                Verdict::Fill { token, p, rule, threshold: Some(high) }
            };
        }

        let accepted = edits.len();
        let failing = evidence.written.iter().take_while(|&&at| evidence.back[at] < low);
        let most = if accepted > 1 { evidence.state.accepted.saturating_sub(1) } else { 0 };
        for &at in failing.take(most) {
            let (slot, token, p) =
                (canvas.cells()[at].slot, canvas.cells()[at].token, evidence.back[at]);
            edits.push(Edit::Remask { slot });
            let test = Test { measure: Measure::Verified, value: p, bound: low };
            verdicts[at] = Verdict::Remask { token, p: Some(p), rule: RemaskRule::Fails(test) };
        }

        let after = canvas.apply(&edits, 0)?.canvas;
        Ok(DecisionOf {
            mode: match (edits.len() > accepted, over) {
                (true, _) => Mode::Remask,
                (false, 0) => Mode::Fallback,
                (false, _) => Mode::HighConf,
            },
            edits,
            verdicts: verdicts.into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: next(&after, evidence.state, settings, accepted),
        })
    }

    fn edited(at: Context<Self>) -> State {
        let block = at.settings.block;
        State::enter(at.canvas, back_to_open(at.canvas, at.state.cursor, block), block)
    }

    /// Exact for both thresholds.
    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let evidence = WinoEvidence::of(at, prediction)?;
        let value = |value: f32| Value::Float(f64::from(value));
        Ok(match name {
            // At its own confidence a position is no longer over the threshold.
            "threshold" => Some(evidence.ranked.iter().map(|&at| value(evidence.p[at])).collect()),
            "threshold_back" => {
                let over = |&at: &usize| value(evidence.back[at].next_up());
                Some(evidence.written.iter().map(over).collect())
            }
            _ => None,
        })
    }

    fn phase(at: Context<Self>) -> Phase {
        let Context { canvas, settings, .. } = at;
        let state = at.state.at_work(canvas, settings.block);
        Phase {
            stage: 1,
            name: "drafting and verifying",
            block: Some(window(canvas, state.cursor, settings.block)),
        }
    }
}

fn next(after: &Canvas, state: State, settings: &Settings, accepted: usize) -> State {
    let block = settings.block;
    if open(after, state.cursor, block).next().is_none() {
        return State::enter(after, state.cursor.saturating_add(block), block);
    }
    // Without a draft nothing is remasked, so nothing changes.
    let idle = if accepted == 0 { state.idle + 1 } else { 0 };
    let patience = if settings.temperature > 0.0 { IDLE } else { 1 };
    let over = (idle >= patience).then_some(Over::Stagnant);
    State { accepted, idle, over, ..state }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{AnyStrategy as _, State as AnyState},
        predict::Data,
    };

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
