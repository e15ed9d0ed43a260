//! What is shown, and how.

use std::collections::HashMap;

use super::{
    pane::{Pane, Region},
    search::Search,
    sessions::FoundLists,
};
use crate::canvas::{Slot, TokenId};

/// What the colour of an unmasked token tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextColoring {
    /// The confidence it was unmasked with.
    #[default]
    Confidence,
    /// When it was unmasked, first to last.
    Order,
}

impl TextColoring {
    /// The one after this, and after the last the first.
    pub fn next(self) -> Self {
        match self {
            Self::Confidence => Self::Order,
            Self::Order => Self::Confidence,
        }
    }
}

/// The panes on screen, the cursor in them and what is marked there.
pub struct Display {
    /// Columns of the screen.
    pub width: u16,
    /// Rows of the screen.
    pub height: u16,
    /// The pane that has the keys.
    pub focus: Pane,
    /// The pane in the tabbed place.
    pub tab: Pane,
    /// The pane with the keys fills the screen.
    pub zoom: bool,
    /// Masks are shown as the draft, not as bars.
    pub ghost: bool,
    /// What the colour of unmasked tokens tells.
    pub coloring: TextColoring,
    /// The waterfall stands in the blocks' place.
    pub waterfall: bool,
    /// What was on screen before the waterfall was asked for: tab, focus, waterfall in the grid's
    /// place.
    pub before_waterfall: Option<(Pane, Pane, bool)>,
    /// What lies in each region.
    pub panes: [Pane; Region::COUNT],
    /// The waterfall counts positions by identity, not by number.
    pub align: bool,
    /// The cursor follows the positions that each step changes.
    pub follow: bool,
    /// The position under the cursor.
    pub position: usize,
    /// Its identity, by which the cursor stays on it when others are inserted before it.
    pub slot: Option<Slot>,
    /// First row shown of the canvas, if the wheel has moved it off the cursor.
    pub scroll: Option<usize>,
    /// Rows of the canvas: its text, the finding and the legend.
    pub text_rows: usize,
    /// The chosen parameter's place in the list.
    pub param: usize,
    /// The log's line with the cursor; `None` follows the playhead.
    pub log_line: Option<usize>,
    /// What is searched for, and where on the canvas it stands.
    pub search: Search,
    /// The rows of the last query.
    pub found: FoundLists,
    /// While a forward pass runs: what the one before said, by slot, so that the draft stays readable
    /// and nothing flickers.
    pub draft: HashMap<Slot, (TokenId, f32)>,
    /// It is a run of a comparison or a folder, to which quitting leads back.
    pub inner: bool,
    /// A key has left the mouse to the terminal, which selects text with it.
    pub selecting: bool,
    /// Positions whose tokens another canvas does not have; empty where none is compared with.
    pub differs: Vec<bool>,
}

impl Display {
    /// A screen of this size at its start.
    pub fn new((width, height): (u16, u16), panes: [Pane; Region::COUNT]) -> Self {
        Self {
            width,
            height,
            focus: panes[Region::Main as usize],
            tab: panes[Region::RightTop as usize],
            zoom: false,
            ghost: true,
            coloring: TextColoring::default(),
            waterfall: false,
            before_waterfall: None,
            panes,
            align: true,
            follow: true,
            position: 0,
            slot: None,
            scroll: None,
            text_rows: 0,
            param: 0,
            log_line: None,
            search: Search::default(),
            found: FoundLists::default(),
            draft: HashMap::new(),
            inner: false,
            selecting: false,
            differs: Vec::new(),
        }
    }
}
