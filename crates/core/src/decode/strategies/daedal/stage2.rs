//! Stage 2, iterative denoising and mask insertion: fill what is confident (or the best), expand
//! the one position that is least confident, move to the next block when this one is full.

use std::ops::Range;

use super::{Daedal, DaedalColumns, Settings, State};
use crate::{
    canvas::{Canvas, Edit, TokenId},
    decode::{
        DecisionOf, DecodeError, Drop, EosMeasure, FillRule, Growth, LeftRule, Mode, RefuseRule,
        Verdict, strategy::Context,
    },
    predict::{Column, Prediction},
};

/// What a step is decided on.
pub(super) struct InsertionEvidence {
    /// The current block, clipped to the length.
    pub block: Range<usize>,
    /// The open positions of the block that may be filled.
    pub fillable: Vec<usize>,
    /// The positions filled, and by which rule.
    pub fills: PlannedFills,
    /// The least confident of them that is not filled and not forbidden to expand: expanded if it
    /// is under τ_low and nothing refuses.
    pub lowest: Option<usize>,
    /// The least confident position the user asked to expand, wherever it is: it comes first.
    pub forced: Option<usize>,
    /// The EOS confidence, with τ_expand as its threshold.
    pub eos: EosMeasure,
}

impl InsertionEvidence {
    pub(super) fn of(
        columns: &DaedalColumns,
        canvas: &Canvas,
        state: State,
        settings: &Settings,
        prediction: &Prediction,
    ) -> Result<Self, DecodeError> {
        let block = state.block(canvas.len(), settings.block_length);
        let open: Vec<usize> = block.clone().filter(|&position| canvas.is_open(position)).collect();
        if let Some(&position) = open.iter().find(|&&at| !columns.p_choice[at].is_finite()) {
            return Err(DecodeError::NotFinite(position));
        }
        let eos = EosMeasure::of(
            columns.argmax,
            columns.p_eos,
            canvas.special().eos,
            settings.eos_check_tokens,
            settings.expand_eos_confidence_threshold,
        )?;
        let asked = |at: usize| canvas.cells()[at].overridden.expand;
        let lower = |a: usize, b: usize| columns.p_choice[a] < columns.p_choice[b];
        let forced: Vec<usize> =
            (0..canvas.len()).filter(|&at| asked(at) == Some(true) && canvas.is_open(at)).collect();
        let fillable: Vec<usize> = open.into_iter().filter(|&at| asked(at) != Some(true)).collect();
        let high = settings.high_conf_threshold;
        let fills = fills(canvas, high, columns, &fillable, prediction)?;
        let rest: Vec<usize> =
            fillable.iter().copied().filter(|&at| !fills.has(at) && asked(at).is_none()).collect();
        let lowest = first_by(&rest, lower);
        Ok(Self { block, fillable, fills, lowest, forced: first_by(&forced, lower), eos })
    }
}

pub(super) fn decide(
    at: Context<Daedal>,
    prediction: &Prediction,
) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, settings, .. } = at;
    let state = at.state.at_work(canvas, settings.block_length);
    let columns = DaedalColumns::of(prediction)?;
    let InsertionEvidence { block, fills, lowest, forced, eos, .. } =
        InsertionEvidence::of(&columns, canvas, state, settings, prediction)?;
    let lowest = lowest.filter(|&at| columns.p_choice[at] < settings.low_conf_threshold);
    let lowest = forced.or(lowest);
    let refusal = refusal(canvas, settings, &eos, lowest, forced.is_some());
    let expanded = if refusal.is_none() { lowest } else { None };

    let mut edits: Vec<Edit> = fills
        .chosen
        .iter()
        .map(|fill| Edit::Fill { slot: canvas.cells()[fill.position].slot, token: fill.token })
        .collect();
    let mut growth = Growth::Stays;
    if let Some(position) = expanded {
        let n = settings.expansion_factor;
        edits.push(Edit::Expand { slot: canvas.cells()[position].slot, n });
        let wanted = (canvas.len() + n).saturating_sub(1);
        let length = wanted.min(settings.max_gen_length);
        if wanted > length {
            edits.push(Edit::Truncate { length });
        }
        growth = Growth::To(length);
    } else if lowest.is_some() && canvas.len() >= settings.max_gen_length {
        growth = Growth::AtMaximum(settings.max_gen_length);
    }

    // Only its tokens matter here; the session applies the edits for good.
    let after = canvas.apply(&edits, 0)?;
    // A step fills something wherever it may, with a temperature too. So a step that changes
    // nothing has only positions left that the user asked to expand, and no draw changes their
    // refusal. An expansion that was asked for counts as a change, even if it puts one mask in
    // place of one; one that is refused will be refused again.
    let asked = forced.is_some() && expanded.is_some();
    let stagnant = !asked && after.canvas.tokens() == canvas.tokens();
    let cursor = advance(&after.canvas, state.cursor, settings.block_length);
    Ok(DecisionOf {
        mode: fills.mode,
        verdicts: verdicts(canvas, settings, &columns, &block, &fills, lowest, refusal, &eos)
            .into(),
        dropped: after
            .dropped
            .iter()
            // Masks that the expansion itself would have made are not lost: they never were.
            .filter(|cell| canvas.position(cell.slot).is_some())
            .map(|cell| Drop {
                slot: cell.slot,
                token: (cell.token != canvas.special().mask).then_some(cell.token),
            })
            .collect(),
        edits,
        eos: Some(eos),
        growth,
        next: State { stage: 2, cursor, stagnant },
    })
}

