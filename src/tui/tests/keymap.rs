//! The key table says everything once.

use std::collections::HashSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::fake::{self, app_of, press, start};
use crate::tui::{
    App, Look,
    app::{Action, Keymap, keymap::KeymapError},
    frame::{self, hints},
    input::chord::Chord,
};

#[test]
fn no_key_does_two_things_and_no_action_is_twice_in_the_table() {
    let (mut keys, mut actions) = (HashSet::new(), Vec::new());
    for (row, chords) in Keymap::default().rows() {
        assert!(row.action.is_none() || !actions.contains(&row.action), "{} twice", row.name);
        actions.push(row.action);
        for key in chords {
            assert!(keys.insert(*key), "{} twice", key.name());
        }
    }
}

#[test]
fn every_action_is_explained() {
    let keymap = Keymap::default();
    let table = keymap.markdown();
    for (row, keys) in keymap.rows() {
        assert!(!keys.is_empty(), "{} has no key", row.name);
        assert!(!row.help.is_empty(), "{} has no help", row.name);
        assert!(!row.help.ends_with('.'), "{}", row.help);
        let line = format!("| {} |\n", row.help);
        assert!(table.contains(&line), "{} is not in the README's table", row.name);
    }
}

#[test]
fn the_conventions_hold() {
    let keymap = Keymap::default();
    let of = |name: &str| {
        let row = keymap.rows().find(|(_, keys)| keys.iter().any(|key| key.name() == name));
        row.map(|(row, _)| row.help).unwrap_or_default()
    };
    assert!(of("s").contains("step"));
    assert!(of("Backspace").contains("back"));
    assert!(of("q").contains("quit"));
    assert!(of("?").contains("help"));
    for (key, word) in [
        ("n", "next match"),
        ("N", "match before"),
        ("b", "breakpoint"),
        ("/", "search"),
        (":", "command"),
        ("u", "undo"),
    ] {
        assert!(of(key).contains(word), "{key}");
    }
}

#[test]
fn hints_name_the_keys_one_needs_first() {
    let mut app = fake::app(Look::default(), 3, 200, 60);
    let hints = |app: &App| -> Vec<(String, &'static str)> {
        hints::of(app).into_iter().map(|hint| (hint.keys(), hint.word)).collect()
    };
    let canvas = hints(&app);
    assert_eq!(canvas[0], ("s".to_owned(), "step"));
    assert_eq!(canvas.last(), Some(&("q".to_owned(), "quit")));
    for hint in [("[ ]", "events"), ("← →", "position"), ("- +", "value"), ("e", "edit")] {
        assert!(canvas.contains(&(hint.0.to_owned(), hint.1)), "{hint:?}");
    }
    // Where the keys go to the parameters, they do something else.
    fake::press(&mut app, "3");
    let params = hints(&app);
    for hint in [("↑ ↓", "choose"), ("- +", "change"), ("Enter", "type"), ("x", "reset")] {
        assert!(params.contains(&(hint.0.to_owned(), hint.1)), "{hint:?}");
    }
    // A click does what the key under it does, and on the word what the first one does.
    let line = ratatui::layout::Rect::new(0, 59, 200, 1);
    let text = hints::of(&app)
        .iter()
        .fold(String::from(" "), |text, hint| text + &hint.keys() + " " + hint.word + "  ");
    let at = |part: &str| {
        let start = text.find(part).unwrap();
        text[..start].chars().count() as u16
    };
    let turn = at("- + change");
    for (x, action) in [(turn, Action::Less), (turn + 2, Action::More), (turn + 5, Action::Less)] {
        assert_eq!(hints::hit(app.theme, &hints::of(&app), line, x), Some(action), "{x} in {text}");
    }
    for gone in ["position", "value", "edit"] {
        assert!(params.iter().all(|(_, word)| *word != gone), "{gone}");
    }
}

