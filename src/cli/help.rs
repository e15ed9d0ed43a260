//! Help, and how much of it: `-h` is one screen, `--help` is everything, with the parameters under
//! their strategies, and `--strategy NAME --help` has those of one.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::{Cli, params};
use crate::decode::{self, AnyStrategy};

/// Reads the command line; `words` begins with the program's name.
///
/// # Errors
/// Help and the version come this way too.
pub(super) fn parse(words: Vec<OsString>) -> Result<Cli, clap::Error> {
    let asked = HelpAsked::of(words);
    let mut command = command(&asked);
    let matches = command.try_get_matches_from_mut(asked.words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// What help is asked for, if any is.
struct HelpAsked {
    /// All of it, not one screen.
    whole: bool,
    /// The strategy that help is asked on.
    strategy: Option<&'static dyn AnyStrategy>,
    /// The words to be parsed.
    words: Vec<OsString>,
}

impl HelpAsked {
    fn of(mut words: Vec<OsString>) -> Self {
        let called = words.get(1).is_some_and(|word| word == "help");
        if called {
            words.remove(1);
            words.push("--help".into());
        }
        behind_the_name(&mut words);
        let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
        let flags: Vec<&str> = words[..end].iter().filter_map(|word| word.to_str()).collect();
        let beside = flags.windows(2).filter(|pair| pair[0] == "--strategy").map(|pair| pair[1]);
        let joined = flags.iter().filter_map(|word| word.strip_prefix("--strategy="));
        let strategy = beside.chain(joined).find_map(decode::strategy);
        let whole = flags.contains(&"--help");
        // All of it is laid out as the one screen is: an option, and its help beside it.
        for word in words.iter_mut().take(end).filter(|word| *word == "--help") {
            *word = "-h".into();
        }
        Self { whole, strategy, words }
    }
}

/// Moves the options that every command takes from before the command's name to behind it. Before
/// it, they would make the name a prompt.
fn behind_the_name(words: &mut [OsString]) {
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()) {
        at += match word {
            "--no-config" => 1,
            "--config" => 2,
            word if word.starts_with("--config=") => 1,
            _ => break,
        };
    }
    let name = words.get(at).and_then(|word| word.to_str());
    if name.is_some_and(|name| Cli::command().find_subcommand(name).is_some()) {
        words[1..=at].rotate_right(1);
    }
}

/// The command's definition, with what is asked for to be seen.
fn command(asked: &HelpAsked) -> Command {
    let of = asked.strategy.map(|strategy| strategy.name());
    let arranged = |argument: Arg| {
        let name = argument.get_id().to_string();
        let argument = match (params::is_parameter(&name), of) {
            (true, Some(of)) => params::of_strategy(argument, &name, of),
            _ => argument,
        };
        match (asked.whole, name.as_str()) {
            (true, _) => argument.hide_short_help(false),
            // The short help does not grow with each strategy; the line under it says where they are.
            (false, "strategy") => argument.hide_possible_values(true),
            (false, _) => argument,
        }
    };
    let mut command = Cli::command().mut_args(arranged);
    // Only `--help` lists the options that every command takes.
    let everywhere =
        command.get_arguments().any(|one| one.is_global_set() && one.is_hide_short_help_set());
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |one| {
            let one = one.mut_args(arranged);
            let own = one.get_arguments().any(|argument| argument.is_hide_short_help_set());
            let hidden = own || everywhere;
            let parameters = one.get_arguments().any(|argument| argument.get_id() == "strategy");
            match (hidden, parameters && of.is_none()) {
                (true, true) => one.after_help(MORE_OF_STRATEGIES),
                (true, false) => one.after_help(MORE),
                (false, true) => one.after_help(ONE),
                (false, false) => one,
            }
        });
    }
    match (asked.whole, of) {
        (false, None) => command.after_help(MORE_OF_STRATEGIES),
        (false, Some(_)) => command.after_help(MORE),
        (true, None) => command.after_help(ONE),
        (true, Some(_)) => command,
    }
}

const MORE: &str = "--help lists every option.";
const ONE: &str = "--strategy NAME --help lists the parameters of one strategy only.";
const MORE_OF_STRATEGIES: &str = "--help lists every option, every strategy and its parameters; \
                                  --strategy NAME --help those of one.";

