//! The configuration as it is without a file, for the user to begin with, and tables for documents.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{LookConfig, shipped::of_program};
use crate::{
    decode::{ParamSpec, STRATEGIES, SWITCH, Value},
    tui::{Ink, Keymap, SPEEDS, Shade},
};

/// The file with every setting at its default. Settings are commented out, as `#name = value`, so
/// that it says nothing until a `#` is taken away.
pub fn default_text() -> String {
    let mut text = String::from(
        "# The configuration of demask. A line that begins with `#` says nothing: take the `#`\n\
         # away to change a setting. The values are the defaults.\n\n\
         # What the parameters of a strategy start with; what another strategy has no use for it passes\n\
         # over. Later ones win: the defaults, what a checkpoint suggests, this, a preset, flags.\n\
         [params]\n",
    );
    let mut named = BTreeSet::new();
    for strategy in STRATEGIES {
        let new = strategy.params().iter().filter(|spec| named.insert(spec.name));
        let new: Vec<&ParamSpec> = new.collect();
        if !new.is_empty() {
            let _ = writeln!(text, "# Of {}:", strategy.name());
        }
        for spec in new {
            let _ = writeln!(text, "# {} ({})", spec.help, spec.range());
            let _ = writeln!(text, "#{} = {}", spec.name, toml_value(spec.default()));
        }
    }
    look(&mut text);
    text.push_str(
        "\n# Colours in the place of the theme's, as \"#rrggbb\"; terminals with sixteen colours \
         keep\n# their own. These are those of the dark theme.\n[colors]\n",
    );
    for ink in Ink::ALL {
        let (r, g, b) = ink.rgb(Shade::Dark);
        let _ = writeln!(text, "#{} = \"#{r:02x}{g:02x}{b:02x}\" # {}", ink.name(), ink.help());
    }
    keys(&mut text);
    text.push_str(
        "\n# Parameters under a name, for --preset NAME. More in files presets/NAME.toml beside \
         this\n# one. The program has: ",
    );
    let shipped: Vec<&str> = of_program().iter().map(|(name, ..)| *name).collect();
    text.push_str(&shipped.join(", "));
    text.push_str(
        ".\n#[presets.careful]\n#high_conf_threshold = 0.95\n\n\
         # Commands under a name, with `;` between them.\n[macros]\n\
         #two-back = \"back; back\"\n",
    );
    text
}

/// A parameter's value as the file has it.
fn toml_value(value: Value) -> String {
    match value {
        Value::Name(name) if SWITCH.contains(&name) => name.to_owned(),
        Value::Name(name) => format!("{name:?}"),
        Value::Tokens(ids) => format!("{:?}", ids.ids()),
        number => number.to_string(),
    }
}

fn look(text: &mut String) {
    let LookConfig { ascii, mouse, .. } = LookConfig::default();
    let speeds: Vec<String> = SPEEDS.iter().flatten().map(u32::to_string).collect();
    let _ = write!(
        text,
        "\n# How the screen looks; flags win.\n[look]\n\
         # auto, never, 16, 256 or truecolor\n#color = \"auto\"\n\
         # Only ASCII characters\n#ascii = {ascii}\n\
         # Clicks and the wheel\n#mouse = {mouse}\n\
         # dark or light, as the terminal's ground\n#theme = \"dark\"\n\
         # Steps a second of a run: {} or \"max\"\n#speed = 5\n",
        speeds.join(", ")
    );
}

fn keys(text: &mut String) {
    text.push_str(
        "\n# Keys of every action: one, or a list; an empty list leaves it without. A character \
         (`s`,\n# `S`), or space, enter, esc, tab, shift-tab, backspace, delete, insert, left, \
         right, up,\n# down, home, end, pgup, pgdn, f1 to f12; with ctrl- or alt- before it.\n\
         [keys]\n",
    );
    for (row, keys) in Keymap::default().rows() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{:?}", key.syntax())).collect();
        let keys = match keys.as_slice() {
            [key] => key.clone(),
            keys => format!("[{}]", keys.join(", ")),
        };
        let _ = writeln!(text, "#{} = {keys} # {}", row.name, row.help);
    }
}

/// The colours as a Markdown table.
pub fn color_table() -> String {
    let mut table = String::from("| name | dark | light | what it is for |\n|---|---|---|---|\n");
    for ink in Ink::ALL {
        let shown = |shade| {
            let (r, g, b) = ink.rgb(shade);
            format!("`#{r:02x}{g:02x}{b:02x}`")
        };
        let (dark, light) = (shown(Shade::Dark), shown(Shade::Light));
        let _ = writeln!(table, "| `{}` | {dark} | {light} | {} |", ink.name(), ink.help());
    }
    table
}

/// The program's presets as a Markdown table.
pub fn preset_table() -> String {
    let mut table = String::from("| preset | parameters | what it is for |\n|---|---|---|\n");
    for (name, params, help) in of_program() {
        let shown: Vec<String> =
            params.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
        let _ = writeln!(table, "| `{name}` | {} | {help} |", shown.join(", "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::config::Config,
        decode::{Params, daedal},
    };

    #[test]
    fn as_printed_it_changes_nothing() {
        assert_eq!(Config::parse(&default_text(), "printed"), Ok(Config::default()));
    }

    /// With every setting in force it is still the default, but for the parameters and colours,
    /// which are spelt out.
    #[test]
    fn every_setting_is_the_default() {
        let in_force = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting.to_owned(),
            _ => line.to_owned(),
        };
        let text: String = default_text().lines().map(|line| in_force(line) + "\n").collect();
        let config = Config::parse(&text, "printed").unwrap();
        let defaults = Config::default();
        assert_eq!(config.keymap, defaults.keymap);
        assert_eq!(config.look, defaults.look);
        let specs = STRATEGIES.iter().flat_map(|strategy| strategy.params());
        let names: BTreeSet<&str> = specs.map(|spec| spec.name).collect();
        assert_eq!(config.params.len(), names.len());
        let mut params = Params::defaults(daedal::SPECS);
        for (name, value) in &config.params {
            if params.has(name) {
                params.set(name, *value).unwrap();
            }
        }
        assert_eq!(params, Params::defaults(daedal::SPECS));
        for &ink in Ink::ALL {
            assert_eq!(config.colors.get(ink), Some(ink.rgb(Shade::Dark)), "{}", ink.name());
        }
        assert_eq!(config.presets.keys().collect::<Vec<_>>(), ["careful"]);
        assert_eq!(config.macros["two-back"], "back; back");
    }
}
