//! What is kept of the screen when it is left, to come back to it.

use serde::{Deserialize, Serialize};

/// What is shown and how. Panes go by their titles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedView {
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
    /// The chosen parameter's place in the list.
    pub param: usize,
    /// Place of the speed among those there are.
    pub speed: usize,
    /// What was searched for.
    pub search: String,
}
