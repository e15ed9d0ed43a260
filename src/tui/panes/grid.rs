//! Where it is unsure, at a glance: one row a block, one cell a position.

use std::ops::Range;

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    super::{
        app::{
            Action, App,
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text,
            theme::{self, Role},
        },
    },
    PaneView,
    canvas::{lost, mask_glyph, rewrites, scrollbar},
    influence,
};
use crate::{
    canvas::Origin,
    decode::{BlockLayout, PositionEffect, Verdict},
    inspect::Beside,
};

/// Cells of the margin: number and bracket.
const MARGIN: u16 = 5;

/// How positions lie in a pane.
struct Raster {
    blocks: BlockLayout,
    /// Cells a row holds; a block wider than the pane takes several rows.
    across: usize,
    rows_a_block: usize,
}

impl Raster {
    fn of(app: &App, inside: Rect) -> Self {
        let room = usize::from(inside.width.saturating_sub(MARGIN + 1)).max(1);
        let blocks = app.blocks();
        // A region shorter than a block takes no more cells than it has.
        let width = blocks.width().min(app.canvas().len() + blocks.lead()).max(1);
        let across = width.min(room);
        Self { blocks, across, rows_a_block: width.div_ceil(across) }
    }

    fn rows(&self, length: usize) -> usize {
        match length.checked_sub(1) {
            None => 0,
            Some(last) => self.row(last) + 1,
        }
    }

    fn row(&self, position: usize) -> usize {
        self.blocks.index(position) * self.rows_a_block + self.blocks.place(position) / self.across
    }

    fn first(&self, app: &App, rows: usize) -> usize {
        let most = self.rows(app.canvas().len()).saturating_sub(rows);
        self.row(app.display.position).saturating_sub(rows / 2).min(most)
    }

    /// The positions of a row, and the cell of the first one: the end of the prompt leaves cells of
    /// the first block empty.
    fn positions(&self, row: usize, length: usize) -> (Range<usize>, usize) {
        let (index, part) = (row / self.rows_a_block, row % self.rows_a_block);
        let block = self.blocks.range(index);
        let lead = if index == 0 { self.blocks.lead() } else { 0 };
        let places = part * self.across..(part + 1) * self.across;
        let start = block.start + places.start.saturating_sub(lead);
        let end = (block.start + places.end.saturating_sub(lead)).min(block.end).min(length);
        (start..end.max(start), lead.saturating_sub(places.start).min(self.across))
    }
}

/// Where it is unsure, at a glance.
pub struct BlocksPane;

impl Pane {
    pub const BLOCKS: Self = Self::new(&BlocksPane);
}

impl PaneView for BlocksPane {
    fn title(&self) -> &'static str {
        "Blocks"
    }

    fn region(&self) -> Region {
        Region::Under
    }

    fn tab(&self) -> Option<&'static str> {
        None
    }

    fn rows(&self, app: &App) -> Option<usize> {
        Some(app.blocks().count(app.canvas().len()))
    }

    fn summary(&self, app: &App, _area: Rect) -> String {
        let position = match (app.canvas().len(), app.confidence(app.display.position)) {
            (0, _) => String::new(),
            (_, None) => format!("position {}", app.display.position),
            (_, p) => format!("position {} · {}", app.display.position, text::probability(p)),
        };
        aside_title(app).or_else(|| influence::title(app)).unwrap_or(position)
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        app.move_by_block(action) || app.enter_position(action)
    }

    fn click(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        if let Some(position) = hit(app, area, x, y) {
            app.put(position);
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        app.move_to_block(down);
    }
}

/// The position under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<usize> {
    let inside = pen::inner(area);
    let raster = Raster::of(app, inside);
    let row = raster.first(app, usize::from(inside.height)) + usize::from(y.checked_sub(inside.y)?);
    let column = usize::from(x.checked_sub(inside.x + MARGIN)?);
    let (mut positions, empty) = raster.positions(row, app.canvas().len());
    positions.nth(column.checked_sub(empty)?)
}

