//! Other models beside the first one: `--against`.

use clap::{Args, Command, FromArgMatches};

use super::{Fault, SourceOptions, fault::first_paragraph};

/// Other models beside that of `--model`.
#[derive(Debug, Default, Args)]
pub struct AgainstOptions {
    /// Another model to run beside the first: MODEL, or options as above that differ for it:
    /// "--quantize q8_0", "B --dtype bf16", "--backend torch" (may be given often)
    ///
    /// What OPTIONS leave out is as it is for the first model. With a MODEL or --engine of their own,
    /// its files and tokens are its own too: --revision, --tokenizer, --mask-token, --eos-token and
    /// --block-attention are not taken over. Every model is in memory at once.
    #[arg(long, value_name = "MODEL|OPTIONS", allow_hyphen_values = true)]
    pub against: Vec<String>,
}

/// A model among several.
#[derive(Debug, Clone)]
pub struct ChosenModel {
    /// Where it is, and how it is loaded.
    pub source: SourceOptions,
    /// What `--against` says; `None` for the first.
    said: Option<String>,
}

impl AgainstOptions {
    /// The first model, then the others.
    ///
    /// # Errors
    /// If OPTIONS cannot be read.
    pub fn models(&self, first: &SourceOptions) -> Result<Vec<ChosenModel>, Fault> {
        let other = |text: &String| {
            let source = beside(first, text).map_err(|why| {
                Fault::usage(format!(
                    "--against {text:?}: {why}. Give a MODEL, or options of a model such as \
                     \"--quantize q8_0\""
                ))
            })?;
            Ok(ChosenModel { source, said: Some(without_secrets(text)) })
        };
        let first = ChosenModel { source: first.clone(), said: None };
        std::iter::once(Ok(first)).chain(self.against.iter().map(other)).collect()
    }
}

impl ChosenModel {
    /// A fault of this model, which says so.
    pub fn blame(&self, fault: Fault) -> Fault {
        match &self.said {
            Some(said) => fault.within(&format!("--against {said}")),
            None => fault,
        }
    }

    /// What each of several models is called: its name, with what was said of it where another has
    /// the same.
    pub fn labels(models: &[Self], names: &[&str]) -> Vec<String> {
        let same = |name: &&str| names.iter().filter(|other| *other == name).count() > 1;
        let label = |(model, name): (&Self, &&str)| match &model.said {
            Some(said) if same(name) && said.starts_with('-') => format!("{name} {said}"),
            Some(said) if same(name) => said.clone(),
            _ => (*name).to_owned(),
        };
        models.iter().zip(names).map(label).collect()
    }
}

/// The options of another model beside the first.
fn beside(first: &SourceOptions, text: &str) -> Result<SourceOptions, String> {
    let mut words = shlex::split(text).ok_or("a quotation mark is not closed")?;
    match words.first() {
        None => return Err("it names no model".to_owned()),
        Some(word) if !word.starts_with('-') => words.insert(0, "--model".to_owned()),
        Some(_) => {}
    }
    let command = Command::new("--against").no_binary_name(true).disable_help_flag(true);
    // What is left out is not said, so it has no default here.
    let command = SourceOptions::augment_args_for_update(command)
        .mut_args(|option| option.default_value(None::<&'static str>));
    let said = command.try_get_matches_from(words).map_err(|error| first_paragraph(&error))?;
    let mut source = first.clone();
    let own = SourceOptions::default();
    if said.contains_id("model") || said.contains_id("engine") {
        source = SourceOptions {
            model: None,
            engine: None,
            revision: None,
            tokenizer: None,
            mask_token: None,
            eos_token: None,
            block_attention: own.block_attention,
            ..source
        };
    }
    if said.contains_id("engine") {
        // An engine was told already what to compute, and how.
        source = SourceOptions {
            backend: own.backend,
            offline: own.offline,
            device: own.device,
            dtype: own.dtype,
            quantize: own.quantize,
            ..source
        };
    }
    let offline = source.offline;
    source.update_from_arg_matches(&said).map_err(|error| first_paragraph(&error))?;
    source.offline |= offline;
    Ok(source)
}

/// The text without the token of an engine's address.
fn without_secrets(text: &str) -> String {
    let shown = |word: &str| match word.split_once("tcp:").and_then(|_| word.split_once('#')) {
        Some((address, _)) => address.to_owned(),
        None => word.to_owned(),
    };
    text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        source: SourceOptions,
        #[command(flatten)]
        against: AgainstOptions,
    }

    fn models(words: &[&str]) -> Result<Vec<ChosenModel>, String> {
        let line = Line::try_parse_from([&["demask"], words].concat()).unwrap();
        line.against.models(&line.source).map_err(|fault| fault.to_string())
    }

    fn second(words: &[&str]) -> String {
        let source = models(words).unwrap().remove(1).source;
        let shown = |name: &str, value: Option<String>| {
            value.map(|value| format!("{name} {value}")).unwrap_or_default()
        };
        let parts = [
            shown("model", source.model),
            shown("engine", source.engine.map(|engine| engine.to_string())),
            format!("{:?}", source.backend),
            source.device,
            source.dtype.to_string(),
            shown("quantize", source.quantize.map(|kind| kind.to_string())),
            shown("mask", source.mask_token.map(|token| token.to_string())),
            shown("system", source.system),
            shown("offline", source.offline.then(String::new)),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn options_that_are_left_out_are_those_of_the_first() {
        let first =
            ["--model", "a", "--dtype", "bf16", "--mask-token", "7", "--system", "s", "--offline"];
        for (against, expected) in [
            ("b", "model b, Candle, auto, bf16, system s, offline "),
            ("b --dtype f32", "model b, Candle, auto, f32, system s, offline "),
            (
                "--quantize q8_0",
                "model a, Candle, auto, bf16, quantize q8_0, mask 7, system s, offline ",
            ),
            ("--backend torch", "model a, Torch, auto, bf16, mask 7, system s, offline "),
            ("--engine 'x y'", "engine x y, Candle, auto, auto, system s"),
            ("'my model'", "model my model, Candle, auto, bf16, system s, offline "),
        ] {
            let words = [&first[..], &["--against", against]].concat();
            assert_eq!(second(&words), expected, "{against}");
        }
        assert_eq!(second(&["--engine", "x", "--against", "b"]), "model b, Candle, auto, auto");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (against, part) in [
            ("", "names no model"),
            ("'b", "quotation mark"),
            ("--json", "unexpected argument '--json'"),
            ("--dtype f8", "f8"),
            ("b c", "unexpected argument 'c'"),
            ("b --engine x", "cannot be used with"),
        ] {
            let error = models(&["--against", against]).unwrap_err();
            assert!(error.starts_with("--against \"") && error.contains(part), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn models_are_called_by_their_names_where_these_differ() {
        for (against, names, expected) in [
            (&["b"][..], &["a", "b"][..], &["a", "b"][..]),
            (&["--quantize q8_0"], &["a", "a"], &["a", "a --quantize q8_0"]),
            (&["x/a", "b"], &["a", "a", "b"], &["a", "x/a", "b"]),
            (
                &["--engine tcp:127.0.0.1:9#secret"],
                &["a", "a"],
                &["a", "a --engine tcp:127.0.0.1:9"],
            ),
        ] {
            let words: Vec<&str> = against.iter().flat_map(|text| ["--against", text]).collect();
            let labels = ChosenModel::labels(&models(&words).unwrap(), names);
            assert_eq!(labels, expected, "{against:?}");
        }
    }
}
