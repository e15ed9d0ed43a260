//! The terminal, as the debugger would find it.

use std::io::IsTerminal;

use super::Check;
use crate::{
    cli::{ColorChoice, Config, LookOptions},
    tui::Palette,
};

/// Columns and rows from which on nothing has to be left out.
const COMFORTABLE: (u16, u16) = (80, 24);

/// Everything about it.
pub fn checks(config: &Config) -> Vec<Check> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let size = crossterm::terminal::size().ok().filter(|_| terminal);
    let (says, advice) = match size {
        None => {
            ("none on stdin and stdout".to_owned(), "The debugger needs one; `demask run` does not")
        }
        Some((width, height)) => {
            (format!("{width}×{height}"), "The debugger has more to show on 80×24 or larger")
        }
    };
    let large =
        size.is_some_and(|(width, height)| width >= COMFORTABLE.0 && height >= COMFORTABLE.1);
    let mut checks = vec![Check::ok("terminal", "size", says).or_missing(large, advice)];
    for name in ["TERM", "COLORTERM", "NO_COLOR"] {
        let value = std::env::var(name).ok();
        checks.push(Check::ok("terminal", name, value.unwrap_or_else(|| "not set".to_owned())));
    }
    checks.push(colours(config, terminal, variable));
    checks.push(characters(variable));
    checks
}

/// How many colours the debugger would use, and why.
fn colours(config: &Config, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Check {
    let look = LookOptions::default();
    let depth = match look.look(config).palette {
        Palette::Mono => "none",
        Palette::Ansi16 => "16",
        Palette::Ansi256 => "256",
        Palette::TrueColor => "16 million",
    };
    let why = if look.color(config) == ColorChoice::Auto {
        reason(terminal, variable)
    } else {
        "the configuration"
    };
    Check::ok("terminal", "colours", format!("{depth}, because of {why}")).or_missing(
        depth != "none",
        "Bold and reverse stand in. --color 16, 256 or truecolor asks for them",
    )
}

/// What decides on the colours where nobody has said: the first of these that has a say.
fn reason(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> &'static str {
    let set = |name: &'static str| variable(name).map(|_| name);
    let forced = set("FORCE_COLOR").or_else(|| set("CLICOLOR_FORCE"));
    if let Some(name) = forced.or_else(|| set("NO_COLOR")) {
        name
    } else if !terminal {
        "stdout, which is no terminal"
    } else {
        set("COLORTERM").unwrap_or("TERM")
    }
}

/// Whether the locale has more than ASCII.
fn characters(variable: impl Fn(&str) -> Option<String>) -> Check {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let found = names.iter().find_map(|name| Some((name, variable(name)?)));
    let (says, unicode) = match found {
        None => ("no locale is set".to_owned(), false),
        Some((name, value)) => {
            let plain = value.to_lowercase().replace('-', "");
            (format!("{name}={value}"), plain.contains("utf8"))
        }
    };
    // Other systems draw UTF-8 without being told.
    let unicode = unicode || !cfg!(all(unix, not(target_os = "macos")));
    Check::ok("terminal", "characters", says)
        .or_missing(unicode, "UTF-8 is drawn all the same. Set LANG=C.UTF-8, or give --ascii")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn what_decides_on_colours_is_named() {
        for (set, terminal, expected) in [
            (&[][..], false, "stdout, which is no terminal"),
            (&[], true, "TERM"),
            (&["COLORTERM"], true, "COLORTERM"),
            (&["COLORTERM", "NO_COLOR"], true, "NO_COLOR"),
            (&["NO_COLOR", "FORCE_COLOR"], false, "FORCE_COLOR"),
        ] {
            let variable = |name: &str| set.contains(&name).then(|| "1".to_owned());
            assert_eq!(reason(terminal, variable), expected, "{set:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_locale_is_read_as_c_libraries_read_it() {
        for (set, expected) in [
            (&[][..], State::Missing),
            (&[("LANG", "C")], State::Missing),
            (&[("LANG", "de_DE.UTF-8")], State::Ok),
            (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], State::Ok),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")], State::Missing),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(characters(variable).state, expected, "{set:?}");
        }
    }
}
