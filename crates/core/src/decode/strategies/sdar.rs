//! `sdar`: SDAR's block diffusion (`generate.py` of JetAstra/SDAR, `block_diffusion_generate`).
//!
//! A block of masks is denoised in at most `denoising_steps` passes, each of which has a quota, the
//! block spread over the passes. What `remasking_strategy` says:
//!
//! - `low_confidence_dynamic`: all over `confidence_threshold` if they are at least the quota, else
//!   the quota's best;
//! - `low_confidence_static`: the quota's best;
//! - `sequential`: as many as the quota from the first mask on;
//! - `entropy_bounded`: those of least entropy, as long as their sum is under `eb_threshold`, at least
//!   one. The published loop cannot run it; the rule is that of its authors' engine (JetEngine), with
//!   the entropy of the column `score`.
//!
//! Where fewer masks are left than the quota asks for, the published loop takes written positions too
//! and writes them anew, and so does this; in the first block it may take the end of the prompt, which
//! is left alone here. A block that has masks after its last pass ends the run, where the published
//! loop fails; with `entropy_bounded` it is left with them, as JetEngine leaves it.
//!
//! Variant `lmdeploy` (its `UnmaskingProcessor`) takes what is at least the threshold and the best in
//! any case, has one quota for all passes, writes nothing anew, and makes as many passes as it needs.
//! In a block that the end of the prompt shares it looks for no stop token. It tells masks by a list of
//! its own and not by their token, so that it writes a mask token that is predicted like any other;
//! here such a position stays masked.
//!
//! The published loop samples at temperature 1 unless told otherwise; here 0, the most probable
//! token, is the default.

use crate::{
    canvas::Canvas,
    decode::{
        Affects, DecodeError, FillRule, LeftRule, Measure, Mode, ParamKind, ParamRole, ParamSpec,
        Params, Test, TokenList, Value,
        ask::PassOptions,
        block_diffusion::{BlockChange, BlockEnd, BlockPicks, BlockSampler, BlockShape, Window},
        blocks::Over,
        filtering::{Filtering, PLAIN, SCORED},
        schedule,
        specs::{
            GRID, GROWING_BLOCK, GROWING_LENGTH, MOST_POSITIONS, SEED, TEMPERATURE_OFF, TOP_K,
            TOP_P_OFF, choice, count, number, threshold, tokens,
        },
        top_k::top_k,
    },
    predict::{Column, Score},
};

const SPECS: &[ParamSpec] = &[
    choice(
        "remasking_strategy",
        "order",
        &["low_confidence_dynamic", "low_confidence_static", "sequential", "entropy_bounded"],
        Affects::Predict,
        "What a pass unmasks: what is over the threshold, a fixed number, the next ones, or what is \
         most confident together",
    ),
    threshold(
        "confidence_threshold",
        "τ",
        0.85,
        "Masked positions of the block with a confidence over this are unmasked, if they are enough",
    ),
    number(
        "eb_threshold",
        "γ",
        "nats",
        (0.0, 100.0, 0.05),
        0.35,
        "Entropies of what an entropy-bounded pass unmasks stay under this together",
    ),
    GROWING_LENGTH,
    ParamSpec {
        kind: ParamKind::Int { min: 1, max: MOST_POSITIONS, step: 1, default: 8 },
        ..GROWING_BLOCK
    },
    ParamSpec {
        unit: "steps",
        role: ParamRole::Steps,
        ..count(
            "denoising_steps",
            "steps",
            (1, 8, 1),
            Affects::Decide,
            "Passes that a block is spread over",
        )
    },
    ParamSpec {
        affects: Affects::Decide,
        ..tokens(
            "stopping_criteria_idx",
            "stop",
            "Tokens that end the run after the block that holds one; none by default, as in the \
             published function",
        )
    },
    choice(
        "variant",
        "variant",
        &["sdar", "lmdeploy"],
        Affects::Decide,
        "Whose version: the published loop, or lmdeploy's",
    ),
    GRID,
    TEMPERATURE_OFF,
    TOP_P_OFF,
    TOP_K,
    SEED,
];

/// What a pass unmasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unmasking {
    Dynamic,
    Static,
    Sequential,
    EntropyBounded,
}

pub(in crate::decode) struct Sdar;

pub(in crate::decode) struct Settings {
    unmasks: Unmasking,
    confidence_threshold: f32,
    eb_threshold: f32,
    blocks: BlockShape,
    denoising_steps: usize,
    stopping_criteria_idx: TokenList,
    /// lmdeploy's version is followed, not the published loop.
    port: bool,
    filtering: Filtering,
}

impl Settings {
    /// Positions that a pass unmasks.
    fn quota(&self, step: usize) -> usize {
        let (block, steps) = (self.blocks.block, self.denoising_steps.max(1));
        match self.port {
            true => (block / steps).max(1),
            false => schedule::even(block, steps).get(step).copied().unwrap_or(0),
        }
    }

