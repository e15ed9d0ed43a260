//! From TOML to a [`Config`]: the shape by serde, then names and values by what declares them.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    ColorChoice, Config, ConfigError, LookConfig, ParamSet,
    error::{ConfigText, unknown},
    shipped::{INVALID_NAME, is_name, is_shipped, taken},
};
use crate::{
    debugger,
    decode::{ParamSpec, STRATEGIES, Value},
    tui::{Chord, Colors, Ink, Keymap, KeymapError, Rgb, SPEEDS, Shade},
};

/// A table of anything, with places.
type AnyTable<T> = BTreeMap<Spanned<String>, Spanned<T>>;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    params: AnyTable<toml::Value>,
    keys: AnyTable<OneOrMany>,
    look: RawLook,
    colors: AnyTable<String>,
    presets: BTreeMap<Spanned<String>, AnyTable<toml::Value>>,
    macros: AnyTable<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawLook {
    color: Option<Spanned<String>>,
    ascii: Option<bool>,
    mouse: Option<bool>,
    theme: Option<Spanned<String>>,
    speed: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a key like \"ctrl-s\", or a list of keys")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads a configuration, and checks every key and value in it.
pub(super) fn config(text: ConfigText) -> Result<Config, ConfigError> {
    let raw: Raw = toml::from_str(text.text).map_err(|error| text.toml_error(&error))?;
    let mut read = BTreeMap::new();
    for (name, params) in &raw.presets {
        if !is_name(name.get_ref()) {
            return Err(text.error(name.span(), INVALID_NAME));
        }
        if is_shipped(name.get_ref()) {
            return Err(text.error(name.span(), taken(name.get_ref())));
        }
        read.insert(name.get_ref().clone(), param_set(text, params)?);
    }
    let mut macros = BTreeMap::new();
    for (name, commands) in raw.macros {
        if !is_name(name.get_ref()) {
            return Err(text.error(name.span(), INVALID_NAME));
        }
        for statement in debugger::statements(commands.get_ref()) {
            debugger::parse(statement)
                .map_err(|error| text.error(commands.span(), format!("`{statement}`: {error}")))?;
        }
        macros.insert(name.into_inner(), commands.into_inner());
    }
    Ok(Config {
        params: param_set(text, &raw.params)?,
        keymap: keymap(text, &raw.keys)?,
        look: look(text, raw.look)?,
        colors: colors(text, &raw.colors)?,
        presets: read,
        macros,
        folder: None,
    })
}

/// Reads a preset file: a table of parameters.
pub(super) fn preset(text: ConfigText) -> Result<ParamSet, ConfigError> {
    let raw: AnyTable<toml::Value> =
        toml::from_str(text.text).map_err(|error| text.toml_error(&error))?;
    param_set(text, &raw)
}

/// Every parameter of every strategy.
fn specs() -> impl Iterator<Item = &'static ParamSpec> {
    STRATEGIES.iter().flat_map(|strategy| strategy.params())
}

fn param_set(text: ConfigText, raw: &AnyTable<toml::Value>) -> Result<ParamSet, ConfigError> {
    raw.iter()
        .map(|(name, value)| {
            // Strategies may have one name with several ranges: it is checked again when used.
            let called: Vec<&ParamSpec> =
                specs().filter(|spec| spec.is_called(name.get_ref())).collect();
            let Some(spec) = called.first() else {
                let mut known: Vec<&str> = Vec::new();
                for spec in specs() {
                    if !known.contains(&spec.name) {
                        known.push(spec.name);
                    }
                }
                let known = known.into_iter();
                return Err(text.error(name.span(), unknown("key", name.get_ref(), known)));
            };
            let read = |spec: &&ParamSpec| match value.get_ref() {
                toml::Value::Integer(value) => spec.check(Value::Int(*value)),
                toml::Value::Float(value) => spec.check(Value::Float(*value)),
                toml::Value::String(word) => spec.parse(word),
                toml::Value::Boolean(on) => spec.parse(if *on { "true" } else { "false" }),
                toml::Value::Array(ids) => {
                    let ids = ids.iter().map(|id| id.as_integer().unwrap_or(-1).to_string());
                    spec.parse(&ids.collect::<Vec<_>>().join("+"))
                }
                other => spec.parse(other.type_str()),
            };
            if spec.bounds().is_some()
                && !matches!(value.get_ref(), toml::Value::Integer(_) | toml::Value::Float(_))
            {
                let other = value.get_ref().type_str();
                let wanted = format!("`{}` takes a number, not a {other}", name.get_ref());
                return Err(text.error(value.span(), wanted));
            }
            let first = read(spec);
            let fits = called.iter().find_map(|spec| read(spec).ok());
            match (fits, first) {
                (Some(value), _) | (None, Ok(value)) => Ok((name.get_ref().clone(), value)),
                (None, Err(error)) => Err(text.error(value.span(), error)),
            }
        })
        .collect()
}

