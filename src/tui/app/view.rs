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
            tab: self.tab.title().to_owned(),
            focus: self.focus.title().to_owned(),
            zoom: self.zoom,
            bars: !self.ghost,
            waterfall: self.waterfall,
            session: self.panes[Region::LowerRight as usize] == Pane::SESSION,
            by_number: !self.align,
            stays: !self.follow,
            position: self.position,
            param: self.param,
            speed: self.speed,
            search: self.search.wanted.clone(),
        }
    }

    /// Shows what was shown then.
    pub(in crate::tui) fn show_view(&mut self, view: View) {
        let tab = Pane::titled(&view.tab).filter(|pane| pane.view().tab().is_some());
        self.tab = tab.unwrap_or(self.tab);
        self.focus = Pane::titled(&view.focus).unwrap_or(self.focus);
        self.zoom = view.zoom;
        self.ghost = !view.bars;
        self.waterfall = view.waterfall;
        if view.session {
            self.panes[Region::LowerRight as usize] = Pane::SESSION;
        }
        self.align = !view.by_number;
        self.param = view.param.min(self.debugger.session.params().specs().len().saturating_sub(1));
        self.speed = view.speed.min(SPEEDS.len() - 1);
        self.search.wanted = view.search;
        self.follow = !view.stays;
        self.place(view.position);
        self.refresh();
    }
}
