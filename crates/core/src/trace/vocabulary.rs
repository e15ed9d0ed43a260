//! Token texts of a recording.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use crate::{
    canvas::TokenId,
    predict::{self, Piece, Vocabulary},
};

/// The token texts that a recording holds. More may come while it is read.
#[derive(Debug, Default)]
pub struct RecordedVocabulary(RwLock<HashMap<TokenId, Piece>>);

impl RecordedVocabulary {
    pub(super) fn insert(&self, id: TokenId, piece: Piece) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, piece);
    }
}

impl Vocabulary for RecordedVocabulary {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The ids, if the recording holds no texts.
    fn text(&self, ids: &[TokenId]) -> String {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return ids.iter().map(|id| format!("⟨#{id}⟩")).collect();
        }
        predict::joined(self, ids)
    }

    fn ids(&self) -> Vec<TokenId> {
        let texts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<TokenId> = texts.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
