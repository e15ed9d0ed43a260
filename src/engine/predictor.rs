//! Forward passes that an engine runs.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    column,
    link::EngineSent,
    message::{EngineGreeting, ErrorKind, Failure, FromEngine, ToEngine},
    peer::{BEAT, Peer, Silent, with_traceback},
};
use crate::model;
use crate::predict::{
    Attention, Column, PredictError, Prediction, Predictor, Progress, Request, Watch,
};

/// What a request may need.
struct Ability {
    /// Its name in a greeting.
    name: &'static str,
    /// The ability in words, as they follow "cannot".
    what: &'static str,
    needed: fn(&Request) -> bool,
}

impl Ability {
    fn has(&self, greeting: &EngineGreeting) -> bool {
        greeting.can.iter().any(|can| can == self.name)
    }
}

const ABILITIES: [Ability; 13] = [
    Ability {
        name: "attention_full",
        what: "let a position see those behind it, since its model is causal",
        needed: |request| request.pass.attention == Attention::Full && request.pass.ids.len() > 1,
    },
    Ability {
        name: "attention_keys",
        what: "leave positions out of attention",
        needed: |request| matches!(request.pass.attention, Attention::Keys(_)),
    },
    Ability {
        name: "attention_blocks",
        what: "attend in blocks",
        needed: |request| matches!(request.pass.attention, Attention::BlockCausal { .. }),
    },
    Ability {
        name: "positions",
        what: "number positions otherwise than 0, 1, 2, …",
        needed: |request| request.pass.positions.is_some(),
    },
    Ability {
        name: "guidance",
        what: "guide by a second pass (cfg_scale)",
        needed: |request| request.guidance.is_some(),
    },
    Ability {
        name: "filters",
        what: "filter logits (top_p, top_k)",
        needed: |request| request.filters.is_some(),
    },
    Ability {
        name: "noise",
        what: "choose tokens with noise (temperature)",
        needed: |request| request.sampling.is_some(),
    },
    Ability {
        name: "earlier",
        what: "compare with an earlier pass",
        needed: |request| request.earlier.is_some(),
    },
    Ability {
        name: "shadow",
        what: "predict a token without itself",
        needed: |request| request.shadow.is_some(),
    },
    Ability {
        name: "credits",
        what: "raise the logits of tokens by their credit",
        needed: |request| request.credits.is_some(),
    },
    Ability {
        name: "lowered",
        what: "lower logits (penalty_lambda)",
        needed: |request| !request.lowered.is_empty(),
    },
    Ability {
        name: "alternatives",
        what: "name the tokens behind the best one",
        needed: |request| request.alternatives.is_some(),
    },
    Ability {
        name: "targets",
        what: "say how probable a given token is",
        needed: |request| !request.targets.is_empty(),
    },
];

/// What an engine cannot do, in words.
pub(super) fn cannot(greeting: &EngineGreeting) -> Vec<&'static str> {
    ABILITIES.iter().filter(|ability| !ability.has(greeting)).map(|ability| ability.what).collect()
}

/// True if the logits of a request's rows are all that its columns are computed from.
fn logits_suffice(request: &Request) -> bool {
    request.shadow.is_none() && request.earlier.is_none() && !request.columns.has(Column::Kl)
}

/// Runs forward passes on an engine.
pub struct EnginePredictor {
    peer: Arc<Peer>,
}

impl EnginePredictor {
    pub(super) fn new(peer: Arc<Peer>) -> Self {
        Self { peer }
    }

    /// Refuses a request that needs an ability which the engine does not have.
    fn check(&self, request: &Request) -> Result<(), PredictError> {
        let greeting = &self.peer.greeting;
        let context = greeting.context;
        let length = request.pass.ids.len();
        if length > context {
            return Err(PredictError::Unsupported(format!(
                "{length} positions, prompt included, are more than the engine's context of \
                 {context}: lower max_gen_length or shorten the prompt"
            )));
        }
        if request.cached.is_some() {
            return Err(PredictError::Unsupported(
                "an engine keeps no keys and values of earlier passes: leave --cache out"
                    .to_owned(),
            ));
        }
        let lacks = |ability: &&Ability| (ability.needed)(request) && !ability.has(greeting);
        match ABILITIES.iter().find(lacks) {
            Some(ability) => Err(PredictError::Unsupported(format!(
                "the engine {} cannot {} ({}), which is needed here",
                self.peer.address, ability.what, ability.name
            ))),
            None => Ok(()),
        }
    }

