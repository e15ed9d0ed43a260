//! Drives a sampling loop of another process: tells it to make a step, with the user's edits and
//! the values of its parameters. What the loop did comes back as events of a recording.

use super::{CommandFailed, Debugger, Reply};
use crate::{
    canvas::{Edit, NO_TOKEN, TokenId},
    decode::Params,
    session::{Event, LoopMessage, NodeId, NodeOrigin, Stand, StateCopies},
};

/// One step that a loop is told to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Go {
    /// The node that it starts from, by the loop's number.
    pub from: NodeId,
    /// The user's edits at that node; empty if there are none.
    pub edits: Vec<Edit>,
    /// The generated region after the edits; `None` without edits.
    pub canvas: Option<Vec<TokenId>>,
    /// The values of the loop's parameters.
    pub params: Params,
    /// Positions that the step may not change.
    pub pins: Vec<usize>,
    /// Tokens that the step may not write at a position.
    pub vetoes: Vec<(usize, TokenId)>,
}

/// The connection to a sampling loop. Neither call waits for the loop.
pub trait Loop: Send {
    /// Tells it to make a step.
    ///
    /// # Errors
    /// With a message for the user if the loop has ended.
    fn go(&mut self, go: &Go) -> Result<(), String>;

    /// Tells it to end.
    ///
    /// # Errors
    /// With a message for the user if the loop has ended.
    fn stop(&mut self) -> Result<(), String>;
}

/// A sampling loop that the debugger steps.
pub struct Driven {
    /// A name for the loop, as it is shown to the user.
    pub name: String,
    /// It can go back to an earlier node, and branch there.
    pub restores: bool,
    there: Box<dyn Loop>,
    /// Where it waited last, with the node by the loop's number.
    stands: Stand,
    /// It is waiting there.
    waits: bool,
    /// It was told to make a step that has not come yet.
    asked: bool,
}

impl Driven {
    /// A loop that waits at a node, given by the loop's number.
    pub fn new(name: String, restores: bool, there: Box<dyn Loop>, stands: Stand) -> Self {
        Self { name, restores, there, stands, waits: true, asked: false }
    }

    /// True if it was told to make a step that has not come yet.
    pub fn asked(&self) -> bool {
        self.asked
    }

    /// What it keeps of its past.
    pub fn kept(&self) -> Option<StateCopies> {
        self.stands.kept
    }

    /// True if it waits until it is told to go on.
    pub fn waits(&self) -> bool {
        self.waits
    }
}

impl Debugger {
    /// Adds the next events of a recording or a loop to the session. With `live`, a view at the
    /// last step moves to the new last step, unless a run is under way: the run visits each step
    /// itself.
    pub fn learn(&mut self, events: &[Event], live: bool) {
        let Some(followed) = &mut self.followed else { return };
        let at = self.session.at();
        let along = live && self.goal.is_none() && followed.last() == Some(at);
        for event in events {
            self.session.learn(followed, event);
            if let (Event::Step { .. }, Some(driven)) = (event, &mut self.driven) {
                driven.asked = false;
            }
        }
        match followed.last() {
            Some(last) if along => self.session.go(last),
            // The run continues on the step that it asked for, even if others were made from here.
            Some(last) if self.driven.is_some() && self.goal.is_some() => {
                self.session.lead_to(last)
            }
            _ => {}
        }
    }

    /// Handles a message of the loop; returns a line for the user, if there is one.
    pub fn hear(&mut self, word: LoopMessage) -> Option<String> {
        let (driven, followed) = (self.driven.as_mut()?, self.followed.as_ref()?);
        match word {
            LoopMessage::Waits(stands) => {
                (driven.stands, driven.waits) = (stands, true);
                None
            }
            LoopMessage::Proposes(proposal) => {
                self.session.propose(followed, proposal);
                None
            }
            LoopMessage::Says(line) => Some(format!("{}: {line}", driven.name)),
            LoopMessage::Refuses(why) => {
                (driven.waits, driven.asked) = (true, false);
                self.goal = None;
                Some(format!("{}: {why}", driven.name))
            }
        }
    }

    /// Ends following the recording or driving the loop: nothing more will come from it.
    pub fn end_following(&mut self) {
        (self.followed, self.driven) = (None, None);
    }

    /// True if the loop has to make the next step.
    pub fn asks_loop(&self) -> bool {
        self.driven.is_some() && !self.known_forward()
    }

    /// True if the loop waits at the current node and has no further step to make.
    pub fn loop_is_done(&self) -> bool {
        let (Some(driven), Some(followed)) = (&self.driven, &self.followed) else { return false };
        let there = followed.node(driven.stands.node) == Some(self.session.at());
        driven.waits && driven.stands.done && there
    }

    /// Tells the loop to make the next step from the current node, unless it is making one.
    pub(super) fn ask_loop(&mut self) -> Result<(), String> {
        let at = self.session.at();
        let timeline = self.session.timeline();
        let (Some(driven), Some(followed)) = (&mut self.driven, &mut self.followed) else {
            return Err("there is no loop".to_owned());
        };
        if !driven.waits {
            return Ok(());
        }
        // The loop does not know the edits made here yet: they are sent with the step.
        let (mut node, mut edits) = (at, Vec::new());
        let from = loop {
            if let Some(number) = followed.number(node) {
                break number;
            }
            let (NodeOrigin::Edit(made), Some(parent)) =
                (&timeline[node].made, timeline[node].parent)
            else {
                return Err("the loop does not know this node".to_owned());
            };
            edits.splice(0..0, made.iter().copied());
            node = parent;
        };
        if from != driven.stands.node && !driven.restores {
            let here = followed.node(driven.stands.node).map_or(0, |node| timeline[node].depth);
            return Err(format!(
                "the loop is at step {here} and cannot go back: it keeps no copy of its state. A \
                 loop that is run by demask.run can"
            ));
        }
        let canvas = &timeline[at].canvas;
        if let Some(bare) = canvas.inputs().iter().position(|&token| token == NO_TOKEN) {
            return Err(format!(
                "position {bare} holds no token, and this model has no mask token that it could be \
                 given there: fill it"
            ));
        }
        let cells = || canvas.cells().iter().enumerate();
        let go = Go {
            from,
            canvas: (!edits.is_empty()).then(|| canvas.inputs()),
            params: self.session.params().clone(),
            pins: cells().filter(|(_, cell)| cell.overridden.pinned).map(|(at, _)| at).collect(),
            vetoes: cells()
                .flat_map(|(at, cell)| canvas.vetoes_at(cell.slot).map(move |token| (at, token)))
                .collect(),
            edits,
        };
        if !go.edits.is_empty() {
            followed.expect_edit(at);
        }
        driven.there.go(&go)?;
        (driven.waits, driven.asked) = (false, true);
        Ok(())
    }

    /// Tells the loop to stop.
    ///
    /// # Errors
    /// With a message for the user if there is no loop or it has ended.
    pub(super) fn stop_loop(&mut self) -> Result<Reply, CommandFailed> {
        let none = || CommandFailed::new("there is no loop to stop: `attach` joins one");
        let driven = self.driven.as_mut().ok_or_else(none)?;
        driven.there.stop().map_err(CommandFailed::new)?;
        Ok(Reply::line(format!("told {} to stop", driven.name)))
    }
}
