//! The mask and the end-of-sequence token of a checkpoint, out of all that its files name.

use serde_json::Value;

use super::{
    LoadError, Overrides, TokenName, Tokenizer, family, family::Description, files::Files,
};
use crate::canvas::{SpecialTokens, TokenId};

/// The special tokens of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointTokens {
    /// The mask and the EOS token that decoding goes by.
    pub tokens: SpecialTokens,
    /// Every end-of-sequence token that is named, the one that decides first.
    pub eos: Vec<NamedEos>,
    /// Warnings about files that name another mask or another end of the sequence.
    pub(super) contradictions: Vec<String>,
}

/// An end-of-sequence token, and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEos {
    /// The token's number in the vocabulary.
    pub id: TokenId,
    /// The options and files that name it.
    pub by: Vec<String>,
}

/// What a token is for, and where the user names it.
struct Wanted<'a> {
    what: &'static str,
    flag: &'static str,
    field: &'static str,
    given: Option<&'a TokenName>,
}

impl CheckpointTokens {
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
        let generation = GenerationTokens::of(files)?;
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
        let named = described.mask.or(generation.mask).or_else(|| tokenizer.mask());
        let own = named.or(described.usual_mask);
        let (mask, mask_place) = find(&mask, own)?;
        let eos = Wanted {
            what: "end-of-sequence",
            flag: "eos",
            field: "eos_token_id",
            given: overrides.eos.as_ref(),
        };
        let named: [(&str, &str, Vec<TokenId>); 3] = [
            ("the tokenizer", "tokenizer_config.json", tokenizer.eos().into_iter().collect()),
            ("config.json", "config.json", described.eos.clone()),
            ("generation_config.json", "generation_config.json", generation.eos),
        ];
        let both = |place: &str| {
            let given = if overrides.mask.is_some() { &*mask_place } else { place };
            LoadError::new(
                given,
                format!(
                    "token {mask} is the mask (mask_token_id) and an end of the sequence \
                     (eos_token_id) at once: every mask would be an end"
                ),
                "Give the right one with --mask-token or --eos-token; `demask info` of the model \
                 it was made from may show them",
            )
        };
        // An option overrides all files.
        if overrides.eos.is_none() {
            for (_, file, ids) in &named {
                let place = files.name_of(file);
                for id in ids {
                    eos.check(*id, described, &place)?;
                    if *id == mask {
                        return Err(both(&place));
                    }
                }
            }
        }
        let first = named.iter().find_map(|(_, _, ids)| ids.first().copied());
        let (eos, eos_place) = find(&eos, first)?;
        if mask == eos {
            return Err(both(&eos_place));
        }
        let mut all = vec![NamedEos { id: eos, by: Vec::new() }];
        if overrides.eos.is_some() {
            all[0].by.push(eos_place);
        }
        for (place, _, ids) in named {
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
        let masks = [
            ("config.json", described.mask),
            ("generation_config.json", generation.mask),
            ("the tokenizer", tokenizer.named_mask()),
        ];
        // A token from an option does not contradict the files: it overrides them.
        let ends = if overrides.eos.is_some() { None } else { other_ends(&all) };
        let masks = if overrides.mask.is_some() { None } else { other_masks(mask, &masks) };
        let contradictions = ends.into_iter().chain(masks).collect();
        Ok(Self { tokens: SpecialTokens { mask, eos }, eos: all, contradictions })
    }
}

/// A warning about files that name an end of the sequence, and not the token that decides.
fn other_ends(named: &[NamedEos]) -> Option<String> {
    let (first, others) = named.split_first()?;
    let disagreeing = others.iter().filter_map(|other| {
        let places = other.by.iter().filter(|by| !first.by.contains(by));
        let places: Vec<&str> = places.map(String::as_str).collect();
        (!places.is_empty()).then(|| format!("{} of {}", other.id, places.join(" and ")))
    });
    let disagreeing: Vec<String> = disagreeing.collect();
    (!disagreeing.is_empty()).then(|| {
        format!(
            "the end of the sequence is token {} of {}, which decides, and not {}. If that is \
             wrong, give --eos-token",
            first.id,
            first.by.join(" and "),
            disagreeing.join(" or ")
        )
    })
}

/// A warning about files that name a mask, and not the token that decides.
fn other_masks(mask: TokenId, named: &[(&str, Option<TokenId>)]) -> Option<String> {
    let others = named.iter().filter_map(|(place, id)| Some((place, id.filter(|id| *id != mask)?)));
    let disagreeing: Vec<String> = others.map(|(place, id)| format!("{id} of {place}")).collect();
    (!disagreeing.is_empty()).then(|| {
        format!(
            "the mask is token {mask}, which decides, and not {}. If that is wrong, give \
             --mask-token",
            disagreeing.join(" or ")
        )
    })
}

/// The tokens of generation_config.json.
struct GenerationTokens {
    mask: Option<TokenId>,
    eos: Vec<TokenId>,
}

impl GenerationTokens {
    fn of(files: &Files) -> Result<Self, LoadError> {
        let ids = |field: &str| {
            let value = files.generation_config.get(field).unwrap_or(&Value::Null);
            family::ids(value).ok_or_else(|| {
                let value: String = value.to_string().chars().take(60).collect();
                LoadError::new(
                    files.name_of("generation_config.json"),
                    format!("{field} is {value}, expected the id of a token or a list of ids"),
                    "Compare it with the file of the original model",
                )
            })
        };
        let mask = match ids("mask_token_id")?[..] {
            [] => None,
            [mask] => Some(mask),
            _ => {
                return Err(LoadError::new(
                    files.name_of("generation_config.json"),
                    "mask_token_id names several tokens",
                    "Give the right one with --mask-token, and leave one in the file",
                ));
            }
        };
        Ok(Self { mask, eos: ids("eos_token_id")? })
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
