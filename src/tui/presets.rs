//! Parameter sets by name, kept where the screen does not know: lent in, as functions.

use std::{collections::BTreeMap, path::PathBuf};

use super::app::App;
use crate::decode::{Params, Value};

/// Names of presets, sorted.
pub type ListPresets = Box<dyn Fn() -> Vec<String> + Send>;

/// The parameters of a preset, or why there are none.
pub type LoadPreset = Box<dyn Fn(&str) -> Result<Vec<(String, Value)>, String> + Send>;

/// Keeps parameters under a name; answers where, or why not.
pub type SavePreset = Box<dyn Fn(&str, &Params) -> Result<PathBuf, String> + Send>;

/// Presets, as the screen sees them.
pub struct Presets {
    /// Which there are.
    pub list: ListPresets,
    /// One of them.
    pub load: LoadPreset,
    /// A new one, or another in its place.
    pub save: SavePreset,
}

impl App {
    /// Names of the presets, sorted; empty where there are none.
    pub fn preset_names(&self) -> Vec<String> {
        self.presets.as_ref().map(|presets| (presets.list)()).unwrap_or_default()
    }

    /// Sets the parameters of a preset; what it does not name stays. Returns how many changed.
    ///
    /// # Errors
    /// Why not, in a sentence; nothing is changed then.
    pub fn load_preset(&mut self, name: &str) -> Result<usize, String> {
        let presets = self.presets.as_ref().ok_or(NONE)?;
        let loaded = (presets.load)(name)?;
        let mut wanted = self.session.params().clone();
        for (name, value) in &loaded {
            wanted.set(name, *value).map_err(|error| error.to_string())?;
        }
        let mut changed = 0;
        for (spec, value) in wanted.iter() {
            if self.session.params().get(spec.name) != Ok(value) {
                self.session.set_param(spec.name, value).map_err(|error| error.to_string())?;
                changed += 1;
            }
        }
        self.held = false;
        self.refresh();
        Ok(changed)
    }

    /// Keeps the parameters as they are under a name; returns where.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn save_preset(&self, name: &str) -> Result<PathBuf, String> {
        let presets = self.presets.as_ref().ok_or(NONE)?;
        (presets.save)(name, self.session.params())
    }

    /// Commands under a name, as the configuration has them.
    pub fn macros(&self) -> &BTreeMap<String, String> {
        &self.macros
    }
}

const NONE: &str = "there are no presets here";