/// `a, b and c`, for `last` "and".
pub(super) fn listed(words: &[String], last: &str) -> String {
    match words {
        [before @ .., end] if !before.is_empty() => format!("{} {last} {end}", before.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed for these words.
    fn help_for(words: &[&str]) -> String {
        let words = std::iter::once("demask").chain(words.iter().copied()).map(OsString::from);
        match parse(words.collect()) {
            Err(help_for) => help_for.to_string(),
            Ok(_) => panic!("no help was asked for"),
        }
    }

    fn commands() -> Vec<String> {
        let command = Cli::command();
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect()
    }

    #[test]
    fn the_short_help_is_one_screen() {
        let mut all = vec![help_for(&["-h"])];
        all.extend(commands().iter().map(|name| help_for(&[name, "-h"])));
        for help in all {
            let lines = help.lines().count();
            assert!(lines <= 45, "{lines} lines: mark what few need with hide_short_help\n{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        }
    }

    #[test]
    fn every_command_takes_the_same_options_on_the_configuration() {
        for (command, words) in [
            ("tui", &["tui"][..]),
            ("attach", &["attach", "1"]),
            ("run", &["run", "hi"]),
            ("compare", &["compare", "hi", "--strategies", "daedal,threshold"]),
            ("diff", &["diff", "a", "b"]),
            ("replay", &["replay", "a"]),
            ("export", &["export", "a", "b.html"]),
            ("verify", &["verify", "a"]),
            ("import", &["import", "a", "b"]),
            ("eval", &["eval", "--out", "a", "--quick"]),
            ("bench", &["bench"]),
            ("doctor", &["doctor"]),
            ("info", &["info"]),
            ("lint", &["lint", "a"]),
            ("query", &["query", "fills", "a"]),
            ("schema", &["schema", "protocol"]),
            ("config", &["config"]),
            ("completions", &["completions", "bash"]),
            ("man", &["man"]),
        ] {
            assert!(commands().contains(&command.to_owned()), "{command}");
            for options in [&["--no-config"][..], &["--config", "f"]] {
                for words in [[options, words].concat(), [words, options].concat()] {
                    let line = ["demask"].into_iter().chain(words.iter().copied());
                    let read = parse(line.map(OsString::from).collect());
                    let read = read.unwrap_or_else(|error| panic!("{words:?}: {error}"));
                    let given = (read.config.no_config, read.config.config.is_some());
                    assert_eq!(given, (options.len() == 1, options.len() == 2), "{words:?}");
                }
            }
        }
        let all = commands().len();
        assert_eq!(all, 19, "a command is missing in the table above");
    }

    #[test]
    fn the_whole_help_has_every_parameter_under_its_strategy() {
        let help = help_for(&["run", "--help"]);
        for strategy in decode::STRATEGIES {
            for spec in strategy.params() {
                let flag = format!("--{}", spec.flag());
                let shown = help.lines().any(|line| {
                    line.split_whitespace()
                        .any(|word| word == flag || word.starts_with(&format!("{flag}[")))
                });
                assert!(shown, "no {flag} in\n{help}");
            }
        }
        let all = || decode::STRATEGIES.iter().flat_map(|strategy| strategy.params());
        let only = |name| all().filter(|spec| spec.is_called(name)).count() == 1;
        let own = decode::STRATEGIES
            .iter()
            .filter(|strategy| strategy.params().iter().any(|spec| only(spec.name)));
        for strategy in own {
            let heading = format!("Parameters of {}:", strategy.name());
            assert!(help.contains(&heading), "no {heading} in\n{help}");
        }
        assert_eq!(help_for(&["help", "run"]), help);
    }

    #[test]
    fn the_help_on_a_strategy_has_its_parameters_and_no_other() {
        for strategy in decode::STRATEGIES {
            for words in [
                vec!["run", "--strategy", strategy.name(), "--help"],
                vec!["run", "--help", &format!("--strategy={}", strategy.name())],
            ] {
                let help = help_for(&words);
                let (_, listed) = help.split_once("Parameters of").unwrap();
                let (_, listed) = listed.split_once('\n').unwrap();
                let listed: Vec<&str> = listed
                    .lines()
                    .take_while(|line| !line.is_empty())
                    .filter_map(|line| line.strip_prefix("      --"))
                    .map(|line| line.split([' ', '[']).next().unwrap())
                    .collect();
                let own: Vec<String> = strategy.params().iter().map(|spec| spec.flag()).collect();
                assert_eq!(listed, own, "{help}");
            }
        }
    }
}
