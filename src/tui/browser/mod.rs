//! The list of a folder's runs: a row for each recording, from which one is opened in the debugger, or
//! several side by side. `list` is what is listed, `keys` what the keys do, as data, and `press` does it;
//! `columns`, `draw` and `preview` draw it.
//!
//! The files themselves are read by [`crate::folder`], and opened by whoever starts the list.

mod columns;
mod draw;
mod keys;
mod list;
mod press;
mod preview;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};
use ratatui::buffer::Buffer;
use tui_input::Input;

use super::{
    Look, RunStart,
    app::{
        Keymap,
        interface::{AppEvent, Effect, Interface, Wake},
    },
    paint::theme::{Role, Theme},
};
use crate::{folder::FolderWatch, panics, predict::Key};
use list::RunList;

/// Makes the screens' starts of recordings that were read; called on the thread of the interface.
pub type OpenedRuns = Box<dyn FnOnce() -> Vec<RunStart> + Send>;

/// Reads recordings that are to be opened: one for the debugger, several to be compared. It is called on a
/// thread of its own. An error is in words.
pub type OpenRuns = Arc<dyn Fn(&[PathBuf]) -> Result<OpenedRuns, String> + Send + Sync>;

/// What the list of a folder starts from.
pub struct FolderStart {
    /// The folder, as it was given.
    pub folder: String,
    /// Its files, being read.
    pub watch: FolderWatch,
    /// What opens runs.
    pub open: OpenRuns,
    /// What the terminal can show.
    pub look: Look,
    /// What each key does.
    pub keymap: Keymap,
}

/// Recordings that are being read, to be opened.
struct OpeningRuns {
    /// How they are named while they are read.
    name: String,
    answer: std::sync::mpsc::Receiver<Result<OpenedRuns, String>>,
}

/// Who has the keys.
enum ListMode {
    List,
    Help,
    /// A text is typed that names must hold.
    Name(Input),
    /// A condition or query is typed.
    Filter(Input),
}

/// The state of the screen.
pub(super) struct FolderScreen {
    folder: String,
    watch: Option<FolderWatch>,
    list: RunList,
    /// The condition or query in force.
    filter: String,
    mode: ListMode,
    message: Option<(Role, String)>,
    theme: Theme,
    keymap: Keymap,
    width: u16,
    height: u16,
    open: OpenRuns,
    wake: Option<Wake>,
    opening: Option<OpeningRuns>,
    opened: Option<OpenedRuns>,
    interrupted: bool,
    /// The terminal selects text with the mouse.
    selecting: bool,
}

impl FolderScreen {
    pub fn new(start: FolderStart) -> Self {
        let FolderStart { folder, watch, open, look, keymap } = start;
        Self { watch: Some(watch), ..Self::unwatched(folder, open, look, keymap) }
    }

    /// The list of a folder that nobody looks at.
    fn unwatched(folder: String, open: OpenRuns, look: Look, keymap: Keymap) -> Self {
        Self {
            folder,
            watch: None,
            list: RunList::new(),
            filter: String::new(),
            mode: ListMode::List,
            message: None,
            theme: Theme::new(look),
            keymap,
            width: 80,
            height: 24,
            open,
            wake: None,
            opening: None,
            opened: None,
            interrupted: false,
            selecting: false,
        }
    }

    /// The runs that were opened last, once.
    pub fn take_opened(&mut self) -> Option<OpenedRuns> {
        self.opened.take()
    }

    /// Says something about what was opened.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.message = Some((Role::Bad, text.into()));
    }

    fn say(&mut self, text: impl Into<String>) {
        self.message = Some((Role::Text, text.into()));
    }

    /// Begins to read recordings, to open them.
    fn begin_to_open(&mut self, paths: Vec<PathBuf>, name: String) {
        let (tell, answer) = std::sync::mpsc::channel();
        let (open, wake) = (self.open.clone(), self.wake.clone());
        let work = move || {
            let read = panics::caught(|| open(&paths)).unwrap_or_else(|panic| {
                Err(format!("it cannot be opened: the program failed on it ({panic})"))
            });
            // Nobody waits for it any more.
            let _ = tell.send(read);
            if let Some(wake) = wake {
                wake();
            }
        };
        match std::thread::Builder::new().name("opening".to_owned()).spawn(work) {
            Ok(_) => self.opening = Some(OpeningRuns { name, answer }),
            Err(error) => self.complain(format!("no thread to read it: {error}")),
        }
    }

    /// Takes in what has come.
    fn arrive(&mut self, effects: &mut Vec<Effect>) {
        if let Some(watch) = &self.watch {
            let changes = watch.take();
            let fault = changes.fault.clone();
            self.list.take(changes);
            if let Some(fault) = fault {
                self.complain(fault);
            }
        }
        let Some(read) = self.opening.as_ref().and_then(|opening| opening.answer.try_recv().ok())
        else {
            return;
        };
        self.opening = None;
        match read {
            Ok(opened) => {
                self.opened = Some(opened);
                effects.push(Effect::Quit);
            }
            Err(why) => self.complain(why),
        }
    }
}

impl Interface for FolderScreen {
    fn resize(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
    }

    fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.arrive(&mut effects);
        effects
    }

    fn update(&mut self, event: AppEvent) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            AppEvent::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
                self.press(key, &mut effects);
            }
            AppEvent::Terminal(TerminalEvent::Resize(width, height)) => self.resize(width, height),
            AppEvent::Terminal(TerminalEvent::Mouse(mouse)) => self.click(mouse, &mut effects),
            AppEvent::Terminal(TerminalEvent::Paste(text)) => self.paste(&text),
            AppEvent::Arrived => self.arrive(&mut effects),
            AppEvent::Terminal(_)
            | AppEvent::Report(..)
            | AppEvent::News(_)
            | AppEvent::Tick
            | AppEvent::Spare => {}
        }
        effects
    }

    fn takes_text(&self) -> bool {
        matches!(self.mode, ListMode::Name(_) | ListMode::Filter(_))
    }

    fn draw(&self, buffer: &mut Buffer) {
        draw::draw(self, buffer);
    }

    fn due(&self) -> bool {
        false
    }

    fn period(&self) -> Duration {
        Duration::ZERO
    }

    fn spare(&self) -> bool {
        false
    }

    fn busy(&self) -> Option<Key> {
        None
    }

    fn set_slow(&mut self, _: Option<Duration>) {}

    fn set_selecting(&mut self, selecting: bool) {
        self.selecting = selecting;
    }

    fn wake_by(&mut self, wake: Wake) {
        if let Some(watch) = &self.watch {
            let wake = wake.clone();
            watch.wake_by(move || wake());
        }
        self.wake = Some(wake);
    }
}
