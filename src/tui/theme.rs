//! How things look: roles instead of colours, at four palette levels. Colours follow DAEDAL's
//! published figure: dark blue is to be filled, orange is expansion, white is written, and the
//! shade is the confidence.
//!
//! Without colour nothing sets a foreground or background at all (the resets that follow would
//! cancel reverse video); states differ by modifiers and glyphs instead.

use ratatui::style::{Color, Modifier, Style};

pub use super::signs::*;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// 24-bit colour.
    TrueColor,
    /// The 256-colour cube.
    Ansi256,
    /// The sixteen named colours.
    Ansi16,
    /// None.
    Mono,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Number of colours.
    pub palette: Palette,
    /// Only ASCII is drawn.
    pub ascii: bool,
    /// Clicks and the wheel are listened to.
    pub mouse: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { palette: Palette::TrueColor, ascii: false, mouse: true }
    }
}

/// Levels of the heat ramp.
pub const LEVELS: usize = 16;

/// The upper part of viridis: readable on dark, monotone in luminance, safe for colour-blind
/// eyes, and away from the blue and orange that mean something else.
const HEAT: [(u8, u8, u8); LEVELS] = [
    (104, 74, 140),
    (100, 84, 150),
    (92, 94, 156),
    (82, 104, 156),
    (70, 114, 153),
    (58, 123, 149),
    (47, 132, 145),
    (41, 142, 142),
    (37, 154, 138),
    (40, 166, 131),
    (58, 178, 121),
    (86, 190, 106),
    (120, 201, 87),
    (158, 210, 65),
    (199, 217, 48),
    (240, 229, 60),
];

const HEAT_256: [u8; LEVELS] = [54, 60, 60, 61, 67, 67, 66, 30, 36, 36, 35, 71, 113, 149, 184, 227];

const HEAT_16: [Color; 4] = [Color::Magenta, Color::Cyan, Color::Green, Color::LightYellow];

/// What something is, for its style.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// Plain text.
    Text,
    /// Less important.
    Dim,
    /// Lines and the like.
    Faint,
    /// The program's name.
    Brand,
    /// A pane's heading.
    Heading,
    /// The heading of the pane that has the keys.
    Focused,
    /// A number or name that matters.
    Strong,
    /// A key in the hints.
    Key,
    /// An error.
    Bad,
    /// Something to look at.
    Warn,
    /// The prompt's text.
    Prompt,
    /// A written token, by the confidence it was written with.
    Written(Option<f32>),
    /// A mask's guess, by its confidence.
    Ghost(Option<f32>),
    /// A heat glyph.
    Heat(Option<f32>),
    /// About to be filled.
    Fill,
    /// A bar of a position about to be filled.
    FillBar,
    /// About to be expanded.
    Expand,
    /// Something about expansions, in text and charts.
    ExpandInk,
    /// Something about fills, in text and charts.
    FillInk,
    /// A chart's bars in stage 2.
    Calm,
    /// A chart's bars that only carry a scale.
    Quiet,
    /// Under the threshold for expansion, but refused.
    Refused,
    /// A stuck step.
    Stuck,
    /// End of sequence.
    Eos,
    /// A badge: live.
    Live,
    /// A badge: replay.
    Replay,
    /// A badge: the parameters are not those of the record.
    WhatIf,
    /// A badge: recording.
    Recording,
    /// A badge: the state of the run.
    State,
    /// The selected row of a list.
    Selected,
}

/// The style table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
    ascii: bool,
}

impl Theme {
    /// The theme for a look.
    pub fn new(look: Look) -> Self {
        Self { palette: look.palette, ascii: look.ascii }
    }

    /// True if no colour may be used.
    pub fn colourless(self) -> bool {
        self.palette == Palette::Mono
    }

    /// True if only ASCII may be drawn.
    pub fn ascii(self) -> bool {
        self.ascii
    }

