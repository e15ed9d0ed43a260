//! A flag for every parameter of the strategy, made from its declarations.

use std::fmt::Write;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};

use crate::decode::{Kind, ParamSpec, Value, daedal};

/// The parameters given as flags.
#[derive(Debug, Clone, Default)]
pub struct ParamOptions {
    given: Vec<(&'static str, Value)>,
}

impl ParamOptions {
    /// Names and values given.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.given.iter().copied()
    }

    /// True if `name` was given.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }
}

fn arg(spec: &'static ParamSpec) -> Arg {
    let value = match spec.kind {
        Kind::Int { .. } => "N",
        Kind::Float { .. } => "X",
    };
    Arg::new(spec.name)
        .long(spec.flag())
        .value_name(value)
        .help(format!(
            "{} [{}] [default: {}] [range: {}]",
            spec.help,
            spec.symbol,
            spec.default(),
            spec.range()
        ))
        .help_heading("Parameters of the strategy")
        // A negative number is out of range, not an unknown flag.
        .allow_negative_numbers(true)
        .value_parser(move |text: &str| spec.parse(text).map_err(|error| error.to_string()))
}

impl Args for ParamOptions {
    fn augment_args(command: Command) -> Command {
        command.args(daedal::SPECS.iter().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParamOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = daedal::SPECS
            .iter()
            .filter(|spec| matches.value_source(spec.name) == Some(ValueSource::CommandLine))
            .filter_map(|spec| Some((spec.name, *matches.get_one::<Value>(spec.name)?)))
            .collect();
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The parameters as a Markdown table, as the README holds it.
pub fn parameter_table() -> String {
    let mut table = String::from(
        "| flag | symbol | default | range | a change | what it does |\n|---|---|---|---|---|---|\n",
    );
    for spec in daedal::SPECS {
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
