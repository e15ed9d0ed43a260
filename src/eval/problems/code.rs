//! Answers that are programs: taken out of the text and run with their tests in a Python of their
//! own, only where that was allowed.
//!
//! Every answer gets a new process in an empty folder that is removed afterwards, with an empty
//! environment and without standard input. `assets/python/check_code.py` takes the code out as the
//! published metrics do, then limits its own time, memory, processes and files, and denies the code
//! to start programs, reach the network or write elsewhere. From here it has a deadline, and all of
//! its process group ends with it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The script that runs an answer.
const SCRIPT: &str = include_str!("../../../assets/python/check_code.py");

/// Time that the tests of an answer may take, seconds, as in the published evaluation.
const SECONDS: u64 = 3;

/// Time that may pass behind it before the process is ended from here.
const GRACE: Duration = Duration::from_secs(2);

/// Time to start and to take the code out, which tries many parts of the text.
const STARTING: Duration = Duration::from_secs(120);

/// Memory that an answer may take, bytes.
const MEMORY: u64 = 4 << 30;

/// Longest file that it may write, bytes.
const FILE: u64 = 16 << 20;

/// Most that is read of what a process says, bytes.
const MOST_SAID: u64 = 16 << 20;

/// What a program is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeTask {
    /// The function that the tests ask for, where the problem names it.
    pub entry_point: Option<String>,
    /// Lines before the tests, e.g. imports.
    pub before: String,
}

/// By whose rules the code is taken out of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// HumanEval's: behind the prompt, what the entry point needs.
    HumanEval,
    /// MBPP's: the first fence, what its first function needs.
    Mbpp,
    /// HumanEval-Infilling's: the text is the whole program.
    Infilling,
}

/// One answer to be run.
#[derive(Debug, Clone, Copy)]
pub struct CodeJob<'a> {
    /// The benchmark whose rules say how it is run.
    pub rules: Rules,
    /// The whole answer, control tokens by name; under the rules for infilling, the program that it was
    /// filled into.
    pub text: &'a str,
    /// What the code is put behind, under HumanEval's rules.
    pub prompt: &'a str,
    /// The function asked for, under HumanEval's rules.
    pub entry_point: &'a str,
    /// The program that is run behind the code.
    pub tests: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The code that was found.
    pub code: Option<String>,
    /// Why it has not passed; `None` if it has.
    pub fault: Option<String>,
}

/// Why code cannot be run at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PythonError {
    /// There is no interpreter of Python 3.9 or later.
    #[error(
        "--run-code needs Python 3.9 or later as `python3` on the path ({0}). Install it, or leave \
         --run-code out"
    )]
    Missing(String),
    /// It does not do what it should.
    #[error("python3 does not run the code of answers as it should: {0}")]
    Broken(String),
    /// A system where a process cannot be contained.
    #[error("--run-code works on Unix only. Leave it out here")]
    Platform,
}

/// An interpreter that code may be run with.
#[derive(Debug, Clone)]
pub struct Python {
    program: PathBuf,
}

