//! What is kept of the screen when it is left: taken, and shown again.

use super::{
    super::app::{
        App, SPEEDS,
        pane::{Pane, Region},
        view::{LinkedView, SavedView},
    },
    PANES, focus, titled,
};
use crate::inspect::Query;

/// What is shown now.
pub fn of(app: &App) -> SavedView {
    SavedView {
        tab: app.display.tab.title().to_owned(),
        focus: app.display.focus.title().to_owned(),
        zoom: app.display.zoom,
        bars: !app.display.ghost,
        waterfall: app.display.waterfall,
        session: app.display.panes[Region::LowerRight as usize] == Pane::SESSION,
        by_number: !app.display.align,
        stays: !app.display.follow,
        position: app.display.position,
        param: app.display.param,
        speed: app.running.speed,
        search: app.display.search.wanted.clone(),
    }
}

/// Shows what was shown then.
pub fn show(app: &mut App, view: SavedView) {
    let tab = titled(&view.tab).filter(|pane| pane.tab().is_some());
    app.display.tab = tab.unwrap_or(app.display.tab);
    app.display.focus = titled(&view.focus).unwrap_or(app.display.focus);
    app.display.zoom = view.zoom;
    app.display.ghost = !view.bars;
    app.display.waterfall = view.waterfall;
    if view.session {
        app.display.panes[Region::LowerRight as usize] = Pane::SESSION;
    }
    app.display.align = !view.by_number;
    app.display.param =
        view.param.min(app.debugger.session.params().specs().len().saturating_sub(1));
    app.running.speed = view.speed.min(SPEEDS.len() - 1);
    app.display.search.wanted = view.search;
    app.display.follow = !view.stays;
    app.place(view.position);
    app.refresh();
}

/// What a link keeps of what is shown: what is not so from the start.
pub fn linked(app: &App) -> LinkedView {
    let pane = app.display.focus;
    LinkedView {
        pane: (pane != Pane::CANVAS).then(|| pane.title().to_lowercase()),
        zoom: app.display.zoom,
        search: Some(app.display.search.wanted.clone()).filter(|wanted| !wanted.is_empty()),
        query: app.display.found.query().map(ToString::to_string),
        ..LinkedView::default()
    }
}

/// Shows what a link asks for, at the step stood at.
pub fn follow(app: &mut App, view: LinkedView) {
    let called = |pane: &&Pane| view.pane.as_ref() == Some(&pane.title().to_lowercase());
    match (PANES.iter().find(called), &view.pane) {
        (Some(&pane), _) => focus::show(app, pane, true),
        (None, Some(name)) => app.complain(format!("the link names an unknown pane: {name}")),
        (None, None) => {}
    }
    app.display.zoom = view.zoom;
    match view.query.as_deref().map(Query::parse) {
        Some(Ok(query)) => app.display.found.ask(query),
        Some(Err(error)) => app.complain(format!("the query of the link: {error}")),
        None => {}
    }
    if let Some(search) = view.search {
        app.display.search.wanted = search;
    }
    if let Some(position) = view.position {
        app.put(position);
    }
    app.refresh();
}
