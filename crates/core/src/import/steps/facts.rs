//! Facts beside the steps: the mask, the prompt, the model.

use std::fmt::{self, Display};

use serde_json::Value;

use super::{
    super::{Options, skipped::SkippedInput},
    names::{EOS, MASKS, MODEL, PROMPT, PROMPT_IDS, PROMPT_LENGTH, RUN_LOG, STRATEGY},
    shape::is_run_log,
    value::{ImportedFields, Wrong, id, ids, shown, whole},
};
use crate::canvas::TokenId;

/// A token that a file names, by its id or its text.
#[derive(Debug, Clone, PartialEq)]
pub enum NamedToken {
    Id(TokenId),
    Text(String),
}

impl Display for NamedToken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

#[derive(Debug, Default)]
pub struct FileFacts {
    pub mask: Option<NamedToken>,
    pub eos: Option<NamedToken>,
    pub prompt: Option<String>,
    pub prompt_ids: Option<Vec<TokenId>>,
    pub prompt_length: Option<usize>,
    pub model: Option<String>,
    pub strategy: Option<String>,
    pub run_log: bool,
}

impl FileFacts {
    /// Takes the facts among an object's members; a step may have some beside its canvas. A fact
    /// that decides how the rest is read must be right, unless `options` override it.
    pub fn read(
        &mut self,
        fields: &mut ImportedFields,
        options: &Options,
        left: &mut SkippedInput,
    ) -> Result<(), Wrong> {
        if let Some((name, schema)) = fields.take_if(&["schema"], is_run_log) {
            if schema != RUN_LOG {
                return Err(Wrong::new(format!(
                    "a run log in the format {schema}, of which only {RUN_LOG} is known"
                ))
                .of(name));
            }
            self.run_log = true;
        }
        // A list under `mask` says which positions are masked, which the canvas shows.
        let token = |value: &Value| !value.is_array() && !value.is_boolean();
        if let Some((name, value)) = fields.take_if(&MASKS, token) {
            let (flag, given) = ("--mask-token", options.mask.is_some());
            if let Some(mask) = named(value, name, flag, given)? {
                one(&mut self.mask, mask, name, flag, given)?;
            }
        }
        if let Some((name, mut value)) =
            fields.take_if(&EOS, |eos| eos.as_array().is_none_or(|list| !list.is_empty()))
        {
            if let Some([first, rest @ ..]) = value.as_array().map(Vec::as_slice) {
                for other in rest {
                    left.value(format!("`{name}` beside the first, {}", shown(first)), || {
                        shown(other)
                    });
                }
                value = first;
            }
            let (flag, given) = ("--eos-token", options.eos.is_some());
            if let Some(eos) = named(value, name, flag, given)? {
                one(&mut self.eos, eos, name, flag, given)?;
            }
        }
        if let Some((name, value)) = fields.take(&PROMPT_LENGTH) {
            let length = whole(value).and_then(|length| usize::try_from(length).ok());
            match length {
                Some(length) => {
                    let given = options.prompt_length.is_some();
                    one(&mut self.prompt_length, length, name, "--prompt-length", given)?;
                }
                None if options.prompt_length.is_some() => {}
                None => {
                    return Err(Wrong::new(format!(
                        "{} is no number of positions. Say how long the prompt is with \
                         --prompt-length",
                        shown(value)
                    ))
                    .of(name));
                }
            }
        }
        let of_ids = |value: &Value| {
            value.as_array().is_some_and(|list| list.first().is_none_or(Value::is_number))
        };
        let prompt =
            fields.take_if(&PROMPT_IDS, of_ids).or_else(|| fields.take_if(&PROMPT, of_ids));
        if let Some((name, list)) = prompt {
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            let list = ids(list).map_err(|wrong| wrong.of(name))?;
            let known = self.prompt_ids.get_or_insert_with(|| list.clone());
            if *known != list {
                left.value(format!("`{name}` that is another than before"), || {
                    format!("{} ids", list.len())
                });
            }
        }
        for (fact, names) in [
            (&mut self.prompt, &PROMPT[..]),
            (&mut self.model, &MODEL),
            (&mut self.strategy, &STRATEGY),
        ] {
            let Some((name, text)) = fields.text(names) else { continue };
            if fact.get_or_insert_with(|| text.to_owned()) != text {
                left.value(format!("`{name}` that is another than before"), || {
                    shown(&Value::from(text))
                });
            }
        }
        Ok(())
    }
}

/// The token in the field `name`. A wrong one is an error only if no flag overrides it.
fn named(value: &Value, name: &str, flag: &str, given: bool) -> Result<Option<NamedToken>, Wrong> {
    let token = match value {
        Value::String(text) => Some(NamedToken::Text(text.clone())),
        value => id(value).ok().map(NamedToken::Id),
    };
    match token {
        None if !given => Err(Wrong::new(format!(
            "{} is neither a token id nor a token's text. Say which it is with {flag}",
            shown(value)
        ))
        .of(name)),
        token => Ok(token),
    }
}

/// Keeps a fact. Two different values in a file are an error, unless a flag overrides both
/// (`given`).
fn one<T: PartialEq + Display>(
    fact: &mut Option<T>,
    value: T,
    name: &str,
    flag: &str,
    given: bool,
) -> Result<(), Wrong> {
    match fact {
        Some(before) if *before != value && !given => Err(Wrong::new(format!(
            "it is {value} here and {before} before. Say which holds with {flag}"
        ))
        .of(name)),
        Some(_) => Ok(()),
        None => {
            *fact = Some(value);
            Ok(())
        }
    }
}
