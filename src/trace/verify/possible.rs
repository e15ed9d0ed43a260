//! Numbers that cannot be, whether or not a decision reads them: they tell of a faulty writer.

use super::Difference;
use crate::{
    canvas::NO_TOKEN,
    predict::{Column, Data, Prediction},
    trace::record::Timing,
};

/// How far a number may lie beyond its bounds: what sums of f32 come to, and rounding to three
/// digits.
const SLACK: f32 = 0.01;

/// No step takes longer, milliseconds: thirty years.
const LONGEST: f64 = 1e12;

/// The first impossible time of a step.
pub(super) fn times(timing: &Timing) -> Option<Difference> {
    let times = [("forward_ms", timing.forward_ms), ("decide_ms", timing.decide_ms)];
    let (what, time) = times.into_iter().find(|(_, time)| !(0.0..=LONGEST).contains(time))?;
    Some((what, None, format!("{time:?}"), "milliseconds, 0 or more".to_owned()))
}

/// The first impossible number or token of a prediction. `vocabulary` is 0 where it is not known;
/// what is not finite was not recorded.
pub(super) fn prediction(prediction: &Prediction, vocabulary: usize) -> Option<Difference> {
    prediction.columns().find_map(|(column, data)| {
        let found = |at: usize, recorded: String, possible: String| {
            Some((column.name(), Some(at), recorded, possible))
        };
        match data {
            Data::Numbers(numbers) => {
                let (least, most) = bounds(column, vocabulary)?;
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
                let row = ranked.row(at);
                let token = row.iter().find(|(id, _)| beyond(*id, vocabulary));
                let p = row.iter().find(|(_, p)| outside(*p, 0.0, 1.0));
                token
                    .and_then(|(id, _)| found(at, id.to_string(), below(vocabulary)))
                    .or_else(|| found(at, format!("{:?}", p?.1), "0 to 1".to_owned()))
            }),
        }
    })
}

/// Between what a column's numbers lie; `None` for a score, which may be anything.
fn bounds(column: Column, vocabulary: usize) -> Option<(f32, f32)> {
    match column {
        Column::Score => None,
        Column::Kl => Some((0.0, f32::INFINITY)),
        Column::Entropy if vocabulary == 0 => Some((0.0, f32::INFINITY)),
        Column::Entropy => Some((0.0, (vocabulary as f32).ln())),
        _ => Some((0.0, 1.0)),
    }
}

fn outside(number: f32, least: f32, most: f32) -> bool {
    number.is_finite() && (number < least - SLACK || number > most * (1.0 + SLACK))
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

    #[test]
    fn what_cannot_be_is_found_and_what_may_be_is_not() {
        let p = |p| Prediction::new(2).with(Column::PChoice, Data::Numbers(vec![0.5, p]));
        let entropy = |h| Prediction::new(2).with(Column::Entropy, Data::Numbers(vec![h, 0.1]));
        let ids = |id| Prediction::new(2).with(Column::Argmax, Data::Ids(vec![7, id]));
        let ranked = |id, p| {
            Prediction::new(1)
                .with(Column::TopK, Data::Ranked([vec![(id, p)]].into_iter().collect()))
        };
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
        let timing = |forward_ms, decide_ms| times(&Timing { forward_ms, decide_ms });
        assert_eq!(timing(0.0, 12.5), None);
        assert_eq!(timing(-1.0, 0.0).unwrap().0, "forward_ms");
        assert_eq!(timing(1.0, 1e308).unwrap().0, "decide_ms");
    }
}
