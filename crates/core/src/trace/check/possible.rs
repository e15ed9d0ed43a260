//! Numbers that cannot be, whether or not a decision reads them: they tell of a faulty writer.

use super::CheckDifference;
use crate::{
    canvas::{Edit, NO_TOKEN},
    predict::{Data, Prediction},
    trace::record::RecordedTiming,
};

/// How far a number may lie beyond its bounds: what sums of f32 come to, and rounding to three
/// digits.
const SLACK: f32 = 0.01;

/// No step takes longer, milliseconds: thirty years.
const LONGEST_TIME: f64 = 1e12;

/// The first impossible time of a step.
pub(super) fn times(timing: &RecordedTiming) -> Option<CheckDifference> {
    let times = [("forward_ms", timing.forward_ms), ("decide_ms", timing.decide_ms)];
    let (what, time) = times.into_iter().find(|(_, time)| !(0.0..=LONGEST_TIME).contains(time))?;
    Some((what, None, format!("{time:?}"), "milliseconds, 0 or more".to_owned()))
}

/// The first impossible number or token of a prediction. `vocabulary` is 0 where it is not known;
/// what is not finite was not recorded.
pub(super) fn prediction(prediction: &Prediction, vocabulary: usize) -> Option<CheckDifference> {
    prediction.columns().find_map(|(column, data)| {
        let found = |at: usize, recorded: String, possible: String| {
            Some((column.name(), Some(at), recorded, possible))
        };
        match data {
            Data::Numbers(numbers) => {
                let (least, most) = column.spec().kind.bounds(vocabulary);
                let at = numbers.iter().position(|&number| outside(number, least, most))?;
                let possible = match most {
                    f32::INFINITY => format!("{least} or more"),
                    most => format!("{least} to {most}"),
                };
                found(at, format!("{:?}", numbers[at]), possible)
            }
            Data::Ids(ids) => {
                let at = ids.iter().position(|&id| beyond(id, vocabulary))?;
                found(at, ids[at].to_string(), below(vocabulary))
            }
            Data::Ranked(ranked) => (0..prediction.rows()).find_map(|at| {
                let (recorded, possible) = candidates(ranked.row(at), vocabulary)?;
                found(at, recorded, possible)
            }),
        }
    })
}

/// What cannot be of a position's candidates: different tokens, the more probable first, no more
/// than certain together.
fn candidates(row: &[(u32, f32)], vocabulary: usize) -> Option<(String, String)> {
    if let Some((id, _)) = row.iter().find(|(id, _)| beyond(*id, vocabulary)) {
        return Some((id.to_string(), below(vocabulary)));
    }
    if let Some((_, p)) = row.iter().find(|(_, p)| outside(*p, 0.0, 1.0)) {
        return Some((format!("{p:?}"), "0 to 1".to_owned()));
    }
    let mut ids: Vec<u32> = row.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Some((format!("token {} twice", pair[0]), "different tokens".to_owned()));
    }
    if let Some(pair) = row.windows(2).find(|pair| pair[0].1 < pair[1].1) {
        let (first, second) = (pair[0].1, pair[1].1);
        return Some((
            format!("{first:?} before {second:?}"),
            "the more probable first".to_owned(),
        ));
    }
    let whole: f32 = row.iter().map(|(_, p)| p).sum();
    outside(whole, 0.0, 1.0).then(|| (format!("{whole:?} in all"), "1 at most".to_owned()))
}

fn outside(number: f32, least: f32, most: f32) -> bool {
    number.is_finite() && (number < least - SLACK || number > most * (1.0 + SLACK))
}

/// The first token of the user's edits that is none.
pub(super) fn tokens(edits: &[Edit], vocabulary: usize) -> Option<CheckDifference> {
    let written = edits.iter().find_map(|edit| match *edit {
        Edit::Fill { token, .. } | Edit::Replace { token, .. } | Edit::Veto { token, .. } => {
            beyond(token, vocabulary).then_some(token)
        }
        _ => None,
    })?;
    Some(("token of an edit", None, written.to_string(), below(vocabulary)))
}

fn beyond(id: u32, vocabulary: usize) -> bool {
    vocabulary > 0 && id != NO_TOKEN && id as usize >= vocabulary
}

fn below(vocabulary: usize) -> String {
    format!("a token below {vocabulary}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Column;

    #[test]
    fn what_cannot_be_is_found_and_what_may_be_is_not() {
        let p = |p| Prediction::new(2).with(Column::PChoice, Data::Numbers(vec![0.5, p]));
        let entropy = |h| Prediction::new(2).with(Column::Entropy, Data::Numbers(vec![h, 0.1]));
        let ids = |id| Prediction::new(2).with(Column::Argmax, Data::Ids(vec![7, id]));
        let ranked = |id, p| {
            Prediction::new(1)
                .with(Column::TopK, Data::Ranked([vec![(id, p)]].into_iter().collect()))
        };
        let all = |row: &[(u32, f32)]| {
            let ranked = [row.to_vec()].into_iter().collect();
            Prediction::new(1).with(Column::TopK, Data::Ranked(ranked))
        };
        let told = |recorded, possible| Some(("top_k", Some(0), recorded, possible));
        let score = Prediction::new(1).with(Column::Score, Data::Numbers(vec![-40.0]));
        for (made, vocabulary, expected) in [
            (p(1.000_001), 0, None),
            (p(f32::NAN), 10, None),
            (p(1.7), 0, Some(("p_choice", Some(1), "1.7", "0 to 1"))),
            (p(-0.5), 0, Some(("p_choice", Some(1), "-0.5", "0 to 1"))),
            (entropy(11.8), 126_464, None),
            (entropy(50.0), 0, None),
            (entropy(3.0), 10, Some(("entropy", Some(0), "3.0", "0 to 2.3025851"))),
            (entropy(-1.0), 0, Some(("entropy", Some(0), "-1.0", "0 or more"))),
            (ids(9), 10, None),
            (ids(10), 0, None),
            (ids(NO_TOKEN), 10, None),
            (ids(10), 10, Some(("argmax", Some(1), "10", "a token below 10"))),
            (ranked(3, 0.5), 10, None),
            (ranked(30, 0.5), 10, Some(("top_k", Some(0), "30", "a token below 10"))),
            (ranked(3, 5e30), 10, Some(("top_k", Some(0), "5e30", "0 to 1"))),
            (all(&[(3, 0.6), (4, 0.4), (5, 0.001)]), 10, None),
            (all(&[(3, 0.2), (3, 0.1)]), 10, told("token 3 twice", "different tokens")),
            (all(&[(3, 0.1), (4, 0.2)]), 10, told("0.1 before 0.2", "the more probable first")),
            (all(&[(3, 0.8), (4, 0.7)]), 10, told("1.5 in all", "1 at most")),
            (score, 10, None),
        ] {
            let found = prediction(&made, vocabulary);
            let expected = expected
                .map(|(what, at, recorded, possible)| (what, at, recorded.into(), possible.into()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_clock_says_less_than_nothing() {
        let timing = |forward_ms, decide_ms| times(&RecordedTiming { forward_ms, decide_ms });
        assert_eq!(timing(0.0, 12.5), None);
        assert_eq!(timing(-1.0, 0.0).unwrap().0, "forward_ms");
        assert_eq!(timing(1.0, 1e308).unwrap().0, "decide_ms");
    }
}
