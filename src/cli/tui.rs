//! `demask` and `demask tui`: the debugger on a live model.

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use clap::Args;

use super::{ConfigOptions, Fault, LookOptions, ModelOptions, config::Presets, open};
use crate::{
    trace,
    tui::{self, Save, Source, Start},
};

#[derive(Debug, Args)]
pub struct TuiArgs {
    /// The prompt [default: a sample]
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    look: LookOptions,
    #[command(flatten)]
    config: ConfigOptions,
}

pub fn main(args: &TuiArgs) -> Result<ExitCode, Fault> {
    if args.model.record.as_deref() == Some(std::path::Path::new("-")) {
        return Err(Fault::usage(
            "--record - writes to stdout, which the debugger draws on. Give a file, or use \
             `demask run`",
        ));
    }
    terminal_or_fault()?;
    let config = args.config.read()?;
    let opened = open::open(&args.model, &config, args.prompt.as_deref(), |header, loaded| {
        let path = args.model.record.as_deref();
        path.map(|path| open::file_recorder(&args.model, path, header, loaded)).transpose()
    })?;
    let look = args.look.look(&config);
    let tokenizer = opened.loaded.tokenizer;
    let vocabulary = tokenizer.clone();
    let saved = Mutex::new(None::<PathBuf>);
    let (header, texts) = (opened.header, vocabulary.clone());
    tui::run(Start {
        session: opened.session,
        predictor: Some(opened.loaded.predictor),
        vocabulary,
        facts: opened.loaded.facts,
        source: Source::Live,
        recording: args.model.record.clone(),
        encode: Some(Box::new(move |text| tokenizer.encode_prompt(text))),
        save: Some(Save {
            path: unused_path(),
            write: Box::new(move |session, path| {
                let mut mine = saved.lock().unwrap_or_else(PoisonError::into_inner);
                // Another session may have taken the name since; ours may be written anew.
                let path = match &*mine {
                    Some(path) => path.clone(),
                    None if path.exists() => unused_path(),
                    None => path.to_owned(),
                };
                trace::save(session, &path, &header, texts.clone())?;
                *mine = Some(path.clone());
                Ok(path)
            }),
        }),
        presets: Some(Presets::of(&config).for_screen()),
        macros: config.macros,
        prompt_text: opened.prompt,
        notices: Vec::new(),
        look,
        keymap: config.keymap,
        speed: config.look.speed,
    })
    .map_err(Fault::failure)?;
    Ok(ExitCode::SUCCESS)
}

/// A name in the working directory that no file has yet.
fn unused_path() -> PathBuf {
    (1..)
        .map(|number| PathBuf::from(format!("demask-{number}.jsonl")))
        .find(|path| !path.exists())
        .unwrap_or_default()
}

/// The debugger needs a terminal on both ends.
pub fn terminal_or_fault() -> Result<(), Fault> {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Fault::failure(
        "the debugger needs a terminal on stdin and stdout. Use `demask run PROMPT` to generate \
         without one, or `demask replay FILE --svg OUT` to draw a recording",
    ))
}