    /// The measure of a confidence against the threshold.
    fn measure(&self) -> Measure {
        if self.port { Measure::Confidence } else { Measure::Over }
    }

    fn passes(&self, p: f32) -> bool {
        match self.port {
            true => p >= self.confidence_threshold,
            false => p > self.confidence_threshold,
        }
    }
}

/// The best of a number of positions, those that are written already among them where fewer are
/// masked, unless it is lmdeploy's version.
fn best(window: &Window, settings: &Settings, quota: usize) -> BlockPicks {
    let ranked = window.ranked();
    let masks = ranked.len();
    let quota_here = if settings.port { quota.min(masks) } else { quota };
    let places = top_k(&window.masked_confidences(), quota_here);
    let taken: Vec<usize> = places.into_iter().filter_map(|place| window.at(place)).collect();
    picks(window, &ranked, &taken, quota)
}

/// Picks of positions in order of their rank.
fn picks(window: &Window, ranked: &[usize], taken: &[usize], quota: usize) -> BlockPicks {
    let masks = ranked.len();
    let (mut fills, mut rewrites) = (Vec::new(), Vec::new());
    for (index, &at) in taken.iter().enumerate() {
        match window.canvas.is_open(at) {
            true => fills.push((at, FillRule::Quota { rank: index + 1, quota })),
            // Pinned positions stay as they are.
            false if window.canvas.cells()[at].overridden.pinned => {}
            false => rewrites.push((at, FillRule::Surplus { quota, masks })),
        }
    }
    let rest = ranked.iter().filter(|at| !taken.contains(at)).enumerate();
    let left = rest
        .map(|(index, &at)| (at, LeftRule::Quota { rank: fills.len() + index + 1, quota }))
        .collect();
    BlockPicks { mode: Mode::Quota, fills, rewrites, left }
}

/// All that pass the threshold, and in lmdeploy's version the best; `None` if they are too few.
fn dynamic(window: &Window, settings: &Settings, quota: usize) -> Option<BlockPicks> {
    let bound = settings.confidence_threshold;
    let test = |at: usize| Test { measure: settings.measure(), value: window.p[at], bound };
    let ranked = window.ranked();
    let passed = ranked.iter().take_while(|&&at| settings.passes(window.p[at])).count();
    if !settings.port && passed < quota {
        return None;
    }
    let best = if settings.port { top_k(&window.masked_confidences(), 1) } else { Vec::new() };
    let best = best.into_iter().find_map(|place| window.at(place)).filter(|_| passed == 0);
    let mut picks = BlockPicks {
        mode: if best.is_some() { Mode::Fallback } else { Mode::HighConf },
        fills: ranked[..passed].iter().map(|&at| (at, FillRule::Passes(test(at)))).collect(),
        rewrites: Vec::new(),
        left: Vec::new(),
    };
    for &at in &ranked[passed..] {
        match best == Some(at) {
            true => picks.fills.push((at, FillRule::Best(test(at)))),
            false => picks.left.push((at, LeftRule::Fails(test(at)))),
        }
    }
    Some(picks)
}

/// As many as the quota from the first mask on.
fn sequential(window: &Window, settings: &Settings, quota: usize) -> BlockPicks {
    let open: Vec<usize> = window.open().collect();
    let Some(&first) = open.first() else { return nothing() };
    let end = window.positions.end;
    let mut taken: Vec<usize> = (first..end.min(first + quota)).collect();
    if settings.port {
        // Beyond the end it goes on at the beginning of the block.
        let size = window.lead + window.positions.len();
        let from = window.place(first);
        let places = (from..from + quota.min(size)).map(|place| place % size);
        taken = places.filter_map(|place| window.at(place)).collect();
        taken.retain(|&at| window.canvas.is_open(at));
    }
    let mut picks = picks(window, &open, &taken, quota);
    let before = taken.last().copied().unwrap_or(first);
    let waits = |(at, _): (usize, LeftRule)| (at, LeftRule::After { position: before });
    picks.left = picks.left.into_iter().map(waits).collect();
    picks
}

/// Open positions in order of entropy, with the sum of the entropies up to each.
fn entropies(window: &Window) -> Result<Vec<(usize, f32)>, DecodeError> {
    let score = window.prediction.numbers(Column::Score)?;
    let mut open: Vec<usize> = window.open().collect();
    if let Some(&at) = open.iter().find(|&&at| !score[at].is_finite()) {
        return Err(DecodeError::NotFinite(at));
    }
    open.sort_by(|&a, &b| score[b].total_cmp(&score[a]));
    let mut sum = 0.0;
    Ok(open
        .into_iter()
        .map(|at| {
            sum -= score[at];
            (at, sum)
        })
        .collect())
}

