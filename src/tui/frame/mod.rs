//! A whole frame: title, panes, hints, and what lies over them.

pub(in crate::tui) mod hints;
pub(in crate::tui) mod slow;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    StepSource,
    app::{App, InputMode, branches, layout::SMALLEST, pane::Pane},
    overlays::{command_line, copy, help, leaving, picker, prompts, tries},
    paint::{
        pen::Pen,
        text,
        theme::{self, Role},
    },
    panes::{self, timeline},
};
use indicatif::DecimalBytes;

use crate::{canvas::NO_TOKEN, debugger::Driven, session::Pending};

/// Draws the application over a whole buffer.
pub fn draw(app: &App, buffer: &mut Buffer) {
    if let Some(comparison) = &app.top.comparison {
        return comparison.draw(buffer);
    }
    buffer.reset();
    let area = *buffer.area();
    let mut pen = Pen { buffer, theme: app.theme };
    match app.areas_for(area.width, area.height) {
        None => {
            let text = format!("demask needs {}×{} cells", SMALLEST.0, SMALLEST.1);
            pen.say(area.x, area.y, area.width, &text, Role::Text);
        }
        Some(areas) => {
            title(app, &mut pen, areas.title);
            for &(pane, place) in &areas.panes {
                if areas.tabbed && pane == app.display.tab {
                    tabs(app, &mut pen, place);
                } else {
                    draw_pane(app, &mut pen, pane, place);
                }
            }
            join(&mut pen, &areas.rules);
            if let Some(strip) = areas.strip {
                timeline::strip(app, &mut pen, strip);
            }
            bottom(app, &mut pen, areas.message, areas.hints);
            if app.top.tries_shown {
                tries::draw(app, &mut pen, area);
            }
            match &app.top.mode {
                InputMode::Command(line) => {
                    let row = areas.message.unwrap_or(areas.hints);
                    command_line::draw(app, &mut pen, area, row, line);
                }
                InputMode::Pick(picker) => picker::draw(app, &mut pen, area, picker),
                InputMode::Prompt(input) => {
                    let row = areas.message.unwrap_or(areas.hints);
                    prompts::draw(app, &mut pen, area, row, input.value());
                }
                InputMode::Copy => copy::draw(app, &mut pen, area),
                InputMode::Leaving => leaving::draw(app, &mut pen, area),
                _ => {}
            }
            if let InputMode::Help(view) = &app.top.mode {
                help::draw(&mut pen, &app.keymap, area, view);
            }
        }
    }
    if app.theme.ascii() {
        to_ascii(buffer);
    }
}

/// The last line of defence: whatever is left outside ASCII gets a stand-in of the same width.
pub(in crate::tui) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let stand_in = theme::ascii_symbol(cell.symbol());
            cell.set_symbol(stand_in);
        }
    }
}

/// Vertical rules, joined to the headings beside them.
pub(in crate::tui) fn join(pen: &mut Pen, rules: &[Rect]) {
    let horizontal = app_line(pen);
    let within = |x: u16, y: u16| rules.iter().any(|rule| rule.contains((x, y).into()));
    for &rule in rules {
        for y in rule.top()..rule.bottom() {
            let is_line = |x: Option<u16>| {
                x.and_then(|x| pen.buffer.cell((x, y)))
                    .is_some_and(|cell| cell.symbol() == horizontal)
            };
            let left = is_line(rule.x.checked_sub(1));
            let right = is_line(rule.x.checked_add(1));
            let up = y > 0 && within(rule.x, y - 1);
            let sign = theme::junction(left, right, up, within(rule.x, y + 1));
            pen.sign(rule.x, y, sign, Role::Faint);
        }
    }
}

/// What headings are drawn with.
fn app_line(pen: &Pen) -> &'static str {
    pen.theme.sign(theme::HORIZONTAL)
}

fn draw_pane(app: &App, pen: &mut Pen, pane: Pane, area: Rect) {
    pen.heading(area, pane.title(), app.display.focus == pane, &pane.summary(app, area));
    pane.draw(app, pen, area);
}

