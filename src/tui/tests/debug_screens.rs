//! Drawings of what the debugger adds: command line, picker, lists, search, edits, what-if.

use ratatui::{buffer::Cell, style::Color};

use super::{
    fake::{app, press, typed},
    screens::check,
};
use crate::tui::{App, Look, Palette, Shade, frame};

fn at(width: u16, height: u16, steps: usize) -> App {
    app(Look::default(), steps, width, height)
}

#[test]
fn the_command_line() {
    let mut app = at(80, 24, 6);
    typed(&mut app, ":bre");
    press(&mut app, "Down");
    check("command", &app);
    typed(&mut app, "ak eos_conf croses 0.9");
    press(&mut app, "Enter");
    check("command_wrong", &app);
}

#[test]
fn the_picker() {
    let mut app = at(80, 24, 9);
    press(&mut app, "e Down");
    check("picker", &app);
    typed(&mut app, "zzz");
    check("picker_unknown", &app);
}

/// Two branches, the second by hand, with a bookmark and a breakpoint.
fn branched(width: u16, height: u16) -> App {
    let mut app = at(width, height, 9);
    press(&mut app, "S S l l e Down Enter s s");
    typed(&mut app, "mlook");
    press(&mut app, "Enter");
    typed(&mut app, "beos_conf crosses 0.9");
    press(&mut app, "Enter");
    app
}

#[test]
fn the_lists_of_a_session() {
    for (name, width, height) in [("session_tab", 80, 24), ("session_large", 200, 60)] {
        let mut app = branched(width, height);
        press(&mut app, "7 j");
        check(name, &app);
    }
    let mut app = at(90, 26, 9);
    press(&mut app, "7 z");
    check("pane_session", &app);
    press(&mut app, "z");
    typed(&mut app, ":query fills where p > 0.5");
    press(&mut app, "Enter z G");
    check("pane_session_query", &app);
}

#[test]
fn a_search() {
    for (name, palette) in [("search", Palette::TrueColor), ("search_mono", Palette::Mono)] {
        let mut app = app(Look { palette, ..Look::default() }, 12, 80, 24);
        typed(&mut app, "/the");
        check(&format!("{name}_typed"), &app);
        press(&mut app, "Enter");
        check(name, &app);
    }
}

#[test]
fn an_edited_canvas() {
    for (name, palette, ascii) in
        [("edited", Palette::TrueColor, false), ("edited_mono_ascii", Palette::Mono, true)]
    {
        let mut app = app(Look { palette, ascii, ..Look::default() }, 9, 120, 40);
        let mask = (0..app.canvas().len()).rev().find(|&at| app.canvas().is_masked(at));
        app.put(mask.expect("a mask"));
        press(&mut app, "h h # h ! h X h X X h e Down Enter 5");
        check(name, &app);
    }
}

#[test]
fn what_turned_parameters_lose() {
    for (name, palette) in [("lost", Palette::TrueColor), ("lost_mono", Palette::Mono)] {
        let mut app = app(Look { palette, ..Look::default() }, 9, 80, 24);
        typed(&mut app, ":set high_conf_threshold 0.3");
        press(&mut app, "Enter s S 3");
        typed(&mut app, ":set high_conf_threshold 0.7");
        press(&mut app, "Enter");
        check(name, &app);
    }
}

#[test]
fn what_is_chosen_can_be_read() {
    for palette in [Palette::TrueColor, Palette::Ansi256, Palette::Ansi16] {
        for shade in [Shade::Dark, Shade::Light] {
            let look = Look { palette, shade, ..Look::default() };
            for keys in [": Down", "e Down", "7", "5 k", "3"] {
                let mut app = app(look, 9, 120, 40);
                press(&mut app, keys);
                let picture = frame::picture(&app, 120, 40);
                let written = picture.content().iter().filter(|cell| cell.symbol() != " ");
                let unreadable = |cell: &&Cell| cell.bg != Color::Reset && cell.fg == cell.bg;
                let lost = written.filter(unreadable).count();
                assert_eq!(lost, 0, "{palette:?} {shade:?} {keys}");
            }
        }
    }
}

#[test]
fn the_steps_of_a_position_have_ranks() {
    let mut app = at(90, 30, 12);
    press(&mut app, "2 z");
    check("inspector_steps", &app);
}
