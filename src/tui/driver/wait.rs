//! The screen before there is a session: what is being loaded, how far it is, and how to end it.
//! The work is done on a thread of its own; the screen appears only once it takes long.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use indicatif::DecimalBytes;
use ratatui::{buffer::Buffer, layout::Rect};

use super::super::{
    TuiError,
    app::interface::{AppEvent, Effect, Interface},
    frame,
    paint::{
        pen::Pen,
        text,
        theme::{Look, Role, Theme},
    },
};
use crate::predict::Key;

/// How long work that was cancelled is waited for.
const GRACE: Duration = Duration::from_millis(1500);

/// Work that is done sooner is never shown.
const PATIENCE: Duration = Duration::from_millis(150);
/// Time between two looks at how far it is.
const BEAT: Duration = Duration::from_millis(50);
/// The rate is that of the last so many seconds.
const WINDOW: Duration = Duration::from_secs(5);
/// The shortest time that a rate is told from.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);

/// The longest time to go that is told.
const LONGEST_WAIT: Duration = Duration::from_secs(100 * 3600);

/// How far some work has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadingProgress {
    /// What is being done, in words.
    pub work: String,
    /// Bytes read so far.
    pub done: u64,
    /// Bytes in all; 0 where nobody has said.
    pub of: u64,
    /// What should be known meanwhile; empty if there is nothing.
    pub warning: String,
}

/// Told how work goes on; answers whether to go on.
pub type OnProgress<'a> = dyn FnMut(LoadingProgress) -> ControlFlow<()> + 'a;

/// Does `work` on a thread of its own and answers with what it gives, or with `None` if whoever
/// sits at the terminal cancelled it. As soon as it takes long, a screen shows how it goes on,
/// under the heading `name`. Work that was cancelled is told so the next time it tells something,
/// and is waited for a moment only.
///
/// # Errors
/// [`TuiError`]: the terminal cannot be used, there is no thread, or the work panicked.
pub fn wait<T: Send + 'static>(
    name: &str,
    look: Look,
    work: impl FnOnce(&mut OnProgress) -> T + Send + 'static,
) -> Result<Option<T>, TuiError> {
    let (tell, inbox) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let work = move || {
        let answer = work(&mut |now| {
            // The screen has closed: the message is not needed any more.
            let _ = tell.send(LoadingNews::Now(now));
            match stopped.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let _ = tell.send(LoadingNews::Done(answer));
    };
    thread::Builder::new().name("loading".to_owned()).spawn(work).map_err(TuiError::Engine)?;
    let loading = LoadingScreen::new(name, look);
    let mut wait =
        Wait { loading, inbox, stop, started: Instant::now(), answer: None, died: false };
    if !wait.is_short() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(TuiError::Terminal)?;
        runtime.block_on(super::run(&mut wait, Vec::new(), false))?;
        wait.leave();
    }
    match wait.died {
        true => {
            let message = "it panicked while it was loaded".to_owned();
            Err(TuiError::Died { message, recording: None })
        }
        false => Ok(wait.answer),
    }
}

/// What the thread says.
enum LoadingNews<T> {
    /// It is so far.
    Now(LoadingProgress),
    /// It is done, with this.
    Done(T),
}

/// Work that is waited for.
struct Wait<T> {
    loading: LoadingScreen,
    inbox: Receiver<LoadingNews<T>>,
    stop: Arc<AtomicBool>,
    started: Instant,
    answer: Option<T>,
    /// The thread is gone without an answer.
    died: bool,
}

impl<T> Wait<T> {
    /// Gives work that was cancelled a moment to end, so that no process of its own is left behind.
    fn leave(&self) {
        let until = Instant::now() + GRACE;
        while self.answer.is_none() && !self.died {
            let left = until.saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(left) {
                Ok(LoadingNews::Now(_)) if !left.is_zero() => {}
                _ => return,
            }
        }
    }

    /// Waits until the screen is worth it; true if there is nothing more to wait for.
    fn is_short(&mut self) -> bool {
        while let Some(left) = PATIENCE.checked_sub(self.started.elapsed()) {
            match self.inbox.recv_timeout(left) {
                Ok(LoadingNews::Now(now)) => self.loading.show(now, self.started.elapsed()),
                Ok(LoadingNews::Done(answer)) => {
                    self.answer = Some(answer);
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    self.died = true;
                    return true;
                }
            }
        }
        false
    }

    /// Takes in everything there is; true if there is nothing more to wait for.
    fn listen(&mut self) -> bool {
        self.loading.elapsed = self.started.elapsed();
        loop {
            match self.inbox.try_recv() {
                Ok(LoadingNews::Now(now)) => self.loading.show(now, self.started.elapsed()),
                Ok(LoadingNews::Done(answer)) => {
                    self.answer = Some(answer);
                    return true;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.died = true;
                    return true;
                }
            }
        }
        // Where nothing comes for a while the rate sinks.
        self.loading.pace.push(self.loading.elapsed, self.loading.now.done);
        false
    }

    fn cancel(&self) -> Vec<Effect> {
        self.stop.store(true, Ordering::Relaxed);
        vec![Effect::Quit]
    }
}

/// What a key asks for; everything but leaving waits for the session.
fn asked(key: KeyEvent) -> Option<Effect> {
    match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
        (KeyCode::Esc, _) | (KeyCode::Char('c'), true) => Some(Effect::Quit),
        (KeyCode::Char('z'), true) => Some(Effect::Suspend),
        (KeyCode::Char('l'), true) => Some(Effect::Redraw),
        _ => None,
    }
}

