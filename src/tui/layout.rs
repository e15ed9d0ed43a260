//! Where the panes lie, for every size of the screen.

use ratatui::layout::Rect;

/// Smallest screen anything useful fits on.
pub const SMALLEST: (u16, u16) = (40, 10);

/// A pane. One pane answers one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// What is written, what comes next.
    Canvas,
    /// Where it is unsure, at a glance.
    Grid,
    /// The same over all steps.
    Waterfall,
    /// Is it long enough.
    Eos,
    /// Why.
    Inspector,
    /// Turn and see.
    Params,
    /// How it came to this.
    Timeline,
    /// The same in words.
    Log,
    /// Branches, bookmarks, breakpoints, findings.
    Session,
}

impl Pane {
    /// Every pane.
    pub const ALL: [Self; 9] = [
        Self::Canvas,
        Self::Grid,
        Self::Waterfall,
        Self::Eos,
        Self::Inspector,
        Self::Params,
        Self::Timeline,
        Self::Log,
        Self::Session,
    ];

    /// The panes with a number, in order.
    pub const TABS: [Self; 7] = [
        Self::Eos,
        Self::Inspector,
        Self::Params,
        Self::Timeline,
        Self::Log,
        Self::Waterfall,
        Self::Session,
    ];

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Grid => "Blocks",
            Self::Waterfall => "Waterfall",
            Self::Eos => "EOS & length",
            Self::Inspector => "Inspector",
            Self::Params => "Parameters",
            Self::Timeline => "Timeline",
            Self::Log => "Log",
            Self::Session => "Session",
        }
    }

    /// The heading in a row of tabs.
    pub fn tab(self) -> &'static str {
        match self {
            Self::Eos => "EOS",
            Self::Inspector => "Why",
            Self::Params => "Params",
            other => other.title(),
        }
    }

    /// The key that shows it.
    pub fn number(self) -> Option<usize> {
        Self::TABS.iter().position(|&tab| tab == self).map(|at| at + 1)
    }
}

/// How the room is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Less than anything useful fits on.
    TooSmall,
    /// 80×24 and the like: one tabbed pane.
    Compact,
    /// 120×40 and the like: everything, grid or waterfall.
    Medium,
    /// 180×50 and more: everything at once.
    Large,
}

impl Size {
    /// The division for a screen.
    pub fn of(width: u16, height: u16) -> Self {
        if width < SMALLEST.0 || height < SMALLEST.1 {
            Self::TooSmall
        } else if width < 110 || height < 32 {
            Self::Compact
        } else if width < 180 || height < 48 {
            Self::Medium
        } else {
            Self::Large
        }
    }
}

/// What the layout depends on beside the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The pane shown in the tabbed place of the compact layout.
    pub tab: Pane,
    /// Waterfall instead of the grid, where there is room for one only.
    pub waterfall: bool,
    /// The session's lists instead of the log, where both could be.
    pub session: bool,
    /// This pane alone.
    pub zoom: Option<Pane>,
    /// Rows the grid would like: blocks.
    pub blocks: usize,
    /// Rows the parameters would like.
    pub params: usize,
}

/// A divided screen. Panes include their heading row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Areas {
    /// The title line.
    pub title: Rect,
    /// The panes, in the order of the Tab key.
    pub panes: Vec<(Pane, Rect)>,
    /// True where the tabbed pane shows a row of tabs as its heading.
    pub tabbed: bool,
    /// The timeline as one line.
    pub strip: Option<Rect>,
    /// The line for messages, if it has one of its own.
    pub message: Option<Rect>,
    /// The hints (and messages, where they have no line).
    pub hints: Rect,
    /// Vertical rules.
    pub rules: Vec<Rect>,
}

impl Areas {
    /// Where a pane is.
    pub fn of(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|(at, _)| *at == pane).map(|(_, area)| *area)
    }
}

/// Divides the screen; `None` if it is too small.
pub fn divide(width: u16, height: u16, choice: Choice) -> Option<Areas> {
    let size = Size::of(width, height);
    if size == Size::TooSmall {
        return None;
    }
    let mut areas = Areas {
        title: Rect::new(0, 0, width, 1),
        hints: Rect::new(0, height - 1, width, 1),
        ..Areas::default()
    };
    let mut bottom = height - 1;
    if size != Size::Compact {
        bottom -= 1;
        areas.message = Some(Rect::new(0, bottom, width, 1));
    }
    let timeline_shown = size != Size::Compact && choice.zoom.is_none();
    if !timeline_shown && choice.zoom != Some(Pane::Timeline) {
        bottom -= 1;
        areas.strip = Some(Rect::new(0, bottom, width, 1));
    }
    let body = Rect::new(0, 1, width, bottom - 1);
    if let Some(pane) = choice.zoom {
        areas.panes = vec![(pane, body)];
        return Some(areas);
    }
    match size {
        Size::TooSmall => return None,
        Size::Compact => compact(&mut areas, body, choice),
        Size::Medium => medium(&mut areas, body, choice),
        Size::Large => large(&mut areas, body, choice),
    }
    Some(areas)
}

