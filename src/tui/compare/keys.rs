//! What the debugger's keys do on the screen of a comparison, as data: the hints at the bottom
//! and the help box come from it.

use super::super::keymap::{Action, Keymap};

/// An action with its word for the hints and its line of help. Neighbours whose word is empty
/// share the one before.
pub const KEYS: &[(Action, Option<&str>, &str)] = &[
    (Action::Step, Some("step"), "make a step in every lane"),
    (Action::Back, Some("back"), "go one step back in every lane"),
    (Action::RunPause, Some("run/pause"), "run at the chosen speed, or pause"),
    (Action::RunToEnd, None, "run to the end of every lane, or pause"),
    (Action::Slower, None, "run slower"),
    (Action::Faster, None, "run faster"),
    (Action::FirstStep, None, "go to the start"),
    (Action::LastStep, None, "go to the last known step"),
    (Action::NextPane, Some("lane"), "go to the next lane"),
    (Action::PreviousPane, None, "go to the lane before"),
    (Action::NextTouched, Some("differences"), "go to the next token that differs from lane 1"),
    (Action::PreviousTouched, Some(""), "go to the one before"),
    (Action::Enter, Some("open"), "open this lane in the debugger; there, q comes back"),
    (Action::Left, None, "move the cursor of this lane left"),
    (Action::Right, None, "move it right"),
    (Action::Follow, None, "let the cursors follow what happens again"),
    (Action::Ghost, None, "show masks as the draft the model has in mind, or as bars"),
    (Action::Redraw, None, "draw the screen anew"),
    (Action::Escape, None, "stop a run; cancel a forward pass"),
    (Action::Interrupt, None, "the same; twice: quit"),
    (Action::Help, Some("help"), "show or close this help"),
    (Action::Quit, Some("quit"), "quit"),
];

/// The hints, most needed first: keys and a word; what has no key is left out.
pub fn hints(keymap: &Keymap) -> Vec<(String, &'static str)> {
    let mut hints: Vec<(String, &'static str)> = Vec::new();
    for (action, word, _) in KEYS {
        let Some(word) = word else { continue };
        let key = keymap.first(*action);
        match hints.last_mut() {
            Some((keys, _)) if word.is_empty() && !key.is_empty() => {
                keys.push(' ');
                keys.push_str(&key);
            }
            _ if word.is_empty() => {}
            _ => hints.push((key, word)),
        }
    }
    hints.retain(|(keys, _)| !keys.trim().is_empty());
    hints
}
