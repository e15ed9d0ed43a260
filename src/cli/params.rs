//! A flag for every parameter of every strategy, made from their declarations.

use std::{fmt::Write, fs, iter, sync::LazyLock};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use super::Fault;
use crate::{
    decode::{AnyStrategy, ParamKind, ParamSpec, Params, STRATEGIES, SWITCH, TokenList, Value},
    escape::escaped,
    predict::Vocabulary,
};

/// The parameters given as flags, as they were written: which values fit depends on the strategy.
#[derive(Debug, Clone, Default)]
pub struct ParamOptions {
    given: Vec<(&'static str, String)>,
}

impl ParamOptions {
    /// Names and values as they were written.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.given.iter().map(|(name, text)| (*name, text.as_str()))
    }

    /// True if `name` was given, under any of its names.
    pub fn has(&self, params: &Params, name: &str) -> bool {
        let spec = params.spec(name);
        spec.is_ok_and(|spec| self.given.iter().any(|(given, _)| spec.is_called(given)))
    }

    /// Sets what was given. A token may be given by its text, which is looked up in the `vocabulary`;
    /// without one it is passed over.
    ///
    /// # Errors
    /// If the strategy has no such parameter, the value does not fit, or no token has the text.
    pub fn set(
        &self,
        strategy: &dyn AnyStrategy,
        params: &mut Params,
        vocabulary: Option<&dyn Vocabulary>,
    ) -> Result<(), Fault> {
        for (name, text) in &self.given {
            let spec = params.spec(name).map_err(|_| {
                let of: Vec<&str> = declared(name).map(|(strategy, _)| strategy.name()).collect();
                Fault::usage(format!(
                    "--{} is not a parameter of {}, but of {}. Leave it out, or choose another \
                     --strategy",
                    flag(name),
                    strategy.name(),
                    of.join(", ")
                ))
            })?;
            let wrong = |error: String| Fault::usage(format!("--{}: {error}", flag(name)));
            let value = match (is_text_of_token(spec, text), vocabulary) {
                (true, None) => continue,
                (true, Some(vocabulary)) => {
                    let list = vocabulary.find(text).and_then(|token| TokenList::of(&[token]));
                    Value::Tokens(list.ok_or_else(|| {
                        wrong(format!(
                            "the model's vocabulary has no token `{}`. Give one that it has, by its \
                             text or its number",
                            escaped(text)
                        ))
                    })?)
                }
                (false, _) => spec.parse(text).map_err(|error| wrong(error.to_string()))?,
            };
            params.set(name, value).map_err(Fault::usage)?;
        }
        Ok(())
    }
}

/// A parameter's flag, without the two hyphens before it.
fn flag(name: &str) -> String {
    name.replace('_', "-")
}

/// True if `text` names a token and not ids.
fn is_text_of_token(spec: &ParamSpec, text: &str) -> bool {
    let list = text.starts_with('[') || text.trim().starts_with(|c: char| c.is_ascii_digit());
    spec.kind == ParamKind::Tokens && !text.trim().is_empty() && !list && spec.parse(text).is_err()
}

/// The strategies that have a parameter called `name`, with its declaration.
fn declared(
    name: &str,
) -> impl Iterator<Item = (&'static dyn AnyStrategy, &'static ParamSpec)> + use<'_> {
    STRATEGIES.iter().flat_map(move |strategy| {
        let specs = strategy.params().iter().filter(move |spec| {
            spec.is_called(name) || typed(spec.symbol).as_deref() == Some(name)
        });
        specs.map(move |spec| (*strategy, spec))
    })
}

/// A symbol with τ as it is typed: `tau_high`; none for other symbols.
fn typed(symbol: &str) -> Option<String> {
    symbol.strip_prefix('τ').map(|rest| format!("tau{rest}"))
}

fn specs() -> impl Iterator<Item = &'static ParamSpec> {
    STRATEGIES.iter().flat_map(|strategy| strategy.params())
}

