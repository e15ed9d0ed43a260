//! `demask info`: what a model is and what it would need, from its headers alone; or what a
//! recording holds.

use std::{
    fs::File,
    io::Read,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::Ordering,
};

use clap::Args;
use serde::Serialize;

use super::{
    Fault, SourceOptions,
    fault::{say, tell},
    files::{self, RecordingFiles},
    place::ModelPlace,
    stop,
};
use crate::{
    engine,
    escape::{escaped, escaped_json},
    model::{self, LoadProgress, ModelSource},
    reports::info::{EngineInfo, ModelInfo, RecordingInfo},
    trace,
};

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Folder with a checkpoint, a GGUF file, a model of the hub that is in the cache, or
    /// recordings and folders of them [default: the embedded model]
    #[arg(value_name = "MODEL", conflicts_with = "model")]
    names: Vec<String>,
    /// Positions of the sequence whose memory is estimated
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    length: u32,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceOptions,
}

pub fn main(args: &InfoArgs) -> Result<ExitCode, Fault> {
    let paths: Vec<PathBuf> = args.names.iter().map(PathBuf::from).collect();
    if are_many(&paths) {
        return many(&paths, args.json);
    }
    if let [_, second, ..] = &*args.names {
        return Err(Fault::usage(format!(
            "{second}: one model at a time. Several names are for recordings"
        )));
    }
    let file = paths.first().map(PathBuf::as_path);
    let pipe = |file: &Path| {
        file == Path::new("-") || file.metadata().is_ok_and(|at| !at.is_file() && !at.is_dir())
    };
    if let Some(file) = file.filter(|file| pipe(file)) {
        return Err(Fault::usage(format!(
            "{}: a recording is read twice to measure it, which only a file can be. Save it to one",
            file.display()
        )));
    }
    if let Some(file) = file.filter(|file| is_recording(file)) {
        let info = RecordingInfo::of(file)?;
        return print(args.json, &info, || info.text());
    }
    if args.names.is_empty()
        && let ModelPlace::Engine(address) = args.source.place()?
    {
        let stopped = stop::on_signals();
        let go_on = &mut |_: &LoadProgress| match stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let warn = &mut |line: String| tell(&escaped(&line));
        let engine = engine::connect(&address, &args.source.overrides(), go_on, warn)?;
        let info = EngineInfo::of(&engine);
        return print(args.json, &info, || info.text());
    }
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    let checkpoint = model::open(&source(args)?, &args.source.computing()?, go_on)?;
    let info = ModelInfo::of(&checkpoint, args.length as usize);
    print(args.json, &info, || info.text())
}

/// Says what was found, as JSON or as text.
fn print(json: bool, info: &impl Serialize, text: impl Fn() -> String) -> Result<ExitCode, Fault> {
    match json {
        true => say(&escaped_json(&serde_json::to_string(info).map_err(Fault::failure)?))?,
        false => say(&escaped(&text()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Which model is meant. One of a hub is looked for in the cache alone: fetching it would fetch its
/// weights too.
fn source(args: &InfoArgs) -> Result<ModelSource, Fault> {
    let mut source = match args.names.first() {
        Some(name) => args.source.source_named(name)?,
        None => args.source.source()?,
    };
    if let ModelSource::Hub(_, settings) = &mut source {
        settings.offline = true;
    }
    Ok(source)
}

/// True if a file is named like a recording, or begins like one: an object, or packed data.
fn is_recording(path: &Path) -> bool {
    // A faulty or missing one is told as what its name says.
    if !path.is_dir() && trace::named_so(path) {
        return true;
    }
    let mut begin = [0_u8; 4];
    let read = File::open(path).and_then(|mut file| file.read(&mut begin)).unwrap_or(0);
    matches!(begin[..read], [b'{', ..] | [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd])
}

/// True if recordings are meant, and more than one may be: several of them, or folders that are no
/// checkpoint.
fn are_many(paths: &[PathBuf]) -> bool {
    let is_folder = |path: &PathBuf| {
        let model =
            ["config.json", "adapter_config.json"].iter().any(|name| path.join(name).exists());
        path.is_dir()
            && !model
            && files::recordings(std::slice::from_ref(path)).iter().any(Result::is_ok)
    };
    match paths {
        [] => false,
        [path] => is_folder(path),
        paths => paths.iter().all(|path| is_folder(path) || is_recording(path)),
    }
}

/// Says of each recording, in a line, what it holds, and at the end how many there are.
fn many(paths: &[PathBuf], json: bool) -> Result<ExitCode, Fault> {
    let stopped = stop::on_signals();
    let (mut all, mut steps) = (0, 0);
    let walked = RecordingFiles::of(paths).each(|file| {
        stop::go_on(&stopped)?;
        let info = RecordingInfo::of(file)?;
        (all, steps) = (all + 1, steps + info.steps);
        match json {
            true => say(&escaped_json(&serde_json::to_string(&info).map_err(Fault::failure)?)),
            false => say(&escaped(&info.line())),
        }
    })?;
    if !json {
        let unread = walked.unread();
        say(&format!("{}, {steps} steps in all{unread}", files::counted(all)))?;
    }
    Ok(walked.code)
}
