//! `demask replay`: the debugger on a recording, or a picture of it.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser},
};

use super::{
    ColorChoice, Config, ConfigOptions, Fault, LookOptions, ParamOptions, ScriptOptions,
    fault::{AT_BREAKPOINT, say, tell, tell_cut, unwritable},
    folder,
    host::Program,
    progress::OnStderr,
    recording::{self, PATIENCE, keeper, screen, shown_name},
    stop,
    tui::{terminal_beside_stdin, terminal_or_fault},
};
use crate::{
    debugger::{Command, Debugger, PlainCommand, Stop},
    escape::escaped,
    export::{self, TerminalColors},
    headless::BatchDebugger,
    session::Session,
    trace::{self, Reader, Recording},
    tui::{self, LinkedView, Look, Palette, Rest, Start},
};

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording, plain or packed (.zst, .gz), - for standard input, or a folder, whose
    /// recordings are listed. A link opens it at a place: 'run.jsonl#step=12&position=5'
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().try_map(LinkedFile::read))]
    file: LinkedFile,
    /// Show steps as another program writes them to FILE, from the last one on
    #[arg(long, conflicts_with_all = ["svg", "batch", "resimulate"])]
    follow: bool,
    /// Open at this step of the branch that was left last [default: the start]
    #[arg(long, value_name = "N")]
    step: Option<usize>,
    /// Open at the end, with the cursor on the last place where TEXT stands: Enter goes to the step
    /// that wrote it
    #[arg(long, value_name = "TEXT", conflicts_with = "step")]
    find: Option<String>,
    /// Draw one screen to an SVG file instead of opening the debugger
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Size of that screen in characters
    #[arg(long, value_name = "WxH", default_value = "120x40", value_parser = size)]
    size: (u16, u16),
    /// Carry out --exec without the debugger, and print what each command answers
    #[arg(long)]
    batch: bool,
    /// Run again from the start on the recorded predictions, under the parameters given, and say
    /// how it differs and where the predictions no longer apply
    #[arg(long)]
    resimulate: bool,
    /// Of a folder: one JSON object a recording on stdout, without a screen
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    look: LookOptions,
    /// Parameters of the strategy.
    #[command(flatten)]
    params: ParamOptions,
    #[command(flatten)]
    script: ScriptOptions,
}

/// A recording, and perhaps a place in it.
#[derive(Debug, Clone)]
struct LinkedFile {
    path: PathBuf,
    link: Option<LinkedView>,
}

impl LinkedFile {
    /// A file's name, with the place behind the last `#` unless that is of the name: names of files that are
    /// not there yet may have a `#`, too.
    fn read(text: OsString) -> Result<Self, String> {
        let linked = text.to_str().filter(|text| !Path::new(text).exists());
        match linked.and_then(|text| text.rsplit_once('#')) {
            Some((file, place)) if place.contains('=') || Path::new(file).exists() => {
                Ok(Self { path: file.into(), link: Some(LinkedView::parse(place)?) })
            }
            _ => Ok(Self { path: text.into(), link: None }),
        }
    }
}

/// Columns and rows, from `120x40`.
pub(super) fn size(text: &str) -> Result<(u16, u16), String> {
    let parse = |part: &str| part.trim().parse::<u16>().ok().filter(|n| (1..=1000).contains(n));
    text.split_once('x')
        .and_then(|(width, height)| Some((parse(width)?, parse(height)?)))
        .ok_or_else(|| "expected WIDTHxHEIGHT, each 1..=1000, e.g. 120x40".to_owned())
}

pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// The recording as far as it can be shown at once, and the rest of it.
fn opened(args: &ReplayArgs) -> Result<(Recording, Option<Rest>), Fault> {
    let stream = args.file.path == Path::new("-");
    if args.follow && !stream && trace::exists(&args.file.path).is_err() {
        let file = args.file.path.display();
        tell(&escaped(&format!("waiting for {file} to be there; Ctrl-C ends it")));
        trace::wait_for(&args.file.path)?;
    }
    let mut reader = Reader::open(&args.file.path)?;
    if args.follow && !stream && !reader.endless() {
        return Err(Fault::usage(format!(
            "--follow: {} is packed, or no file: what is written behind its end cannot be read. \
             Follow a plain recording, or unpack it into `demask replay -`",
            args.file.path.display()
        )));
    }
    // A place asked for may be anywhere.
    let linked = args.file.link.is_some();
    let patience = match args.step.is_some() || args.find.is_some() || linked {
        true => Duration::MAX,
        false => PATIENCE,
    };
    let whole = trace::open(&mut reader, args.follow, patience)?;
    let growing = args.follow.then_some(args.file.path.as_path());
    recording::with_rest(reader, whole, growing, args.follow || stream)
}

/// The runs of a folder. What is asked of one recording cannot be asked of them.
fn list(args: &ReplayArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let of_one = args.svg.is_some()
        || args.batch
        || args.resimulate
        || args.step.is_some()
        || args.find.is_some()
        || args.file.link.is_some()
        || !args.script.commands()?.is_empty()
        || args.params.given().next().is_some();
    if of_one {
        return Err(Fault::usage(format!(
            "{} is a folder, whose recordings are listed: the other options are for one recording. Name a \
             file of it",
            args.file.path.display()
        )));
    }
    folder::main(&args.file.path, args.json, &args.look, options)
}