fn keymap(text: ConfigText, raw: &AnyTable<OneOrMany>) -> Result<Keymap, ConfigError> {
    let (keymap, mut changes) = (Keymap::default(), Vec::new());
    for (name, keys) in raw {
        if keymap.named(name.get_ref()).is_none() {
            let known = keymap.rows().map(|(row, _)| row.name);
            return Err(text.error(name.span(), unknown("action", name.get_ref(), known)));
        }
        let written = match keys.get_ref() {
            OneOrMany::One(key) => std::slice::from_ref(key),
            OneOrMany::Many(keys) => keys,
        };
        let chords: Result<Vec<Chord>, _> = written.iter().map(|key| key.parse()).collect();
        changes.push((
            name.get_ref().as_str(),
            chords.map_err(|error| text.error(keys.span(), error))?,
        ));
    }
    keymap.with(changes).map_err(|error| {
        // The change that made it so: the one of a row the fault is about.
        let about = match &error {
            KeymapError::Clash { one, other, .. } => vec![*one, *other],
            KeymapError::Needed(name) => vec![*name],
        };
        let place = raw.iter().filter(|(name, _)| about.contains(&name.get_ref().as_str()));
        let place = place.map(|(_, keys)| keys.span()).max_by_key(|span| span.start);
        text.error(place.unwrap_or(0..0), error)
    })
}

fn look(text: ConfigText, raw: RawLook) -> Result<LookConfig, ConfigError> {
    let default = LookConfig::default();
    Ok(LookConfig {
        color: choice(text, raw.color, default.color, &ColorChoice::NAMES)?,
        ascii: raw.ascii.unwrap_or(default.ascii),
        mouse: raw.mouse.unwrap_or(default.mouse),
        theme: choice(
            text,
            raw.theme,
            default.theme,
            &[("dark", Shade::Dark), ("light", Shade::Light)],
        )?,
        speed: match raw.speed {
            None => default.speed,
            Some(speed) => self::speed(speed.get_ref()).ok_or_else(|| {
                text.error(speed.span(), "`speed` is 1, 2, 5, 10 or 30 steps a second, or \"max\"")
            })?,
        },
    })
}

fn speed(value: &toml::Value) -> Option<Option<u32>> {
    let speed = match value {
        toml::Value::String(word) if word == "max" => None,
        toml::Value::Integer(number) => Some(u32::try_from(*number).ok()?),
        _ => return None,
    };
    SPEEDS.contains(&speed).then_some(speed)
}

/// One of several words.
fn choice<T: Copy>(
    text: ConfigText,
    word: Option<Spanned<String>>,
    default: T,
    known: &[(&str, T)],
) -> Result<T, ConfigError> {
    let Some(word) = word else { return Ok(default) };
    let found = known.iter().find(|(name, _)| name == word.get_ref());
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names = known.iter().map(|(name, _)| *name);
        text.error(word.span(), unknown("word", word.get_ref(), names))
    })
}

fn colors(text: ConfigText, raw: &AnyTable<String>) -> Result<Colors, ConfigError> {
    let mut colors = Colors::default();
    for (name, color) in raw {
        let ink = Ink::from_name(name.get_ref()).ok_or_else(|| {
            let known = Ink::ALL.iter().map(|ink| ink.name());
            text.error(name.span(), unknown("colour", name.get_ref(), known))
        })?;
        let rgb = rgb(color.get_ref()).ok_or_else(|| {
            text.error(
                color.span(),
                format!("`{}` is no colour. Write \"#rrggbb\"", color.get_ref()),
            )
        })?;
        colors.set(ink, rgb);
    }
    Ok(colors)
}

/// Reads a colour written `#rrggbb`.
fn rgb(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| {
        digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit())
    })?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}
