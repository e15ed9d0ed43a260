//! Compares each step of a recording, as it is read, with what this program decides there and
//! against what is possible at all.

mod possible;

use std::fmt;

use serde::Serialize;

use super::{
    convert,
    record::{Edited, Eos, RecordedDecision, RecordedStep, Root, Why},
};
use crate::{
    canvas::{Canvas, Edit},
    decode::{self, DecodeError, State},
    predict::Prediction,
};

/// Where a recording first says something else than this program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordingDivergence {
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

impl fmt::Display for RecordingDivergence {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "step {} (node {}): {}", self.step, self.node, self.what)?;
        if let Some(position) = self.position {
            write!(f, " at position {position}")?;
        }
        write!(f, ": recorded {}, expected {}", self.recorded, self.derived)
    }
}

/// What the verification of a recording found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verified {
    /// Steps on all branches.
    pub steps: usize,
    /// The user's edits on all branches.
    pub edits: usize,
    /// Canvases that were made again: all of steps and edits.
    pub canvases: usize,
    /// Canvases whose recorded hash was compared.
    pub hashes: usize,
    /// Decisions made again on the recorded predictions and found equal.
    pub decisions: usize,
    /// Decisions made again that came out otherwise.
    pub differing: usize,
    /// Steps without a recorded prediction or of a strategy that is not known: nothing to decide on.
    pub undecided: usize,
    /// Steps whose forward pass, planned again, has the recorded name.
    pub requests: usize,
    /// Starts, steps and edits with something that no model, clock or strategy says, such as a
    /// probability of 2, though no decision may read it.
    pub impossible: usize,
    /// The first place where the recording differs.
    pub first: Option<RecordingDivergence>,
    /// The recording says that it ends where it ends.
    pub closed: bool,
}

/// Takes steps in as they are read.
#[derive(Debug, Default)]
pub(super) struct StepCheck(Verified);

impl StepCheck {
    pub fn verified(&self) -> Verified {
        self.0.clone()
    }

    /// A run's start, whose writer left the canvas to the strategy; `made` is what that makes of it.
    pub fn root(&mut self, record: &Root, made: &Result<(Canvas, State), DecodeError>) {
        let length = record.canvas.as_ref().map_or(record.length, Vec::len);
        let difference = match made {
            Ok((canvas, _)) if canvas.len() != length => {
                Some(("length", length.to_string(), canvas.len().to_string()))
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

    /// The user's edits whose canvas was made, in a vocabulary of so many tokens; `state` is what
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
        record: &RecordedStep,
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
        (what, position, recorded, derived): CheckDifference,
    ) {
        self.0.first.get_or_insert(RecordingDivergence {
            step,
            node,
            what,
            position,
            recorded,
            derived,
        });
    }
}

/// What differs, where, what is recorded and what is expected.
type CheckDifference = (&'static str, Option<usize>, String, String);

fn difference(
    record: &RecordedStep,
    recorded: &RecordedDecision,
    decided: &Result<decode::Decision, DecodeError>,
) -> Option<CheckDifference> {
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

fn eos(theirs: Option<&Eos>, ours: Option<&Eos>) -> Option<CheckDifference> {
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

/// The first pair of entries that differ; one is missing where a list ends. A number that is not known
/// is unequal to itself, and the same on record.
fn first<'a, T: PartialEq + Serialize>(
    theirs: &'a [T],
    ours: &'a [T],
) -> Option<(Option<&'a T>, Option<&'a T>)> {
    (0..theirs.len().max(ours.len()))
        .map(|at| (theirs.get(at), ours.get(at)))
        .find(|(theirs, ours)| theirs != ours && shown(*theirs) != shown(*ours))
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
