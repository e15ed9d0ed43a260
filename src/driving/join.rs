//! Joins a sampling loop: reads its greeting and its records up to where it waits, and starts a
//! thread that reads what follows.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::message::{FromLoop, LoopGreeting, MessageTag, ToLoop};
use crate::{
    debugger::{Driven, Go, Loop},
    engine::{
        Address, HangUp, Socket,
        message::{Failure, Hello, LONGEST_MESSAGE, PROTOCOL, shortened},
    },
    session::{Event, LoopMessage, RunNews, Stand, StateCopies},
    trace::{Reader, RecordedKnob, Recording},
};

/// How long one read waits; after it, the thread checks whether it is still needed.
const BEAT: Duration = Duration::from_millis(100);

/// How long the loop may take to greet.
const TO_GREET: Duration = Duration::from_secs(10);

/// The most events that are passed on at once, so that the screen is redrawn in between.
const AT_ONCE: usize = 256;

/// A loop that was joined, and waits at the last step of its recording.
pub struct JoinedLoop {
    /// What it did so far.
    pub recording: Recording,
    /// The connection that steps it.
    pub driven: Driven,
    /// Messages that the user sees first.
    pub notices: Vec<String>,
    /// The reader of what it sends from now on.
    pub intake: Intake,
}

/// Reads what a loop sends.
pub struct Intake {
    lines: SocketLines,
    reader: Reader,
    /// A file that gets a copy of the records.
    copy: Option<Box<dyn Write + Send>>,
    /// Messages that the loop sent before `follow` was called.
    words: Vec<LoopMessage>,
}

/// Reads lines from the socket.
struct SocketLines {
    input: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
}

/// What one read of the socket gave.
enum SocketRead {
    Line(Vec<u8>),
    Nothing,
    /// The connection has ended. The reason is given unless the loop closed it.
    End(Option<String>),
}

impl SocketLines {
    fn next(&mut self) -> SocketRead {
        let left = LONGEST_MESSAGE.saturating_sub(self.line.len() as u64);
        match self.input.by_ref().take(left).read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.last() == Some(&b'\n') => {
                SocketRead::Line(std::mem::take(&mut self.line))
            }
            Ok(_) if self.line.len() as u64 >= LONGEST_MESSAGE => SocketRead::End(Some(format!(
                "it sent a line of over {} MiB",
                LONGEST_MESSAGE >> 20
            ))),
            Ok(_) => SocketRead::End(None),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => SocketRead::Nothing,
                io::ErrorKind::Interrupted => SocketRead::Nothing,
                _ => SocketRead::End(None),
            },
        }
    }

    /// True if a whole line is buffered, so that the next read does not wait.
    fn more(&self) -> bool {
        self.input.buffer().contains(&b'\n')
    }
}

/// What a line contained.
enum Told {
    Nothing,
    Event(Box<Event>),
    Word(LoopMessage),
}

impl Intake {
    fn take(&mut self, line: &[u8]) -> Result<Told, String> {
        let garbage =
            |error| format!("it sent a line that is no message ({error}): {}", shortened(line));
        if line.trim_ascii().is_empty() {
            return Ok(Told::Nothing);
        }
        let tag: MessageTag = serde_json::from_slice(line).map_err(garbage)?;
        if tag.message.is_none() {
            self.write_down(line);
            let event = self.reader.push(line).map_err(|error| error.to_string())?;
            return Ok(event.map_or(Told::Nothing, |event| Told::Event(Box::new(event))));
        }
        let word = match serde_json::from_slice(line).map_err(garbage)? {
            FromLoop::Hello(_) | FromLoop::Unknown => return Ok(Told::Nothing),
            FromLoop::Knobs { knobs } => late(&knobs),
            FromLoop::Propose { node, prediction, canvas, open } => {
                LoopMessage::Proposes(self.reader.propose(node, prediction, canvas, open)?)
            }
            FromLoop::Waiting { node, kept, done } => {
                let kept = kept.map(|kept| StateCopies { nodes: kept.nodes, bytes: kept.bytes });
                LoopMessage::Waits(Stand { node: self.reader.node(node)?, done, kept })
            }
            FromLoop::Log { text } => LoopMessage::Says(shortened(text.as_bytes())),
            FromLoop::Error(Failure { message, .. }) => {
                LoopMessage::Refuses(message.chars().take(1000).collect())
            }
        };
        Ok(Told::Word(word))
    }

