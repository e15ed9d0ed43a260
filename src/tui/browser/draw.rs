//! Draws the list: a title, the headings, a row for each file, the selected run below or beside them, and a
//! line for messages and hints.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    FolderScreen, ListMode,
    columns::{self, PlacedColumn, ShownColumn},
    keys, preview,
};
use crate::{
    folder::{FolderRow, RowState, RunColumn},
    tui::{
        app::{Action, layout::SMALLEST},
        frame::{self, hints},
        paint::{
            pen::Pen,
            popup, text,
            theme::{self, Role},
        },
    },
};

/// From so many columns on the selected run stands beside the list.
const WIDE: u16 = 160;

/// From so many rows on the selected run stands below the list.
const HIGH: u16 = 16;

/// Where things are.
struct ListAreas {
    title: Rect,
    headings: Rect,
    rows: Rect,
    preview: Option<Rect>,
    bottom: Rect,
}

fn areas(screen: &FolderScreen) -> ListAreas {
    let (width, height) = (screen.width, screen.height);
    let bottom_rows = if height < 30 { 1 } else { 2 };
    let area = |x, y, width, height| Rect { x, y, width, height };
    let title = area(0, 0, width, 1.min(height));
    let bottom = area(0, height.saturating_sub(bottom_rows), width, bottom_rows.min(height));
    let between = height.saturating_sub(bottom_rows + 1);
    let (list, preview) = match (width >= WIDE, height >= HIGH) {
        (true, _) => {
            let beside = width / 3;
            let list = area(0, 1, width - beside, between);
            (list, Some(area(width - beside, 1, beside, between)))
        }
        (false, true) => {
            let below = (height / 3).clamp(8, 16);
            let list = area(0, 1, width, between - below);
            (list, Some(area(0, 1 + between - below, width, below)))
        }
        (false, false) => (area(0, 1, width, between), None),
    };
    let headings = Rect { height: 1.min(list.height), ..list };
    let rows = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    ListAreas { title, headings, rows, preview, bottom }
}

/// Rows of the list that there is room for.
pub(super) fn rows_shown(screen: &FolderScreen) -> usize {
    usize::from(areas(screen).rows.height)
}

/// The first row in view: the selected one is, with some before and behind it.
fn first_row(screen: &FolderScreen, room: usize) -> usize {
    let all = screen.list.rows().count();
    let at = screen.list.row_selected().unwrap_or(0);
    at.saturating_sub(room / 2).min(all.saturating_sub(room))
}

/// What is under a cell.
pub(super) enum ListHit {
    Row(usize),
    Heading(ShownColumn),
    /// The hint of an action.
    Hint(Action),
}

/// What is under this cell of the screen.
pub(super) fn hit(screen: &FolderScreen, x: u16, y: u16) -> Option<ListHit> {
    let areas = areas(screen);
    if let Some(line) = hint_line(screen, areas.bottom).filter(|line| line.y == y) {
        let all = keys::hints(&screen.keymap, screen.selecting);
        return hints::hit(screen.theme, &all, line, x).map(ListHit::Hint);
    }
    if areas.headings.contains((x, y).into()) {
        let placed = columns::placed(areas.headings.width, screen.list.longest_name());
        let under = placed.into_iter().rev().find(|placed| placed.x <= x)?;
        return Some(ListHit::Heading(under.column));
    }
    if !areas.rows.contains((x, y).into()) {
        return None;
    }
    let row = first_row(screen, usize::from(areas.rows.height)) + usize::from(y - areas.rows.y);
    (row < screen.list.rows().count()).then_some(ListHit::Row(row))
}

/// Draws the whole screen.
pub(super) fn draw(screen: &FolderScreen, buffer: &mut Buffer) {
    buffer.reset();
    let area = *buffer.area();
    let mut pen = Pen { buffer, theme: screen.theme };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("demask needs {}×{} cells", SMALLEST.0, SMALLEST.1);
        pen.say(area.x, area.y, area.width, &text, Role::Text);
    } else {
        let areas = areas(screen);
        title(screen, &mut pen, areas.title);
        let placed = columns::placed(areas.rows.width, screen.list.longest_name());
        headings(screen, &mut pen, areas.headings, &placed);
        rows(screen, &mut pen, areas.rows, &placed);
        if let Some(place) = areas.preview {
            preview::draw(screen.list.selected(), &mut pen, place);
        }
        bottom(screen, &mut pen, areas.bottom);
        if matches!(screen.mode, ListMode::Help) {
            help(screen, &mut pen, area);
        }
    }
    if screen.theme.ascii() {
        frame::to_ascii(buffer);
    }
}

