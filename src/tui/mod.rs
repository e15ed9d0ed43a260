//! The debugger's screen.
//!
//! State lives in [`App`]: what is shown, what is run, and what lies on top. `update` turns events
//! into changes of it and into effects, and knows neither terminal nor thread; `frame` draws it onto
//! a buffer and changes nothing; `driver` is the loop that joins them to a terminal and to the
//! [`Engine`](crate::session::Engine) thread. `compare` shows several debuggers side by side, and `browser`
//! the runs of a folder.
//!
//! Panes are in `panes`, one file and one row of a list each; what lies over them is in `overlays`.
//! Keys are a table (`update::keys`) of what the terminal sends (`input`), a row with its function
//! each. Looks are roles (`paint::theme`), and nothing from a model or a recording is drawn before
//! `paint::text` has escaped it.
//!
//! This room knows neither tensors nor files: recordings and saving come in as a
//! [`Recorder`](crate::session::Recorder) and as a [`Host`], loading as a [`LoadingProgress`], and a folder as
//! a [`FolderWatch`](crate::folder::FolderWatch).
//!
//! ```
//! use demask::{debugger::NoHost, trace, tui::{Start, StepSource, frames}};
//!
//! let recording = trace::read("recordings/short-answer.jsonl".as_ref())?;
//! let source = StepSource::Replay("short-answer.jsonl".to_owned());
//! let (session, facts) = (recording.session(), recording.facts());
//! let start = Start::new(session, recording.vocabulary, facts, source, Box::new(NoHost));
//! // What the terminal would show at the start of the recording, and after each step.
//! let screens = frames(start, (80, 24));
//! assert_eq!(screens.take(2).map(|screen| screen.area.width).collect::<Vec<_>>(), [80, 80]);
//! # Ok::<(), trace::TraceError>(())
//! ```

mod app;
mod browser;
mod compare;
mod driver;
mod frame;
mod input;
mod overlays;
mod paint;
mod panes;
mod screen;
mod update;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc};

use ratatui::buffer::Buffer;

pub use app::{
    Action, App, Keymap, SPEEDS,
    keymap::{Binding, KeySection, KeymapError},
    reading::{Feed, Notify, Rest},
    view::{LinkedView, SavedView},
};
pub use browser::{FolderStart, OpenRuns, OpenedRuns};
pub use driver::{
    offscreen::OffScreen,
    wait::{LoadingProgress, OnProgress, wait},
};
pub use input::chord::{Chord, ChordError};
pub use paint::{
    colors::{Colors, Ink, Rgb, Shade, of_cube},
    css::css,
    theme::{Look, Palette},
};
pub use update::keys::KEYS;

use app::layout::SMALLEST;
use driver::{End, Screen};

use crate::{
    debugger::{Breakpoints, Command, Debugger, Destination, Driven, Host, PlainCommand},
    predict::{ModelFacts, Predictor, Vocabulary},
    session::Session,
};

/// Where the steps come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepSource {
    /// A model that this process computes.
    Live,
    /// A model of this name in another process.
    Engine(String),
    /// A recording of this name.
    Replay(String),
    /// A sampling loop of this name in another process.
    Loop(String),
}

impl StepSource {
    /// True if a model here or in another process answers forward passes.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live | Self::Engine(_))
    }
}

/// Everything the screen starts from.
pub struct Start {
    /// The session; live it stands before the first step.
    pub session: Session,
    /// The model; `None` in a replay.
    pub predictor: Option<Box<dyn Predictor>>,
    /// The texts of the token ids.
    pub vocabulary: Arc<dyn Vocabulary>,
    /// Sizes and special tokens of the model.
    pub facts: ModelFacts,
    /// Where the steps come from.
    pub source: StepSource,
    /// Where the session is being recorded.
    pub recording: Option<PathBuf>,
    /// The program around: files, prompts to tokens.
    pub host: Box<dyn Host>,
    /// The prompt as it was typed.
    pub prompt_text: String,
    /// The rest of the recording, if it is still being read, or the steps to come of a loop.
    pub rest: Option<Rest>,
    /// The sampling loop that makes the steps.
    pub driven: Option<Driven>,
    /// What the user should know from the start, e.g. that the recording is cut.
    pub notices: Vec<String>,
    /// What the terminal can show.
    pub look: Look,
    /// What each key does.
    pub keymap: Keymap,
    /// Passes that later steps need are run in spare time.
    pub ahead: bool,
    /// Steps a second in run mode: 1, 2, 5, 10, 30, or `None` for as fast as it goes.
    pub speed: Option<u32>,
    /// Commands to begin with.
    pub commands: Vec<Command>,
    /// What was shown when the screen was left last.
    pub view: Option<SavedView>,
    /// What a link asks to be shown, at the step that the session stands at.
    pub link: Option<LinkedView>,
    /// The breakpoints that there are already.
    pub breakpoints: Breakpoints,
    /// A text to put the cursor on, where it stands last.
    pub find: Option<String>,
    /// Told at the end, whatever happened.
    pub keep: Option<Keep>,
}

