//! Which panes are on screen, and which has the keys.

use super::{
    App,
    layout::{Pane, Region},
};

impl App {
    /// Brings a pane on screen.
    pub(in crate::tui) fn show(&mut self, pane: Pane, focus: bool) {
        let on_screen = |app: &Self| app.areas().is_some_and(|areas| areas.of(pane).is_some());
        if self.zoom && focus {
            self.focus = pane;
            self.tab = pane;
            pane.view().refresh(self);
            return;
        }
        let region = pane.view().region();
        if region == Region::LowerRight {
            self.panes[region as usize] = pane;
        }
        if !on_screen(self) {
            // In the compact layout it takes the tabbed place; else its own, or the waterfall the grid's.
            self.tab = pane;
            if !on_screen(self) {
                self.panes[region as usize] = pane;
                self.waterfall |= region == Region::UnderRight;
            }
        }
        if focus {
            self.focus_if_shown(pane);
        }
        pane.view().refresh(self);
    }

    /// Puts back what the waterfall took the place of; false if it was not asked for by its number.
    pub(in crate::tui) fn leave_waterfall(&mut self) -> bool {
        if self.focus != Pane::WATERFALL {
            return false;
        }
        let Some((tab, focus, waterfall)) = self.before_waterfall.take() else { return false };
        (self.tab, self.waterfall) = (tab, waterfall);
        if self.zoom {
            self.focus = focus;
        } else {
            self.focus_if_shown(focus);
        }
        true
    }

    pub(in crate::tui) fn focus_if_shown(&mut self, pane: Pane) {
        let shown = self.areas().is_some_and(|areas| areas.of(pane).is_some());
        self.focus = if shown { pane } else { Pane::CANVAS };
    }

    /// Gives the keys to the next pane on screen; zoomed, the next pane there is.
    pub(in crate::tui) fn cycle(&mut self, forward: bool) {
        let zoomed = std::mem::take(&mut self.zoom);
        let panes: Vec<Pane> = self
            .areas()
            .map(|areas| areas.panes.iter().map(|(pane, _)| *pane).collect())
            .unwrap_or_default();
        self.zoom = zoomed;
        if panes.is_empty() {
            return;
        }
        let at = panes.iter().position(|&pane| pane == self.focus).unwrap_or(0);
        let by = if forward { 1 } else { panes.len() - 1 };
        self.focus = panes[(at + by) % panes.len()];
    }
}
