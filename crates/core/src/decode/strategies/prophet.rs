//! `prophet`: LLaDA's fixed number a step, until the model is sure of the answer: then all that is
//! left is filled at once (Prophet, arXiv 2508.19982, `generate_earlyexit.py` of pixeli99/Prophet).
//!
//! What it is sure of is read at a few positions of the answer: the mean gap between the logits of
//! their two best tokens, written or not, against a threshold that falls as the steps go by. Where
//! these positions lie the user says, from 0 for the first generated position; the default is the
//! estimate in the published `main`. If they lie behind the end the run never stops early, as
//! there.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, Measure, Mode, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Over, Picks, Shape, State},
        filtering::SCORED,
        ranking::Ranking,
        schedule,
        specs::{
            BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, REMASKING, SEED, STEPS, TEMPERATURE, count, number,
        },
    },
    predict::{Column, Score},
};

const EARLY: &str = "early_threshold";
const MID: &str = "mid_threshold";
const LATE: &str = "late_threshold";

const SPECS: &[ParamSpec] = &[
    gap(
        EARLY,
        "τ_early",
        7.5,
        "In the first third of the steps all is unmasked from this mean gap on",
    ),
    gap(
        MID,
        "τ_mid",
        5.0,
        "In the second third of the steps all is unmasked from this mean gap on",
    ),
    gap(
        LATE,
        "τ_late",
        2.5,
        "In the last third of the steps all is unmasked from this mean gap on",
    ),
    count(
        "answer_start_pos",
        "answer",
        (0, 100, 1),
        Affects::Decide,
        "The first position of the answer, from 0; behind the end of the canvas no run stops early",
    ),
    count(
        "answer_length",
        "n_answer",
        (1, 5, 1),
        Affects::Decide,
        "How many positions of the answer the gap is the mean of",
    ),
    STEPS,
    GEN_LENGTH,
    BLOCK_LENGTH,
    REMASKING,
    TEMPERATURE,
    CFG_SCALE,
    SEED,
];

/// A threshold of the gap between two logits.
const fn gap(
    name: &'static str,
    symbol: &'static str,
    default: f64,
    help: &'static str,
) -> ParamSpec {
    number(name, symbol, "nats", (0.0, 1000.0, 0.1), default, help)
}

pub(in crate::decode) struct Prophet;

pub(in crate::decode) struct Settings {
    thresholds: [(&'static str, f32); 3],
    answer: (usize, usize),
    steps: usize,
    shape: Shape,
    ranking: Ranking,
    cfg_scale: f64,
}

impl Settings {
    /// Steps that a block gets.
    fn passes(&self) -> usize {
        (self.steps / self.shape.blocks()).max(1)
    }

    /// The name and value of the threshold that the present step goes by.
    fn threshold(&self, state: &State) -> (&'static str, f32) {
        let before = state.cursor / self.shape.block.max(1) * self.passes();
        let progress = (before + state.step + 1) as f64 / self.steps.max(1) as f64;
        let third = if progress < 0.33 { 0 } else { 1 + usize::from(progress >= 0.67) };
        self.thresholds[third]
    }

    /// The mean gap over the answer's positions; none if the canvas has none of them.
    fn gap(&self, evidence: &BlockEvidence) -> Result<Option<f32>, DecodeError> {
        let gaps = evidence.prediction.numbers(Column::Score)?;
        let (start, length) = self.answer;
        let end = start.saturating_add(length).min(gaps.len());
        let Some(answer) = gaps.get(start..end).filter(|gaps| !gaps.is_empty()) else {
            return Ok(None);
        };
        if let Some(at) = answer.iter().position(|gap| !gap.is_finite()) {
            return Err(DecodeError::NotFinite(start + at));
        }
        let sum: f64 = answer.iter().map(|&gap| f64::from(gap)).sum();
        Ok(Some((sum / answer.len() as f64) as f32))
    }
}

impl BlockPolicy for Prophet {
    type Settings = Settings;

    const NAME: &'static str = "prophet";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        let threshold = |name| params.float(name).map(|value| (name, value as f32));
        Ok(Settings {
            thresholds: [threshold(EARLY)?, threshold(MID)?, threshold(LATE)?],
            answer: (params.count("answer_start_pos")?, params.count("answer_length")?),
            steps: params.count(STEPS.name)?,
            shape: Shape::of(params)?,
            ranking: Ranking::of(params)?,
            cfg_scale: params.float(CFG_SCALE.name)?,
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.shape.whole_blocks()?;
        let (steps, blocks) = (settings.steps, settings.shape.blocks());
        if steps.is_multiple_of(blocks) {
            return Ok(());
        }
        Err(DecodeError::Unfit(format!(
            "steps must be a multiple of the number of blocks, {blocks}, as the reference has it: \
             {steps} is not. Take steps {}",
            steps.next_multiple_of(blocks)
        )))
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        PassOptions {
            columns: SCORED,
            score: Some(Score::Gap),
            cfg_scale: settings.cfg_scale,
            ..settings.ranking.ask()
        }
    }

    fn ends(settings: &Settings, _: usize) -> Ends {
        Ends::After(settings.passes())
    }

    fn draws(settings: &Settings) -> bool {
        settings.ranking.draws()
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let (_, bound) = settings.threshold(&evidence.state);
        if let Some(value) = settings.gap(evidence)?.filter(|gap| *gap >= bound) {
            let rule = FillRule::Passes(Test { measure: Measure::Gap, value, bound });
            let canvas = evidence.canvas;
            let open = (0..canvas.len()).filter(|&at| canvas.is_open(at));
            let filled = open.map(|at| (at, rule)).collect();
            return Ok(Picks { mode: Mode::HighConf, filled, left: Vec::new() });
        }
        let quotas = schedule::even(evidence.state.masks, settings.passes());
        let quota = quotas.get(evidence.state.step).copied().unwrap_or(0);
        Ok(Picks::quota(&settings.ranking.ranked(evidence), quota))
    }

    fn over(picks: &Picks) -> Option<Over> {
        (picks.mode == Mode::HighConf).then_some(Over::Early)
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        if !settings.thresholds.iter().any(|(own, _)| *own == name) {
            return Ok(None);
        }
        let (read, _) = settings.threshold(&evidence.state);
        // The first threshold that the gap does not reach; only one of the three is looked at.
        let gap = settings.gap(evidence)?.filter(|_| read == name);
        Ok(Some(gap.iter().map(|gap| Value::Float(f64::from(gap.next_up()))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Recipe;

    #[test]
    fn the_threshold_falls_by_thirds_of_the_steps() {
        let recipe = Recipe::parse("prophet:steps=12,gen_length=8,block_length=4").unwrap();
        let settings = Prophet::settings(&recipe.params(&[]).unwrap()).unwrap();
        let check = |cursor: usize, step: usize, expected: &str| {
            let state =
                State { cursor, step, masks: 4, idle: 0, over: None, memory: None, width: None };
            assert_eq!(settings.threshold(&state).0, expected, "{cursor} {step}");
        };
        // Steps 3 of 12 and 4 of 12: .25 and .333.
        check(0, 2, EARLY);
        check(0, 3, MID);
        // Steps 8 and 9: .667 and .75.
        check(4, 1, MID);
        check(4, 2, LATE);
    }
}
