//! Who hears what happens.

use std::time::Duration;

use crate::predict::Progress;

/// Hears what happens while nobody looks at a screen.
pub trait Observer {
    /// How far a pass has come, and how long it has taken so far.
    fn layers(&mut self, _progress: Progress, _time: Duration) {}

    /// Something that the user should know and that ends nothing; it may hold hostile text.
    fn warn(&mut self, text: &str);
}