/// A keymap with these keys, each written as in a configuration.
fn keymap(changes: &[(&str, &[&str])]) -> Result<Keymap, KeymapError> {
    Keymap::default().with(changes.iter().map(|(name, keys)| {
        (*name, keys.iter().map(|key| key.parse::<Chord>().unwrap()).collect())
    }))
}

#[test]
fn every_row_has_a_name_of_its_own() {
    let keymap = Keymap::default();
    let mut names = HashSet::new();
    for (row, _) in keymap.rows() {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(row.name.chars().all(kebab) && !row.name.starts_with('-'), "{}", row.name);
        assert_eq!(keymap.named(row.name).map(|row| row.help), Some(row.help));
        assert!(names.insert(row.name));
    }
    for (action, name) in [
        (Action::Step, "step"),
        (Action::RunPause, "run-pause"),
        (Action::BackStage, "back-stage"),
        (Action::Pane(2), "pane-2"),
    ] {
        assert_eq!(keymap.of(action).map(|row| row.name), Some(name));
    }
    assert!(keymap.named("no-such").is_none());
}

#[test]
fn keys_are_changed_one_action_at_a_time() {
    let changed = keymap(&[("step", &["f5", "Y", "Y"]), ("forward", &["s"]), ("save", &[])]);
    let changed = changed.unwrap();
    let of = |text: &str| {
        let action = changed.rows().find(|(_, keys)| keys.contains(&text.parse().unwrap()));
        action.map(|(row, _)| row.name)
    };
    for (key, action) in [
        ("f5", Some("step")),
        ("Y", Some("step")),
        ("s", Some("forward")),
        ("f", None),
        ("ctrl-s", None),
        ("q", Some("quit")),
    ] {
        assert_eq!(of(key), action, "{key}");
    }
    assert_eq!(changed.first(Action::Step), "F5");
    assert_eq!(changed.keys(Action::Step).len(), 2, "a key twice is a key once");
    let hint = hints::Hint::new(&changed, &[Action::Step], "step");
    assert_eq!(hint.map(|hint| hint.keys()), Some("F5".to_owned()));
}

#[test]
fn what_cannot_be_is_refused() {
    let clash = keymap(&[("save", &["s"])]).unwrap_err();
    let text = clash.to_string();
    assert!(text.contains("`s`") && text.contains("`step`") && text.contains("`save`"), "{text}");
    for needed in ["quit", "help", "interrupt"] {
        assert_eq!(keymap(&[(needed, &[])]), Err(KeymapError::Needed(needed)));
    }
}

#[test]
fn hints_and_help_show_the_keys_in_use() {
    let mut start = start(Look::default());
    start.keymap = keymap(&[("step", &["f5"]), ("quit", &["alt-q"]), ("zoom", &[])]).unwrap();
    let mut app = app_of(start, 0, 100, 30);
    let text = |app: &crate::tui::App| super::fake::glyphs(&frame::picture(app, 100, 30));
    let last = text(&app).lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("F5 step") && last.contains("Alt-q quit"), "{last}");
    assert!(!last.contains("zoom"), "{last}");
    press(&mut app, "?");
    assert!(text(&app).contains("F5 "), "{}", text(&app));
}

#[test]
fn in_a_line_editor_characters_type() {
    let keymap = keymap(&[("redraw", &["~"]), ("enter", &["Y"]), ("escape", &["Z"])]).unwrap();
    let event = |code| KeyEvent::new(code, KeyModifiers::NONE);
    for (code, normal, typing) in [
        (KeyCode::Char('~'), Some(Action::Redraw), None),
        (KeyCode::Char('Y'), Some(Action::Enter), None),
        (KeyCode::Char('Z'), Some(Action::Escape), None),
        (KeyCode::Enter, None, Some(Action::Enter)),
        (KeyCode::Esc, None, Some(Action::Escape)),
    ] {
        let pressed = keymap.pressed(&event(code)).and_then(|row| row.action);
        assert_eq!(pressed, normal, "{code:?}");
        assert_eq!(keymap.typing(&event(code)), typing, "{code:?}");
    }
}
