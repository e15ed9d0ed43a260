//! A session: one strategy, stepped by hand over a tree of steps.
//!
//! The session is pure bookkeeping. It *plans* the next request, is *supplied* with predictions
//! by whoever runs the model (the interface asks the [`Engine`] thread, a headless run calls the
//! model directly), holds the *pending* decision so that it can be looked at before it is made,
//! and *steps* by applying it. Going back, changing a parameter and stepping again starts a
//! branch; what is known is never computed twice.
//!
//! ```
//! use std::time::Duration;
//!
//! use demask_core::{
//!     canvas::SpecialTokens,
//!     decode::{Extras, Recipe},
//!     predict::{Column, Data, Prediction},
//!     session::{Pending, Session},
//! };
//!
//! let recipe = Recipe::parse("low_confidence:gen_length=2,block_length=2,steps=2")?;
//! let special = SpecialTokens { mask: 9, eos: 8 };
//! let params = recipe.params(&[])?;
//! let mut session = Session::new(recipe.strategy, &[1, 2], special, params, Extras::NONE, None)?;
//! let Pending::Wanted { key, .. } = *session.pending() else { unreachable!("no pass was made") };
//! let answer = Prediction::new(2)
//!     .with(Column::Argmax, Data::Ids(vec![5, 6]))
//!     .with(Column::Choice, Data::Ids(vec![5, 6]))
//!     .with(Column::PChoice, Data::Numbers(vec![0.4, 0.9]))
//!     .with(Column::PEos, Data::Numbers(vec![0.0, 0.0]));
//! session.supply(key, answer, Duration::ZERO);
//! let Pending::Decided { decision, .. } = session.pending() else { unreachable!("it was supplied") };
//! assert_eq!(decision.fills().collect::<Vec<_>>(), [(1, 6)], "not made yet");
//! session.step()?;
//! assert_eq!(session.canvas().tokens(), [9, 6]);
//! assert!(session.back(), "the step is kept, and can be gone over again");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ahead;
mod branches;
mod cache;
mod decided;
mod edit;
mod engine;
mod fit;
mod follow;
mod plan;
mod question;
mod record;
mod timeline;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

pub use ahead::PassAhead;
pub use branches::{Branch, OnlyBranch};
pub use edit::EditRefused;
pub use engine::{Engine, EngineReport};
pub use fit::{NoRoom, fit, fit_holes};
pub use follow::{Followed, LoopMessage, Proposal, RunNews, Stand, StateCopies};
pub use question::{AskedPrediction, QuestionPass};
pub use record::{Event, Recorder};
pub use timeline::{Node, NodeId, NodeOrigin, Step, Timeline, Timing};

use crate::{
    canvas::{Canvas, EditError, FixedText, Slot, SpecialTokens, TokenId},
    decode::{
        Affects, AnyStrategy, BlockLayout, Decision, DecodeError, Extras, Finish, ParamError,
        Params, Phase, State, Value, block_diffusion,
    },
    predict::{Cached, Key, KnownPredictions, Prediction, Request},
};

/// The next thing at the current node: a pass, a decision, or the end.
#[derive(Debug, Clone)]
pub enum Pending {
    /// A forward pass is needed.
    Wanted {
        /// The name of the prediction.
        key: Key,
        /// The request to run.
        request: Arc<Request>,
    },
    /// The prediction is known and this is what would be done with it.
    Decided {
        /// The name of the prediction.
        key: Key,
        /// The predictor's answer, of which the decision is made.
        prediction: Arc<Prediction>,
        /// The decision under the parameters as they are now.
        decision: Arc<Decision>,
    },
    /// The run is over here.
    Done(Finish),
    /// The strategy fails on this prediction, so the run cannot go on.
    Failed(DecodeError),
}

/// The exact pass beside an approximate one.
#[derive(Debug, Clone)]
pub struct ExactPass {
    /// The name of its prediction.
    pub key: Key,
    /// The request to run.
    pub request: Arc<Request>,
    /// The part of the canvas that the approximate pass leaves out.
    pub cached: Cached,
}

/// The reason why a step was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The prediction has not come yet.
    #[error("the forward pass for this step has not finished")]
    Waiting,
    /// The run is over.
    #[error("the run is over: {}", .0.name())]
    Done(Finish),
    /// The strategy cannot go on.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The decision does not fit the canvas.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The first canvas and state of a run on `text`, with the length that its holes say.
