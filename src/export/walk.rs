//! A recording as trajectories: every branch from the start of its run to its end.

use std::sync::Arc;

use crate::{
    decode::{Decision, Finish, Phase},
    predict::Prediction,
    session::{Node, NodeId, Session, Step},
    trace::Recording,
};

/// A way through the tree, from the start of a run to an end.
pub(super) struct Trajectory {
    /// Its number, from 1, as the program lists branches.
    pub number: usize,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// True for the branch that was left last.
    pub current: bool,
    /// Its nodes, the start of the run first.
    pub path: Vec<NodeId>,
}

/// What follows a canvas on a trajectory.
pub(super) enum AfterCanvas<'a> {
    /// A step of the strategy.
    Step(&'a Step),
    /// Edits that the user made.
    Edit,
    /// Nothing: over for this reason, or, with `None`, left before it was over.
    End(Option<Finish>),
}

/// A canvas of a trajectory with what is known of it.
pub(super) struct WalkedCanvas<'a> {
    /// Steps and edits made before.
    pub step: usize,
    /// The number of the node.
    pub id: NodeId,
    /// The canvas, the state and the parameters there.
    pub node: &'a Node,
    /// Stage and block of the step that comes next.
    pub phase: Phase,
    /// The prediction on this canvas, if it is on record.
    pub prediction: Option<Arc<Prediction>>,
    /// What was made of it.
    pub next: AfterCanvas<'a>,
    /// The decision of the step that was made of it.
    pub decision: Option<Arc<Decision>>,
}

/// A recording being walked through.
pub(super) struct RecordingWalk<'a> {
    recording: &'a Recording,
    /// Only asked, never stepped.
    session: Session,
}

impl<'a> RecordingWalk<'a> {
    pub fn new(recording: &'a Recording) -> Self {
        Self { recording, session: recording.session() }
    }

    /// The branches, in the order they were begun; deleted ones are left out.
    pub fn trajectories(&self) -> Vec<Trajectory> {
        let timeline = &self.recording.recorded.timeline;
        let last = timeline.branch(self.recording.recorded.end).last().copied();
        let branches = timeline.branches().into_iter().enumerate();
        let found = branches.map(|(at, branch)| Trajectory {
            number: at + 1,
            name: branch.name,
            current: Some(branch.tip) == last,
            path: timeline.path(branch.tip),
        });
        found.collect()
    }

    /// The prediction that a step was decided on.
    pub fn prediction(&self, step: &Step) -> Option<Arc<Prediction>> {
        self.session.prediction(step.prediction)
    }

    /// The decision of the step that led to a node.
    pub fn decision(&self, id: NodeId) -> Option<Arc<Decision>> {
        self.session.decision(id)
    }

    /// The canvases along a trajectory.
    pub fn moments<'w>(
        &'w self,
        path: &'w [NodeId],
    ) -> impl Iterator<Item = WalkedCanvas<'a>> + 'w {
        let recorded = &self.recording.recorded;
        let timeline = &recorded.timeline;
        path.iter().enumerate().map(move |(step, &id)| {
            let node = &timeline[id];
            let decision = path.get(step + 1).and_then(|&next| self.decision(next));
            let next = path.get(step + 1).map(|&next| &timeline[next]);
            let next = match next {
                None => AfterCanvas::End(self.session.finish(id)),
                Some(node) => node.step().map_or(AfterCanvas::Edit, |step| AfterCanvas::Step(step)),
            };
            let prediction = match next {
                AfterCanvas::Step(step) => self.prediction(step),
                AfterCanvas::Edit | AfterCanvas::End(_) => self.session.predicted(id),
            };
            let phase = recorded.strategy.phase(&node.canvas, &node.state, &node.params);
            WalkedCanvas { step, id, node, phase, prediction, next, decision }
        })
    }
}
