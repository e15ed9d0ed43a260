//! Verification: every decision of a recording is made again and compared with what it says, to the
//! last number. Canvases are made again whenever a recording is read.

mod passes;

use std::path::Path;

pub use passes::{NumberDifference, OtherToken, Passes};

use super::{
    ReadAdvance, Reader, Recording, TraceError,
    check::{RecordingDivergence, StepCheck, Verified},
};
use crate::{
    decode,
    session::{NodeId, Session},
};

/// Reads a recording and verifies it.
///
/// # Errors
/// If it cannot be read: a line is damaged, edits do not fit the canvas, or a canvas does not have
/// its recorded hash.
pub fn verify(path: &Path) -> Result<(Recording, Verified), TraceError> {
    let mut reader = Reader::open(path)?;
    reader.check(StepCheck::default());
    while !matches!(reader.advance()?, ReadAdvance::End) {}
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
            found.first = Some(RecordingDivergence {
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

/// Compares the reason why a run is said to be over with its canvas.
fn finish((session, at): (&Session, NodeId), recorded_finish: Option<&str>, found: &mut Verified) {
    let Some(recorded_finish) = recorded_finish else { return };
    let end = &session.timeline()[at];
    // A mask that the user pinned is left.
    let masks = (0..end.canvas.len()).filter(|&at| end.canvas.is_open(at)).count();
    // Where masks are left it may hang on a parameter that was turned and never stepped under.
    let over = session.finish(at).filter(|_| masks == 0);
    let derived = match decode::Finish::ALL.iter().any(|finish| finish.name() == recorded_finish) {
        true if recorded_finish == decode::Finish::Complete.name() && masks > 0 => {
            format!("another one, with {masks} masks left")
        }
        true => match over {
            Some(over) if over.name() != recorded_finish => over.name().to_owned(),
            _ => return,
        },
        false => "one of the names that docs/trace.md has".to_owned(),
    };
    found.impossible += 1;
    let (step, node) = (end.depth as usize, at.0);
    let recorded: String = recorded_finish.chars().take(40).collect();
    let first =
        RecordingDivergence { step, node, what: "finish", position: None, recorded, derived };
    found.first.get_or_insert(first);
}