/// Where each tab stands on the heading line of the tabbed pane.
fn tab_places(area: Rect) -> Vec<(Pane, u16, u16, String)> {
    let mut x = area.x + 1;
    let mut places = Vec::new();
    for (number, (pane, heading)) in (1..).zip(panes::tabs()) {
        let text = format!(" {number} {heading} ");
        let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX);
        places.push((pane, x, width, text));
        x = x.saturating_add(width + 1);
    }
    places
}

/// The tab under a cell of the heading line.
pub fn tab_hit(area: Rect, x: u16) -> Option<Pane> {
    tab_places(area)
        .into_iter()
        .find(|(_, start, width, _)| (*start..start + width).contains(&x))
        .map(|(pane, ..)| pane)
}

/// The tabbed pane of the compact layout.
fn tabs(app: &App, pen: &mut Pen, area: Rect) {
    let focused = app.display.focus == app.display.tab;
    pen.rule(area, if focused { Role::Key } else { Role::Faint });
    let places = tab_places(area);
    let end = places.last().map_or(area.x, |(_, x, width, _)| x + width);
    app.display.tab.draw_behind_tabs(app, pen, area, end);
    for (pane, x, width, text) in places {
        let room = area.right().saturating_sub(x);
        if width > room {
            break;
        }
        let role = match (pane == app.display.tab, focused) {
            (true, true) => Role::Focused,
            (true, false) => Role::Strong,
            (false, _) => Role::Dim,
        };
        pen.say(x, area.y, room, &text, role);
    }
    app.display.tab.draw(app, pen, area);
}

/// A part of the title: wordings from long to short.
struct TitlePart {
    wordings: Vec<String>,
    role: Role,
}

fn segment(role: Role, wordings: &[String]) -> TitlePart {
    TitlePart { wordings: wordings.to_vec(), role }
}

/// Shortens segments in the order given, one wording at a time, until they fit.
fn shorten(segments: &mut [TitlePart], order: &[usize], gap: usize, room: usize) {
    for &at in order {
        let words = segments.iter().filter_map(|segment| segment.wordings.first());
        let total: usize = words.map(|word| text::width(word) + gap).sum();
        if total <= room {
            return;
        }
        if let Some(segment) = segments.get_mut(at).filter(|segment| !segment.wordings.is_empty()) {
            segment.wordings.remove(0);
        }
    }
}

fn lengths(app: &App) -> (String, String) {
    let here = app.step() as usize;
    let mut stations: Vec<usize> = Vec::new();
    let moments = &app.history.moments;
    for (step, moment) in moments.iter().enumerate().take(here + 1) {
        // Where it started, where stage 1 left it, where it is.
        let station =
            step == 0 || step == here || (moment.stage == 2 && moments[step - 1].stage == 1);
        if station && stations.last() != Some(&moment.length) {
            stations.push(moment.length);
        }
    }
    let length = app.canvas().len();
    let path: Vec<String> = stations.iter().map(ToString::to_string).collect();
    let short = format!("length {length}");
    if path.len() > 1 {
        (format!("length {length} ({})", path.join("→")), short)
    } else {
        (short.clone(), short)
    }
}

/// Which branch of how many and its name, from long to short; nothing where there is one only.
fn branch(app: &App) -> Vec<String> {
    let count = app.debugger.session.timeline().branches().len();
    let Some((at, branch)) = app.debugger.current_branch().filter(|_| count > 1) else {
        return Vec::new();
    };
    let short = format!("branch {}/{count}", at + 1);
    let name = branch.name.unwrap_or_else(|| branches::name(app, branch.tip));
    let name = text::fit(&text::safe(&name, app.theme.ascii()), 20);
    let long = if name.is_empty() { short.clone() } else { format!("{short} {name}") };
    vec![long, short]
}