    fn failed(&self, why: &str) -> PredictError {
        PredictError::Failed(format!(
            "the engine {}: {why}\nAsking it again starts it anew",
            self.peer.address
        ))
    }
}

impl Predictor for EnginePredictor {
    fn predict(
        &mut self,
        request: &Request,
        watch: &mut Watch,
    ) -> Result<Prediction, PredictError> {
        self.check(request)?;
        let layers = self.peer.greeting.layers;
        let mut progress = Progress { done: 0, of: layers + 1 };
        let link = self.peer.live(&mut |_| watch(progress)).map_err(|silent| match silent {
            Silent::Cancelled => PredictError::Cancelled,
            Silent::Failed(why) => self.failed(&why),
        })?;
        // Where two threads ask at once, the second gets columns.
        let mut memory = link.memory.try_lock().ok();
        let vocabulary = self.peer.greeting.vocabulary as usize;
        let count = request.rows.len().saturating_mul(vocabulary);
        let mut memory = memory
            .as_mut()
            .and_then(|memory| memory.as_mut())
            .filter(|memory| self.peer.greeting.device == "cpu" && memory.holds(count))
            .filter(|_| logits_suffice(request));
        let ask = |id| ToEngine::Predict { id, request, memory: memory.is_some() };
        let answers = link.ask(ask).map_err(|why| self.failed(&why))?;
        loop {
            match answers.next(BEAT) {
                EngineSent::Nothing => {}
                EngineSent::End(why) => return Err(self.failed(&why)),
                EngineSent::Message(FromEngine::Progress { done, of, .. }) => {
                    progress = Progress { done: done.min(of), of: of.max(1) };
                }
                EngineSent::Message(FromEngine::Prediction { memory: true, .. }) => {
                    let memory = memory.take().ok_or("it left logits where none were asked for");
                    let logits = memory.map_err(str::to_owned).and_then(|memory| {
                        memory.read(count).map_err(|error| format!("its logits: {error}"))
                    });
                    return match logits {
                        Ok(logits) => Ok(model::reduce(request, logits, vocabulary)),
                        Err(why) => Err(self.failed(&why)),
                    };
                }
                EngineSent::Message(FromEngine::Prediction { columns, .. }) => {
                    return column::prediction(request, &columns, self.peer.greeting.vocabulary)
                        .map_err(|why| {
                            PredictError::Failed(format!("the engine {}: {why}", self.peer.address))
                        });
                }
                EngineSent::Message(FromEngine::Error(Failure {
                    kind,
                    message,
                    traceback,
                    ..
                })) => {
                    return Err(match kind {
                        ErrorKind::Cancelled => PredictError::Cancelled,
                        ErrorKind::Unsupported => PredictError::Unsupported(message),
                        ErrorKind::Failed | ErrorKind::Protocol | ErrorKind::Load => {
                            PredictError::Failed(with_traceback(message, traceback))
                        }
                    });
                }
                EngineSent::Message(_) => {
                    return Err(PredictError::Failed(format!(
                        "the engine {} answered a forward pass with another kind of message",
                        self.peer.address
                    )));
                }
            }
            if watch(progress) == ControlFlow::Break(()) {
                // The answer is not waited for, so that the caller can go on at once.
                let _ = link.send(&ToEngine::Cancel { id: answers.id });
                return Err(PredictError::Cancelled);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ability_is_in_the_document() {
        let schema = schemars::schema_for!(EngineGreeting).to_value();
        let description = schema["properties"]["can"]["description"].as_str().unwrap();
        for ability in ABILITIES {
            assert!(description.contains(&format!("`{}`", ability.name)), "{}", ability.name);
        }
    }
}
