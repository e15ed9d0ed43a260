//! How often guesses changed before their positions were unmasked.

use std::collections::HashMap;

use super::view::prediction_at;
use crate::{
    canvas::{Cell, Slot, TokenId},
    session::{NodeId, Session},
};

/// Mean number of times that the guess at a position of the content changed while it was masked, over
/// the positions of which a guess is known. `None` if no guess is known. Reads every prediction on the way
/// to the node.
pub fn flips_per_token(session: &Session, at: NodeId) -> Option<f64> {
    let timeline = session.timeline();
    let canvas = &timeline[at].canvas;
    let mask = canvas.special().mask;
    let written = |cell: &&Cell| cell.token != mask && !cell.is_given();
    let content = canvas.cells().range(0..canvas.tail()).filter(written);
    let mut guesses: HashMap<Slot, Option<TokenId>> =
        content.map(|cell| (cell.slot, None)).collect();
    let mut flips = 0;
    for id in timeline.path(at) {
        let canvas = &timeline[id].canvas;
        // Predictions of a long recording are read from the file: only where one is asked.
        if !canvas.cells().iter().any(|cell| cell.token == mask && guesses.contains_key(&cell.slot))
        {
            continue;
        }
        let Some(prediction) = prediction_at(session, id) else { continue };
        for (position, cell) in canvas.cells().iter().enumerate() {
            if cell.token != mask {
                continue;
            }
            let (Some(last), Some(guess)) =
                (guesses.get_mut(&cell.slot), prediction.guess(position))
            else {
                continue;
            };
            flips += usize::from(last.is_some_and(|last| last != guess));
            *last = Some(guess);
        }
    }
    let known = guesses.values().flatten().count();
    (known > 0).then(|| flips as f64 / known as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inspect::{
            Query,
            language::{NameValue, Subject},
            rows,
        },
        trace,
    };

    #[test]
    fn the_mean_is_that_of_what_conditions_say_of_each_position() {
        for name in ["stage-2-expansions", "wrong-count", "edited-away", "maximum-length"] {
            let path = format!("../../recordings/{name}.jsonl");
            let recording = trace::read(path.as_ref()).unwrap();
            let (session, end) = (recording.session(), recording.recorded.end);
            let query = Query::parse("positions | sort by flips").unwrap();
            assert_eq!(query.subject, Subject::Positions);
            let canvas = &session.timeline()[end].canvas;
            let content = canvas.cells().range(0..canvas.tail());
            let content: Vec<Slot> = content
                .filter(|cell| cell.token != canvas.special().mask && !cell.is_given())
                .map(|cell| cell.slot)
                .collect();
            let found = rows(&query, &session, &*recording.vocabulary, (end, 0));
            let flips =
                found.iter().filter(|row| row.slot.is_some_and(|slot| content.contains(&slot)));
            let flips: Vec<f64> = flips
                .map(|row| match row.keys[0] {
                    Some(NameValue::Number(flips)) => flips,
                    ref other => panic!("{name}: {other:?}"),
                })
                .collect();
            assert_eq!(flips.len(), content.len(), "{name}");
            let mean = flips.iter().sum::<f64>() / flips.len() as f64;
            let found = flips_per_token(&session, end).unwrap();
            assert!((found - mean).abs() < 1e-12, "{name}: {found} {mean}");
            assert!(name != "stage-2-expansions" || found > 0.0, "no guess changed");
        }
    }
}
