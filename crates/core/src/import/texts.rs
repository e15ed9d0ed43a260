//! Token texts of formats that have no ids: each distinct one gets an id of its own.

use std::collections::{BTreeMap, HashMap};

use crate::{
    canvas::TokenId,
    predict::{Piece, Vocabulary},
};

/// Token texts that a file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub(super) BTreeMap<TokenId, Piece>);

impl Vocabulary for Texts {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        self.0.get(&id).cloned()
    }

    fn ids(&self) -> Vec<TokenId> {
        self.0.keys().copied().collect()
    }
}

/// The mask's id among ids of our own.
pub(super) const MASK: TokenId = 0;

/// Texts with ids of their own, the mask first.
pub(super) struct Ids {
    pub texts: Texts,
    known: HashMap<String, TokenId>,
}

impl Ids {
    pub fn new() -> Self {
        let mut texts = Texts::default();
        texts.0.insert(MASK, Piece::Control("mask".to_owned()));
        Self { texts, known: HashMap::new() }
    }

    pub fn of(&mut self, text: &str) -> TokenId {
        if let Some(&id) = self.known.get(text) {
            return id;
        }
        let id = self.texts.0.len() as TokenId;
        self.texts.0.insert(id, piece(text));
        self.known.insert(text.to_owned(), id);
        id
    }

    /// The id of a text, if it stood anywhere.
    pub fn find(&self, text: &str) -> Option<TokenId> {
        self.known.get(text).copied()
    }
}

/// Control tokens are told by how they are written.
pub(super) fn piece(text: &str) -> Piece {
    match text.len() > 4 && text.starts_with("<|") && text.ends_with("|>") {
        true => Piece::Control(text.to_owned()),
        false => Piece::Text(text.to_owned()),
    }
}
