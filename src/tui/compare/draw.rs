//! The screen of a comparison: runs beside or above each other, each the canvas as the debugger
//! shows it under a line of figures. A token that run 1 does not have is bold and underlined.

use std::collections::HashSet;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    super::{
        app::{keymap::Binding, layout::SMALLEST, pane::Pane},
        frame::{self, hints, slow::Slow},
        paint::{
            pen::Pen,
            popup, text,
            theme::{self, Role},
        },
        panes::{canvas, inspector},
    },
    ComparedRun, ComparisonScreen, keys,
};
use crate::compare::{Figures, RunPath};

/// The narrowest run beside another, cells.
const NARROWEST: u16 = 38;
/// The lowest run above another: heading, figures and some text.
const LOWEST: u16 = 5;

/// A run's number and where it is.
type RunArea = (usize, Rect);

/// Where the runs are, with rules between columns: as many as fit, the one in focus among them.
fn places(comparison: &ComparisonScreen) -> (Vec<RunArea>, Vec<Rect>) {
    let bottom = bottom_rows(comparison.height) + strip(comparison).map_or(0, |strip| strip.height);
    let area = Rect::new(0, 1, comparison.width, comparison.height.saturating_sub(1 + bottom));
    let count = comparison.lockstep.runs.len().max(1);
    let most_columns = usize::from((area.width / NARROWEST).max(1));
    let most_rows = usize::from((area.height / LOWEST).max(1));
    let shown = count.min(most_columns.saturating_mul(most_rows)).max(1);
    // As many columns as are needed and no more: the runs are as wide as they can be.
    let rows = shown.div_ceil(most_columns.min(shown)).max(1);
    let columns = shown.div_ceil(rows).max(1);
    let first = comparison.focus / shown * shown;
    let cells = |all: u16, parts: usize, at: usize| {
        let (all, parts) = (usize::from(all), parts.max(1));
        let (from, to) = (all * at / parts, all * (at + 1) / parts);
        (from as u16, (to - from) as u16)
    };
    let mut places = Vec::new();
    let mut rules = Vec::new();
    for at in 0..shown.min(count - first.min(count)) {
        let (x, width) = cells(area.width, columns, at % columns);
        let (y, height) = cells(area.height, rows, at / columns);
        let ruled = u16::from(at % columns > 0);
        let place =
            Rect { x: x + ruled, y: area.y + y, width: width.saturating_sub(ruled), height };
        if ruled > 0 {
            rules.push(Rect { x, width: 1, ..place });
        }
        places.push((first + at, place));
    }
    (places, rules)
}

/// Rows at the bottom: message and hints share one on a small screen.
fn bottom_rows(height: u16) -> u16 {
    if height < 30 { 1 } else { 2 }
}

/// Where the strip of a recorded pair's steps is, if the screen has room for it.
fn strip(comparison: &ComparisonScreen) -> Option<Rect> {
    const LOWEST: u16 = 16;
    let (width, height) = (comparison.width, comparison.height);
    let shown = comparison.recorded() && comparison.last_step() > 0 && height >= LOWEST;
    let y = height.checked_sub(bottom_rows(height) + 1)?;
    shown.then(|| Rect::new(1, y, width.saturating_sub(2), 1))
}

/// Columns of the strip: one a step, or the steps shared out.
fn columns(strip: Rect, last: usize) -> usize {
    usize::from(strip.width).min(last + 1).max(1)
}

/// The steps as a strip: where they differ, and where one stands.
fn draw_strip(comparison: &ComparisonScreen, pen: &mut Pen, strip: Rect) {
    let last = comparison.last_step();
    let columns = columns(strip, last);
    let run = comparison.lockstep.runs.get(comparison.focus.max(1));
    let differs = run.map(|run| run.differing.as_slice()).unwrap_or_default();
    let column = |step: usize| step * columns / (last + 1);
    let here = column(comparison.lockstep.step().min(last));
    for at in 0..columns {
        let x = strip.x + u16::try_from(at).unwrap_or(0);
        let (from, to) =
            ((at * (last + 1)).div_ceil(columns), ((at + 1) * (last + 1)).div_ceil(columns));
        // The differences are told by step from 1.
        let some = (from.max(1)..to).any(|step| differs.get(step - 1) == Some(&true));
        match (at == here, some) {
            (true, _) => pen.sign(x, strip.y, theme::PLAYHEAD, Role::Key),
            (false, true) => pen.sign(x, strip.y, theme::CHANGED, Role::Warn),
            (false, false) => pen.sign(x, strip.y, theme::IDLE, Role::Quiet),
        }
    }
}

