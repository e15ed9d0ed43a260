//! Levels of heat, and what is left of the looks without colour and without Unicode.

use ratatui::style::Color;

use super::fake::{app, press, supplied};
use crate::tui::{
    Look, Palette, frame,
    theme::{LEVELS, Role, Theme, quantised},
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

#[test]
fn heat_rises_in_luminance() {
    let theme = Theme::new(Look::default());
    let luminance = |level: usize| {
        let p = (level as f32 + 0.5) / LEVELS as f32;
        match theme.style(Role::Heat(Some(p))).fg {
            Some(Color::Rgb(r, g, b)) => {
                2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b)
            }
            other => panic!("no true colour: {other:?}"),
        }
    };
    let levels: Vec<u32> = (0..LEVELS).map(luminance).collect();
    assert!(levels.is_sorted(), "{levels:?}");
}

/// Screens of every kind with this look.
fn screens(look: Look) -> Vec<ratatui::buffer::Buffer> {
    let mut buffers = Vec::new();
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for keys in ["s", "c", "?", "3 - -", "4 S S", "z 5", "6 t", "e x"] {
            let mut app = app(look, 9, width, height);
            press(&mut app, keys);
            supplied(&mut app.session);
            buffers.push(frame::picture(&app, width, height));
        }
    }
    buffers
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
    for buffer in screens(Look { palette: Palette::Mono, ..Look::default() }) {
        for cell in buffer.content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{}", cell.symbol());
        }
    }
}

#[test]
fn palettes_use_only_their_own_colours() {
    let named = |color: Color| !matches!(color, Color::Rgb(..) | Color::Indexed(_));
    for buffer in screens(Look { palette: Palette::Ansi16, ..Look::default() }) {
        assert!(buffer.content().iter().all(|cell| named(cell.fg) && named(cell.bg)));
    }
    let cube = |color: Color| matches!(color, Color::Reset | Color::Indexed(_));
    for buffer in screens(Look { palette: Palette::Ansi256, ..Look::default() }) {
        assert!(buffer.content().iter().all(|cell| cube(cell.fg) && cube(cell.bg)));
    }
}
