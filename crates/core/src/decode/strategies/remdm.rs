//! `remdm`: masked diffusion over one canvas of fixed length, where written positions may be
//! remasked (ReMDM, arXiv 2503.00307; `diffusion.py` of kuleshov-group/remdm).
//!
//! Time runs from 1 to almost 0 in `steps` equal parts. In each, every mask is filled with a
//! chance that follows from the schedule, with a token drawn from its nucleus, and every written
//! position is remasked with the chance σ that `sampler` says. Every position is drawn by
//! itself. A last pass writes the best token into what is left (`noise_removal`).
//!
//! Differences to the source: positions and tokens draw from noise of their own, where it draws
//! both at once from one distribution, which is the same; the confidences of `remdm-conf` are kept
//! in f32, not bfloat16; a run ends as soon as no later pass can change anything. Its defaults are
//! spread over a configuration and one script a sampler: here `remdm-cap` is the default and the
//! others are presets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    canvas::{Canvas, Edit, FixedText, Slot, SpecialTokens, TokenId},
    decode::{
        Affects, DecisionOf, DecodeError, FillRule, Finish, Growth, LeftRule, Mode, ParamSpec,
        Params, Phase, Plan, Preset, RemaskRule, TokenList, Value, Verdict,
        ask::PassOptions,
        blocks::crossing,
        noise::{NoisePlace, Purpose},
        schedule,
        specs::{GEN_LENGTH, SEED, STEPS, choice, number, switch},
        strategy::{Context, Strategy},
    },
    predict::{Column, Filters, Prediction},
};

/// Time runs from 1 down to this, not to 0, as in the source.
const EPS: f64 = 1e-5;

const SPECS: &[ParamSpec] = &[
    ParamSpec {
        aliases: &["sampling_steps"],
        affects: Affects::Predict,
        help: "Steps from the first mask to the last",
        ..STEPS
    },
    ParamSpec { aliases: &["max_new_tokens", "length"], ..GEN_LENGTH },
    choice(
        "sampler",
        "sampler",
        &["remdm-cap", "remdm-rescale", "remdm-loop", "remdm-conf"],
        Affects::Decide,
        "The chance σ of being remasked: at most eta, a share eta of the most there can be, \
         eta while time is between t_on and t_off, or the more, the less confident a token was",
    ),
    number("eta", "η", "probability", (0.0, 1.0, 0.001), 0.008, "How much is remasked"),
    number(
        "t_on",
        "t_on",
        "time",
        (0.0, 0.99, 0.01),
        0.55,
        "remdm-loop: remasking begins at this time",
    ),
    number("t_off", "t_off", "time", (0.01, 1.0, 0.01), 0.05, "remdm-loop: it ends at this time"),
    number(
        "alpha_on",
        "α_on",
        "probability",
        (0.0, 0.999, 0.01),
        0.9,
        "remdm-loop: the share that is unmasked meanwhile",
    ),
    ParamSpec {
        affects: Affects::Predict,
        ..number(
            "nucleus_p",
            "p",
            "probability",
            (0.0, 1.0, 0.01),
            0.9,
            "Tokens are drawn from the most probable that together have at most this; 1 keeps all",
        )
    },
    switch(
        "noise_removal",
        "clean",
        true,
        "A last pass unmasks what is left, with the best tokens",
    ),
    SEED,
];

const PRESETS: &[Preset] = &[
    Preset {
        name: "remdm-cap",
        help: "σ is at most .008 (scripts/remdm-cap.sh)",
        values: &[("sampler", Value::Name("remdm-cap")), ("eta", Value::Float(0.008))],
    },
    Preset {
        name: "remdm-rescale",
        help: "σ is .015 of the most there can be (scripts/remdm-rescale.sh)",
        values: &[("sampler", Value::Name("remdm-rescale")), ("eta", Value::Float(0.015))],
    },
    Preset {
        name: "remdm-loop",
        help: "σ is .02 while nine in ten are unmasked (scripts/remdm-loop.sh)",
        values: &[
            ("sampler", Value::Name("remdm-loop")),
            ("eta", Value::Float(0.02)),
            ("t_on", Value::Float(0.55)),
            ("t_off", Value::Float(0.05)),
            ("alpha_on", Value::Float(0.9)),
        ],
    },
    Preset {
        name: "remdm-conf",
        help: "the less confident a token was, the sooner it is remasked (scripts/remdm-conf.sh)",
        values: &[("sampler", Value::Name("remdm-conf"))],
    },
];

