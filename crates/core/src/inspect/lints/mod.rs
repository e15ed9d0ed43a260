//! Lints: what often goes wrong in a run, found on a branch and named with its steps and
//! positions, and what to do about it. One file a family; each lint is a function from a `LintedRun` to
//! findings.
//!
//! ```
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     decode::{Extras, Recipe},
//!     inspect::lints,
//!     session::Session,
//!     trace::RecordedVocabulary,
//! };
//!
//! let (recipe, special) = (Recipe::parse("threshold")?, SpecialTokens { mask: 9, eos: 8 });
//! let params = recipe.params(&[])?;
//! let session = Session::new(recipe.strategy, &[1, 2], special, params, Extras::NONE, None)?;
//! let findings = lints::lint(&session, &RecordedVocabulary::default(), session.at());
//! assert!(findings.is_empty(), "nothing has happened yet");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fills;
mod length;
mod pace;
mod rewritten;
mod setup;
mod thresholds;

use std::{collections::BTreeSet, fmt, ops::Range, sync::Arc};

use crate::{
    canvas::{Canvas, Slot, TokenId},
    decode::{Decision, Finish, ParamRole, PositionEffect},
    predict::{Piece, Prediction, Vocabulary},
    session::{Node, NodeId, Pending, Session},
};

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// The mask token is not the one the model fills in.
    WrongMask,
    /// Predictions are read one position off.
    ShiftedLogits,
    /// The prompt does not open the model's turn.
    NoAnswerTurn,
    /// The run's blocks are not as wide as those that the model attends in.
    BlockWidth,
    /// A fixed schedule fills many tokens in one step.
    TooFewSteps,
    /// The canvas is full and no EOS is in it.
    CutOff,
    /// EOS was written where an answer was wanted.
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
    /// The canvas was made much longer than the answer.
    Overshoot,
    /// The run stopped or crept without getting on.
    Stagnation,
}

