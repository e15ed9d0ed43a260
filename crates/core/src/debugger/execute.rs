//! Carrying commands out.

use super::{Ask, Command, Debugger, Failed, Goal, Reply, edits::Undo, parse, statements};
use crate::decode::{ParamRole, Value};

impl Debugger {
    /// Carries a command out. One that starts a run only sets its goal; [`Debugger::tick`] makes
    /// its steps.
    ///
    /// # Errors
    /// In words; nothing has changed then.
    pub fn execute(&mut self, command: &Command) -> Result<Reply, Failed> {
        match command {
            Command::Step(n) => self.run(Goal::Steps(*n)),
            Command::Continue => self.run(Goal::Continue),
            Command::Until(condition) => self.run(Goal::Until(condition.clone())),
            Command::RunBlock => {
                let phase = self.session.phase();
                self.run(Goal::Block(phase.stage, phase.block.map(|block| block.start)))
            }
            Command::RunStage => self.run(Goal::Stage(self.session.phase().stage)),
            Command::Resimulate => self.resimulate(),
            Command::Back(n) => self.back(*n).map(quiet),
            Command::Forward(n) => self.forward(*n).map(quiet),
            Command::ReverseContinue => {
                let hit = self.reverse()?;
                let text = match hit.is_empty() {
                    true => "no breakpoint before: the start of the run".to_owned(),
                    false => self.hit_text(&hit),
                };
                Ok(Reply::line(text))
            }
            Command::BackBlock => self.bound(false).map(quiet),
            Command::BackStage => self.bound(true).map(quiet),
            Command::Goto(place) => self.goto(place).map(quiet),
            Command::Find(way, condition) => self.find(*way, condition).map(quiet),
            Command::Previous => self.previous().map(quiet),
            Command::Set(name, text) => self.set(name, text),
            Command::Reset(name) => self.reset(name.as_deref()),
            Command::Restart => self.restart(None),
            Command::Stop => self.stop_loop().map(Reply::line).map_err(Failed::new),
            Command::Prompt(text) => {
                let ids = self.host.encode(text).map_err(Failed::new)?;
                let reply = self.restart(Some(&ids))?;
                Ok(Reply { warning: self.host.unlike(text), ..reply })
            }
            Command::Try(values) => self.begin_try(values),
            Command::Take(id) => self.take_try(*id),
            Command::Exact => Ok(self.hold_exact()),
            Command::Break(condition) => {
                let id = self.breakpoints.add(condition.clone());
                Ok(Reply::line(format!("breakpoint {id}: {condition}")))
            }
            Command::Breaks => Ok(Reply::lines(self.breaks_text())),
            Command::Enable(id, on) => {
                let word = if *on { "enabled" } else { "disabled" };
                let found = self.breakpoints.enable(*id, *on);
                self.found(*id, found, word)
            }
            Command::Unbreak(id) => {
                let found = self.breakpoints.remove(*id);
                self.found(*id, found, "taken away")
            }
            Command::Branches => Ok(Reply::lines(self.branches_text())),
            Command::Switch(called) => {
                let (_, branch) = self.branch_called(called)?;
                self.switch(branch.tip);
                Ok(Reply::line(self.branch_text()))
            }
            Command::NameBranch(name) => {
                if name.parse::<usize>().is_ok() {
                    return Err(Failed::new("that is the number of a branch: give a word"));
                }
                let (number, branch) =
                    self.current_branch().ok_or_else(|| Failed::new("there is no branch"))?;
                self.session.name_branch(branch.tip, Some(name.clone()));
                Ok(Reply::line(format!("branch {} is `{name}`", number + 1)))
            }
            Command::DeleteBranch(called) => self.delete_branch(called.as_deref()).map(Reply::line),
            Command::Compare(a, b) => self.compare(a, b).map(Reply::lines),
            Command::Mark(name) => {
                self.session.mark(self.session.at(), Some(name.clone()));
                Ok(Reply::line(format!("bookmark `{name}` at step {}", self.depth())))
            }
            Command::Unmark(name) => {
                let node = self.bookmarked(name)?;
                self.session.mark(node, None);
                Ok(Reply::line(format!("bookmark `{name}` is taken away")))
            }
            Command::Edit(spot, change) => self.change(*spot, change).map(quiet),
            Command::Undo => self.take_back().map(Reply::line),
            Command::Redo => self.make_again().map(Reply::line),
            Command::Text => Ok(Reply::line(self.draft())),
            Command::Passes => {
                let passes = self.session.passes();
                Ok(Reply::line(format!("{passes} forward passes")))
            }
            Command::Print(what) => self.print(what).map(Reply::line),
            Command::Why(spot) => self.why(*spot).map(Reply::lines),
            Command::Query(query, file) => self.query(query, file.as_deref()).map(Reply::lines),
            Command::Lint => Ok(Reply::lines(self.lint_text())),
            Command::Save(path) => {
                let path = self.host.save(&self.session, path.as_deref()).map_err(Failed::new)?;
                Ok(Reply::line(format!("saved to {}", path.display())))
            }
            Command::PresetSave(name) => {
                let params = self.session.params().clone();
                let path = self.host.keep_preset(name, &params).map_err(Failed::new)?;
                Ok(Reply::line(format!("preset `{name}` is kept in {}", path.display())))
            }
            Command::PresetLoad(name) => self.preset(name),
            Command::Presets => {
                let presets = self.host.presets();
                Ok(match presets.is_empty() {
                    true => Reply::line("there are no presets; save-preset NAME makes one"),
                    false => Reply::lines(presets),
                })
            }
            Command::Macro(name) => self.expand_macro(name),
            Command::Help => Ok(Reply::lines(super::command::command_lines())),
            Command::SaveQuit(path) => {
                let reply = self.execute(&Command::Save(path.clone()))?;
                Ok(Reply { ask: Some(Ask::Quit), ..reply })
            }
            Command::Quit | Command::QuitNow => Ok(Reply { ask: Some(Ask::Quit), ..Reply::none() }),
        }
    }

