//! Position × step: how confidence rose over the run. The newest step is the lowest row. On a short canvas
//! every position has several cells, which show the text of its token.

use ratatui::{layout::Rect, style::Modifier};

use super::{
    super::{
        app::{
            Action, App,
            interface::Effect,
            pane::{Pane, Region},
        },
        paint::{
            pen::{self, Pen},
            text::{self, ShownToken},
            theme::{self, Role},
        },
    },
    PaneView,
};
use crate::{
    canvas::{Origin, TokenId},
    decode::PositionEffect,
    predict::Column,
};

/// Cells of the step's number.
const MARGIN: u16 = 5;

/// Cells that a position may have, most first. The powers of two keep the scale steady while a canvas grows.
const CELLS: [usize; 4] = [8, 4, 2, 1];

/// From so many cells a position on, tokens are shown as text.
const TEXT_CELLS: usize = 4;

/// Confidence at every position over all steps.
pub struct WaterfallPane;

impl Pane {
    pub const WATERFALL: Self = Self::new(&WaterfallPane);
}

impl PaneView for WaterfallPane {
    fn title(&self) -> &'static str {
        "Waterfall"
    }

    fn region(&self) -> Region {
        Region::Lowest
    }

    fn rows(&self, app: &App) -> Option<usize> {
        Some(app.history.moments.len())
    }

    fn summary(&self, app: &App, area: Rect) -> String {
        let by = if app.display.align { "by identity" } else { "by number" };
        match GridWindow::of(app, pen::inner(area)).more() {
            0 => by.to_owned(),
            more => format!("{by} · → {more} more"),
        }
    }

    fn draw(&self, app: &App, pen: &mut Pen, area: Rect) {
        draw(app, pen, area);
    }

    fn draw_behind_tabs(&self, app: &App, pen: &mut Pen, area: Rect, from: u16) {
        let more = GridWindow::of(app, pen::inner(area)).more();
        let text = format!(" → {more} more ");
        let cells = u16::try_from(text::width(&pen.theme.say(&text))).unwrap_or(u16::MAX);
        if more > 0 && from.saturating_add(cells + 1) <= area.right() {
            pen.say(area.right() - cells - 1, area.y, cells, &text, Role::Dim);
        }
    }

    fn act(&self, app: &mut App, action: Action, _effects: &mut Vec<Effect>) -> bool {
        app.move_by_block(action) || app.enter_position(action)
    }

    fn click(&self, app: &mut App, area: Rect, x: u16, y: u16) {
        if let Some((position, step)) = hit(app, area, x, y) {
            app.go_step(step);
            if let Some(position) = position {
                app.put(position);
            }
        }
    }

    fn wheel(&self, app: &mut App, _area: Rect, down: bool) {
        app.move_to_block(down);
    }
}

/// What part of position × step is in view.
struct GridWindow {
    first_step: usize,
    first_column: usize,
    rows: usize,
    columns: usize,
    width: usize,
    /// Cells of a column.
    cells: usize,
}

impl GridWindow {
    fn of(app: &App, inside: Rect) -> Self {
        let rows = usize::from(inside.height);
        let here = app.step() as usize;
        let all = app.history.moments.len();
        // The step stood at is the lowest row until one looks back.
        let first_step = (here + 1).saturating_sub(rows).min(all.saturating_sub(1));
        let width = if app.display.align { app.history.width } else { app.canvas().len() };
        let room = usize::from(inside.width.saturating_sub(MARGIN));
        let cells = CELLS.into_iter().find(|cells| cells * width <= room).unwrap_or(1);
        let columns = room / cells;
        let cursor =
            column(app, app.display.position, app.display.slot).unwrap_or(app.display.position);
        let first_column = cursor.saturating_sub(columns / 2).min(width.saturating_sub(columns));
        Self { first_step, first_column, rows, columns, width, cells }
    }

    /// Columns out of view on the right.
    fn more(&self) -> usize {
        self.width.saturating_sub(self.first_column + self.columns)
    }
}

fn column(app: &App, position: usize, slot: Option<crate::canvas::Slot>) -> Option<usize> {
    if app.display.align { app.history.columns.get(&slot?).copied() } else { Some(position) }
}