/// The title line: where one is.
fn title(app: &App, pen: &mut Pen, area: Rect) {
    let mut badges: Vec<(String, Role)> = Vec::new();
    if let Some(path) = &app.storage.recording {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        match (&app.storage.fault, name) {
            (Some(_), _) => badges.push(("REC FAILED".to_owned(), Role::Bad)),
            (None, Some(name)) if area.width >= 140 => {
                let name = text::safe(&name, app.theme.ascii());
                badges.push((format!(" REC {} ", text::fit(&name, 30)), Role::Recording));
            }
            (None, _) => badges.push((" REC ".to_owned(), Role::Recording)),
        }
    }
    if app.what_if() {
        badges.push((" WHAT-IF ".to_owned(), Role::WhatIf));
    }
    if app.edited() {
        badges.push((" EDITED ".to_owned(), Role::WhatIf));
    }
    if app.debugger.host.repertoire().is_some() && area.width >= 80 {
        let badge = if area.width < 110 { " EMBEDDED " } else { " EMBEDDED MODEL " };
        badges.push((badge.to_owned(), Role::State));
    }
    match &app.source {
        StepSource::Live => badges.push((" LIVE ".to_owned(), Role::Live)),
        StepSource::Engine(name) => {
            let name = text::safe(name, app.theme.ascii());
            let name = text::fit(&name, if area.width < 110 { 10 } else { 40 });
            badges.push((format!(" ENGINE {name} "), Role::Live));
        }
        StepSource::Replay(name) => {
            let name = text::safe(name.trim_end_matches(".jsonl"), app.theme.ascii());
            let name = text::fit(&name, if area.width < 110 { 10 } else { 40 });
            badges.push((format!(" REPLAY {name} "), Role::Replay));
        }
        StepSource::Loop(name) => {
            let name = text::safe(name, app.theme.ascii());
            let name = text::fit(&name, if area.width < 110 { 16 } else { 40 });
            badges.push(match app.debugger.driven.is_some() {
                true => (format!(" DRIVING {name} "), Role::Live),
                false => (format!(" REPLAY {name} "), Role::Replay),
            });
        }
    }
    if let Some(reading) = app.reading.as_ref().filter(|_| app.debugger.driven.is_none()) {
        badges.push((format!(" {} ", reading.badge()), Role::Recording));
    }
    badges.push((format!(" {} ", state(app)), Role::State));
    let badge_width: usize = badges.iter().map(|(text, _)| text::width(text) + 1).sum();

    let phase = app.debugger.session.phase();
    let layout = app.blocks();
    let blocks = layout.count(app.canvas().len());
    let block = phase.block.filter(|block| !block.is_empty());
    let block = block.map(|block| layout.index(block.start) + 1);
    let stage = format!("stage {}", phase.stage);
    let long = format!("stage {} {}", phase.stage, phase.name);
    let stages = match block {
        // Stages of other programs are not known.
        _ if !app.debugger.session.strategy().decides() => Vec::new(),
        Some(block) => vec![
            format!("{long} · block {block}/{blocks}"),
            format!("{stage} · block {block}/{blocks}"),
            stage,
        ],
        None => vec![long, stage],
    };
    let known = app.history.steps();
    let step = match app.step() as usize {
        here if here == known => format!("step {here}"),
        here => format!("step {here}/{known}"),
    };
    let (masks, few) = match app.canvas().masks() {
        // Where a canvas starts from noise there are no masks.
        open if app.canvas().special().mask == NO_TOKEN => {
            (format!("{open} positions open"), format!("{open} open"))
        }
        1 => ("1 mask left".to_owned(), "1 mask".to_owned()),
        masks => (format!("{masks} masks left"), format!("{masks} masks")),
    };

    let (path, length) = lengths(app);
    let branch = branch(app);
    let nfe = app.debugger.session.node().steps;
    let name = text::safe(&app.facts.name, app.theme.ascii());
    // Where they are not known, nothing stands there.
    let of_model = |most: usize, facts: &[&str]| {
        let facts: Vec<&str> = facts.iter().copied().filter(|fact| !fact.is_empty()).collect();
        match facts.is_empty() {
            true => text::fit(&name, most),
            false => format!("{} · {}", text::fit(&name, most), facts.join(" ")),
        }
    };
    let device = text::safe(&app.facts.device, app.theme.ascii());
    let mut segments = [
        segment(Role::Brand, &["demask".to_owned()]),
        segment(
            Role::Dim,
            &[
                of_model(40, &[&device, &app.facts.dtype]),
                of_model(20, &[&device]),
                text::fit(&name, 12),
            ],
        ),
        segment(Role::Text, &stages),
        segment(Role::Strong, &[step]),
        segment(Role::Key, &branch),
        segment(Role::Text, &[masks, few]),
        segment(Role::Text, &[path, length.clone(), length.replace("length", "len")]),
        segment(Role::Dim, &[format!("NFE {nfe}")]),
        segment(Role::Dim, &kept(app)),
    ];
    let gap = 2;
    let room = usize::from(area.width).saturating_sub(badge_width + 1);
    for segment in &mut segments {
        for wording in &mut segment.wordings {
            *wording = app.theme.say(wording);
        }
    }
    // Where room is short, what a loop keeps is dropped first, then the names of stage and model,
    // then words, then NFE and the model; the step, the branch and the masks left stay longest.
    const ORDER: [usize; 19] = [8, 1, 2, 5, 1, 4, 6, 6, 7, 1, 2, 2, 4, 6, 5, 4, 3, 0, 1];
    shorten(&mut segments, &ORDER, gap, room);
    let mut x = area.x + 1;
    for segment in &segments {
        if let Some(word) = segment.wordings.first() {
            let style = app.theme.style(segment.role);
            x += pen.put(x, area.y, area.right().saturating_sub(x), word, style) + gap as u16;
        }
    }
    let mut x = area.right().saturating_sub(u16::try_from(badge_width).unwrap_or(area.width));
    for (text, role) in badges {
        let room = area.right().saturating_sub(x);
        x += pen.say(x, area.y, room, &text, role) + 1;
    }
}

