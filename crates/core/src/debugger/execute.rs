//! Executing a command, and what those do that need no more than the session and its host.

use std::path::PathBuf;

use super::{
    Command, CommandFailed, Debugger, FollowUp, Goal, List, PositionRef, Reply, edits::UndoEntry,
    parse, statements,
};
use crate::{
    canvas::Slot,
    decode::{ParamRole, Value},
    inspect::Condition,
    session::NodeId,
};

impl Debugger {
    /// Carries a command out. One that starts a run only sets its goal; [`Debugger::tick`] makes
    /// its steps.
    ///
    /// # Errors
    /// In words; nothing has changed then.
    pub fn execute(&mut self, command: &Command) -> Result<Reply, CommandFailed> {
        (command.spec().run)(self, &command.arguments)
    }

    pub(super) fn add_breakpoint(&mut self, condition: &Condition) -> Reply {
        let id = self.breakpoints.add(condition.clone());
        Reply::line(format!("breakpoint {id}: {condition}"))
    }

    pub(super) fn list_breakpoints(&self) -> Reply {
        Reply::lines(self.breaks_text()).then(FollowUp::Show(List::Breakpoints))
    }

    pub(super) fn enable(&mut self, id: Option<u32>, on: bool) -> Result<Reply, CommandFailed> {
        let word = if on { "enabled" } else { "disabled" };
        let found = self.breakpoints.enable(id, on);
        breakpoint_is(id, found, word)
    }

    pub(super) fn remove_breakpoint(&mut self, id: Option<u32>) -> Result<Reply, CommandFailed> {
        let found = self.breakpoints.remove(id);
        breakpoint_is(id, found, "removed")
    }

    pub(super) fn list_branches(&self) -> Reply {
        Reply::lines(self.branches_text()).then(FollowUp::Show(List::Branches))
    }

    pub(super) fn switch_to(&mut self, called: &str) -> Result<Reply, CommandFailed> {
        let (_, branch) = self.branch_called(called)?;
        self.switch(branch.tip);
        Ok(Reply::line(self.branch_text()))
    }

    pub(super) fn name_branch(&mut self, name: &str) -> Result<Reply, CommandFailed> {
        if name.parse::<usize>().is_ok() {
            return Err(CommandFailed::new("that is the number of a branch: give a word"));
        }
        let (number, branch) =
            self.current_branch().ok_or_else(|| CommandFailed::new("there is no branch"))?;
        self.session.name_branch(branch.tip, Some(name.to_owned()));
        Ok(Reply::line(format!("branch {} is `{name}`", number + 1)))
    }

    pub(super) fn mark(&mut self, name: &str) -> Reply {
        self.session.mark(self.session.at(), Some(name.to_owned()));
        Reply::line(format!("bookmark `{name}` at step {}", self.depth()))
    }

    pub(super) fn unmark(&mut self, name: &str) -> Result<Reply, CommandFailed> {
        let node = self.bookmarked(name)?;
        self.session.mark(node, None);
        Ok(Reply::line(format!("bookmark `{name}` is removed")))
    }

    pub(super) fn note(&mut self, at: PositionRef, text: &str) -> Result<Reply, CommandFailed> {
        if text.trim().is_empty() {
            return Err(CommandFailed::new("a note needs a text; `unnote POSITION` removes one"));
        }
        let (position, cell) = self.cell(at)?;
        self.session.note(self.session.at(), cell.slot, Some(text.to_owned()));
        Ok(Reply::line(format!("note on position {position} at step {}", self.depth())))
    }

    pub(super) fn unnote(&mut self, at: PositionRef) -> Result<Reply, CommandFailed> {
        let (position, cell) = self.cell(at)?;
        let here = self.session.at();
        if self.session.timeline().notes_at(here).all(|(slot, _)| slot != cell.slot) {
            return Err(CommandFailed::new(format!(
                "there is no note on position {position} at step {}. `notes` lists them",
                self.depth()
            )));
        }
        self.session.note(here, cell.slot, None);
        Ok(Reply::line(format!("the note on position {position} is removed")))
    }