impl<T> Interface for Wait<T> {
    fn resize(&mut self, _: u16, _: u16) {}

    fn begin(&mut self) -> Vec<Effect> {
        Vec::new()
    }

    fn update(&mut self, event: AppEvent) -> Vec<Effect> {
        match event {
            AppEvent::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
                match asked(key) {
                    Some(Effect::Quit) => self.cancel(),
                    effect => effect.into_iter().collect(),
                }
            }
            AppEvent::Tick if self.listen() => vec![Effect::Quit],
            _ => Vec::new(),
        }
    }

    fn draw(&self, buffer: &mut Buffer) {
        draw(&self.loading, buffer);
    }

    fn due(&self) -> bool {
        true
    }

    fn period(&self) -> Duration {
        BEAT
    }

    fn spare(&self) -> bool {
        false
    }

    fn busy(&self) -> Option<Key> {
        None
    }

    fn set_slow(&mut self, _: Option<Duration>) {}
}

/// What is drawn while a model is loaded.
pub(in crate::tui) struct LoadingScreen {
    name: String,
    theme: Theme,
    now: LoadingProgress,
    /// The time since loading began.
    elapsed: Duration,
    pace: Pace,
}

impl LoadingScreen {
    pub(in crate::tui) fn new(name: &str, look: Look) -> Self {
        let theme = Theme::new(look);
        let work = "opening the model".to_owned();
        Self {
            name: text::safe(name, theme.ascii()),
            theme,
            now: LoadingProgress { work, ..LoadingProgress::default() },
            elapsed: Duration::ZERO,
            pace: Pace::default(),
        }
    }

    /// It is so far, at this time after it began.
    pub(in crate::tui) fn show(&mut self, now: LoadingProgress, elapsed: Duration) {
        let safe = |text: &str| text::safe(text, self.theme.ascii());
        let now = LoadingProgress { work: safe(&now.work), warning: safe(&now.warning), ..now };
        if now.work != self.now.work {
            self.pace = Pace::default();
        }
        self.elapsed = elapsed;
        self.pace.push(elapsed, now.done);
        self.now = now;
    }

    /// The part done; `None` where nobody has said how much there is.
    fn share(&self) -> Option<f32> {
        let LoadingProgress { done, of, .. } = self.now;
        (of > 0).then(|| (done as f64 / of as f64).clamp(0.0, 1.0) as f32)
    }

