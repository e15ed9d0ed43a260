//! The pending step compared with its exact pass, where `--cache` has left something out of it.
//! The pass is run in spare time; once known it is part of the session, and of its recording.

use super::{Debugger, FollowUp, Reply};
use crate::{
    inspect::ExactComparison,
    session::{ExactPass, Pending},
};

/// Most positions named in a line.
const NAMED: usize = 12;

impl Debugger {
    /// Compares pending steps with their exact passes from now on, or no more.
    pub(super) fn toggle_exact(&mut self) -> Reply {
        self.exact = !self.exact;
        match self.exact {
            true => Reply::none().then(FollowUp::Exact),
            false => Reply::line("no longer compared with the exact pass"),
        }
    }

    /// The exact pass that is wanted and not known: its driver runs it when nothing else is
    /// wanted.
    pub fn exact_wanted(&self) -> Option<ExactPass> {
        let decided = matches!(self.session.pending(), Pending::Decided { .. });
        if !self.exact || !self.live || !decided || self.goal.is_some() {
            return None;
        }
        let exact = self.session.exact_pass().ok()?;
        self.session.prediction(exact.key).is_none().then_some(exact)
    }

    /// The distance of the pending prediction from the exact one, in words.
    pub fn exact_text(&self) -> Vec<String> {
        if let Err(why) = self.session.exact_pass() {
            return vec![format!("this pass leaves nothing out: {why}")];
        }
        let Some(apart) = ExactComparison::of(&self.session) else {
            return vec![match self.live {
                true => "the exact pass is on its way".to_owned(),
                false => "the exact pass is not on record: it needs the model".to_owned(),
            }];
        };
        let mut lines = vec![distance(&apart)];
        lines.extend(changed(&apart));
        lines.push(decision(&apart));
        lines
    }
}

/// The distance of the confidences, in words.
fn distance(apart: &ExactComparison) -> String {
    let compared = apart.compared();
    match apart.largest() {
        None => "the exact pass: no masked position to compare".to_owned(),
        Some((at, most)) => format!(
            "the exact pass: |Δ confidence| at most {most:.4} (position {at}), mean {:.4} over \
             {compared} masked positions",
            apart.mean()
        ),
    }
}

/// The positions whose best token is another.
fn changed(apart: &ExactComparison) -> Option<String> {
    let changed = apart.changed();
    (!changed.is_empty())
        .then(|| format!("another argmax at {}: {}", changed.len(), positions(&changed)))
}

/// The decision on the exact prediction, in words.
pub fn decision(apart: &ExactComparison) -> String {
    match (apart.difference.as_str(), apart.otherwise.as_slice()) {
        ("", []) => "the exact decision is the same".to_owned(),
        (words, []) => format!("the exact decision differs: {words}"),
        (words, otherwise) => {
            let words = if words.is_empty() { "other positions" } else { words };
            format!("the exact decision differs: {words} ({})", positions(otherwise))
        }
    }
}

/// Positions in a row.
fn positions(all: &[usize]) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(usize::to_string).collect();
    let more = if all.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Beside;

    fn apart(difference: &str, otherwise: &[usize]) -> ExactComparison {
        let compared = |delta, changed| Some(Beside { token: 1, p: 0.5, delta, changed });
        ExactComparison {
            positions: vec![None, compared(-0.25, true), compared(0.05, false)],
            difference: difference.to_owned(),
            otherwise: otherwise.to_vec(),
        }
    }

    #[test]
    fn differences_are_put_into_words() {
        let apart_here = apart("+1 fill", &[2]);
        assert_eq!(
            distance(&apart_here),
            "the exact pass: |Δ confidence| at most 0.2500 (position 1), mean 0.1500 over 2 \
             masked positions"
        );
        assert_eq!(changed(&apart_here).unwrap(), "another argmax at 1: 1");
        assert_eq!(decision(&apart_here), "the exact decision differs: +1 fill (2)");
        assert_eq!(decision(&apart("", &[])), "the exact decision is the same");
        let many: Vec<usize> = (0..14).collect();
        assert_eq!(positions(&many), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …");
    }
}
