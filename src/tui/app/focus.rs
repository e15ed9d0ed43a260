//! Which panes are on screen, and which has the keys.

use super::{
    App,
    layout::{Pane, Region},
};

impl App {
    /// Brings a pane on screen.
    pub(in crate::tui) fn show(&mut self, pane: Pane, focus: bool) {
        let on_screen = |app: &Self| app.areas().is_some_and(|areas| areas.of(pane).is_some());
        if self.display.zoom && focus {
            self.display.focus = pane;
            self.display.tab = pane;
            pane.view().refresh(self);
            return;
        }
        let region = pane.view().region();
        if region == Region::LowerRight {
            self.display.panes[region as usize] = pane;
        }
        if !on_screen(self) {
            // In the compact layout it takes the tabbed place; else its own, or the waterfall the grid's.
            self.display.tab = pane;
            if !on_screen(self) {
                self.display.panes[region as usize] = pane;
                self.display.waterfall |= region == Region::UnderRight;
            }
        }
        if focus {
            self.focus_if_shown(pane);
        }
        pane.view().refresh(self);
    }

    /// Puts back what the waterfall took the place of; false if it was not asked for by its number.
    pub(in crate::tui) fn leave_waterfall(&mut self) -> bool {
        if self.display.focus != Pane::WATERFALL {
            return false;
        }
        let Some((tab, focus, waterfall)) = self.display.before_waterfall.take() else {
            return false;
        };
        (self.display.tab, self.display.waterfall) = (tab, waterfall);
        if self.display.zoom {
            self.display.focus = focus;
        } else {
            self.focus_if_shown(focus);
        }
        true
    }

    pub(in crate::tui) fn focus_if_shown(&mut self, pane: Pane) {
        let shown = self.areas().is_some_and(|areas| areas.of(pane).is_some());
        self.display.focus = if shown { pane } else { Pane::CANVAS };
    }

    /// Gives the keys to the next pane on screen; zoomed, the next pane there is.
    pub(in crate::tui) fn cycle(&mut self, forward: bool) {
        let zoomed = std::mem::take(&mut self.display.zoom);
        let panes: Vec<Pane> = self
            .areas()
            .map(|areas| areas.panes.iter().map(|(pane, _)| *pane).collect())
            .unwrap_or_default();
        self.display.zoom = zoomed;
        if panes.is_empty() {
            return;
        }
        let at = panes.iter().position(|&pane| pane == self.display.focus).unwrap_or(0);
        let by = if forward { 1 } else { panes.len() - 1 };
        self.display.focus = panes[(at + by) % panes.len()];
    }
}
