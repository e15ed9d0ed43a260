//! The mouse: clicks go to what they point at, the wheel scrolls.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::super::{
    app::{App, InputMode, interface::Effect},
    frame::{self, hints},
    overlays::{command_line, picker, tries},
    panes::{focus, timeline},
};

pub(in crate::tui) fn click(app: &mut App, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    let (x, y) = (mouse.column, mouse.row);
    let Some(areas) = app.areas() else { return };
    let screen = Rect::new(0, 0, app.display.width, app.display.height);
    let pressed = mouse.kind == MouseEventKind::Down(MouseButton::Left);
    let wheel_down = match mouse.kind {
        MouseEventKind::ScrollDown => Some(true),
        MouseEventKind::ScrollUp => Some(false),
        _ => None,
    };
    // A click on nothing that answers a question takes it away.
    if matches!(app.top.mode, InputMode::Copy | InputMode::Leaving) {
        if pressed {
            app.top.mode = InputMode::Normal;
        }
        return;
    }
    // What lies over the panes comes first.
    match std::mem::replace(&mut app.top.mode, InputMode::Normal) {
        InputMode::Command(line) if pressed => {
            let row = areas.message.unwrap_or(areas.hints);
            return command_line::click(app, line, (screen, row), (x, y), effects);
        }
        InputMode::Command(line) if wheel_down.is_some() => {
            return command_line::wheel(app, line, wheel_down == Some(true));
        }
        InputMode::Pick(picker) if pressed => return picker::click(app, picker, screen, (x, y)),
        mode @ (InputMode::Command(_) | InputMode::Pick(_)) => {
            app.top.mode = mode;
            return;
        }
        mode => app.top.mode = mode,
    }
    if let InputMode::Help(view) = &mut app.top.mode {
        match mouse.kind {
            MouseEventKind::ScrollDown => view.scroll += 3,
            MouseEventKind::ScrollUp => view.scroll = view.scroll.saturating_sub(3),
            MouseEventKind::Down(_) => app.top.mode = InputMode::Normal,
            _ => {}
        }
        return;
    }
    if pressed && app.top.tries_shown && tries::click(app, screen, (x, y)) {
        return;
    }
    let inside = |area: Rect| area.contains((x, y).into());
    if pressed && matches!(app.top.mode, InputMode::Normal) && inside(areas.hints) {
        // On a small screen a slow pass takes some of the line.
        let slow = app.slow_pass(areas.hints).filter(|_| areas.message.is_none());
        let line = slow.map_or(areas.hints, |slow| slow.rest_of(areas.hints));
        if let Some(row) =
            hints::hit(app.theme, &hints::of(app), line, x).and_then(|action| app.keymap.of(action))
        {
            row.act(app, effects);
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
            app.top.message = None;
            if y == area.y {
                if areas.tabbed
                    && pane == app.display.tab
                    && let Some(tab) = frame::tab_hit(area, x)
                {
                    focus::show(app, tab, true);
                } else {
                    app.display.focus = pane;
                }
                return;
            }
            app.display.focus = pane;
            pane.click(app, area, x, y);
        }
        MouseEventKind::Drag(MouseButton::Left) if y > area.y => {
            pane.drag(app, area, x, y);
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            pane.wheel(app, area, mouse.kind == MouseEventKind::ScrollDown);
        }
        _ => {}
    }
}
