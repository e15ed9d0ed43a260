//! `cal`: the length is chosen before anything is written: the one on whose masks the model is surest,
//! as far as lengths can be compared; then that canvas is filled as `low_confidence` does (CAL, arXiv
//! 2602.00476, `llada_cal/llada_cal.py` of NiuHechang/Calibrated_Adaptive_Length).
//!
//! A trial is one pass over a canvas of masks of that length. What is compared is the mean confidence
//! of its masks over B(L), the mean confidence that a length has whatever is asked: short canvases make
//! models sure. From the first length the search goes up in steps of `span`, until `dstep` trials in a
//! row were no better than the best, and then down in the same way.
//!
//! Differences to the source: a last block that is shorter than the others is filled, where the
//! published code leaves its masks; end-of-sequence and end-of-turn tokens are treated as the others
//! (`logits_eos_inf` and `confidence_eos_eot_inf`, off there, are left out). What is written or pinned
//! by hand is never cut off, and the search begins anew behind an edit. Where text was given between
//! holes, lengths are those of the whole region, the last hole becomes longer or shorter, and the bias
//! is that of the number of masks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::low_confidence::{self, LowConfidence};
use crate::{
    canvas::{Canvas, Edit, Filler, FixedText, SpecialTokens},
    decode::{
        Affects, DecisionOf, DecodeError, Drop, Growth, LeftRule, Mode, ParamKind, ParamSpec,
        Params, Phase, Plan, Value, Verdict,
        ask::PassOptions,
        blocks::{self, BlockPolicy, BlockStrategy, Shape},
        ranking::Ranking,
        specs::{
            BLOCK_LENGTH, CFG_SCALE, GEN_LENGTH, MAX_GEN_LENGTH, REMASKING, SEED, STEPS,
            TEMPERATURE, count, switch,
        },
        strategy::{Context, Strategy},
    },
    predict::{Column, Prediction},
};

const SPECS: &[ParamSpec] = &[
    ParamSpec { help: "The first length that is tried", ..with_default(GEN_LENGTH, 8) },
    count("span", "span", (1, 1, 1), Affects::Decide, "By how much trial lengths differ"),
    ParamSpec {
        unit: "trials",
        ..count(
            "dstep",
            "dstep",
            (-1, 4, 1),
            Affects::Decide,
            "The search turns after this many trials in a row that are no better than the best; -1 \
             tries nothing",
        )
    },
    ParamSpec { help: "The longest length that is tried", ..with_default(MAX_GEN_LENGTH, 64) },
    ParamSpec {
        affects: Affects::Start,
        ..switch(
            "use_bias",
            "bias",
            true,
            "Confidences are divided by the length's bias B(L); if not, they are compared as they are",
        )
    },
    ParamSpec {
        help: "Steps that fill the chosen length, spread over the blocks; 0 is one for each position",
        ..from_none(STEPS)
    },
    ParamSpec { help: "Width of a block; 0 is the chosen length", ..from_none(BLOCK_LENGTH) },
    REMASKING,
    TEMPERATURE,
    CFG_SCALE,
    SEED,
];

/// The declaration with another default.
const fn with_default(spec: ParamSpec, default: i64) -> ParamSpec {
    match spec.kind {
        ParamKind::Int { min, max, step, .. } => {
            ParamSpec { kind: ParamKind::Int { min, max, step, default }, ..spec }
        }
        _ => spec,
    }
}

/// The declaration of a number that may be 0, which stands for what the length gives.
const fn from_none(spec: ParamSpec) -> ParamSpec {
    match spec.kind {
        ParamKind::Int { max, step, .. } => {
            ParamSpec { kind: ParamKind::Int { min: 0, max, step, default: 0 }, ..spec }
        }
        _ => spec,
    }
}

/// What is remembered between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Lengths that were tried, in that order.
    pub trials: Vec<Trial>,
    /// How the chosen length is filled; none while lengths are tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filling: Option<blocks::State>,
}

