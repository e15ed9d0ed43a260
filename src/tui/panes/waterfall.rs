//! Position × step: how confidence rose over the run. The newest step is the lowest row. On a short canvas
//! every position has several cells, which show the text of its token. In a short run every step has
//! several rows: positions go on in the next line, and under each mask are the tokens that the model
//! guesses and how sure it is of each.

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

/// Cells of a position and guesses shown of each mask, the best to look at first. Each guess has a row for
/// its text and one for its probability; without guesses, positions have one row.
const SCALES: [(usize, usize); 10] =
    [(8, 3), (8, 2), (8, 1), (4, 3), (4, 2), (4, 1), (8, 0), (4, 0), (2, 0), (1, 0)];

/// From so many cells a position on, tokens are shown as text.
const TEXT_CELLS: usize = 4;

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
    width: usize,
    scale: GridScale,
}

/// How large a step is drawn.
#[derive(Clone, Copy)]
struct GridScale {
    /// Cells of a column.
    cells: usize,
    /// Guesses that a step shows of each mask; 0 where a position has one row.
    guesses: usize,
    /// Columns of a line.
    columns: usize,
    /// Lines of a step.
    lines: usize,
}

impl GridScale {
    /// The best to look at for so many positions and steps in so much room: all steps are in view, or
    /// each has one row.
    fn of(width: usize, steps: usize, (room, rows): (usize, usize)) -> Self {
        // While a run grows, its scale seldom changes.
        let steps = steps.next_power_of_two().min(steps.max(rows));
        let with_room = SCALES.into_iter().filter(|&(cells, _)| cells <= room);
        let scales = with_room.map(|(cells, guesses)| {
            let columns = room / cells;
            let lines = width.div_ceil(columns).max(1);
            Self { cells, guesses, columns, lines }
        });
        // Where all is bars, one looks along a column from step to step: steps have one line there.
        let fits = |scale: &Self| match scale.guesses {
            0 => scale.lines == 1,
            _ => scale.rows() * steps <= rows,
        };
        let whole = { scales }.find(fits);
        whole.unwrap_or(Self { cells: 1, guesses: 0, columns: room.max(1), lines: 1 })
    }

    /// Rows of a line.
    fn line_rows(self) -> usize {
        (self.guesses * GUESS_ROWS).max(1)
    }

    /// Rows of a step.
    fn rows(self) -> usize {
        self.lines * self.line_rows()
    }
}

impl GridWindow {
    fn of(app: &App, inside: Rect) -> Self {
        let rows = usize::from(inside.height);
        let here = app.step() as usize;
        let all = app.history.moments.len();
        let width = if app.display.align { app.history.columns.width } else { app.canvas().len() };
        let room = usize::from(inside.width.saturating_sub(MARGIN));
        let scale = GridScale::of(width, all, (room, rows));
        let steps = rows / scale.rows();
        // The step stood at is the lowest one until one looks back.
        let first_step = (here + 1).saturating_sub(steps).min(all.saturating_sub(1));
        let cursor =
            column(app, app.display.position, app.display.slot).unwrap_or(app.display.position);
        let columns = scale.columns * scale.lines;
        let first_column = cursor.saturating_sub(columns / 2).min(width.saturating_sub(columns));
        Self { first_step, first_column, steps, width, scale }
    }

    /// Columns that have room.
    fn columns(&self) -> usize {
        self.scale.columns * self.scale.lines
    }

    /// The step that a row of the pane belongs to.
    fn step(&self, row: u16) -> usize {
        self.first_step + usize::from(row) / self.scale.rows()
    }

    /// Columns out of view on the right.
    fn more(&self) -> usize {
        self.width.saturating_sub(self.first_column + self.columns())
    }
}

fn column(app: &App, position: usize, slot: Option<crate::canvas::Slot>) -> Option<usize> {
    if app.display.align { app.history.columns.of.get(&slot?).copied() } else { Some(position) }
}

/// The position (on the canvas as it stands) and the step under a cell of the pane.
fn hit(app: &App, area: Rect, x: u16, y: u16) -> Option<(Option<usize>, usize)> {
    let inside = pen::inner(area);
    let view = GridWindow::of(app, inside);
    let row = y.checked_sub(inside.y)?;
    let step = view.step(row);
    if step >= app.history.moments.len() {
        return None;
    }
    let scale = view.scale;
    let line = usize::from(row) % scale.rows() / scale.line_rows();
    let at = usize::from(x.checked_sub(inside.x + MARGIN)?) / scale.cells;
    let wanted = view.first_column + line * scale.columns + at;
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
        let y = inside.y + u16::try_from(at * view.scale.rows()).unwrap_or(0);
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
    let scale = view.scale;
    for (position, cell) in canvas.cells().iter().enumerate() {
        let Some(at) = column(app, position, Some(cell.slot))
            .and_then(|column| column.checked_sub(view.first_column))
            .filter(|&at| at < view.columns())
        else {
            continue;
        };
        let (line, at) = (at / scale.columns, at % scale.columns);
        let x = inside.x + MARGIN + u16::try_from(at * scale.cells).unwrap_or(0);
        let y = y + u16::try_from(line * scale.line_rows()).unwrap_or(0);
        let p = prediction.as_ref().and_then(|found| found.number(Column::PChoice, position));
        let effect = decision.and_then(|decision| decision.verdicts.get(position)?.effect());
        let bar = |glyph: &str| glyph.repeat(scale.cells);
        let sign = |sign| theme.sign(sign).to_owned();
        let written = |token, short| match scale.cells >= TEXT_CELLS {
            true => text_of(app, token, scale.cells - 1),
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
            _ if scale.guesses > 0 && prediction.is_some() => {
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
        let cells = u16::try_from(scale.cells).unwrap_or(1);
        pen.put(x, y, cells, &shown, style);
        if let Some(prediction) = prediction.as_deref().filter(|_| cell.token == special.mask) {
            draw_guesses(app, pen, (x, y, cells), prediction.top_k(position), scale.guesses);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_as_large_as_all_steps_allow() {
        for (positions, steps, room, expected) in [
            // Three steps of forty positions: three lines each of eight cells, with one guess.
            (40, 3, (133, 32), (8, 1, 3)),
            (16, 1, (133, 32), (8, 3, 1)),
            (16, 40, (133, 32), (8, 0, 1)),
            (40, 40, (133, 32), (2, 0, 1)),
            (100, 40, (133, 32), (1, 0, 1)),
            // More than there is room for: the rest is reached by moving.
            (500, 40, (133, 32), (1, 0, 1)),
            (0, 1, (1, 1), (1, 0, 1)),
            (500, 1, (0, 0), (1, 0, 1)),
        ] {
            let scale = GridScale::of(positions, steps, room);
            assert_eq!((scale.cells, scale.guesses, scale.lines), expected, "{positions} {steps}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_position_of_every_step_has_its_place(
            positions in 0_usize..300,
            steps in 1_usize..80,
            room in (1_usize..200, 1_usize..60),
        ) {
            let scale = GridScale::of(positions, steps, room);
            proptest::prop_assert!(scale.columns * scale.cells <= room.0);
            if scale.guesses > 0 {
                proptest::prop_assert!(scale.columns * scale.lines >= positions);
                proptest::prop_assert!(scale.rows() * steps <= room.1);
            }
        }
    }
}