/// A position to be filled.
pub(in crate::decode) struct Fill {
    pub position: usize,
    pub token: TokenId,
    pub p: f32,
}

/// The positions to be filled, in order, and by which rule.
pub(in crate::decode) struct PlannedFills {
    pub mode: Mode,
    pub chosen: Vec<Fill>,
}

impl PlannedFills {
    /// True if `position` is filled.
    pub(super) fn has(&self, position: usize) -> bool {
        self.chosen.binary_search_by_key(&position, |fill| fill.position).is_ok()
    }
}

/// What is filled of the `masked` positions: those over the threshold `high`, else the best.
pub(in crate::decode) fn fills(
    canvas: &Canvas,
    high: f32,
    columns: &DaedalColumns,
    masked: &[usize],
    prediction: &Prediction,
) -> Result<PlannedFills, DecodeError> {
    let mask = canvas.special().mask;
    let fill = |position: usize| Fill {
        position,
        token: columns.choice[position],
        p: columns.p_choice[position],
    };
    let writable: Vec<usize> =
        masked.iter().copied().filter(|&position| columns.choice[position] != mask).collect();
    let high: Vec<Fill> = writable
        .iter()
        .filter(|&&position| columns.p_choice[position] > high)
        .map(|&position| fill(position))
        .collect();
    if !high.is_empty() {
        return Ok(PlannedFills { mode: Mode::HighConf, chosen: high });
    }
    if let Some(best) = first_by(&writable, |a, b| columns.p_choice[a] > columns.p_choice[b]) {
        return Ok(PlannedFills { mode: Mode::Fallback, chosen: vec![fill(best)] });
    }
    if masked.is_empty() {
        return Ok(PlannedFills { mode: Mode::None, chosen: Vec::new() });
    }
    let token = prediction.ids(Column::BestUnmask)?;
    let p = prediction.numbers(Column::PBestUnmask)?;
    if let Some(&position) = masked.iter().find(|&&at| !p[at].is_finite()) {
        return Err(DecodeError::NotFinite(position));
    }
    let chosen = first_by(masked, |a, b| p[a] > p[b]).map(|position| Fill {
        position,
        token: token[position],
        p: p[position],
    });
    Ok(PlannedFills { mode: Mode::Stuck, chosen: chosen.into_iter().collect() })
}

/// The position no other beats; the first of equals.
fn first_by(positions: &[usize], beats: impl Fn(usize, usize) -> bool) -> Option<usize> {
    positions.iter().copied().reduce(|best, at| if beats(at, best) { at } else { best })
}