fn title(screen: &FolderScreen, pen: &mut Pen, line: Rect) {
    let ascii = pen.theme.ascii();
    let safe = |text: &str| text::safe(text, ascii);
    let badge = " FOLDER ";
    let cells = u16::try_from(text::width(badge)).unwrap_or(0);
    pen.say(line.right().saturating_sub(cells + 1), line.y, cells, badge, Role::Replay);
    let counts = screen.list.counts();
    let some = |n: usize, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let runs = match counts.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let read = counts.files - counts.waiting;
    let reading = (counts.waiting > 0).then(|| format!("{read} of {} files read", counts.files));
    let filtered = !screen.filter.is_empty() || !screen.list.name().is_empty();
    let shown = filtered.then(|| format!("{} shown", counts.shown));
    let name = screen.list.name();
    let name = (!name.is_empty()).then(|| format!("name holds “{}”", safe(name)));
    let filter = (!screen.filter.is_empty()).then(|| safe(&screen.filter));
    let marked = some(screen.list.marked().count(), "marked");
    let rest = [
        reading,
        shown,
        filter,
        name,
        marked,
        some(counts.broken, "broken"),
        some(counts.importable, "to import"),
        some(counts.other, if counts.other == 1 { "other file" } else { "other files" }),
    ];
    let rest: Vec<String> = std::iter::once(runs).chain(rest.into_iter().flatten()).collect();
    let folder = safe(&screen.folder);
    let room = line.width.saturating_sub(cells + 3);
    pen.line(
        line.x + 1,
        line.y,
        room,
        &[
            ("demask  ", Role::Brand),
            (&folder, Role::Strong),
            ("  ", Role::Text),
            (&rest.join(" · "), Role::Dim),
        ],
    );
}

fn headings(screen: &FolderScreen, pen: &mut Pen, line: Rect, placed: &[PlacedColumn]) {
    pen.rule(line, Role::Faint);
    let (sorted, descending) = screen.list.order();
    for place in placed {
        let heading = match place.column {
            ShownColumn::Of(column) => column.heading(),
            ShownColumn::Curve => "curve",
        };
        let sign = if descending { theme::DESCENDING } else { theme::ASCENDING };
        let by = place.column == ShownColumn::Of(sorted);
        let (words, role) = match by {
            true => (format!("{heading}{}", pen.theme.sign(sign)), Role::Focused),
            false => (heading.to_owned(), Role::Heading),
        };
        let right = matches!(place.column, ShownColumn::Of(column) if column.is_number());
        let cells = u16::try_from(text::width(&words)).unwrap_or(u16::MAX).min(place.width);
        let x = line.x + place.x + if right { place.width - cells } else { 0 };
        let style = pen.theme.style(role);
        pen.put(x, line.y, cells, &words, style);
    }
}

fn rows(screen: &FolderScreen, pen: &mut Pen, area: Rect, placed: &[PlacedColumn]) {
    let room = usize::from(area.height);
    let first = first_row(screen, room);
    let selected = screen.list.row_selected();
    let longest = screen.list.longest();
    let shown = screen.list.rows().enumerate().skip(first).take(room);
    for ((at, row), y) in shown.zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        let here = selected == Some(at);
        draw_row(screen, pen, line, row, placed, longest);
        if here {
            pen.wash(Rect { width: area.width, ..line }, Role::Selected);
            pen.sign(line.x, y, theme::POINTER, Role::Key);
        }
    }
    if screen.list.rows().next().is_none() && area.height > 1 {
        let counts = screen.list.counts();
        let escape = screen.keymap.first(Action::Escape);
        let sentence = match (counts.waiting, screen.filter.is_empty(), screen.list.name()) {
            (1.., ..) => "The files are being read.".to_owned(),
            (0, true, "") => {
                "There is no recording in this folder. One that is written now appears here."
                    .to_owned()
            }
            _ => format!("No run of this folder is like that. {escape} shows all."),
        };
        let inside = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: 2 };
        pen.paragraph(inside, &sentence, Role::Dim);
    }
}

fn draw_row(
    screen: &FolderScreen,
    pen: &mut Pen,
    line: Rect,
    row: &FolderRow,
    placed: &[PlacedColumn],
    longest: u32,
) {
    if screen.list.is_marked(&row.file.path) {
        pen.sign(line.x + 2, line.y, theme::STOPPED, Role::Key);
    }
    for place in placed {
        let x = line.x + place.x;
        match place.column {
            ShownColumn::Curve => {
                if let Some(run) = row.run() {
                    preview::curve(
                        pen,
                        Rect { x, width: place.width, ..line },
                        &run.lengths,
                        longest,
                    );
                }
            }
            ShownColumn::Of(column) => {
                let words = text::safe(&column.text(row), pen.theme.ascii());
                let room = usize::from(place.width);
                // Paths differ at their ends.
                let words = match column {
                    RunColumn::Name => fit_end(&words, room),
                    _ => text::fit(&words, room),
                };
                let cells = u16::try_from(text::width(&words)).unwrap_or(place.width);
                let right = column.is_number();
                let x = if right { x + place.width.saturating_sub(cells) } else { x };
                let style = pen.theme.style(role(column, row));
                let words = pen.theme.say(&words);
                pen.put(x, line.y, place.width, &words, style);
            }
        }
    }
}

