//! `rho_eos`: one stage in which the tail grows while few masks are to be end of sequence and
//! shrinks while many are (ρ-EOS, arXiv 2601.22527; `models/LLaDA_rho_EOS.py` of yjyddq/rho-EOS,
//! batch of one).
//!
//! A step fills as stage 2 of [`daedal`](super::daedal) does. Then the EOS density of the same
//! prediction is compared with `low_density_threshold` and `high_density_threshold`: beyond them
//! `expansion_factor` masks times a multiple that grows with the distance are added at the tail, or
//! cut off it, written tokens too. After 64 steps, and at the maximum length, the length stays.
//!
//! Differences to the source: what the paper calls the density, the share of masks whose argmax is
//! EOS, is computed by no code there that runs; the code takes DAEDAL's EOS confidence in its
//! place. That is the default here, the paper's a `density` of its own, which cuts masks alone, as
//! the paper's words have it. Under the default an answer
//! much shorter than a canvas of 64 can be cut off as a whole, as it is there: a cut is 64 positions
//! where the confidence is over .9, however many of them are EOS. Parameters that the source
//! takes and ignores (`low_conf_threshold`, `eos_confidence_threshold`,
//! `expand_eos_confidence_threshold`) are left out. What is pinned or given is never cut off.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::daedal::{
    DaedalColumns,
    stage2::{PlannedFills, fills},
};
use crate::{
    canvas::{Canvas, Edit, Filler, FixedText, SpecialTokens},
    decode::{
        Affects, DecisionOf, DecodeError, Drop, EosMeasure, FillRule, Finish, Growth, LeftRule,
        Mode, ParamSpec, Params, Phase, Plan, Preset, Value, Verdict,
        ask::PassOptions,
        blocks::{back_to_open, crossing, open, window},
        specs::{
            BLOCK_LENGTH, CFG_SCALE, INITIAL_GEN_LENGTH, MAX_GEN_LENGTH, SEED, TEMPERATURE, choice,
            count, threshold,
        },
        strategy::{Context, Strategy},
    },
    predict::{Column, Prediction},
};

/// Steps that may change the length.
const ADJUSTMENTS: usize = 64;

/// Distance to a threshold for which the multiple grows.
const INTERVAL: f32 = 0.1;

/// The largest multiple of a block by which one step changes the length.
const LARGEST_MULTIPLE: usize = 8;

const SPECS: &[ParamSpec] = &[
    threshold(
        "high_conf_threshold",
        "τ_high",
        0.9,
        "Every masked position of the block whose confidence is strictly over this is unmasked; if \
         there are none, the best",
    ),
    ParamSpec {
        aliases: &["rho_low"],
        ..threshold(
            "low_density_threshold",
            "ρ_low",
            0.4,
            "The tail grows while the EOS density is strictly under this",
        )
    },
    ParamSpec {
        aliases: &["rho_high"],
        ..threshold(
            "high_density_threshold",
            "ρ_high",
            0.6,
            "The tail is cut while the EOS density is strictly over this",
        )
    },
    choice(
        "density",
        "density",
        &["confidence", "masked"],
        Affects::Decide,
        "The EOS density: DAEDAL's EOS confidence, as the code has it, or the share of the masks \
         whose best token is EOS, as the paper has it",
    ),
    choice(
        "scheduler",
        "K",
        &["exp", "linear", "const"],
        Affects::Decide,
        "How the length changes with each tenth of distance: 1, 2, 4, 8 times expansion_factor; \
         1, 2, 3, …; always once",
    ),
    count(
        "expansion_factor",
        "E_factor",
        (0, 8, 1),
        Affects::Decide,
        "Positions added or cut at once, times the scheduler's multiple",
    ),
    count(
        "eos_check_tokens",
        "W_eos",
        (1, 32, 1),
        Affects::Decide,
        "How many EOS predictions from the tail the EOS confidence counts, and what it divides by",
    ),
    BLOCK_LENGTH,
    ParamSpec {
        help: "The length never grows beyond this, and there are no more steps than this",
        ..MAX_GEN_LENGTH
    },
    INITIAL_GEN_LENGTH,
    TEMPERATURE,
    CFG_SCALE,
    SEED,
];

const PRESETS: &[Preset] = &[Preset {
    name: "rho-paper",
    help: "the density as the paper has it: the share of the masks whose best token is EOS; only masks are cut",
    values: &[("density", Value::Name("masked"))],
}];

/// What is remembered between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// First position of the block in work; the length when all is written.
    pub cursor: usize,
    /// Number of steps made so far.
    pub step: usize,
    /// The last step changed nothing, so none will.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stagnant: bool,
}

/// The strategy `rho_eos`: the length follows the density of EOS.
#[derive(Debug, Clone, Copy)]
pub struct RhoEos;

