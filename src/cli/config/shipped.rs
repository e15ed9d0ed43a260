//! The presets in the program, and the names that other presets and macros may have.

use super::ParamSet;
use crate::decode::{REFERENCE, STRATEGIES};

/// What is said about a name that cannot be one.
pub(super) const INVALID_NAME: &str =
    "a name has 1 to 64 letters a to z, digits, `-` and `_`. Take another name";

/// A preset in the program: name, what it sets, what it is for.
type Shipped = (&'static str, ParamSet, &'static str);

/// Presets in the program: those of the strategies, and one for all of them.
pub(super) fn of_program() -> Vec<Shipped> {
    let strategies = STRATEGIES.iter().flat_map(|strategy| strategy.presets()).map(|preset| {
        let values = preset.values.iter().map(|(name, value)| ((*name).to_owned(), *value));
        (preset.name, values.collect(), preset.help)
    });
    let defaults = STRATEGIES[0].params().iter();
    let defaults = defaults.map(|spec| (spec.name.to_owned(), spec.default())).collect();
    let help = "every parameter as the reference has it, whatever the checkpoint suggests";
    strategies.chain([(REFERENCE, defaults, help)]).collect()
}

/// True if the program has a preset of this name.
pub(super) fn is_shipped(name: &str) -> bool {
    of_program().iter().any(|(shipped, ..)| *shipped == name)
}

/// What is said about a name that the program has.
pub(super) fn taken(name: &str) -> String {
    format!("`{name}` is a preset of the program. Take another name")
}

/// True if presets and macros may be called so: nothing in it means anything to a file system.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}