/// `text` in at most `width` cells: its end, with an ellipsis where it is cut.
fn fit_end(text: &str, width: usize) -> String {
    if text::width(text) <= width {
        return text.to_owned();
    }
    let end = text.char_indices().map(|(at, _)| &text[at..]);
    let fitting = end.into_iter().find(|end| text::width(end) < width);
    format!("…{}", fitting.unwrap_or_default())
}

/// How a cell of the list looks.
fn role(column: RunColumn, row: &FolderRow) -> Role {
    match (column, &row.state) {
        (RunColumn::Name, RowState::Read(_)) => Role::Strong,
        (RunColumn::Finding | RunColumn::Finish, RowState::Broken(_)) => Role::Bad,
        (RunColumn::Finding, RowState::Read(_)) => Role::Warn,
        (RunColumn::Length | RunColumn::Nfe, _) => Role::Text,
        _ => Role::Dim,
    }
}

/// Draws what is typed or said, and the hints.
fn bottom(screen: &FolderScreen, pen: &mut Pen, area: Rect) {
    let line = Rect { height: 1, ..area };
    let room = line.width.saturating_sub(2);
    let typed = match &screen.mode {
        ListMode::Name(input) => Some(("name holds: ", input)),
        ListMode::Filter(input) => Some(("at its end, or a query: ", input)),
        ListMode::List | ListMode::Help => None,
    };
    if let Some((prompt, input)) = typed {
        let used = pen.say(line.x + 1, area.bottom() - 1, room, prompt, Role::Key);
        let field = Rect {
            x: line.x + 1 + used,
            y: area.bottom() - 1,
            width: room.saturating_sub(used),
            height: 1,
        };
        pen.field(field, input);
    }
    let opening = screen.opening.as_ref().map(|opening| {
        let escape = screen.keymap.first(Action::Escape);
        (Role::Text, format!("opening {}; {escape} stops it", opening.name))
    });
    let spoken = opening.or_else(|| screen.message.clone());
    if let Some((role, sentence)) = &spoken {
        // What is said of a text that is typed stands above it, over whatever is there.
        let over = typed.is_some() && area.height < 2;
        let line = if over { Rect { y: line.y.saturating_sub(1), ..line } } else { line };
        if over {
            pen.put(line.x, line.y, line.width, &" ".repeat(line.width.into()), Style::reset());
        }
        let sentence = text::safe(&pen.theme.say(sentence), pen.theme.ascii());
        pen.put(line.x + 1, line.y, room, &sentence, pen.theme.style(*role));
    }
    if let Some(line) = hint_line(screen, area) {
        hints::draw(pen, &keys::hints(&screen.keymap, screen.selecting), line);
    }
}

/// The line of the hints, if nothing typed or said takes its place.
fn hint_line(screen: &FolderScreen, bottom: Rect) -> Option<Rect> {
    let typed = matches!(screen.mode, ListMode::Name(_) | ListMode::Filter(_));
    let spoken = screen.opening.is_some() || screen.message.is_some();
    let there = !typed && (!spoken || bottom.height > 1) && bottom.height > 0;
    there.then(|| Rect { y: bottom.bottom() - 1, height: 1, ..bottom })
}

/// Draws the box with the keys.
fn help(screen: &FolderScreen, pen: &mut Pen, area: Rect) {
    const KEYS: u16 = 18;
    const WIDTH: u16 = 90;
    let rows = keys::rows(&screen.keymap);
    let width = WIDTH.min(area.width.saturating_sub(4));
    let room = usize::from(width.saturating_sub(KEYS + 5)).max(1);
    let lines: Vec<(String, String)> = rows
        .into_iter()
        .flat_map(|(keys, help)| {
            let lines = text::wrap(&pen.theme.say(help), room).into_iter().enumerate();
            let lines =
                lines.map(|(at, line)| (if at == 0 { keys.clone() } else { String::new() }, line));
            lines.collect::<Vec<_>>()
        })
        .collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let closes = screen.keymap.first(Action::Help);
    let place = popup::middle(area, (width, height));
    let inside = popup::frame(pen, place, " The runs of a folder ", &format!(" {closes} closes "));
    for (y, (keys, help)) in (inside.y..inside.bottom()).zip(lines) {
        pen.say(inside.x, y, KEYS, &keys, Role::Key);
        let x = inside.x + KEYS + 1;
        pen.say(x, y, inside.width.saturating_sub(KEYS + 1), &help, Role::Text);
    }
}
