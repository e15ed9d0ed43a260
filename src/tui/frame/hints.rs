//! The line of hints at the bottom: the keys one needs first, where the keys go now.

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App, Keymap, pane::KeyHint},
    paint::{
        pen::Pen,
        text,
        theme::{Role, Theme},
    },
};

/// What stays at the end, whatever the width: the command line, help and quit.
const KEPT: usize = 3;

/// What comes before all others while the terminal selects text.
pub(in crate::tui) const SELECTING: (&[Action], &str) =
    (&[Action::SelectText], "end text selection");

const FIRST: [KeyHint; 2] = [(&[Action::Step], "step"), (&[Action::Back], "back")];

const LAST: [KeyHint; 11] = [
    (&[Action::NextPane], "pane"),
    (&[Action::PreviousEvent, Action::NextEvent], "events"),
    (&[Action::Break], "break"),
    (&[Action::Search], "search"),
    (&[Action::Less, Action::More], "value"),
    (&[Action::Try], "try"),
    (&[Action::Zoom], "zoom"),
    (&[Action::Ghost], "draft"),
    (&[Action::Command], "command"),
    (&[Action::Help], "help"),
    (&[Action::Quit], "quit"),
];

/// A hint: its keys, and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Hint {
    /// Each with what it does.
    keys: Vec<(String, Action)>,
    pub word: &'static str,
}

impl Hint {
    /// Nothing if no key does it.
    pub fn new(keymap: &Keymap, actions: &[Action], word: &'static str) -> Option<Self> {
        let keys = actions.iter().filter_map(|&action| {
            // Arrows say more than letters.
            let arrows = matches!(action, Action::Left | Action::Right | Action::Up | Action::Down);
            let keys = keymap.keys(action);
            let key = if arrows { keys.last() } else { keys.first() };
            Some((key?.name(), action))
        });
        let keys: Vec<(String, Action)> = keys.collect();
        (!keys.is_empty()).then_some(Self { keys, word })
    }

    /// Its keys as they are shown.
    pub fn keys(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|(key, _)| key.as_str()).collect();
        keys.join(" ")
    }

    /// What a click does so many cells behind its beginning: what the key there does, and the first
    /// one behind them all.
    fn action_at(&self, theme: Theme, cells: usize) -> Option<Action> {
        let mut end = 0;
        let under = self.keys.iter().find(|(key, _)| {
            end += text::width(&theme.say(key)) + 1;
            cells < end
        });
        under.or(self.keys.first()).map(|(_, action)| *action)
    }
}

/// The debugger's hints, most needed first.
pub(in crate::tui) fn of(app: &App) -> Vec<Hint> {
    let own = app.display.focus.hints();
    let last = LAST.iter().filter(|(actions, _)| own.iter().all(|(others, _)| others != actions));
    let selecting = app.display.selecting.then_some(&SELECTING);
    let all = selecting.into_iter().chain(&FIRST).chain(own).chain(last);
    let inner = app.display.inner;
    let word =
        |actions: &[Action], word| if inner && actions == [Action::Quit] { "leave" } else { word };
    all.filter_map(|(actions, words)| Hint::new(&app.keymap, actions, word(actions, words)))
        .collect()
}

/// Those that fit a line, with the column each stands in; the others are left out whole.
fn placed(theme: Theme, hints: &[Hint], line: Rect) -> Vec<(u16, &Hint)> {
    let width = |hint: &Hint| {
        u16::try_from(text::width(&theme.say(&hint.keys())) + hint.word.len() + 3)
            .unwrap_or(u16::MAX)
    };
    let (first, kept) = hints.split_at(hints.len().saturating_sub(KEPT));
    let mut used: u16 = kept.iter().map(width).sum();
    let fitting = first.iter().take_while(|hint| {
        used = used.saturating_add(width(hint));
        used < line.width
    });
    let mut x = line.x + 1;
    let fitting: Vec<&Hint> = fitting.collect();
    let shown = fitting.into_iter().chain(kept).map(|hint| {
        let at = x;
        x = x.saturating_add(width(hint));
        (at, hint)
    });
    shown.collect()
}

/// Draws hints on a line.
pub(in crate::tui) fn draw(pen: &mut Pen, hints: &[Hint], line: Rect) {
    for (x, hint) in placed(pen.theme, hints, line) {
        let room = line.right().saturating_sub(x);
        let used = pen.say(x, line.y, room, &hint.keys(), Role::Key) + 1;
        pen.say(x + used, line.y, room.saturating_sub(used), hint.word, Role::Dim);
    }
}

/// The action of the hint under a cell of its line.
pub(in crate::tui) fn hit(theme: Theme, hints: &[Hint], line: Rect, x: u16) -> Option<Action> {
    let places = placed(theme, hints, line);
    let (at, hint) = places.into_iter().rev().find(|(at, _)| *at <= x)?;
    hint.action_at(theme, usize::from(x - at))
}