/// A length that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Positions.
    pub length: usize,
    /// Mean confidence of its masks, 0..=1.
    pub mean: f32,
    /// The same over the length's bias, or as it is without `use_bias`: what is compared.
    pub calibrated: f64,
}

// A mean is never NaN: a decision without finite confidences is none.
impl Eq for Trial {}

/// B(L): what the mean confidence is at a length, whatever is asked, as published for LLaDA-8B.
fn bias(length: usize) -> f64 {
    let length = length as f64;
    1.00 * (-1.77 * length).exp() + 0.56 * (-0.06 * length).exp() + 0.24
}

impl Trial {
    /// The trial of a canvas with so many masks.
    fn of(length: usize, masks: usize, mean: f32, biased: bool) -> Self {
        let over = if biased { bias(masks) } else { 1.0 };
        Self { length, mean, calibrated: f64::from(mean) / over }
    }
}

/// The best of the trials, the first of equals.
fn best(trials: &[Trial]) -> Option<Trial> {
    let better = |best: Trial, trial: Trial| {
        if trial.calibrated > best.calibrated { trial } else { best }
    };
    trials.iter().copied().reduce(better)
}

impl State {
    /// The best of the trials so far, the first of equals.
    pub fn best(&self) -> Option<Trial> {
        best(&self.trials)
    }

    /// What the last trial came to, beside the best of those before, in words.
    pub fn sentence(&self) -> String {
        let Some((last, before)) = self.trials.split_last() else {
            return "no length was tried".to_owned();
        };
        let (value, length) = (last.calibrated, last.length);
        let mean = f64::from(last.mean);
        let compared = match mean == value {
            true => format!("{value:.3}"),
            false => format!("{mean:.3} / B {:.3} = {value:.3}", mean / value),
        };
        let best = best(before).map_or(String::new(), |best| {
            let sign = if value > best.calibrated { ">" } else { "≤" };
            format!(" {sign} {:.3} of {}", best.calibrated, best.length)
        });
        format!("length {length}: mean confidence {compared}{best}")
    }
}

/// What the search does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchStep {
    /// Tries this length.
    Try(usize),
    /// It is over, and this is the best length.
    Best(usize),
}

/// The strategy.
#[derive(Debug, Clone, Copy)]
pub struct Cal;

/// Its parameters.
pub(in crate::decode) struct Settings {
    initial: usize,
    span: usize,
    /// Trials in a row that may be no better; none if nothing is tried.
    patience: Option<usize>,
    max: usize,
    biased: bool,
    steps: usize,
    block: usize,
    ranking: Ranking,
    cfg_scale: f64,
}

impl Settings {
    /// What the search does after these trials; lengths under `least` are not tried.
    fn search(&self, trials: &[Trial], least: usize) -> SearchStep {
        let Some(first) = trials.first() else { return SearchStep::Try(self.initial.max(least)) };
        let mut best = *first;
        let up = (1..).map(|n| first.length.saturating_add(self.span.saturating_mul(n)));
        let down = (1..).map_while(|n| first.length.checked_sub(self.span.saturating_mul(n)));
        let mut up = up.take_while(|&length| length <= self.max);
        let mut down = down.take_while(|&length| length >= least.max(1));
        let ways: [&mut dyn Iterator<Item = usize>; 2] = [&mut up, &mut down];
        for lengths in ways {
            let mut worse = 0;
            for length in lengths {
                let Some(&trial) = trials.iter().find(|trial| trial.length == length) else {
                    return SearchStep::Try(length);
                };
                if trial.calibrated > best.calibrated {
                    (best, worse) = (trial, 0);
                    continue;
                }
                worse += 1;
                if worse >= self.patience.unwrap_or(0) {
                    break;
                }
            }
        }
        SearchStep::Best(best.length)
    }

