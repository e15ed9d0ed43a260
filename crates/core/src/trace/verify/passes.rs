//! Forward passes run again and compared with the predictions on record.

use serde::Serialize;

use crate::{
    canvas::{Canvas, TokenId},
    decode::{AnyStrategy, Decision, Params, State},
    predict::{Column, ColumnRecording, Prediction},
};

/// A number that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberDifference {
    /// The step decided on it: steps and edits from the start of its run, from 1.
    pub step: usize,
    /// The generated position, from 0.
    pub position: usize,
    /// The column's name.
    pub column: &'static str,
    /// What the file says.
    pub recorded: f32,
    /// What the pass says.
    pub computed: f32,
}

/// A token that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherToken {
    /// The step, counted as in [`NumberDifference`].
    pub step: usize,
    /// The generated position, from 0.
    pub position: usize,
    /// The column's name.
    pub column: &'static str,
    /// What the file says.
    pub recorded: TokenId,
    /// What the pass says.
    pub computed: TokenId,
}

/// What passes run again came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Passes {
    /// Number of passes run again.
    pub run: usize,
    /// Generated positions compared over all passes.
    pub positions: usize,
    /// Positions at which another token is the best, or is chosen.
    pub other_tokens: usize,
    /// The first of them.
    pub first_other: Option<OtherToken>,
    /// The largest difference of a number.
    pub largest: Option<NumberDifference>,
    /// Steps decided again on the new numbers whose edits are the recorded ones.
    pub decisions: usize,
    /// Steps whose edits are others.
    pub differing: usize,
    /// The first of them.
    pub first_differing: Option<usize>,
}

impl Passes {
    /// Compares a pass with what is on record of it, for the step `step`.
    pub fn compare(&mut self, step: usize, recorded: &Prediction, computed: &Prediction) {
        self.run += 1;
        let rows = recorded.rows().min(computed.rows());
        self.positions += rows;
        let mut others = vec![false; rows];
        // What is recorded in pairs is not there at every position.
        let exact = |column: &Column| column.spec().recorded == ColumnRecording::Exact;
        for column in Column::ALL.into_iter().filter(exact) {
            let (Ok(theirs), Ok(ours)) = (recorded.ids(column), computed.ids(column)) else {
                continue;
            };
            for (position, (&theirs, &ours)) in theirs.iter().zip(ours).enumerate() {
                if theirs != ours {
                    others[position] = true;
                    self.first_other.get_or_insert(OtherToken {
                        step,
                        position,
                        column: column.name(),
                        recorded: theirs,
                        computed: ours,
                    });
                }
            }
        }
        self.other_tokens += others.into_iter().filter(|&other| other).count();
        for column in Column::ALL.into_iter().filter(|column| !column.spec().is_display()) {
            let (Ok(theirs), Ok(ours)) = (recorded.numbers(column), computed.numbers(column))
            else {
                continue;
            };
            for (position, (&theirs, &ours)) in theirs.iter().zip(ours).enumerate() {
                let distance = distance(theirs, ours);
                let most = self
                    .largest
                    .as_ref()
                    .map_or(0.0, |now| self::distance(now.recorded, now.computed));
                if distance > most {
                    self.largest = Some(NumberDifference {
                        step,
                        position,
                        column: column.name(),
                        recorded: theirs,
                        computed: ours,
                    });
                }
            }
        }
    }

    /// Decides a step again on what a pass says.
    pub fn decide(
        &mut self,
        step: usize,
        recorded: &Decision,
        (strategy, canvas, state, params): (&dyn AnyStrategy, &Canvas, &State, &Params),
        computed: &Prediction,
    ) {
        let again = strategy.decide(canvas, state, params, computed);
        if again.is_ok_and(|again| again.edits == recorded.edits && again.next == recorded.next) {
            self.decisions += 1;
        } else {
            self.differing += 1;
            self.first_differing.get_or_insert(step);
        }
    }
}

/// How far two numbers are apart; infinitely if one of them is none.
fn distance(a: f32, b: f32) -> f32 {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => (a - b).abs(),
        (false, false) => 0.0,
        _ => f32::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Data;

    fn prediction(ids: &[TokenId], p: &[f32]) -> Prediction {
        Prediction::new(ids.len())
            .with(Column::Argmax, Data::Ids(ids.to_vec()))
            .with(Column::PEos, Data::Numbers(p.to_vec()))
    }

    #[test]
    fn the_largest_difference_and_other_tokens_are_found() {
        let mut passes = Passes::default();
        passes.compare(1, &prediction(&[1, 2], &[0.5, 0.25]), &prediction(&[1, 2], &[0.5, 0.25]));
        assert_eq!((passes.other_tokens, passes.largest.clone()), (0, None));
        passes.compare(2, &prediction(&[1, 2], &[0.5, 0.25]), &prediction(&[1, 3], &[0.625, 0.25]));
        passes.compare(3, &prediction(&[1], &[0.5]), &prediction(&[1], &[0.5625]));
        let largest = passes.largest.clone().unwrap();
        assert_eq!((largest.step, largest.position, largest.column), (2, 0, "p_eos"));
        assert_eq!(passes.first_other.clone().unwrap().position, 1);
        assert_eq!((passes.run, passes.positions, passes.other_tokens), (3, 5, 1));
        passes.compare(4, &prediction(&[1], &[f32::NAN]), &prediction(&[1], &[0.5]));
        assert_eq!(passes.largest.unwrap().step, 4, "a number that is none is the worst");
    }
}