/// What a loop keeps so that it can go back: steps and bytes.
fn kept(app: &App) -> Vec<String> {
    let kept = app.debugger.driven.as_ref().and_then(Driven::kept);
    kept.map(|kept| format!("{} states in {}", kept.nodes, DecimalBytes(kept.bytes)))
        .into_iter()
        .collect()
}

/// RUNNING, BUSY, PAUSED, DONE: what it is doing.
fn state(app: &App) -> String {
    if let Some(busy) = app.running.busy {
        let progress = busy.progress;
        return format!("BUSY {}/{}", progress.done, progress.of);
    }
    let driven = app.debugger.driven.as_ref();
    if app.debugger.goal().is_some() && driven.is_some() {
        return format!("RUNNING {}", app.speed_name());
    }
    if let Some(driven) = driven.filter(|_| app.debugger.asks_loop()) {
        return match driven.waits() {
            true if app.debugger.loop_is_done() => "DONE".to_owned(),
            true => "PAUSED".to_owned(),
            false => "BUSY".to_owned(),
        };
    }
    if app.awaits_step() {
        return "WAITING".to_owned();
    }
    if app.debugger.goal().is_some() {
        return format!("RUNNING {}", app.speed_name());
    }
    match app.debugger.session.pending() {
        Pending::Done(finish) => format!("DONE {}", finish.name()),
        Pending::Failed(_) => "FAILED".to_owned(),
        _ => "PAUSED".to_owned(),
    }
}

/// The hint on how typing ends.
const TYPING: &str = "Enter accepts · Esc leaves";
/// What answers a question that is asked in a box.
const ASKED: &str = "press a key shown in the box, or Esc";

/// Message and hints, on one line or two.
fn bottom(app: &App, pen: &mut Pen, message: Option<Rect>, last: Rect) {
    let line = message.unwrap_or(last);
    let slow = app.slow_pass(line);
    if let Some(slow) = &slow {
        slow.draw(pen, line);
    }
    let rest = slow.map_or(line, |slow| slow.rest_of(line));
    let line = if message.is_none() { rest } else { last };
    let spoken = speak(app, pen, rest);
    if message.is_none() && spoken {
        return;
    }
    let typing = matches!(
        app.top.mode,
        InputMode::Value(_) | InputMode::Prompt(_) | InputMode::Note(_) | InputMode::Search(_)
    );
    if typing {
        pen.say(line.x + 1, line.y, line.width.saturating_sub(2), TYPING, Role::Dim);
    } else if matches!(app.top.mode, InputMode::Copy | InputMode::Leaving) {
        pen.say(line.x + 1, line.y, line.width.saturating_sub(2), ASKED, Role::Dim);
    } else {
        hints::draw(pen, &hints::of(app), line);
    }
}

