//! What the debugger's keys do in the list of a folder, as data: the hints at the bottom and the help box
//! come from it.

use super::super::{
    app::{Action, Keymap, keymap::names},
    frame::hints::{Hint, SELECTING},
};

/// Actions with a word for the hints and a line of help.
pub const KEYS: &[(&[Action], Option<&str>, &str)] = &[
    (&[Action::Enter], Some("open"), "open the selected run in the debugger"),
    (&[Action::RunPause], Some("mark"), "mark the selected run, or unmark it"),
    (
        &[Action::Exact],
        Some("compare"),
        "show the marked runs side by side, stepped together; one marked run beside the selected one",
    ),
    (
        &[Action::Left, Action::Right],
        Some("sort"),
        "sort by the column before, or by the next one; columns without room count too",
    ),
    (&[Action::Less, Action::More], None, "the smallest first, or the largest first"),
    (&[Action::Search], Some("name"), "show the files whose name holds a text"),
    (
        &[Action::Command],
        Some("filter"),
        "show the runs at whose end a condition holds (length > 64), or in which a query finds something \
         (fills where p < 0.3)",
    ),
    (&[Action::Up, Action::Down], None, "select the run above, or below"),
    (&[Action::PreviousBlock, Action::NextBlock], None, "a page up, or down"),
    (&[Action::First, Action::Last], None, "select the first run, or the last"),
    (&[Action::Escape], None, "stop opening; take away the filters; unmark all"),
    (&[Action::SelectText], None, "switch text selection with the mouse on or off"),
    (&[Action::Redraw], None, "draw the screen anew"),
    (&[Action::Suspend], None, "go to the shell; `fg` comes back"),
    (&[Action::Help], Some("help"), "show or close this help"),
    (&[Action::Quit], Some("quit"), "quit; from a run, go back to this list, as Esc does"),
    (&[Action::Interrupt], None, "pressed twice: quit, also from a run"),
];

/// The hints, most needed first.
pub fn hints(keymap: &Keymap, selecting: bool) -> Vec<Hint> {
    let first = selecting.then(|| Hint::new(keymap, SELECTING.0, SELECTING.1)).flatten();
    let last = |word: Option<&str>| matches!(word, Some("help" | "quit"));
    let (ends, firsts): (Vec<_>, Vec<_>) = KEYS.iter().partition(|(_, word, _)| last(*word));
    let all = firsts.into_iter().chain(ends);
    let all = all.filter_map(|&(actions, word, _)| Hint::new(keymap, actions, word?));
    first.into_iter().chain(all).collect()
}

/// The rows of the help box: every key of the actions, and what they do.
pub fn rows(keymap: &Keymap) -> Vec<(String, &'static str)> {
    let rows = KEYS.iter().map(|(actions, _, help)| {
        let keys = actions.iter().map(|action| names(keymap.keys(*action)));
        (keys.filter(|keys| !keys.is_empty()).collect::<Vec<_>>().join(" "), *help)
    });
    rows.filter(|(keys, _)| !keys.is_empty()).collect()
}
