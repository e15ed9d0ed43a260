//! A driver without a screen: carries commands out, supplies predictions, counts passes.

use std::{collections::HashSet, ops::ControlFlow, path::PathBuf, sync::Arc, time::Duration};

use demask::{
    debugger::{Command, CommandFailed, Debugger, NoHost, Reply, Stop, Tick, parse, statements},
    predict::{Key, Predictor, Vocabulary},
    session::{Pending, Session},
    trace::{self, Recording},
};

/// A debugger and its model.
pub struct Driver {
    pub debugger: Debugger,
    model: Box<dyn Predictor>,
    /// Requests answered so far.
    pub asked: HashSet<Key>,
    /// How the last run stopped.
    pub stop: Option<Stop>,
}

impl Driver {
    pub fn new(
        session: Session,
        model: Box<dyn Predictor>,
        vocabulary: Arc<dyn Vocabulary>,
        tokens: usize,
    ) -> Self {
        let debugger = Debugger::new(session, vocabulary, Box::new(NoHost), true, tokens);
        Self { debugger, model, asked: HashSet::new(), stop: None }
    }

    /// Carries a command out and runs until it stops.
    pub fn run(&mut self, command: &Command) -> Result<Reply, CommandFailed> {
        let reply = self.debugger.execute(command)?;
        self.stop = None;
        for _ in 0..5000 {
            match self.debugger.tick() {
                Tick::Idle => return Ok(reply),
                Tick::Moved => {}
                Tick::Waiting => self.predict(),
                Tick::Stopped(stop) => {
                    self.stop = Some(stop);
                    return Ok(reply);
                }
            }
        }
        panic!("`{command}` does not end");
    }

    /// Answers what is wanted; nothing may be asked twice.
    pub fn predict(&mut self) {
        let Pending::Wanted { key, request } = self.debugger.session.pending().clone() else {
            panic!("a run waits, but nothing is wanted");
        };
        let prediction = self.model.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(self.asked.insert(key), "asked twice");
        self.debugger.session.supply(key, prediction, Duration::ZERO);
    }

    /// Carries out a script; every command must succeed. Answers what they said.
    pub fn script(&mut self, script: &str) -> Vec<String> {
        let commands = statements(script)
            .into_iter()
            .map(|text| parse(text).unwrap_or_else(|error| panic!("{text}: {error}")));
        commands
            .flat_map(|command| {
                let reply = self.run(&command);
                reply.unwrap_or_else(|error| panic!("{command}: {error}")).lines
            })
            .collect()
    }
}

/// The text as a command.
pub fn command(text: &str) -> Command {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The recordings of this repository, with their names.
pub fn recordings() -> Vec<(&'static str, Recording)> {
    ["short-answer", "stage-1-growth", "stage-2-expansions", "maximum-length"]
        .into_iter()
        .map(|name| (name, recording(name)))
        .collect()
}

/// One of the recordings in `recordings`, by its name.
pub fn recording(name: &str) -> Recording {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recordings");
    trace::read(&folder.join(format!("{name}.jsonl"))).unwrap()
}

/// A debugger over a recording, without a model.
pub fn replay(recording: &Recording) -> Debugger {
    let tokens = recording.facts().vocabulary;
    let vocabulary = recording.vocabulary.clone();
    Debugger::new(recording.session(), vocabulary, Box::new(NoHost), false, tokens)
}

/// Runs until it stops.
pub fn run(debugger: &mut Debugger) -> Stop {
    loop {
        match debugger.tick() {
            Tick::Moved => {}
            Tick::Stopped(stop) => return stop,
            tick => panic!("{tick:?} without a model"),
        }
    }
}
