//! `joint_threshold`: LLaDA2.x's decoding. Block after block, masks over a threshold are unmasked,
//! and tokens of the block that the model would write otherwise are replaced, in the same step and in
//! further passes after the last mask.
//!
//! Three programs do it, and differ:
//!
//! - `diffusers` (`BlockRefinementScheduler` and `LLaDA2Pipeline`): a step unmasks what is over
//!   `threshold` if that is at least its quota, which spreads the block over `num_inference_steps`;
//!   else the quota's best. Only `editing_threshold` over 0 replaces tokens, in at most
//!   `max_post_steps` + 1 passes after the last mask. A block whose steps are used up is left with its
//!   masks. What lies behind `gen_length` in the last block is unmasked too, seen by nobody else, and
//!   cut off.
//! - `sglang` (`JointThreshold`): what is over `threshold`, else the best; 0 replaces every token that
//!   the model would write otherwise. `penalty_lambda` lowers, at every position but a block's first,
//!   the logit of the token before it, mask or not. The last of the `max_post_steps` + 1 passes replaces nothing.
//! - `dllm` (LLaDA2.1's own `generate`, in dLLM too): the same with `num_to_transfer` in place of the
//!   one best, and `max_post_steps` passes.
//!
//! With `eos_early_stop` diffusers ends the run with the step that writes an end-of-sequence token
//! before which no mask is left, unless the prompt holds one; the others end it with the block: `dllm`
//! if it has no mask left, `sglang` in any case, since it leaves a block with its masks after as many
//! passes as the block has positions and `max_post_steps` + 1 more.

use std::ops::Range;

use crate::{
    canvas::{Canvas, TokenId},
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamRole, ParamSpec, Params,
        Preset, Test, Value,
        ask::PassOptions,
        block_diffusion::{
            BlockChange, BlockEnd, BlockPicks, BlockSampler, BlockShape, Window, holds_eos,
        },
        blocks::Over,
        filtering::Filtering,
        schedule,
        specs::{
            GRID, GROWING_BLOCK, GROWING_LENGTH, SEED, TEMPERATURE_OFF, TOP_K, TOP_P_OFF, choice,
            count, number, switch, threshold,
        },
        top_k::top_k,
    },
};

const SPECS: &[ParamSpec] = &[
    threshold(
        "threshold",
        "τ",
        0.7,
        "Masked positions of the block with a confidence over this are unmasked; if there are too \
         few, the best",
    ),
    ParamSpec {
        aliases: &["edit_threshold"],
        ..threshold(
            "editing_threshold",
            "τ_edit",
            0.5,
            "Tokens of the block give way to another one that is more probable than this; in \
             variant diffusers 0 is never",
        )
    },
    ParamSpec {
        aliases: &["max_post_edit_steps"],
        unit: "steps",
        ..count(
            "max_post_steps",
            "post",
            (0, 16, 1),
            Affects::Decide,
            "Passes after the last mask of a block in which tokens may be replaced",
        )
    },
    GROWING_LENGTH,
    GROWING_BLOCK,
    ParamSpec {
        unit: "steps",
        role: ParamRole::Steps,
        ..count(
            "num_inference_steps",
            "steps",
            (1, 32, 1),
            Affects::Decide,
            "Steps that a block is spread over, in variant diffusers",
        )
    },
    count(
        "minimal_topk",
        "k_min",
        (1, 1, 1),
        Affects::Decide,
        "Bounds the steps of a block to gen_length / minimal_topk, in variant diffusers",
    ),
    count(
        "num_to_transfer",
        "n",
        (1, 1, 1),
        Affects::Decide,
        "Positions that are unmasked at least in a step, in variant dllm",
    ),
    ParamSpec {
        affects: Affects::Predict,
        ..number(
            "penalty_lambda",
            "λ",
            "",
            (0.0, 1000.0, 0.1),
            0.0,
            "How much the token before a position in its block is lowered there, in variant sglang; 0 \
             is not at all",
        )
    },
    ParamSpec {
        affects: Affects::Decide,
        ..switch(
            "eos_early_stop",
            "EOS ends",
            true,
            "An end-of-sequence token ends the run, where no mask is left before it",
        )
    },
    choice(
        "variant",
        "variant",
        &["diffusers", "sglang", "dllm"],
        Affects::Predict,
        "Whose version: diffusers' LLaDA2Pipeline, SGLang's JointThreshold, LLaDA2.1's own in dLLM",
    ),
    GRID,
    TEMPERATURE_OFF,
    TOP_P_OFF,
    TOP_K,
    SEED,
];

/// The thresholds of each program.
const PRESETS: &[Preset] = &[
    preset(
        "diffusers",
        "diffusers' pipeline",
        &[
            ("variant", Value::Name("diffusers")),
            ("threshold", Value::Float(0.7)),
            ("editing_threshold", Value::Float(0.5)),
            ("eos_early_stop", Value::Name("true")),
        ],
    ),
    preset(
        "sglang",
        "SGLang's server",
        &[
            ("variant", Value::Name("sglang")),
            ("threshold", Value::Float(0.5)),
            ("editing_threshold", Value::Float(0.0)),
            ("eos_early_stop", Value::Name("true")),
        ],
    ),
    preset(
        "dllm",
        "LLaDA2.1's own generate, in dLLM",
        &[
            ("variant", Value::Name("dllm")),
            ("threshold", Value::Float(0.95)),
            ("editing_threshold", Value::Float(0.9)),
            ("eos_early_stop", Value::Name("false")),
        ],
    ),
];

