//! Running: goals, and what stops them. The debugger never waits: whoever drives it calls
//! [`Debugger::tick`] whenever something may have changed.

use super::{Debugger, Driven, Reply};
use crate::{
    decode::{DecodeError, Finish},
    inspect::{Condition, View, language::NamedValues},
    session::{NodeId, Pending, StepError},
};

/// The point that a run goes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// To a breakpoint or the end.
    Continue,
    /// So many steps further, or to the end.
    Steps(usize),
    /// Until a condition comes to hold.
    Until(Condition),
    /// Until another block or stage is in work than this.
    Block(u8, Option<usize>),
    /// Until another stage than this.
    Stage(u8),
    /// As far as known predictions go, deciding each step again.
    Resimulate,
}

/// The result of a tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Tick {
    /// There is no goal.
    Idle,
    /// A forward pass is needed before it goes on, or the next step of a recording that is still
    /// being written or read.
    Waiting,
    /// A step was made, or a known one gone over.
    Moved,
    /// The run has stopped.
    Stopped(Stop),
}

/// The reason why a run has stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// Its goal is reached.
    Reached,
    /// Breakpoints with these numbers hold here.
    Hit(Vec<u32>),
    /// The run is over.
    Done(Finish),
    /// The recording has no prediction for this canvas.
    Unrecorded,
    /// The step cannot be made.
    Refused(StepError),
    /// The run cannot go on.
    Failed(DecodeError),
    /// The loop of another process cannot make the step; the reason for the user.
    Loop(String),
}

impl Stop {
    /// True if this is no failure.
    pub fn is_fine(&self) -> bool {
        matches!(self, Self::Reached | Self::Hit(_) | Self::Done(_))
    }
}

impl Debugger {
    /// The goal of the run that is on.
    pub fn goal(&self) -> Option<&Goal> {
        self.goal.as_ref()
    }

    /// Starts a run. Breakpoints that hold where it starts do not stop it there.
    pub fn start(&mut self, goal: Goal) {
        if goal != Goal::Resimulate {
            self.simulated_from = None;
        }
        self.judged = Some(self.session.at());
        self.goal = Some(goal);
    }

    /// Starts a run as a command, which has nothing to say.
    pub(super) fn run_to(&mut self, goal: Goal) -> Reply {
        self.start(goal);
        Reply::none()
    }

    pub(super) fn run_block(&mut self) -> Reply {
        let phase = self.session.phase();
        self.run_to(Goal::Block(phase.stage, phase.block.map(|block| block.start)))
    }

    pub(super) fn run_stage(&mut self) -> Reply {
        self.run_to(Goal::Stage(self.session.phase().stage))
    }

    /// A run of single steps gets one more; false if none is on.
    pub fn one_more(&mut self) -> bool {
        match &mut self.goal {
            Some(Goal::Steps(left)) => {
                *left += 1;
                true
            }
            _ => false,
        }
    }

    /// Ends the run; false if none was on.
    pub fn halt(&mut self) -> bool {
        self.goal.take().is_some()
    }

    /// True if the next step cannot be made before its forward pass is done.
    pub fn waiting(&self) -> bool {
        matches!(self.session.pending(), Pending::Wanted { .. }) && !self.known_forward()
    }

    /// True where the next step has not been read, or not been written yet.
    pub fn awaits_step(&self) -> bool {
        let ends = match self.session.pending() {
            Pending::Wanted { .. } => !self.live && !self.params_changed(),
            // Only the other program knows whether its run is over.
            Pending::Done(_) => !self.session.strategy().decides(),
            // With changed parameters, a loop's step is known only once it is made.
            Pending::Failed(_) => self.driven.is_some(),
            Pending::Decided { .. } => false,
        };
        let last = self.session.node().next.is_none();
        self.followed.is_some() && ends && (last || self.asks_loop())
    }

