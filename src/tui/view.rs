//! What is kept of the screen when it is left, to come back to it.

use serde::{Deserialize, Serialize};

use super::{
    app::{App, SPEEDS},
    layout::Pane,
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
    pub(super) fn view(&self) -> View {
        View {
            tab: self.tab.title().to_owned(),
            focus: self.focus.title().to_owned(),
            zoom: self.zoom,
            bars: !self.ghost,
            waterfall: self.waterfall,
            session: self.session_shown,
            by_number: !self.align,
            stays: !self.follow,
            position: self.position,
            param: self.param,
            speed: self.speed,
            search: self.search.wanted.clone(),
        }
    }

    /// Shows what was shown then.
    pub(super) fn show_view(&mut self, view: View) {
        let pane = |title: &str| Pane::ALL.into_iter().find(|pane| pane.title() == title);
        self.tab = pane(&view.tab).filter(|pane| pane.number().is_some()).unwrap_or(self.tab);
        self.focus = pane(&view.focus).unwrap_or(self.focus);
        self.zoom = view.zoom;
        self.ghost = !view.bars;
        self.waterfall = view.waterfall;
        self.session_shown = view.session;
        self.align = !view.by_number;
        self.param = view.param.min(self.debugger.session.params().specs().len().saturating_sub(1));
        self.speed = view.speed.min(SPEEDS.len() - 1);
        self.search.wanted = view.search;
        self.follow = !view.stays;
        self.place(view.position);
        self.refresh();
    }
}