    pub(super) fn list_notes(&self) -> Reply {
        let timeline = self.session.timeline();
        let line = |(node, slot, text): (NodeId, Slot, &str)| {
            let canvas = &timeline[node].canvas;
            let position = canvas.position(slot).map_or_else(String::new, |at| at.to_string());
            // A line of its own could pass for output of another command.
            let text = text.replace(['\n', '\r'], "↵");
            format!("step {}, position {position}: {text}", timeline[node].depth)
        };
        let notes: Vec<String> = timeline.notes().map(line).collect();
        match notes.is_empty() {
            true => Reply::line("there are no notes; note POSITION TEXT writes one"),
            false => Reply::lines(notes).then(FollowUp::Show(List::Notes)),
        }
    }

    pub(super) fn count_passes(&self) -> Reply {
        let passes = self.session.passes();
        Reply::line(match self.ahead.unused() {
            0 => format!("{passes} forward passes"),
            ahead => format!("{passes} forward passes, and {ahead} run ahead of steps"),
        })
    }

    pub(super) fn list_findings(&self) -> Reply {
        Reply::lines(self.lint_text()).then(FollowUp::Show(List::Findings))
    }

    pub(super) fn save(&mut self, file: Option<&PathBuf>) -> Result<Reply, CommandFailed> {
        let file = file.map(PathBuf::as_path);
        let path = self.host.save(&self.session, file).map_err(CommandFailed::new)?;
        Ok(Reply::line(format!("saved to {}", path.display())).then(FollowUp::Saved))
    }

    pub(super) fn save_preset(&mut self, name: &str) -> Result<Reply, CommandFailed> {
        let params = self.session.params().clone();
        let path = self.host.keep_preset(name, &params).map_err(CommandFailed::new)?;
        Ok(Reply::line(format!("preset `{name}` is kept in {}", path.display())))
    }

    pub(super) fn list_presets(&self) -> Reply {
        let presets = self.host.presets();
        match presets.is_empty() {
            true => Reply::line("there are no presets; save-preset NAME makes one"),
            false => Reply::lines(presets),
        }
    }

    pub(super) fn set(&mut self, (name, text): (&str, &str)) -> Result<Reply, CommandFailed> {
        let spec = self.session.params().spec(name).map_err(CommandFailed::new)?;
        let value = spec.parse(text).map_err(CommandFailed::new)?;
        let line = self.set_param(spec.name, value)?;
        Ok(Reply::line(line).then(FollowUp::ParamsChanged))
    }

    /// Gives a parameter a value; says what it was and what the change costs.
    fn set_param(&mut self, name: &str, value: Value) -> Result<String, CommandFailed> {
        let params = self.session.params().clone();
        let was = params.get(name).map_err(CommandFailed::new)?;
        if !self.session.strategy().decides() && self.driven.is_none() {
            return Err(CommandFailed::new(format!(
                "{name} is {was} on record: the program that read it does not run here"
            )));
        }
        let affects = self.session.set_param(name, value).map_err(CommandFailed::new)?;
        if was != value {
            let at = self.session.at();
            // A knob changed again and again is undone in one.
            let now = self.session.params().clone();
            match self.done.last_mut() {
                Some(UndoEntry::Param { node, name: other, now: last, .. })
                    if *node == at && other == name =>
                {
                    *last = now;
                    self.undone.clear();
                }
                _ => {
                    self.did(UndoEntry::Param { node: at, name: name.to_owned(), was: params, now })
                }
            }
        }
        Ok(format!("{name} = {value} (was {was}): {}", affects.words()))
    }

    pub(super) fn reset(&mut self, name: Option<&str>) -> Result<Reply, CommandFailed> {
        let start = self.start_params().clone();
        let mut lines = Vec::new();
        for (spec, value) in start.iter().filter(|(spec, _)| name.is_none_or(|n| n == spec.name)) {
            if self.session.params().get(spec.name) != Ok(value) {
                lines.push(self.set_param(spec.name, value)?);
            }
        }
        if let Some(name) = name {
            self.session.params().spec(name).map_err(CommandFailed::new)?;
        }
        if lines.is_empty() {
            lines.push("nothing was changed".to_owned());
        }
        Ok(Reply::lines(lines).then(FollowUp::ParamsChanged))
    }

