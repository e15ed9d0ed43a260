//! Lints: what often goes wrong in a run, found on a branch and named with its steps and
//! positions. One file a family; each lint is a function from a `Run` to findings.

mod fills;
mod length;
mod rewritten;
mod thresholds;

use std::{fmt, ops::Range};

use crate::{
    canvas::{Canvas, Slot, TokenId},
    decode::{Decision, Verdict},
    predict::{Piece, Vocabulary},
    session::{Node, NodeId, Session},
};

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// The tail of EOS tokens was written before most of the answer.
    PrematureEos,
    /// Tokens stand behind the first EOS.
    AfterEos,
    /// A sequence repeats itself.
    Repetition,
    /// Tokens were filled with little confidence.
    LowConfidence,
    /// Punctuation was written early, before what it follows.
    EarlyPunctuation,
    /// A position was given back a token that it had lost.
    BackAndForth,
    /// Written tokens fell off at the maximum length.
    DroppedTokens,
    /// A threshold never made a difference.
    IdleThreshold,
    /// Stage 1 made the canvas much longer than the answer.
    Overshoot,
    /// The run stopped or crept without getting on.
    Stagnation,
}

impl Lint {
    /// Every lint, in the order of the documents.
    pub const ALL: [Self; 10] = [
        Self::PrematureEos,
        Self::AfterEos,
        Self::Repetition,
        Self::LowConfidence,
        Self::EarlyPunctuation,
        Self::BackAndForth,
        Self::DroppedTokens,
        Self::IdleThreshold,
        Self::Overshoot,
        Self::Stagnation,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::PrematureEos => "premature-eos",
            Self::AfterEos => "after-eos",
            Self::Repetition => "repetition",
            Self::LowConfidence => "low-confidence",
            Self::EarlyPunctuation => "early-punctuation",
            Self::BackAndForth => "back-and-forth",
            Self::DroppedTokens => "dropped-tokens",
            Self::IdleThreshold => "idle-threshold",
            Self::Overshoot => "overshoot",
            Self::Stagnation => "stagnation",
        }
    }

    /// What it looks for, in one line.
    pub fn help(self) -> &'static str {
        match self {
            Self::PrematureEos => {
                "the EOS tail was begun before half of the answer in front of it was written"
            }
            Self::AfterEos => "tokens stand behind the first EOS and will not be read",
            Self::Repetition => "a sequence stands three times or more in a row",
            Self::LowConfidence => "tokens were filled with a confidence under 0.3",
            Self::EarlyPunctuation => {
                "punctuation was written in the first third of stage 2, before the token in front \
                 of it"
            }
            Self::BackAndForth => {
                "a written token gave way to another one and came back: the steps undo each other"
            }
            Self::DroppedTokens => "an expansion pushed written tokens off at the maximum length",
            Self::IdleThreshold => "a threshold was never the reason for anything",
            Self::Overshoot => "stage 1 ended with a canvas over twice as long as the answer",
            Self::Stagnation => "the run ended with masks, or filled one token a step for long",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub lint: Lint,
    /// In words, without the steps and positions.
    pub text: String,
    /// The steps concerned, in order.
    pub steps: Vec<usize>,
    /// The positions concerned, as numbered at the end of the branch.
    pub positions: Vec<usize>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.lint.name(), self.text)?;
        let mut sign = " (";
        for (one, many, numbers) in
            [("step", "steps", &self.steps), ("position", "positions", &self.positions)]
        {
            if !numbers.is_empty() {
                let name = if numbers.len() == 1 { one } else { many };
                write!(f, "{sign}{name} {}", ranges(numbers))?;
                sign = " · ";
            }
        }
        if sign == " · " { f.write_str(")") } else { Ok(()) }
    }
}

