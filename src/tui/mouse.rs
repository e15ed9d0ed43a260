//! The mouse: clicks go to what they point at, the wheel scrolls.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::{
    actions::{act, show},
    app::{App, Mode},
    command_line, frame, hints,
    keymap::Action,
    layout::Pane,
    panes::{canvas, eos, grid, log, params, session, timeline, waterfall},
    picker, tries,
    update::Effect,
};

pub(super) fn click(app: &mut App, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    let (x, y) = (mouse.column, mouse.row);
    let Some(areas) = app.areas() else { return };
    let screen = Rect::new(0, 0, app.width, app.height);
    let pressed = mouse.kind == MouseEventKind::Down(MouseButton::Left);
    let wheel_down = match mouse.kind {
        MouseEventKind::ScrollDown => Some(true),
        MouseEventKind::ScrollUp => Some(false),
        _ => None,
    };
    // What lies over the panes comes first.
    match std::mem::replace(&mut app.mode, Mode::Normal) {
        Mode::Command(line) if pressed => {
            let row = areas.message.unwrap_or(areas.hints);
            return command_line::click(app, line, (screen, row), (x, y), effects);
        }
        Mode::Command(line) if wheel_down.is_some() => {
            return command_line::wheel(app, line, wheel_down == Some(true));
        }
        Mode::Pick(picker) if pressed => return picker::click(app, picker, screen, (x, y)),
        mode @ (Mode::Command(_) | Mode::Pick(_)) => {
            app.mode = mode;
            return;
        }
        mode => app.mode = mode,
    }
    if let Mode::Help(scroll) = app.mode {
        app.mode = match mouse.kind {
            MouseEventKind::ScrollDown => Mode::Help(scroll + 3),
            MouseEventKind::ScrollUp => Mode::Help(scroll.saturating_sub(3)),
            MouseEventKind::Down(_) => Mode::Normal,
            _ => Mode::Help(scroll),
        };
        return;
    }
    if pressed && app.tries_shown && tries::click(app, screen, (x, y)) {
        return;
    }
    let inside = |area: Rect| area.contains((x, y).into());
    if pressed && matches!(app.mode, Mode::Normal) && inside(areas.hints) {
        // On a small screen a slow pass takes some of the line.
        let slow = app.slow_pass(areas.hints).filter(|_| areas.message.is_none());
        let line = slow.map_or(areas.hints, |slow| slow.beside(areas.hints));
        if let Some(action) = hints::hit(app, line, x) {
            act(app, action, effects);
        }
        return;
    }
    if let Some(strip) = areas.strip.filter(|&strip| inside(strip)) {
        if matches!(mouse.kind, MouseEventKind::Down(_) | MouseEventKind::Drag(_))
            && let Some(step) = timeline::strip_hit(app, strip, x)
        {
            app.go_step(step);
        }
        return;
    }
    let Some(&(pane, area)) = areas.panes.iter().find(|(_, area)| inside(*area)) else { return };
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            app.message = None;
            if y == area.y {
                if areas.tabbed
                    && pane == app.tab
                    && let Some(tab) = frame::tab_hit(area, x)
                {
                    show(app, tab, true);
                } else {
                    app.focus = pane;
                }
                return;
            }
            app.focus = pane;
            point(app, pane, area, x, y);
        }
        MouseEventKind::Drag(MouseButton::Left) if y > area.y && pane != Pane::Params => {
            point(app, pane, area, x, y);
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            wheel(app, pane, area, mouse.kind == MouseEventKind::ScrollDown);
        }
        _ => {}
    }
}

/// A click or drag inside a pane.
fn point(app: &mut App, pane: Pane, area: Rect, x: u16, y: u16) {
    match pane {
        Pane::Canvas => {
            if let Some(position) = canvas::hit(app, area, x, y) {
                let scroll = canvas::top(app, area);
                app.put(position);
                app.scroll = Some(scroll);
            }
        }
        Pane::Grid => {
            if let Some(position) = grid::hit(app, area, x, y) {
                app.put(position);
            }
        }
        Pane::Waterfall => {
            if let Some((position, step)) = waterfall::hit(app, area, x, y) {
                app.go_step(step);
                if let Some(position) = position {
                    app.put(position);
                }
            }
        }
        Pane::Timeline => {
            if let Some(node) = timeline::hit(app, area, x, y) {
                app.go(node);
            }
        }
        Pane::Eos => {
            if let Some(step) = eos::hit(app, area, x, y) {
                app.go_step(step);
            }
        }
        Pane::Params => {
            if let Some(param) = params::hit(app, area, y) {
                app.param = param;
            }
        }
        Pane::Log => {
            if let Some((line, step)) = log::hit(app, area, y) {
                app.go_step(step as usize);
                app.log_line = Some(line);
            }
        }
        Pane::Session => {
            if let Some(line) = session::hit(app, area, y) {
                app.found.line = line;
                app.enter_entry();
            }
        }
        Pane::Inspector => {}
    }
}

fn wheel(app: &mut App, pane: Pane, area: Rect, down: bool) {
    const ROWS: usize = 3;
    match pane {
        Pane::Canvas => {
            let top = canvas::top(app, area);
            app.scroll = Some(if down { top + ROWS } else { top.saturating_sub(ROWS) });
        }
        Pane::Log => {
            let lines = app.log();
            let at = app.log_cursor(&lines);
            let to = if down { at + ROWS } else { at.saturating_sub(ROWS) };
            app.log_line = Some(to.min(lines.len().saturating_sub(1)));
        }
        Pane::Params => {
            let last = app.debugger.session.params().specs().len().saturating_sub(1);
            app.param = if down { (app.param + 1).min(last) } else { app.param.saturating_sub(1) };
        }
        Pane::Timeline | Pane::Eos => {
            let step = app.step() as usize;
            app.go_step(if down { step + 1 } else { step.saturating_sub(1) });
        }
        Pane::Grid | Pane::Waterfall => {
            app.travel(if down { Action::NextBlock } else { Action::PreviousBlock });
        }
        Pane::Session => {
            let last = app.entries().len().saturating_sub(1);
            let at = app.found.line.min(last);
            app.found.line = if down { (at + ROWS).min(last) } else { at.saturating_sub(ROWS) };
        }
        Pane::Inspector => {}
    }
}
