//! `klass`: a fixed length in blocks; a position is filled if its distribution has settled, that
//! is, if its KL divergence from the step before was under a threshold several times in a row,
//! and if it is confident; else the best are (KLASS, as `src/generation/klass.py` of
//! Kamichanw/d2Cache has it).
//!
//! Without a confidence threshold that code never takes the first way; here it is 0.9, the
//! paper's. What is remembered is how often in a row a position has been under the threshold of
//! the time: turning it does not change the past.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, PositionHistory, Shape, State},
        filtering::Filtering,
        specs::{
            BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, count, number,
            threshold,
        },
    },
    predict::Column,
};

const SPECS: &[ParamSpec] = &[
    number(
        "kl_threshold",
        "KL",
        "nats",
        (0.0, 100.0, 0.001),
        0.01,
        "A position has settled while its KL divergence from the step before is under this",
    ),
    ParamSpec {
        unit: "steps",
        ..count(
            "kl_history_length",
            "n_KL",
            (1, 2, 1),
            Affects::Decide,
            "For this many steps in a row",
        )
    },
    threshold(
        "threshold",
        "τ",
        0.9,
        "Of the positions that have settled those are unmasked whose confidence is at least this",
    ),
    count(
        "num_transfer_tokens",
        "n",
        (1, 1, 1),
        Affects::Decide,
        "How many are unmasked where none has settled: the most confident",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    TEMPERATURE_OFF,
    TOP_P_OFF,
    TOP_K,
    SEED,
];

pub(in crate::decode) struct Klass;

pub(in crate::decode) struct Settings {
    kl_threshold: f32,
    /// Steps in a row, at most 255.
    history: usize,
    threshold: f32,
    /// Positions filled where none has settled.
    transferred: usize,
    shape: Shape,
    filtering: Filtering,
}

impl BlockPolicy for Klass {
    type Settings = Settings;

    const NAME: &'static str = "klass";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            kl_threshold: params.float("kl_threshold")? as f32,
            history: params.count("kl_history_length")?.min(255),
            threshold: params.float("threshold")? as f32,
            transferred: params.count("num_transfer_tokens")?,
            shape: Shape::of(params)?,
            filtering: Filtering::of(params)?,
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.shape.whole_blocks()
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, state: &State) -> PassOptions {
        PassOptions {
            columns: &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos, Column::Kl],
            earlier: state.memory.as_ref().map(|memory| memory.tokens.clone()),
            ..settings.filtering.ask()
        }
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.filtering.temperature > 0.0
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let &Settings { kl_threshold, history, threshold, .. } = settings;
        let settled = settled(evidence, settings)?;
        let kl = |at: usize| evidence.prediction.number(Column::Kl, at).unwrap_or(f32::INFINITY);
        let has_settled = |at: &usize| usize::from(settled[*at]) >= history;
        let diverges =
            |at: usize| Test { measure: Measure::Divergence, value: kl(at), bound: kl_threshold };
        let unsure = |at: usize| Test {
            measure: Measure::Confidence,
            value: evidence.p[at],
            bound: threshold,
        };
        let fails = |at: usize| match has_settled(&at) {
            true => (at, LeftRule::Fails(unsure(at))),
            false if kl(at) < kl_threshold => {
                (at, LeftRule::Settles { steps: usize::from(settled[at]), of: history })
            }
            false => (at, LeftRule::Fails(diverges(at))),
        };
        let passes = |at: &usize| has_settled(at) && evidence.p[*at] >= threshold;
        let (filled, left): (Vec<usize>, Vec<usize>) =
            evidence.candidates.iter().partition(|at| passes(at));
        if !filled.is_empty() {
            return Ok(Picks {
                mode: Mode::HighConf,
                filled: filled.iter().map(|&at| (at, FillRule::Passes(diverges(at)))).collect(),
                left: left.into_iter().map(fails).collect(),
            });
        }
        let ranked = evidence.ranked(|at| f64::from(evidence.p[at]));
        let (best, left) = ranked.split_at(settings.transferred.min(ranked.len()));
        let best = best.iter().map(|&at| match fails(at) {
            (at, LeftRule::Fails(test)) => (at, FillRule::Best(test)),
            (at, _) => (at, FillRule::Best(unsure(at))),
        });
        Ok(Picks {
            mode: Mode::Fallback,
            filled: best.collect(),
            left: left.iter().map(|&at| fails(at)).collect(),
        })
    }

    fn remember(
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<PositionHistory>, DecodeError> {
        let settled = settled(evidence, settings)?;
        let tokens = evidence.canvas.tokens();
        Ok(Some(PositionHistory { settled, tokens, credits: Vec::new() }))
    }

    /// Beyond the steps that count, another one in a row changes nothing.
    fn settled(
        before: Option<&PositionHistory>,
        after: Option<&PositionHistory>,
        settings: &Settings,
    ) -> bool {
        let counted = |memory: &PositionHistory| -> Vec<usize> {
            memory.settled.iter().map(|&steps| usize::from(steps).min(settings.history)).collect()
        };
        match (before, after) {
            (Some(before), Some(after)) => {
                before.tokens == after.tokens && counted(before) == counted(after)
            }
            (before, after) => before == after,
        }
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        _: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let just_over = |x: f32| Value::Float(f64::from(x.next_up()));
        let each = |value: &dyn Fn(usize) -> f32| -> Vec<Value> {
            let values = (0..evidence.canvas.len()).map(value).filter(|value| value.is_finite());
            values.map(just_over).collect()
        };
        Ok(match name {
            "threshold" => Some(each(&|at| evidence.p[at])),
            // What is remembered of every position counts, not only of those in the block.
            "kl_threshold" => Some(each(&|at| {
                evidence.prediction.number(Column::Kl, at).unwrap_or(f32::INFINITY)
            })),
            _ => None,
        })
    }
}

