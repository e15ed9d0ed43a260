//! The connection to an engine: it sends messages, and hands each answer to the caller that waits
//! for it.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::{
    Address,
    memory::{MemoryAddress, SharedMemory},
    message::{FromEngine, LONGEST_MESSAGE, ToEngine, shortened},
    process::Process,
    socket::{HangUp, Socket},
};

/// How many messages wait to be read, at most.
const AT_ONCE: usize = 256;

/// An open connection. Dropping it ends the child process that was started for it.
pub(super) struct Link {
    output: Mutex<Option<Box<dyn Write + Send>>>,
    shared: Arc<Shared>,
    /// Messages that answer no request, in order.
    news: Mutex<mpsc::Receiver<FromEngine>>,
    process: Arc<Mutex<Option<Process>>>,
    /// Memory for logits, locked from a request to its answer; none where the engine may be on another
    /// machine.
    pub(super) memory: Mutex<Option<SharedMemory>>,
    /// Closes a socket in both directions, which wakes up the thread that reads from it.
    hang_up: HangUp,
}

#[derive(Default)]
struct Shared {
    /// Requests asked so far: the number of the last one.
    asked: AtomicU64,
    waiting: Mutex<HashMap<u64, mpsc::SyncSender<FromEngine>>>,
    /// The reason why the connection has ended.
    end: Mutex<Option<String>>,
}

/// The answers to one request, for the caller that waits for them.
pub(super) struct Answers {
    /// The request's number, which its answers repeat.
    pub(super) id: u64,
    receiver: mpsc::Receiver<FromEngine>,
    shared: Arc<Shared>,
}

/// What the engine sent within a time limit.
pub(super) enum EngineSent {
    /// A message in answer to the request.
    Message(FromEngine),
    /// Nothing yet, so that the caller may look after other things.
    Nothing,
    /// The connection has ended, for this reason.
    End(String),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Starts the command, or connects to the socket.
    ///
    /// # Errors
    /// In words, if the command cannot be started or nothing listens at the address.
    pub(super) fn open(address: &Address) -> Result<Self, String> {
        let mut process = None;
        let Socket { input, output, hang_up } = match address {
            Address::Command(words) => {
                let (child, output, input) = Process::start(words)?;
                process = Some(child);
                Socket {
                    input: Box::new(input),
                    output: Box::new(output),
                    hang_up: Box::new(|| ()),
                }
            }
            Address::Tcp(..) | Address::Unix(_) => {
                Socket::connect(address, None).map_err(nobody)?
            }
        };
        let shared = Arc::new(Shared::default());
        // What a script prints before it serves comes on the same pipe as the messages.
        let prints = process.is_some();
        let process = Arc::new(Mutex::new(process));
        let (tell, news) = mpsc::sync_channel(AT_ONCE);
        let (there, theirs) = (shared.clone(), process.clone());
        thread::Builder::new()
            .name("engine's answers".to_owned())
            .spawn(move || {
                let end = deliver(BufReader::new(input), prints, &there, &tell);
                let end = end.unwrap_or_else(|| match locked(&theirs).as_mut() {
                    Some(process) => process.end(),
                    None => "it closed the connection".to_owned(),
                });
                *locked(&there.end) = Some(end);
                // Callers that still wait see their channel close.
                locked(&there.waiting).clear();
            })
            .map_err(|error| format!("the system gives no thread ({error})"))?;
        Ok(Self {
            output: Mutex::new(Some(output)),
            shared,
            news: Mutex::new(news),
            process,
            memory: Mutex::new(match address {
                Address::Command(_) | Address::Unix(_) => SharedMemory::new(),
                Address::Tcp(..) => None,
            }),
            hang_up,
        })
    }

    /// Where the engine may leave logits.
    pub(super) fn memory_address(&self) -> Option<MemoryAddress> {
        locked(&self.memory).as_ref().map(|memory| memory.address().clone())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The reason why the connection has ended.
    pub(super) fn send(&self, message: &ToEngine) -> Result<(), String> {
        let mut line = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        line.push(b'\n');
        let mut output = locked(&self.output);
        let sent = match output.as_mut() {
            None => return Err(self.end()),
            Some(output) => output.write_all(&line).and_then(|()| output.flush()),
        };
        sent.map_err(|error| match error.kind() {
            // The reason why the engine ended says more, and is about to be known.
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => self.end(),
            _ => format!("nothing can be sent to it ({error})"),
        })
    }

    /// Sends a request; its answers are read from what is returned.
    ///
    /// # Errors
    /// The reason why the connection has ended.
    pub(super) fn ask<'a>(
        &self,
        message: impl FnOnce(u64) -> ToEngine<'a>,
    ) -> Result<Answers, String> {
        // The greeting counts as the first.
        let id = self.shared.asked.fetch_add(1, Ordering::Relaxed) + 2;
        let (sender, receiver) = mpsc::sync_channel(AT_ONCE);
        locked(&self.shared.waiting).insert(id, sender);
        let answers = Answers { id, receiver, shared: self.shared.clone() };
        if locked(&self.shared.end).is_some() {
            return Err(self.end());
        }
        self.send(&message(id))?;
        Ok(answers)
    }