    fn run(&mut self, goal: Goal) -> Result<Reply, Failed> {
        self.start(goal);
        Ok(Reply::none())
    }

    fn found(&self, id: Option<u32>, found: bool, done: &str) -> Result<Reply, Failed> {
        match (id, found) {
            (_, false) => Err(Failed::new(match id {
                Some(id) => format!("there is no breakpoint {id}; `breaks` lists them"),
                None => "there are no breakpoints".to_owned(),
            })),
            (Some(id), true) => Ok(Reply::line(format!("breakpoint {id} is {done}"))),
            (None, true) => Ok(Reply::line(format!("all breakpoints are {done}"))),
        }
    }

    fn set(&mut self, name: &str, text: &str) -> Result<Reply, Failed> {
        let spec = self.session.params().spec(name).map_err(Failed::new)?;
        let value = spec.parse(text).map_err(Failed::new)?;
        self.turn(spec.name, value).map(Reply::line)
    }

    /// Gives a parameter a value; says what it was and what the change costs.
    pub(super) fn turn(&mut self, name: &str, value: Value) -> Result<String, Failed> {
        let params = self.session.params().clone();
        let was = params.get(name).map_err(Failed::new)?;
        if !self.session.strategy().decides() && self.driven.is_none() {
            return Err(Failed::new(format!(
                "{name} is {was} on record: the program that read it does not run here"
            )));
        }
        let affects = self.session.set_param(name, value).map_err(Failed::new)?;
        if was != value {
            let at = self.session.at();
            // A knob turned on and on is taken back in one.
            let turned = self.session.params().clone();
            match self.undo.last_mut() {
                Some(Undo::Param { node, name: other, now, .. })
                    if *node == at && other == name =>
                {
                    *now = turned;
                    self.redo.clear();
                }
                _ => self.did(Undo::Param {
                    node: at,
                    name: name.to_owned(),
                    was: params,
                    now: turned,
                }),
            }
        }
        Ok(format!("{name} = {value} (was {was}): {}", affects.words()))
    }