pub(in crate::decode) struct Settings {
    high: f32,
    rho_low: f32,
    rho_high: f32,
    of_masks: bool,
    scheduler: &'static str,
    factor: usize,
    window: usize,
    block: usize,
    max: usize,
    initial: usize,
    cfg_scale: f64,
    temperature: f64,
    seed: u64,
}

impl Settings {
    /// True if the length may change in this step.
    fn adjusts(&self, canvas: &Canvas, state: State) -> bool {
        canvas.len() < self.max && state.step < ADJUSTMENTS
    }

    /// The length after a step, without regard for what is pinned.
    fn length(&self, canvas: &Canvas, state: State, density: f32) -> usize {
        let length = canvas.len();
        if !self.adjusts(canvas, state) {
            return length;
        }
        let k = |gap: f32| self.factor.saturating_mul(multiple(self.scheduler, gap));
        if density < self.rho_low {
            length.saturating_add(k(self.rho_low - density)).min(self.max)
        } else if density > self.rho_high {
            length.saturating_sub(k(density - self.rho_high))
        } else {
            length
        }
    }

    fn density(&self, columns: &DaedalColumns, canvas: &Canvas) -> Result<EosMeasure, DecodeError> {
        let special = canvas.special();
        let mut measure = if self.of_masks {
            let taken: Vec<usize> = (0..canvas.len())
                .rev()
                .filter(|&at| canvas.is_masked(at) && columns.argmax[at] == special.eos)
                .collect();
            let masks = canvas.masks();
            let share = if masks > 0 { taken.len() as f32 / masks as f32 } else { 0.0 };
            EosMeasure { taken, window: masks, confidence: share, threshold: 0.0 }
        } else {
            EosMeasure::of(columns.argmax, columns.p_eos, special.eos, self.window, 0.0)?
        };
        let over = measure.confidence > self.rho_high;
        measure.threshold = if over { self.rho_high } else { self.rho_low };
        Ok(measure)
    }
}

/// The multiple for a distance beyond a threshold; in f32, as the source does.
fn multiple(scheduler: &str, gap: f32) -> usize {
    let tenths = ((gap + 1e-12) / INTERVAL).ceil().max(1.0) as usize;
    match scheduler {
        "const" => 1,
        "linear" => tenths.min(LARGEST_MULTIPLE),
        _ => 1 << (tenths - 1).min(3),
    }
}

/// What a step is decided on.
struct RhoEvidence<'a> {
    columns: DaedalColumns<'a>,
    state: State,
    block: Range<usize>,
    fillable: Vec<usize>,
    fills: PlannedFills,
    density: EosMeasure,
}

impl<'a> RhoEvidence<'a> {
    fn of(at: Context<RhoEos>, prediction: &'a Prediction) -> Result<Self, DecodeError> {
        let Context { canvas, settings, .. } = at;
        let columns = DaedalColumns::of(prediction)?;
        let state = at.state.at_work(canvas, settings.block);
        let block = window(canvas, state.cursor, settings.block);
        let fillable: Vec<usize> = open(canvas, state.cursor, settings.block).collect();
        if let Some(&at) = fillable.iter().find(|&&at| !columns.p_choice[at].is_finite()) {
            return Err(DecodeError::NotFinite(at));
        }
        let fills = fills(canvas, settings.high, &columns, &fillable, prediction)?;
        let density = settings.density(&columns, canvas)?;
        Ok(Self { columns, state, block, fillable, fills, density })
    }
}

impl State {
    /// The state, moved on if its block was made so narrow that nothing is left in it.
    /// Where a cut took the last masks, the source makes another pass before it ends.
    fn at_work(self, canvas: &Canvas, block: usize) -> Self {
        let open = (self.cursor..canvas.len()).any(|at| canvas.is_open(at));
        let cursor = if open { advance(canvas, self.cursor, block) } else { self.cursor };
        Self { cursor, ..self }
    }
}

/// The cursor on by blocks while nothing is open in them; never past the length, since the next
/// block begins where this canvas ends.
fn advance(canvas: &Canvas, mut cursor: usize, block: usize) -> usize {
    while cursor < canvas.len() && open(canvas, cursor, block).next().is_none() {
        cursor = window(canvas, cursor, block).end;
    }
    cursor.min(canvas.len())
}

