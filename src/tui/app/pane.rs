//! What a pane is, and the regions of the screen that panes lie in. The panes themselves are in the
//! room of that name.

use std::{fmt, ops::Deref};

use ratatui::layout::Rect;

use super::{super::paint::pen::Pen, Action, App, interface::Effect};

/// Keys that share a word in the line of hints.
pub type KeyHint = (&'static [Action], &'static str);

/// What a pane shows and does. A pane has no state of its own: what it needs to know is in [`App`].
pub trait PaneView: Sync {
    /// Its name, which is its heading.
    fn title(&self) -> &'static str;

    /// The region that the pane lies in. Panes of one region take turns; the first in the list of
    /// panes is there at the start.
    fn region(&self) -> Region;

    /// Its heading in the row of tabs, where its number is its key; `None` if it is never there.
    fn tab(&self) -> Option<&'static str> {
        Some(self.title())
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

/// A pane of the list of panes.
#[derive(Clone, Copy)]
pub struct Pane(&'static dyn PaneView);

impl Pane {
    /// The pane that shows and does this.
    pub const fn new(view: &'static dyn PaneView) -> Self {
        Self(view)
    }
}

impl Deref for Pane {
    type Target = dyn PaneView;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Pane {
    fn eq(&self, other: &Self) -> bool {
        self.title() == other.title()
    }
}

impl Eq for Pane {}

impl fmt::Debug for Pane {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.title().fmt(f)
    }
}

/// A part of the screen that shows one pane at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// At the upper left.
    Main,
    /// The one under it.
    Under,
    /// Under both, or beside them; in the stead of [`Region::Under`] where there is room for one only.
    Lowest,
    /// At the top of the right column.
    RightTop,
    /// In the middle of the right column.
    RightMiddle,
    /// At the bottom of the right column.
    RightBottom,
    /// At the lower left.
    LowerLeft,
    /// At the lower right.
    LowerRight,
}

impl Region {
    /// The number of regions.
    pub const COUNT: usize = 8;
}
