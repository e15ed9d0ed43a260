//! A child process that speaks the protocol over its pipes.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How many of the last lines of its standard error are kept.
const LINES_KEPT: usize = 12;

/// The most bytes of a line that are kept.
const WIDTH: u64 = 400;

/// How long the process may take to end once its input is closed.
const GRACE: Duration = Duration::from_millis(700);

/// A child process; dropping it ends it.
pub(super) struct Process {
    child: Child,
    words: Arc<Mutex<VecDeque<String>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts a command.
    ///
    /// # Errors
    /// In words, if the program cannot be started.
    pub(super) fn start(words: &[String]) -> Result<(Self, ChildStdin, ChildStdout), String> {
        let (program, arguments) = words.split_first().ok_or("no command is given")?;
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A process group of its own: Ctrl-C must reach the debugger alone, which ends the engine
        // when it quits.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{program} cannot be started ({error}). Check the command"))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(format!("{program} has no pipes"));
        };
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let kept = words.clone();
        let reader = thread::Builder::new()
            .name("engine's stderr".to_owned())
            .spawn(move || keep_last(errors, &kept))
            .map_err(|error| format!("the system gives no thread ({error})"))?;
        Ok((Self { child, words, reader: Some(reader) }, input, output))
    }

    /// How the process ended, with the last lines of its standard error. Called once its output is
    /// closed; waits a moment for the process to end.
    pub(super) fn end(&mut self) -> String {
        let until = Instant::now() + GRACE;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                _ => break None,
            }
        };
        let how = match status {
            Some(status) => format!("it ended ({status})"),
            None => "it closed its output".to_owned(),
        };
        // Once the process has ended, its standard error is read to the end.
        if status.is_some()
            && let Some(reader) = self.reader.take()
        {
            let _ = reader.join();
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        match words.is_empty() {
            true => how,
            false => format!("{how}. It wrote last:\n{}", Vec::from(words.clone()).join("\n")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its input is closed by now, so a well-behaved engine ends by itself.
        let until = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            // Its children are ended too: a launcher like torchrun has several.
            #[cfg(unix)]
            if let Some(group) =
                i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Keeps the last lines that a child process writes to its standard error. A progress bar, which is
/// redrawn after a carriage return, counts as one line each time.
fn keep_last(errors: impl Read, kept: &Mutex<VecDeque<String>>) {
    let mut errors = BufReader::new(errors);
    loop {
        let mut line = Vec::new();
        match errors.by_ref().take(WIDTH).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let Some(last) = text.split(['\r', '\n']).rfind(|part| !part.trim().is_empty()) else {
            continue;
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES_KEPT {
            kept.pop_front();
        }
        kept.push_back(last.to_owned());
    }
}
