//! The terminal, as the debugger would find it.

use std::{collections::BTreeMap, io::IsTerminal};

use super::{CheckLine, modes};
use crate::{
    cli::{ColorChoice, Config, LookOptions},
    tui::Palette,
};

/// Columns and rows from which on nothing has to be left out.
const COMFORTABLE: (u16, u16) = (80, 24);

/// Every check of the terminal, in the order in which they are printed.
pub fn checks(config: &Config) -> Vec<CheckLine> {
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
    let mut checks = vec![CheckLine::ok("terminal", "size", says).or_missing(large, advice)];
    for name in ["TERM", "COLORTERM", "NO_COLOR"] {
        let value = std::env::var(name).ok();
        checks.push(CheckLine::ok("terminal", name, value.unwrap_or_else(|| "not set".to_owned())));
    }
    checks.push(colours(config, terminal, variable));
    checks.push(characters(variable));
    checks.push(italics(variable));
    let modes = if terminal { modes::ask() } else { None };
    checks.push(synchronised(terminal, modes.as_ref()));
    checks.push(mouse(terminal, modes.as_ref(), variable));
    checks
}

/// What is said of a mode that the terminal does not speak of.
const NOT_SAID: &str = "the terminal does not say";

/// A check of something that the terminal was asked about.
fn asked(name: &str, terminal: bool, known: Option<bool>, there: &str, lacking: &str) -> CheckLine {
    let check = |says: &str| CheckLine::ok("terminal", name, says);
    match known {
        _ if !terminal => check("no terminal to ask"),
        None => check(NOT_SAID),
        Some(true) => check(there),
        Some(false) => check("not there").or_missing(false, lacking),
    }
}

/// Whether frames are shown whole.
fn synchronised(terminal: bool, modes: Option<&BTreeMap<u16, bool>>) -> CheckLine {
    asked(
        "whole frames",
        terminal,
        modes.and_then(|modes| modes.get(&modes::SYNCHRONISED).copied()),
        "frames are shown whole (synchronized output)",
        "A frame may be seen half drawn. kitty, WezTerm, foot, iTerm2, Windows Terminal and newer \
         xterm and tmux show frames whole (synchronized output)",
    )
}

/// Whether clicks come through.
fn mouse(
    terminal: bool,
    modes: Option<&BTreeMap<u16, bool>>,
    variable: impl Fn(&str) -> Option<String>,
) -> CheckLine {
    let known = modes.and_then(|modes| modes.get(&modes::MOUSE).copied());
    let lacking = "Keys do all that clicks do";
    let there = "clicks and the wheel come through; with Shift held they stay the terminal's";
    let check = asked("mouse", terminal, known, there, lacking);
    match variable("TMUX") {
        Some(_) if terminal => CheckLine::ok("terminal", "mouse", "it is up to tmux")
            .or_missing(false, "Clicks come through with `set -g mouse on` in ~/.tmux.conf"),
        _ => check,
    }
}

/// Whether drafts can be slanted: they are told from what is written by that, too.
fn italics(variable: impl Fn(&str) -> Option<String>) -> CheckLine {
    let term = variable("TERM").unwrap_or_default();
    let lacks = ["screen", "linux", "vt1", "vt2", "dumb", "ansi"];
    let slants = !lacks.iter().any(|name| term.starts_with(name));
    let says = match (slants, term.as_str()) {
        (_, "") => "TERM is not set".to_owned(),
        (true, term) => format!("{term} should have them"),
        (false, term) => format!("{term} has none, or shows them inverse"),
    };
    let advice = match variable("TMUX") {
        Some(_) => {
            "Drafts are slanted. `set -g default-terminal tmux-256color` in ~/.tmux.conf has italics"
        }
        None => "Drafts are slanted, and told from what is written by colour alone here",
    };
    CheckLine::ok("terminal", "italics", says).or_missing(slants, advice)
}

/// How many colours the debugger would use, and why.
fn colours(
    config: &Config,
    terminal: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> CheckLine {
    let look = LookOptions::default();
    let depth = match look.look(config).palette {
        Palette::Mono => "none",
        Palette::Ansi16 => "16",
        Palette::Ansi256 => "256",
        Palette::TrueColor => "16 million",
    };
    let why = if look.color(config) == ColorChoice::Auto {
        reason(terminal, &variable)
    } else {
        CONFIGURED
    };
    let check = CheckLine::ok("terminal", "colours", format!("{depth}, because of {why}"));
    match depth {
        "none" => check.or_missing(
            false,
            "Bold, underlined and inverse stand in. --color 16, 256 or truecolor asks for colours",
        ),
        // Who asks for less has it.
        "16" | "256" if why != CONFIGURED => {
            let tmux = "In tmux: `set -as terminal-features \",*:RGB\"` in ~/.tmux.conf, and \
                        COLORTERM=truecolor";
            let other = "Shades of confidence are coarser. Where the terminal has 16 million, set \
                         COLORTERM=truecolor, or give --color truecolor";
            check.or_missing(false, if variable("TMUX").is_some() { tmux } else { other })
        }
        _ => check,
    }
}

/// Why there are so many colours, if somebody said so.
const CONFIGURED: &str = "the configuration";

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
fn characters(variable: impl Fn(&str) -> Option<String>) -> CheckLine {
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
    CheckLine::ok("terminal", "characters", says)
        .or_missing(unicode, "UTF-8 is drawn all the same. Set LANG=C.UTF-8, or give --ascii")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::CheckState;

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
            (&[][..], CheckState::Missing),
            (&[("LANG", "C")], CheckState::Missing),
            (&[("LANG", "de_DE.UTF-8")], CheckState::Ok),
            (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], CheckState::Ok),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")], CheckState::Missing),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(characters(variable).state, expected, "{set:?}");
        }
    }
}