    fn write_down(&mut self, line: &[u8]) {
        let Some(copy) = &mut self.copy else { return };
        if let Err(error) = copy.write_all(line).and_then(|()| copy.flush()) {
            self.copy = None;
            self.words.push(LoopMessage::Says(format!("the recording has stopped: {error}")));
        }
    }
}

/// The warning that a parameter is missing in the header, and so on the screen.
fn late(knobs: &[RecordedKnob]) -> LoopMessage {
    let newest = knobs.last().map_or("", |knob| &knob.name);
    let newest = shortened(newest.as_bytes());
    LoopMessage::Says(format!(
        "the parameter {newest} was declared after the first step and cannot be turned here. Declare \
         it before the first step"
    ))
}

/// The sending half of the connection.
struct Remote {
    output: Arc<Mutex<Box<dyn Write + Send>>>,
    hang_up: HangUp,
}

fn send(output: &Mutex<Box<dyn Write + Send>>, tell: &ToLoop) -> Result<(), String> {
    let mut line = serde_json::to_vec(tell).map_err(|error| error.to_string())?;
    line.push(b'\n');
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    output
        .write_all(&line)
        .and_then(|()| output.flush())
        .map_err(|_| "the loop is gone: its process has ended".to_owned())
}

impl Loop for Remote {
    fn go(&mut self, go: &Go) -> Result<(), String> {
        send(&self.output, &ToLoop::go(go))
    }

    fn stop(&mut self) -> Result<(), String> {
        send(&self.output, &ToLoop::Stop)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // A loop whose debugger has left goes on by itself.
        (self.hang_up)();
    }
}

