//! `demask attach`: the debugger on a sampling loop of another process.

use std::{
    fs::File,
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use clap::Args;

use super::{
    ConfigOptions, Fault, LookOptions, ScriptOptions,
    fault::{AT_BREAKPOINT, say, tell, unwritable},
    host::Program,
    open::nothing_lost,
    progress::OnStderr,
    recording::screen_with,
    resume, stop,
    tui::terminal_or_fault,
};
use crate::{
    debugger::{Debugger, Stop},
    driving::{self, JoinedLoop},
    engine::Address,
    escape::escaped,
    headless::BatchDebugger,
    resume::SessionOrigin,
    session::Followed,
    trace::{self, Packing},
    tui::{self, LoadingProgress, Rest, Start, StepSource},
};

#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The loop's process, unix:PATH or tcp:127.0.0.1:PORT#TOKEN [default: the one that runs here]
    #[arg(value_name = "PID|ADDRESS")]
    place: Option<String>,
    /// Write what the loop does to this file, step by step
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write over a recording that is there already
    #[arg(long, requires = "record")]
    overwrite: bool,
    /// Carry out --exec without the debugger's screen, print what each command answers, and leave
    /// the loop running
    #[arg(long)]
    batch: bool,
    #[command(flatten)]
    look: LookOptions,
    #[command(flatten)]
    script: ScriptOptions,
}

pub fn main(args: &AttachArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let address = driving::address(args.place.as_deref()).map_err(Fault::failure)?;
    let commands = args.script.commands()?;
    if !args.batch {
        terminal_or_fault()?;
    }
    let config = options.read()?;
    let failed = Arc::new(AtomicBool::new(false));
    let copy = match args.record.as_deref() {
        Some(path) => Some(copy(path, args.overwrite, failed.clone())?),
        None => None,
    };
    let look = args.look.look(&config);
    let joined = match args.batch {
        true => join_in_batch(&address, copy),
        false => join_on_screen(&address, copy, look),
    }?;
    let Some(JoinedLoop { recording, driven, notices, intake }) = joined else {
        return Err(Fault::failure("the loop was not joined: waiting for it was stopped"));
    };
    let mut session = recording.session();
    let host = Program::new(&config).saving(recording.header.clone(), recording.vocabulary.clone());
    if args.batch {
        for notice in &notices {
            tell(&escaped(&format!("note: {notice}")));
        }
        session.go(recording.recorded.end);
        let followed = Followed::all_of(&session);
        let (vocabulary, tokens) =
            (recording.vocabulary.clone(), recording.header.model.vocabulary);
        let mut debugger = Debugger::new(session, vocabulary, Box::new(host), false, tokens);
        (debugger.followed, debugger.driven) = (Some(followed), Some(driven));
        let (send, news) = mpsc::channel();
        intake.follow(move |news| send.send(news).is_ok()).map_err(no_thread)?;
        let mut batch = BatchDebugger::new(debugger, None, Box::new(OnStderr::default()));
        batch.news = Some(news);
        let stopped = stop::on_signals();
        let last = batch.script(commands, &stopped, |line| say(&escaped(line)))?;
        recorded(&failed)?;
        return Ok(match last {
            Some(Stop::Hit(_)) => ExitCode::from(AT_BREAKPOINT),
            _ => ExitCode::SUCCESS,
        });
    }
    session.go(recording.recorded.end);
    let name = driven.name.clone();
    let keep = resume::keeper(SessionOrigin {
        model: None,
        name: name.clone(),
        recording: None,
        header: recording.header.clone(),
        vocabulary: recording.vocabulary.clone(),
    });
    let feed: tui::Feed = Box::new(|notify| intake.follow(notify));
    let start =
        screen_with(Program::new(&config), &recording, session, name.clone(), look, &config);
    tui::run(Start {
        source: StepSource::Loop(name),
        rest: Some(Rest { feed, progress: (0, None), live: true }),
        driven: Some(driven),
        recording: args.record.clone(),
        notices,
        commands,
        keep,
        ..start
    })
    .map_err(Fault::failure)?;
    recorded(&failed)?;
    Ok(ExitCode::SUCCESS)
}

fn no_thread(error: io::Error) -> Fault {
    Fault::failure(format!("the system gives no thread ({error})"))
}

/// Opens the file that gets a copy of the loop's records.
fn copy(
    path: &Path,
    overwrite: bool,
    failed: Arc<AtomicBool>,
) -> Result<Box<dyn Write + Send>, Fault> {
    if Packing::named(path) != Packing::Plain || path == Path::new("-") {
        return Err(Fault::usage(format!(
            "--record {}: give the name of a plain file, such as run.jsonl; it can be packed later",
            path.display()
        )));
    }
    nothing_lost(overwrite, path)?;
    let refuse = |error| unwritable(path, &error);
    let file =
        File::options().write(true).create(true).truncate(false).open(path).map_err(refuse)?;
    if file.metadata().map_err(refuse)?.is_file() {
        trace::claim(&file).map_err(refuse)?;
        file.set_len(0).map_err(refuse)?;
    }
    Ok(Box::new(Watched { file, failed }))
}

/// A file, and whether writing it has failed.
struct Watched {
    file: File,
    failed: Arc<AtomicBool>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Refuses to end well where the recording is not whole.
fn recorded(failed: &AtomicBool) -> Result<(), Fault> {
    match failed.load(Ordering::Relaxed) {
        true => Err(Fault::failure(
            "the recording has stopped before the end: see that its disk has room",
        )),
        false => Ok(()),
    }
}

type Copy = Option<Box<dyn Write + Send>>;

fn join_in_batch(address: &Address, copy: Copy) -> Result<Option<JoinedLoop>, Fault> {
    let stopped = stop::on_signals();
    let mut go_on = |_: &str| match stopped.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    driving::join(address, copy, &mut go_on).map_err(Fault::failure)
}

fn join_on_screen(
    address: &Address,
    copy: Copy,
    look: tui::Look,
) -> Result<Option<JoinedLoop>, Fault> {
    let address = address.clone();
    let joined = tui::wait(&address.to_string(), look, move |tell| {
        driving::join(&address, copy, &mut |work| {
            tell(LoadingProgress { work: work.to_owned(), ..LoadingProgress::default() })
        })
    });
    joined.map_err(Fault::failure)?.unwrap_or(Ok(None)).map_err(Fault::failure)
}
