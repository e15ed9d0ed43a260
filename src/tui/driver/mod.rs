//! The loop: one `select!`, input first. Events change the state, effects go out, and a frame is
//! drawn when something changed, at most sixty times a second.

pub mod offscreen;
mod terminal;
pub mod wait;

use std::{
    future::pending,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::Event as TerminalEvent;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    TuiError,
    app::interface::{AppEvent, Effect, Interface},
    input::{self, Input},
};
use crate::{
    predict::{Key, Predictor},
    session::{Engine, EngineReport},
};
pub(in crate::tui) use terminal::Screen;

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// After a forward pass was asked for, its answer is waited for this long before a frame without
/// it is drawn: with a fast model nothing flickers, with a slow one keys still answer.
const HOLD: Duration = Duration::from_millis(40);

/// A pass that takes longer than this shows how far it is.
const SLOW: Duration = Duration::from_millis(200);
/// How often its time is shown anew.
const BEAT: Duration = Duration::from_millis(100);

/// A SIGCONT this soon after a stop of our own belongs to it.
const ECHO: Duration = Duration::from_secs(1);

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum End {
    /// The interface was left.
    Quit,
    /// A signal that asks to end.
    Signal,
}

/// What `select!` came back with.
enum Woken {
    Event(AppEvent),
    Effect(Effect),
    End,
    Frame,
    Beat,
    InputGone,
}

/// Runs the interface until it is left. The terminal is the interface's own meanwhile. Each model has a
/// thread of its own, and is called by its number in `predictors`.
pub(in crate::tui) async fn run(
    app: &mut impl Interface,
    predictors: Vec<Box<dyn Predictor>>,
    mouse: bool,
) -> Result<(), TuiError> {
    let mut screen = Screen::open(mouse).map_err(TuiError::Terminal)?;
    run_on(&mut screen, app, predictors).await.map(drop)
}

/// The same on a terminal that is the program's own already, and stays so: one interface after the other is
/// shown on it.
pub(in crate::tui) async fn run_on(
    screen: &mut Screen,
    app: &mut impl Interface,
    predictors: Vec<Box<dyn Predictor>>,
) -> Result<End, TuiError> {
    let (width, height) = screen.size().map_err(TuiError::Terminal)?;
    app.resize(width, height);
    app.set_selecting(screen.selecting());
    let (events, inbox) = unbounded_channel();
    if let Some(rest) = app.rest() {
        let events = events.clone();
        let notify = move |news| events.send(AppEvent::News(news)).is_ok();
        rest(Box::new(notify)).map_err(TuiError::Terminal)?;
    }
    let arrived = events.clone();
    app.wake_by(Arc::new(move || arrived.send(AppEvent::Arrived).is_ok()));
    let spawn = |(model, predictor)| {
        let events = events.clone();
        let notify = move |report| {
            // The interface has closed: the report is not needed any more.
            let _ = events.send(AppEvent::Report(model, report));
        };
        Engine::spawn(predictor, notify).map_err(TuiError::Engine)
    };
    let engines = predictors.into_iter().enumerate().map(spawn).collect::<Result<_, _>>()?;
    drive(app, screen, engines, inbox).await.map_err(TuiError::Terminal)
}