    /// A sign as the terminal can show it.
    pub fn sign(self, sign: Sign) -> &'static str {
        if self.ascii { sign.1 } else { sign.0 }
    }

    /// A bar `eighths` high, 0..=8.
    pub fn bar(self, eighths: usize) -> &'static str {
        self.sign(BARS[eighths.min(8)])
    }

    /// The bar for a probability: never empty, so that a low value is still seen.
    pub fn heat_bar(self, p: Option<f32>) -> &'static str {
        match p {
            Some(p) if p.is_finite() => self.bar(quantised(p, 8) + 1),
            _ => self.sign(ABSENT),
        }
    }

    /// The glyph of a position about to be filled, seen from above: a bar, or without colour a
    /// sign, since a full bar in reverse video is a hole.
    pub fn fill_glyph(self, p: Option<f32>) -> &'static str {
        if self.colourless() { self.sign(FILLS) } else { self.heat_bar(p) }
    }

    /// A sentence of our own, in ASCII if need be.
    pub fn say(self, text: &str) -> String {
        if self.ascii { plain(text) } else { text.to_owned() }
    }

    /// The style of a role.
    pub fn style(self, role: Role) -> Style {
        if self.palette == Palette::Mono { mono(role) } else { self.coloured(role) }
    }

    fn ink(self, (r, g, b): (u8, u8, u8), cube: u8, named: Color) -> Color {
        match self.palette {
            Palette::TrueColor => Color::Rgb(r, g, b),
            Palette::Ansi256 => Color::Indexed(cube),
            Palette::Ansi16 | Palette::Mono => named,
        }
    }

    fn heat(self, p: Option<f32>) -> Color {
        let Some(p) = p.filter(|p| p.is_finite()) else { return self.dim() };
        let level = quantised(p, LEVELS);
        self.ink(HEAT[level], HEAT_256[level], HEAT_16[level / 4])
    }

    fn dim(self) -> Color {
        self.ink((138, 143, 152), 245, Color::DarkGray)
    }

    fn blue(self) -> Color {
        self.ink((29, 78, 176), 25, Color::Blue)
    }

    fn orange(self) -> Color {
        self.ink((240, 140, 40), 208, Color::Yellow)
    }

    fn white(self) -> Color {
        self.ink((250, 250, 250), 231, Color::White)
    }

    fn black(self) -> Color {
        self.ink((16, 18, 22), 233, Color::Black)
    }

    fn coloured(self, role: Role) -> Style {
        let ink = |rgb, cube, named| self.ink(rgb, cube, named);
        let fg = |color: Color| Style::new().fg(color);
        let badge = |color: Color| Style::new().fg(self.black()).bg(color);
        match role {
            Role::Text => Style::new(),
            Role::Dim | Role::Prompt => fg(self.dim()),
            Role::Faint => fg(ink((78, 83, 92), 239, Color::DarkGray)),
            Role::Brand => fg(self.white()).add_modifier(Modifier::BOLD),
            Role::Heading => fg(ink((178, 184, 194), 250, Color::Gray)),
            Role::Focused => {
                fg(ink((122, 200, 255), 117, Color::LightCyan)).add_modifier(Modifier::BOLD)
            }
            Role::Strong => fg(self.white()).add_modifier(Modifier::BOLD),
            Role::Key => fg(ink((122, 200, 255), 117, Color::LightCyan)),
            Role::Bad | Role::Stuck => fg(ink((255, 110, 110), 203, Color::Red)),
            Role::Warn => fg(ink((240, 200, 90), 221, Color::LightYellow)),
            Role::Written(p) => self.written(p),
            Role::Ghost(p) => fg(self.heat(p)).add_modifier(Modifier::ITALIC),
            Role::Heat(p) => fg(self.heat(p)),
            Role::Fill => {
                Style::new().fg(self.white()).bg(self.blue()).add_modifier(Modifier::BOLD)
            }
            // A full bar covers its ground: it must not look written.
            Role::FillBar => {
                Style::new().fg(ink((110, 168, 255), 75, Color::LightBlue)).bg(self.blue())
            }
            Role::Expand => badge(self.orange()).add_modifier(Modifier::BOLD),
            Role::ExpandInk | Role::Refused => fg(self.orange()),
            Role::FillInk => fg(ink((92, 142, 245), 69, Color::LightBlue)),
            Role::Calm => fg(ink((86, 140, 104), 65, Color::Green)),
            Role::Quiet => fg(ink((104, 110, 120), 242, Color::DarkGray)),
            Role::Eos => fg(ink((110, 116, 126), 243, Color::DarkGray)),
            Role::Live => badge(ink((120, 210, 130), 114, Color::Green)),
            Role::Replay => badge(ink((122, 200, 255), 117, Color::LightCyan)),
            Role::WhatIf => badge(ink((240, 200, 90), 221, Color::LightYellow)),
            Role::Recording => badge(ink((255, 110, 110), 203, Color::LightRed)),
            Role::State => badge(ink((178, 184, 194), 250, Color::Gray)),
            Role::Selected => Style::new().bg(ink((44, 50, 60), 237, Color::DarkGray)),
        }
    }

    /// White, fading with doubt.
    fn written(self, p: Option<f32>) -> Style {
        let level = p.filter(|p| p.is_finite()).map_or(3, |p| quantised(p, 4));
        match self.palette {
            Palette::TrueColor => {
                let (ink, ground) = [
                    ((158, 162, 170), (24, 26, 30)),
                    ((192, 196, 202), (30, 33, 38)),
                    ((224, 227, 232), (38, 42, 48)),
                    ((250, 250, 250), (48, 52, 60)),
                ][level];
                Style::new()
                    .fg(Color::Rgb(ink.0, ink.1, ink.2))
                    .bg(Color::Rgb(ground.0, ground.1, ground.2))
            }
            Palette::Ansi256 => {
                let (ink, ground) = [(247, 234), (250, 235), (253, 236), (231, 237)][level];
                Style::new().fg(Color::Indexed(ink)).bg(Color::Indexed(ground))
            }
            Palette::Ansi16 | Palette::Mono if level < 2 => Style::new().fg(Color::Gray),
            Palette::Ansi16 | Palette::Mono => Style::new().fg(Color::White),
        }
    }

    /// A threshold's line across a bar of this role.
    pub fn line_over(self, bar: Role) -> Style {
        match (self.palette, self.style(bar).fg) {
            (Palette::Mono, _) | (_, None) => self.style(bar),
            (_, Some(ground)) => Style::new().fg(self.black()).bg(ground),
        }
    }

    /// The cursor, over whatever lies under it.
    pub fn cursor(self, under: Style) -> Style {
        if self.palette == Palette::Mono {
            return under.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        }
        let cyan = self.ink((122, 200, 255), 117, Color::LightCyan);
        match under.bg {
            // A pending state keeps its hue under the cursor and gets brighter.
            Some(ground) if ground == self.blue() => Style::new()
                .fg(under.fg.unwrap_or(self.white()))
                .bg(self.ink((64, 132, 255), 69, Color::LightBlue))
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Some(ground) if ground == self.orange() => Style::new()
                .fg(self.black())
                .bg(self.ink((255, 190, 110), 215, Color::LightYellow))
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            _ => Style::new().fg(self.black()).bg(cyan),
        }
    }
}

