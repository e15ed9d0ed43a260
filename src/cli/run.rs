//! `demask run`: generate without the debugger.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use clap::Args;

use super::{
    ConfigOptions, Fault, ModelOptions, ScriptOptions, embedded,
    fault::{AT_BREAKPOINT, say, tell},
    host::Program,
    mistaken,
    open::{self, OpenedSession},
    progress::{OnStderr, ProgressTarget, pass_bar, show_session},
    prompt::PromptDefault,
    stop,
};
use crate::{
    debugger::{Command, Debugger, Goal, Stop},
    escape::{escaped, escaped_json},
    headless::BatchDebugger,
    inspect,
    reports::{RunReport, RunSubject},
    session::Recorder,
    trace::TraceRecorder,
};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// The prompt; `-`, or none and a pipe, is stdin
    #[arg(value_name = "PROMPT")]
    prompt: Option<String>,
    /// One JSON object on stdout instead of the answer
    #[arg(long)]
    json: bool,
    /// Look for what often goes wrong, after the run
    #[arg(long)]
    lint: bool,
    #[command(flatten)]
    script: ScriptOptions,
    #[command(flatten)]
    model: ModelOptions,
}

pub fn main(args: &RunArgs, options: &ConfigOptions) -> Result<ExitCode, Fault> {
    let to_stdout = args.model.record.as_deref() == Some(Path::new("-"));
    if to_stdout && args.json {
        return Err(Fault::usage(
            "--record - and --json both want stdout. Record to a file, or leave --json out",
        ));
    }
    if to_stdout && io::stdout().is_terminal() {
        return Err(Fault::usage(
            "--record - would write the recording onto the terminal. Redirect stdout or give a file",
        ));
    }
    mistaken::no_file(args.prompt.as_deref())?;
    mistaken::tell_command(args.prompt.as_deref());
    let config = options.read()?;
    let commands = args.script.commands()?;
    let asked = args.model.load.prompt.read(args.prompt.as_deref(), PromptDefault::Pipe)?;
    let gone = Arc::new(AtomicBool::new(false));
    let opened =
        open::open(&args.model, &config, asked, ProgressTarget::Bar, |header, loaded| match &args
            .model
            .record
        {
            None => Ok(None),
            Some(_) if to_stdout => {
                let recorder = TraceRecorder::start(
                    Box::new(Piped { gone: gone.clone() }),
                    "stdout".to_owned(),
                    header,
                    loaded.tokenizer.clone(),
                );
                Ok(Some(Box::new(recorder.map_err(Fault::failure)?) as Box<dyn Recorder>))
            }
            Some(path) => open::file_recorder(args.model.overwrite, path, header, loaded).map(Some),
        });
    // A reader that closes the pipe has read enough of the recording: the run ends without an
    // error.
    let unread = || gone.load(Ordering::Relaxed);
    let opened = match opened {
        Err(_) if unread() => return Ok(ExitCode::SUCCESS),
        opened => opened?,
    };
    let stopped = stop::on_signals();
    let OpenedSession { session, loaded, question, header } = opened;
    question.tell();
    embedded::tell_of(&loaded, &question.text);
    let subject = RunSubject::of(&header, &question.text, &session);
    let host = Program::new(&config).encoding(&loaded).saving(header, loaded.tokenizer.clone());
    let tokens = loaded.facts.vocabulary;
    let debugger = Debugger::new(session, loaded.tokenizer.clone(), Box::new(host), true, tokens);
    let batch = BatchDebugger::new(debugger, Some(loaded.predictor), Box::new(OnStderr::default()));
    let mut run = StepwiseRun { batch };
    let started = Instant::now();
    run.batch.only_recorded = to_stdout;
    let outcome = run.go(args, &commands, &stopped);
    // Whatever happened, what was recorded is closed properly before anything is said, and the
    // answer is said whatever became of the recording.
    let recorded = run.batch.debugger.session.finish_recording().map_err(Fault::failure);
    let stop = match outcome {
        Err(_) if unread() => return Ok(ExitCode::SUCCESS),
        outcome => outcome?,
    };
    // Where it stopped on the way, masks are shown as such.
    let answer = match &stop {
        Some(Stop::Hit(_)) if !args.json => run.batch.debugger.draft(),
        _ => run.batch.debugger.answer(),
    };
    // A text that was to be filled in is said as a whole.
    let whole = question.begun.map(|begun| {
        let (vocabulary, canvas) = (&loaded.tokenizer, run.batch.debugger.session.canvas());
        format!("{}{answer}{}", vocabulary.text(&begun), vocabulary.text(canvas.suffix()))
    });
    let said = whole.as_ref().unwrap_or(&answer).clone();
    let findings = match args.lint {
        true => {
            let debugger = &run.batch.debugger;
            inspect::lint(&debugger.session, &*debugger.vocabulary, debugger.session.at())
        }
        false => Vec::new(),
    };
    if !args.json && run.batch.debugger.vocabulary.ids().is_empty() {
        tell("note: the model has no tokenizer, so the answer has no text. --json prints its ids");
    }
    match (args.json, to_stdout) {
        (true, _) => {
            let (total, findings) = (started.elapsed(), args.lint.then_some(&findings[..]));
            let report = RunReport::of(subject, &run.batch, answer, stop.as_ref(), findings, total);
            let report = report.filled_in(whole);
            let json = serde_json::to_string(&report).map_err(Fault::failure)?;
            say(&escaped_json(&json))
        }
        // A script prints what it wants: `text` is the answer.
        (false, _) if !args.script.exec.is_empty() || args.script.exec_file.is_some() => Ok(()),
        // A pipe gets the text as the model wrote it.
        (false, false) if io::stdout().is_terminal() => say(&escaped(&said)),
        (false, false) => say(&said),
        (false, true) => {
            tell(&escaped(&said));
            Ok(())
        }
    }?;
    if args.lint && !args.json {
        let text = inspect::told(&findings).join("\n");
        if to_stdout { tell(&escaped(&text)) } else { say(&escaped(&text))? }
    }
    if !unread() {
        recorded?;
    }
    match stop {
        Some(Stop::Hit(_)) => Ok(ExitCode::from(AT_BREAKPOINT)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Standard output; notes when its reader has closed the pipe.
struct Piped {
    gone: Arc<AtomicBool>,
}

impl Piped {
    fn noting<T>(&self, written: io::Result<T>) -> io::Result<T> {
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if written.as_ref().is_err_and(gone) {
            self.gone.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for Piped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.noting(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.noting(io::stdout().flush())
    }
}

struct StepwiseRun {
    batch: BatchDebugger,
}

impl StepwiseRun {
    /// Carries the commands out; without any, runs to the end.
    fn go(
        &mut self,
        args: &RunArgs,
        commands: &[Command],
        stopped: &AtomicBool,
    ) -> Result<Option<Stop>, Fault> {
        let scripted = !args.script.exec.is_empty() || args.script.exec_file.is_some();
        let quiet = args.json || args.model.record.as_deref() == Some(Path::new("-"));
        let print_line = |line: &str| match quiet {
            true => {
                tell(&escaped(line));
                Ok(())
            }
            false => say(&escaped(line)),
        };
        if scripted {
            return self.batch.script(commands.to_vec(), stopped, print_line);
        }
        for command in commands {
            self.batch.debugger.execute(command).map_err(Fault::failure)?;
        }
        self.batch.debugger.start(Goal::Continue);
        let bar = pass_bar();
        show_session(&bar, &self.batch.debugger.session);
        self.batch.observer = Box::new(OnStderr { bar: bar.clone() });
        let stop = self.batch.finish(stopped, |debugger| show_session(&bar, &debugger.session))?;
        bar.finish_and_clear();
        match &stop {
            Some(hit @ Stop::Hit(_)) => print_line(&self.batch.debugger.stop_text(hit))?,
            Some(Stop::Failed(error)) => return Err(Fault::failure(error)),
            Some(Stop::Refused(error)) => return Err(Fault::failure(error)),
            _ if self.batch.debugger.breakpoints.enabled().next().is_some() => {
                tell("note: no breakpoint stopped the run");
            }
            _ => {}
        }
        Ok(stop)
    }
}