impl Strategy for RhoEos {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "rho_eos";
    const PARAMS: &'static [ParamSpec] = SPECS;
    const PRESETS: &'static [Preset] = PRESETS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            high: params.float("high_conf_threshold")? as f32,
            rho_low: params.float("low_density_threshold")? as f32,
            rho_high: params.float("high_density_threshold")? as f32,
            of_masks: params.name("density")? == "masked",
            scheduler: params.name("scheduler")?,
            factor: params.count("expansion_factor")?,
            window: params.count("eos_check_tokens")?,
            block: params.count("block_length")?.max(1),
            max: params.count("max_gen_length")?,
            initial: params.count("initial_gen_length")?,
            cfg_scale: params.float("cfg_scale")?,
            temperature: params.float("temperature")?,
            seed: params.seed("seed")?,
        })
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let canvas = text.canvas(settings.initial, special);
        Ok((canvas, State { cursor: 0, step: 0, stagnant: false }))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, settings, .. } = at;
        let state = at.state.at_work(canvas, settings.block);
        if state.cursor >= canvas.len() {
            return Plan::Done(Finish::Complete);
        }
        if state.stagnant {
            return Plan::Done(Finish::Stagnant);
        }
        if state.step >= settings.max {
            return Plan::Done(Finish::OutOfSteps);
        }
        Plan::Predict(PassOptions {
            columns: &[
                Column::Argmax,
                Column::Choice,
                Column::PChoice,
                Column::PEos,
                Column::BestUnmask,
                Column::PBestUnmask,
            ],
            cfg_scale: settings.cfg_scale,
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
        let evidence = RhoEvidence::of(at, prediction)?;
        let length = canvas.len();
        let mut edits: Vec<Edit> = evidence
            .fills
            .chosen
            .iter()
            .map(|fill| Edit::Fill { slot: canvas.cells()[fill.position].slot, token: fill.token })
            .collect();
        let filled = canvas.apply(&edits, 0)?.canvas;
        let wanted = settings.length(canvas, evidence.state, evidence.density.confidence);
        let mask = canvas.special().mask;
        // The code cuts what lies there; the paper speaks of masks.
        let stays = filled
            .cells()
            .iter()
            .rposition(|cell| cell.is_fixed() || settings.of_masks && cell.token != mask);
        let to = wanted.max(stays.map_or(0, |last| last + 1));
        let cursor = advance(&filled, evidence.state.cursor, settings.block).min(to);
        // A step fills something wherever it may, whatever is drawn. So if it changed nothing, no
        // later step will.
        let stagnant = edits.is_empty() && to == length;
        if to > length {
            edits.push(Edit::Append { n: to - length, filler: Filler::Mask });
        } else if to < length {
            edits.push(Edit::Truncate { length: to });
        }
        let low = evidence.density.confidence < settings.rho_low;
        Ok(DecisionOf {
            mode: evidence.fills.mode,
            verdicts: verdicts(canvas, settings, &evidence).into(),
            edits,
            dropped: filled
                .cells()
                .range(to..length)
                .map(|cell| Drop {
                    slot: cell.slot,
                    token: (cell.token != mask).then_some(cell.token),
                })
                .collect(),
            growth: match to == length {
                false => Growth::To(to),
                true if low && length >= settings.max => Growth::AtMaximum(settings.max),
                true => Growth::Stays,
            },
            eos: Some(evidence.density),
            next: State { cursor, step: evidence.state.step + 1, stagnant },
        })
    }

    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let cursor = back_to_open(canvas, state.cursor, settings.block);
        State { cursor: advance(canvas, cursor, settings.block), stagnant: false, ..*state }
    }

    /// Exact for thresholds, not known for whole numbers.
    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let Context { canvas, settings, .. } = at;
        let evidence = RhoEvidence::of(at, prediction)?;
        let density = evidence.density.confidence;
        let adjusts = settings.adjusts(canvas, evidence.state);
        let reaches =
            |gap: f32, at_least: usize| gap > 0.0 && multiple(settings.scheduler, gap) >= at_least;
        Ok(Some(match name {
            "high_conf_threshold" => {
                let mask = canvas.special().mask;
                let writable =
                    evidence.fillable.iter().filter(|&&at| evidence.columns.choice[at] != mask);
                writable.map(|&at| Value::Float(f64::from(evidence.columns.p_choice[at]))).collect()
            }
            "low_density_threshold" if adjusts => (1..=LARGEST_MULTIPLE)
                .filter_map(|k| crossing(0.0, 2.0, |low| reaches(low - density, k)))
                .collect(),
            "high_density_threshold" if adjusts => (1..=LARGEST_MULTIPLE)
                .filter_map(|k| crossing(0.0, 2.0, |high| !reaches(density - high, k)))
                .collect(),
            "low_density_threshold" | "high_density_threshold" => Vec::new(),
            _ => return Ok(None),
        }))
    }

    fn phase(at: Context<Self>) -> Phase {
        let Context { canvas, settings, .. } = at;
        let state = at.state.at_work(canvas, settings.block);
        let name = match settings.adjusts(canvas, state) {
            true => "denoising and length adjustment",
            false => "denoising",
        };
        Phase { stage: 1, name, block: Some(window(canvas, state.cursor, settings.block)) }
    }
}

