//! How things look: roles instead of colours, at four palette levels, on dark and on light.
//! Colours follow DAEDAL's published figure: dark blue is to be filled, orange is expansion, white
//! (on light: black) is written, and the shade is the confidence.
//!
//! Without colour nothing sets a foreground or background at all (the resets that follow would
//! cancel reverse video); states differ by modifiers and glyphs instead.

use ratatui::style::{Color, Modifier, Style};

use super::colors::{contrast, heat, legible, mixed, nearest, nearest_on, parts};
pub use super::{
    colors::{Colors, Ink, LEVELS, Rgb, Shade},
    signs::*,
};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Any colour of 24 bits.
    TrueColor,
    /// The 256 colours of the xterm palette.
    Ansi256,
    /// The sixteen named colours.
    Ansi16,
    /// No colours: bold, dim, underlined and reversed text.
    Mono,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How many colours it shows.
    pub palette: Palette,
    /// Only ASCII is drawn.
    pub ascii: bool,
    /// Clicks and the wheel are listened to.
    pub mouse: bool,
    /// Whether its ground is dark or light.
    pub shade: Shade,
    /// Colours in the place of the theme's own.
    pub colors: Colors,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            palette: Palette::TrueColor,
            ascii: false,
            mouse: true,
            shade: Shade::Dark,
            colors: Colors::default(),
        }
    }
}

const WHITE: Rgb = (250, 250, 250);
const BLACK: Rgb = (16, 18, 22);

/// A colour in 24 bits and of the 256.
type ShownColor = (Rgb, u8);

/// Ink and ground of written tokens, from doubt to certainty: white grows brighter.
const SURE: [(ShownColor, ShownColor); 4] = [
    (((158, 162, 170), 247), ((24, 26, 30), 234)),
    (((192, 196, 202), 250), ((30, 33, 38), 235)),
    (((224, 227, 232), 253), ((38, 42, 48), 236)),
    (((250, 250, 250), 231), ((48, 52, 60), 237)),
];

/// The same on light: black grows darker.
const SURE_LIGHT: [(ShownColor, ShownColor); 4] = [
    (((104, 108, 116), 241), ((246, 247, 249), 255)),
    (((84, 88, 96), 240), ((238, 240, 243), 255)),
    (((52, 55, 62), 237), ((230, 232, 237), 254)),
    (((16, 18, 22), 233), ((220, 224, 231), 253)),
];

/// What something is, for its style.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// Text without emphasis.
    Text,
    /// Text of less importance.
    Dim,
    /// Lines and the like.
    Faint,
    /// The name of the program.
    Brand,
    /// The heading of a pane.
    Heading,
    /// The heading of the pane that has the keys.
    Focused,
    /// A number or name that matters.
    Strong,
    /// A key in the hints.
    Key,
    /// An error that the user has to know of.
    Bad,
    /// Something to look at.
    Warn,
    /// The text of the prompt.
    Prompt,
    /// A written token, by the confidence it was written with.
    Written(Option<f32>),
    /// A mask's guess, by its confidence.
    Ghost(Option<f32>),
    /// A cell of the heat map, by its value.
    Heat(Option<f32>),
    /// About to be filled.
    Fill,
    /// A bar of a position about to be filled.
    FillBar,
    /// About to be expanded.
    Expand,
    /// About to be remasked.
    Remask,
    /// About to be given another token, or about that.
    Replace,
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
    /// A step that was stuck.
    Stuck,
    /// A position that holds EOS.
    Eos,
    /// The badge of a session with a model.
    Live,
    /// The badge of a replay.
    Replay,
    /// A badge: the parameters are not those of the record.
    WhatIf,
    /// The badge of a session that is recorded.
    Recording,
    /// A badge: the state of the run.
    State,
    /// The selected row of a list.
    Selected,
    /// The step on record changes it, the pending one does not.
    Lost,
    /// A match of the search.
    Match,
}

/// The style of every role, for a palette and a ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
    ascii: bool,
    shade: Shade,
    colors: Colors,
}

impl Theme {
    /// The theme for a look.
    pub fn new(look: Look) -> Self {
        Self { palette: look.palette, ascii: look.ascii, shade: look.shade, colors: look.colors }
    }