pub fn main(args: &ReplayArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    if args.file.path.is_dir() {
        return list(args, options);
    }
    if args.json {
        return Err(Fault::usage(
            "--json is for a folder's recordings. `demask info FILE --json` says what one holds",
        ));
    }
    match &args.svg {
        None if args.batch || args.resimulate => {}
        None if args.file.path == Path::new("-") => terminal_beside_stdin()?,
        None => {
            // Who mistypes a name in a script is not helped by a word on terminals.
            if !args.follow {
                trace::exists(&args.file.path)?;
            }
            terminal_or_fault()?;
        }
        Some(out) if same_file(out, &args.file.path) => {
            return Err(Fault::usage("--svg would write over the recording. Give another name"));
        }
        Some(_) => {}
    }
    let config = options.read()?;
    let shown = args.svg.is_none() && !args.batch && !args.resimulate;
    let (recording, rest) = match shown {
        true => opened(args)?,
        false => (trace::read(&args.file.path)?, None),
    };
    let mut session = recording.session();
    if rest.as_ref().is_some_and(|rest| rest.live) {
        session.go(recording.recorded.end);
    }
    let link = args.file.link.clone().unwrap_or_default();
    if let Some(branch) = link.branch {
        switch(&mut session, branch)?;
    }
    if let Some(step) = args.step.or(link.step) {
        go(&mut session, step)?;
    }
    if args.find.is_some() {
        let end = session.timeline().branch(session.at()).last().copied();
        session.go(end.unwrap_or(session.at()));
    }
    let set = args.params.given().map(|(name, value)| Command::set(name, value));
    let resimulate =
        args.resimulate.then(|| Command::from(const { PlainCommand::named("resimulate") }));
    let mut commands: Vec<Command> = set.chain(resimulate).collect();
    commands.extend(args.script.commands()?);
    if args.batch || args.resimulate {
        tell_cut(&recording, &args.file.path);
        let host = Program::new(&config).replaying(&args.file.path);
        let host = host.saving(recording.header.clone(), recording.vocabulary.clone());
        let tokens = recording.header.model.vocabulary;
        let vocabulary = recording.vocabulary.clone();
        let debugger = Debugger::new(session, vocabulary, Box::new(host), false, tokens);
        let mut batch = BatchDebugger::new(debugger, None, Box::new(OnStderr::default()));
        let stopped = stop::on_signals();
        let last = batch.script(commands, &stopped, |line| say(&escaped(line)))?;
        return Ok(match last {
            Some(Stop::Hit(_)) => ExitCode::from(AT_BREAKPOINT),
            _ => ExitCode::SUCCESS,
        });
    }
    let keep = match args.svg {
        Some(_) => None,
        None => keeper(&args.file.path, &recording),
    };
    let look = match args.svg {
        Some(_) => picture_look(&args.look, &config),
        None => args.look.look(&config),
    };
    let find = args.find.clone();
    let start = screen(&recording, session, &args.file.path, look, &config);
    let start = Start { rest, commands, find, keep, link: Some(link), ..start };
    match &args.svg {
        None => tui::run(start).map_err(Fault::failure)?,
        Some(out) => {
            let terminal = terminal_colors(start.look);
            let picture = tui::frames(start, args.size).next();
            let picture = picture.map(|screen| export::svg(&screen, terminal, None));
            fs::write(out, picture.unwrap_or_default()).map_err(|error| unwritable(out, &error))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file as it was given.
pub(super) fn shown_file(file: &Path) -> String {
    match file == Path::new("-") {
        true => shown_name(file),
        false => file.display().to_string(),
    }
}

/// Goes to the start of the branch of this number, from 1.
fn switch(session: &mut Session, branch: usize) -> Result<(), Fault> {
    let branches = session.timeline().branches();
    let at = branch.checked_sub(1).and_then(|at| branches.get(at));
    let tip = at.map(|branch| branch.tip).ok_or_else(|| {
        Fault::usage(format!("branch {branch}: the recording has branches 1..={}", branches.len()))
    })?;
    session.go(tip);
    session.go(session.timeline().root_of(tip));
    Ok(())
}

/// Goes to a step of the branch that was left last.
pub(super) fn go(session: &mut Session, step: usize) -> Result<(), Fault> {
    let branch = session.timeline().branch(session.at());
    let node = branch.get(step).ok_or_else(|| {
        let last = branch.len().saturating_sub(1);
        Fault::usage(format!("step {step}: the recording has steps 0..={last}"))
    })?;
    session.go(*node);
    Ok(())
}

/// The look of a picture: in full colour, unless another is asked for.
pub(super) fn picture_look(look: &LookOptions, config: &Config) -> Look {
    let palette = (look.color(config) == ColorChoice::Auto).then_some(Palette::TrueColor);
    let look = look.look(config);
    Look { palette: palette.unwrap_or(look.palette), ..look }
}

/// The colours of pictures where the screen leaves them to the terminal.
pub(super) fn terminal_colors(Look { shade, .. }: Look) -> TerminalColors {
    TerminalColors { ground: shade.ground(), ink: shade.plain(), indexed: tui::of_cube }
}