/// What is known of a lint: its name in reports, what it looks for, what to do.
type About = (&'static str, &'static str, &'static str);

impl Lint {
    /// Every lint, in the order of the documents.
    pub const ALL: [Self; 16] = [
        Self::WrongMask,
        Self::ShiftedLogits,
        Self::NoAnswerTurn,
        Self::BlockWidth,
        Self::TooFewSteps,
        Self::CutOff,
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

    fn about(self) -> About {
        match self {
            Self::WrongMask => (
                "wrong-mask",
                "the mask token is a word, or is EOS, or is what the model predicts for masks",
                "give the model's own mask token with `--mask-token`; `demask info MODEL` shows \
                 what its files say",
            ),
            Self::ShiftedLogits => (
                "shifted-logits",
                "what is predicted for a position with a token is its neighbour's token",
                "change `right_shift_logits` of `dream` or `mdlm`, or correct what the model's files \
                 say of its family",
            ),
            Self::NoAnswerTurn => (
                "no-answer-turn",
                "the prompt ends without opening the model's turn of the conversation",
                "render the chat template with `add_generation_prompt`, or give the prompt as text",
            ),
            Self::BlockWidth => (
                "block-width",
                "the run's blocks are wider or narrower than those that the model attends in",
                "take the model's own `--block-length`, which is the default; `demask info MODEL` shows \
                 what says so",
            ),
            Self::TooFewSteps => (
                "too-few-steps",
                "four tokens a step or more are unmasked by count, whether they fit each other or not",
                "take as many `--steps` as positions, or a half; or a strategy with a threshold",
            ),
            Self::CutOff => (
                "cut-off",
                "the canvas is full and holds no EOS: the answer was cut at the length",
                "raise `--gen-length` or `--max-gen-length`, or let `daedal` find the length",
            ),
            Self::PrematureEos => (
                "premature-eos",
                "the answer is empty, or the EOS tail was begun before half of the answer was unmasked, \
                 where the model had had words in mind",
                "take a shorter `--block-length`, `--strategy daedal`, or suppress EOS",
            ),
            Self::AfterEos => (
                "after-eos",
                "tokens stand behind the first EOS and will not be read",
                "cut the answer at the first EOS, or take a shorter `--block-length`",
            ),
            Self::Repetition => (
                "repetition",
                "a sequence stands three times or more in a row",
                "take a shorter length, more steps, or a temperature over 0",
            ),
            Self::LowConfidence => (
                "low-confidence",
                "tokens were unmasked with a confidence under 0.3",
                "see their rivals with `why POSITION`; what the model is unsure of needs more steps, or room, \
                 which `daedal` makes",
            ),
            Self::EarlyPunctuation => (
                "early-punctuation",
                "punctuation was unmasked in the first third of the fills, before the token in front \
                 of it",
                "take a shorter `--block-length`, or veto it there",
            ),
            Self::BackAndForth => (
                "back-and-forth",
                "a token was replaced or remasked and came back, or masks of expansions were deleted: the \
                 steps undo each other",
                "ask for more confidence before a token is changed",
            ),
            Self::DroppedTokens => (
                "dropped-tokens",
                "an expansion pushed tokens off at the maximum length, or out of their block",
                "raise `--max-gen-length`",
            ),
            Self::IdleThreshold => (
                "idle-threshold",
                "a threshold that was set was never the reason for anything",
                "the flips beside the parameter say from which value on it decides otherwise",
            ),
            Self::Overshoot => (
                "overshoot",
                "the canvas is over twice as long as the answer",
                "take a shorter length, or let `daedal` find it",
            ),
            Self::Stagnation => (
                "stagnation",
                "the run ended with masks, or unmasked one token a step for long",
                "lower the threshold that nothing is over, or raise the number of steps",
            ),
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        self.about().0
    }

    /// What it looks for, in one line.
    pub fn help(self) -> &'static str {
        self.about().1
    }

    /// What to do about it in general, in one line; a finding says it with its numbers.
    pub fn remedy(self) -> &'static str {
        self.about().2
    }
}

/// A known problem that a run has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The lint that found it.
    pub lint: Lint,
    /// In words, without the steps and positions.
    pub text: String,
    /// What to do about it: a sentence without its full stop.
    pub advice: String,
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
    const MOST_RANGES: usize = 8;
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
    let shown = parts.iter().take(MOST_RANGES).map(|part| match part.len() {
        1 => part.start.to_string(),
        _ => format!("{}–{}", part.start, part.end - 1),
    });
    let mut text: Vec<String> = shown.collect();
    if parts.len() > MOST_RANGES {
        text.push(format!("and {} more", parts.len() - MOST_RANGES));
    }
    text.join(", ")
}

impl Finding {
    /// A finding without steps and positions, and with the advice that its lint has for all.
    fn new(lint: Lint, text: impl Into<String>) -> Self {
        Self {
            lint,
            text: text.into(),
            advice: lint.remedy().to_owned(),
            steps: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }

    /// The same at these steps, in any order and as often as they come.
    fn at_steps(self, steps: impl IntoIterator<Item = usize>) -> Self {
        Self { steps: ordered(steps), ..self }
    }

    /// The same at these positions, likewise.
    fn at_positions(self, positions: impl IntoIterator<Item = usize>) -> Self {
        Self { positions: ordered(positions), ..self }
    }

    /// The step to stand at to see it come: the one before the first concerned, where that one's
    /// decision is pending. `None` where it is about no step.
    pub fn before(&self) -> Option<usize> {
        self.steps.first().map(|first| first.saturating_sub(1))
    }
}

/// Each number once, in order.
fn ordered(numbers: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let numbers: BTreeSet<usize> = numbers.into_iter().collect();
    numbers.into_iter().collect()
}

/// A branch to its end, as lints look at it.
pub(super) struct LintedRun<'a> {
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

impl<'a> LintedRun<'a> {
    fn node(&self, step: usize) -> &'a Node {
        &self.session.timeline()[self.path[step]]
    }

