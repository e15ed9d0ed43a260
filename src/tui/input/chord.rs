//! Keys with their modifiers: from key events, as configurations write them (`ctrl-s`) and as
//! help prints them (`Ctrl-S`).

use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Shift is no modifier of its own: a shifted letter is the capital it
/// types, and Shift-Tab a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// The key of a character, alone.
pub(in crate::tui) const fn key(c: char) -> Chord {
    code(KeyCode::Char(c))
}

/// A character with Ctrl.
pub(in crate::tui) const fn ctrl(c: char) -> Chord {
    ctrl_code(KeyCode::Char(c))
}

/// Any key, without Ctrl and Alt.
pub(in crate::tui) const fn code(code: KeyCode) -> Chord {
    Chord { code, ctrl: false, alt: false }
}

/// Any key with Ctrl.
pub(in crate::tui) const fn ctrl_code(code: KeyCode) -> Chord {
    Chord { code, ctrl: true, alt: false }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChordError {
    /// No key is called so.
    #[error(
        "`{0}` is no key. Write one character, or space, enter, esc, tab, shift-tab, backspace, \
         delete, insert, left, right, up, down, home, end, pgup, pgdn or f1 to f12, with ctrl- or \
         alt- before it"
    )]
    Unknown(String),
    /// Shift with something it does not change.
    #[error("`{0}`: shift goes with a letter or tab only; for a sign write the sign itself")]
    Shift(String),
    /// Terminals send another key for it.
    #[error("`{0}`: terminals send `{1}` for it. Take another key")]
    Same(String, &'static str),
}

/// Keys with a name, first the one they are written with.
const NAMES: [(&str, KeyCode); 22] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("ins", KeyCode::Insert),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
    ("shift-tab", KeyCode::BackTab),
];

/// What terminals send for some keys with Ctrl.
const SAME: [(char, &str); 3] = [('i', "tab"), ('m', "enter"), ('[', "esc")];

impl Chord {
    /// The chord of a key event.
    pub fn of(event: &KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }

    /// The event of pressing it.
    #[cfg(test)]
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        modifiers.set(KeyModifiers::CONTROL, self.ctrl);
        modifiers.set(KeyModifiers::ALT, self.alt);
        KeyEvent::new(self.code, modifiers)
    }

    /// True if it types a character into a line.
    pub fn types(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.ctrl && !self.alt
    }

    /// As it is printed in help and hints.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::F(number) => format!("F{number}"),
            other => format!("{other:?}"),
        };
        format!("{}{name}", self.modifiers("Ctrl-", "Alt-"))
    }

    /// As a configuration writes it; [`FromStr`] reads it back.
    pub fn syntax(self) -> String {
        let named = NAMES.iter().find(|(_, code)| *code == self.code);
        let name = match (named, self.code) {
            (Some((name, _)), _) => (*name).to_owned(),
            (None, KeyCode::Char(c)) => c.to_string(),
            (None, KeyCode::F(number)) => format!("f{number}"),
            (None, other) => format!("{other:?}").to_ascii_lowercase(),
        };
        format!("{}{name}", self.modifiers("ctrl-", "alt-"))
    }

    fn modifiers(self, ctrl: &str, alt: &str) -> String {
        format!("{}{}", if self.ctrl { ctrl } else { "" }, if self.alt { alt } else { "" })
    }
}

/// `text` without the modifier before it, if there is one and something behind it.
fn strip<'a>(text: &'a str, modifier: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(modifier.len())?;
    (head.eq_ignore_ascii_case(modifier) && !rest.is_empty()).then_some(rest)
}

impl FromStr for Chord {
    type Err = ChordError;

