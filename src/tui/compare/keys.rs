//! What the debugger's keys do on the screen of a comparison, as data: the hints at the bottom
//! and the help box come from it.

use super::{
    super::{
        app::{Action, Keymap, keymap::names},
        frame::hints::{Hint, SELECTING},
    },
    ScreenBelow,
};

/// Actions with a word for the hints and a line of help.
pub const KEYS: &[(&[Action], Option<&str>, &str)] = &[
    (&[Action::Step], Some("step"), "make a step in every run"),
    (&[Action::Back], Some("back"), "go one step back in every run"),
    (
        &[Action::NextEvent, Action::PreviousEvent],
        Some("parting"),
        "go to the step in which this run parts from run 1",
    ),
    (
        &[Action::NextTouched, Action::PreviousTouched],
        Some("differences"),
        "go to the next difference from run 1, or back",
    ),
    (&[Action::RunPause], Some("run/pause"), "run at the chosen speed, or pause"),
    (&[Action::RunToEnd], None, "run all to their ends, or pause"),
    (&[Action::Slower, Action::Faster], None, "run slower, or faster"),
    (&[Action::BackStage, Action::RunStage], None, "recorded: a tenth of the run back, or on"),
    (&[Action::FirstStep], None, "go to the start"),
    (&[Action::LastStep], None, "go to the last known step"),
    (&[Action::NextPane], Some("run"), "go to the next run"),
    (&[Action::PreviousPane], None, "go to the run before"),
    (&[Action::Enter], Some("open"), "open this run as a debugger; over one, go there"),
    (&[Action::Left, Action::Right], None, "move the cursor of this run"),
    (&[Action::Follow], None, "let the cursors follow what happens again"),
    (&[Action::Ghost], None, "show masks as the model's draft, or as bars"),
    (&[Action::SelectText], None, "switch text selection with the mouse on or off"),
    (&[Action::Redraw], None, "draw the screen anew"),
    (&[Action::Escape], None, "stop a run or a pass, or go back to the previous screen"),
    (&[Action::Interrupt], None, "the same; twice: quit"),
    (&[Action::Help], Some("help"), "show or close this help"),
    (&[Action::Quit], Some("quit"), "quit; over the debugger or a folder, go back to it"),
];

/// The hints, most needed first, on a comparison that lies over `below`.
pub fn hints(keymap: &Keymap, below: ScreenBelow, selecting: bool) -> Vec<Hint> {
    let first = selecting.then(|| Hint::new(keymap, SELECTING.0, SELECTING.1)).flatten();
    let hints = KEYS.iter().filter_map(|(actions, word, _)| {
        let word = match actions {
            [Action::Quit] if below != ScreenBelow::Nothing => Some("leave"),
            [Action::Enter] if below == ScreenBelow::Debugger => Some("go there"),
            _ => *word,
        };
        Hint::new(keymap, actions, word?)
    });
    first.into_iter().chain(hints).collect()
}

/// The rows of the help box: every key of the actions, and what they do.
pub fn rows(keymap: &Keymap) -> Vec<(String, &'static str)> {
    let rows = KEYS.iter().map(|(actions, _, help)| {
        let keys = actions.iter().map(|action| names(keymap.keys(*action)));
        (keys.filter(|keys| !keys.is_empty()).collect::<Vec<_>>().join(" "), *help)
    });
    rows.filter(|(keys, _)| !keys.is_empty()).collect()
}