/// Draws the whole screen of a comparison.
pub(super) fn draw(comparison: &ComparisonScreen, buffer: &mut Buffer) {
    buffer.reset();
    let area = *buffer.area();
    let mut pen = Pen { buffer, theme: comparison.theme };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("demask needs {}×{} cells", SMALLEST.0, SMALLEST.1);
        pen.say(area.x, area.y, area.width, &text, Role::Text);
    } else {
        let (places, rules) = places(comparison);
        title(comparison, &mut pen, Rect { height: 1, ..area }, &places);
        for (at, place) in places {
            if let Some(run) = comparison.lockstep.runs.get(at) {
                draw_run(run, &mut pen, place, at, at == comparison.focus);
            }
        }
        frame::join(&mut pen, &rules);
        if let Some(strip) = strip(comparison) {
            draw_strip(comparison, &mut pen, strip);
        }
        bottom(comparison, &mut pen, area);
        if comparison.help {
            help(comparison, &mut pen, area);
        }
    }
    if comparison.theme.ascii() {
        frame::to_ascii(buffer);
    }
}

fn draw_run(run: &ComparedRun, pen: &mut Pen, area: Rect, at: usize, focused: bool) {
    let label = text::safe(&run.label, pen.theme.ascii());
    let name = format!("{} {label}", at + 1);
    pen.heading(area, &name, focused, &canvas::next(&run.app));
    if area.height < 3 {
        return;
    }
    let inside =
        Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: 1 };
    let line = pen.fitting(&figures(run), inside.width);
    pen.say(inside.x, inside.y, inside.width, &line, Role::Dim);
    let (above, below) = parts(area);
    Pane::CANVAS.draw(&run.app, pen, above);
    if let Some((room, summary)) = below.zip(inspector::in_short(&run.app)) {
        let safe = text::safe(&summary, pen.theme.ascii());
        pen.paragraph(room, &safe, if focused { Role::Text } else { Role::Dim });
    }
}

/// A run's canvas under its figures, and where it has the room, what is said of the position under
/// its cursor.
fn parts(run: Rect) -> (Rect, Option<Rect>) {
    const ROOMY: u16 = 14;
    const SAID: u16 = 3;
    let canvas = Rect { y: run.y + 1, height: run.height.saturating_sub(1), ..run };
    if run.height < ROOMY {
        return (canvas, None);
    }
    let below = Rect { x: run.x + 1, y: run.bottom() - SAID, width: run.width - 2, height: SAID };
    (Rect { height: canvas.height - SAID, ..canvas }, Some(below))
}

/// Where a run is and its figures, from long to short.
fn figures(run: &ComparedRun) -> Vec<String> {
    let session = &run.app.debugger.session;
    let figures = Figures::of(RunPath::here(session));
    let phase = session.phase();
    let blocks = run.app.blocks();
    let block = phase.block.filter(|block| !block.is_empty());
    let block = block.map_or_else(String::new, |block| {
        format!(" block {}/{}", blocks.index(block.start) + 1, blocks.count(run.app.canvas().len()))
    });
    let ratio = figures.e_ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    let (step, stage, nfe) = (session.node().depth, phase.stage, figures.nfe);
    let n = figures.n_token;
    let finish = figures.finish.map_or("", |finish| finish.name());
    let end = if finish.is_empty() { String::new() } else { format!(" · {finish}") };
    let rewritten: String = [(figures.remasked, "remasked"), (figures.replaced, "replaced")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!(" · {n} {what}"))
        .collect();
    vec![
        format!(
            "step {step} · stage {stage}{block} · N_token {n} · E_token {} · E_ratio {ratio} · \
             NFE {nfe}{rewritten}{end}",
            figures.e_token
        ),
        format!(
            "step {step} · stage {stage}{block} · N {n} · E/N {ratio} · NFE {nfe}{rewritten}{end}"
        ),
        format!("step {step} · stage {stage} · N {n} · E/N {ratio} · NFE {nfe}{end}"),
        format!("step {step} N {n} E/N {ratio} NFE {nfe} {finish}"),
        format!("{step} N {n} E/N {ratio} NFE {nfe} {finish}"),
    ]
}