/// What is remembered between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Number of steps made so far.
    pub step: usize,
    /// Under `remdm-conf`: how sure each token was when it was written.
    #[serde(rename = "sure", default, skip_serializing_if = "Vec::is_empty")]
    pub committed: Vec<Committed>,
}

/// A token's probability when it was written, within its nucleus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Sure")]
pub struct Committed {
    /// The slot that it was unmasked in.
    pub slot: u32,
    /// The token: if another one stands there, the user wrote it.
    pub token: TokenId,
    /// The probability, 0..=1, finite.
    pub p: f32,
}

// Finite: a decision without a finite probability is none.
impl Eq for Committed {}

/// The strategy `remdm`: tokens are remasked by chance while the rest is unmasked.
#[derive(Debug, Clone, Copy)]
pub struct Remdm;

/// The chances of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Chances {
    /// Of a mask to be filled.
    fill: f64,
    /// Of a written position to be remasked: σ; under `remdm-conf` all of them share it.
    remask: f64,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Settings {
    sampler: &'static str,
    steps: usize,
    gen_length: usize,
    nucleus_p: f64,
    seed: u64,
    eta: f64,
    t_on: f64,
    t_off: f64,
    alpha_on: f64,
    noise_removal: bool,
}

impl Settings {
    /// The time at which step `step` (from 0) begins.
    fn time(&self, step: usize) -> f32 {
        schedule::time(step, self.steps, EPS)
    }

    /// The chances of step `step`. Times in f32 and chances in f64, as in the source.
    fn chances(&self, step: usize) -> Chances {
        if step >= self.steps {
            return Chances { fill: 1.0, remask: 0.0 };
        }
        let dt = ((1.0 - EPS) / self.steps as f64) as f32;
        let t = self.time(step);
        let (alpha_t, alpha_s) = (f64::from(1.0 - t), f64::from(1.0 - (t - dt)));
        let most = if alpha_t > 0.0 { ((1.0 - alpha_s) / alpha_t).min(1.0) } else { 1.0 };
        let filled = |sigma: f64| share(alpha_s - (1.0 - sigma) * alpha_t, 1.0 - alpha_t);
        match self.sampler {
            "remdm-loop" => self.looped(f64::from(t), f64::from(dt)),
            "remdm-conf" => Chances { fill: filled(0.0), remask: most },
            "remdm-rescale" => {
                let sigma = self.eta * most;
                Chances { fill: filled(sigma), remask: sigma }
            }
            _ => {
                let sigma = self.eta.min(most);
                Chances { fill: filled(sigma), remask: sigma }
            }
        }
    }

    /// Three parts of time: it fills up to `alpha_on`, keeps that, and fills the rest.
    fn looped(&self, t: f64, dt: f64) -> Chances {
        let on = self.alpha_on;
        if t > self.t_on {
            let masked = |t: f64| 1.0 - (1.0 - t) * on / (1.0 - self.t_on);
            return Chances { fill: share(masked(t) - masked(t - dt), masked(t)), remask: 0.0 };
        }
        if t <= self.t_off {
            return Chances { fill: share(dt, t), remask: 0.0 };
        }
        Chances { fill: share(on - (1.0 - self.eta) * on, 1.0 - on), remask: self.eta }
    }

    /// True if written positions may still be remasked, now or later.
    fn may_remask(&self, step: usize) -> bool {
        step < self.steps
            && match self.sampler {
                "remdm-conf" => true,
                "remdm-loop" => self.eta > 0.0 && f64::from(self.time(step)) > self.t_off,
                _ => self.eta > 0.0,
            }
    }

    /// Passes that a whole run takes.
    fn passes(&self) -> usize {
        self.steps + usize::from(self.noise_removal)
    }
}

/// A part of a whole as a chance: 1 of what is nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 1.0 }
}

