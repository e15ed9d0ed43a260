//! Which panes are on screen, and which has the keys.

use super::{
    super::app::{
        App,
        pane::{Pane, Region},
    },
    tabs,
};

/// Brings a pane on screen.
pub fn show(app: &mut App, pane: Pane, focus: bool) {
    let on_screen = |app: &App| app.areas().is_some_and(|areas| areas.of(pane).is_some());
    if app.display.zoom && focus {
        app.display.focus = pane;
        app.display.tab = pane;
        pane.refresh(app);
        return;
    }
    let region = pane.region();
    if region == Region::LowerRight {
        app.display.panes[region as usize] = pane;
    }
    if !on_screen(app) {
        // In the compact layout it takes the tabbed place; else its own, or the waterfall the grid's.
        app.display.tab = pane;
        if !on_screen(app) {
            app.display.panes[region as usize] = pane;
            app.display.waterfall |= region == Region::Lowest;
        }
    }
    if focus {
        focus_if_shown(app, pane);
    }
    pane.refresh(app);
}

/// Puts back what the waterfall took the place of; false if it was not asked for by its number.
pub fn leave_waterfall(app: &mut App) -> bool {
    if app.display.focus != Pane::WATERFALL {
        return false;
    }
    let Some((tab, focus, waterfall)) = app.display.before_waterfall.take() else {
        return false;
    };
    (app.display.tab, app.display.waterfall) = (tab, waterfall);
    if app.display.zoom {
        app.display.focus = focus;
    } else {
        focus_if_shown(app, focus);
    }
    true
}

pub fn focus_if_shown(app: &mut App, pane: Pane) {
    let shown = app.areas().is_some_and(|areas| areas.of(pane).is_some());
    app.display.focus = if shown { pane } else { Pane::CANVAS };
}

/// Gives the keys to the next pane on screen; zoomed, the next pane there is.
pub fn cycle(app: &mut App, forward: bool) {
    let zoomed = std::mem::take(&mut app.display.zoom);
    let panes: Vec<Pane> = app
        .areas()
        .map(|areas| areas.panes.iter().map(|(pane, _)| *pane).collect())
        .unwrap_or_default();
    app.display.zoom = zoomed;
    if panes.is_empty() {
        return;
    }
    let at = panes.iter().position(|&pane| pane == app.display.focus).unwrap_or(0);
    let by = if forward { 1 } else { panes.len() - 1 };
    app.display.focus = panes[(at + by) % panes.len()];
}

/// Shows the pane of that number in the row of tabs; the waterfall, if it is there already, gives way
/// to what was there before.
pub fn open_tab(app: &mut App, number: usize) {
    let Some((pane, _)) = tabs().nth(number.saturating_sub(1)) else { return };
    if pane == Pane::WATERFALL && leave_waterfall(app) {
        return;
    }
    let before = (app.display.tab, app.display.focus, app.display.waterfall);
    show(app, pane, true);
    app.display.before_waterfall = (pane == Pane::WATERFALL).then_some(before);
}
