//! The terminal: taken over, given back. Given back whatever happens: by a guard when it is
//! dropped, and by the panic hook before anything is printed.

use std::{
    io::{self, BufWriter, Stdout, Write},
    mem::ManuallyDrop,
    panic::PanicHookInfo,
    sync::{Arc, Mutex},
    thread::ThreadId,
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, buffer::Buffer, layout::Rect,
};

use super::super::input::bounded;
use crate::panics;

fn area() -> io::Result<Rect> {
    let (width, height) = crossterm::terminal::size()?;
    let (width, height) = bounded(width, height);
    Ok(Rect::new(0, 0, width, height))
}

type Hook = Box<dyn Fn(&PanicHookInfo) + Send + Sync>;

/// The screen while it is ours.
pub struct Screen {
    /// Never dropped: its own drop shows the cursor, which `give_back` has done, and panics
    /// where stderr is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    /// The mouse is to be listened to, unless a key leaves it to the terminal.
    mouse: bool,
    /// It is listened to now.
    listens: bool,
    /// What panicked on other threads; printed once the terminal is given back.
    elsewhere: Arc<Mutex<Vec<String>>>,
    before: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// If it cannot be put into raw mode or written to; it is as before then.
    pub fn open(mouse: bool) -> io::Result<Self> {
        let before: Arc<Hook> = Arc::new(std::panic::take_hook());
        let elsewhere = Arc::new(Mutex::new(Vec::new()));
        install_hook(&before, &elsewhere, std::thread::current().id());
        // A frame is written at once, so that it arrives in one piece.
        let writer = BufWriter::with_capacity(1 << 19, io::stdout());
        let opened = take(mouse).and_then(|()| {
            let viewport = Viewport::Fixed(area()?);
            Terminal::with_options(CrosstermBackend::new(writer), TerminalOptions { viewport })
        });
        match opened {
            Ok(terminal) => {
                let terminal = ManuallyDrop::new(terminal);
                Ok(Self { terminal, mouse, listens: mouse, elsewhere, before })
            }
            Err(error) => {
                give_back();
                restore_hook(&before);
                Err(error)
            }
        }
    }

    /// Columns and rows that are drawn.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let area = area()?;
        Ok((area.width, area.height))
    }

    /// Draws a frame, bracketed so that the terminal shows it at once.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let area = area()?;
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area)?;
        }
        self.terminal.draw(|frame| paint(frame.buffer_mut()))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Forgets what is on screen, so that the next frame is drawn whole.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn redraw(&mut self) -> io::Result<()> {
        // `clear` would ask the terminal where its cursor is, and wait for an answer that the
        // reader of keys takes away; a resize clears without asking.
        self.terminal.resize(area()?)
    }

    /// Asks the terminal to put a text on the clipboard (OSC 52), which it may be set not to do.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let encoded = BASE64_STANDARD.encode(text);
        let to = self.terminal.backend_mut();
        write!(to, "\x1b]52;c;{encoded}\x07")?;
        io::Write::flush(to)
    }

    /// Leaves the mouse to the terminal, or listens to it again.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn toggle_mouse(&mut self) -> io::Result<()> {
        self.listens = !self.listens;
        if self.listens { listen_to_mouse() } else { execute!(io::stdout(), DisableMouseCapture) }
    }

    /// True if a key has left the mouse to the terminal.
    pub fn selecting(&self) -> bool {
        self.mouse && !self.listens
    }

    /// Gives the terminal back for a while, stops the process, and takes it over again when the
    /// process is continued.
    ///
    /// # Errors
    /// If the terminal cannot be taken over again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        stop();
        take(self.listens)?;
        self.redraw()
    }

    /// Takes the terminal over again, after somebody else had it.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn resume(&mut self) -> io::Result<()> {
        // The shell has changed the modes behind our back; they are known again after this.
        give_back();
        take(self.listens)?;
        self.redraw()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        if std::thread::panicking() {
            return;
        }
        restore_hook(&self.before);
        if let Ok(messages) = self.elsewhere.lock() {
            for message in messages.iter() {
                let _ = writeln!(io::stderr(), "demask: {message}");
            }
        }
    }
}

fn take(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide, EnableBracketedPaste)?;
    if mouse { listen_to_mouse() } else { Ok(()) }
}

/// Clicks, drags and the wheel, but not every move, which crossterm's own command asks for: over
/// a slow line those are a flood.
#[cfg(unix)]
fn listen_to_mouse() -> io::Result<()> {
    io::stdout().write_all(b"\x1b[?1000h\x1b[?1002h\x1b[?1006h")?;
    io::stdout().flush()
}

#[cfg(not(unix))]
fn listen_to_mouse() -> io::Result<()> {
    execute!(io::stdout(), crossterm::event::EnableMouseCapture)
}

/// Undoes everything, as far as it goes; asked for twice it does no harm.
fn give_back() {
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = io::stdout().flush();
    let _ = disable_raw_mode();
}

/// A panic on this thread restores the terminal before it is printed; one on another thread is kept
/// until the terminal is restored. A panic that is caught does neither: its caller reports it.
fn install_hook(before: &Arc<Hook>, elsewhere: &Arc<Mutex<Vec<String>>>, here: ThreadId) {
    let (before, elsewhere) = (before.clone(), elsewhere.clone());
    std::panic::set_hook(Box::new(move |info| {
        if panics::is_caught(info) {
            return;
        }
        if std::thread::current().id() == here {
            give_back();
            before(info);
        } else if let Ok(mut messages) = elsewhere.lock() {
            messages.push(info.to_string());
        }
    }));
}

fn restore_hook(before: &Arc<Hook>) {
    let before = before.clone();
    std::panic::set_hook(Box::new(move |info| before(info)));
}

/// Stops the whole job, as a shell expects of Ctrl-Z: with `cargo run` there are two processes.
#[cfg(unix)]
fn stop() {
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
}

#[cfg(not(unix))]
fn stop() {}