/// The share of each written position in the chance of being remasked: 1, or under
/// `remdm-conf` the softmax of −p over those whose p is known.
fn weights(canvas: &Canvas, state: &State, sampler: &str) -> Vec<f64> {
    if sampler != "remdm-conf" {
        return vec![1.0; canvas.len()];
    }
    let e: Vec<f64> = canvas
        .cells()
        .iter()
        .map(|cell| {
            let committed =
                state.committed.binary_search_by_key(&cell.slot.0, |committed| committed.slot);
            let committed = committed.ok().and_then(|at| state.committed.get(at));
            committed
                .filter(|committed| committed.token == cell.token)
                .map_or(0.0, |committed| (-f64::from(committed.p)).exp())
        })
        .collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|e| if sum > 0.0 { e / sum } else { 0.0 }).collect()
}

impl Strategy for Remdm {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "remdm";
    const PARAMS: &'static [ParamSpec] = SPECS;
    const PRESETS: &'static [Preset] = PRESETS;
    const CHANGES_TOKENS: bool = true;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            sampler: params.name("sampler")?,
            steps: params.count("steps")?,
            gen_length: params.count("gen_length")?,
            nucleus_p: params.float("nucleus_p")?,
            seed: params.seed("seed")?,
            eta: params.float("eta")?,
            t_on: params.float("t_on")?,
            t_off: params.float("t_off")?,
            alpha_on: params.float("alpha_on")?,
            noise_removal: params.switch("noise_removal")?,
        })
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let canvas = text.canvas(settings.gen_length, special);
        Ok((canvas, State { step: 0, committed: Vec::new() }))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        let open = (0..canvas.len()).any(|at| canvas.is_open(at));
        if state.step >= settings.passes() || !open && !settings.may_remask(state.step) {
            let left = canvas.masks() > 0;
            return Plan::Done(if left { Finish::OutOfSteps } else { Finish::Complete });
        }
        let top_p = settings.nucleus_p;
        let last = state.step >= settings.steps;
        Plan::Predict(PassOptions {
            columns: &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos],
            // Noise of this strength draws from the softmax itself.
            temperature: if last { 0.0 } else { 1.0 },
            seed: settings.seed,
            filters: (!last && top_p < 1.0).then_some(Filters {
                temperature: 0.0,
                top_p,
                top_k: 0,
                strict: true,
            }),
            suppressed: TokenList::of(&[canvas.special().mask]).unwrap_or_default(),
            ..PassOptions::default()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        let Context { canvas, state, settings } = at;
        let (choice, p) = (prediction.ids(Column::Choice)?, prediction.numbers(Column::PChoice)?);
        let chances = settings.chances(state.step);
        let place = place(state, settings);
        let weights = weights(canvas, state, settings.sampler);
        let (mut edits, mut verdicts) = (Vec::new(), Vec::with_capacity(canvas.len()));
        let mut committed = state.committed.clone();
        for (at, cell) in canvas.cells().iter().enumerate() {
            let slot = cell.slot;
            let left = |rule| Verdict::Left { p: p[at], rule };
            if !canvas.is_masked(at) {
                let chance = chances.remask * weights[at];
                if cell.is_fixed() || !drawn(place, Purpose::Remask, slot, chance) {
                    verdicts.push(Verdict::Unchanged);
                    continue;
                }
                let known = committed.iter().position(|committed| committed.slot == slot.0);
                let p = known.map(|known| committed.remove(known).p);
                edits.push(Edit::Remask { slot });
                let rule = RemaskRule::Drawn { chance: chance as f32 };
                verdicts.push(Verdict::Remask { token: cell.token, p, rule });
                continue;
            }
            if cell.overridden.pinned {
                verdicts.push(left(LeftRule::Pinned));
                continue;
            }
            if !p[at].is_finite() {
                return Err(DecodeError::NotFinite(at));
            }
            let chance = chances.fill as f32;
            if !drawn(place, Purpose::Fill, slot, chances.fill) {
                verdicts.push(left(LeftRule::NotDrawn { chance }));
            } else if choice[at] == canvas.special().mask {
                verdicts.push(left(LeftRule::PredictsMask));
            } else {
                let (token, p) = (choice[at], p[at]);
                edits.push(Edit::Fill { slot, token });
                let rule = FillRule::Drawn { chance };
                verdicts.push(Verdict::Fill { token, p, rule, threshold: None });
                if settings.sampler == "remdm-conf" {
                    committed.retain(|committed| committed.slot != slot.0);
                    committed.push(Committed { slot: slot.0, token, p });
                }
            }
        }
        committed.sort_by_key(|committed| committed.slot);
        let remasks = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Remask { .. }));
        Ok(DecisionOf {
            mode: if remasks { Mode::Remask } else { Mode::Quota },
            edits,
            verdicts: verdicts.into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: State { step: state.step + 1, committed },
        })
    }

    /// Time goes on where it was; only past the end the last pass is made again.
    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let passes = settings.passes();
        let open = (0..canvas.len()).any(|at| canvas.is_open(at));
        let latest = if open { passes.saturating_sub(1) } else { passes };
        let holds = |committed: &&Committed| {
            let at = canvas.position(Slot(committed.slot));
            at.is_some_and(|at| canvas.cells()[at].token == committed.token)
        };
        let committed = state.committed.iter().filter(holds).copied().collect();
        State { step: state.step.min(latest), committed }
    }

    /// Exact for `eta`; not known for what shapes time (`t_on`, `t_off`, `alpha_on`), where chances go
    /// up and down.
    fn breaks(
        at: Context<Self>,
        name: &str,
        _: Value,
        _: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let Context { canvas, state, settings } = at;
        if name != "eta" || settings.sampler == "remdm-conf" {
            return Ok(None);
        }
        let place = place(state, settings);
        let chances = |eta: f32| Settings { eta: f64::from(eta), ..*settings }.chances(state.step);
        let cells = canvas.cells().iter().filter(|cell| !cell.is_fixed());
        let values = cells
            .filter_map(|cell| match cell.token == canvas.special().mask {
                true => crossing(0.0, 1.0, |eta| {
                    drawn(place, Purpose::Fill, cell.slot, chances(eta).fill)
                }),
                false => crossing(0.0, 1.0, |eta| {
                    drawn(place, Purpose::Remask, cell.slot, chances(eta).remask)
                }),
            })
            // Without any remasking a full canvas ends the run.
            .chain([Value::Float(f64::from(f32::from_bits(1)))])
            .collect();
        Ok(Some(values))
    }

    fn phase(at: Context<Self>) -> Phase {
        let name = match at.state.step >= at.settings.steps {
            true => "noise removal",
            false => "denoising and remasking",
        };
        Phase { stage: 1, name, block: Some(0..at.canvas.len()) }
    }
}

