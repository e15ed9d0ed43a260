//! Stage 1, initial length adjustment: add masks while the EOS confidence is low, then put a few
//! EOS tokens behind them.

use super::{Daedal, DaedalColumns, State, eos};
use crate::{
    canvas::{Edit, Filler},
    decode::{DecisionOf, DecodeError, Drop, Growth, LeftRule, Mode, Verdict, strategy::Context},
    predict::Prediction,
};

pub(super) fn decide(
    at: Context<Daedal>,
    prediction: &Prediction,
) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, settings, .. } = at;
    let columns = DaedalColumns::of(prediction)?;
    let eos = eos::measure(
        &columns,
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
        // What is pinned does not fall off.
        let pinned = canvas.cells().iter().rposition(|cell| cell.overridden.pinned);
        let least = pinned.map_or(0, |last| last + 1);
        let settled = length.saturating_add(settings.eos_check_tokens / 2).min(max).max(least);
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
        dropped: canvas.cells()[kept..]
            .iter()
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
