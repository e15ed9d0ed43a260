//! Where the panes lie, for every size of the screen.

use ratatui::layout::Rect;

use super::pane::{Pane, Region};

/// Smallest screen anything useful fits on.
pub const SMALLEST: (u16, u16) = (40, 10);

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
    /// What lies in each region.
    pub panes: [Pane; Region::COUNT],
    /// Rows that they would like, if they would like so many.
    pub rows: [Option<usize>; Region::COUNT],
    /// What is right of [`Region::Under`] in its stead, where there is room for one only.
    pub under_right: bool,
    /// The pane that has the screen alone; `None` shows all.
    pub zoom: Option<Pane>,
}

impl Choice {
    /// What lies in a region.
    fn at(&self, region: Region) -> Pane {
        self.panes[region as usize]
    }

    /// What lies under the largest pane, where there is room for one only.
    fn under(&self) -> Region {
        if self.under_right { Region::UnderRight } else { Region::Under }
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
        Size::Medium => medium(&mut areas, body, choice),
        Size::Large => large(&mut areas, body, choice),
    }
    Some(areas)
}

/// Rows for what lies under the largest pane: its heading and those it would like, at least two, at
/// most `most`; or a third of `height`.
fn rows_under(choice: &Choice, height: u16, most: u16) -> u16 {
    let Some(rows) = choice.rows[choice.under() as usize] else { return height / 3 };
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    wanted.clamp(2, most.max(2))
}

fn compact(areas: &mut Areas, body: Rect, choice: &Choice) {
    // Canvas, grid and tabs share the rows 8 : 4 : 9.
    let tabs = (body.height * 9 / 21).clamp(3, 14);
    let rest = body.height - tabs;
    let under = rows_under(choice, rest, rest * 2 / 5);
    let [a, b, c] = column(body, [rest - under, under, tabs]);
    let mut second = choice.at(choice.under());
    if second == choice.tab {
        // The waterfall is up already; its tab would show it twice.
        second = choice.at(Region::Under);
    }
    areas.panes = vec![(choice.at(Region::Main), a), (second, b), (choice.tab, c)];
    areas.tabbed = true;
}

fn medium(areas: &mut Areas, body: Rect, choice: &Choice) {
    let low = (body.height / 4).clamp(6, 10);
    let right = (body.width * 2 / 5).clamp(44, 56);
    let left = body.width - right - 1;
    let high = body.height - low;
    let under = rows_under(choice, high, high / 3);
    let [a, b] = column(Rect::new(0, body.y, left, high), [high - under, under]);
    areas.panes = vec![(choice.at(Region::Main), a), (choice.at(choice.under()), b)];
    right_column(areas, Rect::new(left + 1, body.y, right, high), choice);
    areas.rules.push(Rect::new(left, body.y, 1, high));
    lower(areas, Rect::new(0, body.y + high, body.width, low), choice);
}

fn large(areas: &mut Areas, body: Rect, choice: &Choice) {
    let low = (body.height / 5).clamp(8, 14);
    let right = (body.width * 3 / 10).clamp(56, 76);
    let left = body.width - right - 1;
    let high = body.height - low;
    let under = (high * 2 / 5).max(8);
    let y = body.y + high - under;
    let half = (left - 1) / 2;
    areas.panes = vec![
        (choice.at(Region::Main), Rect::new(0, body.y, left, high - under)),
        (choice.at(Region::Under), Rect::new(0, y, half, under)),
        (choice.at(Region::UnderRight), Rect::new(half + 1, y, left - half - 1, under)),
    ];
    areas.rules.push(Rect::new(half, y, 1, under));
    right_column(areas, Rect::new(left + 1, body.y, right, high), choice);
    areas.rules.push(Rect::new(left, body.y, 1, high));
    lower(areas, Rect::new(0, body.y + high, body.width, low), choice);
}

/// Three panes above each other; the lowest gets the rows it would like, if that leaves enough.
fn right_column(areas: &mut Areas, area: Rect, choice: &Choice) {
    let most = area.height * 3 / 10;
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