fn title(comparison: &ComparisonScreen, pen: &mut Pen, line: Rect, places: &[RunArea]) {
    let runs = &comparison.lockstep.runs;
    let state = match comparison.busy {
        Some(busy) => format!("BUSY {}/{}", busy.progress.done, busy.progress.of),
        None if comparison.over() => "DONE".to_owned(),
        None if comparison.running => format!("RUNNING {}", comparison.speed_name()),
        None => "PAUSED".to_owned(),
    };
    let recording = runs.iter().any(|run| run.app.storage.recording.is_some());
    let source = match comparison.recorded() {
        true => (" REPLAY ".to_owned(), Role::Replay),
        false => (" LIVE ".to_owned(), Role::Live),
    };
    let mut badges = vec![source, (format!(" {state} "), Role::State)];
    if recording {
        badges.insert(0, (" REC ".to_owned(), Role::Recording));
    }
    let width: usize = badges.iter().map(|(badge, _)| text::width(badge) + 1).sum();
    let mut x = line.right().saturating_sub(u16::try_from(width).unwrap_or(line.width));
    let room = x.saturating_sub(line.x + 2);
    for (badge, role) in badges {
        x += pen.say(x, line.y, line.right().saturating_sub(x), &badge, role) + 1;
    }
    let passes: usize = runs.iter().map(|run| run.app.debugger.session.passes()).sum();
    let shown = match (places.first(), places.last()) {
        (Some((first, _)), Some((last, _))) if places.len() < runs.len() => {
            format!("runs {}–{} of {}", first + 1, last + 1, runs.len())
        }
        _ => format!("{} runs", runs.len()),
    };
    let step = format!("step {}", comparison.lockstep.step());
    let models: HashSet<usize> = runs.iter().map(|run| run.model).collect();
    let model = match (models.len(), runs.first()) {
        (2.., _) => format!("{} models", models.len()),
        (_, run) => {
            let name = run.map(|run| text::safe(&run.app.facts.name, pen.theme.ascii()));
            text::fit(&name.unwrap_or_default(), 20)
        }
    };
    let known = comparison.lockstep.runs.get(comparison.focus.max(1));
    let known = known.map_or(0, |run| run.differing.iter().filter(|&&differs| differs).count());
    let what = match comparison.recorded() {
        true => format!("{known} of {} steps differ", comparison.last_step()),
        false => format!("{model} · {passes} passes"),
    };
    let long = format!("{shown} · {what}");
    // With one line at the bottom for everything, where runs part is said here.
    let parting =
        comparison.parting(comparison.focus).filter(|_| bottom_rows(comparison.height) == 1);
    let first = parting.unwrap_or_else(|| long.clone());
    let wordings = [first, long, shown, String::new()];
    let rest = pen.fitting(&wordings, room.saturating_sub(20));
    let parts =
        [("demask  ", Role::Brand), (&step, Role::Strong), ("  ", Role::Text), (&rest, Role::Dim)];
    pen.line(line.x + 1, line.y, room, &parts);
}

/// The line of the hints, if nothing said takes its place.
fn hint_line(comparison: &ComparisonScreen, area: Rect) -> Option<Rect> {
    let rows = bottom_rows(area.height);
    if rows > 1 {
        return Some(Rect { y: area.bottom() - 1, height: 1, ..area });
    }
    let line = Rect { y: area.bottom() - rows, height: 1, ..area };
    let look = (comparison.theme, &comparison.keymap);
    let slow = Slow::of(look, comparison.busy, comparison.slow, line.width);
    let line = slow.map_or(line, |slow| slow.rest_of(line));
    comparison.message.is_none().then_some(line)
}