    /// The look it is for; of the mouse it knows nothing.
    pub fn look(self) -> Look {
        let Self { palette, ascii, shade, colors } = self;
        Look { palette, ascii, shade, colors, ..Look::default() }
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

    /// The colour of this palette, given in 24 bits, of the 256 and of the sixteen.
    fn one_of(self, rgb: Rgb, cube: u8, named: Color) -> Color {
        match self.palette {
            Palette::TrueColor => Color::Rgb(rgb.0, rgb.1, rgb.2),
            Palette::Ansi256 => Color::Indexed(cube),
            Palette::Ansi16 | Palette::Mono => named,
        }
    }

    /// A colour of the configuration's; the sixteen are the terminal's own and stay.
    fn changed(self, ink: Ink) -> Option<Rgb> {
        let changeable = matches!(self.palette, Palette::TrueColor | Palette::Ansi256);
        self.colors.get(ink).filter(|_| changeable)
    }

    fn ink(self, ink: Ink) -> Color {
        match self.changed(ink) {
            Some(rgb) => self.one_of(rgb, nearest(rgb), Color::Reset),
            None => self.one_of(ink.rgb(self.shade), ink.cube(self.shade), ink.named(self.shade)),
        }
    }

    fn heat(self, p: Option<f32>) -> Color {
        let Some(p) = p.filter(|p| p.is_finite()) else { return self.ink(Ink::Dim) };
        let (rgb, cube, named) = heat(self.shade, quantised(p, LEVELS));
        self.one_of(rgb, cube, named)
    }

    fn white(self) -> Color {
        self.one_of(WHITE, 231, Color::White)
    }

    fn black(self) -> Color {
        self.one_of(BLACK, 233, Color::Black)
    }

    /// A ground with text on it: `usual`, unless the ground is the configuration's.
    fn ground(self, ink: Ink, usual: Color) -> Style {
        let text = match self.changed(ink) {
            Some(rgb) if contrast(rgb, WHITE) > contrast(rgb, BLACK) => self.white(),
            Some(_) => self.black(),
            None => usual,
        };
        Style::new().fg(text).bg(self.ink(ink))
    }

    fn coloured(self, role: Role) -> Style {
        let fg = |ink: Ink| Style::new().fg(self.ink(ink));
        let badge = |ink: Ink| self.ground(ink, self.black());
        match role {
            Role::Text => Style::new(),
            Role::Dim => fg(Ink::Dim),
            Role::Prompt => fg(Ink::Prompt),
            Role::Faint => fg(Ink::Faint),
            Role::Brand | Role::Strong => fg(Ink::Strong).add_modifier(Modifier::BOLD),
            Role::Heading => fg(Ink::Heading),
            Role::Focused => fg(Ink::Key).add_modifier(Modifier::BOLD),
            Role::Key => fg(Ink::Key),
            Role::Bad | Role::Stuck => fg(Ink::Bad),
            Role::Warn => fg(Ink::Warn),
            Role::Written(p) => self.written(p),
            Role::Ghost(p) => Style::new().fg(self.heat(p)).add_modifier(Modifier::ITALIC),
            Role::Heat(p) => Style::new().fg(self.heat(p)),
            Role::Fill => self.ground(Ink::Fill, self.white()).add_modifier(Modifier::BOLD),
            // A full bar covers its ground: it must not look written.
            Role::FillBar => fg(Ink::FillBar).bg(self.ink(Ink::Fill)),
            Role::Expand => badge(Ink::Expand).add_modifier(Modifier::BOLD),
            Role::Remask => fg(Ink::Bad).add_modifier(Modifier::BOLD | Modifier::CROSSED_OUT),
            Role::Replace => fg(Ink::Replace).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Role::ExpandInk | Role::Refused => fg(Ink::ExpandInk),
            Role::FillInk => fg(Ink::FillInk),
            Role::Calm => fg(Ink::Calm),
            Role::Quiet => fg(Ink::Quiet),
            Role::Eos => fg(Ink::Eos),
            Role::Live => badge(Ink::Live),
            Role::Replay => badge(Ink::Replay),
            Role::WhatIf => badge(Ink::WhatIf),
            Role::Recording => badge(Ink::Recording),
            Role::State => badge(Ink::State),
            // Of sixteen colours none is a ground for all the others.
            Role::Selected if self.palette == Palette::Ansi16 => {
                Style::new().fg(Color::White).bg(self.ink(Ink::Selected))
            }
            Role::Selected => Style::new().bg(self.ink(Ink::Selected)),
            Role::Lost => fg(Ink::Warn).add_modifier(Modifier::CROSSED_OUT),
            Role::Match => fg(Ink::Warn).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    /// The ink of written text, fading with doubt.
    fn written(self, p: Option<f32>) -> Style {
        let level = p.filter(|p| p.is_finite()).map_or(3, |p| quantised(p, 4));
        if matches!(self.palette, Palette::Ansi16 | Palette::Mono) {
            let style = Style::new().fg(Ink::Written.named(self.shade));
            return if level < 2 { style } else { style.add_modifier(Modifier::BOLD) };
        }
        let (ink, ground) = match self.shade {
            Shade::Dark => SURE[level],
            Shade::Light => SURE_LIGHT[level],
        };
        let ink = match self.changed(Ink::Written) {
            Some(rgb) => {
                let ink = mixed(rgb, ground.0, 0.15 * (3 - level) as f32);
                (ink, nearest(ink))
            }
            None => ink,
        };
        let color = |(rgb, cube)| self.one_of(rgb, cube, Color::Reset);
        Style::new().fg(color(ink)).bg(color(ground))
    }

    /// A threshold's line across a bar of this role.
    pub fn line_over(self, bar: Role) -> Style {
        let line = match self.shade {
            Shade::Dark => self.black(),
            Shade::Light => self.white(),
        };
        match (self.palette, self.style(bar).fg) {
            (Palette::Mono, _) | (_, None) => self.style(bar),
            (_, Some(ground)) => Style::new().fg(line).bg(ground),
        }
    }

    /// `style` with its ink moved, if it must be, until it can be read on its ground. Of the sixteen
    /// colours nobody knows how they look.
    pub fn readable(self, style: Style) -> Style {
        let (Some(ink), Some(ground)) = (style.fg.and_then(parts), style.bg.and_then(parts)) else {
            return style;
        };
        let moved = legible(ink, ground);
        if moved == ink {
            return style;
        }
        style.fg(self.one_of(moved, nearest_on(moved, ground), Color::Reset))
    }

    /// A match of the search, or what differs, over whatever lies under it.
    pub fn matched(self, under: Style) -> Style {
        let style = self.style(Role::Match);
        if self.palette == Palette::Ansi16 && under.bg.is_some() {
            return under.add_modifier(style.add_modifier);
        }
        self.readable(under.patch(style))
    }

    /// The cursor, over whatever lies under it.
    pub fn cursor(self, under: Style) -> Style {
        if self.palette == Palette::Mono {
            return under.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        }
        // A pending state keeps its hue under the cursor and gets brighter.
        let brighter = |ink: Ink, rgb, cube, named| match self.changed(ink) {
            Some(changed) => {
                let rgb = mixed(changed, WHITE, 0.3);
                self.one_of(rgb, nearest(rgb), named)
            }
            None => self.one_of(rgb, cube, named),
        };
        match under.bg {
            Some(ground) if ground == self.ink(Ink::Fill) => Style::new()
                .fg(self.black())
                .bg(brighter(Ink::Fill, (104, 160, 255), 75, Color::Cyan))
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Some(ground) if ground == self.ink(Ink::Expand) => Style::new()
                .fg(self.black())
                .bg(brighter(Ink::Expand, (255, 190, 110), 215, Color::White))
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            _ => self.ground(Ink::Cursor, self.black()),
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
        // Bold is written, upright but thin is written with doubt, slanted is a draft.
        Role::Written(p) => match p {
            Some(p) if p < 0.5 => Style::new(),
            _ => with(Modifier::BOLD),
        },
        Role::Fill | Role::FillBar => with(Modifier::REVERSED),
        Role::Expand => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Remask => with(Modifier::CROSSED_OUT | Modifier::UNDERLINED),
        Role::Replace => with(Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED),
        Role::Live | Role::Replay | Role::WhatIf | Role::Recording | Role::State => {
            with(Modifier::REVERSED)
        }
        Role::Selected => with(Modifier::REVERSED),
        Role::Lost => with(Modifier::CROSSED_OUT | Modifier::BOLD),
        Role::Match => with(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Text | Role::Heading | Role::Calm | Role::Quiet | Role::FillInk | Role::Heat(_) => {
            Style::new()
        }
    }
}

/// Which of `levels` equal parts of 0..=1 holds `p`.
pub fn quantised(p: f32, levels: usize) -> usize {
    // `as` saturates: negative numbers and NaN become 0.
    ((p * levels as f32) as usize).min(levels - 1)
}
