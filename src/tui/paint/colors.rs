//! The colours behind the roles: one table for both shades, what a configuration puts in their
//! place, the heat ramps, and the arithmetic of contrast.

use ratatui::style::Color;

/// A colour: red, green, blue.
pub type Rgb = (u8, u8, u8);

/// Whether the terminal's ground is dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shade {
    /// Light ink on a dark ground.
    #[default]
    Dark,
    /// Dark ink on a light ground.
    Light,
}

impl Shade {
    /// The ground of pictures, and the one that contrast is measured on.
    pub fn ground(self) -> Rgb {
        match self {
            Self::Dark => (16, 18, 22),
            Self::Light => (255, 255, 255),
        }
    }

    /// The ink of plain text in pictures.
    pub fn plain(self) -> Rgb {
        match self {
            Self::Dark => (212, 215, 221),
            Self::Light => (36, 40, 48),
        }
    }
}

macro_rules! inks {
    ($($ink:ident, $name:literal, ($dark:expr, $cube:literal, $named:ident), ($light:expr, $light_named:ident), $help:literal;)+) => {
        /// A colour with a name: what configurations may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the table says what each is for")]
        pub enum Ink { $($ink),+ }

        impl Ink {
            /// Every ink, in the order of the documents.
            pub const ALL: &[Self] = &[$(Self::$ink),+];

            /// Its name in configurations.
            pub fn name(self) -> &'static str {
                match self { $(Self::$ink => $name),+ }
            }

            /// What it is for.
            pub fn help(self) -> &'static str {
                match self { $(Self::$ink => $help),+ }
            }

            /// Its colour in 24 bits.
            pub fn rgb(self, shade: Shade) -> Rgb {
                match (shade, self) {
                    $((Shade::Dark, Self::$ink) => $dark, (Shade::Light, Self::$ink) => $light),+
                }
            }

            /// Its colour among the 256.
            pub(in crate::tui) fn cube(self, shade: Shade) -> u8 {
                match (shade, self) {
                    $((Shade::Dark, Self::$ink) => $cube,)+
                    (Shade::Light, ink) => nearest(ink.rgb(shade)),
                }
            }

            /// Its colour among the sixteen.
            pub(in crate::tui) fn named(self, shade: Shade) -> Color {
                match (shade, self) {
                    $((Shade::Dark, Self::$ink) => Color::$named, (Shade::Light, Self::$ink) => Color::$light_named),+
                }
            }
        }
    };
}

