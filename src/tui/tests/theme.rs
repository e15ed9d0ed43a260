//! Levels of heat, and what is left of the looks without colour and without Unicode.

use ratatui::style::Color;

use super::fake::{app, press, supplied};
use crate::tui::{
    Colors, Ink, Look, Palette, Shade, frame,
    paint::{
        colors::{contrast, mixed},
        theme::{LEVELS, Role, Theme, quantised},
    },
};

#[test]
fn heat_has_levels() {
    for (p, levels, level) in [
        (0.0, 8, 0),
        (0.124, 8, 0),
        (0.125, 8, 1),
        (0.999, 8, 7),
        (1.0, 8, 7),
        (1.7, 8, 7),
        (-0.3, 8, 0),
        (f32::NAN, 8, 0),
        (0.5, LEVELS, LEVELS / 2),
    ] {
        assert_eq!(quantised(p, levels), level, "{p} of {levels}");
    }
}

#[test]
fn an_unknown_value_is_a_dash_and_a_low_one_is_seen() {
    let theme = Theme::new(Look::default());
    assert_eq!(theme.heat_bar(None), "–");
    assert_eq!(theme.heat_bar(Some(f32::NAN)), "–");
    assert_eq!(theme.heat_bar(Some(0.0)), "▁");
    assert_eq!(theme.heat_bar(Some(1.0)), "█");
}

fn rgb(color: Option<Color>) -> Option<(u8, u8, u8)> {
    match color {
        None => None,
        Some(Color::Rgb(r, g, b)) => Some((r, g, b)),
        other => panic!("no true colour: {other:?}"),
    }
}

fn theme(shade: Shade) -> Theme {
    Theme::new(Look { shade, ..Look::default() })
}

#[test]
fn heat_stands_out_the_more_the_surer() {
    for shade in [Shade::Dark, Shade::Light] {
        let stands_out = |level: usize| {
            let p = (level as f32 + 0.5) / LEVELS as f32;
            let ink = rgb(theme(shade).style(Role::Heat(Some(p))).fg).unwrap();
            contrast(ink, shade.ground())
        };
        let levels: Vec<f64> = (0..LEVELS).map(stands_out).collect();
        assert!(levels.is_sorted(), "{shade:?}: {levels:?}");
    }
}

#[test]
fn colours_can_be_changed_one_by_one() {
    let mut colors = Colors::default();
    colors.set(Ink::Warn, (1, 2, 3));
    colors.set(Ink::Fill, (250, 250, 120));
    colors.set(Ink::Written, (0, 200, 0));
    let style = |palette, role| Theme::new(Look { palette, colors, ..Look::default() }).style(role);
    let own = |palette, role| Theme::new(Look { palette, ..Look::default() }).style(role);
    let fill = style(Palette::TrueColor, Role::Fill);
    assert_eq!(style(Palette::TrueColor, Role::Warn).fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(fill.bg, Some(Color::Rgb(250, 250, 120)));
    assert_eq!(fill.fg, Some(Color::Rgb(16, 18, 22)), "dark text on a bright ground");
    assert_eq!(style(Palette::TrueColor, Role::Bad), own(Palette::TrueColor, Role::Bad));
    assert_eq!(style(Palette::Ansi256, Role::Warn).fg, Some(Color::Indexed(16)));
    // The sixteen are the terminal's own.
    assert_eq!(style(Palette::Ansi16, Role::Warn), own(Palette::Ansi16, Role::Warn));
    // Doubt still fades.
    let sure = style(Palette::TrueColor, Role::Written(Some(1.0))).fg;
    let doubt = style(Palette::TrueColor, Role::Written(Some(0.1))).fg;
    assert_eq!(sure, Some(Color::Rgb(0, 200, 0)));
    assert_ne!(sure, doubt);
    // The cursor over it keeps its hue, brighter.
    let theme = Theme::new(Look { colors, ..Look::default() });
    let brighter = mixed((250, 250, 120), (250, 250, 250), 0.3);
    assert_eq!(rgb(theme.cursor(fill).bg), Some(brighter));
}

/// Screens of every kind with this look.
pub(super) fn screens(look: Look) -> Vec<ratatui::buffer::Buffer> {
    let mut buffers = Vec::new();
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for keys in ["s", "c", "?", "3 - -", "4 S S", "z 5", "6 t", "e x"] {
            let mut app = app(look, 9, width, height);
            press(&mut app, keys);
            supplied(&mut app.debugger.session);
            buffers.push(frame::picture(&app, width, height));
        }
    }
    buffers
}

/// Screens of both shades.
fn both(palette: Palette) -> Vec<ratatui::buffer::Buffer> {
    let screens = |shade| screens(Look { palette, shade, ..Look::default() });
    screens(Shade::Dark).into_iter().chain(screens(Shade::Light)).collect()
}

#[test]
fn ascii_draws_nothing_but_ascii() {
    for buffer in screens(Look { ascii: true, ..Look::default() }) {
        for cell in buffer.content() {
            assert!(cell.symbol().is_ascii(), "{}", cell.symbol());
        }
    }
}

#[test]
fn without_colour_no_cell_has_any() {
    for buffer in both(Palette::Mono) {
        for cell in buffer.content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{}", cell.symbol());
        }
    }
}

#[test]
fn palettes_use_only_their_own_colours() {
    let named = |color: Color| !matches!(color, Color::Rgb(..) | Color::Indexed(_));
    for buffer in both(Palette::Ansi16) {
        assert!(buffer.content().iter().all(|cell| named(cell.fg) && named(cell.bg)));
    }
    let cube = |color: Color| matches!(color, Color::Reset | Color::Indexed(_));
    for buffer in both(Palette::Ansi256) {
        assert!(buffer.content().iter().all(|cell| cube(cell.fg) && cube(cell.bg)));
    }
}
