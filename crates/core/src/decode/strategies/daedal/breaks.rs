//! Where the outcome of a step may change as one parameter moves: see [`Strategy::breaks`].
//!
//! Lengths change the outcome with every value up to some *cap*, and not at all beyond it. There
//! the present value and the next one stand for all, since they differ if any do.
//!
//! [`Strategy::breaks`]: crate::decode::strategy::Strategy::breaks

use super::{
    Daedal, DaedalColumns, eos, stage1,
    stage2::{self, InsertionEvidence},
};
use crate::{
    canvas::{Canvas, TokenId},
    decode::{DecodeError, EosMeasure, Value, specs::MOST_POSITIONS, strategy::Context},
    predict::{Column, Prediction},
};

pub(super) fn breaks(
    at: Context<Daedal>,
    name: &str,
    prediction: &Prediction,
) -> Result<Vec<Value>, DecodeError> {
    match at.state.stage {
        1 => stage1(at, name, prediction),
        _ => stage2(at, name, prediction),
    }
}

fn stage1(
    at: Context<Daedal>,
    name: &str,
    prediction: &Prediction,
) -> Result<Vec<Value>, DecodeError> {
    let Context { canvas, settings, .. } = at;
    let columns = DaedalColumns::of(prediction)?;
    let threshold = settings.eos_confidence_threshold;
    let window = settings.eos_check_tokens;
    let eos =
        EosMeasure::of(columns.argmax, columns.p_eos, canvas.special().eos, window, threshold)?;
    let (length, factor, max) = (canvas.len(), settings.expansion_factor, settings.max_gen_length);
    let wants = eos.confidence < threshold;
    let may_grow = factor > 0 && length < max;
    Ok(match name {
        "eos_confidence_threshold" if may_grow => vec![just_over(eos.confidence)],
        "eos_check_tokens" => {
            // Every second window appends one EOS more when the stage ends, up to the maximum.
            let cap = max.saturating_sub(length).saturating_mul(2);
            let even = window - window % 2;
            let mut windows = windows(&columns, canvas, threshold, may_grow);
            if canvas.suffix().is_empty() {
                windows.extend([even.min(cap), even + 2]);
            }
            counts(windows)
        }
        "expansion_factor" if wants => capped(factor, max.saturating_sub(length)),
        "max_gen_length" if wants && may_grow => capped(max, length.saturating_add(factor)),
        // Up to one more than the length these are the lengths that the stage ends with.
        "max_gen_length" => {
            let appended = stage1::appended(canvas, settings);
            let mut lengths = capped(max, length.saturating_add(appended));
            // What is fixed is never cut off.
            let least = stage1::least(canvas);
            lengths.extend(counts((least > 0).then_some(least + 1)));
            lengths
        }
        _ => Vec::new(),
    })
}

