//! What is kept of the screen when it is left, to come back to it.

use serde::{Deserialize, Serialize};

use super::{
    App, SPEEDS,
    layout::{Pane, Region},
};

/// What is shown and how. Panes go by their titles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The pane in the tabbed place.
    pub tab: String,
    /// The pane that has the keys.
    pub focus: String,
    /// It fills the screen.
    pub zoom: bool,
    /// Masks are shown as bars, not as the draft.
    pub bars: bool,
    /// The waterfall stands in the blocks' place.
    pub waterfall: bool,
    /// The session's lists stand in the log's place.
    pub session: bool,
    /// The waterfall counts positions by number, not by identity.
    pub by_number: bool,
    /// The cursor stays where it is put.
    pub stays: bool,
    /// The position under the cursor.
    pub position: usize,
    /// The chosen parameter.
    pub param: usize,
    /// Place of the speed among those there are.
    pub speed: usize,
    /// What was searched for.
    pub search: String,
}

impl App {
    /// What is shown now.
    pub(in crate::tui) fn view(&self) -> View {
        View {
            tab: self.display.tab.title().to_owned(),
            focus: self.display.focus.title().to_owned(),
            zoom: self.display.zoom,
            bars: !self.display.ghost,
            waterfall: self.display.waterfall,
            session: self.display.panes[Region::LowerRight as usize] == Pane::SESSION,
            by_number: !self.display.align,
            stays: !self.display.follow,
            position: self.display.position,
            param: self.display.param,
            speed: self.running.speed,
            search: self.display.search.wanted.clone(),
        }
    }

    /// Shows what was shown then.
    pub(in crate::tui) fn show_view(&mut self, view: View) {
        let tab = Pane::titled(&view.tab).filter(|pane| pane.view().tab().is_some());
        self.display.tab = tab.unwrap_or(self.display.tab);
        self.display.focus = Pane::titled(&view.focus).unwrap_or(self.display.focus);
        self.display.zoom = view.zoom;
        self.display.ghost = !view.bars;
        self.display.waterfall = view.waterfall;
        if view.session {
            self.display.panes[Region::LowerRight as usize] = Pane::SESSION;
        }
        self.display.align = !view.by_number;
        self.display.param =
            view.param.min(self.debugger.session.params().specs().len().saturating_sub(1));
        self.running.speed = view.speed.min(SPEEDS.len() - 1);
        self.display.search.wanted = view.search;
        self.display.follow = !view.stays;
        self.place(view.position);
        self.refresh();
    }
}
