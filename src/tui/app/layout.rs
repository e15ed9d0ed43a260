//! Where the panes lie, for every size of the screen.

use ratatui::layout::Rect;

use super::pane::{Pane, Region};

/// Smallest screen anything useful fits on.
pub const SMALLEST: (u16, u16) = (40, 10);

/// Columns from which on text and waterfall are on the screen together.
const WIDE: u16 = 100;

/// Rows that the text has at least beside the waterfall, its heading among them.
const TEXT_ROWS: u16 = 8;

/// Text and waterfall grow and shrink by so many rows, so that they do not move at every step.
const ROWS_AT_ONCE: u16 = 4;

/// How the room is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Less than anything useful fits on.
    TooSmall,
    /// 80×24 and the like: one tabbed pane, and from 100 columns on the waterfall beside the text.
    Compact,
    /// 120×40 and the like: everything at once.
    Medium,
    /// 180×50 and more: the same with more room at the right.
    Large,
}

impl Size {
    /// The division for a screen.
    pub fn of(width: u16, height: u16) -> Self {
        if width < SMALLEST.0 || height < SMALLEST.1 {
            Self::TooSmall
        } else if width < WIDE || height < 30 {
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
    /// What lies in each region.
    pub panes: [Pane; Region::COUNT],
    /// Rows that they would like, if they would like so many.
    pub rows: [Option<usize>; Region::COUNT],
    /// Whether [`Region::Lowest`] takes the place of [`Region::Under`].
    pub lowest_only: bool,
    /// The pane that has the screen alone; `None` shows all.
    pub zoom: Option<Pane>,
}

impl Choice {
    /// What lies in a region.
    fn at(&self, region: Region) -> Pane {
        self.panes[region as usize]
    }

    /// What lies under the text, where there is room for one only.
    fn under(&self) -> Region {
        if self.lowest_only { Region::Lowest } else { Region::Under }
    }

    /// Rows that a region asks for with its heading, rounded up to [`ROWS_AT_ONCE`]; `None` for as many
    /// as there are.
    fn wanted(&self, region: Region) -> Option<u16> {
        let rows = self.rows[region as usize]?;
        let rows = u16::try_from(rows).unwrap_or(u16::MAX - ROWS_AT_ONCE).saturating_add(1);
        Some(rows.checked_next_multiple_of(ROWS_AT_ONCE).unwrap_or(u16::MAX))
    }
}

/// A divided screen. Panes include their heading row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Areas {
    /// The line with the title.
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
    /// Where vertical lines are drawn between panes.
    pub rules: Vec<Rect>,
}

impl Areas {
    /// Where a pane is.
    pub fn of(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|(at, _)| *at == pane).map(|(_, area)| *area)
    }
}

/// Divides the screen; `None` if it is too small.
pub fn divide(width: u16, height: u16, choice: &Choice) -> Option<Areas> {
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
    if !timeline_shown && choice.zoom != Some(choice.at(Region::LowerLeft)) {
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
        Size::Medium => {
            let low = (body.height / 4).clamp(6, 10);
            full(&mut areas, body, choice, (low, (width * 2 / 5).clamp(44, 56)));
        }
        Size::Large => {
            let low = (body.height / 5).clamp(8, 14);
            full(&mut areas, body, choice, (low, (width * 3 / 10).clamp(56, 76)));
        }
    }
    Some(areas)
}

/// Rows for what lies under the text: its heading and those it would like, at least two, at
/// most `most`; or a third of `height`.
fn rows_under(choice: &Choice, height: u16, most: u16) -> u16 {
    let Some(rows) = choice.rows[choice.under() as usize] else { return height / 3 };
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    wanted.clamp(2, most.max(2))
}

fn compact(areas: &mut Areas, body: Rect, choice: &Choice) {
    // Text, blocks and tabs share the rows 8 : 4 : 9.
    let tabs = (body.height * 9 / 21).clamp(3, 14);
    let [upper, c] = column(body, [body.height - tabs, tabs]);
    let run = choice.at(Region::Lowest);
    let mut second = choice.at(choice.under());
    let beside = body.width >= WIDE && choice.tab != run && second != run;
    let left = if beside { Rect { width: upper.width / 2, ..upper } } else { upper };
    let under = rows_under(choice, upper.height, upper.height * 2 / 5);
    let [a, b] = column(left, [upper.height - under, under]);
    if second == choice.tab {
        // The waterfall is up already; its tab would show it twice.
        second = choice.at(Region::Under);
    }
    areas.panes = vec![(choice.at(Region::Main), a), (second, b)];
    if beside {
        let rule = Rect { x: left.right(), width: 1, ..upper };
        let right = Rect { x: rule.right(), width: upper.width - left.width - 1, ..upper };
        areas.rules.push(rule);
        areas.panes.push((run, right));
    }
    areas.panes.push((choice.tab, c));
    areas.tabbed = true;
}

/// All panes at once: timeline and log in the lowest `low` rows, and at the right a column of `right`
/// cells.
fn full(areas: &mut Areas, body: Rect, choice: &Choice, (low, right): (u16, u16)) {
    let left = body.width - right - 1;
    let high = body.height - low;
    left_column(areas, Rect { width: left, height: high, ..body }, choice);
    right_column(areas, Rect::new(left + 1, body.y, right, high), choice);
    areas.rules.push(Rect::new(left, body.y, 1, high));
    lower(areas, Rect::new(0, body.y + high, body.width, low), choice);
}

/// Text, blocks and waterfall above each other. Text and blocks get the rows that they ask for, the
/// waterfall the rest; rows that the run does not fill go to a text that needs them.
fn left_column(areas: &mut Areas, area: Rect, choice: &Choice) {
    let shown = !choice.lowest_only;
    let under = if shown { rows_under(choice, area.height, area.height / 4) } else { 0 };
    let rest = area.height - under;
    let run = choice.wanted(Region::Lowest).map_or(rest, |rows| rows.min(rest));
    let most = (rest * 3 / 5).max(rest - run);
    let text = choice.wanted(Region::Main).unwrap_or(most).clamp(TEXT_ROWS.min(most), most);
    let [a, b, c] = column(area, [text, under, rest - text]);
    areas.panes.push((choice.at(Region::Main), a));
    if shown {
        areas.panes.push((choice.at(Region::Under), b));
    }
    areas.panes.push((choice.at(Region::Lowest), c));
}

/// Three panes above each other; the lowest gets the rows it would like, if that leaves enough.
fn right_column(areas: &mut Areas, area: Rect, choice: &Choice) {
    let most = area.height * if area.height < 40 { 3 } else { 4 } / 10;
    let wanted = choice.rows[Region::RightBottom as usize];
    let rows = wanted.map_or(most, |rows| u16::try_from(rows).unwrap_or(u16::MAX));
    let bottom = rows.saturating_add(1).min(most).max(5);
    let top = (area.height * 7 / 20).clamp(3, 15);
    let rows = column(area, [top, area.height - bottom - top, bottom]);
    let regions = [Region::RightTop, Region::RightMiddle, Region::RightBottom];
    areas.panes.extend(regions.map(|region| choice.at(region)).into_iter().zip(rows));
}

/// Timeline and log beside each other; the log's sentences need more room than a chart.
fn lower(areas: &mut Areas, area: Rect, choice: &Choice) {
    let log = (area.width / 2).max(area.width.min(132) * 11 / 20);
    let left = area.width - log - 1;
    let right = Rect { x: area.x + left + 1, width: log, ..area };
    areas.panes.push((choice.at(Region::LowerLeft), Rect { width: left, ..area }));
    areas.panes.push((choice.at(Region::LowerRight), right));
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
