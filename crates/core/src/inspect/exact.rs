//! How far an approximate prediction is from the exact one, and what that comes to.

use crate::{
    canvas::{Canvas, TokenId},
    decode::{Decision, Outcome},
    predict::Prediction,
    session::{Pending, Session},
};

/// What the exact pass says about one masked position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The most probable token there.
    pub token: TokenId,
    /// The probability of that, 0..=1.
    pub p: f32,
    /// How much that is more than the approximate pass gives its own best token.
    pub delta: f32,
    /// True if the best tokens are not the same.
    pub changed: bool,
}

/// The pending step's prediction beside the exact one.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactComparison {
    /// One entry a generated position; `None` where nothing is masked or known.
    pub positions: Vec<Option<Beside>>,
    /// How the exact decision differs, in a few words; empty if it does not.
    pub difference: String,
    /// Positions with another token, filled or remasked, if the exact decision were made.
    pub otherwise: Vec<usize>,
}

impl ExactComparison {
    /// The pending step compared with its exact pass; `None` if either is not known.
    pub fn of(session: &Session) -> Option<Self> {
        let exact = session.exact_pass().ok()?;
        let exact = &*session.prediction(exact.key)?;
        let Pending::Decided { prediction, decision, .. } = session.pending() else { return None };
        let (canvas, params) = (session.canvas(), session.params());
        let strategy = session.strategy();
        let outcome = |decision: &Decision| Outcome::of(strategy, canvas, params, decision);
        let decided = strategy.decide(canvas, session.state(), params, exact);
        let (now, then) = match (outcome(decision), decided.and_then(|made| outcome(&made))) {
            (Ok(now), Ok(then)) => (now, then),
            (Ok(now), Err(_)) => (now, Outcome::failed(canvas)),
            (Err(_), _) => return None,
        };
        let token = |outcome: &Outcome, at: usize| {
            let filled = outcome.fills.iter().find(|(position, _)| *position == at);
            (filled.map(|(_, token)| *token), outcome.remasks.contains(&at))
        };
        let otherwise = (0..canvas.len()).filter(|&at| token(&now, at) != token(&then, at));
        Some(Self {
            positions: compared(canvas, prediction, exact),
            difference: now.difference(&then),
            otherwise: otherwise.collect(),
        })
    }

    fn deltas(&self) -> impl Iterator<Item = (usize, f32)> {
        let known = self.positions.iter().enumerate();
        known.filter_map(|(at, compared)| Some((at, compared.as_ref()?.delta.abs())))
    }

    /// The position where confidences differ most, and by how much; `None` if none is known.
    pub fn largest(&self) -> Option<(usize, f32)> {
        self.deltas().reduce(|most, next| if next.1 > most.1 { next } else { most })
    }

    /// The mean difference of confidences over the masked positions.
    pub fn mean(&self) -> f32 {
        let (sum, n) = self.deltas().fold((0.0, 0), |(sum, n), (_, delta)| (sum + delta, n + 1));
        if n == 0 { 0.0 } else { sum / n as f32 }
    }

    /// Masked positions of which both predictions are known.
    pub fn compared(&self) -> usize {
        self.positions.iter().flatten().count()
    }

    /// Positions whose best token is another.
    pub fn changed(&self) -> Vec<usize> {
        let known = self.positions.iter().enumerate();
        known
            .filter(|(_, compared)| compared.is_some_and(|compared| compared.changed))
            .map(|(at, _)| at)
            .collect()
    }
}

/// Best token and confidence at a position.
fn best(prediction: &Prediction, at: usize) -> Option<(TokenId, f32)> {
    let (token, p) = (prediction.guess(at)?, prediction.confidence(at)?);
    p.is_finite().then_some((token, p))
}

fn compared(canvas: &Canvas, ours: &Prediction, exact: &Prediction) -> Vec<Option<Beside>> {
    (0..canvas.len())
        .map(|at| {
            let (known, (token, p)) = (best(ours, at)?, best(exact, at)?);
            let compared = Beside { token, p, delta: p - known.1, changed: token != known.0 };
            canvas.is_masked(at).then_some(compared)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::SpecialTokens,
        predict::{Column, Data},
    };

    fn prediction(best: &[(TokenId, f32)]) -> Prediction {
        let (ids, p) = best.iter().copied().unzip();
        Prediction::new(best.len())
            .with(Column::Choice, Data::Ids(ids))
            .with(Column::PChoice, Data::Numbers(p))
    }

    #[test]
    fn masked_positions_are_compared() {
        let special = SpecialTokens { mask: 9, eos: 8 };
        let canvas = Canvas::holding(vec![1], &[9, 2, 9, 9, 9], special);
        let ours = prediction(&[(3, 0.5), (3, 0.1), (4, 0.25), (5, 0.75), (6, f32::NAN)]);
        let exact = prediction(&[(3, 0.75), (3, 0.9), (5, 0.125), (5, 0.75), (6, 0.5)]);
        let apart = ExactComparison {
            positions: compared(&canvas, &ours, &exact),
            difference: String::new(),
            otherwise: Vec::new(),
        };
        assert_eq!(apart.largest(), Some((0, 0.25)));
        assert_eq!((apart.mean(), apart.compared()), (0.125, 3));
        assert_eq!(apart.changed(), [2]);
        assert_eq!(apart.positions[2].unwrap().delta, -0.125);
        assert_eq!((apart.positions[1], apart.positions[4]), (None, None));
    }
}
