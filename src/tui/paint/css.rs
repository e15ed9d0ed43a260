//! The theme for a browser: the same colours as CSS variables, on dark and on light.

use std::fmt::Write as _;

use ratatui::style::{Color, Style};

use super::{
    colors::{Colors, LEVELS, Rgb, Shade},
    theme::{Look, Palette, Role, Theme},
};

/// Roles by the name of their variables: `--NAME` is the ink, `--NAME-ground` the ground.
const ROLES: [(&str, Role); 20] = [
    ("dim", Role::Dim),
    ("prompt", Role::Prompt),
    ("faint", Role::Faint),
    ("strong", Role::Strong),
    ("heading", Role::Heading),
    ("key", Role::Key),
    ("bad", Role::Bad),
    ("warn", Role::Warn),
    ("fill", Role::Fill),
    ("fill-ink", Role::FillInk),
    ("expand", Role::Expand),
    ("expand-ink", Role::ExpandInk),
    ("replace", Role::Replace),
    ("calm", Role::Calm),
    ("quiet", Role::Quiet),
    ("eos", Role::Eos),
    ("selected", Role::Selected),
    ("replay", Role::Replay),
    ("state", Role::State),
    ("what-if", Role::WhatIf),
];

/// Style sheet rules: on `:root` the variables for dark, for light where the browser asks for it
/// and `data-theme` is `auto`, and for light where that is `light`. `colors` take the place of the
/// theme's own.
pub fn css(colors: Colors) -> String {
    let (dark, light) = (variables(Shade::Dark, colors), variables(Shade::Light, colors));
    format!(
        ":root{{color-scheme:dark;{dark}}}\n\
         @media(prefers-color-scheme:light){{:root[data-theme=auto]{{color-scheme:light;{light}}}}}\n\
         :root[data-theme=light]{{color-scheme:light;{light}}}\n"
    )
}

fn variables(shade: Shade, colors: Colors) -> String {
    let theme = Theme::new(Look { palette: Palette::TrueColor, shade, colors, ..Look::default() });
    let mut text = String::new();
    set(&mut text, "ground", "", shade.ground());
    set(&mut text, "plain", "", shade.plain());
    for (name, role) in ROLES {
        both(&mut text, name, theme.style(role));
    }
    both(&mut text, "cursor", theme.cursor(Style::new()));
    // From the middle of each level.
    for level in 0..4 {
        let p = (level as f32 + 0.5) / 4.0;
        both(&mut text, &format!("written-{level}"), theme.style(Role::Written(Some(p))));
    }
    for level in 0..LEVELS {
        let p = (level as f32 + 0.5) / LEVELS as f32;
        both(&mut text, &format!("heat-{level}"), theme.style(Role::Heat(Some(p))));
    }
    text
}

fn both(text: &mut String, name: &str, style: Style) {
    for (part, color) in [("", style.fg), ("-ground", style.bg)] {
        if let Some(Color::Rgb(r, g, b)) = color {
            set(text, name, part, (r, g, b));
        }
    }
}

fn set(text: &mut String, name: &str, part: &str, (r, g, b): Rgb) {
    let _ = write!(text, "--{name}{part}:#{r:02x}{g:02x}{b:02x};");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::Ink;

    #[test]
    fn the_colours_are_those_of_the_theme() {
        let sheet = css(Colors::default());
        for part in ["--fill-ground:#1d4eb0;", "--heat-0:#9e77c0;", "--heat-15:#f0e53c;"] {
            assert!(sheet.contains(part), "no {part} in {sheet}");
        }
        let mut colors = Colors::default();
        colors.set(Ink::Expand, (1, 2, 3));
        assert!(css(colors).contains("--expand-ground:#010203;"));
        // Nothing that could end a style sheet or load anything.
        assert!(!sheet.contains('<') && !sheet.contains("url"));
    }
}