    /// The figures, from long to short.
    fn figures(&self) -> Vec<String> {
        let LoadingProgress { done, of, .. } = self.now;
        let bytes = match (done, of) {
            (0, 0) => None,
            (done, 0) => Some(DecimalBytes(done).to_string()),
            (done, of) => Some(format!("{} of {}", DecimalBytes(done), DecimalBytes(of))),
        };
        let rate = self.pace.rate();
        let left = rate.filter(|rate| *rate >= 1.0 && of > 0);
        let left = left.map(|rate| of.saturating_sub(done) as f64 / rate);
        let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        // Nobody waits for days: it has stalled.
        let left = left.filter(|left| *left < LONGEST_WAIT);
        let rate = rate.map(|rate| format!("{}/s", DecimalBytes(rate as u64)));
        let left = left.map(|left| format!("{} to go", clock(left)));
        let since = Some(format!("{} so far", clock(self.elapsed)));
        let joined = |parts: &[&Option<String>]| {
            let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
            parts.join(" · ")
        };
        vec![
            joined(&[&bytes, &rate, &left, &since]),
            joined(&[&bytes, &left, &since]),
            joined(&[&left, &since]),
            joined(&[&since]),
        ]
    }
}

/// Samples of what was done when: the newest last.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Duration, u64)>);

impl Pace {
    fn push(&mut self, at: Duration, done: u64) {
        self.0.push_back((at, done));
        // One from before the window stays: from there on it is counted.
        while self.0.get(1).is_some_and(|(second, _)| *second + WINDOW <= at) {
            self.0.pop_front();
        }
    }

    /// Bytes a second; `None` as long as it cannot be told.
    fn rate(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.0.front()?, self.0.back()?);
        let time = to.saturating_sub(*from);
        (time >= SHORTEST_WAIT).then(|| after.saturating_sub(*before) as f64 / time.as_secs_f64())
    }
}

/// A time as a clock shows it: `1:05`, `2:00:05`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A row of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScreenRow {
    Name,
    Work,
    Gauge,
    Figures,
    Hint,
    Blank,
}

/// The rows shown on a screen so high: those needed least are left out first.
fn rows(height: u16) -> &'static [ScreenRow] {
    use ScreenRow::{Blank, Figures, Gauge, Hint, Name, Work};
    match height {
        0 => &[],
        1 => &[Gauge],
        2 => &[Gauge, Hint],
        3 => &[Work, Gauge, Hint],
        4 => &[Name, Work, Gauge, Hint],
        5 => &[Name, Work, Gauge, Figures, Hint],
        6..8 => &[Name, Work, Gauge, Figures, Blank, Hint],
        _ => &[Name, Blank, Work, Gauge, Figures, Blank, Hint],
    }
}

/// The widest the rows are, cells.
const WIDEST: u16 = 72;
/// From this height on there is a title.
const TITLED: u16 = 10;

/// Draws the screen of a model that is loaded.
pub(in crate::tui) fn draw(loading: &LoadingScreen, buffer: &mut Buffer) {
    buffer.reset();
    let screen = *buffer.area();
    let mut pen = Pen { buffer, theme: loading.theme };
    let margin = if screen.width < 30 { 0 } else { 2 };
    let width = screen.width.saturating_sub(2 * margin).min(WIDEST);
    let x = screen.x + screen.width.saturating_sub(width) / 2;
    let rows = rows(screen.height);
    let height = u16::try_from(rows.len()).unwrap_or(screen.height);
    let top = screen.y + screen.height.saturating_sub(height) / 2;
    if screen.height >= TITLED {
        let badge = " LOADING ";
        let cells = text::width(badge) as u16 + 1;
        pen.say(screen.x + 1, screen.y, screen.width.saturating_sub(1), "demask", Role::Brand);
        pen.say(screen.right().saturating_sub(cells), screen.y, cells, badge, Role::State);
    }
    for (&row, y) in rows.iter().zip(top..) {
        draw_row(loading, &mut pen, row, Rect { x, y, width, height: 1 });
    }
    let y = top + height + 1;
    let below = Rect { x, y, width, height: screen.bottom().saturating_sub(y) };
    if !loading.now.warning.is_empty() {
        pen.paragraph(below, &loading.now.warning, Role::Warn);
    }
    if loading.theme.ascii() {
        frame::to_ascii(buffer);
    }
}

