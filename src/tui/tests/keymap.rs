//! The key table says everything once.

use std::collections::HashSet;

use crate::tui::keymap::{Group, TABLE, hints, markdown};

#[test]
fn no_key_does_two_things_and_no_action_is_twice_in_the_table() {
    let mut keys = HashSet::new();
    let mut actions = HashSet::new();
    for binding in TABLE {
        assert!(actions.insert(binding.action), "{:?} twice", binding.action);
        for key in binding.keys {
            assert!(keys.insert(*key), "{} twice", key.name());
        }
    }
}

#[test]
fn every_action_is_explained() {
    for binding in TABLE {
        assert!(!binding.keys.is_empty(), "{:?} has no key", binding.action);
        assert!(!binding.help.is_empty(), "{:?} has no help", binding.action);
        assert!(!binding.help.ends_with('.'), "{}", binding.help);
        assert!(Group::ALL.contains(&binding.group));
        let row = format!("| {} |\n", binding.help);
        assert!(markdown().contains(&row), "{} is not in the README's table", binding.help);
    }
}

#[test]
fn the_conventions_hold() {
    let of = |name: &str| {
        let binding =
            TABLE.iter().find(|binding| binding.keys.iter().any(|key| key.name() == name));
        binding.map(|binding| binding.help).unwrap_or_default()
    };
    assert!(of("s").contains("step"));
    assert!(of("Backspace").contains("back"));
    assert!(of("q").contains("quit"));
    assert!(of("?").contains("help"));
    // Left free for what is to come: match, breakpoint, search, command.
    for key in ["n", "N", "b", "/", ":"] {
        assert_eq!(of(key), "", "{key}");
    }
}

#[test]
fn hints_name_the_keys_one_needs_first() {
    let hints = hints();
    assert_eq!(hints[0], ("s".to_owned(), "step"));
    assert_eq!(hints.last().map(|(_, word)| *word), Some("quit"));
    assert!(hints.iter().any(|(keys, word)| keys == "[ ]" && *word == "events"));
    assert!(hints.iter().any(|(keys, word)| keys == "← →" && *word == "position"));
}