impl Start {
    /// A screen that shows a session, with the program's own look and keys, and nothing else.
    pub fn new(
        session: Session,
        vocabulary: Arc<dyn Vocabulary>,
        facts: ModelFacts,
        source: StepSource,
        host: Box<dyn Host>,
    ) -> Self {
        Self {
            session,
            predictor: None,
            vocabulary,
            facts,
            source,
            recording: None,
            host,
            prompt_text: String::new(),
            rest: None,
            driven: None,
            notices: Vec::new(),
            look: Look::default(),
            keymap: Keymap::default(),
            ahead: false,
            speed: None,
            commands: Vec::new(),
            view: None,
            link: None,
            breakpoints: Breakpoints::default(),
            find: None,
            keep: None,
        }
    }
}

/// Keeps a session and what was shown of it.
pub type Keep = Box<dyn FnOnce(&Debugger, SavedView) + Send>;

/// Why the screen ended in an error.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal cannot be used.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    /// There is no thread for the model.
    #[error("no thread for the model: {0}")]
    Engine(#[source] io::Error),
    /// The model's thread is gone.
    #[error("the model thread died: {message}{}", kept(.recording.as_ref()))]
    Died {
        /// What it said last.
        message: String,
        /// Where the recording is.
        recording: Option<PathBuf>,
    },
    /// The recording could not be finished.
    #[error("the recording could not be finished: {0}")]
    Recording(String),
}

fn kept(recording: Option<&PathBuf>) -> String {
    match recording {
        Some(path) => format!("; everything up to the last step is kept in {}", path.display()),
        None => String::new(),
    }
}

/// Shows the debugger until it is left. Takes the terminal over and gives it back, whatever
/// happens; finishes the recording.
///
/// # Errors
/// [`TuiError`].
pub fn run(start: Start) -> Result<(), TuiError> {
    let mouse = start.look.mouse;
    let runtime = runtime()?;
    let mut opened = OpenedDebugger::of(start);
    let predictors = std::mem::take(&mut opened.predictors);
    let shown = runtime.block_on(driver::run(&mut opened.app, predictors, mouse));
    // Nothing may wait for a forward pass that is still running.
    runtime.shutdown_background();
    opened.finish(shown)
}

fn runtime() -> Result<tokio::runtime::Runtime, TuiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(TuiError::Terminal)
}

/// A debugger, from its start to what is to be done when it is left.
struct OpenedDebugger {
    app: App,
    predictors: Vec<Box<dyn Predictor>>,
    keep: Option<Keep>,
}

impl OpenedDebugger {
    fn of(mut start: Start) -> Self {
        let predictors = Vec::from_iter(start.predictor.take());
        let keep = start.keep.take();
        let mut app = App::new(start, 80, 24);
        app.debugger.live = !predictors.is_empty();
        Self { app, predictors, keep }
    }

    /// Finishes the recording and keeps the session, whatever came of showing it.
    fn finish<T>(mut self, shown: Result<T, TuiError>) -> Result<T, TuiError> {
        let finished = self.app.debugger.session.finish_recording();
        if let Some(keep) = self.keep {
            keep(&self.app.debugger, panes::view::of(&self.app));
        }
        if let Some(message) = self.app.running.died.take() {
            let recording = self.app.storage.recording.take();
            return Err(TuiError::Died { message, recording });
        }
        let shown = shown?;
        finished.map_err(TuiError::Recording)?;
        Ok(shown)
    }
}

/// Shows the runs of a folder until the list is left, and over it those that are opened from it: one in the
/// debugger, several side by side. To quit one leads back to the list.
///
/// # Errors
/// [`TuiError`]: the terminal cannot be used. What is wrong with a recording is said in the list.
pub fn browse(start: FolderStart) -> Result<(), TuiError> {
    let mouse = start.look.mouse;
    let runtime = runtime()?;
    let mut list = browser::FolderScreen::new(start);
    let mut screen = Screen::open(mouse).map_err(TuiError::Terminal)?;
    let shown = loop {
        let left = runtime.block_on(driver::run_on(&mut screen, &mut list, Vec::new()));
        let opened = match left {
            Ok(End::Quit) => list.take_opened(),
            Ok(End::Signal) => None,
            Err(error) => break Err(error),
        };
        let Some(opened) = opened else { break Ok(()) };
        match show_runs(&runtime, &mut screen, opened()) {
            Ok(End::Quit) => {}
            Ok(End::Signal) => break Ok(()),
            Err(error @ TuiError::Terminal(_)) => break Err(error),
            Err(error) => list.complain(error.to_string()),
        }
    };
    drop(screen);
    runtime.shutdown_background();
    shown
}

