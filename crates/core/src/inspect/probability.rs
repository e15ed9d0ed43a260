//! How probable a token is that the user names, whatever was chosen: from what is on record, or by one
//! pass that asks about it.

use super::asked::AskedPosition;
use crate::{
    canvas::TokenId,
    decode::Params,
    predict::Column,
    session::{NodeId, QuestionPass, Session},
};

/// The question how probable a token is at a position.
#[derive(Debug, Clone)]
pub struct ProbabilityQuestion {
    /// The position in question, and its prediction.
    pub asked: AskedPosition,
    /// The token in question.
    pub token: TokenId,
    /// The pass that asks about it.
    pub pass: QuestionPass,
    at: (NodeId, Params),
}

/// What is known of the probability of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TokenProbability {
    /// The pass says it exactly.
    Exact {
        /// The probability, 0..=1.
        p: f32,
        /// The rank, from 1; `None` where what is on record does not say.
        rank: Option<usize>,
    },
    /// It is one of the candidates on record.
    Candidate {
        /// The probability, rounded to three digits.
        p: f32,
        /// The rank, from 1.
        rank: usize,
    },
    /// It is none of the candidates on record.
    Behind {
        /// How many candidates there are: the rank is greater.
        candidates: usize,
        /// The probability of the last of them: that of the token is at most as great.
        p: f32,
    },
}

impl ProbabilityQuestion {
    /// The question about a token at a position of the canvas on screen.
    ///
    /// # Errors
    /// The reason why it cannot be asked there, in words.
    pub fn new(session: &Session, position: usize, token: TokenId) -> Result<Self, String> {
        let asked = AskedPosition::of(session, position)?;
        let at = (session.at(), session.params().clone());
        let pass = session.question_pass(&asked.prediction, None, &[(asked.position, token)])?;
        Ok(Self { asked, token, pass, at })
    }

    /// True while the session stands where the question was asked.
    pub fn stands(&self, session: &Session) -> bool {
        self.at.0 == session.at() && self.at.1 == *session.params()
    }

    /// The pass, if what is known does not name the token.
    pub fn wanted(&self, session: &Session) -> Option<&QuestionPass> {
        match self.answer(session) {
            Some(TokenProbability::Exact { .. } | TokenProbability::Candidate { .. }) => None,
            Some(TokenProbability::Behind { .. }) | None => Some(&self.pass),
        }
    }

    /// The answer, as far as the session knows it.
    pub fn answer(&self, session: &Session) -> Option<TokenProbability> {
        let AskedPosition { position, .. } = self.asked;
        if let Some(answer) = session.prediction(self.pass.key)
            && let Some(p) = answer.number(Column::PTarget, position).filter(|p| p.is_finite())
        {
            let rank = answer.number(Column::TargetRank, position);
            let rank = rank.filter(|rank| rank.is_finite()).map(|rank| rank as usize);
            return Some(TokenProbability::Exact { p, rank });
        }
        let prediction = session.prediction(self.asked.prediction.request.key())?;
        let candidates = prediction.top_k(position);
        let place = candidates.iter().position(|(token, _)| *token == self.token);
        let rank = place.map(|place| place + 1);
        if let Some(known) = self.asked.known(session, self.token) {
            let rank = if known.argmax == self.token { Some(1) } else { rank };
            return Some(TokenProbability::Exact { p: known.p, rank });
        }
        match (place, candidates.last()) {
            (Some(place), _) => {
                let p = candidates.get(place)?.1;
                Some(TokenProbability::Candidate { p, rank: place + 1 })
            }
            (None, Some(&(_, p))) => {
                Some(TokenProbability::Behind { candidates: candidates.len(), p })
            }
            (None, None) => None,
        }
    }
}
