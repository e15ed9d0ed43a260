//! From an address to a model that is ready to be used.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Address, EnginePredictor,
    message::EngineGreeting,
    peer::{EngineNews, Peer, Silent},
    predictor,
    text::EngineText,
};
use crate::{
    canvas::{SpecialTokens, TokenId},
    model::{
        LoadError, LoadProgress, LoadWatch, Loaded, LoadingWork, Overrides, Suggestions, TokenName,
    },
    predict::{ModelFacts, Reading, Vocabulary},
};

/// An engine whose model is loaded. Dropping it ends a child that was started for it.
pub struct Connected {
    peer: Arc<Peer>,
    text: EngineText,
    /// Mask and end-of-sequence token.
    pub special: SpecialTokens,
}

/// Starts or joins an engine and waits until its model is loaded. `watch` is called with the
/// progress and may end it; `warn` is called with each warning for the user.
///
/// # Errors
/// If there is no engine, if it sends no greeting, or if its mask or end-of-sequence token is not
/// known.
pub fn connect(
    address: &Address,
    overrides: &Overrides,
    watch: &mut LoadWatch,
    warn: &mut dyn FnMut(String),
) -> Result<Connected, LoadError> {
    let place = address.to_string();
    // What to do stands before a traceback or a line of the engine's, not behind it.
    let fault = |why: String| {
        let (why, more) = why.split_once('\n').unwrap_or((&why, ""));
        let advice = "docs/engine.md says how engines are started";
        let advice = if more.is_empty() { advice.to_owned() } else { format!("{advice}\n{more}") };
        LoadError::new(format!("the engine {place}"), why.trim_end_matches(['.', ':']), advice)
    };
    let mut last =
        LoadProgress { work: LoadingWork::Engine("starting".to_owned()), done: 0, of: 0 };
    let met = Peer::meet(address, &mut |news| {
        match news {
            EngineNews::Loading(work, done, of) => {
                last = LoadProgress { work: LoadingWork::Engine(work), done, of }
            }
            EngineNews::Log(line) => warn(format!("the engine says: {line}")),
            EngineNews::Beat => {}
        }
        watch(&last)
    });
    let peer = match met {
        Ok(peer) => Arc::new(peer),
        Err(Silent::Cancelled) => return Err(LoadError::cancelled(place)),
        Err(Silent::Failed(why)) => return Err(fault(why)),
    };
    let work = LoadingWork::Engine("fetching the texts of its tokens".to_owned());
    if watch(&LoadProgress { work, done: 0, of: 0 }) == ControlFlow::Break(()) {
        return Err(LoadError::cancelled(place));
    }
    let text = EngineText::fetch(peer.clone(), &overrides.chat).map_err(fault)?;
    let greeting = &peer.greeting;
    for finding in &greeting.findings {
        warn(format!("warning: {}: {finding}", greeting.name));
    }
    let special = special(&text, overrides, greeting.mask, greeting.eos, greeting.vocabulary);
    let special = special.map_err(|(problem, advice)| {
        LoadError::new(format!("the engine {place}"), problem, advice)
    })?;
    Ok(Connected { peer, text, special })
}

impl Connected {
    /// What the engine said when it was greeted.
    pub fn greeting(&self) -> &EngineGreeting {
        &self.peer.greeting
    }

    /// The texts of its tokens.
    pub fn vocabulary(&self) -> &dyn Vocabulary {
        &self.text
    }

    /// What a strategy may ask for and this engine cannot do, in words.
    pub fn cannot(&self) -> Vec<&'static str> {
        predictor::cannot(&self.peer.greeting)
    }

    /// The engine as a loaded model.
    pub fn loaded(self) -> Loaded {
        let Self { peer, text, special } = self;
        let greeting = &peer.greeting;
        let vocabulary = greeting.vocabulary as usize;
        let reading = Reading { shift: greeting.shift, block: greeting.block, grid: greeting.grid };
        Loaded {
            facts: ModelFacts {
                name: greeting.name.clone(),
                family: greeting.family.clone(),
                device: greeting.device.clone(),
                dtype: greeting.dtype.clone(),
                vocabulary,
                context: greeting.context,
                layers: greeting.layers,
                special,
                reading,
                attention: greeting.attention.clone(),
            },
            suggested: Suggestions::of_model(reading, &text, vocabulary)
                .naming(greeting.tokens.clone()),
            embedded: false,
            parameters: greeting.parameters,
            flops_per_position: 0,
            tokenizer: Arc::new(text),
            predictor: Box::new(EnginePredictor::new(peer)),
        }
    }
}

/// The mask and end-of-sequence tokens: those of the options, else the engine's. The error is the
/// problem and the advice.
fn special(
    text: &dyn Vocabulary,
    overrides: &Overrides,
    mask: Option<TokenId>,
    eos: Option<TokenId>,
    vocabulary: u32,
) -> Result<SpecialTokens, (String, String)> {
    let find = |given: &Option<TokenName>, own: Option<TokenId>, what: &str, flag: &str| {
        let advice = format!("Give its number or its text with {flag}");
        let id = match given {
            Some(TokenName::Id(id)) => *id,
            Some(TokenName::Text(name)) => text.find(name).ok_or_else(|| {
                (format!("{flag} {name}: its tokenizer has no such token"), advice.clone())
            })?,
            None => {
                own.ok_or_else(|| (format!("it does not know its {what} token"), advice.clone()))?
            }
        };
        if id >= vocabulary {
            let problem = format!("its {what} token {id} is not in its vocabulary of {vocabulary}");
            return Err((problem, advice));
        }
        Ok(id)
    };
    let mask = find(&overrides.mask, mask, "mask", "--mask-token")?;
    let eos = find(&overrides.eos, eos, "end-of-sequence", "--eos-token")?;
    if mask == eos {
        return Err((
            format!("token {mask} is its mask and its end-of-sequence token at once"),
            "Give the right one with --mask-token or --eos-token".to_owned(),
        ));
    }
    Ok(SpecialTokens { mask, eos })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::Piece;

    struct Names;

    impl Vocabulary for Names {
        fn piece(&self, id: TokenId) -> Option<Piece> {
            ["a", "b", "<m>"].get(id as usize).map(|text| Piece::Text((*text).to_owned()))
        }

        fn ids(&self) -> Vec<TokenId> {
            vec![0, 1, 2]
        }
    }

    #[test]
    fn special_tokens_are_found_or_asked_for() {
        let check = |given: (Option<&str>, Option<&str>),
                     own,
                     expected: Result<(u32, u32), &str>| {
            let name = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let overrides =
                Overrides { mask: name(given.0), eos: name(given.1), ..Overrides::default() };
            let (mask, eos) = own;
            match (special(&Names, &overrides, mask, eos, 3), expected) {
                (Ok(found), Ok(expected)) => assert_eq!((found.mask, found.eos), expected),
                (Err((problem, advice)), Err(part)) => {
                    assert!(format!("{problem}. {advice}").contains(part), "{problem}. {advice}");
                }
                (other, _) => panic!("{given:?}: {other:?}"),
            }
        };
        check((None, None), (Some(2), Some(1)), Ok((2, 1)));
        check((Some("<m>"), Some("0")), (None, None), Ok((2, 0)));
        check(
            (None, None),
            (None, Some(1)),
            Err("does not know its mask token. Give its number or its text with --mask-token"),
        );
        check((None, None), (Some(2), None), Err("--eos-token"));
        check((Some("?"), None), (None, Some(1)), Err("no such token"));
        check((None, None), (Some(3), Some(1)), Err("not in its vocabulary of 3"));
        check((None, None), (Some(1), Some(1)), Err("at once"));
    }
}