/// What is to be said or asked; false if nothing is.
fn speak(app: &App, pen: &mut Pen, line: Rect) -> bool {
    let x = line.x + 1;
    let room = line.width.saturating_sub(2);
    match &app.top.mode {
        InputMode::Prompt(input) => {
            let used = pen.say(x, line.y, room, "prompt ", Role::Key);
            // On the one line of a small screen the hint stands behind the field.
            let alone = app.areas().is_some_and(|areas| areas.message.is_none());
            let hint = if alone { format!(" {TYPING}") } else { String::new() };
            let hint_width = if room > 60 { text::width(&hint) as u16 } else { 0 };
            let field = Rect { x: x + used, width: room.saturating_sub(used + hint_width), ..line };
            match &app.top.message {
                // What is wrong with it, in place of the hint.
                Some((role, text)) if room > 60 => {
                    pen.field(Rect { width: field.width / 2, ..field }, input);
                    let x = field.x + field.width / 2 + 1;
                    pen.say(x, line.y, line.right().saturating_sub(x), text, *role);
                }
                _ => {
                    pen.field(field, input);
                    pen.say(field.right(), line.y, hint_width, &hint, Role::Dim);
                }
            }
            return true;
        }
        InputMode::Search(input) | InputMode::Note(input) => {
            let prompt = match app.top.mode {
                InputMode::Note(_) => "note ",
                _ => app.display.focus.search_prompt(),
            };
            let used = pen.say(x, line.y, room, prompt, Role::Key);
            let field = Rect { x: x + used, width: room.saturating_sub(used), ..line };
            pen.field(field, input);
            return true;
        }
        InputMode::Normal
        | InputMode::Copy
        | InputMode::Help(_)
        | InputMode::Value(_)
        | InputMode::Command(_)
        | InputMode::Leaving
        | InputMode::Pick(_) => {}
    }
    let spoken = match (&app.top.message, app.debugger.session.pending()) {
        (Some((role, text)), _) => Some((*role, text.clone())),
        (None, Pending::Failed(error)) => Some((Role::Bad, error.to_string())),
        _ => None,
    };
    match spoken {
        Some((role, text)) => {
            let text = text::safe(&app.theme.say(&text), app.theme.ascii());
            pen.put(x, line.y, room, &text, app.theme.style(role));
            true
        }
        None => false,
    }
}

/// An empty buffer of this size with one pane drawn on it, and below it the legend of its colours.
pub fn pane_picture(app: &App, pane: Pane, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width.max(1), height.max(1)));
    let mut area = *buffer.area();
    buffer.set_style(area, Style::reset());
    let mut pen = Pen { buffer: &mut buffer, theme: app.theme };
    // The canvas has its legend within.
    if [Pane::BLOCKS, Pane::WATERFALL].contains(&pane) {
        let line = Rect { x: 1, height: 1, width: area.width.saturating_sub(2), ..area };
        let legend = panes::legend::rows(app, line.width);
        let rows = u16::try_from(legend.len()).unwrap_or(u16::MAX);
        if rows.saturating_add(4) < area.height {
            area.height -= rows;
            for (y, samples) in (area.bottom()..).zip(&legend) {
                panes::legend::draw(&mut pen, Rect { y, ..line }, samples);
            }
        }
    }
    pen.heading(area, pane.title(), false, &pane.summary(app, area));
    pane.draw(app, &mut pen, area);
    if app.theme.ascii() {
        to_ascii(&mut buffer);
    }
    buffer
}

/// An empty buffer of this size with the application drawn on it.
pub fn picture(app: &App, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width.max(1), height.max(1)));
    buffer.set_style(*buffer.area(), Style::reset());
    draw(app, &mut buffer);
    buffer
}
