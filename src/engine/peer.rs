//! An engine over its life: the connection to it, and the next connection once it has ended.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Address,
    link::{EngineSent, Link},
    message::{EngineGreeting, Failure, FromEngine, Hello, PROTOCOL, ToEngine},
};

/// How often a caller that waits is asked whether to go on.
pub(super) const BEAT: Duration = Duration::from_millis(20);

/// How long a socket may be silent before the greeting. A child process has no limit, since it
/// loads its model first.
const SILENCE: Duration = Duration::from_secs(10);

/// Bounds of what a greeting may claim: memory is taken for each token.
const MOST_TOKENS: u32 = 10_000_000;
const MOST_LAYERS: usize = 100_000;

/// What an engine says before its greeting.
pub(super) enum EngineNews {
    /// The progress of loading: the step, how much is done, and of how much.
    Loading(String, u64, u64),
    /// A line for the user.
    Log(String),
    /// Nothing, for the time of a [`BEAT`].
    Beat,
}

/// An engine that is connected, and how it is reached again.
pub(super) struct Peer {
    pub(super) address: Address,
    pub(super) greeting: EngineGreeting,
    link: Mutex<Arc<Link>>,
}

/// Why there is no greeting.
pub(super) enum Silent {
    /// The watcher asked to stop.
    Cancelled,
    /// The reason, in words.
    Failed(String),
}

impl From<String> for Silent {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl Peer {
    /// Opens the connection and waits for the greeting.
    pub(super) fn meet(
        address: &Address,
        watch: &mut dyn FnMut(EngineNews) -> ControlFlow<()>,
    ) -> Result<Self, Silent> {
        let (link, greeting) = greeted(address, watch)?;
        Ok(Self { address: address.clone(), greeting, link: Mutex::new(Arc::new(link)) })
    }

    /// The current connection, which may have ended.
    pub(super) fn link(&self) -> Arc<Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection. If it has ended, a new one is opened, which may take as long as the first.
    pub(super) fn live(
        &self,
        watch: &mut dyn FnMut(EngineNews) -> ControlFlow<()>,
    ) -> Result<Arc<Link>, Silent> {
        let link = self.link();
        if !link.ended() {
            return Ok(link);
        }
        let (link, greeting) = greeted(&self.address, watch)?;
        let same = |one: &EngineGreeting| (one.name.clone(), one.vocabulary, one.mask, one.eos);
        if same(&greeting) != same(&self.greeting) {
            return Err(Silent::Failed(format!(
                "it came back with another model: {} in place of {}. Quit and start anew",
                greeting.name, self.greeting.name
            )));
        }
        let link = Arc::new(link);
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link.clone();
        Ok(link)
    }
}

fn greeted(
    address: &Address,
    watch: &mut dyn FnMut(EngineNews) -> ControlFlow<()>,
) -> Result<(Link, EngineGreeting), Silent> {
    let link = Link::open(address)?;
    let token = match address {
        Address::Tcp(_, token) => token.as_deref(),
        Address::Command(_) | Address::Unix(_) => None,
    };
    let memory = link.memory_address();
    link.send(&ToEngine::Hello(Hello { memory, ..Hello::with(token) }))?;
    let mut since = Instant::now();
    loop {
        let news = match link.news(BEAT) {
            EngineSent::Nothing
                if !matches!(address, Address::Command(_)) && since.elapsed() > SILENCE =>
            {
                return Err(Silent::Failed(format!(
                    "nothing came within {} s: another program listens there, or the engine is busy \
                     with another debugger. Check the address, or quit that debugger",
                    SILENCE.as_secs()
                )));
            }
            EngineSent::Nothing => EngineNews::Beat,
            EngineSent::End(why) => return Err(Silent::Failed(why)),
            EngineSent::Message(message) => {
                since = Instant::now();
                match message {
                    FromEngine::Hello(greeting) => {
                        check(&greeting)?;
                        return Ok((link, *greeting));
                    }
                    FromEngine::Loading { work, done, of } => EngineNews::Loading(work, done, of),
                    FromEngine::Log { text } => EngineNews::Log(text),
                    FromEngine::Error(Failure { message, traceback, .. }) => {
                        return Err(Silent::Failed(with_traceback(message, traceback)));
                    }
                    _ => EngineNews::Beat,
                }
            }
        };
        if watch(news).is_break() {
            return Err(Silent::Cancelled);
        }
    }
}

/// An error message with the traceback below it.
pub(super) fn with_traceback(message: String, traceback: Option<String>) -> String {
    match traceback.filter(|text| !text.trim().is_empty()) {
        Some(traceback) => format!("{message}\n{}", traceback.trim_end()),
        None => message,
    }
}

fn check(greeting: &EngineGreeting) -> Result<(), String> {
    if greeting.protocol != PROTOCOL {
        let newer = if greeting.protocol > PROTOCOL { "demask" } else { "its demask package" };
        return Err(format!(
            "it speaks version {} of the protocol, and this program version {PROTOCOL}: update \
             {newer}",
            greeting.protocol
        ));
    }
    let wrong = [
        (greeting.vocabulary == 0, "a vocabulary of 0"),
        (greeting.vocabulary > MOST_TOKENS, "a vocabulary that no model has"),
        (greeting.layers > MOST_LAYERS, "layers in a number that no model has"),
        (greeting.context == 0, "a context of 0 positions"),
        (greeting.block == Some(0), "blocks of 0 positions"),
    ];
    match wrong.iter().find(|(wrong, _)| *wrong) {
        Some((_, what)) => Err(format!("its greeting names {what}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_checked() {
        let check = |fields: &str, expected: Option<&str>| {
            let text = format!(
                r#"{{"type": "hello", "engine": "e", "name": "m", "device": "cpu", "dtype": "f32", {fields}}}"#
            );
            let FromEngine::Hello(greeting) = serde_json::from_str(&text).unwrap() else {
                panic!("{text}")
            };
            match (super::check(&greeting), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.contains(part), "{error}"),
                (other, _) => panic!("{fields}: {other:?}"),
            }
        };
        check(r#""protocol": 1, "vocabulary": 9, "context": 8"#, None);
        check(r#""protocol": 1, "vocabulary": 9, "context": 8, "later": true"#, None);
        check(r#""protocol": 2, "vocabulary": 9, "context": 8"#, Some("update demask"));
        check(r#""protocol": 0, "vocabulary": 9, "context": 8"#, Some("update its demask"));
        check(r#""protocol": 1, "vocabulary": 0, "context": 8"#, Some("vocabulary of 0"));
        check(r#""protocol": 1, "vocabulary": 9, "context": 0"#, Some("context of 0"));
        check(r#""protocol": 1, "vocabulary": 4294967295, "context": 8"#, Some("no model has"));
        let layers =
            r#""protocol": 1, "vocabulary": 9, "context": 8, "layers": 18446744073709551615"#;
        check(layers, Some("no model has"));
        check(r#""protocol": 1, "vocabulary": 9, "context": 8, "block": 0"#, Some("blocks of 0"));
    }
}
