//! Which tokens changed a guess: each token that was unmasked before is remasked in turn, and the probability
//! of the token in question is compared with what it was.

use std::{cmp::Reverse, collections::BTreeMap};

use super::asked::{AskedPosition, TokenOdds};
use crate::{
    canvas::{Slot, TokenId},
    decode::Params,
    session::{NodeId, QuestionPass, Session},
};

/// The question which of the tokens unmasked before had an influence on one prediction.
#[derive(Debug, Clone)]
pub struct InfluenceQuestion {
    /// The position in question, and its prediction.
    pub asked: AskedPosition,
    /// The token whose probability is compared.
    pub token: TokenId,
    /// Tokens that were unmasked before and are left out, since so many were not asked for.
    pub left_out: usize,
    /// The node stood at, and the parameters there: elsewhere the question is not shown.
    at: (NodeId, Params),
    /// The pass itself, where what is known does not say how probable the token is.
    whole: Option<QuestionPass>,
    /// The passes without one token each, those unmasked last first.
    without: Vec<MaskedAgain>,
}

/// A token that is remasked.
#[derive(Debug, Clone)]
struct MaskedAgain {
    slot: Slot,
    token: TokenId,
    pass: QuestionPass,
}

/// The answer, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Influence {
    /// The position in question.
    pub slot: Slot,
    /// The number of the step whose prediction is compared, from 1.
    pub step: u32,
    /// The token in question.
    pub token: TokenId,
    /// What the prediction says of it; `None` while that is not known.
    pub whole: Option<TokenOdds>,
    /// The tokens that are remasked, those unmasked last first.
    pub sources: Vec<InfluenceSource>,
    /// Tokens unmasked before that were not asked for.
    pub left_out: usize,
}

/// A token unmasked before, and what the prediction would be without it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfluenceSource {
    /// The position that holds it.
    pub slot: Slot,
    /// The token.
    pub token: TokenId,
    /// What is predicted of the token in question where this one is masked; `None` while that is not
    /// known.
    pub without: Option<TokenOdds>,
}

/// How a prediction differs without one token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfluenceChange {
    /// The change of the token's probability where the source is masked, −1..=1: negative where the
    /// source speaks for the token.
    pub delta: f32,
    /// The most probable token without the source, if it is another one.
    pub argmax: Option<TokenId>,
}

impl InfluenceChange {
    /// The change with its sign: four decimals, or two digits where it is tiny.
    pub fn words(self) -> String {
        let (sign, size) = (if self.delta < 0.0 { '−' } else { '+' }, self.delta.abs());
        match size {
            0.0 => "0".to_owned(),
            size if size < 0.001 => format!("{sign}{size:.1e}"),
            size => format!("{sign}{size:.4}"),
        }
    }
}

impl InfluenceQuestion {
    /// The question about a position of the canvas on screen, over at most `most` tokens: those
    /// unmasked last, and of these the nearest.
    ///
    /// # Errors
    /// The reason why it cannot be asked there, in words.
    pub fn new(session: &Session, position: usize, most: usize) -> Result<Self, String> {
        let asked = AskedPosition::of(session, position)?;
        let unknown = "the prediction of this step is not known, so there is no guess to ask about";
        let token = asked.token().ok_or(unknown)?;
        let canvas = &asked.prediction.canvas;
        let mask = canvas.special().mask;
        let cells = canvas.cells().iter().enumerate();
        let unmasked = cells.filter(|(at, cell)| {
            cell.filled.is_some() && cell.token != mask && *at != asked.position
        });
        let mut sources: Vec<_> = unmasked.collect();
        sources.sort_by_key(|(at, cell)| (Reverse(cell.filled), at.abs_diff(asked.position)));
        if sources.is_empty() {
            return Err("no token was unmasked before this step, so none can be remasked: go on \
                        some steps"
                .to_owned());
        }
        let left_out = sources.len().saturating_sub(most);
        sources.truncate(most);

        let targets = targets(&asked, token);
        let pass = |masked| session.question_pass(&asked.prediction, masked, &targets);
        let whole = match asked.known(session, token) {
            Some(_) => None,
            None => Some(pass(None)?),
        };
        let again = |(_, cell): (usize, &crate::canvas::Cell)| {
            let (slot, token) = (cell.slot, cell.token);
            Ok(MaskedAgain { slot, token, pass: pass(Some(slot))? })
        };
        let without: Result<Vec<MaskedAgain>, &str> = sources.into_iter().map(again).collect();
        let at = (session.at(), session.params().clone());
        Ok(Self { without: without?, whole, token, left_out, at, asked })
    }

    /// True while the session stands where the question was asked.
    pub fn stands(&self, session: &Session) -> bool {
        self.at.0 == session.at() && self.at.1 == *session.params()
    }

    /// Its passes, in the order in which they are run.
    pub fn passes(&self) -> impl Iterator<Item = &QuestionPass> {
        self.whole.iter().chain(self.without.iter().map(|again| &again.pass))
    }

    /// The answer, as far as the session knows it.
    pub fn answer(&self, session: &Session) -> Influence {
        let source = |again: &MaskedAgain| InfluenceSource {
            slot: again.slot,
            token: again.token,
            without: self.asked.answered(session, &again.pass),
        };
        Influence {
            slot: self.asked.slot,
            step: self.asked.step,
            token: self.token,
            whole: match &self.whole {
                Some(pass) => self.asked.answered(session, pass),
                None => self.asked.known(session, self.token),
            },
            sources: self.without.iter().map(source).collect(),
            left_out: self.left_out,
        }
    }
}

/// The tokens that the passes are asked about: at every mask its guess, so that the same passes answer
/// for the other masks of the canvas too.
fn targets(asked: &AskedPosition, token: TokenId) -> Vec<(usize, TokenId)> {
    let AskedPosition { prediction, position, .. } = asked;
    let canvas = &prediction.canvas;
    let guess = |at: &usize| prediction.decided_on.as_ref()?.guess(*at);
    let masks = (0..canvas.len()).filter(|&at| canvas.is_masked(at));
    let guesses = masks.filter_map(|at| Some((at, guess(&at)?)));
    let mut targets: BTreeMap<usize, TokenId> = guesses.collect();
    targets.insert(*position, token);
    targets.into_iter().collect()
}

impl Influence {
    /// How the prediction differs without a source; `None` while that is not known.
    pub fn change(&self, source: &InfluenceSource) -> Option<InfluenceChange> {
        let (whole, without) = (self.whole?, source.without?);
        let argmax = (without.argmax != whole.argmax).then_some(without.argmax);
        Some(InfluenceChange { delta: without.p - whole.p, argmax })
    }

    /// The source at a slot, and how the prediction differs without it.
    pub fn at(&self, slot: Slot) -> Option<(&InfluenceSource, Option<InfluenceChange>)> {
        let source = self.sources.iter().find(|source| source.slot == slot)?;
        Some((source, self.change(source)))
    }

    /// The sources that are known, the greatest change first; among equals the one unmasked last.
    pub fn ranked(&self) -> Vec<(&InfluenceSource, InfluenceChange)> {
        let known = self.sources.iter().filter_map(|source| Some((source, self.change(source)?)));
        let mut known: Vec<_> = known.collect();
        known.sort_by(|(_, a), (_, b)| b.delta.abs().total_cmp(&a.delta.abs()));
        known
    }

    /// How many sources are known.
    pub fn known(&self) -> usize {
        self.sources.iter().filter(|source| self.change(source).is_some()).count()
    }
}