    /// How a canvas of this length is filled.
    fn filling(&self, length: usize) -> low_confidence::Settings {
        let block = if self.block == 0 { length.max(1) } else { self.block };
        let steps = if self.steps == 0 { length } else { self.steps };
        low_confidence::Settings::plain(
            steps,
            Shape { length, block },
            self.ranking,
            self.cfg_scale,
        )
    }

    /// Where a run goes on with `canvas`, of the length that the search found.
    fn begin(&self, canvas: &Canvas) -> blocks::State {
        blocks::State::enter(canvas, 0, LowConfidence::shape(&self.filling(canvas.len())).block)
    }
}

/// The shortest length that keeps what was given, or written or pinned by hand.
fn least(canvas: &Canvas) -> usize {
    canvas.cells().iter().enumerate().fold(0, |least, (at, cell)| {
        if canvas.is_masked(at) && !cell.overridden.pinned { least } else { at + 1 }
    })
}

impl Strategy for Cal {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "cal";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            initial: params.count(GEN_LENGTH.name)?,
            span: params.count("span")?,
            patience: usize::try_from(params.get("dstep")?.as_f64() as i64).ok(),
            max: params.count(MAX_GEN_LENGTH.name)?,
            biased: params.switch("use_bias")?,
            steps: params.count(STEPS.name)?,
            block: params.count(BLOCK_LENGTH.name)?,
            ranking: Ranking::of(params)?,
            cfg_scale: params.float(CFG_SCALE.name)?,
        })
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let canvas = text.canvas(settings.initial, special);
        let filling = settings.patience.is_none().then(|| settings.begin(&canvas));
        Ok((canvas, State { trials: Vec::new(), filling }))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        match &state.filling {
            Some(state) => {
                let settings = &settings.filling(canvas.len());
                BlockStrategy::<LowConfidence>::plan(Context { canvas, state, settings })
            }
            // Noise belongs to the choice of tokens: a trial reads the plain argmax.
            None => Plan::Predict(PassOptions {
                columns: &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos],
                cfg_scale: settings.cfg_scale,
                ..PassOptions::default()
            }),
        }
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, state, settings } = at;
        let Some(filling) = &state.filling else { return trial(at, prediction) };
        let own = settings.filling(canvas.len());
        let at = Context { canvas, state: filling, settings: &own };
        let decision = BlockStrategy::<LowConfidence>::decide(at, prediction)?;
        let trials = state.trials.clone();
        Ok(decision.with_state(|filling| State { trials, filling: Some(filling) }))
    }

    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let Some(filling) = &state.filling else {
            return State { trials: Vec::new(), filling: None };
        };
        let own = &settings.filling(canvas.len());
        let at = Context { canvas, state: filling, settings: own };
        let filling = Some(BlockStrategy::<LowConfidence>::edited(at));
        State { trials: state.trials.clone(), filling }
    }

    /// Not known: every parameter is a whole number or a word.
    fn breaks(
        _: Context<Self>,
        _: &str,
        _: Value,
        _: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Ok(None)
    }

    fn phase(at: Context<Self>) -> Phase {
        let Context { canvas, state, settings } = at;
        match &state.filling {
            Some(state) => {
                let settings = &settings.filling(canvas.len());
                let phase =
                    BlockStrategy::<LowConfidence>::phase(Context { canvas, state, settings });
                Phase { stage: 2, ..phase }
            }
            None => Phase { stage: 1, name: "choosing the length", block: None },
        }
    }
}