///
/// # Errors
/// If strategy, parameters or the model's attention do not go with the text.
pub fn start(
    strategy: &dyn AnyStrategy,
    text: &FixedText,
    special: SpecialTokens,
    params: &mut Params,
    extras: Extras,
) -> Result<(Canvas, State), DecodeError> {
    params.take_length(text)?;
    if text.has_text_behind() && extras.reading.block.is_some_and(|block| block > 0) {
        return Err(DecodeError::Unfit(
            "the model's attention is block-causal: what is generated never sees the text behind \
             it. Leave that text out, or take a model that attends both ways"
                .to_owned(),
        ));
    }
    block_diffusion::fits(params, extras.reading, text.prompt().len())?;
    strategy.start(text, special, params)
}

/// A run being stepped, with all its branches.
pub struct Session {
    strategy: &'static dyn AnyStrategy,
    extras: Extras,
    params: Params,
    timeline: Timeline,
    at: NodeId,
    store: KnownPredictions,
    forward: HashMap<Key, Duration>,
    /// Decisions that were made again last.
    decided: Mutex<VecDeque<(NodeId, Arc<Decision>)>>,
    /// The canvases of predictions that were wanted and have not come, and what these leave out.
    wanted: HashMap<Key, (Arc<Canvas>, Option<Cached>)>,
    pending: Pending,
    decide_time: Duration,
    passes: usize,
    /// The step that a loop in another process is about to make.
    proposed: Option<Proposal>,
    recorder: Option<Box<dyn Recorder>>,
}

impl Session {
    /// A session at the start of a run on `text`: a prompt, or more. Where holes say how long the
    /// first canvas is, the parameter that says it is set to that.
    ///
    /// # Errors
    /// If a parameter does not fit the strategy, or the strategy or the model's attention does not
    /// go with the text.
    pub fn new(
        strategy: &'static dyn AnyStrategy,
        text: impl Into<FixedText>,
        special: SpecialTokens,
        mut params: Params,
        extras: Extras,
        recorder: Option<Box<dyn Recorder>>,
    ) -> Result<Self, DecodeError> {
        let (canvas, state) = start(strategy, &text.into(), special, &mut params, extras)?;
        let mut timeline = Timeline::default();
        let at = timeline.add_root(Arc::new(canvas), state, Arc::new(params.clone()));
        let mut session = Self::over(strategy, extras, timeline, at, KnownPredictions::default());
        session.recorder = recorder;
        session.record_root(at);
        Ok(session)
    }

    /// A session over steps that are known already: a recording.
    pub fn over(
        strategy: &'static dyn AnyStrategy,
        extras: Extras,
        timeline: Timeline,
        at: NodeId,
        store: impl Into<KnownPredictions>,
    ) -> Self {
        let mut session = Self {
            strategy,
            extras,
            params: (*timeline[at].params).clone(),
            timeline,
            at,
            store: store.into(),
            forward: HashMap::new(),
            decided: Mutex::default(),
            wanted: HashMap::new(),
            pending: Pending::Done(Finish::Complete),
            decide_time: Duration::ZERO,
            passes: 0,
            proposed: None,
            recorder: None,
        };
        session.go(at);
        session
    }

    /// A session over all that this one knows, without its recorder: at the start of the run that
    /// ends at `end`, with the way forward leading there.
    pub fn over_branch(&self, end: NodeId) -> Self {
        let (timeline, store) = (self.timeline.clone(), self.store.clone());
        let mut session = Self::over(self.strategy, self.extras, timeline, end, store);
        session.go(session.timeline.root_of(end));
        session
    }

