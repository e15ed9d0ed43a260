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
            pub(super) fn cube(self, shade: Shade) -> u8 {
                match (shade, self) {
                    $((Shade::Dark, Self::$ink) => $cube,)+
                    (Shade::Light, ink) => nearest(ink.rgb(shade)),
                }
            }

            /// Its colour among the sixteen.
            pub(super) fn named(self, shade: Shade) -> Color {
                match (shade, self) {
                    $((Shade::Dark, Self::$ink) => Color::$named, (Shade::Light, Self::$ink) => Color::$light_named),+
                }
            }
        }
    };
}

// Name, in configurations, dark (24 bits, of 256, of 16), light (24 bits, of 16), use.
inks! {
    Fill, "fill", ((29, 78, 176), 25, Blue), ((29, 78, 176), Blue), "ground of what is about to be filled";
    FillInk, "fill-ink", ((92, 142, 245), 69, LightBlue), ((38, 92, 200), Blue), "about fills, in text and charts";
    FillBar, "fill-bar", ((110, 168, 255), 75, LightBlue), ((110, 168, 255), LightBlue), "a bar on the ground of a fill";
    Expand, "expand", ((240, 140, 40), 208, Yellow), ((240, 140, 40), Yellow), "ground of what is about to be expanded";
    ExpandInk, "expand-ink", ((240, 140, 40), 208, Yellow), ((178, 84, 0), Magenta), "about expansions, in text and charts";
    Replace, "replace", ((205, 140, 255), 177, LightMagenta), ((140, 40, 190), Magenta), "a written token that gives way to another one";
    Written, "written", ((250, 250, 250), 231, White), ((16, 18, 22), Black), "a written token; one written with doubt fades";
    Prompt, "prompt", ((138, 143, 152), 245, DarkGray), ((96, 101, 110), DarkGray), "the prompt";
    Eos, "eos", ((110, 116, 126), 243, DarkGray), ((118, 124, 134), DarkGray), "end of sequence";
    Strong, "strong", ((250, 250, 250), 231, White), ((16, 18, 22), Black), "numbers and names that matter";
    Heading, "heading", ((178, 184, 194), 250, Gray), ((70, 75, 84), DarkGray), "headings";
    Dim, "dim", ((138, 143, 152), 245, DarkGray), ((96, 101, 110), DarkGray), "what matters less";
    Faint, "faint", ((78, 83, 92), 239, DarkGray), ((190, 195, 203), Gray), "lines";
    Key, "key", ((122, 200, 255), 117, LightCyan), ((0, 98, 170), Blue), "keys, and the pane that has them";
    Cursor, "cursor", ((122, 200, 255), 117, LightCyan), ((60, 160, 240), LightCyan), "ground of the cursor";
    Selected, "selected", ((44, 50, 60), 237, DarkGray), ((226, 232, 240), Gray), "ground of a list's chosen row";
    Warn, "warn", ((240, 200, 90), 221, LightYellow), ((146, 98, 0), Magenta), "something to look at";
    Bad, "bad", ((255, 110, 110), 203, Red), ((190, 20, 30), Red), "errors and stuck steps";
    Calm, "calm", ((86, 140, 104), 65, Green), ((52, 120, 76), Green), "a chart's bars in stage 2";
    Quiet, "quiet", ((104, 110, 120), 242, DarkGray), ((128, 134, 144), DarkGray), "a chart's bars that only carry a scale";
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

/// Levels of the heat ramp.
pub const LEVELS: usize = 16;

/// The upper part of viridis: readable on dark, monotone in luminance, safe for colour-blind
/// eyes, and away from the blue and orange that mean something else.
const HEAT: [Rgb; LEVELS] = [
    (118, 86, 156),
    (110, 92, 160),
    (100, 98, 160),
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

/// Its lower part from the other end, readable on light: the surer, the darker.
const HEAT_LIGHT: [Rgb; LEVELS] = [
    (31, 153, 138),
    (32, 147, 140),
    (33, 141, 141),
    (36, 135, 142),
    (38, 129, 142),
    (42, 122, 142),
    (45, 113, 142),
    (48, 104, 142),
    (52, 96, 141),
    (56, 88, 140),
    (60, 79, 138),
    (64, 69, 136),
    (69, 57, 130),
    (72, 42, 121),
    (71, 24, 106),
    (68, 1, 84),
];

const HEAT_256: [u8; LEVELS] = [54, 60, 60, 61, 67, 67, 66, 30, 36, 36, 35, 71, 113, 149, 184, 227];

const HEAT_16: [Color; 4] = [Color::Magenta, Color::Cyan, Color::Green, Color::LightYellow];

const HEAT_16_LIGHT: [Color; 4] = [Color::DarkGray, Color::Cyan, Color::Magenta, Color::Black];

/// A level of the heat ramp: in 24 bits, of 256, of 16.
pub(super) fn heat(shade: Shade, level: usize) -> (Rgb, u8, Color) {
    let level = level.min(LEVELS - 1);
    match shade {
        Shade::Dark => (HEAT[level], HEAT_256[level], HEAT_16[level / 4]),
        Shade::Light => (HEAT_LIGHT[level], nearest(HEAT_LIGHT[level]), HEAT_16_LIGHT[level / 4]),
    }
}

/// The nearest of the 240 colours that look the same on every terminal.
pub(super) fn nearest(rgb: Rgb) -> u8 {
    let distance = |index: u8| {
        let (r, g, b) = of_cube(index);
        let part = |a: u8, b: u8| i32::from(a.abs_diff(b)).pow(2);
        part(r, rgb.0) + part(g, rgb.1) + part(b, rgb.2)
    };
    (16..=255).min_by_key(|&index| distance(index)).unwrap_or(16)
}

/// One of the 240 colours behind the sixteen: a cube of six levels, a ramp of greys.
pub(super) fn of_cube(index: u8) -> Rgb {
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

/// `a` with this share of `b`, 0..=1.
pub(super) fn mixed(a: Rgb, b: Rgb, share: f32) -> Rgb {
    let part = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

/// Contrast of two colours, 1..=21, as WCAG 2 defines it.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f64 {
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