/// A step that tries a length.
fn trial(at: Context<Cal>, prediction: &Prediction) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, state, settings } = at;
    let p = prediction.numbers(Column::PChoice)?;
    let masked: Vec<usize> = (0..canvas.len()).filter(|&at| canvas.is_masked(at)).collect();
    if let Some(&at) = masked.iter().find(|&&at| !p[at].is_finite()) {
        return Err(DecodeError::NotFinite(at));
    }
    let sum: f64 = masked.iter().map(|&at| f64::from(p[at])).sum();
    let mean = (sum / masked.len().max(1) as f64) as f32;
    let length = canvas.len();
    let mut trials = state.trials.clone();
    trials.push(Trial::of(length, masked.len(), mean, settings.biased));
    let least = least(canvas);
    let search = settings.search(&trials, least);
    let (SearchStep::Try(to) | SearchStep::Best(to)) = search;
    let to = to.max(least);
    let edits: Vec<Edit> = if to > length {
        vec![Edit::Append { n: to - length, filler: Filler::Mask }]
    } else if to < length {
        vec![Edit::Truncate { length: to }]
    } else {
        Vec::new()
    };
    let over = matches!(search, SearchStep::Best(_)) || to == length;
    let filling = match over {
        true => Some(settings.begin(&canvas.apply(&edits, 0)?.canvas)),
        false => None,
    };
    let verdict = |(at, &p): (usize, &f32)| match canvas.is_masked(at) {
        true => Verdict::Left { p, rule: LeftRule::Stage },
        false => Verdict::Unchanged,
    };
    Ok(DecisionOf {
        mode: Mode::Trial,
        edits,
        verdicts: p.iter().enumerate().map(verdict).collect(),
        dropped: canvas
            .cells()
            .range(to..length)
            .map(|cell| Drop { slot: cell.slot, token: None })
            .collect(),
        eos: None,
        growth: if to == length { Growth::Stays } else { Growth::To(to) },
        next: State { trials, filling },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Recipe;

    /// Lengths in the order in which they are tried, and the best, where `mean` is what each has.
    fn searched(recipe: &str, mean: impl Fn(usize) -> f32) -> (Vec<usize>, usize) {
        let params = Recipe::parse(recipe).unwrap().params(&[]).unwrap();
        let settings = Cal::settings(&params).unwrap();
        let mut trials = Vec::new();
        loop {
            match settings.search(&trials, 0) {
                SearchStep::Try(length) => {
                    trials.push(Trial::of(length, length, mean(length), settings.biased));
                }
                SearchStep::Best(best) => {
                    return (trials.iter().map(|trial| trial.length).collect(), best);
                }
            }
        }
    }

    #[test]
    fn the_search_goes_up_and_then_down() {
        let plain = "cal:use_bias=false,gen_length=8,dstep=2,max_gen_length=12";
        // The best is above: two that are worse end the way up, and two the way down.
        let peak = |top: usize| move |length: usize| 0.9 - 0.01 * length.abs_diff(top) as f32;
        assert_eq!(searched(plain, peak(9)), (vec![8, 9, 10, 11, 7, 6], 9));
        assert_eq!(searched(plain, peak(5)), (vec![8, 9, 10, 7, 6, 5, 4, 3], 5));
        // Neither end is passed, and what is equal is no better.
        assert_eq!(searched(plain, peak(99)), (vec![8, 9, 10, 11, 12, 7, 6], 12));
        assert_eq!(searched(plain, peak(0)).0, [8, 9, 10, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(searched(plain, |_| 0.5), (vec![8, 9, 10, 7, 6], 8));
        let wide = "cal:use_bias=false,gen_length=8,dstep=0,span=3";
        assert_eq!(searched(wide, peak(30)), (vec![8, 11, 14, 17, 20, 23, 26, 29, 32, 5], 29));
    }

    /// The bias takes away what shortness gives: a flat curve is a reason for the longest.
    #[test]
    fn confidences_are_compared_over_their_bias() {
        let (tried, best) = searched("cal:dstep=4", |_| 0.5);
        assert_eq!((tried.len(), best), (57 + 4, 64));
        assert_eq!(searched("cal:dstep=4,use_bias=false", |_| 0.5).1, 8);
        // The way down ends before it comes to 3, or just there.
        let short = |length| if length == 3 { 0.99 } else { 0.1 };
        assert_eq!(searched("cal:dstep=4", short).1, 64);
        assert_eq!(searched("cal:dstep=5", short).1, 3);
    }
}
