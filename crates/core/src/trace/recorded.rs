//! Decisions as a recording gives them: of other programs' strategies, and where the prediction is not
//! read yet.

use std::collections::HashMap;

use super::{convert, record::RecordedStep};
use crate::{
    canvas::{self, Canvas, TokenId},
    decode::{self, Decision, FillRule, Growth, Mode, RemaskRule, Verdict, Verdicts},
    predict,
};

/// The decision of a record, whose `edits` lead from the canvas before to the one after. `in_part` if
/// there is a prediction that is not read now.
pub(super) fn decision(
    record: &RecordedStep,
    edits: Vec<canvas::Edit>,
    (before, after): (&Canvas, &Canvas),
    prediction: Option<&predict::Prediction>,
    in_part: bool,
) -> Decision {
    let recorded = record.decision.clone().unwrap_or_default();
    let named = |mode: &Mode| mode.name() == recorded.mode;
    let mut verdicts = convert::verdicts(&recorded.why, before.len());
    unexplained(&mut verdicts, before, &edits, prediction);
    Decision {
        mode: Mode::ALL.into_iter().find(named).unwrap_or(Mode::Recorded),
        verdicts: Verdicts::on_record(&verdicts, in_part),
        dropped: recorded
            .dropped
            .iter()
            .map(|drop| decode::Drop { slot: canvas::Slot(drop.slot), token: drop.token })
            .collect(),
        eos: recorded.eos.as_ref().map(|eos| decode::EosMeasure {
            taken: Vec::new(),
            window: eos.window,
            confidence: eos.confidence,
            threshold: eos.threshold,
        }),
        growth: if after.len() == before.len() { Growth::Stays } else { Growth::To(after.len()) },
        next: record.state.clone(),
        edits,
    }
}

/// The verdicts of positions for which the recording gives no reason: they follow from the edits.
fn unexplained(
    verdicts: &mut [Verdict],
    before: &Canvas,
    edits: &[canvas::Edit],
    prediction: Option<&predict::Prediction>,
) {
    let p = |at: usize, token: TokenId| prediction?.probability(token, at);
    // A step of one edit needs no table of a thousand positions.
    let places: HashMap<canvas::Slot, usize> = match edits.len() {
        0..8 => HashMap::new(),
        _ => before.cells().iter().enumerate().map(|(at, cell)| (cell.slot, at)).collect(),
    };
    let place = |slot: canvas::Slot| match edits.len() {
        0..8 => before.position(slot),
        _ => places.get(&slot).copied(),
    };
    for (verdict, cell) in verdicts.iter_mut().zip(before.cells()) {
        let was = cell.token;
        match *verdict {
            _ if was == before.special().mask => {}
            Verdict::Unrecorded => *verdict = Verdict::Unchanged,
            // The writer of the recording gives the reason of a replacement as that of a fill.
            Verdict::Fill { token, .. } if token == was => *verdict = Verdict::Unchanged,
            Verdict::Fill { token, p, rule, threshold } => {
                *verdict = Verdict::Replace { was, token, p, rule, threshold };
            }
            _ => {}
        }
    }
    for edit in edits {
        let (canvas::Edit::Fill { slot, .. }
        | canvas::Edit::Replace { slot, .. }
        | canvas::Edit::Remask { slot }
        | canvas::Edit::Expand { slot, .. }) = *edit
        else {
            continue;
        };
        let Some(at) = place(slot) else { continue };
        let Some(verdict) = verdicts.get_mut(at) else { continue };
        let was = before.cells()[at].token;
        // A token that one step masks and writes again is replaced, or stays the same.
        let back = matches!(verdict, Verdict::Remask { rule: RemaskRule::Unrecorded, .. });
        if !back && !matches!(verdict, Verdict::Unrecorded | Verdict::Unchanged) {
            continue;
        }
        let rule = FillRule::Unrecorded;
        *verdict = match *edit {
            canvas::Edit::Fill { token, .. } | canvas::Edit::Replace { token, .. } => {
                let p = p(at, token).unwrap_or(f32::NAN);
                match token {
                    _ if before.is_masked(at) => Verdict::Fill { token, p, rule, threshold: None },
                    same if same == was => Verdict::Unchanged,
                    token => Verdict::Replace { was, token, p, rule, threshold: None },
                }
            }
            canvas::Edit::Expand { n, .. } => Verdict::Grown { n },
            _ => Verdict::Remask { token: was, p: None, rule: RemaskRule::Unrecorded },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decision that a recording of another program's strategy gives for a step from `before`.
    fn decided(before: &[TokenId], decision: &str) -> Decision {
        let lines = [
            r#"{"kind":"header","format":"demask","version":[1,4],"strategy":"editor","model":{"name":"m","mask":9,"eos":8}}"#,
            &format!(r#"{{"kind":"root","id":0,"prompt":[1],"canvas":{before:?}}}"#),
            &format!(
                r#"{{"kind":"step","id":1,"parent":0,"decision":{}}}"#,
                decision.replace('\n', " ")
            ),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let recording = crate::trace::read(file.path()).unwrap();
        let node = &recording.recorded.timeline[recording.recorded.end];
        (*node.step().unwrap().decision).clone()
    }

    #[test]
    fn what_another_program_wrote_over_is_replaced() {
        let decision = decided(
            &[4, 5, 9, 6, 7],
            r#"{"mode":"x","edits":[{"remask":0},{"fill":[0,3]},{"replace":[1,2]},{"fill":[2,3]},
                {"remask":3},{"fill":[3,6]},{"remask":4}],
                "why":[{"do":"fill","at":1,"token":2,"p":0.5,"rule":"above","threshold":0.25}]}"#,
        );
        assert_eq!(decision.replacements().collect::<Vec<_>>(), [(0, 4, 3), (1, 5, 2)]);
        assert_eq!(decision.fills().collect::<Vec<_>>(), [(2, 3)]);
        assert_eq!(decision.remasks().collect::<Vec<_>>(), [(4, 7)]);
        // Written again as it was.
        assert_eq!(decision.verdicts[3], Verdict::Unchanged);
        assert_eq!(decision.verdicts[1].to_string(), "replaced: 0.500 > τ_high 0.250");
    }
}