    fn reset(&mut self, name: Option<&str>) -> Result<Reply, Failed> {
        let start = self.start_params().clone();
        let mut lines = Vec::new();
        for (spec, value) in start.iter().filter(|(spec, _)| name.is_none_or(|n| n == spec.name)) {
            if self.session.params().get(spec.name) != Ok(value) {
                lines.push(self.turn(spec.name, value)?);
            }
        }
        if let Some(name) = name {
            self.session.params().spec(name).map_err(Failed::new)?;
        }
        if lines.is_empty() {
            lines.push("nothing was turned".to_owned());
        }
        Ok(Reply::lines(lines))
    }

    fn restart(&mut self, prompt: Option<&[u32]>) -> Result<Reply, Failed> {
        if !self.live {
            return Err(Failed::new(
                "a new run needs a model; `goto start` goes to the start of this one",
            ));
        }
        let runs = self.session.timeline().roots().len();
        let from = (self.session.at(), self.session.params().clone());
        self.session.restart(prompt).map_err(Failed::new)?;
        self.goal = None;
        self.places.push(from);
        let known = self.session.timeline().roots().len() == runs;
        Ok(Reply::line(match known {
            true => "back at the start",
            false => "a new run; what was done before is kept",
        }))
    }

    /// Goes to the start under the parameters as they are and runs on known predictions.
    fn resimulate(&mut self) -> Result<Reply, Failed> {
        let strategy = self.session.strategy();
        if !strategy.decides() {
            return Err(Failed::new(format!(
                "`{}` is another program's strategy: nothing here can decide as it does",
                strategy.name()
            )));
        }
        let params = self.session.params().clone();
        let root = self.session.timeline().root_of(self.session.at());
        if let Some(spec) = params.with_role(ParamRole::FirstLength)
            && params.count_of(spec.role) != self.start_params().count_of(spec.role)
        {
            return Err(Failed::new(format!(
                "{} was turned: that takes a new run, not a re-simulation",
                spec.name
            )));
        }
        self.simulated_from = Some(self.branch());
        self.remember();
        self.go(root);
        self.take_params(&params);
        self.run(Goal::Resimulate)
    }

    fn preset(&mut self, name: &str) -> Result<Reply, Failed> {
        let values = self.host.preset(name).map_err(Failed::new)?;
        let mut wanted = self.session.params().clone();
        for (name, value) in values {
            wanted.set(&name, value).map_err(Failed::new)?;
        }
        let mut lines = Vec::new();
        for (spec, value) in wanted.iter() {
            if self.session.params().get(spec.name) != Ok(value) {
                lines.push(self.turn(spec.name, value)?);
            }
        }
        if lines.is_empty() {
            lines.push("the parameters are these already".to_owned());
        }
        Ok(Reply::lines(lines))
    }

    fn expand_macro(&self, name: &str) -> Result<Reply, Failed> {
        let macros = self.host.macros();
        let text = macros.iter().find(|(other, _)| other == name).map(|(_, text)| text);
        let text = text.ok_or_else(|| {
            Failed::new(format!(
                "there is no macro `{name}`; [macros] in the configuration has them"
            ))
        })?;
        let commands: Result<Vec<Command>, _> = statements(text).into_iter().map(parse).collect();
        let commands = commands.map_err(|error| Failed::new(format!("macro {name}: {error}")))?;
        if commands.iter().any(|command| matches!(command, Command::Macro(_))) {
            return Err(Failed::new(format!("macro {name}: a macro cannot call another")));
        }
        Ok(Reply { ask: Some(Ask::Commands(commands)), ..Reply::none() })
    }
}

fn quiet((): ()) -> Reply {
    Reply::none()
}
