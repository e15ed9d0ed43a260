//! The configuration, what the program keeps, and where models of the Hugging Face hub lie.

use super::CheckLine;
use crate::{
    cli::{Config, ConfigOptions, config, resume},
    model::hub::HubSettings,
};

/// The configuration file, and what it says where it can be read.
pub fn configuration(options: &ConfigOptions) -> (CheckLine, Option<Config>) {
    let check = |says: String| CheckLine::ok("files", "configuration", says);
    if options.no_config {
        return (check("not read, by --no-config".to_owned()), None);
    }
    let Some(place) = config::place(options.config.as_deref()) else {
        let none = check("there is no home folder to look in".to_owned());
        return (none.or_missing(false, "Give --config FILE or set DEMASK_CONFIG"), None);
    };
    let path = place.path.display().to_string();
    match options.read() {
        Err(fault) => {
            let advice = "Mend the file, or give --no-config";
            (check(fault.to_string()).wrong(advice), None)
        }
        Ok(config) if place.path.exists() => (check(path), Some(config)),
        Ok(config) => {
            let advice = "Nothing needs it; `demask config` prints one to begin with";
            (check(path).or_missing(false, advice), Some(config))
        }
    }
}

/// What the program keeps of its own.
pub fn own() -> Vec<CheckLine> {
    let folder = resume::folder();
    let says = folder.as_ref().map(|folder| folder.display().to_string());
    let check =
        CheckLine::ok("files", "state", says.unwrap_or_else(|| "no home folder".to_owned()));
    let advice = "It is made when the debugger is left, for --resume";
    vec![check.or_missing(folder.is_some_and(|folder| folder.is_dir()), advice)]
}

/// The variables of the Hugging Face hub, and the folder they come down to.
pub fn hub(variable: impl Fn(&str) -> Option<String>) -> Vec<CheckLine> {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let mut checks = Vec::new();
    for name in ["HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE"] {
        let says = variable(name).map_or("not set".to_owned(), |value| without_login(&value));
        checks.push(CheckLine::ok("hub", name, says));
    }
    // Its value is nobody's business.
    let token = if variable("HF_TOKEN").is_some() { "set" } else { "not set" };
    checks.push(CheckLine::ok("hub", "HF_TOKEN", token));
    let cache = HubSettings::from_env(variable).cache;
    let says = cache.as_ref().map(|cache| cache.display().to_string());
    let check = CheckLine::ok("hub", "cache", says.unwrap_or_else(|| "no home folder".to_owned()));
    let there = cache.is_some_and(|cache| cache.is_dir());
    checks.push(check.or_missing(there, "No model has been downloaded on this machine"));
    checks
}

/// An address without the name and password that may stand in it.
fn without_login(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(set: &[(&str, &str)], name: &str) -> String {
        let find = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let checks = hub(find);
        checks.into_iter().find(|check| check.name == name).unwrap().says
    }

    #[test]
    fn secrets_are_not_said() {
        for (set, name, expected) in [
            (("HF_TOKEN", "hf_abc"), "HF_TOKEN", "set"),
            (("HF_TOKEN", " "), "HF_TOKEN", "not set"),
            (
                ("HF_ENDPOINT", "https://a:b@mirror:80/hf@x"),
                "HF_ENDPOINT",
                "https://mirror:80/hf@x",
            ),
            (("HF_ENDPOINT", "mirror"), "HF_ENDPOINT", "mirror"),
        ] {
            assert_eq!(reply(&[set], name), expected, "{set:?}");
        }
    }

    #[test]
    fn the_cache_is_where_the_variables_say() {
        for (set, expected) in [
            (&[][..], "no home folder"),
            (&[("HOME", "/h")], "/h/.cache/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "/f")], "/f/hub"),
            (&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/g")], "/g"),
        ] {
            assert_eq!(reply(set, "cache"), expected, "{set:?}");
        }
    }
}