    /// The last node of the run.
    fn end(&self) -> &'a Node {
        self.node(self.path.len() - 1)
    }

    fn canvas(&self) -> &'a Canvas {
        &self.end().canvas
    }

    /// The decisions, each with the number of its step and the canvas it was made on. Of positions that
    /// stay masked they may say nothing.
    fn decisions(&self) -> impl Iterator<Item = (usize, Arc<Decision>, &'a Canvas)> + '_ {
        (1..self.path.len()).filter_map(|step| {
            let on_record = &self.node(step).step()?.decision;
            // What a step changes is on record. Only where the reason is not, the probability is that of
            // the prediction, and reading those of a long recording takes most of the time.
            let decision = match on_record.verdicts.lack_probability() {
                true => self.session.decision(self.path[step])?,
                false => on_record.clone(),
            };
            Some((step, decision, &*self.node(step - 1).canvas))
        })
    }

    /// Everything filled, in order.
    fn filled(&self) -> Vec<Filled> {
        self.decisions()
            .flat_map(|(step, decision, before)| {
                let cells = before.cells();
                let filled = decision.effects().filter_map(|(at, effect)| match effect {
                    PositionEffect::Fill { token, p } => {
                        Some(Filled { step, slot: cells.get(at)?.slot, token, p })
                    }
                    _ => None,
                });
                filled.collect::<Vec<_>>()
            })
            .collect()
    }

    /// The steps at which these positions of the last canvas were written.
    fn written(&self, positions: impl IntoIterator<Item = usize>) -> impl Iterator<Item = usize> {
        let cells = self.canvas().cells();
        positions.into_iter().filter_map(|at| cells[at].filled).map(|step| step as usize)
    }

    /// The prediction that the step with this number was decided on, and the canvas it was for.
    fn prediction(&self, step: usize) -> Option<(Arc<Prediction>, &'a Canvas)> {
        let made = self.node(step).step()?;
        let prediction = self.session.prediction(made.prediction)?;
        let canvas = &*self.node(step.checked_sub(1)?).canvas;
        (prediction.rows() == canvas.len()).then_some((prediction, canvas))
    }

    /// Why the run is over at the end of the branch; `None` if it is not.
    fn finish(&self) -> Option<Finish> {
        let end = *self.path.last()?;
        match self.session.pending() {
            Pending::Done(finish) if end == self.session.at() => Some(*finish),
            _ => self.session.finish(end),
        }
    }

    /// True if the length is the same all along.
    fn is_fixed(&self) -> bool {
        (0..self.path.len()).all(|step| self.node(step).canvas.len() == self.canvas().len())
    }

    /// The flag of the parameter with this role, if the strategy has one, and its value.
    fn count_of(&self, role: ParamRole) -> Option<(String, usize)> {
        let params = &self.end().params;
        Some((flag(params.with_role(role)?.name), params.count_of(role)?))
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

/// The flag of a parameter.
fn flag(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

/// Everything found on the branch through `at`, to its end.
pub fn lint(session: &Session, vocabulary: &dyn Vocabulary, at: NodeId) -> Vec<Finding> {
    let run = LintedRun { session, vocabulary, path: session.timeline().branch(at) };
    let mut found = setup::look(&run);
    found.extend(pace::look(&run));
    found.extend(length::look(&run));
    found.extend(fills::look(&run));
    found.extend(rewritten::look(&run));
    found.extend(thresholds::look(&run));
    found.sort_by_key(|finding| finding.lint);
    found
}

/// Findings in lines: each, and what to do about it under it; or that there are none.
pub fn told(findings: &[Finding]) -> Vec<String> {
    if findings.is_empty() {
        return vec!["nothing was found".to_owned()];
    }
    let lines = |found: &Finding| [found.to_string(), format!("  → {}", found.advice)];
    findings.iter().flat_map(lines).collect()
}

/// The lints as a table in Markdown.
pub fn lint_table() -> String {
    let row = |lint: Lint| format!("| `{}` | {} | {} |\n", lint.name(), lint.help(), lint.remedy());
    let rows = Lint::ALL.map(row);
    format!("| lint | what it looks for | what to do |\n|---|---|---|\n{}", rows.concat())
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