/// The position (on the canvas as it stands) and the step under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<(Option<usize>, usize)> {
    let inside = pen::inner(area);
    let view = GridWindow::of(app, inside);
    let step = view.first_step + usize::from(y.checked_sub(inside.y)?);
    if step >= app.history.moments.len() {
        return None;
    }
    let wanted = view.first_column + usize::from(x.checked_sub(inside.x + MARGIN)?) / view.cells;
    let position = app
        .canvas()
        .cells()
        .iter()
        .enumerate()
        .position(|(position, cell)| column(app, position, Some(cell.slot)) == Some(wanted));
    Some((position, step))
}

/// Draws what is under the heading.
fn draw(app: &App, pen: &mut Pen, area: Rect) {
    let inside = pen::inner(area);
    if inside.height == 0 || inside.width <= MARGIN {
        return;
    }
    let view = GridWindow::of(app, inside);
    let here = app.step() as usize;
    let steps = view.first_step..app.history.moments.len().min(view.first_step + view.rows);
    for (row, step) in steps.enumerate() {
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        let role = if step == here { Role::Strong } else { Role::Dim };
        pen.say(inside.x, y, MARGIN - 1, &format!("{step:>4}"), role);
        draw_row(app, pen, inside, y, step, &view);
    }
}

fn draw_row(app: &App, pen: &mut Pen, inside: Rect, y: u16, step: usize, view: &GridWindow) {
    let theme = app.theme;
    let node = app.history.moments[step].node;
    let canvas = &app.debugger.session.timeline()[node].canvas;
    let special = canvas.special();
    let prediction = app.prediction_at(step);
    let decision = app.decision_at(step);
    for (position, cell) in canvas.cells().iter().enumerate() {
        let Some(at) = column(app, position, Some(cell.slot))
            .and_then(|column| column.checked_sub(view.first_column))
            .filter(|&at| at < view.columns)
        else {
            continue;
        };
        let x = inside.x + MARGIN + u16::try_from(at * view.cells).unwrap_or(0);
        let p = prediction.as_ref().and_then(|found| found.number(Column::PChoice, position));
        let effect = decision.and_then(|decision| decision.verdicts.get(position)?.effect());
        let bar = |glyph: &str| glyph.repeat(view.cells);
        let sign = |sign| theme.sign(sign).to_owned();
        let written = |token, short| match view.cells >= TEXT_CELLS {
            true => text_of(app, token, view.cells - 1),
            false => short,
        };
        let (shown, role) = match effect {
            Some(PositionEffect::Remask { .. } | PositionEffect::Delete) => {
                (sign(theme::REMASKS), Role::Remask)
            }
            Some(PositionEffect::Insert { .. }) => (sign(theme::EXPANDS), Role::Expand),
            Some(PositionEffect::Replace { token, .. }) => {
                (written(token, sign(theme::REPLACES)), Role::Replace)
            }
            _ if cell.is_given() => (written(cell.token, sign(theme::GIVEN)), Role::Prompt),
            _ if cell.token == special.eos => (sign(theme::EOS), Role::Eos),
            _ if cell.token != special.mask => (written(cell.token, sign(theme::IDLE)), Role::Dim),
            Some(PositionEffect::Fill { token, .. }) => {
                (written(token, bar(theme.fill_glyph(p))), Role::FillBar)
            }
            Some(PositionEffect::Expand { .. }) => (sign(theme::EXPANDS), Role::Expand),
            _ if prediction.is_some() => (bar(theme.heat_bar(p)), Role::Heat(p)),
            _ => (sign(theme::MASK), Role::Quiet),
        };
        let mut style = theme.style(role);
        if matches!(cell.origin, Origin::Inserted { .. } | Origin::ByHand { .. })
            && cell.token == special.mask
        {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        if Some(cell.slot) == app.display.slot && step == app.step() as usize {
            style = theme.cursor(style);
        }
        pen.put(x, y, u16::try_from(view.cells).unwrap_or(1), &shown, style);
    }
}

/// The text of a token, cut to `cells`, without the space before it.
fn text_of(app: &App, token: TokenId, cells: usize) -> String {
    let label = ShownToken::of(&*app.debugger.vocabulary, token).label(app.theme.ascii());
    let space = if app.theme.ascii() { '_' } else { '·' };
    let word = label.strip_prefix(space).filter(|word| !word.is_empty()).unwrap_or(&label);
    text::cut(word, cells).to_owned()
}