fn mono(role: Role) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match role {
        Role::Brand | Role::Strong | Role::Key | Role::ExpandInk | Role::Warn => {
            with(Modifier::BOLD)
        }
        Role::Focused => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Bad | Role::Stuck | Role::Refused => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Dim | Role::Faint | Role::Prompt | Role::Eos => with(Modifier::DIM),
        Role::Ghost(_) => with(Modifier::DIM | Modifier::ITALIC),
        Role::Written(Some(p)) if p < 0.5 => with(Modifier::DIM),
        Role::Fill | Role::FillBar => with(Modifier::REVERSED),
        Role::Expand => with(Modifier::REVERSED | Modifier::BOLD),
        Role::Live | Role::Replay | Role::WhatIf | Role::Recording | Role::State => {
            with(Modifier::REVERSED)
        }
        Role::Selected => with(Modifier::REVERSED),
        Role::Text
        | Role::Heading
        | Role::Calm
        | Role::Quiet
        | Role::FillInk
        | Role::Heat(_)
        | Role::Written(_) => Style::new(),
    }
}

/// Which of `levels` equal parts of 0..=1 holds `p`.
pub fn quantised(p: f32, levels: usize) -> usize {
    // `as` saturates: negative numbers and NaN become 0.
    ((p * levels as f32) as usize).min(levels - 1)
}
