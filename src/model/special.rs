//! The mask and the end-of-sequence token of a checkpoint, out of all that its files name.

use serde_json::Value;

use super::{
    LoadError, Overrides, TokenName, Tokenizer, family, family::Description, files::Files,
};
use crate::canvas::{SpecialTokens, TokenId};

/// The special tokens of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Special {
    /// Those that decide.
    pub tokens: SpecialTokens,
    /// Every end-of-sequence token that is named, the one that decides first.
    pub eos: Vec<NamedEos>,
}

/// An end-of-sequence token, and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEos {
    /// The token.
    pub id: TokenId,
    /// The options and files that name it.
    pub by: Vec<String>,
}

/// What a token is for, and where people name it.
struct Wanted<'a> {
    what: &'static str,
    flag: &'static str,
    field: &'static str,
    given: Option<&'a TokenName>,
}

impl Special {
    /// The tokens that decide: what is said in place of the files, else what the files say. The
    /// published evaluation passes the tokenizer's own EOS, so that comes before config.json's;
    /// of a list its first decides.
    ///
    /// # Errors
    /// If either cannot be found, is none of the model's, or both are the same.
    pub(super) fn of(
        tokenizer: &Tokenizer,
        described: &Description,
        files: &Files,
        overrides: &Overrides,
    ) -> Result<Self, LoadError> {
        let generation = Generation::of(files)?;
        let config = files.name_of("config.json");
        let find = |wanted: &Wanted, own: Option<TokenId>| {
            let (place, id) = match wanted.given {
                Some(given) => {
                    let place = format!("--{}-token {given}", wanted.flag);
                    let id = given_id(given, tokenizer, &place)?;
                    (place, Some(id))
                }
                None => (config.clone(), own),
            };
            let id = id.ok_or_else(|| wanted.missing(&place))?;
            wanted.check(id, described, &place).map(|()| (id, place))
        };
        let mask = Wanted {
            what: "mask",
            flag: "mask",
            field: "mask_token_id",
            given: overrides.mask.as_ref(),
        };
        let own = described.mask.or(generation.mask).or_else(|| tokenizer.mask());
        let (mask, mask_place) = find(&mask, own)?;
        let eos = Wanted {
            what: "end-of-sequence",
            flag: "eos",
            field: "eos_token_id",
            given: overrides.eos.as_ref(),
        };
        let named = [
            ("the tokenizer", tokenizer.eos().into_iter().collect()),
            ("config.json", described.eos.clone()),
            ("generation_config.json", generation.eos),
        ];
        let first = named.iter().find_map(|(_, ids): &(&str, Vec<TokenId>)| ids.first().copied());
        let (eos, eos_place) = find(&eos, first)?;
        if mask == eos {
            let given = overrides.mask.is_some();
            return Err(LoadError::new(
                if given { &mask_place } else { &eos_place },
                format!(
                    "token {mask} is the mask (mask_token_id) and the end of the sequence \
                     (eos_token_id) at once: every mask would be an end"
                ),
                "Give the right one with --mask-token or --eos-token; `demask info` of the model \
                 it was made from may show them",
            ));
        }
        let mut all = vec![NamedEos { id: eos, by: Vec::new() }];
        if overrides.eos.is_some() {
            all[0].by.push(eos_place);
        }
        for (place, ids) in named {
            for id in ids {
                let at = all.iter().position(|known| known.id == id).unwrap_or_else(|| {
                    all.push(NamedEos { id, by: Vec::new() });
                    all.len() - 1
                });
                if all[at].by.last().is_none_or(|last| last != place) {
                    all[at].by.push(place.to_owned());
                }
            }
        }
        Ok(Self { tokens: SpecialTokens { mask, eos }, eos: all })
    }
}

/// The tokens of generation_config.json.
struct Generation {
    mask: Option<TokenId>,
    eos: Vec<TokenId>,
}

impl Generation {
    fn of(files: &Files) -> Result<Self, LoadError> {
        let text = files.generation_config.as_deref().unwrap_or("null");
        let config: Value = serde_json::from_str(text).unwrap_or_default();
        let ids = |field: &str| {
            let value = config.get(field).unwrap_or(&Value::Null);
            family::ids(value).ok_or_else(|| {
                let value: String = value.to_string().chars().take(60).collect();
                LoadError::new(
                    files.name_of("generation_config.json"),
                    format!("{field} is {value}, expected the id of a token or a list of ids"),
                    "Compare it with the file of the original model",
                )
            })
        };
        Ok(Self { mask: ids("mask_token_id")?.first().copied(), eos: ids("eos_token_id")? })
    }
}

fn given_id(given: &TokenName, tokenizer: &Tokenizer, place: &str) -> Result<TokenId, LoadError> {
    match given {
        TokenName::Id(id) => Ok(*id),
        TokenName::Text(text) => tokenizer.id(text).ok_or_else(|| {
            LoadError::new(
                place,
                "the tokenizer has no such token",
                "Give its number, or its text as the tokenizer has it; `demask info` shows what \
                 is known",
            )
        }),
    }
}

impl Wanted<'_> {
    fn missing(&self, place: &str) -> LoadError {
        let Self { what, flag, field, .. } = self;
        LoadError::new(
            place,
            format!("neither it nor the tokenizer names the {what} token"),
            format!(
                "Give it with --{flag}-token ID or --{flag}-token TEXT, or add `\"{field}\": ID` to \
                 config.json"
            ),
        )
    }

    fn check(&self, id: TokenId, described: &Description, place: &str) -> Result<(), LoadError> {
        if (id as usize) < described.columns() {
            return Ok(());
        }
        Err(LoadError::new(
            place,
            format!("{} {id} is not in the vocabulary of {}", self.field, described.columns()),
            format!(
                "Check that the model's files belong together, or give the token with --{}-token",
                self.flag
            ),
        ))
    }
}