fn draw_row(loading: &LoadingScreen, pen: &mut Pen, row: ScreenRow, line: Rect) {
    let Rect { x, y, width, .. } = line;
    match row {
        ScreenRow::Blank => {}
        ScreenRow::Name => {
            pen.put(x, y, width, &loading.name, loading.theme.style(Role::Strong));
        }
        ScreenRow::Work => {
            pen.put(x, y, width, &loading.now.work, loading.theme.style(Role::Text));
        }
        ScreenRow::Gauge => {
            const PERCENT: u16 = 5;
            let bar = width.saturating_sub(PERCENT);
            pen.rule(Rect { width: bar, ..line }, Role::Faint);
            if let Some(share) = loading.share() {
                pen.gauge(x, y, bar, share, Role::Calm);
                // Rounded down: it is not done before it is.
                let percent = format!("{:>4}%", (share * 100.0).floor());
                pen.say(x + bar, y, width - bar, &percent, Role::Strong);
            }
        }
        ScreenRow::Figures => {
            let figures = pen.fitting(&loading.figures(), width);
            pen.say(x, y, width, &figures, Role::Dim);
        }
        ScreenRow::Hint => {
            const CANCELS: &str = " cancels";
            let room = width.saturating_sub(CANCELS.len() as u16);
            let keys = pen.fitting(&["Esc or Ctrl-C".to_owned(), "Esc".to_owned()], room);
            pen.line(x, y, width, &[(&keys, Role::Key), (CANCELS, Role::Dim)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(work: &str, done: u64, of: u64) -> LoadingProgress {
        LoadingProgress { work: work.to_owned(), done, of, ..LoadingProgress::default() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        // Samples (seconds, bytes), the rate after the last.
        type Samples = &'static [(u64, u64)];
        let cases: [(Samples, Option<f64>); 6] = [
            (&[], None),
            (&[(0, 5)], None),
            // What was there at the start does not count.
            (&[(0, 1000), (2, 1200)], Some(100.0)),
            // Fast a long time ago, then slow.
            (&[(0, 0), (10, 10_000), (15, 10_050), (20, 10_100)], Some(10.0)),
            (&[(0, 0), (1, 100), (6, 100), (11, 100)], Some(0.0)),
            // A file that was taken up from its start again.
            (&[(0, 500), (1, 100)], Some(0.0)),
        ];
        for (samples, expected) in cases {
            let mut pace = Pace::default();
            samples.iter().for_each(|&(at, done)| pace.push(Duration::from_secs(at), done));
            assert_eq!(pace.rate(), expected, "{samples:?}");
        }
    }

    #[test]
    fn times_are_shown_as_on_a_clock() {
        for (seconds, expected) in
            [(0, "0:00"), (9, "0:09"), (65, "1:05"), (3599, "59:59"), (7205, "2:00:05")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn figures_leave_out_what_is_not_known() {
        let second = Duration::from_secs(1);
        let mut loading = LoadingScreen::new("m", Look::default());
        let longest = |loading: &LoadingScreen| loading.figures()[0].clone();
        assert_eq!(longest(&loading), "0:00 so far");
        loading.show(waiting("x", 0, 0), second);
        loading.show(waiting("x", 2_000_000, 0), 2 * second);
        assert_eq!(longest(&loading), "2.00 MB · 2.00 MB/s · 0:02 so far");
        // Other work: its rate is its own.
        loading.show(waiting("y", 1_000_000, 9_000_000), 3 * second);
        assert_eq!(longest(&loading), "1.00 MB of 9.00 MB · 0:03 so far");
        loading.show(waiting("y", 5_000_000, 9_000_000), 5 * second);
        assert_eq!(longest(&loading), "5.00 MB of 9.00 MB · 2.00 MB/s · 0:02 to go · 0:05 so far");
        // A stall: no time to go.
        loading.show(waiting("y", 5_000_000, u64::MAX), 11 * second);
        assert!(!longest(&loading).contains("to go"), "{}", longest(&loading));
    }

    #[test]
    fn escape_and_control_c_cancel() {
        let key = |code, modifiers| asked(KeyEvent::new(code, modifiers));
        let (bare, control) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        assert!(matches!(key(KeyCode::Esc, bare), Some(Effect::Quit)));
        assert!(matches!(key(KeyCode::Char('c'), control), Some(Effect::Quit)));
        assert!(matches!(key(KeyCode::Char('z'), control), Some(Effect::Suspend)));
        assert!(key(KeyCode::Char('c'), bare).is_none());
        assert!(key(KeyCode::Enter, bare).is_none());
    }
}