    /// A message that the next step is not known yet.
    pub fn awaited(&self) -> &'static str {
        match self.driven.as_ref().map(Driven::waits) {
            _ if self.loop_is_done() => "the loop has made its last step",
            None => "the next step is not here yet",
            Some(true) => "the loop decides in its next step",
            Some(false) => "the loop is at work on its next step",
        }
    }

    /// True if parameters are changed: they are not those on record.
    pub fn params_changed(&self) -> bool {
        self.own_params() != self.session.params()
    }

    /// True if parameters are changed and what is pending is not what they would do as they were.
    pub fn what_if(&self) -> bool {
        // What a loop would do under other parameters is known only where it has made a step.
        if !self.params_changed() || self.driven.is_some() && self.session.node().next.is_none() {
            return false;
        }
        let session = &self.session;
        let Pending::Decided { key, decision, .. } = session.pending() else { return true };
        let next = session.node().next.and_then(|next| session.timeline()[next].step());
        match next {
            Some(step) => !step.is(*key, decision),
            None => session.decided_under(self.own_params()).is_none_or(|(other, as_it_was)| {
                other != *key
                    || as_it_was.edits != decision.edits
                    || as_it_was.next != decision.next
            }),
        }
    }

    /// True if the next step is on record and nothing was changed: then it is gone over, not
    /// made again. A sparse foreign trace may hold steps without their predictions.
    pub fn known_forward(&self) -> bool {
        self.session.node().next.is_some() && !self.params_changed()
    }

    /// True if an edit of the user comes next on the branch.
    pub fn edit_follows(&self) -> bool {
        let next = self.session.node().next;
        self.known_forward()
            && next.is_some_and(|next| self.session.timeline()[next].edits().is_some())
    }

    /// Makes the run's next step, if it can be made.
    pub fn tick(&mut self) -> Tick {
        let Some(goal) = self.goal.clone() else { return Tick::Idle };
        match self.arrived(&goal) {
            Arrived::Stop(stop) => return self.stopped(stop),
            Arrived::Waiting => return Tick::Waiting,
            Arrived::GoOn => {}
        }
        if self.loop_is_done() {
            let over = match self.session.pending() {
                Pending::Done(finish) => *finish,
                _ => Finish::Unrecorded,
            };
            return self.stopped(Stop::Done(over));
        }
        if self.asks_loop() {
            return match self.ask_loop() {
                Ok(()) => Tick::Waiting,
                Err(why) => self.stopped(Stop::Loop(why)),
            };
        }
        if self.awaits_step() {
            return Tick::Waiting;
        }
        // A re-simulation asks for nothing.
        let live = self.live && goal != Goal::Resimulate;
        if self.waiting() && live {
            return Tick::Waiting;
        }
        match self.advance() {
            Ok(()) => match &mut self.goal {
                Some(Goal::Steps(left)) => {
                    *left = left.saturating_sub(1);
                    // The last step may end at a breakpoint as any other.
                    match *left == 0 {
                        true => self.end_of_steps(),
                        false => Tick::Moved,
                    }
                }
                _ => Tick::Moved,
            },
            Err(StepError::Done(finish)) => self.stopped(Stop::Done(finish)),
            Err(StepError::Waiting) if live => Tick::Waiting,
            Err(StepError::Waiting) => self.stopped(Stop::Unrecorded),
            Err(StepError::Decode(error)) => self.stopped(Stop::Failed(error)),
            Err(error) => self.stopped(Stop::Refused(error)),
        }
    }

    fn end_of_steps(&mut self) -> Tick {
        match self.arrived(&Goal::Steps(0)) {
            Arrived::Stop(stop) => self.stopped(stop),
            Arrived::Waiting | Arrived::GoOn => Tick::Moved,
        }
    }

    fn stopped(&mut self, stop: Stop) -> Tick {
        self.goal = None;
        if let Stop::Hit(ids) = &stop {
            self.breakpoints.hit(ids);
        }
        Tick::Stopped(stop)
    }

    /// Makes one step, or goes over a known one.
    ///
    /// # Errors
    /// [`StepError`]; nothing has changed then.
    pub fn advance(&mut self) -> Result<(), StepError> {
        let again = self.goal == Some(Goal::Resimulate);
        let decided = matches!(self.session.pending(), Pending::Decided { .. });
        if !again && self.known_forward() && (!decided || self.edit_follows()) {
            self.session.forward();
            return Ok(());
        }
        self.session.step().map(drop)
    }

    /// Judges the node stood at, once and by all that is asked: breakpoints first, then the goal.
    /// What cannot be judged before the forward pass is waited for, or where a run stops would hang
    /// on when its passes are done.
    fn arrived(&mut self, goal: &Goal) -> Arrived {
        let at = self.session.at();
        let over = *goal == Goal::Steps(0);
        if self.judged == Some(at) {
            return if over { Arrived::Stop(Stop::Reached) } else { Arrived::GoOn };
        }
        let (hit, open) = self.hits(at);
        let (reached, unsure) = match goal {
            Goal::Until(condition) => {
                let holds = condition.holds(&self.view(at));
                (holds == Some(true), holds.is_none() && condition.needs_prediction())
            }
            Goal::Block(stage, block) => {
                let phase = self.session.phase();
                let start = phase.block.map(|block| block.start);
                (phase.stage != *stage || start != *block, false)
            }
            Goal::Stage(stage) => (self.session.phase().stage != *stage, false),
            Goal::Continue | Goal::Steps(_) | Goal::Resimulate => (over, false),
        };
        let live = self.live && *goal != Goal::Resimulate;
        let awaits = open || unsure;
        if awaits && self.awaits_step() && self.asks_loop() {
            // The condition is judged once the loop has sent what it decided on.
            return Arrived::GoOn;
        }
        if awaits && (live && self.waiting() || self.awaits_step()) {
            return Arrived::Waiting;
        }
        self.judged = Some(at);
        match (hit.is_empty(), reached) {
            (false, _) => Arrived::Stop(Stop::Hit(hit)),
            (true, true) => Arrived::Stop(Stop::Reached),
            (true, false) => Arrived::GoOn,
        }
    }

    /// The breakpoints that hold at a node, and whether others cannot be judged before its
    /// forward pass is done.
    pub(super) fn hits(&self, at: NodeId) -> (Vec<u32>, bool) {
        let mut hit = Vec::new();
        let mut open = false;
        let view = self.view(at);
        let before = self.session.timeline()[at].parent.map(|parent| self.view(parent));
        let before = before.as_ref().map(|view| view as &dyn NamedValues);
        for point in self.breakpoints.enabled() {
            match point.condition.comes_to_hold(&view, before) {
                Some(true) => hit.push(point.id),
                Some(false) => {}
                None => open |= point.condition.needs_prediction(),
            }
        }
        (hit, open)
    }

    /// The facts at a node, for conditions.
    pub fn view(&self, at: NodeId) -> View<'_> {
        View::new(&self.session, &*self.vocabulary, at)
    }
}

/// The result of judging a node.
enum Arrived {
    GoOn,
    Waiting,
    Stop(Stop),
}
