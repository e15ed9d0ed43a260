//! Presets: parameter sets by name. Those in the program, then those of the configuration, then
//! files `presets/NAME.toml` beside it; the first of a name counts.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Config, ConfigError, ParamSet,
    error::{ConfigText, unknown},
    file, parse,
    shipped::{INVALID_NAME, is_name, is_shipped, of_program, taken},
};
use crate::{cli::Fault, decode::Params};

/// The presets that can be had.
#[derive(Debug, Clone)]
pub struct Presets {
    configured: std::collections::BTreeMap<String, ParamSet>,
    /// Where the files are.
    folder: Option<PathBuf>,
}

impl Presets {
    /// Those of a configuration, its folder and the program.
    pub fn of(config: &Config) -> Self {
        Self {
            configured: config.presets.clone(),
            folder: config.folder.as_ref().map(|folder| folder.join("presets")),
        }
    }

    /// The names of all presets, sorted.
    pub fn list(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.configured.keys().cloned().collect();
        names.extend(of_program().iter().map(|(name, ..)| (*name).to_owned()));
        let entries = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(name) = stem.filter(|name| is_name(name))
                && path.extension().is_some_and(|extension| extension == "toml")
            {
                names.insert(name.to_owned());
            }
        }
        names.into_iter().collect()
    }

    /// The parameters of one.
    ///
    /// # Errors
    /// If there is none, or its file has a fault.
    pub fn load(&self, name: &str) -> Result<ParamSet, ConfigError> {
        let fault = |text: String| ConfigError { file: "preset".to_owned(), at: None, text };
        if !is_name(name) {
            return Err(fault(INVALID_NAME.to_owned()));
        }
        let shipped = of_program().into_iter().find(|(shipped, ..)| *shipped == name);
        let shipped = shipped.map(|(_, params, _)| params);
        if let Some(params) = shipped.or_else(|| self.configured.get(name).cloned()) {
            return Ok(params);
        }
        if let Some(path) = self.path(name)
            && let Some(text) = file::read(&path)?
        {
            let file = path.display().to_string();
            return parse::preset(ConfigText { file: &file, text: &text });
        }
        let names = self.list();
        Err(fault(unknown("preset", name, names.iter().map(String::as_str))))
    }

    /// Keeps parameters in a file under a name, over what was kept there before; returns where.
    ///
    /// # Errors
    /// If the name cannot be one or is taken by the program or the configuration, or the file
    /// cannot be written.
    pub fn save(&self, name: &str, params: &Params) -> Result<PathBuf, ConfigError> {
        let fault = |text: String| ConfigError { file: "preset".to_owned(), at: None, text };
        if !is_name(name) {
            return Err(fault(INVALID_NAME.to_owned()));
        }
        if is_shipped(name) {
            return Err(fault(taken(name)));
        }
        if self.configured.contains_key(name) {
            return Err(fault(format!(
                "`{name}` is in the configuration file, which would win. Change it there, or \
                 take another name"
            )));
        }
        let Some(path) = self.path(name) else {
            return Err(fault(
                "there is no configuration folder to keep it in. Start without --no-config, or \
                 with --config FILE"
                    .to_owned(),
            ));
        };
        let mut text = String::from("# Parameters of `demask --preset`.\n");
        for (spec, value) in params.iter() {
            let _ = writeln!(text, "{} = {value}", spec.name);
        }
        match file::write(&path, &text) {
            Ok(()) => Ok(path),
            Err(error) => Err(ConfigError {
                file: path.display().to_string(),
                at: None,
                text: format!("it cannot be written ({error})"),
            }),
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_deref().map(|folder: &Path| folder.join(format!("{name}.toml")))
    }
}

/// Sets parameters after checking them; those of other strategies are passed over.
pub(in crate::cli) fn set_all(params: &mut Params, set: &ParamSet) -> Result<(), Fault> {
    for (name, value) in set {
        if params.has(name) {
            params.set(name, *value).map_err(Fault::usage)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{AnyStrategy, STRATEGIES, Value, daedal};

    fn presets(folder: Option<&Path>) -> Presets {
        let text = "[presets.bold]\nhigh_conf_threshold = 0.5\n";
        let config = Config::parse(text, "config.toml").unwrap();
        Presets::of(&Config { folder: folder.map(Path::to_owned), ..config })
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let presets = presets(Some(folder.path()));
        let mut params = Params::defaults(daedal::SPECS);
        params.set("temperature", Value::Float(1e-9)).unwrap();
        params.set("seed", Value::Int(i64::MAX)).unwrap();
        for _ in 0..2 {
            let path = presets.save("Mine-1_a", &params).unwrap();
            assert_eq!(path, folder.path().join("presets").join("Mine-1_a.toml"));
        }
        let mut read = Params::defaults(daedal::SPECS);
        set_all(&mut read, &presets.load("Mine-1_a").unwrap()).unwrap();
        assert_eq!(read, params);
        fs::write(folder.path().join("presets").join("no name.toml"), "").unwrap();
        fs::write(folder.path().join("presets").join("readme.txt"), "").unwrap();
        assert_eq!(
            presets.list(),
            [
                "Mine-1_a",
                "bold",
                "both-stages",
                "diffusers",
                "dllm",
                "dreamon-eval",
                "dreamon-model",
                "fixed",
                "infill",
                "reference",
                "remdm-cap",
                "remdm-conf",
                "remdm-loop",
                "remdm-rescale",
                "rho-paper",
                "sglang",
                "stage-1",
                "stage-2"
            ]
        );
    }

    #[test]
    fn names_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let presets = presets(Some(folder.path()));
        let params = Params::defaults(daedal::SPECS);
        for name in
            ["", ".", "..", "../a", "a/b", "a\\b", "a.b", "a b", "é", "a\0", &"a".repeat(65)]
        {
            assert!(presets.save(name, &params).is_err(), "{name:?}");
            assert!(presets.load(name).unwrap_err().text.contains("a name has"), "{name:?}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn faults_say_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let params = Params::defaults(daedal::SPECS);
        let with = presets(Some(folder.path()));
        let without = presets(None);
        for (result, word) in [
            (with.save("reference", &params), "a preset of the program"),
            (with.save("bold", &params), "Change it there"),
            (without.save("mine", &params), "--no-config"),
        ] {
            let text = result.unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        }
        let text = with.load("fixd").unwrap_err().to_string();
        assert!(text.contains("did you mean `fixed`?"), "{text}");
        assert!(without.load("bold").is_ok());
        let path = folder.path().join("presets").join("bad.toml");
        file::write(&path, "# a comment\nblock_length = -1\n").unwrap();
        let text = with.load("bad").unwrap_err().to_string();
        assert!(text.contains("bad.toml:2:16: `block_length` must lie in"), "{text}");
    }

    #[test]
    fn presets_of_the_program_fit() {
        for (name, set, _) in of_program() {
            let own = |strategy: &&&dyn AnyStrategy| {
                strategy.presets().iter().any(|preset| preset.name == name)
            };
            let specs = STRATEGIES.iter().find(own).map_or(daedal::SPECS, |own| own.params());
            let mut params = Params::defaults(specs);
            set_all(&mut params, &set).unwrap();
            // These say what the defaults are.
            let same = matches!(name, "reference" | "both-stages" | "remdm-cap" | "diffusers");
            assert_eq!(params == Params::defaults(specs), same, "{name}");
        }
    }
}