/// Numbers with neighbours joined: `1–3, 7`; at most eight parts.
fn ranges(numbers: &[usize]) -> String {
    const MOST: usize = 8;
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut parts: Vec<Range<usize>> = Vec::new();
    for number in sorted {
        match parts.last_mut() {
            Some(last) if last.end == number => last.end += 1,
            _ => parts.push(number..number + 1),
        }
    }
    let shown = parts.iter().take(MOST).map(|part| match part.len() {
        1 => part.start.to_string(),
        _ => format!("{}–{}", part.start, part.end - 1),
    });
    let mut text: Vec<String> = shown.collect();
    if parts.len() > MOST {
        text.push(format!("and {} more", parts.len() - MOST));
    }
    text.join(", ")
}

/// A branch to its end, as lints look at it.
pub(super) struct Run<'a> {
    session: &'a Session,
    vocabulary: &'a dyn Vocabulary,
    /// The nodes, start first.
    path: Vec<NodeId>,
}

/// A token written by a step.
struct Filled {
    step: usize,
    slot: Slot,
    token: TokenId,
    p: f32,
}

impl<'a> Run<'a> {
    fn node(&self, step: usize) -> &'a Node {
        &self.session.timeline()[self.path[step]]
    }

    /// The last node.
    fn end(&self) -> &'a Node {
        self.node(self.path.len() - 1)
    }

    fn canvas(&self) -> &'a Canvas {
        &self.end().canvas
    }

    /// The decisions, each with the number of its step and the canvas it was made on.
    fn decisions(&self) -> impl Iterator<Item = (usize, &'a Decision, &'a Canvas)> + '_ {
        (1..self.path.len()).filter_map(|step| {
            let made = self.node(step).step()?;
            Some((step, &*made.decision, &*self.node(step - 1).canvas))
        })
    }

    /// Everything filled, in order.
    fn filled(&self) -> Vec<Filled> {
        self.decisions()
            .flat_map(|(step, decision, before)| {
                let cells = before.cells().iter().zip(&decision.verdicts);
                cells.filter_map(move |(cell, verdict)| match *verdict {
                    Verdict::Fill { token, p, .. } => {
                        Some(Filled { step, slot: cell.slot, token, p })
                    }
                    _ => None,
                })
            })
            .collect()
    }

    /// A token's text, if it is one.
    fn text(&self, token: TokenId) -> Option<String> {
        match self.vocabulary.piece(token)? {
            Piece::Text(text) => Some(text),
            Piece::Bytes(_) | Piece::Control(_) => None,
        }
    }

    /// Positions at the end of slots that are still there.
    fn positions(&self, slots: impl IntoIterator<Item = Slot>) -> Vec<usize> {
        let canvas = self.canvas();
        let mut positions: Vec<usize> =
            slots.into_iter().filter_map(|slot| canvas.position(slot)).collect();
        positions.sort_unstable();
        positions
    }
}

/// Everything found on the branch through `at`, to its end.
pub fn lint(session: &Session, vocabulary: &dyn Vocabulary, at: NodeId) -> Vec<Finding> {
    let run = Run { session, vocabulary, path: session.timeline().branch(at) };
    let mut found = length::look(&run);
    found.extend(fills::look(&run));
    found.extend(rewritten::look(&run));
    found.extend(thresholds::look(&run));
    found.sort_by_key(|finding| finding.lint);
    found
}

/// The lints as a table in Markdown.
pub fn lint_table() -> String {
    let rows = Lint::ALL.map(|lint| format!("| `{}` | {} |\n", lint.name(), lint.help()));
    format!("| lint | what it looks for |\n|---|---|\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn neighbours_are_joined() {
        for (numbers, text) in [
            (&[][..], ""),
            (&[4], "4"),
            (&[3, 1, 2, 2], "1–3"),
            (&[1, 3, 4, 9], "1, 3–4, 9"),
            (&[1, 3, 5, 7, 9, 11, 13, 15, 17, 19], "1, 3, 5, 7, 9, 11, 13, 15, and 2 more"),
        ] {
            assert_eq!(ranges(numbers), text);
        }
    }
}
