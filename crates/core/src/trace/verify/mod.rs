//! Verification: every decision of a recording is made again, and held against what it says, to the
//! last number. Canvases are made again whenever a recording is read.

mod passes;
mod possible;

use std::{fmt, path::Path};

pub use passes::{Difference as NumberDifference, OtherToken, Passes};

use serde::Serialize;

use super::{
    Advance, Reader, Recording, TraceError, convert,
    record::{Decision, Edited, Eos, Root, Step, Why},
};
use crate::{
    canvas::{Canvas, Edit},
    decode::{self, DecodeError, State},
    predict::Prediction,
    session::{NodeId, Session},
};

/// Where a recording first says something else than this program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Divergence {
    /// The step: steps and edits from the start of its run, from 1.
    pub step: usize,
    /// Its number in the file.
    pub node: usize,
    /// What differs, e.g. `reason` or `eos confidence`.
    pub what: &'static str,
    /// The generated position, if it is about one.
    pub position: Option<usize>,
    /// What the file says.
    pub recorded: String,
    /// What this program says, or what is possible at all.
    pub derived: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "step {} (node {}): {}", self.step, self.node, self.what)?;
        if let Some(position) = self.position {
            write!(f, " at position {position}")?;
        }
        write!(f, ": recorded {}, expected {}", self.recorded, self.derived)
    }
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verified {
    /// Steps on all branches.
    pub steps: usize,
    /// A person's edits on all branches.
    pub edits: usize,
    /// Canvases that were made again: all of steps and edits.
    pub canvases: usize,
    /// Canvases whose recorded hash was compared.
    pub hashes: usize,
    /// Decisions made again on the recorded predictions and found equal.
    pub decisions: usize,
    /// Decisions that differ.
    pub differing: usize,
    /// Steps without a recorded prediction or of a strategy that is not known: nothing to decide on.
    pub undecided: usize,
    /// Steps whose forward pass, planned again, has the recorded name.
    pub requests: usize,
    /// Starts, steps and edits with something that no model, clock or strategy says, such as a
    /// probability of 2, though no decision may read it.
    pub impossible: usize,
    /// The first difference.
    pub first: Option<Divergence>,
    /// The recording says that it ends where it ends.
    pub closed: bool,
}

/// Reads a recording and verifies it.
///
/// # Errors
/// If it cannot be read: a line is damaged, edits do not fit the canvas, or a canvas does not have
/// its recorded hash.
pub fn verify(path: &Path) -> Result<(Recording, Verified), TraceError> {
    let mut reader = Reader::open(path)?;
    reader.check(Check::default());
    while !matches!(reader.advance()?, Advance::End) {}
    reader.cut()?;
    let (recording, mut found) = (reader.so_far()?, reader.checked());
    let session = recording.session();
    requests(&session, &mut found);
    finish((&session, recording.recorded.end), reader.finish(), &mut found);
    found.closed = reader.closed();
    Ok((recording, found))
}

/// Plans the forward pass of every step again: a prediction that was made for another canvas or
/// under other parameters has another name.
fn requests(session: &Session, found: &mut Verified) {
    let timeline = session.timeline();
    for node in (0..timeline.len()).map(NodeId) {
        let Some(step) = timeline[node].step() else { continue };
        let Some(request) = session.request_of(node) else { continue };
        let key = request.key();
        if key == step.prediction {
            found.requests += 1;
        } else if found.first.is_none() {
            found.first = Some(Divergence {
                step: timeline[node].depth as usize,
                node: node.0,
                what: "forward pass",
                position: None,
                recorded: step.prediction.to_string(),
                derived: key.to_string(),
            });
        }
    }
}

/// Holds why a run is said to be over against its canvas.
fn finish((session, at): (&Session, NodeId), said: Option<&str>, found: &mut Verified) {
    let Some(said) = said else { return };
    let end = &session.timeline()[at];
    // A mask that a person pinned is left.
    let masks = (0..end.canvas.len()).filter(|&at| end.canvas.is_open(at)).count();
    // Where masks are left it may hang on a parameter that was turned and never stepped under.
    let over = session.finish(at).filter(|_| masks == 0);
    let derived = match decode::Finish::ALL.iter().any(|finish| finish.name() == said) {
        true if said == decode::Finish::Complete.name() && masks > 0 => {
            format!("another one, with {masks} masks left")
        }
        true => match over {
            Some(over) if over.name() != said => over.name().to_owned(),
            _ => return,
        },
        false => "one of the names that docs/trace.md has".to_owned(),
    };
    found.impossible += 1;
    let (step, node) = (end.depth as usize, at.0);
    let recorded: String = said.chars().take(40).collect();
    let first = Divergence { step, node, what: "finish", position: None, recorded, derived };
    found.first.get_or_insert(first);
}

/// Takes steps in as they are read.
#[derive(Debug, Default)]
pub(super) struct Check(Verified);

impl Check {
    pub fn verified(&self) -> Verified {
        self.0.clone()
    }

    /// A run's start, whose writer left the canvas to the strategy; `made` is what that makes of it.
    pub fn root(&mut self, record: &Root, made: &Result<(Canvas, State), DecodeError>) {
        let difference = match made {
            Ok((canvas, _)) if canvas.len() != record.length => {
                Some(("length", record.length.to_string(), canvas.len().to_string()))
            }
            Ok((_, state)) if *state != record.state => {
                Some(("state", json(&record.state), json(state)))
            }
            Ok(_) => None,
            Err(error) => Some(("parameters", "those of the run".to_owned(), error.to_string())),
        };
        if let Some((what, recorded, derived)) = difference {
            self.0.impossible += 1;
            self.differs((record.id, 0), (what, None, recorded, derived));
        }
    }