// Name, in configurations, dark (24 bits, of 256, of 16), light (24 bits, of 16), use.
inks! {
    Fill, "fill", ((29, 78, 176), 25, Blue), ((29, 78, 176), Blue), "ground of what is about to be unmasked";
    FillInk, "fill-ink", ((92, 142, 245), 69, Cyan), ((38, 92, 200), Blue), "about fills, in text and charts";
    FillBar, "fill-bar", ((168, 208, 255), 159, LightCyan), ((204, 224, 255), LightCyan), "a bar on the ground of a fill";
    Expand, "expand", ((240, 140, 40), 208, LightYellow), ((240, 140, 40), LightYellow), "ground of what is about to be expanded";
    ExpandInk, "expand-ink", ((240, 140, 40), 208, LightYellow), ((178, 84, 0), Magenta), "about expansions, in text and charts";
    Replace, "replace", ((205, 140, 255), 177, LightGreen), ((140, 40, 190), Magenta), "a token that is about to be replaced";
    Written, "written", ((250, 250, 250), 231, White), ((16, 18, 22), Black), "a token; one unmasked with little confidence fades";
    Prompt, "prompt", ((138, 143, 152), 245, Gray), ((96, 101, 110), Blue), "the prompt";
    Eos, "eos", ((132, 138, 148), 245, Gray), ((104, 110, 120), Black), "end of sequence";
    Strong, "strong", ((250, 250, 250), 231, White), ((16, 18, 22), Black), "numbers and names that matter";
    Heading, "heading", ((178, 184, 194), 250, Gray), ((70, 75, 84), Black), "headings";
    Dim, "dim", ((138, 143, 152), 245, Gray), ((96, 101, 110), Black), "what matters less";
    Faint, "faint", ((78, 83, 92), 239, DarkGray), ((190, 195, 203), Gray), "lines";
    Key, "key", ((122, 200, 255), 117, LightCyan), ((0, 98, 170), Blue), "keys, and the pane that has them";
    Cursor, "cursor", ((122, 200, 255), 117, LightCyan), ((60, 160, 240), LightCyan), "ground of the cursor";
    Selected, "selected", ((44, 50, 60), 237, Blue), ((226, 232, 240), Blue), "ground of a list's chosen row";
    Warn, "warn", ((240, 200, 90), 221, LightYellow), ((146, 98, 0), Magenta), "something to look at";
    Bad, "bad", ((255, 110, 110), 203, LightRed), ((190, 20, 30), Red), "errors and stuck steps";
    Calm, "calm", ((94, 152, 114), 71, Green), ((38, 110, 60), Blue), "a chart's bars in stage 2";
    Quiet, "quiet", ((132, 137, 146), 245, Gray), ((104, 110, 120), Black), "a chart's bars that only carry a scale";
    Live, "live", ((120, 210, 130), 114, Green), ((120, 210, 130), Green), "badge: a model";
    Replay, "replay", ((122, 200, 255), 117, LightCyan), ((122, 200, 255), LightCyan), "badge: a recording";
    WhatIf, "what-if", ((240, 200, 90), 221, LightYellow), ((240, 200, 90), LightYellow), "badge: other parameters than on record";
    Recording, "recording", ((255, 110, 110), 203, LightRed), ((255, 110, 110), LightRed), "badge: being recorded";
    State, "state", ((178, 184, 194), 250, Gray), ((178, 184, 194), Gray), "badge: state of the run";
}

impl Ink {
    /// The ink of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ink| ink.name() == name)
    }
}

/// Colours put in the place of the theme's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colors([Option<Rgb>; Ink::ALL.len()]);

impl Colors {
    /// Puts a colour in the place of an ink's own.
    pub fn set(&mut self, ink: Ink, rgb: Rgb) {
        self.0[ink as usize] = Some(rgb);
    }

    /// What stands in the place of an ink's own colour.
    pub fn get(&self, ink: Ink) -> Option<Rgb> {
        self.0[ink as usize]
    }
}

/// Contrast that text has at least, as WCAG 2 asks of it (1.4.3, level AA).
pub const CONTRAST: f64 = 4.5;

/// Levels of the heat ramp.
pub const LEVELS: usize = 16;

/// From violet over teal to yellow, as viridis: monotone in luminance, safe for colour-blind eyes,
/// and away from the blue and orange that mean something else. Its doubtful end is lighter than
/// theirs, so that a doubtful token can be read.
const HEAT: [Rgb; LEVELS] = [
    (158, 119, 192),
    (150, 124, 192),
    (142, 130, 192),
    (133, 134, 192),
    (123, 140, 191),
    (112, 148, 185),
    (98, 155, 179),
    (81, 162, 173),
    (72, 170, 163),
    (77, 180, 149),
    (82, 189, 133),
    (88, 198, 115),
    (127, 206, 104),
    (168, 214, 94),
    (205, 222, 80),
    (240, 229, 60),
];

/// From teal over blue to violet, readable on light: the surer, the darker.
const HEAT_LIGHT: [Rgb; LEVELS] = [
    (16, 122, 112),
    (22, 118, 118),
    (27, 114, 124),
    (31, 109, 130),
    (36, 104, 134),
    (44, 98, 135),
    (49, 92, 135),
    (54, 85, 136),
    (59, 77, 134),
    (65, 68, 130),
    (69, 59, 127),
    (71, 49, 123),
    (72, 39, 114),
    (71, 28, 104),
    (70, 16, 94),
    (68, 1, 84),
];

const HEAT_256: [u8; LEVELS] =
    [103, 103, 104, 104, 37, 37, 72, 72, 107, 107, 77, 77, 113, 149, 185, 227];

const HEAT_256_LIGHT: [u8; LEVELS] =
    [61, 61, 60, 60, 25, 25, 24, 24, 23, 23, 55, 55, 54, 54, 53, 53];