fn stage2(
    at: Context<Daedal>,
    name: &str,
    prediction: &Prediction,
) -> Result<Vec<Value>, DecodeError> {
    let Context { canvas, settings, .. } = at;
    let columns = DaedalColumns::of(prediction)?;
    let at_work = at.state.at_work(canvas, settings.block_length);
    let evidence = InsertionEvidence::of(&columns, canvas, at_work, settings, prediction)?;
    let p = columns.p_choice;
    match name {
        "high_conf_threshold" => {
            let writable = |at: &&usize| columns.choice[**at] != canvas.special().mask;
            let over = evidence.fillable.iter().filter(writable);
            return Ok(over.map(|&at| Value::Float(f64::from(p[at]))).collect());
        }
        "block_length" => return blocks(at, &columns, prediction),
        _ => {}
    }

    // The others only say whether the least confident position is expanded, and by how much.
    let threshold = evidence.eos.threshold;
    let (length, factor, max) = (canvas.len(), settings.expansion_factor, settings.max_gen_length);
    let full = length >= max;
    // What the user asked for comes first, whatever the confidences say.
    let forced = evidence.forced;
    let confident = forced.is_none() && evidence.eos.confidence >= threshold;
    let lowest = evidence.lowest.filter(|_| forced.is_none());
    let candidate = forced.or(lowest.filter(|&at| p[at] < settings.low_conf_threshold));
    // From where on an expansion would push a fixed position off the end.
    let fixed: Vec<usize> = candidate.map_or_else(Vec::new, |from| {
        (from + 1..length).filter(|&at| canvas.cells()[at].is_fixed()).collect()
    });
    Ok(match (name, lowest, candidate) {
        ("low_conf_threshold", Some(lowest), _) if !confident && !full => {
            vec![just_over(p[lowest])]
        }
        ("expand_eos_confidence_threshold", _, Some(_)) if !full && forced.is_none() => {
            vec![just_over(evidence.eos.confidence)]
        }
        ("eos_check_tokens", _, candidate) => {
            let matters = candidate.is_some() && !full && forced.is_none();
            counts(windows(&columns, canvas, threshold, matters))
        }
        ("expansion_factor", _, Some(lowest)) if !confident && !full => {
            // From the cap on, the new masks and those that follow reach the maximum.
            let stays = |at: &usize| canvas.is_masked(*at) && !evidence.fills.has(*at);
            let masks = (lowest + 1..length).take_while(stays).count();
            let mut factors = capped(factor, max - lowest - masks);
            factors.extend(counts(fixed.iter().map(|&at| (max + 1).saturating_sub(at))));
            factors
        }
        ("max_gen_length", _, Some(_)) if !confident => {
            let mut lengths = capped(max, (length + factor).saturating_sub(1));
            lengths.extend(counts([length + 1]));
            lengths.extend(counts(fixed.iter().map(|&at| at + factor)));
            lengths
        }
        _ => Vec::new(),
    })
}

/// The windows at which the EOS confidence crosses `threshold`, if that `matters`, and the one
/// from which it cannot be measured.
fn windows(columns: &DaedalColumns, canvas: &Canvas, threshold: f32, matters: bool) -> Vec<usize> {
    let eos = canvas.special().eos;
    let mut windows = Vec::new();
    if matters {
        windows = eos::crossings(columns, eos, threshold, MOST_POSITIONS as usize);
    }
    windows.extend(eos::unmeasurable(columns, eos));
    windows
}

/// The block lengths at which another position is filled or expanded, and the nearest ones at
/// which the next block would be another.
fn blocks(
    at: Context<Daedal>,
    columns: &DaedalColumns,
    prediction: &Prediction,
) -> Result<Vec<Value>, DecodeError> {
    let Context { canvas, state, settings } = at;
    let at_work = state.at_work(canvas, settings.block_length);
    let decision = stage2::decide(at, prediction)?;
    let eos_refuses = decision.eos.as_ref().is_some_and(|eos| eos.confidence >= eos.threshold);
    let mut scan = Scan {
        columns,
        mask: canvas.special().mask,
        high: settings.high_conf_threshold,
        low: settings.low_conf_threshold,
        expands: !eos_refuses
            && canvas.len() < settings.max_gen_length
            && InsertionEvidence::of(columns, canvas, at_work, settings, prediction)?
                .forced
                .is_none(),
        p_unmask: prediction.numbers(Column::PBestUnmask).ok(),
        seen: MaskedSoFar::default(),
    };
    // A block narrower than the way to the first open position begins further on, by whole
    // blocks: there each width may fill another position.
    let ahead = (state.cursor..canvas.len()).find(|&at| canvas.is_open(at));
    let mut widths: Vec<usize> =
        ahead.map_or_else(Vec::new, |first| (1..=first - state.cursor + 1).collect());
    let mut was = scan.choice();
    for at in (state.cursor..canvas.len()).filter(|&at| canvas.is_open(at)) {
        let width = at - state.cursor + 1;
        if !columns.p_choice[at].is_finite() {
            // No wider block can be decided.
            widths.push(width);
            break;
        }
        let asked = canvas.cells()[at].overridden.expand;
        if asked == Some(true) {
            continue;
        }
        scan.take(at, asked != Some(false));
        let is = scan.choice();
        if is != was {
            widths.push(width);
        }
        was = is;
    }

    // Where the choice is the present one, so is the canvas after the step, and the cursor moves
    // by whole blocks up to the one that holds the first mask.
    let after = canvas.apply(&decision.edits, 0)?.canvas;
    let first = (state.cursor..after.len()).find(|&at| after.is_open(at));
    if let Some(distance) = first.map(|at| at - state.cursor) {
        let width = settings.block_length;
        let jump = |width: usize| distance - distance % width;
        widths.extend((width + 1..=distance + 1).find(|&other| jump(other) != jump(width)));
        let narrower = (1..width.min(distance + 1)).rev();
        let other = narrower.into_iter().find(|&other| jump(other) != jump(width));
        widths.extend(other.map(|other| other + 1));
    }
    Ok(counts(widths))
}

