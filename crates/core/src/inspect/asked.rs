//! The token that a question is about: where it was predicted, and what is known of it without a further
//! pass.

use crate::{
    canvas::{Slot, TokenId},
    predict::{Column, Prediction},
    session::{AskedPrediction, QuestionPass, Session},
};

/// What a prediction says of one token at one position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenOdds {
    /// The probability of the token, 0..=1.
    pub p: f32,
    /// The most probable token.
    pub argmax: TokenId,
}

/// A position, and the prediction that a question about it reads: for a mask that of the pending step,
/// for a token that of the step that unmasked it.
#[derive(Debug, Clone)]
pub struct AskedPosition {
    /// The position's identity.
    pub slot: Slot,
    /// Where it was on the canvas of the prediction.
    pub position: usize,
    /// The number of the step that the prediction belongs to, from 1.
    pub step: u32,
    /// The token that it holds; `None` for a mask.
    pub held: Option<TokenId>,
    /// The prediction.
    pub prediction: AskedPrediction,
}

impl AskedPosition {
    /// What a question about a position of the canvas on screen reads.
    ///
    /// # Errors
    /// The reason why nothing can be asked there, in words.
    pub fn of(session: &Session, position: usize) -> Result<Self, String> {
        let canvas = session.canvas();
        let cell = canvas.cells().get(position).ok_or("there is no such position")?;
        let (slot, depth) = (cell.slot, session.node().depth);
        if cell.token == canvas.special().mask {
            let prediction = session.asked_here()?;
            return Ok(Self { slot, position, step: depth + 1, held: None, prediction });
        }
        let not_unmasked = format!(
            "position {position} was not unmasked in this run: ask about a mask, or about a token \
             that a step has unmasked"
        );
        let step = cell.filled.filter(|&step| step > 0).ok_or(not_unmasked)?;
        let path = session.timeline().path(session.at());
        let node = path.get(step as usize).ok_or("the step that unmasked it is not known")?;
        let prediction = session.asked_before(*node)?;
        let position = prediction.canvas.position(slot);
        let position = position.ok_or("the position came with the step that unmasked it")?;
        Ok(Self { slot, position, step, held: Some(cell.token), prediction })
    }

    /// The token in question if none is named: the one that is held, or the best guess.
    pub fn token(&self) -> Option<TokenId> {
        self.held.or_else(|| self.prediction.decided_on.as_ref()?.guess(self.position))
    }

    /// What is known of a token here from the exact pass that the step read; `None` if that does not
    /// say all.
    pub fn known(&self, session: &Session, token: TokenId) -> Option<TokenOdds> {
        let request = &self.prediction.request;
        let prediction = session.prediction(request.key())?;
        let argmax = prediction.id(Column::Argmax, self.position)?;
        // Credit counts in the choice alone.
        let choice = (request.credits.is_none())
            .then(|| (prediction.id(Column::Choice, self.position), Column::PChoice));
        let named = [(Some(argmax), Column::PArgmax)].into_iter().chain(choice);
        let p = named.filter(|(id, _)| *id == Some(token)).find_map(|(_, column)| {
            prediction.number(column, self.position).filter(|p| p.is_finite())
        })?;
        Some(TokenOdds { p, argmax })
    }

    /// What the answer to a question says of the token that it asks about here.
    pub fn answered(&self, session: &Session, pass: &QuestionPass) -> Option<TokenOdds> {
        odds(&*session.prediction(pass.key)?, self.position)
    }
}

/// The target of a position in an answer.
fn odds(answer: &Prediction, position: usize) -> Option<TokenOdds> {
    let p = answer.number(Column::PTarget, position).filter(|p| p.is_finite())?;
    Some(TokenOdds { p, argmax: answer.id(Column::Argmax, position)? })
}
