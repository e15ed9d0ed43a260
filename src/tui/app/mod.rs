//! What the interface knows: the session, what is looked at, and what is going on. Drawing reads
//! it and changes nothing; everything that changes it is in `update`.

pub(in crate::tui) mod branches;
mod commands;
pub(in crate::tui) mod cursor;
mod display;
pub(in crate::tui) mod history;
pub(in crate::tui) mod interface;
pub(in crate::tui) mod keymap;
pub(in crate::tui) mod layout;
pub(in crate::tui) mod mode;
mod model;
pub(in crate::tui) mod pane;
mod questions;
pub(in crate::tui) mod reading;
mod running;
pub(in crate::tui) mod search;
pub(in crate::tui) mod sessions;
mod travel;
mod tries;
pub(in crate::tui) mod view;

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use super::{
    Start, StepSource,
    paint::theme::{Role, Theme},
};
use crate::{
    canvas::{Canvas, Slot, TokenId},
    debugger::{Debugger, Goal, STEPS_AHEAD},
    decode::{Affects, BlockLayout, Decision, Flip, Outcome, Params, Value, flips},
    inspect::{ExactComparison, Influence},
    predict::{Column, ModelFacts, Prediction},
    session::{Followed, NodeId, Pending, Session},
};
pub(in crate::tui) use display::{Display, TextColoring};
use history::{History, LogEntry, LogKind};
pub use keymap::{Action, Keymap};
use layout::{Areas, Choice};
pub(in crate::tui) use mode::{InputMode, OnTop};
use pane::{Pane, Region};
use reading::ReadingProgress;
pub use running::SPEEDS;
pub(in crate::tui) use running::{Busy, Running};

/// The state of the interface.
pub struct App {
    pub(in crate::tui) debugger: Debugger,
    pub(in crate::tui) facts: ModelFacts,
    pub(in crate::tui) source: StepSource,
    /// Where the session is kept.
    pub(in crate::tui) storage: Storage,
    /// The recording that is still being read.
    pub(in crate::tui) reading: Option<ReadingProgress>,
    pub(in crate::tui) prompt_text: String,
    pub(in crate::tui) theme: Theme,
    pub(in crate::tui) keymap: Keymap,

    /// What is shown, and where the cursor stands.
    pub(in crate::tui) display: Display,
    /// What is run, and what is waited for.
    pub(in crate::tui) running: Running,
    /// What lies on top.
    pub(in crate::tui) top: OnTop,
    /// What happened on the branch, step by step.
    pub(in crate::tui) history: History,
    flips: OnceCell<HashMap<&'static str, ShownFlips>>,
    apart: OnceCell<Option<ExactComparison>>,
    influence: OnceCell<Option<Influence>>,
}

/// Where the session is kept.
pub struct Storage {
    /// The file that it is recorded in.
    pub recording: Option<PathBuf>,
    /// Why nothing more goes into that.
    pub fault: Option<String>,
    /// What was in a file when the run was opened or saved.
    pub saved: Saved,
}

/// How much of a session is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    /// Steps and edits on all branches.
    steps: usize,
    /// Those that were deleted or undone.
    gone: BTreeSet<NodeId>,
    notes: Vec<(NodeId, Slot, String)>,
}

impl Saved {
    /// All of a session.
    pub fn all_of(session: &Session) -> Self {
        let timeline = session.timeline();
        let notes = timeline.notes().map(|(node, slot, text)| (node, slot, text.to_owned()));
        let gone = (0..timeline.len()).map(NodeId);
        let gone = gone.filter(|&id| timeline[id].deleted || timeline[id].undone);
        Self {
            steps: timeline.len() - timeline.roots().len(),
            gone: gone.collect(),
            notes: notes.collect(),
        }
    }
}

/// The nearest values of a parameter that change the pending step, with what they change.
pub struct ShownFlips {
    /// The nearest lower value, and what it changes.
    pub down: Option<(Value, String)>,
    /// The nearest higher value, and what it changes.
    pub up: Option<(Value, String)>,
}

impl App {
    /// The interface at its start, for a screen of this size with these panes in its regions.
    pub(in crate::tui) fn of(start: Start, size: (u16, u16), panes: [Pane; Region::COUNT]) -> Self {
        let Start {
            session,
            predictor,
            vocabulary,
            facts,
            source,
            recording,
            host,
            prompt_text,
            rest,
            driven,
            notices: _,
            look,
            keymap,
            ahead,
            speed,
            commands,
            view: _,
            link: _,
            breakpoints,
            find: _,
            keep: _,
        } = start;
        let tokens = facts.vocabulary;
        let followed = rest.is_some().then(|| Followed::all_of(&session));
        let reading = rest.map(ReadingProgress::of);
        let saved = match source {
            StepSource::Replay(_) => Saved::all_of(&session),
            _ => Saved::default(),
        };
        let mut app = Self {
            debugger: Debugger::new(session, vocabulary, host, predictor.is_some(), tokens),
            facts,
            source,
            storage: Storage { recording, fault: None, saved },
            reading,
            prompt_text,
            theme: Theme::new(look),
            keymap,
            display: Display::new(size, panes),
            running: Running::new(speed, commands),
            top: OnTop::default(),
            history: History { ascii: look.ascii, ..History::default() },
            flips: OnceCell::new(),
            apart: OnceCell::new(),
            influence: OnceCell::new(),
        };
        app.debugger.breakpoints = breakpoints;
        app.debugger.followed = followed;
        app.debugger.driven = driven;
        app.debugger.ahead.steps = if ahead { STEPS_AHEAD } else { 0 };
        app.refresh();
        app
    }