/// Shows runs over the list of a folder. [`End::Signal`] also where the user quits the program.
fn show_runs(
    runtime: &tokio::runtime::Runtime,
    screen: &mut Screen,
    mut runs: Vec<RunStart>,
) -> Result<End, TuiError> {
    let one = runs.len() == 1;
    let whole = |end, interrupted| if interrupted { End::Signal } else { end };
    if let Some(RunStart { start, .. }) = runs.pop_if(|_| one) {
        let mut opened = OpenedDebugger::of(start);
        opened.app.display.inner = true;
        let shown = runtime.block_on(driver::run_on(screen, &mut opened.app, Vec::new()));
        let interrupted = opened.app.running.interrupted;
        return opened.finish(shown.map(|end| whole(end, interrupted)));
    }
    let Some(mut comparison) = compare::ComparisonScreen::of_folder(runs, 80, 24) else {
        return Ok(End::Quit);
    };
    let end = runtime.block_on(driver::run_on(screen, &mut comparison, Vec::new()))?;
    Ok(whole(end, comparison.is_interrupted()))
}

/// A run beside others.
pub struct RunStart {
    /// What stands over it.
    pub label: String,
    /// The number of the model that answers it, among those of [`compare`].
    pub model: usize,
    /// What its screen starts from.
    pub start: Start,
}

impl RunStart {
    /// A run on the only model, or one that is recorded and needs none.
    pub fn new(label: impl Into<String>, start: Start) -> Self {
        Self { label: label.into(), model: 0, start }
    }
}

/// Shows runs side by side until the screen is left, each under its label. Live ones are answered by
/// `predictors`; recorded ones are gone over as they are, and need none. As [`run`] for the terminal
/// and the recordings.
///
/// # Errors
/// [`TuiError`].
pub fn compare(runs: Vec<RunStart>, predictors: Vec<Box<dyn Predictor>>) -> Result<(), TuiError> {
    let mouse = runs.first().is_some_and(|run| run.start.look.mouse);
    let Some(mut comparison) = compare::ComparisonScreen::new(runs, 80, 24) else { return Ok(()) };
    let runtime = runtime()?;
    let shown = runtime.block_on(driver::run(&mut comparison, predictors, mouse));
    // Nothing may wait for a forward pass that is still running.
    runtime.shutdown_background();
    let closed = comparison.lockstep.runs.iter_mut();
    let finished = closed.map(|run| run.app.debugger.session.finish_recording());
    // Every recording is closed, whatever another says.
    let finished: Vec<Result<(), String>> = finished.collect();
    if let Some(message) = comparison.died.take() {
        return Err(TuiError::Died { message, recording: None });
    }
    shown?;
    finished.into_iter().collect::<Result<(), String>>().map_err(TuiError::Recording)
}

/// The screen off the terminal: where `start` stands, then at each step after it on its branch.
pub fn frames(start: Start, (width, height): (u16, u16)) -> impl Iterator<Item = Buffer> {
    step_by_step(App::new(start, width, height), move |app| frame::picture(app, width, height))
}

/// The same of one pane alone, with its heading and, where its colours need one, a legend.
///
/// # Errors
/// In words: there is no pane of that name. Panes go by their titles, or the beginnings of these, in any case.
pub fn pane_frames(
    start: Start,
    pane: &str,
    (width, height): (u16, u16),
) -> Result<impl Iterator<Item = Buffer>, String> {
    let pane = panes::called(pane)?;
    let mut app = App::new(start, width.max(SMALLEST.0), height.max(SMALLEST.1));
    (app.display.focus, app.display.zoom) = (pane, true);
    app.refresh();
    Ok(step_by_step(app, move |app| frame::pane_picture(app, pane, width, height)))
}

/// Draws the application where it stands, then at each step after it on its branch.
fn step_by_step(mut app: App, draw: impl Fn(&App) -> Buffer) -> impl Iterator<Item = Buffer> {
    let mut begun = false;
    std::iter::from_fn(move || {
        if begun {
            let before = app.debugger.session.at();
            app.run(const { PlainCommand::named("forward") }, &mut Vec::new());
            if app.debugger.session.at() == before {
                return None;
            }
        }
        begun = true;
        Some(draw(&app))
    })
}

impl App {
    /// The interface at its start, for a screen of this size.
    pub fn new(mut start: Start, width: u16, height: u16) -> Self {
        let (view, link, find) = (start.view.take(), start.link.take(), start.find.take());
        let notices = std::mem::take(&mut start.notices);
        let mut app = Self::of(start, (width, height), panes::at_start());
        if let Some(view) = view {
            panes::view::show(&mut app, view);
        }
        if let Some(link) = link {
            panes::view::follow(&mut app, link);
        }
        if let Some(text) = find {
            app.find_last(text);
        }
        if app.debugger.live
            && let Some(unlike) = app.debugger.host.unlike(&app.prompt_text)
        {
            app.warn(unlike);
        }
        for notice in notices {
            app.complain(notice);
        }
        app
    }

    /// Goes to a step of the branch, or stays, and draws the frame there: what benchmarks time.
    #[doc(hidden)]
    pub fn frame_at(&mut self, step: Option<usize>, buffer: &mut Buffer) {
        if let Some(step) = step {
            self.run(Command::goto(Destination::Step(step)), &mut Vec::new());
        }
        frame::draw(self, buffer);
    }
}