/// The row of the key whose hint was clicked on.
pub(super) fn hint_hit(
    comparison: &ComparisonScreen,
    mouse: MouseEvent,
) -> Option<&'static Binding> {
    let pressed = mouse.kind == MouseEventKind::Down(MouseButton::Left) && !comparison.help;
    let area = Rect::new(0, 0, comparison.width, comparison.height);
    let line = hint_line(comparison, area).filter(|line| pressed && line.y == mouse.row)?;
    let all = keys::hints(&comparison.keymap, comparison.below, comparison.selecting);
    let action = hints::hit(comparison.theme, &all, line, mouse.column)?;
    comparison.keymap.of(action)
}

/// Draws the message and the hints, at the bottom.
fn bottom(comparison: &ComparisonScreen, pen: &mut Pen, area: Rect) {
    let rows = bottom_rows(area.height);
    let line = Rect { y: area.bottom() - rows, height: 1, ..area };
    let parting = || comparison.parting(comparison.focus).map(|text| (Role::Dim, text));
    let spoken = comparison.message.clone().or_else(|| parting().filter(|_| rows > 1));
    let look = (comparison.theme, &comparison.keymap);
    let slow = Slow::of(look, comparison.busy, comparison.slow, line.width);
    if let Some(slow) = &slow {
        slow.draw(pen, line);
    }
    let line = slow.map_or(line, |slow| slow.rest_of(line));
    let room = line.width.saturating_sub(2);
    if let Some((role, sentence)) = &spoken {
        let sentence = text::safe(&pen.theme.say(sentence), pen.theme.ascii());
        pen.put(line.x + 1, line.y, room, &sentence, pen.theme.style(*role));
    }
    if let Some(line) = hint_line(comparison, area) {
        let all = keys::hints(&comparison.keymap, comparison.below, comparison.selecting);
        hints::draw(pen, &all, line);
    }
}

/// Draws the box with the keys.
fn help(comparison: &ComparisonScreen, pen: &mut Pen, screen: Rect) {
    const WIDE: u16 = 18;
    let rows = keys::rows(&comparison.keymap);
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(3);
    let escape = comparison.keymap.first(super::Action::Help);
    let area = popup::middle(screen, (78, height));
    let inside = popup::frame(pen, area, " Lanes side by side ", &format!(" {escape} closes "));
    for (y, (keys, help)) in (inside.y..inside.bottom()).zip(rows) {
        pen.say(inside.x, y, WIDE, &keys, Role::Key);
        let room = inside.width.saturating_sub(WIDE + 1);
        pen.say(inside.x + WIDE + 1, y, room, help, Role::Text);
    }
    if inside.height >= height - 2 {
        let y = inside.bottom() - 1;
        let room = inside.width.saturating_sub(WIDE + 1);
        pen.say(inside.x, y, WIDE, " the ", Role::Match);
        pen.say(inside.x + WIDE + 1, y, room, "a token that run 1 does not have here", Role::Text);
    }
}

/// A click: gives its run the keys, and puts the cursor there; on the strip of steps it goes to
/// one. The wheel scrolls.
pub(super) fn click(comparison: &mut ComparisonScreen, mouse: MouseEvent) {
    if comparison.help {
        comparison.help = !matches!(mouse.kind, MouseEventKind::Down(_));
        return;
    }
    if let Some(strip) = strip(comparison).filter(|strip| mouse.row == strip.y)
        && matches!(
            mouse.kind,
            MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left)
        )
    {
        let last = comparison.last_step();
        let columns = columns(strip, last);
        let column = usize::from(mouse.column.saturating_sub(strip.x)).min(columns - 1);
        return comparison.go_to((column * (last + 1)).div_ceil(columns));
    }
    let (places, _) = places(comparison);
    let under = |(_, place): &RunArea| place.contains((mouse.column, mouse.row).into());
    let Some((at, place)) = places.into_iter().find(under) else { return };
    let (area, _) = parts(place);
    let Some(app) = comparison.lockstep.runs.get_mut(at).map(|run| &mut run.app) else { return };
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            if let Some(position) = canvas::hit(app, area, mouse.column, mouse.row) {
                app.put(position);
            }
            comparison.focus = at;
        }
        MouseEventKind::ScrollDown => app.display.scroll = Some(canvas::top(app, area) + 2),
        MouseEventKind::ScrollUp => {
            app.display.scroll = Some(canvas::top(app, area).saturating_sub(2))
        }
        _ => {}
    }
}
