//! A forward pass that takes long: how far it is, at the right end of the line for messages.

use std::time::Duration;

use ratatui::layout::Rect;

use super::super::{
    app::{Action, App, Busy, InputMode, Keymap},
    paint::{
        pen::Pen,
        text,
        theme::{Role, Theme},
    },
};

/// Cells of the gauge.
const GAUGE: u16 = 8;

/// What is said of it.
pub(in crate::tui) struct Slow {
    words: String,
    /// Cells of the gauge before the words, a blank included; 0 where it has no room.
    gauge: u16,
    share: f32,
}

impl Slow {
    /// On a line so wide; nothing where there is no pass or it does not take long.
    pub(in crate::tui) fn of(
        (theme, keymap): (Theme, &Keymap),
        busy: Option<Busy>,
        slow: Option<Duration>,
        width: u16,
    ) -> Option<Self> {
        let (Busy { progress, .. }, time) = busy.zip(slow)?;
        let so_far = format!("{} · {:.1} s", progress.words(), time.as_secs_f64());
        let long = format!("{so_far} · {} cancels", keymap.first(Action::Interrupt));
        // The rest of the line is for messages or hints.
        let room = usize::from(width) * 3 / 5;
        let mut gauge = GAUGE + 1;
        let mut words = theme.say(&long);
        if text::width(&words) + usize::from(gauge) > room {
            (words, gauge) = (theme.say(&so_far), 0);
        }
        let share = progress.done as f32 / progress.of.max(1) as f32;
        Some(Self { words, gauge, share })
    }

    /// Cells it takes, with a blank on either side.
    fn cells(&self) -> u16 {
        u16::try_from(text::width(&self.words)).unwrap_or(u16::MAX).saturating_add(self.gauge + 2)
    }

    /// What it leaves of the line.
    pub(in crate::tui) fn rest_of(&self, line: Rect) -> Rect {
        Rect { width: line.width.saturating_sub(self.cells()), ..line }
    }

    pub(in crate::tui) fn draw(&self, pen: &mut Pen, line: Rect) {
        let x = self.rest_of(line).right() + 1;
        if self.gauge > 0 {
            pen.rule(Rect { x, width: GAUGE, ..line }, Role::Faint);
            pen.gauge(x, line.y, GAUGE, self.share, Role::Calm);
        }
        let x = x + self.gauge;
        pen.say(x, line.y, line.right().saturating_sub(x), &self.words, Role::Dim);
    }
}

impl App {
    /// The pass on the way, if it takes long and the line is not needed for something typed.
    pub(in crate::tui) fn slow_pass(&self, line: Rect) -> Option<Slow> {
        let free = matches!(
            self.top.mode,
            InputMode::Normal | InputMode::Help(_) | InputMode::Value(_) | InputMode::Pick(_)
        );
        Slow::of(
            (self.theme, &self.keymap),
            self.running.busy.filter(|_| free),
            self.running.slow,
            line.width,
        )
    }
}
