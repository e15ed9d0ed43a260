//! The program on a pseudo-terminal of its own, and waits for what it shows.

use std::{
    fs::File,
    io::{Read, Write},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
pub use rustix::process::Signal;
use rustix::{
    process::{Pid, kill_process},
    termios::{LocalModes, tcgetattr},
};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most that the program draws, columns and rows: a smaller screen would scroll.
const LARGEST_SCREEN: (u16, u16) = (2000, 1000);

/// What the program has asked the terminal to put on the clipboard, in base64.
#[derive(Default)]
pub struct Clipboard(String);

impl vt100::Callbacks for Clipboard {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.0 = String::from_utf8_lossy(data).into_owned();
    }
}

/// The program on a terminal of its own.
pub struct Terminal {
    pub screen: Arc<(Mutex<vt100::Parser<Clipboard>>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    pub master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub fn start(args: &[&str], (columns, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(assert_cmd::cargo::cargo_bin("demask"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        // Not the configuration of whoever runs the tests.
        command.env_remove("DEMASK_CONFIG");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env("XDG_STATE_HOME", std::env::temp_dir().join("demask-terminal-tests"));
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        // Of a terminal of absurd size there is the part that is drawn.
        let (rows, columns) = (rows.min(LARGEST_SCREEN.1), columns.min(LARGEST_SCREEN.0));
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 1000, Clipboard::default());
        let screen = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let feed = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                feed.0.lock().unwrap().process(&buffer[..read]);
                feed.1.notify_all();
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen, keys, child, master: pair.master }
    }

    /// The most memory that the program has used so far, bytes, where the system says.
    pub fn peak(&self) -> Option<u64> {
        let pid = self.child.process_id()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The text on screen.
    pub fn text(&self) -> String {
        self.screen.0.lock().unwrap().screen().contents()
    }

    /// What is on the clipboard, in base64.
    pub fn clipboard(&self) -> String {
        self.screen.0.lock().unwrap().callbacks().0.clone()
    }

    /// Waits until the screen is as `wanted`.
    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let (lock, changed) = &*self.screen;
        let deadline = Instant::now() + PATIENCE;
        let mut parser = lock.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what} on:\n{}", parser.screen().contents());
            parser = changed.wait_timeout(parser, left).unwrap().0;
        }
    }

    pub fn wait_text(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    pub fn wait_gone(&self, text: &str) {
        self.wait(&format!("end of {text}"), |screen| !screen.contents().contains(text));
    }

    /// Steps once and waits for it.
    pub fn step_to(&mut self, number: usize) {
        self.press("s");
        self.wait(&format!("step {number}"), |screen| shows_step(screen, number));
    }

    /// Waits until something outside of the screen is so.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "never {what}; on the screen:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    pub fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The terminal is as it was before the program.
    pub fn assert_restored(&self) {
        self.wait("the normal screen", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        // The modes follow the screen, a moment later.
        let deadline = Instant::now() + PATIENCE;
        while !self.master.tty_is_cooked() {
            assert!(Instant::now() < deadline, "raw mode was left on");
        }
    }
}

trait Cooked {
    fn tty_is_cooked(&self) -> bool;
}

impl Cooked for Box<dyn MasterPty + Send> {
    /// Line editing and echo are on: what raw mode switches off.
    fn tty_is_cooked(&self) -> bool {
        let tty = self.tty_name().expect("a pseudo-terminal has a name");
        let modes = tcgetattr(File::open(tty).unwrap()).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

/// True if the title names the step.
pub fn shows_step(screen: &vt100::Screen, number: usize) -> bool {
    let text = screen.contents();
    let title = text.lines().next().unwrap_or_default();
    title.split_whitespace().collect::<Vec<_>>().windows(2).any(|pair| {
        pair[0] == "step" && pair[1].split('/').next() == Some(number.to_string().as_str())
    })
}

/// What the canvas pane of a terminal says comes next.
pub fn next_line(terminal: &Terminal) -> String {
    next_of(&terminal.text())
}

/// What the canvas pane says comes next.
pub fn next_of(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("next:")).unwrap_or_default();
    line.split("next:").nth(1).unwrap_or_default().split('─').next().unwrap_or_default().to_owned()
}
