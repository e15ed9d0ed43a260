//! Contrast, as WCAG 2 defines it, of everything that is drawn: in every palette, on dark and on
//! light; and what tells states apart where hues are not seen.

use ratatui::style::{Color, Modifier, Style};

use super::theme::screens;
use crate::tui::{
    Colors, Ink, Look, Palette, Shade,
    paint::{
        colors::{CONTRAST, Rgb, contrast, parts},
        theme::{LEVELS, Role, Theme},
    },
};

/// The sixteen colours as xterm, the Linux console (VGA) and Windows Terminal show them unless told
/// otherwise: black to grey, then the bright ones.
const SIXTEEN: [[Rgb; 16]; 3] = [
    [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ],
    [
        (0, 0, 0),
        (170, 0, 0),
        (0, 170, 0),
        (170, 85, 0),
        (0, 0, 170),
        (170, 0, 170),
        (0, 170, 170),
        (170, 170, 170),
        (85, 85, 85),
        (255, 85, 85),
        (85, 255, 85),
        (255, 255, 85),
        (85, 85, 255),
        (255, 85, 255),
        (85, 255, 255),
        (255, 255, 255),
    ],
    [
        (12, 12, 12),
        (197, 15, 31),
        (19, 161, 14),
        (193, 156, 0),
        (0, 55, 218),
        (136, 23, 152),
        (58, 150, 221),
        (204, 204, 204),
        (118, 118, 118),
        (231, 72, 86),
        (22, 198, 12),
        (249, 241, 165),
        (59, 120, 255),
        (180, 0, 158),
        (97, 214, 214),
        (242, 242, 242),
    ],
];

/// Where one of the sixteen stands among them.
fn sixteenth(color: Color) -> usize {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    NAMED.iter().position(|&named| named == color).unwrap_or_else(|| panic!("{color:?}"))
}

/// A terminal: its own ground and ink, and how it shows the sixteen.
struct Screen {
    ground: Rgb,
    plain: Rgb,
    sixteen: [Rgb; 16],
}

impl Screen {
    /// Terminals of this shade: the three with their own black or white, then other grounds.
    fn all(shade: Shade) -> Vec<Self> {
        let (grounds, black_or_white, plain): (&[Rgb], usize, usize) = match shade {
            Shade::Dark => (&[(0, 0, 0), (16, 18, 22), (30, 30, 30)], 0, 7),
            Shade::Light => (&[(255, 255, 255), (250, 250, 250)], 15, 0),
        };
        let of = |sixteen: [Rgb; 16], ground| Screen { ground, plain: sixteen[plain], sixteen };
        let own = SIXTEEN.map(|sixteen| of(sixteen, sixteen[black_or_white]));
        own.into_iter().chain(grounds.iter().map(|&ground| of(SIXTEEN[0], ground))).collect()
    }

    fn rgb(&self, color: Option<Color>, own: Rgb) -> Rgb {
        match color {
            None | Some(Color::Reset) => own,
            Some(color) => parts(color).unwrap_or_else(|| self.sixteen[sixteenth(color)]),
        }
    }

    /// The contrast of a style here.
    fn contrast(&self, style: Style) -> f64 {
        let (ink, ground) = (self.rgb(style.fg, self.plain), self.rgb(style.bg, self.ground));
        contrast(ink, ground)
    }
}

/// The terminals that a palette is chosen on: of the sixteen, the three; else any ground.
fn screens_of(palette: Palette, shade: Shade) -> Vec<Screen> {
    let all = Screen::all(shade);
    match palette {
        Palette::Ansi16 => all.into_iter().take(SIXTEEN.len()).collect(),
        _ => all.into_iter().skip(SIXTEEN.len()).collect(),
    }
}

const COLOURED: [Palette; 3] = [Palette::TrueColor, Palette::Ansi256, Palette::Ansi16];

/// Every role that text is written in. Rules (`Faint`) and washes (`Selected`) are none.
fn text_roles() -> Vec<Role> {
    let mut roles = vec![
        Role::Text,
        Role::Dim,
        Role::Brand,
        Role::Heading,
        Role::Focused,
        Role::Strong,
        Role::Key,
        Role::Bad,
        Role::Warn,
        Role::Prompt,
        Role::Fill,
        Role::FillBar,
        Role::Expand,
        Role::Remask,
        Role::Replace,
        Role::ExpandInk,
        Role::FillInk,
        Role::Calm,
        Role::Quiet,
        Role::Refused,
        Role::Stuck,
        Role::Eos,
        Role::Live,
        Role::Replay,
        Role::WhatIf,
        Role::Recording,
        Role::State,
        Role::Lost,
        Role::Match,
        Role::Written(None),
        Role::Ghost(None),
        Role::Heat(None),
    ];
    for level in 0..LEVELS {
        let p = Some((level as f32 + 0.5) / LEVELS as f32);
        roles.extend([Role::Written(p), Role::Ghost(p), Role::Heat(p)]);
    }
    roles
}

