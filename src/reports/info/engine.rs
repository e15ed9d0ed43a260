//! How an engine describes itself.

use serde::Serialize;

use crate::{
    canvas::TokenId,
    engine::{Connected, message::EngineGreeting},
    model::count,
    predict::Grid,
};

/// An engine, as it says itself.
#[derive(Serialize)]
pub struct EngineInfo {
    #[serde(flatten)]
    greeting: EngineGreeting,
    /// What a strategy may ask for and this engine cannot do.
    cannot: Vec<&'static str>,
    #[serde(skip)]
    mask: String,
    #[serde(skip)]
    eos: String,
}

impl EngineInfo {
    /// What the engine's greeting says.
    pub fn of(engine: &Connected) -> Self {
        let named = |id: TokenId| format!("{id}, {}", engine.vocabulary().named(id));
        let (mask, eos) = (named(engine.special.mask), named(engine.special.eos));
        let mut greeting = Connected::greeting(engine).clone();
        greeting.mask = Some(engine.special.mask);
        greeting.eos = Some(engine.special.eos);
        Self { cannot: engine.cannot(), greeting, mask, eos }
    }

    /// The greeting as lines of text.
    pub fn text(&self) -> String {
        let greeting = &self.greeting;
        let known = |number: usize| match number {
            0 => "not known".to_owned(),
            number => number.to_string(),
        };
        let blocks = match (greeting.block, greeting.grid) {
            (None, _) => "none".to_owned(),
            (Some(block), Grid::Prompt) => {
                format!("of {block} positions, counted from the generated region")
            }
            (Some(block), Grid::Start) => format!("of {block} positions, counted from position 0"),
        };
        let shifted = match greeting.shift {
            true => "shifted: position i is read at i - 1",
            false => "not shifted",
        };
        let template = match greeting.template {
            true => "the engine's",
            false => "none: prompts are taken as they are",
        };
        let parameters = match greeting.parameters {
            0 => "not known".to_owned(),
            parameters => count(parameters),
        };
        let cannot = match self.cannot.is_empty() {
            true => "nothing is missing".to_owned(),
            false => format!("it cannot {}", self.cannot.join(", ")),
        };
        let rows = [
            ("model", greeting.name.clone()),
            ("engine", greeting.engine.clone()),
            ("family", greeting.family.clone()),
            ("parameters", parameters),
            ("computes", format!("on {} in {}", greeting.device, greeting.dtype)),
            ("layers", known(greeting.layers)),
            ("vocabulary", greeting.vocabulary.to_string()),
            ("context", format!("{} positions", greeting.context)),
            ("attention", greeting.attention.clone()),
            ("blocks", blocks),
            ("logits", shifted.to_owned()),
            ("mask", self.mask.clone()),
            ("EOS", self.eos.clone()),
            ("chat template", template.to_owned()),
            ("abilities", cannot),
        ];
        let line = |(name, text): &(&str, String)| format!("{name:<14} {text}");
        rows.iter().filter(|(_, text)| !text.is_empty()).map(line).collect::<Vec<_>>().join("\n")
    }
}