const fn preset(
    name: &'static str,
    help: &'static str,
    values: &'static [(&'static str, Value)],
) -> Preset {
    Preset { name, help, values }
}

/// The program whose version of the rule is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Diffusers,
    Sglang,
    Dllm,
}

pub(in crate::decode) struct JointThreshold;

pub(in crate::decode) struct Settings {
    threshold: f32,
    editing_threshold: f32,
    max_post_steps: usize,
    blocks: BlockShape,
    num_inference_steps: usize,
    minimal_topk: usize,
    num_to_transfer: usize,
    /// Of variant sglang; 0 in the others.
    penalty: f32,
    eos_early_stop: bool,
    variant: Variant,
    filtering: Filtering,
}

impl Settings {
    /// Steps that a block is spread over, in variant diffusers.
    fn steps(&self) -> usize {
        self.num_inference_steps.min(self.blocks.length / self.minimal_topk)
    }

    /// Positions that a step unmasks at least.
    fn quota(&self, step: usize) -> usize {
        match self.variant {
            Variant::Diffusers => {
                let quotas = schedule::even(self.blocks.block, self.steps());
                quotas.get(step).or(quotas.last()).copied().unwrap_or(0)
            }
            Variant::Sglang => 1,
            Variant::Dllm => self.num_to_transfer,
        }
    }

    /// True if tokens are replaced at all.
    fn edits(&self) -> bool {
        self.variant != Variant::Diffusers || self.editing_threshold > 0.0
    }

    /// True if a pass after the last mask, with so many before it, replaces nothing.
    fn edits_are_used_up(&self, post_steps: usize) -> bool {
        self.variant == Variant::Sglang && post_steps >= self.max_post_steps
    }
}

/// Positions whose token gives way.
fn edited(window: &Window, settings: &Settings) -> Vec<(usize, FillRule)> {
    let masked = window.open().next().is_some();
    if !settings.edits() || (!masked && settings.edits_are_used_up(window.state.post_steps)) {
        return Vec::new();
    }
    let bound = settings.editing_threshold;
    let test = |at: usize| Test { measure: Measure::Edit, value: window.p[at], bound };
    let over = |at: &usize| window.p[*at] > bound && differs(window, *at);
    window.written().filter(over).map(|at| (at, FillRule::Passes(test(at)))).collect()
}

/// True if the model would write another token at a written position.
fn differs(window: &Window, at: usize) -> bool {
    window.choice[at] != window.canvas.cells()[at].token
}

impl BlockSampler for JointThreshold {
    type Settings = Settings;