/// Those of least entropy, as long as their sum is under the bound, at least one.
fn entropy_bounded(window: &Window, settings: &Settings) -> Result<BlockPicks, DecodeError> {
    let bound = settings.eb_threshold;
    let ranked = entropies(window)?;
    let under = ranked.iter().take_while(|(_, sum)| *sum < bound).count();
    let mut picks = nothing();
    picks.mode = if under == 0 { Mode::Fallback } else { Mode::HighConf };
    for (rank, &(at, value)) in ranked.iter().enumerate() {
        let test = Test { measure: Measure::EntropySum, value, bound };
        match rank {
            rank if rank < under => picks.fills.push((at, FillRule::Passes(test))),
            0 => picks.fills.push((at, FillRule::Best(test))),
            _ => picks.left.push((at, LeftRule::Fails(test))),
        }
    }
    Ok(picks)
}

fn nothing() -> BlockPicks {
    BlockPicks { mode: Mode::None, fills: Vec::new(), rewrites: Vec::new(), left: Vec::new() }
}

/// True if a stop token ends the run with the block.
fn stops(window: &Window, after: &Canvas, settings: &Settings) -> bool {
    let mut cells = match settings.port {
        // It takes the prompt to end where its block does.
        true if window.lead > 0 => return false,
        true => after.cells().range(window.positions.clone()),
        false => after.cells().iter(),
    };
    cells.any(|cell| settings.stopping_criteria_idx.ids().contains(&cell.token))
}

impl BlockSampler for Sdar {
    type Settings = Settings;

    const NAME: &'static str = "sdar";
    const PARAMS: &'static [ParamSpec] = SPECS;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Ok(Settings {
            unmasks: match params.name("remasking_strategy")? {
                "low_confidence_static" => Unmasking::Static,
                "sequential" => Unmasking::Sequential,
                "entropy_bounded" => Unmasking::EntropyBounded,
                _ => Unmasking::Dynamic,
            },
            confidence_threshold: params.float("confidence_threshold")? as f32,
            eb_threshold: params.float("eb_threshold")? as f32,
            blocks: BlockShape::of(params)?,
            denoising_steps: params.count("denoising_steps")?,
            stopping_criteria_idx: params.tokens("stopping_criteria_idx")?,
            port: params.name("variant")? == "lmdeploy",
            filtering: Filtering::of(params)?,
        })
    }

    fn check(settings: &Settings) -> Result<(), DecodeError> {
        settings.filtering.one_filter()?;
        match settings.port && settings.unmasks == Unmasking::EntropyBounded {
            false => Ok(()),
            true => Err(DecodeError::Unfit(
                "lmdeploy has no entropy_bounded: take variant sdar".to_owned(),
            )),
        }
    }

    fn blocks(settings: &Settings) -> BlockShape {
        settings.blocks
    }

    fn cuts(_: &Settings) -> bool {
        false
    }

    fn ask(settings: &Settings) -> PassOptions {
        let by_entropy = settings.unmasks == Unmasking::EntropyBounded;
        PassOptions {
            columns: if by_entropy { SCORED } else { PLAIN },
            score: by_entropy.then_some(Score::NegEntropy),
            ..settings.filtering.ask()
        }
    }

    fn pick(window: &Window, settings: &Settings) -> Result<BlockPicks, DecodeError> {
        let quota = settings.quota(window.state.step);
        Ok(match settings.unmasks {
            _ if window.open().next().is_none() => nothing(),
            Unmasking::Dynamic => {
                dynamic(window, settings, quota).unwrap_or_else(|| best(window, settings, quota))
            }
            Unmasking::Static => best(window, settings, quota),
            Unmasking::Sequential => sequential(window, settings, quota),
            Unmasking::EntropyBounded => entropy_bounded(window, settings)?,
        })
    }

    fn end(window: &Window, change: &BlockChange, settings: &Settings) -> BlockEnd {
        if change.open_now > 0 {
            let used_up = window.state.step + 1 >= settings.denoising_steps;
            match settings.unmasks {
                _ if settings.port => return BlockEnd::GoesOnIfChanged,
                _ if !used_up => return BlockEnd::GoesOn,
                // JetEngine leaves the block with its masks.
                Unmasking::EntropyBounded => {}
                _ => return BlockEnd::Over(Over::OutOfSteps),
            }
        }
        match stops(window, change.after, settings) {
            true => BlockEnd::Over(Over::EndOfSequence),
            false => BlockEnd::Done,
        }
    }

    fn breaks(
        name: &str,
        window: &Window,
        settings: &Settings,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        let value = |value: f32| Value::Float(f64::from(value));
        Ok(match name {
            "confidence_threshold" => Some(
                window
                    .open()
                    .map(|at| match settings.port {
                        true => value(window.p[at].next_up()),
                        // At its own confidence a position is no longer over the threshold.
                        false => value(window.p[at]),
                    })
                    .collect(),
            ),
            "eb_threshold" if settings.unmasks == Unmasking::EntropyBounded => {
                let sums = entropies(window)?;
                Some(sums.into_iter().map(|(_, sum)| value(sum.next_up())).collect())
            }
            "eb_threshold" => Some(Vec::new()),
            _ => None,
        })
    }
}