    pub(super) fn restart(&mut self, prompt: Option<&[u32]>) -> Result<Reply, CommandFailed> {
        if !self.live {
            return Err(CommandFailed::new(
                "a new run needs a model; `goto start` goes to the start of this one",
            ));
        }
        let runs = self.session.timeline().roots().len();
        let from = (self.session.at(), self.session.params().clone());
        self.session.restart(prompt).map_err(CommandFailed::new)?;
        self.goal = None;
        self.places.push(from);
        let known = self.session.timeline().roots().len() == runs;
        let line = match known {
            true => "back at the start",
            false => "a new run; what was done before is kept",
        };
        Ok(Reply::line(line).then(FollowUp::Restarted))
    }

    pub(super) fn restart_with(&mut self, prompt: &str) -> Result<Reply, CommandFailed> {
        let ids = self.host.encode(prompt).map_err(CommandFailed::new)?;
        let reply = self.restart(Some(&ids))?.then(FollowUp::Prompted(prompt.to_owned()));
        Ok(Reply { warning: self.host.unlike(prompt), ..reply })
    }

    /// Goes to the start under the parameters as they are and runs on known predictions.
    pub(super) fn resimulate(&mut self) -> Result<Reply, CommandFailed> {
        let strategy = self.session.strategy();
        if !strategy.decides() {
            return Err(CommandFailed::new(format!(
                "`{}` is another program's strategy: nothing here can decide as it does",
                strategy.name()
            )));
        }
        let params = self.session.params().clone();
        let root = self.session.timeline().root_of(self.session.at());
        if let Some(spec) = params.with_role(ParamRole::FirstLength)
            && params.count_of(spec.role) != self.start_params().count_of(spec.role)
        {
            return Err(CommandFailed::new(format!(
                "{} was changed: that takes a new run, not a re-simulation",
                spec.name
            )));
        }
        self.simulated_from = Some(self.branch());
        self.remember();
        self.go(root);
        self.take_params(&params);
        Ok(self.run_to(Goal::Resimulate))
    }

    pub(super) fn load_preset(&mut self, name: &str) -> Result<Reply, CommandFailed> {
        let values = self.host.preset(name).map_err(CommandFailed::new)?;
        let mut wanted = self.session.params().clone();
        for (name, value) in values {
            wanted.set(&name, value).map_err(CommandFailed::new)?;
        }
        let mut lines = Vec::new();
        for (spec, value) in wanted.iter() {
            if self.session.params().get(spec.name) != Ok(value) {
                lines.push(self.set_param(spec.name, value)?);
            }
        }
        if lines.is_empty() {
            lines.push("the parameters are these already".to_owned());
        }
        Ok(Reply::lines(lines).then(FollowUp::ParamsChanged))
    }

    pub(super) fn expand_macro(&self, name: &str) -> Result<Reply, CommandFailed> {
        let macros = self.host.macros();
        let text = macros.iter().find(|(other, _)| other == name).map(|(_, text)| text);
        let text = text.ok_or_else(|| {
            CommandFailed::new(format!(
                "there is no macro `{name}`; [macros] in the configuration has them"
            ))
        })?;
        let commands: Result<Vec<Command>, _> = statements(text).into_iter().map(parse).collect();
        let commands =
            commands.map_err(|error| CommandFailed::new(format!("macro {name}: {error}")))?;
        if commands.iter().any(|command| command.spec().name == "macro") {
            return Err(CommandFailed::new(format!("macro {name}: a macro cannot call another")));
        }
        Ok(Reply::none().then(FollowUp::Commands(commands)))
    }
}

/// The answer to what was done to a breakpoint, or to all of them.
fn breakpoint_is(id: Option<u32>, found: bool, done: &str) -> Result<Reply, CommandFailed> {
    match (id, found) {
        (_, false) => Err(CommandFailed::new(match id {
            Some(id) => format!("there is no breakpoint {id}; `breaks` lists them"),
            None => "there are no breakpoints".to_owned(),
        })),
        (Some(id), true) => Ok(Reply::line(format!("breakpoint {id} is {done}"))),
        (None, true) => Ok(Reply::line(format!("all breakpoints are {done}"))),
    }
}
