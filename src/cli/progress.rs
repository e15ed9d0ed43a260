//! What somebody sees who waits for a model: a bar on stderr and signals that end it, or a screen,
//! while it is loaded, and a bar for the passes of a run.

use std::{cell::RefCell, ops::ControlFlow, sync::atomic::Ordering, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Fault, fault::tell, hooks, place::ModelPlace, stop};
use crate::{
    escape::escaped,
    headless::Observer,
    model::{Computing, Encoder, LoadError, LoadProgress, LoadWatch, Loaded, LoadingWork},
    predict::Progress,
    session::Session,
    tui::{self, LoadingProgress, Look},
};

/// A pass that takes longer than this shows its layers.
const SLOW_PASS: Duration = Duration::from_millis(200);

/// Where it is shown how loading goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum ProgressTarget {
    /// On stderr, if that is a terminal.
    Bar,
    /// On a screen of its own that looks like this; stdin and stdout are a terminal.
    Screen(Look),
}

/// Loads a model. `prepare` is called with the tokenizer before the weights are loaded, so that it
/// can refuse the prompt early.
pub(super) fn load<T: Send + 'static>(
    place: &ModelPlace,
    computing: &Computing,
    on: ProgressTarget,
    prepare: impl FnOnce(&dyn Encoder) -> Result<T, String> + Send + 'static,
) -> Result<(Loaded, T), Fault> {
    match on {
        ProgressTarget::Bar => load_with_bar(place, computing, prepare),
        ProgressTarget::Screen(look) => load_on_screen(place, computing, look, prepare),
    }
}

/// Loads, with what the hooks of tests add to it. `warn` hears before what the user should know.
fn hooked<T>(
    place: &ModelPlace,
    computing: &Computing,
    watch: &mut LoadWatch,
    mut warn: impl FnMut(String),
    prepare: impl FnOnce(&dyn Encoder) -> Result<T, String>,
) -> Result<(Loaded, T), Fault> {
    hooks::before_loading(watch);
    let (mut loaded, prepared) = place.load(computing, watch, &mut warn, prepare)?;
    loaded.predictor = hooks::predictor(loaded.predictor);
    Ok((loaded, prepared))
}

/// Loads with a screen that can be left.
fn load_on_screen<T: Send + 'static>(
    place: &ModelPlace,
    computing: &Computing,
    look: Look,
    prepare: impl FnOnce(&dyn Encoder) -> Result<T, String> + Send + 'static,
) -> Result<(Loaded, T), Fault> {
    let name = place.name();
    let (place, computing) = (place.clone(), computing.clone());
    let loaded = tui::wait(&name, look, move |tell| {
        let warning = RefCell::new(String::new());
        let mut watch = |now: &LoadProgress| {
            let work = match &now.work {
                LoadingWork::Downloading(file) => format!("downloading {file}"),
                other => title(other),
            };
            let warning = warning.borrow().clone();
            tell(LoadingProgress { work, done: now.done, of: now.of, warning })
        };
        let warn = |text: String| {
            let mut all = warning.borrow_mut();
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(&text);
        };
        let loaded = hooked(&place, &computing, &mut watch, warn, prepare);
        (loaded, warning.into_inner())
    });
    let Some((loaded, warning)) = loaded.map_err(Fault::failure)? else {
        return Err(LoadError::cancelled(name).into());
    };
    if !warning.is_empty() {
        // Read when the debugger is left.
        tell(&escaped(&warning));
    }
    loaded
}

/// Loads with a bar. The first SIGINT, SIGTERM or SIGHUP ends it where it can be ended.
fn load_with_bar<T>(
    place: &ModelPlace,
    computing: &Computing,
    prepare: impl FnOnce(&dyn Encoder) -> Result<T, String>,
) -> Result<(Loaded, T), Fault> {
    let stopped = stop::on_signals();
    let mut bar = WorkBar::default();
    let mut watch = |now: &LoadProgress| {
        bar.show(now);
        match stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let warn = |warning: String| tell(&escaped(&warning));
    let loaded = hooked(place, computing, &mut watch, warn, prepare);
    drop(bar);
    let (loaded, prepared) = loaded?;
    if stopped.load(Ordering::Relaxed) {
        return Err(LoadError::cancelled(loaded.facts.name).into());
    }
    Ok((loaded, prepared))
}

/// A bar for what is being done; invisible if stderr is no terminal.
#[derive(Default)]
struct WorkBar(Option<(LoadingWork, ProgressBar)>);

impl WorkBar {
    fn show(&mut self, now: &LoadProgress) {
        match &self.0 {
            Some((work, bar)) if *work == now.work => bar.set_position(now.done),
            _ => {
                self.clear();
                let bar = ProgressBar::new(now.of).with_message(title(&now.work));
                let style = ProgressStyle::with_template(match &now.work {
                    // An engine may count in any unit, so these are not shown as bytes.
                    LoadingWork::Engine(_) => "{msg} {wide_bar} {pos} of {len}",
                    LoadingWork::Downloading(_)
                    | LoadingWork::Reading
                    | LoadingWork::Quantising(_) => {
                        "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes} · \
                         {decimal_bytes_per_sec} · {eta} to go"
                    }
                });
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_position(now.done);
                // What was there before says nothing of how fast it goes now.
                bar.reset_eta();
                self.0 = Some((now.work.clone(), bar));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for WorkBar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What a kind of work is called. Names of files come from elsewhere.
fn title(work: &LoadingWork) -> String {
    match work {
        LoadingWork::Downloading(file) => escaped(file).replace(['\n', '\t'], " "),
        LoadingWork::Engine(what) => {
            format!("the engine: {}", escaped(what).replace(['\n', '\t'], " "))
        }
        LoadingWork::Reading => "reading the weights".to_owned(),
        LoadingWork::Quantising(kind) => format!("rounding the weights to {kind}"),
    }
}

/// The bar of a run on stderr; invisible if that is no terminal.
pub(super) fn pass_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style =
        ProgressStyle::with_template("{msg}{prefix} {wide_bar} {pos}/{len} written · {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// What a run without a screen says on stderr.
pub(super) struct OnStderr {
    /// The bar of the run.
    pub bar: ProgressBar,
}

impl Default for OnStderr {
    fn default() -> Self {
        Self { bar: ProgressBar::hidden() }
    }
}

impl Observer for OnStderr {
    fn layers(&mut self, progress: Progress, time: Duration) {
        if time >= SLOW_PASS {
            self.bar.set_prefix(format!(" · {}", progress.words()));
        }
    }

    fn warn(&mut self, text: &str) {
        self.bar.suspend(|| tell(&escaped(text)));
    }
}

/// How far the session has come.
pub(super) fn show_session(bar: &ProgressBar, session: &Session) {
    let canvas = session.canvas();
    let phase = session.phase();
    bar.set_length(canvas.len() as u64);
    bar.set_position((canvas.len() - canvas.masks()) as u64);
    bar.set_prefix("");
    bar.set_message(format!("stage {} · step {}", phase.stage, session.node().depth));
}