fn theme(palette: Palette, shade: Shade) -> Theme {
    Theme::new(Look { palette, shade, ..Look::default() })
}

/// WCAG 2.2, 1.4.3: at least 4.5 to 1 for text; here for the bars of a chart, too.
#[test]
fn text_can_be_read_on_its_ground() {
    let mut faults = Vec::new();
    for (palette, shade) in
        COLOURED.iter().flat_map(|&p| [Shade::Dark, Shade::Light].map(|s| (p, s)))
    {
        let theme = theme(palette, shade);
        let screens = screens_of(palette, shade);
        let mut check = |what: String, style: Style| {
            let ratio =
                screens.iter().map(|screen| screen.contrast(style)).fold(f64::MAX, f64::min);
            if ratio < CONTRAST {
                faults.push(format!("{what}, {palette:?} on {shade:?}: {ratio:.2} of {style:?}"));
            }
        };
        for role in text_roles() {
            let style = theme.style(role);
            check(format!("{role:?}"), style);
            check(format!("cursor over {role:?}"), theme.cursor(style));
            check(format!("match over {role:?}"), theme.matched(style));
            let chosen = theme.cursor(theme.matched(style));
            check(format!("cursor over a match over {role:?}"), chosen);
            if style.bg.is_none() {
                let washed = theme.readable(style.patch(theme.style(Role::Selected)));
                check(format!("selected {role:?}"), washed);
            }
        }
        for bar in [Role::Calm, Role::Quiet, Role::ExpandInk, Role::FillInk] {
            check(format!("line over {bar:?}"), theme.line_over(bar));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Lines, bars and the like: not text, and not read.
fn is_drawing(symbol: &str) -> bool {
    // Of boxes and blocks.
    symbol.chars().all(|c| matches!(c, '\u{2500}'..='\u{259f}' | ' ' | '●'))
}

#[test]
fn every_cell_of_every_screen_can_be_read() {
    for (palette, shade) in
        COLOURED.iter().flat_map(|&p| [Shade::Dark, Shade::Light].map(|s| (p, s)))
    {
        let terminals = screens_of(palette, shade);
        for buffer in screens(Look { palette, shade, ..Look::default() }) {
            for cell in buffer.content().iter().filter(|cell| !is_drawing(cell.symbol())) {
                let style = Style::new().fg(cell.fg).bg(cell.bg);
                for terminal in &terminals {
                    let ratio = terminal.contrast(style);
                    assert!(
                        ratio >= CONTRAST && !cell.modifier.contains(Modifier::DIM),
                        "`{}`, {palette:?} on {shade:?}: {ratio:.2} of {style:?}",
                        cell.symbol()
                    );
                }
            }
        }
    }
}

#[test]
fn colours_of_a_configuration_are_kept_and_texts_on_them_are_read() {
    let mut colors = Colors::default();
    colors.set(Ink::Selected, (120, 120, 120));
    for palette in [Palette::TrueColor, Palette::Ansi256] {
        let theme = Theme::new(Look { palette, colors, ..Look::default() });
        for role in [Role::Dim, Role::Warn, Role::Key, Role::Heat(Some(0.1))] {
            let style = theme.readable(theme.style(role).patch(theme.style(Role::Selected)));
            let (ink, ground) = (parts(style.fg.unwrap()), parts(style.bg.unwrap()));
            let ratio = contrast(ink.unwrap(), ground.unwrap());
            assert!(ratio >= CONTRAST, "{role:?}: {ratio:.2}");
        }
    }
}

/// What differs in more than colour: the modifiers of two roles.
#[test]
fn states_differ_by_more_than_their_hue() {
    let look = |palette| theme(palette, Shade::Dark);
    let modifiers = |theme: Theme, role| theme.style(role).add_modifier;
    let drafts = [None, Some(0.1), Some(0.9)].map(Role::Ghost);
    let written = [None, Some(0.1), Some(0.9)].map(Role::Written);
    for palette in [Palette::TrueColor, Palette::Ansi256, Palette::Ansi16, Palette::Mono] {
        let theme = look(palette);
        for draft in drafts {
            assert!(modifiers(theme, draft).contains(Modifier::ITALIC), "{palette:?} {draft:?}");
            for written in written {
                assert!(!modifiers(theme, written).contains(Modifier::ITALIC));
            }
        }
    }
    let mono = look(Palette::Mono);
    let states = [
        Role::Fill,
        Role::Expand,
        Role::Remask,
        Role::Replace,
        Role::Lost,
        Role::Ghost(Some(0.9)),
        Role::Written(Some(0.9)),
        Role::Written(Some(0.2)),
    ];
    for (at, &one) in states.iter().enumerate() {
        for &other in &states[at + 1..] {
            assert_ne!(modifiers(mono, one), modifiers(mono, other), "{one:?} {other:?}");
        }
    }
    let reversed = |role| modifiers(mono, role).contains(Modifier::REVERSED);
    assert!(reversed(Role::Fill) && !reversed(Role::Expand), "one is inverse, the other is not");
}
