//! Stage 1, initial length adjustment: add masks while the EOS confidence is low, then put a few
//! EOS tokens behind them, unless a suffix stands there.

use super::{Daedal, DaedalColumns, Settings, State};
use crate::{
    canvas::{Canvas, Cell, Edit, Filler},
    decode::{
        DecisionOf, DecodeError, Drop, EosMeasure, Growth, LeftRule, Mode, Verdict,
        strategy::Context,
    },
    predict::Prediction,
};

/// End-of-sequence tokens that are put behind the masks when the stage ends: half of what the EOS
/// confidence counts, and none where a text goes on behind them, as in DAEDAL's infilling form.
pub(super) fn appended(canvas: &Canvas, settings: &Settings) -> usize {
    if canvas.suffix().is_empty() { settings.eos_check_tokens / 2 } else { 0 }
}

/// Positions that do not fall off: up to the last one that is fixed.
pub(super) fn least(canvas: &Canvas) -> usize {
    canvas.cells().iter().rposition(Cell::is_fixed).map_or(0, |last| last + 1)
}

pub(super) fn decide(
    at: Context<Daedal>,
    prediction: &Prediction,
) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, settings, .. } = at;
    let columns = DaedalColumns::of(prediction)?;
    let eos = EosMeasure::of(
        columns.argmax,
        columns.p_eos,
        canvas.special().eos,
        settings.eos_check_tokens,
        settings.eos_confidence_threshold,
    )?;
    let length = canvas.len();
    let max = settings.max_gen_length;
    let grown = length.saturating_add(settings.expansion_factor).min(max);
    let wants = eos.confidence < settings.eos_confidence_threshold;
    // With an expansion factor of 0 the reference warns and goes on to stage 2.
    let grows = wants && grown > length;

    let (mode, edits, growth, next) = if grows {
        let edit = Edit::Append { n: grown - length, filler: Filler::Mask };
        let next = State { stage: 1, cursor: 0, stagnant: false };
        (Mode::Grow, vec![edit], Growth::To(grown), next)
    } else {
        let settled = length.saturating_add(appended(canvas, settings)).min(max).max(least(canvas));
        let edit = match settled {
            settled if settled > length => {
                Some(Edit::Append { n: settled - length, filler: Filler::Eos })
            }
            settled if settled < length => Some(Edit::Truncate { length: settled }),
            _ => None,
        };
        let growth = match edit {
            Some(_) => Growth::To(settled),
            None if wants => Growth::AtMaximum(max),
            None => Growth::Stays,
        };
        let next = State { stage: 2, cursor: 0, stagnant: false };
        (Mode::Settle, edit.into_iter().collect(), growth, next)
    };
    let kept = match growth {
        Growth::To(to) => to.min(length),
        _ => length,
    };
    Ok(DecisionOf {
        mode,
        edits,
        verdicts: columns
            .p_choice
            .iter()
            .enumerate()
            .map(|(at, &p)| match canvas.is_masked(at) {
                true => Verdict::Left { p, rule: LeftRule::Stage },
                false => Verdict::Unchanged,
            })
            .collect(),
        dropped: canvas
            .cells()
            .range(kept..canvas.len())
            .map(|cell| Drop {
                slot: cell.slot,
                token: (cell.token != canvas.special().mask).then_some(cell.token),
            })
            .collect(),
        eos: Some(eos),
        growth,
        next,
    })
}