    /// A person's edits whose canvas was made, in a vocabulary of so many tokens; `state` is what
    /// the strategy makes of them, `None` if it is another program's.
    pub fn edit(
        &mut self,
        record: &Edited,
        depth: usize,
        (edits, vocabulary): (&[Edit], usize),
        state: Option<&Result<State, DecodeError>>,
    ) {
        self.0.edits += 1;
        self.canvas(record.hash.is_some());
        let state = match state {
            Some(Ok(state)) if *state != record.state => {
                Some(("state", None, json(&record.state), json(state)))
            }
            Some(Err(error)) => Some(("state", None, json(&record.state), error.to_string())),
            Some(Ok(_)) | None => None,
        };
        if let Some(difference) = possible::tokens(edits, vocabulary).or(state) {
            self.0.impossible += 1;
            self.differs((record.id, depth), difference);
        }
    }

    fn canvas(&mut self, hashed: bool) {
        self.0.canvases += 1;
        self.0.hashes += usize::from(hashed);
    }

    /// A step whose canvas was made, on a prediction of a model of so many tokens; `decided` is
    /// what this program decides there, `None` if there is nothing to decide on.
    pub fn step(
        &mut self,
        record: &Step,
        depth: usize,
        (prediction, vocabulary): (Option<&Prediction>, usize),
        decided: Option<&Result<decode::Decision, DecodeError>>,
    ) {
        self.0.steps += 1;
        self.canvas(record.hash.is_some());
        let impossible = possible::times(&record.timing)
            .or_else(|| possible::prediction(prediction?, vocabulary));
        if let Some(difference) = impossible {
            self.0.impossible += 1;
            self.differs((record.id, depth), difference);
        }
        let (Some(decided), Some(recorded)) = (decided, &record.decision) else {
            self.0.undecided += 1;
            return;
        };
        match difference(record, recorded, decided) {
            None => self.0.decisions += 1,
            Some(difference) => {
                self.0.differing += 1;
                self.differs((record.id, depth), difference);
            }
        }
    }

    fn differs(
        &mut self,
        (node, step): (usize, usize),
        (what, position, recorded, derived): Difference,
    ) {
        self.0.first.get_or_insert(Divergence { step, node, what, position, recorded, derived });
    }
}

/// What differs, where, what is recorded and what is expected.
type Difference = (&'static str, Option<usize>, String, String);

fn difference(
    record: &Step,
    recorded: &Decision,
    decided: &Result<decode::Decision, DecodeError>,
) -> Option<Difference> {
    let decided = match decided {
        Ok(decided) => decided,
        Err(error) => {
            return Some(("decision", None, recorded.mode.clone(), format!("none ({error})")));
        }
    };
    let ours = convert::decision(decided);
    // Positions first: they say most. Then whatever else there is.
    let reasons = first(&recorded.why, &ours.why).map(|(theirs, ours)| {
        let at = [theirs, ours].into_iter().flatten().map(Why::at).min();
        ("reason", at, in_words(theirs), in_words(ours))
    });
    let edits = || {
        let (theirs, ours) = first(&recorded.edits, &ours.edits)?;
        Some(("edit", None, shown(theirs), shown(ours)))
    };
    let plain =
        |what, theirs: String, ours: String| (theirs != ours).then_some((what, None, theirs, ours));
    reasons
        .or_else(edits)
        .or_else(|| plain("mode", recorded.mode.clone(), ours.mode.clone()))
        .or_else(|| eos(recorded.eos.as_ref(), ours.eos.as_ref()))
        .or_else(|| {
            let (theirs, ours) = first(&recorded.dropped, &ours.dropped)?;
            Some(("dropped position", None, shown(theirs), shown(ours)))
        })
        .or_else(|| plain("state", json(&record.state), json(&decided.next)))
}

fn eos(theirs: Option<&Eos>, ours: Option<&Eos>) -> Option<Difference> {
    let (Some(theirs), Some(ours)) = (theirs, ours) else {
        return (theirs != ours).then(|| ("eos confidence", None, shown(theirs), shown(ours)));
    };
    let numbers = [
        ("eos confidence", theirs.confidence, ours.confidence),
        ("eos threshold", theirs.threshold, ours.threshold),
        ("eos positions counted", theirs.counted as f32, ours.counted as f32),
        ("eos window", theirs.window as f32, ours.window as f32),
    ];
    let differs = numbers.into_iter().find(|(_, theirs, ours)| theirs.to_bits() != ours.to_bits());
    differs.map(|(what, theirs, ours)| (what, None, theirs.to_string(), ours.to_string()))
}

/// The first pair of entries that differ; one is missing where a list ends.
fn first<'a, T: PartialEq>(
    theirs: &'a [T],
    ours: &'a [T],
) -> Option<(Option<&'a T>, Option<&'a T>)> {
    (0..theirs.len().max(ours.len()))
        .map(|at| (theirs.get(at), ours.get(at)))
        .find(|(theirs, ours)| theirs != ours)
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn shown<T: Serialize>(value: Option<&T>) -> String {
    value.map_or_else(|| "nothing".to_owned(), json)
}

fn in_words(why: Option<&Why>) -> String {
    let Some(why) = why else { return "nothing".to_owned() };
    let at = why.at();
    match convert::verdicts(std::slice::from_ref(why), at.saturating_add(1).min(1 << 17)).pop() {
        Some(verdict) => format!("\"{verdict}\" {}", json(why)),
        None => json(why),
    }
}