/// How often in a row each position has been under the threshold, this step included. Before the
/// first step there is nothing to compare with.
fn settled(evidence: &BlockEvidence, settings: &Settings) -> Result<Vec<u8>, DecodeError> {
    let length = evidence.canvas.len();
    let Some(memory) = evidence.state.memory.as_ref().filter(|m| m.settled.len() == length) else {
        return Ok(vec![0; length]);
    };
    let kl = evidence.prediction.numbers(Column::Kl)?;
    let threshold = settings.kl_threshold;
    let pairs = memory.settled.iter().zip(kl);
    Ok(pairs.map(|(&n, &kl)| if kl < threshold { n.saturating_add(1) } else { 0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::{SpecialTokens, TokenId},
        decode::{AnyStrategy as _, Finish, Plan, State as AnyState, blocks::BlockStrategy},
        predict::{Data, Prediction},
    };

    const MASK: TokenId = 9;

    /// Two positions: the mask is the best guess at the first, a token at the second. `p` is their
    /// confidence and `kl` what every step after the first diverges.
    fn run(p: [f32; 2], kl: f32, history: i64) -> (Vec<Vec<TokenId>>, Finish) {
        let mut params = Params::defaults(SPECS);
        for (name, value) in
            [("gen_length", 2), ("block_length", 2), ("kl_history_length", history)]
        {
            params.set(name, Value::Int(value)).unwrap();
        }
        let strategy = BlockStrategy(Klass);
        let special = SpecialTokens { mask: MASK, eos: 8 };
        let (mut canvas, mut state) = strategy.start(&(&[1]).into(), special, &params).unwrap();
        let mut canvases = Vec::new();
        for step in 1..300 {
            let extras = crate::decode::Extras::NONE;
            match strategy.plan(&canvas, &state, &params, step, extras).unwrap() {
                Plan::Done(finish) => return (canvases, finish),
                Plan::Predict(_) => {}
            }
            let prediction = Prediction::new(2)
                .with(Column::Choice, Data::Ids(vec![MASK, 5]))
                .with(Column::PChoice, Data::Numbers(p.to_vec()))
                .with(Column::Kl, Data::Numbers(vec![kl; 2]));
            let decision = strategy.decide(&canvas, &state, &params, &prediction).unwrap();
            canvas = canvas.apply(&decision.edits, step).unwrap().canvas;
            state = decision.next;
            assert!(matches!(state, AnyState::Blocks(_)));
            canvases.push(canvas.tokens());
        }
        panic!("it does not end");
    }

    /// While positions settle the run goes on, though no step writes anything.
    #[test]
    fn a_run_is_stagnant_only_when_nothing_settles_any_more() {
        let check = |(p, kl, history), steps: usize, last: [TokenId; 2]| {
            let (canvases, finish) = run(p, kl, history);
            assert_eq!(finish, Finish::Stagnant);
            assert_eq!(canvases.len(), steps, "{canvases:?}");
            assert_eq!(canvases.last().unwrap(), &last);
        };
        // The best is the mask, so nothing is written at first; settled after 1 + 2 steps, the
        // second is over .9 and is written. The step behind it is the last one that diverges from a
        // canvas without it, and the one behind that has changed nothing any more.
        check(([0.99, 0.95], 0.0, 2), 5, [MASK, 5]);
        check(([0.99, 0.95], 0.0, 5), 8, [MASK, 5]);
        // Not confident enough: it ends when both have settled.
        check(([0.99, 0.5], 0.0, 2), 4, [MASK, MASK]);
        // What never settles changes nothing, but the first step begins the memory.
        check(([0.99, 0.95], 0.5, 2), 2, [MASK, MASK]);
    }
}
