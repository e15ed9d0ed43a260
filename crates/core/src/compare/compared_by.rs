//! What two runs are compared by: their tokens where both have one vocabulary, their texts where each
//! has its own.

use crate::{
    canvas::{Canvas, TokenId},
    predict::{Piece, Vocabulary},
};

/// What tells whether two runs hold the same.
#[derive(Clone, Copy)]
pub enum ComparedBy<'a> {
    /// Their tokens: a number stands for one text in both.
    Tokens,
    /// Their texts, by the vocabulary of each. Control tokens stand for none, and a mask is the same
    /// as a mask.
    Texts([&'a dyn Vocabulary; 2]),
}

impl<'a> ComparedBy<'a> {
    /// How runs with these vocabularies are compared.
    pub fn of(vocabularies: [&'a dyn Vocabulary; 2]) -> Self {
        let [a, b] = vocabularies;
        let ids = a.ids();
        match ids == b.ids() && ids.iter().all(|&id| a.piece(id) == b.piece(id)) {
            true => Self::Tokens,
            false => Self::Texts(vocabularies),
        }
    }

    /// The parts that two canvases are compared by, up to their tails if `answer`.
    pub(super) fn parts(self, canvases: [&Canvas; 2], answer: bool) -> [Vec<Part>; 2] {
        let [a, b] = canvases;
        match self {
            Self::Tokens => [parts(a, None, answer), parts(b, None, answer)],
            Self::Texts([one, two]) => [parts(a, Some(one), answer), parts(b, Some(two), answer)],
        }
    }
}

/// A part of a canvas, and the position that it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub holds: PartOf,
    pub position: usize,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PartOf {
    Token(TokenId),
    Mask,
    /// A byte of a text.
    Byte(u8),
}

fn parts(canvas: &Canvas, vocabulary: Option<&dyn Vocabulary>, answer: bool) -> Vec<Part> {
    let to = if answer { canvas.tail() } else { canvas.len() };
    let mask = canvas.special().mask;
    let of = |(position, token): (usize, TokenId)| {
        let holds = match vocabulary {
            None => vec![PartOf::Token(token)],
            Some(_) if token == mask => vec![PartOf::Mask],
            Some(vocabulary) => {
                let piece = vocabulary.piece(token);
                let bytes = piece.as_ref().map(Piece::bytes).unwrap_or_default();
                bytes.iter().map(|&byte| PartOf::Byte(byte)).collect()
            }
        };
        holds.into_iter().map(move |holds| Part { holds, position })
    };
    canvas.cells().range(0..to).map(|cell| cell.token).enumerate().flat_map(of).collect()
}

/// The parts as what a shortest edit script moves: tokens and masks by themselves, a text by its
/// words and the blanks between them.
pub(super) fn words(parts: &[Part]) -> Vec<&[Part]> {
    let together = |one: &Part, next: &Part| match (one.holds, next.holds) {
        (PartOf::Byte(one), PartOf::Byte(next)) => {
            one.is_ascii_whitespace() == next.is_ascii_whitespace()
        }
        _ => false,
    };
    parts.chunk_by(together).collect()
}