/// What would be filled and expanded as the block takes in one masked position after the other.
struct Scan<'a> {
    columns: &'a DaedalColumns<'a>,
    mask: TokenId,
    high: f32,
    low: f32,
    /// Nothing refuses an expansion.
    expands: bool,
    p_unmask: Option<&'a [f32]>,
    seen: MaskedSoFar,
}

/// What matters of the masked positions taken in so far.
#[derive(Default)]
struct MaskedSoFar {
    any: bool,
    /// Number of positions over the high threshold.
    high: usize,
    /// The best position that may be written.
    best: Option<usize>,
    /// The best position without the mask token.
    unmasked: Option<usize>,
    /// A position has no finite probability without the mask token.
    unmask_fails: bool,
    /// The least confident position that is not over the high threshold, if under the low one.
    lowest: Option<usize>,
    /// The next one: the one expanded if the least confident one is filled.
    second: Option<usize>,
}

/// What is filled and expanded. The positions over the high threshold need only be counted: a
/// wider block has the same and more.
#[derive(PartialEq)]
struct FillCounts {
    high: usize,
    filled: Option<usize>,
    expanded: Option<usize>,
    fails: bool,
}

impl Scan<'_> {
    fn take(&mut self, at: usize, may_expand: bool) {
        let p = self.columns.p_choice;
        let seen = &mut self.seen;
        seen.any = true;
        let writable = self.columns.choice[at] != self.mask;
        if writable && seen.best.is_none_or(|best| p[at] > p[best]) {
            seen.best = Some(at);
        }
        if let Some(p) = self.p_unmask {
            seen.unmask_fails |= !p[at].is_finite();
            if seen.unmasked.is_none_or(|best| p[at] > p[best]) {
                seen.unmasked = Some(at);
            }
        }
        if writable && p[at] > self.high {
            seen.high += 1;
        } else if may_expand && p[at] < self.low {
            if seen.lowest.is_none_or(|lowest| p[at] < p[lowest]) {
                seen.second = seen.lowest.replace(at);
            } else if seen.second.is_none_or(|second| p[at] < p[second]) {
                seen.second = Some(at);
            }
        }
    }

    fn choice(&self) -> FillCounts {
        let seen = &self.seen;
        let stuck = seen.any && seen.best.is_none();
        let filled = match seen.high {
            0 if stuck => seen.unmasked,
            0 => seen.best,
            _ => None,
        };
        // A token that cannot be written fails as well, but hangs on the position alone.
        let fails = stuck && (seen.unmask_fails || filled.is_none());
        let lowest = if seen.lowest == filled { seen.second } else { seen.lowest };
        let expanded = lowest.filter(|_| self.expands);
        FillCounts { high: seen.high, filled, expanded, fails }
    }
}

/// The first threshold that `p` is under.
fn just_over(p: f32) -> Value {
    Value::Float(f64::from(p.next_up()))
}

/// The values that stand for all where every one up to `cap` matters and none beyond.
fn capped(present: usize, cap: usize) -> Vec<Value> {
    counts([present.min(cap), present + 1])
}

fn counts(values: impl IntoIterator<Item = usize>) -> Vec<Value> {
    values.into_iter().filter_map(|value| i64::try_from(value).ok()).map(Value::Int).collect()
}