/// Every name that a parameter has, once; its symbol is one, as the screen and the help show it.
fn names() -> Vec<&'static str> {
    static SYMBOLS: LazyLock<Vec<String>> =
        LazyLock::new(|| specs().filter_map(|spec| typed(spec.symbol)).collect());
    let known = specs().flat_map(|spec| iter::once(spec.name).chain(spec.aliases.iter().copied()));
    let mut names: Vec<&'static str> = Vec::new();
    for name in known.chain(SYMBOLS.iter().map(String::as_str)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// True if `name` is one of those names.
pub(super) fn is_parameter(name: &str) -> bool {
    declared(name).next().is_some()
}

/// A flag as the help on one strategy has it: hidden if it has no such parameter, or has it under
/// another name.
pub(super) fn of_strategy(arg: Arg, name: &str, strategy: &str) -> Arg {
    let own: Vec<Declared> = declared(name).filter(|(of, _)| of.name() == strategy).collect();
    match own.as_slice() {
        [(of, spec)] if spec.name == name => arg
            .display_order(of.params().iter().position(|own| own.name == name).unwrap_or(0))
            .help(help(spec, &own))
            .help_heading(format!("Parameters of {}", of.name()))
            .hide_short_help(false)
            .hide(false),
        _ => arg.hide(true),
    }
}

/// A strategy with a parameter of it.
type Declared = (&'static dyn AnyStrategy, &'static ParamSpec);

/// What the strategies say of a parameter, each with those that say it.
fn described(all: &[Declared], what: impl Fn(&ParamSpec) -> String) -> String {
    let mut described: Vec<(String, Vec<&str>)> = Vec::new();
    for (strategy, spec) in all {
        let text = what(spec);
        match described.iter_mut().find(|(known, _)| *known == text) {
            Some((_, strategies)) => strategies.push(strategy.name()),
            None => described.push((text, vec![strategy.name()])),
        }
    }
    match described.as_slice() {
        [(text, _)] => text.clone(),
        described => {
            let each = described.iter().map(|(text, of)| format!("{text} ({})", of.join(", ")));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// The help on a parameter of these strategies: what it does, its symbol, range, default and other
/// names.
fn help(spec: &ParamSpec, all: &[Declared]) -> String {
    let range = |spec: &ParamSpec| match spec.kind {
        ParamKind::Name { options, .. } if options == SWITCH => "=true, =false".to_owned(),
        _ => spec.range(),
    };
    let mut text = format!(
        "{} [{}] [range: {}] [default: {}]",
        spec.help,
        spec.symbol,
        described(all, range),
        described(all, |spec| spec.default().to_string())
    );
    let mut others: Vec<String> = Vec::new();
    for (strategy, spec) in all {
        for alias in spec.aliases {
            let flag = format!("--{}", alias.replace('_', "-"));
            let another = declared(alias)
                .any(|(of, spec)| spec.name == *alias && of.name() == strategy.name());
            if !another && !others.contains(&flag) {
                others.push(flag);
            }
        }
    }
    if !others.is_empty() {
        let _ = write!(text, " [also: {}]", others.join(", "));
    }
    text
}

/// A text as it is given: itself, or with `@` before it a file's lines with `;` between them. What
/// is behind `//` or `#` is left out.
fn line(text: &str) -> Result<String, String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let lines = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let bare = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_owned()
    };
    let lines: Vec<String> = lines.lines().map(bare).filter(|line| !line.is_empty()).collect();
    Ok(lines.join(";"))
}

fn arg(name: &'static str) -> Option<Arg> {
    let all: Vec<Declared> = declared(name).collect();
    // A name that is one strategy's own explains itself better than another's alias.
    let own: Vec<Declared> = all.iter().copied().filter(|(_, spec)| spec.name == name).collect();
    let (strategy, spec) = own.first().or(all.first())?;
    let value = match spec.kind {
        ParamKind::Int { .. } => "N",
        ParamKind::Float { .. } => "X",
        ParamKind::Name { .. } => "NAME",
        ParamKind::Tokens => "IDS|TEXT",
        ParamKind::Text { .. } => "TEXT|@FILE",
    };
    let heading = match own.as_slice() {
        [_] => format!("Parameters of {}", strategy.name()),
        _ => "Parameters of several strategies".to_owned(),
    };
    let arg = Arg::new(name)
        .long(name.replace('_', "-"))
        .value_name(value)
        .help(help(spec, if own.is_empty() { &all } else { &own }))
        .help_heading(heading)
        .hide_short_help(true)
        // What is only another name stands beside the first.
        .hide(own.is_empty())
        // A negative number is out of range, not an unknown flag.
        .allow_negative_numbers(true)
        // Where strategies differ, the one chosen says what fits.
        .value_parser(move |text: &str| -> Result<String, String> {
            let mut declared = declared(name).map(|(_, spec)| spec);
            match (declared.next(), declared.next()) {
                (Some(spec), None) => {
                    let text = match spec.kind {
                        ParamKind::Text { .. } => line(text)?,
                        _ => text.to_owned(),
                    };
                    if !is_text_of_token(spec, &text) {
                        spec.parse(&text).map_err(|error| error.to_string())?;
                    }
                    Ok(text)
                }
                _ => Ok(text.to_owned()),
            }
        });
    Some(match spec.kind {
        ParamKind::Name { options, .. } if options == SWITCH => {
            arg.num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        _ => arg,
    })
}

impl Args for ParamOptions {
    fn augment_args(command: Command) -> Command {
        command.args(names().into_iter().filter_map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParamOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = names()
            .into_iter()
            .filter(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
            .filter_map(|name| Some((name, matches.get_one::<String>(name)?.clone())))
            .collect();
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The parameters of DAEDAL as a Markdown table, as the README holds it.
pub fn parameter_table() -> String {
    table(STRATEGIES[0])
}

/// Every strategy's parameters and presets, as the documents hold them.
pub fn strategy_tables() -> String {
    let mut text = String::new();
    for strategy in STRATEGIES {
        let _ = writeln!(text, "### `{}`\n\n{}", strategy.name(), table(*strategy));
    }
    text
}

fn table(strategy: &dyn AnyStrategy) -> String {
    let mut table = String::from(
        "| flag | symbol | default | range | a change | what it does |\n|---|---|---|---|---|---|\n",
    );
    for spec in strategy.params() {
        let _ = writeln!(
            table,
            "| `--{}` | {} | {} | {} | {} | {} |",
            spec.flag(),
            spec.symbol,
            spec.default(),
            spec.range(),
            spec.affects.words(),
            spec.help
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_flags() {
        let command = ParamOptions::augment_args(Command::new("demask"));
        let matches = command.try_get_matches_from(["demask", "--tau-high", "0.5"]).unwrap();
        let given = ParamOptions::from_arg_matches(&matches).unwrap();
        for (strategy, name) in [("daedal", "high_conf_threshold"), ("wino", "threshold")] {
            let strategy = crate::decode::strategy(strategy).unwrap();
            let mut params = Params::defaults(strategy.params());
            assert!(given.set(strategy, &mut params, None).is_ok());
            assert_eq!(params.get(name).unwrap().to_string(), "0.5");
        }
    }
}
