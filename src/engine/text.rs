//! Texts and token ids, from an engine's tokenizer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    link::{Answers, EngineSent},
    message::{Encode, Failure, FromEngine, ToEngine, TokenText},
    peer::{BEAT, Peer, with_traceback},
};
use crate::{
    canvas::TokenId,
    model::{ChatSettings, Encoder, Messages},
    predict::{Piece, Vocabulary},
};

/// How many tokens' texts one request asks for.
const AT_ONCE: u32 = 20_000;

/// How long an answer may take: the engine may have to finish a forward pass first.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine's tokenizer. The texts of all tokens are fetched once.
pub(super) struct EngineText {
    peer: Arc<Peer>,
    pieces: Vec<Option<Piece>>,
    /// Whether prompts go through the engine's chat template.
    template: bool,
    variables: BTreeMap<String, serde_json::Value>,
    system: Option<String>,
}

impl EngineText {
    /// Fetches the texts of all tokens.
    pub(super) fn fetch(peer: Arc<Peer>, chat: &ChatSettings) -> Result<Self, String> {
        let vocabulary = peer.greeting.vocabulary;
        let mut pieces = Vec::with_capacity(vocabulary as usize);
        while (pieces.len() as u32) < vocabulary {
            let first = pieces.len() as u32;
            let count = AT_ONCE.min(vocabulary - first);
            let answers = peer.link().ask(|id| ToEngine::Texts { id, first, count })?;
            match answer(&answers)? {
                FromEngine::Texts { texts, .. } if texts.len() == count as usize => {
                    pieces.extend(texts.into_iter().map(|text| text.map(piece)));
                }
                _ => {
                    return Err(format!(
                        "it did not send the texts of tokens {first} to {}",
                        first + count - 1
                    ));
                }
            }
        }
        let variables = chat.variables.iter();
        Ok(Self {
            template: peer.greeting.template && chat.template.is_none(),
            peer,
            pieces,
            variables: variables.map(|one| (one.name.clone(), one.json())).collect(),
            system: chat.system.clone(),
        })
    }

    fn ids(&self, what: Encode) -> Result<Vec<TokenId>, String> {
        let named = |why: String| format!("the engine {}: {why}", self.peer.address);
        let answers = self.peer.link().ask(|id| ToEngine::Encode { id, what }).map_err(named)?;
        let ids = match answer(&answers).map_err(named)? {
            FromEngine::Ids { ids, .. } => ids,
            _ => return Err(named("it answered a text with another kind of message".to_owned())),
        };
        match ids.iter().find(|&&id| id >= self.peer.greeting.vocabulary) {
            Some(id) => Err(named(format!(
                "its tokenizer gave token {id}, and the model's vocabulary has {}",
                self.peer.greeting.vocabulary
            ))),
            None => Ok(ids),
        }
    }
}

fn piece(text: TokenText) -> Piece {
    match text {
        TokenText::Text(text) => Piece::Text(text),
        TokenText::Control { control } => Piece::Control(control),
        TokenText::Bytes { bytes } => Piece::Bytes(bytes),
    }
}

fn answer(answers: &Answers) -> Result<FromEngine, String> {
    let until = Instant::now() + PATIENCE;
    loop {
        match answers.next(BEAT) {
            EngineSent::Message(FromEngine::Error(Failure { message, traceback, .. })) => {
                return Err(with_traceback(message, traceback));
            }
            EngineSent::Message(FromEngine::Progress { .. }) => {}
            EngineSent::Message(message) => return Ok(message),
            EngineSent::End(why) => return Err(why),
            EngineSent::Nothing if Instant::now() > until => {
                return Err(format!("it did not answer within {} s", PATIENCE.as_secs()));
            }
            EngineSent::Nothing => {}
        }
    }
}

impl Encoder for EngineText {
    fn encode_begun(&self, messages: &Messages, begun: &str) -> Result<Vec<TokenId>, String> {
        let messages = match &self.system {
            Some(system) => messages.clone().after_system(system)?,
            None => messages.clone(),
        };
        if self.template {
            let variables = &self.variables;
            return self.ids(Encode::Chat { messages: &messages, begun, variables });
        }
        match messages.only() {
            Some(text) => {
                let text = format!("{text}{begun}");
                self.ids(Encode::Text { text: &text, special: true })
            }
            None => Err(format!(
                "the engine {} has no chat template, which a system prompt or several turns need. Give \
                 one prompt without them",
                self.peer.address
            )),
        }
    }

    fn whole_text(&self, ids: &[TokenId]) -> Result<String, String> {
        let answers = self.peer.link().ask(|id| ToEngine::Decode { id, ids })?;
        match answer(&answers)? {
            FromEngine::Text { text, .. } => Ok(text),
            _ => Err(format!(
                "the engine {} answered ids with another kind of message",
                self.peer.address
            )),
        }
    }

    fn encode_text(&self, text: &str) -> Result<Vec<TokenId>, String> {
        self.ids(Encode::Text { text, special: false })
    }
}

impl Vocabulary for EngineText {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        self.pieces.get(id as usize).cloned().flatten()
    }

    fn ids(&self) -> Vec<TokenId> {
        let ids = 0..self.pieces.len() as TokenId;
        ids.filter(|&id| self.pieces[id as usize].is_some()).collect()
    }
}