    /// The strategy that plans and decides.
    pub fn strategy(&self) -> &'static dyn AnyStrategy {
        self.strategy
    }

    /// The parameters as they are now.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Every step made, on every branch.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The node stood at.
    pub fn at(&self) -> NodeId {
        self.at
    }

    /// The node stood at.
    pub fn node(&self) -> &Node {
        &self.timeline[self.at]
    }

    /// The canvas as it stands.
    pub fn canvas(&self) -> &Canvas {
        &self.node().canvas
    }

    /// The next thing at the current node.
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Stage and block, for the user.
    pub fn phase(&self) -> Phase {
        self.strategy.phase(self.canvas(), &self.node().state, &self.params)
    }

    /// How the generated region lies in blocks, under the parameters that a node has.
    pub fn blocks_at(&self, node: &Node) -> BlockLayout {
        self.strategy.block_layout(node.canvas.prompt().len(), &node.params)
    }

    /// A prediction that is known, by its key.
    pub fn prediction(&self, key: Key) -> Option<Arc<Prediction>> {
        self.store.get(key)
    }

    /// The time that the forward pass of a prediction took; zero if that is not known.
    pub fn took(&self, key: Key) -> Duration {
        self.forward.get(&key).copied().unwrap_or_default()
    }

    /// True if a prediction was wanted somewhere in this session and has not come.
    pub fn awaits(&self, key: Key) -> bool {
        self.wanted.contains_key(&key)
    }

    /// The columns and candidates that a pass is asked for beyond those that the strategy needs.
    pub fn extras(&self) -> Extras {
        self.extras
    }

    /// Forward passes run in this session, on all branches. With guidance a pass evaluates two
    /// canvases but counts once.
    pub fn passes(&self) -> usize {
        self.passes
    }

    /// Hands in a prediction; it is kept under its key, as it is kept on record, and decided on if
    /// it is the one wanted.
    pub fn supply(&mut self, key: Key, prediction: Prediction, took: Duration) {
        self.passes += 1;
        let canvas = self.wanted.get(&key).map_or(&self.node().canvas, |(canvas, _)| canvas);
        let unknown = canvas.len().saturating_sub(prediction.rows());
        let prediction = prediction.behind(unknown).kept(canvas);
        self.share(key, Arc::new(prediction), took);
    }

    /// Hands in a prediction that another session had run: it counts as no pass here, but steps
    /// are timed as if it did.
    pub fn share(&mut self, key: Key, prediction: Arc<Prediction>, took: Duration) {
        self.forward.insert(key, took);
        if self.store.insert(key, prediction.clone()) {
            // A prediction may come after the user has gone to another node.
            let wanted = self.wanted.remove(&key);
            let (canvas, cached) = wanted.unwrap_or_else(|| (self.node().canvas.clone(), None));
            let prediction = prediction.into();
            self.record(Event::Prediction { key, prediction, canvas, cached });
        }
        if matches!(&self.pending, Pending::Wanted { key: wanted, .. } if *wanted == key) {
            self.replan();
        }
    }

    /// Makes the pending decision: moves to a new node, or to a known one if the same step has
    /// been made from here before, under whatever parameters.
    ///
    /// # Errors
    /// [`StepError`]; nothing has changed then.
    pub fn step(&mut self) -> Result<NodeId, StepError> {
        let (key, decision) = match &self.pending {
            Pending::Wanted { .. } => return Err(StepError::Waiting),
            Pending::Done(finish) => return Err(StepError::Done(*finish)),
            Pending::Failed(error) => return Err(error.clone().into()),
            Pending::Decided { key, decision, .. } => (*key, decision.clone()),
        };
        if let Some(known) = self.known_child(key, &decision) {
            self.go_over(known);
            return Ok(known);
        }
        let depth = self.node().depth + 1;
        let canvas = Arc::new(self.canvas().apply(&decision.edits, depth)?.canvas);
        let params = self.params_here();
        let step = Arc::new(Step {
            prediction: key,
            timing: Timing { forward: self.took(key), decide: self.decide_time },
            decision,
        });
        let parent = self.at;
        let state = step.decision.next.clone();
        let made = NodeOrigin::Step(step.clone());
        self.at = self.timeline.add(parent, canvas.clone(), state, params.clone(), made);
        self.record(Event::Step { id: self.at, parent, step, params, canvas });
        self.replan();
        Ok(self.at)
    }

    /// The parameters as they are now, shared with the node stood at where they are its own.
    fn params_here(&self) -> Arc<Params> {
        let own = &self.node().params;
        if **own == self.params { own.clone() } else { Arc::new(self.params.clone()) }
    }

    fn known_child(&self, key: Key, decision: &Decision) -> Option<NodeId> {
        // The one on the branch on screen first: a deleted twin may have come back.
        let children = self.node().next.into_iter().chain(self.timeline.live(self.at));
        let alike: Vec<NodeId> = children
            .filter(|&child| self.timeline[child].step().is_some_and(|s| s.is(key, decision)))
            .collect();
        // Parameters that change nothing about the step make no branch; what they were when it was
        // made stays on record.
        let own = alike.iter().find(|&&child| *self.timeline[child].params == self.params);
        own.or(alike.first()).copied()
    }

    /// Stands at a child that was made before. Where nothing is changed, the parameters follow what
    /// was done; values changed by hand stay changed: only time travel brings old ones back.
    fn go_over(&mut self, known: NodeId) {
        if *self.timeline[known].params == self.params {
            return self.go(known);
        }
        self.at = known;
        self.timeline.visit(known);
        self.replan();
    }

    /// Stands at `node`, with the parameters of what follows it (or led to it).
    pub fn go(&mut self, node: NodeId) {
        self.at = node;
        self.timeline.visit(node);
        let params =
            self.node().next.map_or(&self.node().params, |next| &self.timeline[next].params);
        self.params = (**params).clone();
        self.replan();
    }

    /// Gives the branch that ends at `tip` a name, or takes it away.
    pub fn name_branch(&mut self, tip: NodeId, name: Option<String>) {
        self.timeline.name(tip, name.clone());
        self.record(Event::Name { tip, name });
    }

    /// Deletes the branch that ends at `tip`; what it shares with others stays. Standing on it,
    /// goes to where it left the others, or to the last tip. Answers with what
    /// [`Session::restore_branch`] takes.
    ///
    /// # Errors
    /// If there is no other branch.
    pub fn delete_branch(&mut self, tip: NodeId) -> Result<Vec<NodeId>, OnlyBranch> {
        let gone = self.timeline.delete(tip)?;
        self.record(Event::Delete { tip, deleted: true });
        if gone.contains(&self.at) {
            self.go(self.timeline.nearest_live(self.at));
        }
        Ok(gone)
    }

    /// Brings a deleted branch back.
    pub fn restore_branch(&mut self, nodes: &[NodeId]) {
        self.timeline.restore(nodes);
        if let Some(&tip) = nodes.first() {
            self.record(Event::Delete { tip, deleted: false });
        }
    }

    /// Takes an edit back and stands where it was made, under the parameters it was made under. It
    /// leaves the tree, unless something was made of it: then it is another branch.
    pub fn take_back(&mut self, edit: NodeId) {
        let Some(parent) = self.timeline[edit].parent else { return };
        self.go(edit);
        self.go(parent);
        if self.timeline.take_back(edit) {
            self.record(Event::Undo { edit, undone: true });
        }
        self.replan();
    }

    /// Makes an edit again that was undone, and stands there; false if its branch is gone.
    pub fn make_again(&mut self, edit: NodeId) -> bool {
        if self.timeline.make_again(edit) {
            self.record(Event::Undo { edit, undone: false });
        }
        let there = !self.timeline[edit].deleted;
        if there {
            self.go(edit);
        }
        there
    }

    /// From the node stood at, *forward* leads over what was made under the parameters as they
    /// are.
    pub fn switch_to_params(&mut self) {
        self.timeline.switch_to(self.at, &self.params);
        self.replan();
    }

    /// Sets or takes away the bookmark at a node; a name stands at one node only.
    pub fn mark(&mut self, node: NodeId, name: Option<String>) {
        self.timeline.mark(node, name.clone());
        self.record(Event::Mark { node, name });
    }

    /// Writes the note at a node and a position, or removes it.
    pub fn note(&mut self, node: NodeId, slot: Slot, text: Option<String>) {
        self.timeline.note(node, slot, text.clone());
        self.record(Event::Note { node, slot, text });
    }

    /// One step back; false at the start of a run.
    pub fn back(&mut self) -> bool {
        let parent = self.node().parent;
        parent.inspect(|&parent| self.go(parent)).is_some()
    }

    /// One step forward over known ground, on the branch last visited; false at its tip.
    pub fn forward(&mut self) -> bool {
        let next = self.node().next;
        next.inspect(|&next| self.go(next)).is_some()
    }

    /// Sets a parameter and decides again; says what the change costs.
    ///
    /// # Errors
    /// If the value is out of range; nothing is changed then.
    pub fn set_param(&mut self, name: &str, value: Value) -> Result<Affects, ParamError> {
        self.params.set(name, value)?;
        self.replan();
        Ok(self.params.spec(name)?.affects)
    }

    /// The text that the run stood in started with.
    pub fn text(&self) -> FixedText {
        FixedText::of(&self.timeline[self.timeline.root_of(self.at)].canvas)
    }

    /// Starts a new run under the parameters as they are now, with another prompt or the same;
    /// holes and suffix stay. Earlier runs stay in the timeline. A start that is there already is gone back to.
    ///
    /// # Errors
    /// If a parameter does not fit the strategy.
    pub fn restart(&mut self, prompt: Option<&[TokenId]>) -> Result<(), DecodeError> {
        let text = match prompt {
            Some(prompt) => self.text().with_prompt(prompt),
            None => self.text(),
        };
        let special = self.canvas().special();
        let mut params = self.params.clone();
        let (canvas, state) = start(self.strategy, &text, special, &mut params, self.extras)?;
        self.params = params;
        let same =
            |&root: &NodeId| !self.timeline[root].deleted && *self.timeline[root].canvas == canvas;
        let known = self.timeline.roots().iter().copied().find(same);
        self.at = known.unwrap_or_else(|| {
            let params = Arc::new(self.params.clone());
            let root = self.timeline.add_root(Arc::new(canvas), state, params);
            self.record_root(root);
            root
        });
        self.timeline.visit(self.at);
        self.replan();
        Ok(())
    }

    /// The state at the current node.
    pub fn state(&self) -> &State {
        &self.node().state
    }
}