/// Why no position may be expanded in this step, if so.
pub(super) fn refusal(
    canvas: &Canvas,
    settings: &Settings,
    eos: &EosMeasure,
    lowest: Option<usize>,
    forced: bool,
) -> Option<RefuseRule> {
    if !forced && eos.confidence >= eos.threshold {
        Some(RefuseRule::EosConfident { eos: eos.confidence, threshold: eos.threshold })
    } else if canvas.len() >= settings.max_gen_length {
        Some(RefuseRule::AtMaximum { length: canvas.len() })
    } else {
        let moved = settings.expansion_factor.saturating_sub(1);
        let stays = settings.max_gen_length.saturating_sub(moved);
        let behind = canvas.cells().iter().enumerate().skip(lowest?.max(stays.saturating_sub(1)));
        let fixed = behind.filter(|&(at, cell)| at >= stays && cell.is_fixed());
        fixed.map(|(pinned, _)| RefuseRule::DropsPinned { pinned }).next()
    }
}

/// The cursor after a step: on by whole blocks while the window holds no mask. It may end past
/// the length, since the reference adds the full block length also at the end.
pub(super) fn advance(canvas: &Canvas, mut cursor: usize, block_length: usize) -> usize {
    while cursor < canvas.len() {
        let end = cursor.saturating_add(block_length).min(canvas.len());
        if (cursor..end).any(|position| canvas.is_open(position)) {
            break;
        }
        cursor = cursor.saturating_add(block_length);
    }
    cursor
}

/// The cursor after the user's edits: back by whole blocks to the first open position, or on as
/// after a step.
pub(super) fn cursor_after_edit(canvas: &Canvas, mut cursor: usize, block_length: usize) -> usize {
    let Some(first) = (0..canvas.len()).find(|&at| canvas.is_open(at)) else {
        return cursor.max(canvas.len());
    };
    while cursor > first {
        cursor = cursor.saturating_sub(block_length);
    }
    advance(canvas, cursor, block_length)
}

#[expect(clippy::too_many_arguments, reason = "everything a step decided, put into words")]
fn verdicts(
    canvas: &Canvas,
    settings: &Settings,
    columns: &DaedalColumns,
    block: &Range<usize>,
    fills: &PlannedFills,
    lowest: Option<usize>,
    refusal: Option<RefuseRule>,
    eos: &EosMeasure,
) -> Vec<Verdict> {
    let high = settings.high_conf_threshold;
    let low = settings.low_conf_threshold;
    let (rule, threshold) = match fills.mode {
        Mode::HighConf => (FillRule::Above, Some(high)),
        Mode::Stuck => (FillRule::WithoutMask, None),
        _ => (FillRule::BestOfBlock, Some(high)),
    };
    let best = match (fills.mode, fills.chosen.first()) {
        (Mode::Fallback, Some(fill)) => Some((fill.position, fill.p)),
        _ => None,
    };
    let mut verdicts: Vec<Verdict> = (0..canvas.len())
        .map(|position| {
            let p = columns.p_choice[position];
            let left = |rule| Verdict::Left { p, rule };
            let overridden = |position: usize| canvas.cells()[position].overridden;
            match lowest {
                _ if !canvas.is_masked(position) => Verdict::Unchanged,
                _ if overridden(position).pinned => left(LeftRule::Pinned),
                Some(lowest) if overridden(position).expand == Some(true) => match refusal {
                    Some(rule) => Verdict::Refused { p, threshold: low, rule },
                    None if position == lowest => {
                        Verdict::Forced { p, n: settings.expansion_factor }
                    }
                    None => left(LeftRule::Waits { first: lowest }),
                },
                _ if !block.contains(&position) => left(LeftRule::OutsideBlock),
                _ if p < low && overridden(position).expand == Some(false) => {
                    Verdict::Refused { p, threshold: low, rule: RefuseRule::Forbidden }
                }
                Some(lowest) if p < low => match refusal {
                    Some(rule) => Verdict::Refused { p, threshold: low, rule },
                    None if position == lowest => Verdict::Expand {
                        p,
                        threshold: low,
                        n: settings.expansion_factor,
                        eos: eos.confidence,
                        eos_threshold: eos.threshold,
                    },
                    None => {
                        let rule = RefuseRule::NotLowest { lowest, p: columns.p_choice[lowest] };
                        Verdict::Refused { p, threshold: low, rule }
                    }
                },
                _ if columns.choice[position] == canvas.special().mask => {
                    left(LeftRule::PredictsMask)
                }
                _ => left(LeftRule::NotConfident { threshold: high, best }),
            }
        })
        .collect();
    for fill in &fills.chosen {
        verdicts[fill.position] = Verdict::Fill { token: fill.token, p: fill.p, rule, threshold };
    }
    verdicts
}