const HEAT_16: [Color; 4] = [Color::LightRed, Color::Cyan, Color::Green, Color::LightYellow];

const HEAT_16_LIGHT: [Color; 4] = [Color::Magenta, Color::Magenta, Color::Blue, Color::Black];

/// A level of the heat ramp: in 24 bits, of 256, of 16.
pub(in crate::tui) fn heat(shade: Shade, level: usize) -> (Rgb, u8, Color) {
    let level = level.min(LEVELS - 1);
    match shade {
        Shade::Dark => (HEAT[level], HEAT_256[level], HEAT_16[level / 4]),
        Shade::Light => (HEAT_LIGHT[level], HEAT_256_LIGHT[level], HEAT_16_LIGHT[level / 4]),
    }
}

/// The nearest of the 240 colours that look the same on every terminal.
pub(in crate::tui) fn nearest(rgb: Rgb) -> u8 {
    (16..=255).min_by_key(|&index| distance(index, rgb)).unwrap_or(16)
}

/// The nearest of them that can be read on a ground.
pub(in crate::tui) fn nearest_on(rgb: Rgb, ground: Rgb) -> u8 {
    let read = (16..=255).filter(|&index| contrast(of_cube(index), ground) >= CONTRAST);
    read.min_by_key(|&index| distance(index, rgb)).unwrap_or_else(|| nearest(rgb))
}

fn distance(index: u8, rgb: Rgb) -> i32 {
    let (r, g, b) = of_cube(index);
    let part = |a: u8, b: u8| i32::from(a.abs_diff(b)).pow(2);
    part(r, rgb.0) + part(g, rgb.1) + part(b, rgb.2)
}

/// One of the 240 colours behind the sixteen: a cube of six levels, a ramp of greys.
pub fn of_cube(index: u8) -> Rgb {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..232 => {
            let cube = index.saturating_sub(16);
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// A colour's parts, where they are the same on every terminal.
pub(in crate::tui) fn parts(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index @ 16..) => Some(of_cube(index)),
        _ => None,
    }
}

/// The ink nearest to `ink` that can be read on `ground`: it goes towards black or white, whichever
/// stands out more there.
pub(in crate::tui) fn legible(ink: Rgb, ground: Rgb) -> Rgb {
    let (black, white) = ((0, 0, 0), (255, 255, 255));
    let far = if contrast(white, ground) > contrast(black, ground) { white } else { black };
    let steps = (0..=20).map(|step| mixed(ink, far, step as f32 / 20.0));
    steps.into_iter().find(|ink| contrast(*ink, ground) >= CONTRAST).unwrap_or(far)
}

/// `a` with this share of `b`, 0..=1.
pub(in crate::tui) fn mixed(a: Rgb, b: Rgb, share: f32) -> Rgb {
    let part = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

/// Contrast of two colours, 1..=21, as WCAG 2 defines it.
pub(in crate::tui) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |(r, g, b): Rgb| {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_standard() {
        let (black, white) = ((0, 0, 0), (255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 1e-9);
        assert!((contrast((119, 119, 119), white) - 4.478).abs() < 1e-3);
        assert!((contrast(white, white) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_nearest_colour_is_itself_where_it_can_be() {
        for index in 16..=255u8 {
            assert_eq!(of_cube(nearest(of_cube(index))), of_cube(index));
        }
        assert_eq!(nearest((255, 0, 0)), 196);
        assert_eq!(nearest((9, 9, 9)), 232);
    }

    #[test]
    fn inks_have_names_of_their_own() {
        for &ink in Ink::ALL {
            assert_eq!(Ink::from_name(ink.name()), Some(ink));
        }
        assert_eq!(Ink::from_name("purple"), None);
    }

    #[test]
    fn colours_mix_by_share() {
        assert_eq!(mixed((0, 100, 200), (100, 100, 0), 0.0), (0, 100, 200));
        assert_eq!(mixed((0, 100, 200), (100, 100, 0), 0.5), (50, 100, 100));
        assert_eq!(mixed((0, 100, 200), (100, 100, 0), 1.0), (100, 100, 0));
    }
}