    /// Reads `s`, `S`, `space`, `ctrl-s`, `alt-x`, `shift-tab`, `f5`. Names and modifiers in any
    /// case; a single character is taken as it is.
    fn from_str(text: &str) -> Result<Self, ChordError> {
        let (mut rest, mut ctrl, mut alt, mut shift) = (text, false, false, false);
        loop {
            let (flag, behind) = if let Some(behind) = strip(rest, "ctrl-") {
                (&mut ctrl, behind)
            } else if let Some(behind) = strip(rest, "alt-") {
                (&mut alt, behind)
            } else if let Some(behind) = strip(rest, "shift-") {
                (&mut shift, behind)
            } else {
                break;
            };
            *flag = true;
            rest = behind;
        }
        let unknown = || ChordError::Unknown(text.to_owned());
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => named(rest).ok_or_else(unknown)?,
        };
        let code = match code {
            KeyCode::Tab if shift => KeyCode::BackTab,
            KeyCode::Char(c) if shift && c.is_alphabetic() && !ctrl => {
                KeyCode::Char(c.to_uppercase().next().unwrap_or(c))
            }
            _ if shift => return Err(ChordError::Shift(text.to_owned())),
            // Terminals tell no Ctrl-S from Ctrl-Shift-S.
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        let same = SAME.iter().find(|(c, _)| ctrl && code == KeyCode::Char(*c));
        match same {
            Some((_, sent)) => Err(ChordError::Same(text.to_owned(), sent)),
            None => Ok(Self { code, ctrl, alt }),
        }
    }
}

fn named(name: &str) -> Option<KeyCode> {
    let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let function = || {
        let number = strip(name, "f")?.parse::<u8>().ok()?;
        (1..=12).contains(&number).then_some(KeyCode::F(number))
    };
    found.map(|(_, code)| *code).or_else(function)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::Keymap;

    fn check(text: &str, syntax: Option<&str>, name: &str) {
        let chord = text.parse::<Chord>();
        assert_eq!(chord.clone().ok().map(Chord::syntax).as_deref(), syntax, "{text:?}: {chord:?}");
        assert_eq!(chord.map(Chord::name).unwrap_or_default(), name, "{text:?}");
    }

    #[test]
    fn keys_are_read() {
        check("s", Some("s"), "s");
        check("S", Some("S"), "S");
        check("shift-s", Some("S"), "S");
        check("space", Some("space"), "Space");
        check(" ", Some("space"), "Space");
        check("ctrl-s", Some("ctrl-s"), "Ctrl-S");
        check("Ctrl-S", Some("ctrl-s"), "Ctrl-S");
        check("Enter", Some("enter"), "Enter");
        check("return", Some("enter"), "Enter");
        check("esc", Some("esc"), "Esc");
        check("shift-tab", Some("shift-tab"), "Shift-Tab");
        check("left", Some("left"), "←");
        check("pgup", Some("pgup"), "PgUp");
        check("f5", Some("f5"), "F5");
        check("F12", Some("f12"), "F12");
        check("alt-x", Some("alt-x"), "Alt-x");
        check("alt-X", Some("alt-X"), "Alt-X");
        check("alt-ctrl-x", Some("ctrl-alt-x"), "Ctrl-Alt-X");
        check("ctrl-home", Some("ctrl-home"), "Ctrl-Home");
        check("-", Some("-"), "-");
        check("ctrl--", Some("ctrl--"), "Ctrl--");
        check("é", Some("é"), "é");
        for bad in ["", "f", "f0", "f13", "ctrl-", "ss", "spce", "\n", "shift-left", "shift-+"] {
            if bad == "f" {
                check(bad, Some("f"), "f");
            } else {
                check(bad, None, "");
            }
        }
        for bad in ["ctrl-i", "ctrl-M", "ctrl-[", "ctrl-shift-s"] {
            check(bad, None, "");
        }
    }

    #[test]
    fn the_defaults_read_back() {
        for (_, keys) in Keymap::default().rows() {
            for key in keys {
                assert_eq!(key.syntax().parse(), Ok(*key));
            }
        }
    }

    #[test]
    fn alt_is_another_key() {
        let event = |modifiers| KeyEvent::new(KeyCode::Char('x'), modifiers);
        assert_eq!(Chord::of(&event(KeyModifiers::ALT)), "alt-x".parse().unwrap());
        assert_ne!(Chord::of(&event(KeyModifiers::NONE)), "alt-x".parse().unwrap());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "(ctrl-|alt-|shift-){0,2}(\\PC|[a-z]{2,9}|f[0-9]{1,2})") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.syntax().parse(), Ok(chord));
            }
        }
    }
}
