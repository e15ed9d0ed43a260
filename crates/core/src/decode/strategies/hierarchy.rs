//! `hierarchy`: a fixed length in blocks; every run of masks is parted by its most
//! confident position, so that positions filled together stand apart (dInfer's hierarchical decoding).
//!
//! `HierarchyDecoder` in `python/dinfer/decoding/parallel_strategy.py` of inclusionAI/dInfer: of
//! each run of neighbouring masks in the block the most confident is filled if it is over the low
//! threshold, anything over the threshold is, and the most confident of the block in any case. Its class
//! has no threshold and 0.4; its programs run it with 0.9. Variant `fast_v2` is
//! `get_transfer_index_hierarchy_fast_v2` there: where not even the most confident reaches the low
//! threshold it alone parts its run, and of equals the first. The third function, which masks written
//! positions again, is not here.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamSpec, Params, Test, Value,
        ask::PassOptions,
        blocks::{BlockEvidence, BlockPolicy, Ends, Picks, Shape, State},
        filtering::PLAIN,
        specs::{BLOCK_LENGTH, GEN_LENGTH, SEED, TEMPERATURE, choice, threshold},
    },
};

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.9,
        "Every masked position of the block whose confidence is over this is unmasked; from 1 on \
         none is",
    ),
    threshold(
        "low_threshold",
        "τ_low",
        0.4,
        "The most confident position of each run of neighbouring masks is unmasked if its \
         confidence is over this",
    ),
    GEN_LENGTH,
    BLOCK_LENGTH,
    TEMPERATURE,
    choice(
        "variant",
        "variant",
        &["dinfer", "fast_v2"],
        Affects::Decide,
        "Whose version: the decoder's, or that of dInfer's older function",
    ),
    SEED,
];

pub(in crate::decode) struct Hierarchy;

pub(in crate::decode) struct Settings {
    threshold: f32,
    low: f32,
    shape: Shape,
    temperature: f64,
    seed: u64,
    older: bool,
}

impl BlockPolicy for Hierarchy {
    type Settings = Settings;

    const NAME: &'static str = "hierarchy";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            low: params.float("low_threshold")? as f32,
            shape: Shape::of(params)?,
            temperature: params.float(TEMPERATURE.name)?,
            seed: params.seed(SEED.name)?,
            older: params.name("variant")? == "fast_v2",
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.shape.whole_blocks()
    }

    fn shape(settings: &Settings) -> Shape {
        settings.shape
    }

    fn ask(_: &Canvas, settings: &Settings, _: &State) -> PassOptions {
        let &Settings { temperature, seed, .. } = settings;
        PassOptions { columns: PLAIN, temperature, seed, ..PassOptions::default() }
    }

    fn ends(_: &Settings, _: usize) -> Ends {
        Ends::Full { limit: None }
    }

    fn draws(settings: &Settings) -> bool {
        settings.temperature > 0.0
    }

    fn pick(evidence: &BlockEvidence, settings: &Settings) -> Result<Picks, DecodeError> {
        let &Settings { threshold, low, older, .. } = settings;
        let p = evidence.p;
        let over = |at: usize| Test { measure: Measure::Over, value: p[at], bound: threshold };
        let parts = |at: usize| Test { measure: Measure::Run, value: p[at], bound: low };
        let best = evidence.ranked(|at| f64::from(p[at])).first().copied();
        let alone = older && best.is_some_and(|best| p[best] < low);
        let mut picks = Picks { mode: Mode::Fallback, filled: Vec::new(), left: Vec::new() };
        for run in runs(&evidence.candidates) {
            let first = surest(run, p);
            for &at in run {
                let parting = if older {
                    Some(at) == first
                } else {
                    first.is_some_and(|first| p[at] == p[first])
                };
                let (fill, left) = if p[at] > threshold {
                    (Some(FillRule::Passes(over(at))), LeftRule::Fails(over(at)))
                } else if alone {
                    (None, LeftRule::Fails(parts(at)))
                } else if parting {
                    let passes = (p[at] > low).then(|| FillRule::Passes(parts(at)));
                    (passes, LeftRule::Fails(parts(at)))
                } else {
                    let best = first.unwrap_or(at);
                    (None, LeftRule::InRun { threshold, best: (best, p[best]) })
                };
                match fill {
                    Some(rule) => {
                        picks.mode = Mode::HighConf;
                        picks.filled.push((at, rule));
                    }
                    // The older function may fill nothing: it goes on for ever then.
                    None if Some(at) == best && (alone || !older) => {
                        picks.filled.push((at, FillRule::Best(parts(at))));
                    }
                    None => picks.left.push((at, left)),
                }
            }
        }
        Ok(picks)
    }

    fn breaks(
        name: &str,
        evidence: &BlockEvidence,
        _: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let p = evidence.candidates.iter().map(|&at| evidence.p[at]);
        let values = |all: &mut dyn Iterator<Item = f32>| -> Vec<Value> {
            all.map(|value| Value::Float(f64::from(value))).collect()
        };
        Ok(match name {
            // The first value that a confidence is no longer over.
            "threshold" => Some(values(&mut p.clone())),
            // And, in the older function, the first one that it is under.
            "low_threshold" => Some(values(&mut p.clone().flat_map(|p| [p, p.next_up()]))),
            _ => None,
        })
    }
}

/// The runs of neighbours.
fn runs(positions: &[usize]) -> impl Iterator<Item = &[usize]> {
    positions.chunk_by(|a, b| a + 1 == *b)
}

/// The position with the highest confidence, the first of equals.
fn surest(run: &[usize], p: &[f32]) -> Option<usize> {
    run.iter().copied().reduce(|best, at| if p[at] > p[best] { at } else { best })
}
