//! The events that a session sends to its recorder, as they happen.

use std::sync::Arc;

use super::{NodeId, Pending, Session, Step};
use crate::{
    canvas::{Canvas, Edit, Slot},
    decode::{Finish, Params, State},
    predict::{Cached, Key, KnownPrediction},
};

/// Something that happened and belongs on record.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run starts on a first canvas.
    Root {
        /// The number of the new node.
        id: NodeId,
        /// Its canvas, prompt included.
        canvas: Arc<Canvas>,
        /// The strategy's state at the start.
        state: State,
        /// The parameters it was started under.
        params: Arc<Params>,
    },
    /// A prediction is known.
    Prediction {
        /// The hash of its request.
        key: Key,
        /// Its columns, all of them.
        prediction: KnownPrediction,
        /// The canvas predicted on.
        canvas: Arc<Canvas>,
        /// The part of the canvas that the pass left out; `None` if the pass was exact.
        cached: Option<Cached>,
    },
    /// A step is made.
    Step {
        /// The number of the new node.
        id: NodeId,
        /// The node stepped from.
        parent: NodeId,
        /// The decision and its timing.
        step: Arc<Step>,
        /// The parameters it was decided under.
        params: Arc<Params>,
        /// The canvas after the step.
        canvas: Arc<Canvas>,
    },
    /// The user's edits are made.
    Edit {
        /// The number of the new node.
        id: NodeId,
        /// The node whose canvas was edited.
        parent: NodeId,
        /// The edits, in the order made.
        edits: Arc<[Edit]>,
        /// The strategy's state afterwards.
        state: State,
        /// The parameters in force.
        params: Arc<Params>,
        /// The canvas after the edits.
        canvas: Arc<Canvas>,
    },
    /// A branch gets a name, or loses it.
    Name {
        /// The node at the branch's end.
        tip: NodeId,
        /// The new name; `None` takes it away.
        name: Option<String>,
    },
    /// A branch is deleted, or comes back.
    Delete {
        /// The node at the branch's end.
        tip: NodeId,
        /// True if it is deleted.
        deleted: bool,
    },
    /// The user's edit is undone, or redone.
    Undo {
        /// The node it made.
        edit: NodeId,
        /// True if it is undone.
        undone: bool,
    },
    /// A bookmark is set, or taken away.
    Mark {
        /// The node that is marked.
        node: NodeId,
        /// The bookmark's name; `None` takes it away.
        name: Option<String>,
    },
    /// A note is written or removed.
    Note {
        /// The node whose canvas it is about.
        node: NodeId,
        /// The position that it is about.
        slot: Slot,
        /// The text of the note; `None` removes the note.
        text: Option<String>,
    },
    /// The session is closed.
    End {
        /// The node stood at.
        at: NodeId,
        /// The reason why the run is over there; `None` if it was left in the middle.
        finish: Option<Finish>,
    },
}

/// Takes events and keeps them. It must not block: writing happens on a thread of its own.
pub trait Recorder: Send {
    /// Takes an event, in the order in which they happened.
    fn record(&mut self, event: Event);

    /// The fault that has stopped the recording, in words; `None` while it is written.
    fn fault(&self) -> Option<String>;

    /// Waits until everything is written.
    ///
    /// # Errors
    /// The fault, in words.
    fn close(self: Box<Self>) -> Result<(), String>;
}

impl Session {
    /// Bad news from the recorder, if it has any.
    pub fn recorder_fault(&self) -> Option<String> {
        self.recorder.as_ref().and_then(|recorder| recorder.fault())
    }

    /// From now on what happens is told to `recorder`, which knows what happened before.
    pub fn record_to(&mut self, recorder: Box<dyn Recorder>) {
        self.recorder = Some(recorder);
    }

    /// Closes the recording.
    ///
    /// # Errors
    /// The recording's fault, in words.
    pub fn finish_recording(&mut self) -> Result<(), String> {
        let end = Event::End {
            at: self.at,
            finish: match self.pending {
                Pending::Done(finish) => Some(finish),
                _ => None,
            },
        };
        match self.recorder.take() {
            None => Ok(()),
            Some(mut recorder) => {
                recorder.record(end);
                recorder.close()
            }
        }
    }

    pub(super) fn record(&mut self, event: Event) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(event);
        }
    }

    pub(super) fn record_root(&mut self, id: NodeId) {
        let node = &self.timeline[id];
        let event = Event::Root {
            id,
            canvas: node.canvas.clone(),
            state: node.state.clone(),
            params: node.params.clone(),
        };
        self.record(event);
    }
}