    pub(in crate::tui) fn canvas(&self) -> &Canvas {
        self.debugger.session.canvas()
    }

    /// Number of steps made up to here.
    pub(in crate::tui) fn step(&self) -> u32 {
        self.debugger.session.node().depth
    }

    /// The decision on screen, if there is one.
    pub(in crate::tui) fn decision(&self) -> Option<&Decision> {
        match self.debugger.session.pending() {
            Pending::Decided { decision, .. } => Some(decision),
            _ => None,
        }
    }

    /// The prediction on screen, if there is one.
    pub(in crate::tui) fn prediction(&self) -> Option<&Prediction> {
        match self.debugger.session.pending() {
            Pending::Decided { prediction, .. } => Some(prediction),
            _ => None,
        }
    }

    /// The parameters that changes are shown against.
    pub(in crate::tui) fn own_params(&self) -> &Params {
        self.debugger.own_params()
    }

    /// True if what is pending is decided under other parameters than those on record.
    pub(in crate::tui) fn what_if(&self) -> bool {
        self.debugger.what_if()
    }

    /// True if an edit of the user is on the way to here.
    pub(in crate::tui) fn edited(&self) -> bool {
        self.history.moments.iter().take(self.step() as usize + 1).any(|moment| moment.edited)
    }

    /// What the recorded next step did, if it is known.
    pub(in crate::tui) fn recorded_next(&self) -> Option<&Decision> {
        let next = self.debugger.session.node().next?;
        self.debugger.session.timeline()[next].step().map(|step| &*step.decision)
    }

    /// The file that the run is recorded in as it goes on.
    pub(in crate::tui) fn recorded_in(&self) -> Option<&Path> {
        self.storage.recording.as_deref().filter(|_| self.storage.fault.is_none())
    }

    /// True if everything in this session is in a file.
    pub(in crate::tui) fn all_saved(&self) -> bool {
        self.recorded_in().is_some() || self.storage.saved == Saved::all_of(&self.debugger.session)
    }

    /// How many steps and notes would be lost on quitting. Over a replay, whose steps can be made again, only notes
    /// count.
    pub(in crate::tui) fn unsaved(&self) -> (usize, usize) {
        if self.all_saved() {
            return (0, 0);
        }
        let (saved, all) = (&self.storage.saved, Saved::all_of(&self.debugger.session));
        let steps = match self.source {
            StepSource::Replay(_) => 0,
            _ => {
                let back = saved.gone.difference(&all.gone).count();
                all.steps.saturating_sub(saved.steps) + back
            }
        };
        let only_in = |one: &Saved, other: &Saved| {
            one.notes.iter().filter(|note| !other.notes.contains(note)).count()
        };
        // A note that was changed is in both, with different texts.
        (steps, only_in(&all, saved).max(only_in(saved, &all)))
    }

    /// How the generated region lies in blocks.
    pub(in crate::tui) fn blocks(&self) -> BlockLayout {
        let session = &self.debugger.session;
        session.blocks_at(session.node())
    }

    /// Where the panes lie now.
    pub(in crate::tui) fn areas(&self) -> Option<Areas> {
        self.areas_for(self.display.width, self.display.height)
    }

    /// Where the panes would lie on a screen of this size.
    pub(in crate::tui) fn areas_for(&self, width: u16, height: u16) -> Option<Areas> {
        let choice = Choice {
            tab: self.display.tab,
            panes: self.display.panes,
            rows: self.display.panes.map(|pane| pane.rows(self)),
            lowest_only: self.display.waterfall,
            zoom: self.display.zoom.then_some(self.display.focus),
        };
        layout::divide(width, height, &choice)
    }

    /// Lines of the log, oldest first.
    pub(in crate::tui) fn log(&self) -> Vec<&LogEntry> {
        let made = self.history.moments.iter().flat_map(|moment| &moment.entries);
        let said = self.history.notes.iter().chain(&self.history.annotations);
        let mut lines: Vec<&LogEntry> = made.chain(said).collect();
        lines.sort_by_key(|entry| entry.step);
        lines
    }

    /// The log's line with the cursor: the chosen one, or the last about the step stood at.
    pub(in crate::tui) fn log_cursor(&self, lines: &[&LogEntry]) -> usize {
        let here = self.step();
        let playhead = lines.partition_point(|entry| entry.step <= here).saturating_sub(1);
        self.display.log_line.unwrap_or(playhead).min(lines.len().saturating_sub(1))
    }

