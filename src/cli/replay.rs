//! `demask replay`: the debugger on a recording, or a picture of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use super::{
    ColorChoice, Config, ConfigOptions, Fault, LookOptions, ParamOptions, ScriptOptions,
    fault::{AT_BREAKPOINT, say, tell, tell_cut, unwritable},
    host::Program,
    progress::OnStderr,
    resume, stop,
    tui::{terminal_beside_stdin, terminal_or_fault},
};
use crate::{
    debugger::{Command, Debugger, PlainCommand, Stop},
    escape::escaped,
    export::{self, TerminalColors},
    headless::BatchDebugger,
    resume::SessionOrigin,
    session::Session,
    trace::{self, Reader, Recording},
    tui::{self, Look, Palette, Rest, Start, StepSource},
};

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording, plain or packed (.zst, .gz), or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
    #[command(flatten)]
    look: LookOptions,
    /// Parameters of the strategy.
    #[command(flatten)]
    params: ParamOptions,
    #[command(flatten)]
    script: ScriptOptions,
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

/// How long a recording is read before its beginning is shown and the rest is read meanwhile.
const PATIENCE: Duration = Duration::from_millis(300);

/// The recording as far as it can be shown at once, and the rest of it.
fn opened(args: &ReplayArgs) -> Result<(Recording, Option<Rest>), Fault> {
    let stream = args.file == Path::new("-");
    if args.follow && !stream && trace::exists(&args.file).is_err() {
        let file = args.file.display();
        tell(&escaped(&format!("waiting for {file} to be there; Ctrl-C ends it")));
        trace::wait_for(&args.file)?;
    }
    let mut reader = Reader::open(&args.file)?;
    if args.follow && !stream && !reader.endless() {
        return Err(Fault::usage(format!(
            "--follow: {} is packed, or no file: what is written behind its end cannot be read. \
             Follow a plain recording, or unpack it into `demask replay -`",
            args.file.display()
        )));
    }
    // A place asked for may be anywhere.
    let patience = match args.step.is_some() || args.find.is_some() {
        true => Duration::MAX,
        false => PATIENCE,
    };
    let live = args.follow || stream;
    let whole = trace::open(&mut reader, args.follow, patience)?;
    let recording = reader.so_far()?;
    let growing = args.follow.then(|| args.file.clone());
    let progress = reader.progress();
    let feed: tui::Feed = Box::new(|notify| trace::follow(reader, growing, notify));
    Ok((recording, (!whole).then_some(Rest { feed, progress, live })))
}

pub fn main(args: &ReplayArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    match &args.svg {
        None if args.batch || args.resimulate => {}
        None if args.file == Path::new("-") => terminal_beside_stdin()?,
        None => {
            // Who mistypes a name in a script is not helped by a word on terminals.
            if !args.follow {
                trace::exists(&args.file)?;
            }
            terminal_or_fault()?;
        }
        Some(out) if same_file(out, &args.file) => {
            return Err(Fault::usage("--svg would write over the recording. Give another name"));
        }
        Some(_) => {}
    }
    let config = options.read()?;
    let shown = args.svg.is_none() && !args.batch && !args.resimulate;
    let (recording, rest) = match shown {
        true => opened(args)?,
        false => (trace::read(&args.file)?, None),
    };
    let mut session = recording.session();
    if rest.as_ref().is_some_and(|rest| rest.live) {
        session.go(recording.recorded.end);
    }
    if let Some(step) = args.step {
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
        tell_cut(&recording, &args.file);
        let host =
            Program::new(&config).saving(recording.header.clone(), recording.vocabulary.clone());
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
        None => resume::keeper(SessionOrigin {
            model: None,
            name: shown_name(&args.file),
            recording: None,
            header: recording.header.clone(),
            vocabulary: recording.vocabulary.clone(),
        }),
    };
    let look = match args.svg {
        Some(_) => picture_look(&args.look, &config),
        None => args.look.look(&config),
    };
    let find = args.find.clone();
    let start = screen(&recording, session, shown_name(&args.file), look, &config);
    let start = Start { rest, commands, find, keep, ..start };
    match &args.svg {
        None => tui::run(start).map_err(Fault::failure)?,
        Some(out) => {
            let terminal = terminal_colors(start.look);
            let picture = tui::frames(start, args.size).next();
            let picture = picture.map(|screen| export::svg(&screen, terminal));
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

/// The file's own name, as the screen shows it.
pub(super) fn shown_name(file: &Path) -> String {
    match file == Path::new("-") {
        true => "standard input".to_owned(),
        false => file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
    }
}

/// Goes to a step of the branch that was left last.
pub(super) fn go(session: &mut Session, step: usize) -> Result<(), Fault> {
    let branch = session.timeline().branch(session.at());
    let node = branch.get(step).ok_or_else(|| {
        let last = branch.len().saturating_sub(1);
        Fault::usage(format!("--step {step}: the recording has steps 0..={last}"))
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

/// What the debugger's screen over a recording starts from.
pub(super) fn screen(
    recording: &Recording,
    session: Session,
    name: String,
    look: Look,
    config: &Config,
) -> Start {
    let host = Program::new(config).saving(recording.header.clone(), recording.vocabulary.clone());
    let (vocabulary, facts) = (recording.vocabulary.clone(), recording.facts());
    Start {
        prompt_text: recording.header.prompt_text.clone(),
        notices: recording.notices.clone(),
        look,
        keymap: config.keymap.clone(),
        speed: config.look.speed,
        ..Start::new(session, vocabulary, facts, StepSource::Replay(name), Box::new(host))
    }
}
