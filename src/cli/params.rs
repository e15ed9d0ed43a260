//! A flag for every parameter of every strategy, made from their declarations.

use std::fmt::Write;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use super::Fault;
use crate::decode::{Kind, ParamSpec, Params, STRATEGIES, SWITCH, Strategy};

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

    /// Sets what was given.
    ///
    /// # Errors
    /// If the strategy has no such parameter, or the value does not fit.
    pub fn set(&self, strategy: &dyn Strategy, params: &mut Params) -> Result<(), Fault> {
        for (name, text) in &self.given {
            let spec = params.spec(name).map_err(|_| {
                let of: Vec<&str> = declared(name).map(|(strategy, _)| strategy.name()).collect();
                Fault::usage(format!(
                    "--{} is not a parameter of {}, but of {}. Leave it out, or choose another \
                     --strategy",
                    name.replace('_', "-"),
                    strategy.name(),
                    of.join(", ")
                ))
            })?;
            let value = spec
                .parse(text)
                .map_err(|error| Fault::usage(format!("--{}: {error}", name.replace('_', "-"))))?;
            params.set(name, value).map_err(Fault::usage)?;
        }
        Ok(())
    }
}

/// The strategies that have a parameter called `name`, with its declaration.
fn declared(
    name: &str,
) -> impl Iterator<Item = (&'static dyn Strategy, &'static ParamSpec)> + use<'_> {
    STRATEGIES.iter().flat_map(move |strategy| {
        let specs = strategy.params().iter().filter(move |spec| spec.is_called(name));
        specs.map(move |spec| (*strategy, spec))
    })
}

/// Every name that a parameter has, once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for spec in STRATEGIES.iter().flat_map(|strategy| strategy.params()) {
        for name in std::iter::once(spec.name).chain(spec.aliases.iter().copied()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The range, or those of the strategies where they differ.
fn ranges(all: &[(&'static dyn Strategy, &'static ParamSpec)]) -> String {
    let mut ranges: Vec<(String, Vec<&str>)> = Vec::new();
    for (strategy, spec) in all {
        let range = match spec.kind {
            Kind::Name { options, .. } if options == SWITCH => "=true, =false".to_owned(),
            _ => spec.range(),
        };
        match ranges.iter_mut().find(|(known, _)| *known == range) {
            Some((_, strategies)) => strategies.push(strategy.name()),
            None => ranges.push((range, vec![strategy.name()])),
        }
    }
    match ranges.as_slice() {
        [(range, _)] => range.clone(),
        ranges => {
            let each = ranges.iter().map(|(range, of)| format!("{}: {range}", of.join(", ")));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

fn arg(name: &'static str) -> Option<Arg> {
    let all: Vec<(&'static dyn Strategy, &'static ParamSpec)> = declared(name).collect();
    // A name that is one strategy's own explains itself better than another's alias.
    let (_, spec) = all.iter().find(|(_, spec)| spec.name == name).or(all.first())?;
    let value = match spec.kind {
        Kind::Int { .. } => "N",
        Kind::Float { .. } => "X",
        Kind::Name { .. } => "NAME",
        Kind::Tokens => "IDS",
    };
    let of: Vec<String> = all
        .iter()
        .map(|(strategy, spec)| format!("{} {}", strategy.name(), spec.default()))
        .collect();
    let arg = Arg::new(name)
        .long(name.replace('_', "-"))
        .value_name(value)
        .help(format!(
            "{} [{}] [range: {}] [default: {}]",
            spec.help,
            spec.symbol,
            ranges(&all),
            of.join(", ")
        ))
        .help_heading("Parameters of the strategy")
        // A negative number is out of range, not an unknown flag.
        .allow_negative_numbers(true)
        // Where strategies differ, the one chosen says what fits.
        .value_parser(move |text: &str| -> Result<String, String> {
            let mut declared = declared(name).map(|(_, spec)| spec);
            match (declared.next(), declared.next()) {
                (Some(spec), None) => {
                    spec.parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
                }
                _ => Ok(text.to_owned()),
            }
        });
    Some(match spec.kind {
        Kind::Name { options, .. } if options == SWITCH => {
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

fn table(strategy: &dyn Strategy) -> String {
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