impl Python {
    /// The `python3` of the path, once it has told a right program from a wrong one.
    ///
    /// # Errors
    /// [`PythonError`].
    pub fn find() -> Result<Self, PythonError> {
        if cfg!(not(unix)) {
            return Err(PythonError::Platform);
        }
        // Where the interpreter itself is: the environment is taken away from it later.
        let ask = "import sys; assert sys.version_info >= (3, 9), 'it is ' + sys.version; \
                   print(sys.executable, end='')";
        let output = Command::new("python3").args(["-c", ask]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| PythonError::Missing(error.to_string()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let last = errors.lines().last().unwrap_or("it fails").to_owned();
            return Err(PythonError::Missing(last));
        }
        let program = String::from_utf8_lossy(&output.stdout).into_owned();
        let python = Self { program: program.into() };
        for (text, right) in [("return a + b", true), ("return a - b", false)] {
            let text = format!("```python\ndef add(a, b):\n    {text}\n```");
            let tests = "assert add(2, 3) == 5";
            let job =
                CodeJob { rules: Rules::Mbpp, text: &text, prompt: "", entry_point: "", tests };
            let ran = python.run(&job)?;
            if ran.fault.is_none() != right {
                return Err(PythonError::Broken(format!("it says {ran:?} of {text}")));
            }
        }
        Ok(python)
    }

    /// Takes the code out of an answer and runs it with its tests.
    ///
    /// # Errors
    /// [`PythonError::Broken`] if the process cannot be started or does not get as far as the
    /// code; whatever the code does itself is a [`Ran`].
    pub fn run(&self, job: &CodeJob) -> Result<Ran, PythonError> {
        let broken = |error: std::io::Error| PythonError::Broken(error.to_string());
        let folder = tempfile::tempdir().map_err(broken)?;
        let mut command = Command::new(&self.program);
        command
            .args(["-s", "-B", "-X", "utf8", "-c", SCRIPT])
            .current_dir(folder.path())
            .env_clear()
            // Equal runs give equal rows, also where a program prints a set.
            .env("PYTHONHASHSEED", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut contained = Contained { child: command.spawn().map_err(broken)?, status: None };
        let task = serde_json::json!({
            "kind": job.rules, "text": job.text, "prompt": job.prompt,
            "entry_point": job.entry_point, "tests": job.tests,
            "seconds": SECONDS, "memory": MEMORY, "file": FILE,
        });
        if let Some(mut input) = contained.child.stdin.take() {
            // A process that ended already says why on its own.
            let _ = input.write_all(task.to_string().as_bytes());
        }
        let lines = lines(contained.child.stdout.take());
        let Ok(errors) = lines.recv_timeout(STARTING) else {
            let mut words = String::new();
            contained.end();
            if let Some(errors) = contained.child.stderr.take() {
                let _ = errors.take(MOST_SAID).read_to_string(&mut words);
            }
            let last = words.lines().last().unwrap_or("it ended, or took too long to start");
            return Err(PythonError::Broken(last.to_owned()));
        };
        let unread = |error: serde_json::Error| PythonError::Broken(error.to_string());
        let ExtractedCode { code } = serde_json::from_str(&errors).map_err(unread)?;
        let fault = match lines.recv_timeout(Duration::from_secs(SECONDS) + GRACE) {
            Ok(errors) => serde_json::from_str::<CodeEnded>(&errors).map_err(unread)?.fault,
            Err(RecvTimeoutError::Timeout) => Some(slow()),
            // Ended by the alarm, or by itself.
            Err(RecvTimeoutError::Disconnected) => Some(contained.ended()),
        };
        Ok(Ran { code: code.filter(|code| !code.is_empty()), fault })
    }
}

#[derive(Deserialize)]
struct ExtractedCode {
    code: Option<String>,
}

#[derive(Deserialize)]
struct CodeEnded {
    fault: Option<String>,
}

fn slow() -> String {
    format!("it took longer than {SECONDS} s")
}

/// The lines of a process as they come.
fn lines(out: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    if let Some(out) = out {
        // It ends with the process group, which does not outlive the receiver.
        thread::spawn(move || {
            let read = BufReader::new(out.take(MOST_SAID)).lines();
            for line in read.map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

/// A process whose group ends with it.
struct Contained {
    child: Child,
    /// How it ended, once it was waited for: its number may be another's from then on.
    status: Option<ExitStatus>,
}

impl Contained {
    fn end(&mut self) {
        if self.status.is_some() {
            return;
        }
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        }
        let _ = self.child.kill();
        self.status = self.child.wait().ok();
    }

    /// How it ended, in words, after its output did.
    fn ended(&mut self) -> String {
        self.end();
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            let signal = self.status.and_then(|status| status.signal());
            let clocks = [rustix::process::Signal::ALARM, rustix::process::Signal::XCPU];
            if clocks.iter().any(|clock| signal == Some(clock.as_raw())) {
                return slow();
            }
        }
        "it ended before its tests did".to_owned()
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        self.end();
    }
}
