//! Outcomes: what a step comes to, without the numbers in its reasons.

use super::{AnyStrategy, Decision, DecodeError, Extras, Finish, Params, Plan, State};
use crate::canvas::{Canvas, TokenId};

/// What a step comes to. Two decisions with the same outcome fill and expand the same, leave the
/// same canvas and go on in the same way; only the numbers in their reasons may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Positions filled, with their tokens.
    pub fills: Vec<(usize, TokenId)>,
    /// Positions expanded, as they were numbered before the step.
    pub expansions: Vec<usize>,
    /// Positions remasked, as they were numbered before the step.
    pub remasks: Vec<usize>,
    /// Positions deleted, as they were numbered before the step.
    pub deletions: Vec<usize>,
    /// The generated region afterwards.
    pub tokens: Vec<TokenId>,
    /// How the run goes on.
    pub next: Next,
}

/// How a run goes on after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// With another forward pass, from this state.
    State(State),
    /// Not at all: it is over. The state no longer matters.
    Done(Finish),
    /// Not at all: the step itself cannot be decided, so the canvas stays.
    Failed,
}

impl Outcome {
    /// The outcome of `decision`, made on `canvas` under `params`.
    ///
    /// # Errors
    /// If the decision does not fit the canvas or the parameters are another strategy's.
    pub fn of(
        strategy: &dyn AnyStrategy,
        canvas: &Canvas,
        params: &Params,
        decision: &Decision,
    ) -> Result<Self, DecodeError> {
        let after = canvas.apply(&decision.edits, 0)?.canvas;
        let extras = Extras::NONE;
        let next = match strategy.plan(&after, &decision.next, params, 0, extras)? {
            Plan::Predict(_) => Next::State(decision.next.clone()),
            Plan::Done(finish) => Next::Done(finish),
        };
        Ok(Self {
            fills: decision.fills().collect(),
            expansions: decision.expansions().collect(),
            remasks: decision.remasks().map(|(position, _)| position).collect(),
            deletions: decision.deletions().collect(),
            tokens: after.tokens(),
            next,
        })
    }

    /// The outcome where nothing can be decided on `canvas`.
    pub fn failed(canvas: &Canvas) -> Self {
        Self {
            fills: Vec::new(),
            expansions: Vec::new(),
            remasks: Vec::new(),
            deletions: Vec::new(),
            tokens: canvas.tokens(),
            next: Next::Failed,
        }
    }

    /// How `other` differs from this outcome, in a few words: `+1 fill, no expansion`. The first
    /// position is 0. Empty if they are the same.
    pub fn difference(&self, other: &Self) -> String {
        if let Some(words) = ending_difference(&self.next, &other.next) {
            return words.to_owned();
        }
        let mut parts: Vec<String> =
            [self.other_fills(other), self.other_expansions(other)].into_iter().flatten().collect();
        parts.extend(self.other_remasks(other));
        parts.extend(self.other_deletions(other));
        parts.extend(end(&self.next, &other.next).map(str::to_owned));
        if parts.is_empty() {
            parts.extend(self.other_canvas(other));
        }
        parts.join(", ")
    }

    fn other_fills(&self, other: &Self) -> Option<String> {
        let (was, is) = (&self.fills, &other.fills);
        match (was.as_slice(), is.as_slice()) {
            _ if was == is => None,
            _ if was.len() != is.len() => Some(more(was.len(), is.len(), "fill")),
            ([(was, _)], [(is, _)]) if was != is => Some(format!("unmasks {is} instead of {was}")),
            ([_], [_]) => Some("another token".to_owned()),
            _ if positions(was).eq(positions(is)) => Some("other tokens".to_owned()),
            _ => Some("other fills".to_owned()),
        }
    }

    fn other_expansions(&self, other: &Self) -> Option<String> {
        match (self.expansions.as_slice(), other.expansions.as_slice()) {
            (was, is) if was == is => None,
            ([], [is]) => Some(format!("expands {is}")),
            (_, []) => Some("no expansion".to_owned()),
            ([was], [is]) => Some(format!("expands {is} instead of {was}")),
            (was, is) if was.len() != is.len() => Some(more(was.len(), is.len(), "expansion")),
            _ => Some("other expansions".to_owned()),
        }
    }

    fn other_remasks(&self, other: &Self) -> Option<String> {
        let (was, is) = (&self.remasks, &other.remasks);
        match (was.len(), is.len()) {
            _ if was == is => None,
            (a, b) if a != b => Some(more(a, b, "remask")),
            _ => Some("other remasks".to_owned()),
        }
    }

    fn other_deletions(&self, other: &Self) -> Option<String> {
        let (was, is) = (&self.deletions, &other.deletions);
        match (was.len(), is.len()) {
            _ if was == is => None,
            (a, b) if a != b => Some(more(a, b, "deletion")),
            _ => Some("other deletions".to_owned()),
        }
    }

    fn other_canvas(&self, other: &Self) -> Option<String> {
        let (was, is) = (self.tokens.len(), other.tokens.len());
        if was != is {
            Some(format!("length {is} instead of {was}"))
        } else if self.tokens != other.tokens {
            Some("another canvas of the same length".to_owned())
        } else {
            match (place(&self.next), place(&other.next)) {
                (Some((_, was)), Some((_, is))) if was != is => {
                    Some(format!("block at {is} next, not {was}"))
                }
                _ if self.next != other.next => {
                    Some("the next step goes by other counts".to_owned())
                }
                _ => None,
            }
        }
    }
}