async fn drive(
    app: &mut impl Interface,
    screen: &mut Screen,
    mut engines: Vec<Engine>,
    mut inbox: UnboundedReceiver<AppEvent>,
) -> io::Result<End> {
    let mut signals = Signals::new()?;
    let mut input = Some(Input::open()?);
    let mut drawn = Instant::now();
    let mut stepped = Instant::now();
    let mut dirty = true;
    let mut asked: Option<Instant> = None;
    let mut begun: Option<(Key, Instant)> = None;
    // When a pass was last seen to be slow: the next one shows itself at once, or the line would
    // flicker.
    let mut slowed: Option<Instant> = None;
    let mut resumed: Option<Instant> = None;
    screen.draw(|buffer| app.draw(buffer))?;
    let mut effects = app.begin();
    loop {
        for effect in std::mem::take(&mut effects) {
            match effect {
                Effect::Submit(model, key, request) => {
                    if let Some(engine) = engines.get_mut(model) {
                        engine.submit(key, request);
                        asked = Some(Instant::now());
                    }
                }
                Effect::Cancel => engines.iter().for_each(Engine::cancel),
                Effect::Suspend => {
                    // Two readers of one terminal would steal each other's keys.
                    drop(input.take());
                    screen.suspend()?;
                    input = Some(Input::open()?);
                    let (width, height) = screen.size()?;
                    app.resize(width, height);
                    resumed = Some(Instant::now());
                    dirty = true;
                }
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::ToggleMouse => {
                    screen.toggle_mouse()?;
                    app.set_selecting(screen.selecting());
                    dirty = true;
                }
                Effect::Redraw => {
                    screen.redraw()?;
                    dirty = true;
                }
                // The signal that ended our own stop: the terminal is ours again already.
                Effect::Resume if resumed.take().is_some_and(|at| at.elapsed() < ECHO) => {}
                Effect::Resume => {
                    screen.resume()?;
                    let (width, height) = screen.size()?;
                    app.resize(width, height);
                    dirty = true;
                }
                Effect::Quit => return Ok(End::Quit),
            }
        }
        let hold = asked.filter(|_| app.busy().is_some()).map(|asked| asked + HOLD);
        let frame_at = (drawn + FRAME).max(hold.unwrap_or(drawn));
        let key = app.busy();
        let since = begun.filter(|(begun, _)| Some(*begun) == key).map(|(_, since)| since);
        if dirty && Instant::now() >= frame_at {
            let time = since.map(|since| since.elapsed());
            let lately = slowed.is_some_and(|at| at.elapsed() < SLOW);
            if time.is_some_and(|time| time >= SLOW) {
                slowed = Some(Instant::now());
            }
            app.set_slow(time.filter(|time| lately || *time >= SLOW));
            screen.draw(|buffer| app.draw(buffer))?;
            drawn = Instant::now();
            dirty = false;
        }
        let due = app.due().then(|| stepped + app.period());
        let beat = since.filter(|_| !dirty).map(|since| (drawn + BEAT).max(since + SLOW));
        let frame_at = dirty.then_some(frame_at);
        let woken = tokio::select! {
            biased;
            event = next(&mut input) => match event {
                Some(Ok(event)) => {
                    let event = with_more(event, app.takes_text(), input.as_mut());
                    Woken::Event(AppEvent::Terminal(event))
                }
                Some(Err(error)) => return Err(error),
                None => Woken::InputGone,
            },
            effect = signals.next() => match effect {
                Some(effect) => Woken::Effect(effect),
                None => Woken::End,
            },
            () = at(frame_at) => Woken::Frame,
            () = at(beat) => Woken::Beat,
            Some(event) = inbox.recv() => Woken::Event(event),
            () = at(due) => Woken::Event(AppEvent::Tick),
            () = at(app.spare().then(Instant::now)) => Woken::Event(AppEvent::Spare),
        };
        match woken {
            Woken::Event(event) => {
                if let AppEvent::Report(_, report) = &event {
                    begun = in_work(begun, report);
                }
                let quiet = is_quiet(app, &event);
                if matches!(event, AppEvent::Tick) {
                    stepped = Instant::now();
                }
                effects = app.update(event);
                dirty |= !quiet;
            }
            Woken::Effect(effect) => effects.push(effect),
            Woken::Frame => {}
            Woken::Beat => dirty = true,
            Woken::End => return Ok(End::Signal),
            // The terminal hung up.
            Woken::InputGone => return Ok(End::Signal),
        }
    }
}

/// The pass the engine works on after this report, and since when.
fn in_work(begun: Option<(Key, Instant)>, report: &EngineReport) -> Option<(Key, Instant)> {
    match report {
        EngineReport::Progress(key, _) => {
            begun.filter(|(begun, _)| begun == key).or_else(|| Some((*key, Instant::now())))
        }
        EngineReport::Done { .. } | EngineReport::Failed(..) | EngineReport::Died(_) => None,
    }
}

/// True for an event that changes nothing on screen: of these there are many.
fn is_quiet(app: &impl Interface, event: &AppEvent) -> bool {
    use crossterm::event::MouseEventKind;
    match event {
        AppEvent::Report(_, EngineReport::Progress(key, _)) => app.busy() != Some(*key),
        AppEvent::Terminal(TerminalEvent::Mouse(mouse)) => mouse.kind == MouseEventKind::Moved,
        AppEvent::Terminal(TerminalEvent::FocusGained | TerminalEvent::FocusLost) => true,
        _ => false,
    }
}

async fn next(input: &mut Option<Input>) -> Option<io::Result<TerminalEvent>> {
    match input {
        Some(input) => input.next().await,
        None => pending().await,
    }
}

/// A character that goes into a text, with those typed behind it already.
fn with_more(event: TerminalEvent, text: bool, input: Option<&mut Input>) -> TerminalEvent {
    let (Some(first), Some(input), true) = (input::typed(&event), input, text) else {
        return event;
    };
    match input.typed_behind() {
        behind if behind.is_empty() => event,
        behind => TerminalEvent::Paste(format!("{first}{behind}")),
    }
}

/// Waits until then; for ever if there is no then.
async fn at(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then.into()).await,
        None => pending().await,
    }
}

/// The signals a program with a terminal must answer.
#[cfg(unix)]
struct Signals {
    end: [tokio::signal::unix::Signal; 4],
    stop: tokio::signal::unix::Signal,
    go_on: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // SIGCONT and SIGTSTP have no name in tokio; their numbers are rustix's.
        let kind = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            end: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::quit())?,
                signal(SignalKind::interrupt())?,
            ],
            stop: signal(kind(rustix::process::Signal::TSTP))?,
            go_on: signal(kind(rustix::process::Signal::CONT))?,
        })
    }

    /// What a signal asks for; `None` is to end.
    async fn next(&mut self) -> Option<Effect> {
        let [terminate, hangup, quit, interrupt] = &mut self.end;
        tokio::select! {
            _ = terminate.recv() => None,
            _ = hangup.recv() => None,
            _ = quit.recv() => None,
            _ = interrupt.recv() => None,
            _ = self.stop.recv() => Some(Effect::Suspend),
            _ = self.go_on.recv() => Some(Effect::Resume),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<Effect> {
        pending().await
    }
}
