//! The panes, one file each, and the list of them. A new pane is a file here and a row of [`PANES`].

pub mod canvas;
pub mod chart;
pub mod eos;
pub mod grid;
pub mod inspector;
pub mod length;
pub mod log;
pub mod params;
pub mod session;
pub mod steps;
pub mod timeline;
pub mod waterfall;
pub mod welcome;

use ratatui::layout::Rect;

use super::{
    app::{
        Action, App,
        interface::Effect,
        layout::{Pane, Region},
    },
    paint::pen::Pen,
};

/// Keys that share a word in the line of hints.
pub type KeyHint = (&'static [Action], &'static str);

/// What a pane shows and does. A pane has no state of its own: what it needs to know is in [`App`].
pub trait PaneView: Sync {
    /// The pane's name, which is its heading.
    fn pane(&self) -> Pane;

    /// The region that the pane lies in. Panes of one region take turns; the first in [`PANES`] is there at the start.
    fn region(&self) -> Region;

    /// Its heading in the row of tabs, where its number is its key; `None` if it is never there.
    fn tab(&self) -> Option<&'static str> {
        Some(self.pane().title())
    }

    /// Rows that the pane asks for under its heading; `None` for as many as there are.
    fn rows(&self, _app: &App) -> Option<usize> {
        None
    }

    /// What stands at the right end of its heading.
    fn summary(&self, _app: &App, _area: Rect) -> String {
        String::new()
    }

    /// Draws what is under the heading, which is the first row of `area`.
    fn draw(&self, app: &App, pen: &mut Pen, area: Rect);

    /// Draws onto the row of tabs, from column `from` on. `area` begins with that row.
    fn draw_behind_tabs(&self, _app: &App, _pen: &mut Pen, _area: Rect, _from: u16) {}

    /// Hints for the keys of this pane.
    fn hints(&self) -> &'static [KeyHint] {
        &[
            (&[Action::RunPause], "run/pause"),
            (&[Action::RunToEnd], "continue"),
            (&[Action::Left, Action::Right], "position"),
            (&[Action::Pick], "edit"),
        ]
    }

    /// Carries out an action in this pane's own way; false if the pane has none.
    fn act(&self, _app: &mut App, _action: Action, _effects: &mut Vec<Effect>) -> bool {
        false
    }

    /// A click on a cell under the heading.
    fn click(&self, _app: &mut App, _area: Rect, _x: u16, _y: u16) {}

    /// The mouse was dragged to a cell.
    fn drag(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        self.click(app, area, x, y);
    }

    /// The wheel was turned.
    fn wheel(&self, _app: &mut App, _area: Rect, _down: bool) {}

    /// What stands before a text while it is typed, to search for it.
    fn search_prompt(&self) -> &'static str {
        "/"
    }

    /// Goes to the next place of this pane, or the one before, where the searched text stands; false
    /// if the canvas is searched.
    fn next_match(&self, _app: &mut App, _forward: bool) -> bool {
        false
    }

    /// Recomputes what the pane shows. Called only while the pane is on screen.
    fn refresh(&self, _app: &mut App) {}
}

/// Every pane. Those in the row of tabs are numbered in this order.
pub static PANES: [&dyn PaneView; 9] = [
    &canvas::CanvasPane,
    &grid::BlocksPane,
    &eos::EosPane,
    &inspector::InspectorPane,
    &params::ParametersPane,
    &timeline::TimelinePane,
    &log::LogPane,
    &waterfall::WaterfallPane,
    &session::SessionPane,
];

/// The panes in the row of tabs with their headings there, in the order of their numbers.
pub fn tabs() -> impl Iterator<Item = (Pane, &'static str)> {
    PANES.iter().filter_map(|view| Some((view.pane(), view.tab()?)))
}

impl Pane {
    /// The pane of that title.
    pub fn titled(title: &str) -> Option<Self> {
        PANES.iter().map(|view| view.pane()).find(|pane| pane.title() == title)
    }

    /// What lies in each region at the start.
    pub fn at_start() -> [Self; Region::COUNT] {
        let mut panes = [Self::CANVAS; Region::COUNT];
        for view in PANES.iter().rev() {
            panes[view.region() as usize] = view.pane();
        }
        panes
    }

    /// What it shows and does.
    pub fn view(self) -> &'static dyn PaneView {
        PANES.iter().copied().find(|view| view.pane() == self).unwrap_or(&canvas::CanvasPane)
    }
}

/// Entries that the wheel moves by.
const WHEEL: usize = 3;

/// Rows or entries further down or up, from `at`.
fn scrolled(at: usize, down: bool) -> usize {
    if down { at + WHEEL } else { at.saturating_sub(WHEEL) }
}

/// The entry of a list that an action moves to; `None` if it does not move in lists.
fn moved_to(at: usize, last: usize, action: Action) -> Option<usize> {
    const PAGE: usize = 10;
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        Action::PreviousBlock => at.saturating_sub(PAGE),
        Action::NextBlock => at + PAGE,
        Action::First => 0,
        Action::Last => last,
        _ => return None,
    };
    Some(to.min(last))
}
