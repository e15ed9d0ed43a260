//! The panes, one file each, and the list of them. A new pane is a file here, a row of [`PANES`], and a
//! row of [`KEYS`] if it is in the row of tabs.

pub mod canvas;
pub mod chart;
pub mod diagnosis;
pub mod eos;
pub mod focus;
pub mod grid;
pub mod influence;
pub mod inspector;
pub mod legend;
mod length;
pub mod log;
pub mod params;
pub mod session;
pub mod steps;
pub mod timeline;
pub mod view;
pub mod waterfall;
pub mod welcome;

use super::{
    app::{
        Action,
        keymap::{Binding, function},
        pane::{KeyHint, Pane, PaneView, Region},
    },
    input::chord::key,
};

/// Every pane. Those in the row of tabs are numbered in this order.
pub static PANES: [Pane; 9] = [
    Pane::CANVAS,
    Pane::BLOCKS,
    Pane::EOS,
    Pane::INSPECTOR,
    Pane::PARAMETERS,
    Pane::TIMELINE,
    Pane::LOG,
    Pane::WATERFALL,
    Pane::SESSION,
];

/// The keys of the row of tabs, in its order.
pub const KEYS: &[Binding] = &[
    function("pane-1", &[key('1')], "EOS and length", |app, _| focus::open_tab(app, 1))
        .asks(Action::Pane(1)),
    function("pane-2", &[key('2')], "inspector", |app, _| focus::open_tab(app, 2))
        .asks(Action::Pane(2)),
    function("pane-3", &[key('3')], "parameters", |app, _| focus::open_tab(app, 3))
        .asks(Action::Pane(3)),
    function("pane-4", &[key('4')], "timeline", |app, _| focus::open_tab(app, 4))
        .asks(Action::Pane(4)),
    function("pane-5", &[key('5')], "log", |app, _| focus::open_tab(app, 5)).asks(Action::Pane(5)),
    function("pane-6", &[key('6')], "waterfall (position × step); again: back", |app, _| {
        focus::open_tab(app, 6)
    })
    .asks(Action::Pane(6)),
    function(
        "pane-7",
        &[key('7')],
        "session: branches, bookmarks, breakpoints, diagnosis, query",
        |app, _| focus::open_tab(app, 7),
    )
    .asks(Action::Pane(7)),
];

/// The panes in the row of tabs with their headings there, in the order of their numbers.
pub fn tabs() -> impl Iterator<Item = (Pane, &'static str)> {
    PANES.iter().filter_map(|&pane| Some((pane, pane.tab()?)))
}

/// The pane of that title.
pub fn titled(title: &str) -> Option<Pane> {
    PANES.into_iter().find(|pane| pane.title() == title)
}

/// The pane whose title begins so, in letters of either case.
///
/// # Errors
/// In words, with the names there are.
pub fn called(name: &str) -> Result<Pane, String> {
    let name = name.to_lowercase();
    let titles = PANES.map(|pane| pane.title().to_lowercase());
    let begins = |(_, title): &(Pane, String)| !name.is_empty() && title.starts_with(&name);
    let found = PANES.into_iter().zip(titles.clone()).find(begins);
    found
        .map(|(pane, _)| pane)
        .ok_or_else(|| format!("there is no pane `{name}`. There are {}", titles.join(", ")))
}

/// What lies in each region at the start.
pub fn at_start() -> [Pane; Region::COUNT] {
    let mut panes = [Pane::CANVAS; Region::COUNT];
    for pane in PANES.into_iter().rev() {
        panes[pane.region() as usize] = pane;
    }
    panes
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