    const NAME: &'static str = "joint_threshold";
    const PARAMS: &'static [ParamSpec] = SPECS;
    const PRESETS: &'static [Preset] = PRESETS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        let variant = match params.name("variant")? {
            "sglang" => Variant::Sglang,
            "dllm" => Variant::Dllm,
            _ => Variant::Diffusers,
        };
        Ok(Settings {
            threshold: params.float("threshold")? as f32,
            editing_threshold: params.float("editing_threshold")? as f32,
            max_post_steps: params.count("max_post_steps")?,
            blocks: BlockShape::of(params)?,
            num_inference_steps: params.count("num_inference_steps")?,
            minimal_topk: params.count("minimal_topk")?.max(1),
            num_to_transfer: params.count("num_to_transfer")?,
            eos_early_stop: params.switch("eos_early_stop")?,
            penalty: match variant {
                Variant::Sglang => params.float("penalty_lambda")? as f32,
                Variant::Diffusers | Variant::Dllm => 0.0,
            },
            variant,
            filtering: Filtering::of(params)?,
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.filtering.one_filter()?;
        match settings.variant == Variant::Diffusers && settings.steps() == 0 {
            false => Ok(()),
            true => Err(DecodeError::Unfit(format!(
                "minimal_topk {} is more than gen_length {}: no step is left, as the reference has \
                 it. Take a minimal_topk of at most {}",
                settings.minimal_topk, settings.blocks.length, settings.blocks.length
            ))),
        }
    }

    fn blocks(settings: &Settings) -> BlockShape {
        settings.blocks
    }

    fn cuts(settings: &Settings) -> bool {
        settings.variant == Variant::Diffusers
    }

    fn ask(settings: &Settings) -> PassOptions {
        settings.filtering.ask()
    }

    fn lowered(
        canvas: &Canvas,
        positions: Range<usize>,
        lead: usize,
        settings: &Settings,
    ) -> Vec<(usize, TokenId, f32)> {
        if settings.penalty <= 0.0 {
            return Vec::new();
        }
        let before = |at: usize| match at.checked_sub(1) {
            Some(before) => Some(canvas.cells()[before].token),
            None => canvas.prompt().last().copied(),
        };
        // A block's first position knows none before it.
        let first = positions.start + usize::from(lead == 0);
        let lowered = |at: usize| Some((at, before(at)?, settings.penalty));
        (first..positions.end).filter_map(lowered).collect()
    }

    fn pick(window: &Window, settings: &Settings) -> Result<BlockPicks, DecodeError> {
        let bound = settings.threshold;
        let rewrites = edited(window, settings);
        let ranked = window.ranked();
        let over = ranked.iter().take_while(|&&at| window.p[at] > bound).count();
        let quota = settings.quota(window.state.step);
        let test = |at: usize| Test { measure: Measure::Over, value: window.p[at], bound };
        let (mut fills, mut left) = (Vec::new(), Vec::new());
        if ranked.is_empty() {
            let mode = if rewrites.is_empty() { Mode::None } else { Mode::Edit };
            return Ok(BlockPicks { mode, fills, rewrites, left });
        }
        if over >= quota {
            fills.extend(ranked[..over].iter().map(|&at| (at, FillRule::Passes(test(at)))));
            left.extend(ranked[over..].iter().map(|&at| (at, LeftRule::Fails(test(at)))));
            return Ok(BlockPicks { mode: Mode::HighConf, fills, rewrites, left });
        }
        let taken = top_k(&window.masked_confidences(), quota.min(ranked.len()));
        let taken: Vec<usize> = taken.into_iter().filter_map(|place| window.at(place)).collect();
        for (index, &at) in taken.iter().enumerate() {
            let rule = match quota {
                1 => FillRule::Best(test(at)),
                _ => FillRule::Quota { rank: index + 1, quota },
            };
            fills.push((at, rule));
        }
        let rest = ranked.iter().filter(|at| !taken.contains(at));
        left.extend(rest.enumerate().map(|(index, &at)| match quota {
            1 => (at, LeftRule::Fails(test(at))),
            _ => (at, LeftRule::Quota { rank: taken.len() + index + 1, quota }),
        }));
        let mode = if quota == 1 { Mode::Fallback } else { Mode::Quota };
        Ok(BlockPicks { mode, fills, rewrites, left })
    }

    fn end(window: &Window, change: &BlockChange, settings: &Settings) -> BlockEnd {
        let masked = change.open_before > 0;
        let unchanged = change.changed.is_empty();
        let post_steps = window.state.post_steps + usize::from(!masked);
        let steps = window.state.step + usize::from(masked);
        let done = match settings.variant {
            Variant::Diffusers => {
                if settings.eos_early_stop && eos_ends(window, change) {
                    return BlockEnd::Over(Over::EndOfSequence);
                }
                match masked {
                    true => steps >= settings.steps(),
                    false => unchanged || post_steps > settings.max_post_steps,
                }
            }
            Variant::Sglang => {
                let most = settings.blocks.block + settings.max_post_steps + 1;
                (unchanged && !masked) || steps + post_steps >= most
            }
            Variant::Dllm => {
                let used_up = change.open_now == 0 && post_steps >= settings.max_post_steps;
                used_up || (unchanged && !masked)
            }
        };
        if !done {
            return match settings.variant {
                Variant::Dllm => BlockEnd::GoesOnIfChanged,
                Variant::Diffusers | Variant::Sglang => BlockEnd::GoesOn,
            };
        }
        let ends = settings.eos_early_stop
            && match settings.variant {
                Variant::Diffusers => false,
                // A block whose passes are used up may still have masks.
                Variant::Sglang => holds_eos(change.after),
                Variant::Dllm => change.after.masks() == 0 && holds_eos(change.after),
            };
        if ends { BlockEnd::Over(Over::EndOfSequence) } else { BlockEnd::Done }
    }

    fn breaks(
        name: &str,
        window: &Window,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let value = |at: usize| Value::Float(f64::from(window.p[at]));
        Ok(match name {
            // At its own confidence a position is no longer over the threshold.
            "threshold" => Some(window.open().map(value).collect()),
            "editing_threshold" => {
                let written = window.written().filter(|&at| differs(window, at)).map(value);
                // 0 is never in variant diffusers, and the next number all there is.
                let least = Value::Float(f64::from(f32::from_bits(1)));
                let first = (settings.variant == Variant::Diffusers).then_some(least);
                Some(written.chain(first).collect())
            }
            _ => None,
        })
    }
}

/// True if the step wrote an end-of-sequence token and the first one of the sequence is generated,
/// with no mask before it.
fn eos_ends(window: &Window, change: &BlockChange) -> bool {
    let (canvas, eos) = (change.after, change.after.special().eos);
    let wrote = change.changed.iter().any(|&at| window.choice[at] == eos);
    let first = canvas.cells().iter().position(|cell| cell.token == eos);
    wrote
        && !canvas.prompt().contains(&eos)
        && first.is_some_and(|first| (0..first).all(|at| !canvas.is_masked(at)))
}