fn positions(fills: &[(usize, TokenId)]) -> impl Iterator<Item = usize> {
    fills.iter().map(|(position, _)| *position)
}

/// `+1 fill`, `−2 fills`.
fn more(was: usize, is: usize, what: &str) -> String {
    let (sign, n) = if is > was { ('+', is - was) } else { ('−', was - is) };
    let s = if n == 1 { "" } else { "s" };
    format!("{sign}{n} {what}{s}")
}

/// A turn so large that nothing else needs saying.
fn ending_difference(was: &Next, is: &Next) -> Option<&'static str> {
    match (was, is) {
        (Next::Failed, Next::Failed) => None,
        (_, Next::Failed) => Some("cannot be decided"),
        (Next::Failed, _) => Some("can be decided"),
        _ => match (place(was)?, place(is)?) {
            ((1, _), (2, _)) => Some("ends stage 1"),
            ((2, _), (1, _)) => Some("stays in stage 1"),
            _ => None,
        },
    }
}

fn end(was: &Next, is: &Next) -> Option<&'static str> {
    match (was, is) {
        (_, Next::Done(_)) if was == is => None,
        (_, Next::Done(Finish::Complete)) => Some("ends the run"),
        (_, Next::Done(Finish::Stagnant)) => Some("the run stagnates"),
        (_, Next::Done(Finish::OutOfSteps)) => Some("the run is out of steps"),
        (_, Next::Done(Finish::EndOfSequence)) => Some("the run ends with EOS"),
        (Next::Done(_), _) => Some("the run goes on"),
        _ => None,
    }
}

/// Stage and first position of the block, if the run goes on.
fn place(next: &Next) -> Option<(u8, usize)> {
    match next {
        Next::State(state) => Some(state.place()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::daedal;

    fn at(stage: u8, cursor: usize) -> Next {
        Next::State(State::Daedal(daedal::State { stage, cursor, stagnant: false }))
    }

    fn outcome(fills: &[(usize, TokenId)], expansions: &[usize], length: usize) -> Outcome {
        Outcome {
            fills: fills.to_vec(),
            expansions: expansions.to_vec(),
            remasks: Vec::new(),
            deletions: Vec::new(),
            tokens: vec![9; length],
            next: at(2, 32),
        }
    }

    fn check(was: &Outcome, is: &Outcome, words: &str) {
        assert_eq!(was.difference(is), words);
        assert!(words.chars().count() <= 40, "{words}");
    }

    #[test]
    fn differences_are_put_into_words() {
        let now = outcome(&[(3, 7)], &[37], 80);
        check(&now, &now, "");
        check(&now, &outcome(&[(3, 7), (4, 7)], &[37], 80), "+1 fill");
        check(
            &outcome(&[(3, 7), (4, 7), (5, 7)], &[], 80),
            &outcome(&[(3, 7)], &[], 80),
            "−2 fills",
        );
        check(&now, &outcome(&[(4, 7)], &[37], 80), "unmasks 4 instead of 3");
        check(&now, &outcome(&[(3, 8)], &[37], 80), "another token");
        check(
            &outcome(&[(1, 1), (2, 1)], &[], 8),
            &outcome(&[(1, 1), (2, 2)], &[], 8),
            "other tokens",
        );
        check(
            &outcome(&[(1, 1), (2, 1)], &[], 8),
            &outcome(&[(1, 1), (3, 1)], &[], 8),
            "other fills",
        );
        check(&now, &outcome(&[(3, 7)], &[], 73), "no expansion");
        check(&outcome(&[], &[], 73), &outcome(&[], &[37], 80), "expands 37");
        check(&now, &outcome(&[(3, 7)], &[41], 80), "expands 41 instead of 37");
        check(&outcome(&[], &[1, 2], 80), &outcome(&[], &[1, 2, 3], 80), "+1 expansion");
        check(&now, &outcome(&[(3, 7), (37, 7)], &[], 73), "+1 fill, no expansion");
        check(&now, &outcome(&[(3, 7)], &[37], 88), "length 88 instead of 80");
        let other = Outcome { tokens: vec![8; 80], ..now.clone() };
        check(&now, &other, "another canvas of the same length");
        check(&now, &Outcome { next: at(2, 96), ..now.clone() }, "block at 96 next, not 32");
    }

    #[test]
    fn what_becomes_of_the_run_is_put_into_words() {
        let now = outcome(&[(3, 7)], &[], 80);
        let then = |next: Next| Outcome { next, ..now.clone() };
        let (complete, stagnant) = (Next::Done(Finish::Complete), Next::Done(Finish::Stagnant));
        check(&now, &then(complete.clone()), "ends the run");
        check(&now, &then(stagnant.clone()), "the run stagnates");
        check(&then(complete.clone()), &now, "the run goes on");
        check(&then(complete.clone()), &then(complete), "");
        let more = Outcome { fills: vec![(3, 7), (4, 7)], ..then(stagnant) };
        check(&now, &more, "+1 fill, the run stagnates");
        check(&now, &then(Next::Failed), "cannot be decided");
        check(&then(Next::Failed), &now, "can be decided");
        check(&then(at(1, 0)), &then(at(2, 0)), "ends stage 1");
        check(&then(at(2, 0)), &then(at(1, 0)), "stays in stage 1");
    }
}