fn place(state: &State, settings: &Settings) -> NoisePlace {
    NoisePlace { seed: settings.seed, round: 0, step: state.step as u64 }
}

fn drawn(place: NoisePlace, purpose: Purpose, slot: Slot, chance: f64) -> bool {
    place.uniform(purpose, slot) < chance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{AnyStrategy as _, State as AnyState};

    fn settings(sampler: &'static str, eta: f64, steps: usize) -> Settings {
        Settings {
            sampler,
            steps,
            gen_length: 8,
            nucleus_p: 1.0,
            seed: 0,
            eta,
            t_on: 0.55,
            t_off: 0.05,
            alpha_on: 0.9,
            noise_removal: true,
        }
    }

    fn check(
        sampler: &'static str,
        eta: f64,
        (step, steps): (usize, usize),
        (fill, remask): (f64, f64),
    ) {
        let chances = settings(sampler, eta, steps).chances(step);
        let close = |a: f64, b: f64| (a - b).abs() < 2e-4;
        assert!(
            close(chances.fill, fill) && close(chances.remask, remask),
            "{sampler} {step} of {steps}: {chances:?}, not {fill} and {remask}"
        );
    }

    /// Worked out from the formulas with ε = 0: with t = 1 − α_t and s = 1 − α_s the chance of a
    /// mask to be filled is (α_s − (1 − σ) α_t) / t.
    #[test]
    fn chances_follow_the_schedule() {
        // Four steps: t = 1, .75, .5, .25.
        check("remdm-cap", 0.1, (0, 4), (0.25, 0.1));
        // (.5 − .9 · .25) / .75
        check("remdm-cap", 0.1, (1, 4), (0.366_667, 0.1));
        // s = .25: σ ≤ .25 / .5, so eta; (.75 − .9 · .5) / .5
        check("remdm-cap", 0.1, (2, 4), (0.6, 0.1));
        // s = 0: nothing may be remasked and all is filled.
        check("remdm-cap", 0.1, (3, 4), (1.0, 0.0));
        // σ = .1 · min(1, .5 / .25)
        check("remdm-rescale", 0.1, (1, 4), (0.366_667, 0.1));
        // σ = .1 · .25 / .5; (.75 − .95 · .5) / .5
        check("remdm-rescale", 0.1, (2, 4), (0.55, 0.05));
        // The rate without remasking, and the most that may be remasked.
        check("remdm-conf", 0.0, (2, 4), (0.5, 0.5));
        // While t > t_on the share 1 − (1 − t) · .9 / .45 is masked: .5 at .75, none at .5.
        check("remdm-loop", 0.02, (1, 4), (1.0, 0.0));
        // .8 at .9, .6 at .8.
        check("remdm-loop", 0.02, (1, 10), (0.25, 0.0));
        // Between: .02 · .9 / .1
        check("remdm-loop", 0.02, (5, 10), (0.18, 0.02));
        // t = .04 of a hundred: one part in four.
        check("remdm-loop", 0.02, (96, 100), (0.25, 0.0));
        check("remdm-cap", 0.1, (4, 4), (1.0, 0.0));
    }

    /// softmax(−.2, −.9) = (.668188, .331812)
    #[test]
    fn the_less_sure_goes_sooner() {
        let special = SpecialTokens { mask: 9, eos: 8 };
        let canvas = Canvas::holding(vec![1], &[4, 9, 5, 6], special);
        let committed = |slot, token, p| Committed { slot, token, p };
        // The user wrote over slot 3: what is known of it is of another token.
        let state = State {
            step: 3,
            committed: vec![committed(0, 4, 0.2), committed(2, 5, 0.9), committed(3, 7, 0.1)],
        };
        let weights = weights(&canvas, &state, "remdm-conf");
        for (weight, expected) in weights.iter().zip([0.668_188, 0.0, 0.331_812, 0.0]) {
            assert!((weight - expected).abs() < 1e-6, "{weights:?}");
        }
    }

    /// Chances are what they say over many positions.
    #[test]
    fn as_many_are_drawn_as_the_chance_says() {
        let special = SpecialTokens { mask: 9, eos: 8 };
        let n = 4000;
        let tokens: Vec<TokenId> = (0..n).map(|at| if at % 2 == 0 { 9 } else { 3 }).collect();
        let canvas = Canvas::holding(vec![], &tokens, special);
        let mut params = Params::defaults(SPECS);
        for (name, value) in [("steps", Value::Int(4)), ("eta", Value::Float(0.1))] {
            params.set(name, value).unwrap();
        }
        let prediction = Prediction::new(n)
            .with(Column::Choice, crate::predict::Data::Ids(vec![5; n]))
            .with(Column::PChoice, crate::predict::Data::Numbers(vec![0.5; n]));
        let state = AnyState::Remdm(State { step: 1, committed: Vec::new() });
        let (mut fills, mut remasks) = (0, 0);
        for seed in 0..10 {
            params.set("seed", Value::Int(seed)).unwrap();
            let decision = Remdm.decide(&canvas, &state, &params, &prediction).unwrap();
            assert_eq!(decision.mode, Mode::Remask);
            assert_eq!(decision.edits.len(), decision.fills().count() + decision.remasks().count());
            fills += decision.fills().count();
            remasks += decision.remasks().count();
        }
        // Within four standard deviations.
        assert!((7060..7610).contains(&fills), "{fills} of 20000, not 7333");
        assert!((1830..2170).contains(&remasks), "{remasks} of 20000, not 2000");
    }
}