/// Joins the loop at an address and waits until it has stopped at a step. While waiting, it calls
/// `go_on` with what it waits for; a break ends the waiting, and the result is `None`. `copy` gets
/// the lines of the loop's recording.
///
/// # Errors
/// With a message for the user if no loop listens there, or the loop ended meanwhile.
pub fn join(
    address: &Address,
    copy: Option<Box<dyn Write + Send>>,
    go_on: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> Result<Option<JoinedLoop>, String> {
    let at = |why: String| format!("{address}: {why}");
    let socket = Socket::connect(address, Some(BEAT)).map_err(|error| {
        at(format!(
            "nothing listens there ({error}). `demask attach` alone finds the loops that run here"
        ))
    })?;
    let output = Arc::new(Mutex::new(socket.output));
    let remote = Remote { output: output.clone(), hang_up: socket.hang_up };
    let token = match address {
        Address::Tcp(_, token) => token.as_deref(),
        Address::Command(_) | Address::Unix(_) => None,
    };
    send(&output, &ToLoop::Hello(Hello::with(token))).map_err(at)?;
    let mut lines = SocketLines { input: BufReader::new(socket.input), line: Vec::new() };
    let began = Instant::now();
    let greeting = loop {
        if go_on("waiting for the loop to greet").is_break() {
            return Ok(None);
        }
        match lines.next() {
            SocketRead::Line(line) if line.trim_ascii().is_empty() => {}
            SocketRead::Line(line) => break greeted(&line).map_err(at)?,
            SocketRead::Nothing if began.elapsed() < TO_GREET => {}
            SocketRead::Nothing => {
                return Err(at(format!(
                    "nothing that speaks the protocol answered within {} s. Is it a sampling loop \
                     of demask.debug or demask.run?",
                    TO_GREET.as_secs()
                )));
            }
            SocketRead::End(why) => {
                return Err(at(why.unwrap_or_else(|| {
                    "it closed the connection at once. Is it a sampling loop of demask.debug or \
                     demask.run?"
                        .to_owned()
                })));
            }
        }
    };
    let name = match greeting.name.is_empty() {
        true => "a sampling loop".to_owned(),
        false => greeting.name.chars().take(40).collect(),
    };
    let reader = Reader::of_lines(&name).map_err(|error| error.to_string())?;
    let mut intake = Intake { lines, reader, copy, words: Vec::new() };
    let stands = loop {
        if go_on("waiting for the loop to come to its next step").is_break() {
            return Ok(None);
        }
        match intake.lines.next() {
            SocketRead::Nothing => {}
            SocketRead::Line(line) => match intake.take(&line).map_err(at)? {
                Told::Word(LoopMessage::Waits(stand)) => break stand,
                Told::Word(LoopMessage::Refuses(why)) => return Err(at(why)),
                Told::Word(word) => intake.words.push(word),
                Told::Event(_) | Told::Nothing => {}
            },
            SocketRead::End(why) => {
                return Err(at(
                    why.unwrap_or_else(|| "the loop ended before it came to a step".to_owned())
                ));
            }
        }
    };
    let recording = intake.reader.so_far().map_err(|error| error.to_string())?;
    let restores = greeting.can.iter().any(|can| can == "restore");
    let driven = Driven::new(name, restores, Box::new(remote), stands);
    let known = recording.recorded.timeline[stands.node].depth;
    let before = greeting.steps.saturating_sub(u64::from(known));
    let notices = (before > 0).then(|| {
        format!("the loop made {before} steps before you attached; record= would have kept them")
    });
    Ok(Some(JoinedLoop { recording, driven, notices: notices.into_iter().collect(), intake }))
}

fn greeted(line: &[u8]) -> Result<LoopGreeting, String> {
    let other = || format!("something else listens there: {}", shortened(line));
    match serde_json::from_slice(line).map_err(|_| other())? {
        FromLoop::Hello(greeting) if greeting.program.is_none() => {
            Err("an engine listens there, which answers forward passes. Use demask --engine with \
                 this address"
                .to_owned())
        }
        FromLoop::Hello(greeting) if greeting.protocol != PROTOCOL => Err(format!(
            "the loop speaks version {} of the protocol, this program version {PROTOCOL}: update \
             {}",
            greeting.protocol,
            if greeting.protocol > PROTOCOL { "demask" } else { "the Python package demask" }
        )),
        FromLoop::Hello(greeting) => Ok(greeting),
        FromLoop::Error(Failure { message, .. }) => Err(message.chars().take(1000).collect()),
        _ => Err(other()),
    }
}

impl Intake {
    /// Starts a thread that passes on what the loop does from now on. It ends when `notify` returns
    /// false.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn follow(mut self, notify: impl Fn(RunNews) -> bool + Send + 'static) -> io::Result<()> {
        let work = move || {
            let end = self.tell_all(&notify);
            notify(end);
        };
        thread::Builder::new().name("loop".to_owned()).spawn(work).map(drop)
    }

    /// Passes on what comes until the connection ends; returns the last news.
    fn tell_all(&mut self, notify: &impl Fn(RunNews) -> bool) -> RunNews {
        let mut events = Vec::new();
        // The error that was its last message: if the connection then ends, this is the reason.
        let mut refused: Option<String> = None;
        let end = loop {
            let quiet = !self.lines.more() || !self.words.is_empty();
            let mut heard = true;
            if (quiet || events.len() >= AT_ONCE) && !events.is_empty() {
                heard &= notify(RunNews::Events(std::mem::take(&mut events)));
            }
            for word in self.words.drain(..) {
                heard &= notify(RunNews::Loop(word));
            }
            if !heard {
                return RunNews::Over(Vec::new());
            }
            match self.lines.next() {
                SocketRead::Nothing => {}
                SocketRead::Line(line) => match self.take(&line) {
                    Ok(told) => {
                        refused = match &told {
                            Told::Word(LoopMessage::Refuses(why)) => Some(why.clone()),
                            _ => None,
                        };
                        match told {
                            Told::Nothing => {}
                            Told::Event(event) => events.push(*event),
                            Told::Word(word) => self.words.push(word),
                        }
                    }
                    Err(why) => break Some(why),
                },
                SocketRead::End(why) => break why.or(refused),
            }
        };
        if !events.is_empty() {
            notify(RunNews::Events(events));
        }
        match (end, self.reader.closed()) {
            (Some(why), _) => RunNews::Failed(format!("detached from the loop: {why}")),
            (None, true) => RunNews::Over(Vec::new()),
            (None, false) => RunNews::Failed(
                "the loop's process has ended without a word; what it did up to here stays"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_told_from_other_things() {
        let check =
            |line: &str, expected: Result<&str, &str>| match (greeted(line.as_bytes()), expected) {
                (Ok(greeting), Ok(name)) => assert_eq!(greeting.name, name),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, expected) => panic!("{line}: {found:?}, not {expected:?}"),
            };
        check(
            r#"{"type":"hello","protocol":1,"loop":"demask 0.1.0","name":"mine","pid":3}"#,
            Ok("mine"),
        );
        check(r#"{"type":"hello","protocol":1,"engine":"demask.engine 0.1.0"}"#, Err("--engine"));
        check(r#"{"type":"hello","protocol":9,"loop":"demask 9"}"#, Err("update demask"));
        check(r#"{"type":"error","message":"another debugger is here"}"#, Err("another debugger"));
        check("HTTP/1.1 400 Bad Request", Err("something else listens there: HTTP"));
        check(r#"{"kind":"header"}"#, Err("something else"));
    }
}
