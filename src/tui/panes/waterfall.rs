//! Position × step: how confidence rose over the run. The newest step is the lowest row. On a short canvas
//! every position has several cells, which show the text of its token; in a short run every step has
//! several rows, which show the tokens that the model guesses and how sure it is of each.

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

/// How many guesses of a position the rows of a step may show, most first. Each has a row for its text and
/// one for its probability.
const GUESSES: [usize; 3] = [3, 2, 1];

/// Rows of a guess.
const GUESS_ROWS: usize = 2;

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
    /// Steps that have room.
    steps: usize,
    columns: usize,
    width: usize,
    /// Cells of a column.
    cells: usize,
    /// Guesses that a step shows of each mask; 0 where a step has one row.
    guesses: usize,
}

impl GridWindow {
    fn of(app: &App, inside: Rect) -> Self {
        let rows = usize::from(inside.height);
        let here = app.step() as usize;
        let all = app.history.moments.len();
        let width = if app.display.align { app.history.columns.width } else { app.canvas().len() };
        let room = usize::from(inside.width.saturating_sub(MARGIN));
        let cells = CELLS.into_iter().find(|cells| cells * width <= room).unwrap_or(1);
        let fits = |guesses: &usize| guesses * GUESS_ROWS * all <= rows && cells >= TEXT_CELLS;
        let guesses = GUESSES.into_iter().find(fits).unwrap_or(0);
        let steps = rows / step_rows(guesses);
        // The step stood at is the lowest one until one looks back.
        let first_step = (here + 1).saturating_sub(steps).min(all.saturating_sub(1));
        let columns = room / cells;
        let cursor =
            column(app, app.display.position, app.display.slot).unwrap_or(app.display.position);
        let first_column = cursor.saturating_sub(columns / 2).min(width.saturating_sub(columns));
        Self { first_step, first_column, steps, columns, width, cells, guesses }
    }

    /// The step that a row of the pane belongs to.
    fn step(&self, row: u16) -> usize {
        self.first_step + usize::from(row) / step_rows(self.guesses)
    }

    /// Columns out of view on the right.
    fn more(&self) -> usize {
        self.width.saturating_sub(self.first_column + self.columns)
    }
}

/// Rows of a step that shows so many guesses.
fn step_rows(guesses: usize) -> usize {
    (guesses * GUESS_ROWS).max(1)
}

fn column(app: &App, position: usize, slot: Option<crate::canvas::Slot>) -> Option<usize> {
    if app.display.align { app.history.columns.of.get(&slot?).copied() } else { Some(position) }
}

/// The position (on the canvas as it stands) and the step under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<(Option<usize>, usize)> {
    let inside = pen::inner(area);
    let view = GridWindow::of(app, inside);
    let step = view.step(y.checked_sub(inside.y)?);
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
    let steps = view.first_step..app.history.moments.len().min(view.first_step + view.steps);
    for (at, step) in steps.enumerate() {
        let y = inside.y + u16::try_from(at * step_rows(view.guesses)).unwrap_or(0);
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
            _ if view.guesses > 0 && prediction.is_some() => {
                let guess = prediction.as_ref().and_then(|found| found.guess(position));
                let text = guess.map(|token| match token == special.eos {
                    true => sign(theme::EOS),
                    false => written(token, sign(theme::MASK)),
                });
                (text.unwrap_or_else(|| bar(theme.heat_bar(p))), Role::Ghost(p))
            }
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
        let cells = u16::try_from(view.cells).unwrap_or(1);
        pen.put(x, y, cells, &shown, style);
        if let Some(prediction) = prediction.as_deref().filter(|_| cell.token == special.mask) {
            draw_guesses(app, pen, (x, y, cells), prediction.top_k(position), view.guesses);
        }
    }
}

/// The guesses for a mask under its first row, which shows the first one's text: each with a bar under
/// it. `at`: column, row and width.
fn draw_guesses(
    app: &App,
    pen: &mut Pen,
    (x, y, cells): (u16, u16, u16),
    ranked: &[(TokenId, f32)],
    guesses: usize,
) {
    let eos = app.canvas().special().eos;
    for (rank, &(token, p)) in (0_u16..).zip(ranked.iter().take(guesses)) {
        let y = y + 2 * rank;
        if rank > 0 {
            let text = match token == eos {
                true => app.theme.sign(theme::EOS).to_owned(),
                false => text_of(app, token, usize::from(cells) - 1),
            };
            pen.put(x, y, cells, &text, app.theme.style(Role::Ghost(Some(p))));
        }
        let bar = app.theme.heat_bar(Some(p)).repeat(usize::from(cells) - 1);
        pen.put(x, y + 1, cells, &bar, app.theme.style(Role::Heat(Some(p))));
    }
}

/// The text of a token, cut to `cells`, without the space before it.
fn text_of(app: &App, token: TokenId, cells: usize) -> String {
    let label = ShownToken::of(&*app.debugger.vocabulary, token).label(app.theme.ascii());
    let space = if app.theme.ascii() { '_' } else { '·' };
    let word = label.strip_prefix(space).filter(|word| !word.is_empty()).unwrap_or(&label);
    text::cut(word, cells).to_owned()
}