fn verdicts(canvas: &Canvas, settings: &Settings, evidence: &RhoEvidence) -> Vec<Verdict> {
    let (mode, high) = (evidence.fills.mode, settings.high);
    let (rule, threshold) = match mode {
        Mode::HighConf => (FillRule::Above, Some(high)),
        Mode::Stuck => (FillRule::WithoutMask, None),
        _ => (FillRule::BestOfBlock, Some(high)),
    };
    let best = match (mode, evidence.fills.chosen.first()) {
        (Mode::Fallback, Some(fill)) => Some((fill.position, fill.p)),
        _ => None,
    };
    let mut verdicts: Vec<Verdict> = (0..canvas.len())
        .map(|at| {
            let left = |rule| Verdict::Left { p: evidence.columns.p_choice[at], rule };
            match evidence.columns.choice[at] {
                _ if !canvas.is_masked(at) => Verdict::Unchanged,
                _ if canvas.cells()[at].overridden.pinned => left(LeftRule::Pinned),
                _ if !evidence.block.contains(&at) => left(LeftRule::OutsideBlock),
                token if token == canvas.special().mask => left(LeftRule::PredictsMask),
                _ => left(LeftRule::NotConfident { threshold: high, best }),
            }
        })
        .collect();
    for fill in &evidence.fills.chosen {
        verdicts[fill.position] = Verdict::Fill { token: fill.token, p: fill.p, rule, threshold };
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::TokenId,
        decode::{AnyStrategy as _, Decision, State as AnyState},
        predict::Data,
    };

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 9, eos: 8 };

    /// ⌈gap / .1⌉ tenths; twice as much for each but the first, 8 times at most.
    #[test]
    fn the_multiple_grows_with_the_distance() {
        for (gap, exp, linear) in [
            (0.001, 1, 1),
            (0.1, 1, 1),
            (0.15, 2, 2),
            (0.25, 4, 3),
            (0.35, 8, 4),
            (0.4, 8, 4),
            (0.95, 8, 8),
        ] {
            assert_eq!(multiple("exp", gap), exp, "{gap}");
            assert_eq!(multiple("linear", gap), linear, "{gap}");
            assert_eq!(multiple("const", gap), 1, "{gap}");
        }
    }

    /// `eos` of ten masks predict EOS, each with a probability of .8; the window is 10, so the
    /// confidence is .08 · `eos` and the share of masks `eos` / 10.
    fn decided(eos: usize, values: &[(&str, Value)]) -> Decision {
        let canvas = Canvas::masked(vec![1], 10, SPECIAL);
        let mut params = Params::defaults(SPECS);
        params.set("eos_check_tokens", Value::Int(10)).unwrap();
        params.set("expansion_factor", Value::Int(2)).unwrap();
        for &(name, value) in values {
            params.set(name, value).unwrap();
        }
        let best: Vec<TokenId> = (0..10).map(|at| if at < 10 - eos { 3 } else { 8 }).collect();
        let p = (0..10).map(|at| 0.5 - at as f32 / 100.0).collect();
        let prediction = Prediction::new(10)
            .with(Column::Argmax, Data::Ids(best.clone()))
            .with(Column::Choice, Data::Ids(best))
            .with(Column::PChoice, Data::Numbers(p))
            .with(Column::PEos, Data::Numbers(vec![0.8; 10]));
        let state = AnyState::RhoEos(State { cursor: 0, step: 3, stagnant: false });
        RhoEos.decide(&canvas, &state, &params, &prediction).unwrap()
    }

    #[test]
    fn the_tail_follows_the_density() {
        let masked = ("density", Value::Name("masked"));
        for (eos, values, growth) in [
            // .4 under ρ_low, four tenths: 2 · 8.
            (0, &[][..], Growth::To(26)),
            // .4 − .24: two tenths, 2 · 2.
            (3, &[], Growth::To(14)),
            // .48 lies between, .4 of the masks too.
            (6, &[], Growth::Stays),
            (4, &[masked], Growth::Stays),
            // .64 − .6: 2 · 1; .8 − .6: 2 · 2.
            (8, &[], Growth::To(8)),
            (8, &[masked], Growth::To(6)),
            (0, &[("max_gen_length", Value::Int(20))], Growth::To(20)),
            (0, &[("max_gen_length", Value::Int(10))], Growth::AtMaximum(10)),
            (0, &[("scheduler", Value::Name("const"))], Growth::To(12)),
        ] {
            let decision = decided(eos, values);
            assert_eq!(decision.growth, growth, "{eos} {values:?}");
            // None is over τ_high: the first is the best.
            assert_eq!(decision.fills().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
            let cut = if let Growth::To(to) = growth { 10_usize.saturating_sub(to) } else { 0 };
            assert_eq!(decision.dropped.len(), cut);
        }
    }
}