/// Glyph and style of a position, seen from above.
pub fn cell(app: &App, position: usize) -> (&'static str, Style) {
    let theme = app.theme;
    let canvas = app.canvas();
    let Some(cell) = canvas.cells().get(position) else { return (" ", Style::new()) };
    if let Some(apart) = app.apart()
        && let Some(Some(compared)) = apart.positions.get(position)
    {
        return aside(app, *compared, apart.otherwise.contains(&position));
    }
    if let Some(drawn) = influence::cell(app, cell) {
        return drawn;
    }
    if let Some((sign, role)) = rewrites(app, position) {
        return (theme.sign(sign), theme.style(role));
    }
    if cell.is_given() {
        return (theme.sign(theme::GIVEN), theme.style(Role::Prompt));
    }
    if cell.token == canvas.special().eos {
        return (theme.sign(theme::EOS), theme.style(Role::Eos));
    }
    if cell.token != canvas.special().mask {
        let p = cell.filled.and_then(|step| app.history.confidence(cell.slot, step));
        return (theme.sign(theme::WRITTEN), ink_only(theme.style(Role::Written(p))));
    }
    let p = app.confidence(position);
    let bar = mask_glyph(app, position);
    if lost(app, position) {
        return (theme.sign(theme::LOST), theme.style(Role::Lost));
    }
    let (glyph, style) = match (app.verdict(position), app.effect(position)) {
        (_, Some(PositionEffect::Fill { .. })) => (theme.fill_glyph(p), theme.style(Role::FillBar)),
        (_, Some(PositionEffect::Expand { .. })) => {
            (theme.sign(theme::EXPANDS), theme.style(Role::Expand))
        }
        (Some(Verdict::Refused { .. }), _) => (bar, theme.style(Role::Refused)),
        _ => (bar, theme.style(Role::Heat(p))),
    };
    if matches!(cell.origin, Origin::Inserted { .. } | Origin::ByHand { .. }) {
        (glyph, style.add_modifier(Modifier::UNDERLINED))
    } else {
        (glyph, style)
    }
}

/// A position by how far the exact pass is away: a bar of the root of |Δ confidence|, since small
/// differences are the rule; another sign where the best token is another. Underlined: decided
/// otherwise.
fn aside(app: &App, compared: Beside, otherwise: bool) -> (&'static str, Style) {
    let root = Some(compared.delta.abs().min(1.0).sqrt());
    let (glyph, style) = match compared.changed {
        true => (app.theme.sign(theme::CHANGED), app.theme.style(Role::Warn)),
        false => (app.theme.heat_bar(root), app.theme.style(Role::Heat(root))),
    };
    match otherwise {
        true => (glyph, style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD)),
        false => (glyph, style),
    }
}

/// What the bars are, where they are not confidences.
fn aside_title(app: &App) -> Option<String> {
    if !app.debugger.exact {
        return None;
    }
    let Some(apart) = app.apart() else {
        let exact = app.debugger.session.exact_pass().is_err();
        return Some(if exact { "exact" } else { "exact pass …" }.to_owned());
    };
    let (_, most) = apart.largest().unwrap_or_default();
    let changed = apart.changed().len();
    Some(format!("√|Δ| · most {most:.3} · mean {:.4} · ≠ {changed}", apart.mean()))
}

/// A written token's style without the ground it has in the text.
fn ink_only(style: Style) -> Style {
    Style { bg: None, ..style }
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    let length = app.canvas().len();
    if inside.height == 0 || inside.width <= MARGIN + 1 {
        return;
    }
    let raster = Raster::of(app, inside);
    let rows = usize::from(inside.height);
    let first = raster.first(app, rows);
    let current = app.debugger.session.phase().block.filter(|block| !block.is_empty());
    let all = raster.rows(length);
    // While the bars compare two passes, no text stands beside them.
    let compared = app.debugger.exact || app.influence().is_some();
    let tallies = if compared { Vec::new() } else { app.history.blocks(app.step() as usize) };
    for row in first..all.min(first + rows) {
        let y = inside.y + u16::try_from(row - first).unwrap_or(0);
        let (positions, empty) = raster.positions(row, length);
        let index = row / raster.rows_a_block;
        let work = current.as_ref().is_some_and(|block| raster.blocks.index(block.start) == index);
        if row.is_multiple_of(raster.rows_a_block) {
            let number = index + 1;
            let role = if work { Role::Strong } else { Role::Dim };
            pen.say(inside.x, y, 3, &format!("{number:>3}"), role);
        }
        // The block in work is framed.
        let (sign, role) =
            if work { (theme::THICK, Role::FillInk) } else { (theme::VERTICAL, Role::Faint) };
        pen.sign(inside.x + MARGIN - 1 - 1, y, sign, role);
        let mut x = inside.x + MARGIN + u16::try_from(empty).unwrap_or(0);
        for position in positions {
            let (glyph, style) = cell(app, position);
            let style =
                if position == app.display.position { app.theme.cursor(style) } else { style };
            pen.glyph(x, y, glyph, style);
            x += 1;
        }
        if work {
            pen.sign(x, y, theme::THICK_END, Role::FillInk);
        }
        if let Some(tally) = tallies.get(index).filter(|_| row.is_multiple_of(raster.rows_a_block))
        {
            let room = usize::from(inside.right().saturating_sub(x + 2));
            let words = tally.words().into_iter().find(|words| text::width(words) <= room);
            pen.say(x + 2, y, room as u16, &words.unwrap_or_default(), Role::Dim);
        }
    }
    if all > rows {
        scrollbar(pen, area, first, rows, all);
    }
}