    /// The next message that answers no request.
    pub(super) fn news(&self, within: Duration) -> EngineSent {
        came(&locked(&self.news), within, &self.shared)
    }

    /// Whether the connection has ended.
    pub(super) fn ended(&self) -> bool {
        locked(&self.shared.end).is_some()
    }

    /// The reason why the connection has ended; waits up to a second for it to be known.
    fn end(&self) -> String {
        for _ in 0..200 {
            if let Some(end) = locked(&self.shared.end).clone() {
                return end;
            }
            thread::sleep(Duration::from_millis(5));
        }
        "it no longer reads".to_owned()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A child process ends when its input is closed; dropping it ends one that does not.
        *locked(&self.output) = None;
        (self.hang_up)();
        *locked(&self.process) = None;
    }
}

impl Answers {
    /// The next message about this request.
    pub(super) fn next(&self, within: Duration) -> EngineSent {
        came(&self.receiver, within, &self.shared)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        locked(&self.shared.waiting).remove(&self.id);
    }
}

fn came(from: &mpsc::Receiver<FromEngine>, within: Duration, shared: &Shared) -> EngineSent {
    match from.recv_timeout(within) {
        Ok(message) => EngineSent::Message(message),
        Err(mpsc::RecvTimeoutError::Timeout) => EngineSent::Nothing,
        Err(mpsc::RecvTimeoutError::Disconnected) => EngineSent::End(
            locked(&shared.end).clone().unwrap_or_else(|| "it closed the connection".to_owned()),
        ),
    }
}

fn nobody(error: io::Error) -> String {
    format!(
        "nothing listens there ({error}). Start the engine first: python -m demask.engine MODEL --listen …"
    )
}

/// Hands each message to the caller that waits for it, until the input ends. Returns the reason
/// where something else ended it. With `prints`, lines before the first message that cannot be one
/// are what a script printed; they become log messages for the user.
fn deliver(
    mut input: impl BufRead,
    mut prints: bool,
    shared: &Shared,
    news: &mpsc::SyncSender<FromEngine>,
) -> Option<String> {
    let mut line = Vec::new();
    let mut greeted = false;
    loop {
        line.clear();
        match input.by_ref().take(LONGEST_MESSAGE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return None,
            Ok(_) if line.len() as u64 == LONGEST_MESSAGE => {
                return Some(format!("it sent a message of over {} MiB", LONGEST_MESSAGE >> 20));
            }
            Ok(_) => {}
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if prints && !line.trim_ascii_start().starts_with(b"{") {
            let _ = news.try_send(FromEngine::Log { text: shortened(&line) });
            continue;
        }
        prints = false;
        let tell: FromEngine = match serde_json::from_slice(&line) {
            Ok(tell) => tell,
            // A process that is killed may leave half a message behind.
            Err(_) if !line.ends_with(b"\n") => return None,
            Err(error) => return Some(garbage(&line, &error)),
        };
        match (tell.id(), tell) {
            (None, FromEngine::Unknown) => {}
            // Nobody may be reading: log messages that find no room are dropped.
            (None, FromEngine::Log { text }) => {
                let text = shortened(text.as_bytes());
                let _ = news.try_send(FromEngine::Log { text });
            }
            // The greeting, or an error in its place, is waited for and must not be dropped.
            (None, tell @ (FromEngine::Hello(_) | FromEngine::Error(_))) if !greeted => {
                greeted = true;
                let _ = news.send(tell);
            }
            (None, tell) => {
                let _ = news.try_send(tell);
            }
            (Some(id), _) if id > shared.asked.load(Ordering::Relaxed) + 1 => {
                return Some(format!("it answers request {id}, which was not sent"));
            }
            // Nobody waits for the answer to a request that was cancelled.
            (Some(id), tell) => {
                let sender = locked(&shared.waiting).get(&id).cloned();
                if let Some(sender) = sender {
                    let _ = sender.send(tell);
                }
            }
        }
    }
}

fn garbage(line: &[u8], error: &serde_json::Error) -> String {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
    if value["type"] == "hello" && value["loop"].is_string() {
        return "a sampling loop listens there, and no engine: `demask attach` with this address joins it"
            .to_owned();
    }
    format!("it sent a line that is no message of the protocol ({error}):\n{}", shortened(line))
}