/// Rows for the grid: its heading, a row a block, at least two, at most `most`.
fn grid_rows(choice: Choice, most: u16) -> u16 {
    let wanted = u16::try_from(choice.blocks).unwrap_or(u16::MAX).saturating_add(1);
    wanted.clamp(2, most.max(2))
}

fn compact(areas: &mut Areas, body: Rect, choice: Choice) {
    // Canvas, grid and tabs share the rows 8 : 4 : 9.
    let tabs = (body.height * 9 / 21).clamp(3, 14);
    let rest = body.height - tabs;
    let heat = if choice.waterfall { rest / 3 } else { grid_rows(choice, rest * 2 / 5) };
    let canvas = rest - heat;
    let [a, b, c] = column(body, [canvas, heat, tabs]);
    let second = if choice.waterfall { Pane::Waterfall } else { Pane::Grid };
    areas.panes = vec![(Pane::Canvas, a), (second, b)];
    if second == choice.tab {
        // The waterfall is up already; its tab would show it twice.
        areas.panes[1].0 = Pane::Grid;
    }
    areas.panes.push((choice.tab, c));
    areas.tabbed = true;
}

fn medium(areas: &mut Areas, body: Rect, choice: Choice) {
    let low = (body.height / 4).clamp(6, 10);
    let right = (body.width * 2 / 5).clamp(44, 56);
    let left = body.width - right - 1;
    let high = body.height - low;
    let heat = if choice.waterfall { high / 3 } else { grid_rows(choice, high / 3) };
    let second = if choice.waterfall { Pane::Waterfall } else { Pane::Grid };
    let [a, b] = column(Rect::new(0, body.y, left, high), [high - heat, heat]);
    areas.panes = vec![(Pane::Canvas, a), (second, b)];
    right_column(areas, Rect::new(left + 1, body.y, right, high), choice);
    areas.rules.push(Rect::new(left, body.y, 1, high));
    lower(areas, Rect::new(0, body.y + high, body.width, low), choice);
}

fn large(areas: &mut Areas, body: Rect, choice: Choice) {
    let low = (body.height / 5).clamp(8, 14);
    let right = (body.width * 3 / 10).clamp(56, 76);
    let left = body.width - right - 1;
    let high = body.height - low;
    let heat = (high * 2 / 5).max(8);
    let canvas = high - heat;
    let half = (left - 1) / 2;
    areas.panes = vec![
        (Pane::Canvas, Rect::new(0, body.y, left, canvas)),
        (Pane::Grid, Rect::new(0, body.y + canvas, half, heat)),
        (Pane::Waterfall, Rect::new(half + 1, body.y + canvas, left - half - 1, heat)),
    ];
    areas.rules.push(Rect::new(half, body.y + canvas, 1, heat));
    right_column(areas, Rect::new(left + 1, body.y, right, high), choice);
    areas.rules.push(Rect::new(left, body.y, 1, high));
    lower(areas, Rect::new(0, body.y + high, body.width, low), choice);
}

/// EOS, inspector and parameters above each other.
fn right_column(areas: &mut Areas, area: Rect, choice: Choice) {
    let params = u16::try_from(choice.params).unwrap_or(u16::MAX).saturating_add(5);
    let params = params.min(area.height * 3 / 10).max(5);
    let eos = (area.height * 7 / 20).clamp(3, 15);
    let [a, b, c] = column(area, [eos, area.height - params - eos, params]);
    areas.panes.extend([(Pane::Eos, a), (Pane::Inspector, b), (Pane::Params, c)]);
}

/// Timeline and log beside each other; the log's sentences need more room than a chart.
fn lower(areas: &mut Areas, area: Rect, choice: Choice) {
    let log = (area.width / 2).max(area.width.min(132) * 11 / 20);
    let left = area.width - log - 1;
    areas.panes.push((Pane::Timeline, Rect { width: left, ..area }));
    let right = if choice.session { Pane::Session } else { Pane::Log };
    areas.panes.push((right, Rect { x: area.x + left + 1, width: log, ..area }));
    areas.rules.push(Rect::new(area.x + left, area.y, 1, area.height));
}

fn column<const N: usize>(area: Rect, heights: [u16; N]) -> [Rect; N] {
    let mut y = area.y;
    heights.map(|height| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    })
}