    /// Writes a fault into status line and log.
    pub(in crate::tui) fn complain(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.history.notes.push(LogEntry {
            step: self.step(),
            kind: LogKind::Fault,
            text: text.clone(),
        });
        self.top.message = Some((Role::Bad, text));
    }

    /// Says something to look at in the status line, and keeps it in the log.
    pub(in crate::tui) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.history.notes.push(LogEntry {
            step: self.step(),
            kind: LogKind::Change,
            text: text.clone(),
        });
        self.top.message = Some((Role::Warn, text));
    }

    /// Says something in the status line that may be needed later, and keeps it in the log.
    pub(in crate::tui) fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        let entry = LogEntry { step: self.step(), kind: LogKind::Plain, text: text.clone() };
        self.history.notes.push(entry);
        self.say(text);
    }

    /// Says something in the status line.
    pub(in crate::tui) fn say(&mut self, text: impl Into<String>) {
        self.top.message = Some((Role::Text, text.into()));
    }

    /// Brings everything derived from the session up to date.
    pub(in crate::tui) fn refresh(&mut self) {
        self.history.follow(&self.debugger.session, &*self.debugger.vocabulary);
        self.history.annotate(self.debugger.session.timeline());
        self.display.draft = self.last_draft().unwrap_or_default();
        self.follow_slot();
        self.look_for();
        self.flips.take();
        self.apart.take();
        self.influence.take();
        for (pane, _) in self.areas().unwrap_or_default().panes {
            pane.refresh(self);
        }
    }

    /// The pending step beside its exact pass, if that is looked at and known. Found when it is
    /// looked at.
    pub(in crate::tui) fn apart(&self) -> Option<&ExactComparison> {
        let held = self.debugger.exact.then_some(&self.apart)?;
        held.get_or_init(|| ExactComparison::of(&self.debugger.session)).as_ref()
    }

    /// Which tokens moved the guess that is asked about, as far as it is known. Found when it is looked
    /// at.
    pub(in crate::tui) fn influence(&self) -> Option<&Influence> {
        self.influence.get_or_init(|| self.debugger.influence()).as_ref()
    }

    /// How far a parameter must move to change the pending step: towards less and towards more,
    /// each the nearest value and what it changes. Found when it is looked at.
    pub(in crate::tui) fn flip(&self, name: &str) -> Option<&ShownFlips> {
        self.flips.get_or_init(|| self.find_flips()).get(name)
    }

    fn find_flips(&self) -> HashMap<&'static str, ShownFlips> {
        let session = &self.debugger.session;
        let Pending::Decided { prediction, decision, .. } = session.pending() else {
            return HashMap::new();
        };
        let node = session.node();
        let (strategy, params) = (session.strategy(), session.params());
        let Ok(now) = Outcome::of(strategy, &node.canvas, params, decision) else {
            return HashMap::new();
        };
        let flip = |flip: Option<Flip>| flip.map(|flip| (flip.at, now.difference(&flip.outcome)));
        let specs = params.specs().iter().filter(|spec| spec.affects == Affects::Decide);
        specs
            .filter_map(|spec| {
                let name = spec.name;
                let found =
                    flips(strategy, &node.canvas, &node.state, params, name, prediction).ok()??;
                Some((name, ShownFlips { down: flip(found.down), up: flip(found.up) }))
            })
            .collect()
    }

    /// What the last forward pass said about the positions still masked, while the next is on
    /// its way.
    fn last_draft(&self) -> Option<HashMap<Slot, (TokenId, f32)>> {
        if !self.debugger.live || !matches!(self.debugger.session.pending(), Pending::Wanted { .. })
        {
            return None;
        }
        let node = self.debugger.session.node();
        let made = node.step()?;
        let before = &self.debugger.session.timeline()[node.parent?].canvas;
        let prediction = self.debugger.session.prediction(made.prediction)?;
        let choice = prediction.ids(Column::Choice).ok()?;
        let p = prediction.numbers(Column::PChoice).ok()?;
        let choices = before.cells().iter().zip(choice.iter().zip(p));
        Some(choices.map(|(cell, (&token, &p))| (cell.slot, (token, p))).collect())
    }

    /// How a running run is named.
    pub(in crate::tui) fn speed_name(&self) -> String {
        match (self.debugger.goal(), self.running.rate()) {
            (Some(Goal::Steps(1)), _) => "1 step".to_owned(),
            (Some(Goal::Steps(steps)), _) => format!("{steps} steps"),
            (Some(Goal::Continue), _) if !self.running.paced => "to the end".to_owned(),
            (Some(Goal::Block(..)), _) => "to the block's end".to_owned(),
            (Some(Goal::Stage(_)), _) => "to the stage's end".to_owned(),
            (Some(Goal::Until(_)), _) => "until".to_owned(),
            (Some(Goal::Resimulate), _) => "re-simulating".to_owned(),
            (_, Some(speed)) => format!("{speed}/s"),
            (_, None) => "max".to_owned(),
        }
    }
}
