//! The answers to commands, in words: lists, values, reasons, differences.

use super::{CommandFailed, Debugger, FollowUp, PositionRef, Reply, Stop};
use crate::{
    canvas::{Canvas, Origin, TokenId},
    compare::{self, RunPath},
    decode::{Decision, ShownProbability},
    inspect::{self, Condition},
    session::{NodeId, Pending},
};

impl Debugger {
    /// The answer as it stands, without its tail.
    pub fn answer(&self) -> String {
        let canvas = self.session.canvas();
        self.vocabulary.text(&canvas.tokens()[..canvas.tail()])
    }

    /// The same with a sign for every mask.
    pub fn draft(&self) -> String {
        let canvas = self.session.canvas();
        let mask = canvas.special().mask;
        let tokens = canvas.tokens();
        let parts = tokens[..canvas.tail()].chunk_by(|a, b| (*a == mask) == (*b == mask));
        let text = |part: &[TokenId]| match part.first() {
            Some(&first) if first == mask => " ▒".repeat(part.len()),
            _ => self.vocabulary.text(part),
        };
        parts.map(text).collect()
    }

    /// The meaning of a stop, in words.
    pub fn stop_text(&self, stop: &Stop) -> String {
        let step = self.session.node().depth;
        match stop {
            Stop::Reached => format!("at step {step}"),
            Stop::Hit(ids) => self.hit_text(ids),
            Stop::Done(finish) => format!("the run is over: {}", finish.name()),
            Stop::Unrecorded => match &self.simulated_from {
                Some(_) => self.simulated_text(),
                None if self.what_if() => {
                    "the recording has no prediction for this: it needs the model".to_owned()
                }
                None => "the recording ends here; going on needs the model".to_owned(),
            },
            Stop::Refused(error) => error.to_string(),
            Stop::Failed(error) => error.to_string(),
            Stop::Loop(why) => why.clone(),
        }
    }

    /// The breakpoints that stopped the run here, with the values that they read.
    pub(super) fn hit_text(&self, ids: &[u32]) -> String {
        let view = self.view(self.session.at());
        let hit = self.breakpoints.iter().filter(|point| ids.contains(&point.id)).map(|point| {
            let values = point.condition.values(&view);
            let values: Vec<String> =
                values.into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
            format!("{}: {} ({})", point.id, point.condition, values.join(", "))
        });
        let hit: Vec<String> = hit.collect();
        format!("step {}: breakpoint {}", self.session.node().depth, hit.join(" · "))
    }

    pub(super) fn breaks_text(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .breakpoints
            .iter()
            .map(|point| {
                let off = if point.enabled { "" } else { " (disabled)" };
                let times = if point.hits == 1 { "hit" } else { "hits" };
                format!("{}: {}{off} · {} {times}", point.id, point.condition, point.hits)
            })
            .collect();
        if lines.is_empty() {
            lines.push("there are no breakpoints; `break CONDITION` makes one".to_owned());
        }
        lines
    }

    pub(super) fn branches_text(&self) -> Vec<String> {
        let here = self.current_branch().map(|(_, branch)| branch.tip);
        let timeline = self.session.timeline();
        let branches = timeline.branches().into_iter().enumerate();
        branches
            .map(|(number, branch)| {
                let mark = if Some(branch.tip) == here { "*" } else { " " };
                let name = branch.name.map_or(String::new(), |name| format!(" `{name}`"));
                let steps = timeline[branch.tip].depth;
                let leaves = match branch.shared {
                    0 => "a run of its own".to_owned(),
                    shared => format!("leaves at step {}", shared - 1),
                };
                let noun = if steps == 1 { "step" } else { "steps" };
                format!("{mark}{}{name}: {steps} {noun}, {leaves}", number + 1)
            })
            .collect()
    }

    /// The current step, and the branch where there are several.
    pub(super) fn place_text(&self) -> String {
        match self.session.timeline().branches().len() {
            0 | 1 => format!("at step {}", self.session.node().depth),
            _ => self.branch_text(),
        }
    }

    /// The current branch in words: its number, name and step.
    pub fn branch_text(&self) -> String {
        match self.current_branch() {
            None => "no branch".to_owned(),
            Some((number, branch)) => {
                let count = self.session.timeline().branches().len();
                let name = branch.name.map_or(String::new(), |name| format!(" `{name}`"));
                format!(
                    "branch {} of {count}{name}, step {}",
                    number + 1,
                    self.session.node().depth
                )
            }
        }
    }

    /// The step at which two branches part, and their differences.
    pub(super) fn compare(&self, called: (&str, &str)) -> Result<Reply, CommandFailed> {
        let (first, a) = self.branch_called(called.0)?;
        let (second, b) = self.branch_called(called.1)?;
        let timeline = self.session.timeline();
        let (left, right) = (timeline.path(a.tip), timeline.path(b.tip));
        let (first, second) = (first + 1, second + 1);
        let shared = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
        let equal =
            |step: usize| timeline[left[step]].canvas.ids() == timeline[right[step]].canvas.ids();
        let common = left.len().min(right.len());
        let parts = (shared..common).find(|&step| !equal(step));
        let run = |end: NodeId| RunPath { session: &self.session, end };
        let found = compare::trajectories(run(a.tip), run(b.tip), |_| {});
        let alone = left.len().abs_diff(right.len());
        let longer = if left.len() > right.len() { first } else { second };
        let same = found.same_start && found.differing <= alone;
        let mut lines = vec![match (same, alone) {
            (true, 0) => format!("branches {first} and {second} do the same in every step"),
            (true, _) => format!(
                "branches {first} and {second} do the same in the {} steps of both; {longer} goes \
                 on for {alone}",
                common - 1
            ),
            (false, _) => format!(
                "branches {first} and {second}: {} of {} steps differ",
                found.differing, found.steps
            ),
        }];
        if shared > 0 && shared < common.max(left.len()).max(right.len()) {
            lines.push(format!("they share the steps up to {}", shared - 1));
        }
        if let Some(divergence) = found.divergence.as_ref().filter(|_| !same) {
            lines.push(format!("they part at step {}", divergence.step));
        }
        if let Some((then, now)) = left.get(shared).zip(right.get(shared)) {
            let (then, now) = (&timeline[*then], &timeline[*now]);
            for (spec, value) in now.params.iter() {
                let other = then.params.get(spec.name).ok().filter(|other| *other != value);
                if let Some(other) = other {
                    lines.push(format!("{}: {other} in {first}, {value} in {second}", spec.name));
                }
            }
        }
        if let Some(step) = parts {
            let (x, y) = (&timeline[left[step]].canvas, &timeline[right[step]].canvas);
            lines.push(format!("first different canvas at step {step}: {}", self.differing(x, y)));
        }
        let last = common - 1;
        let (x, y) = (&timeline[left[last]].canvas, &timeline[right[last]].canvas);
        lines.push(if x.ids() == y.ids() {
            format!("at step {last}, the last of both, they are the same")
        } else {
            format!("at step {last}, the last of both: {}", self.differing(x, y))
        });
        let branches = [called.0.to_owned(), called.1.to_owned()];
        Ok(Reply::lines(lines).then(FollowUp::Compare(branches)))
    }

    /// The difference of two canvases, in short.
    fn differing(&self, a: &Canvas, b: &Canvas) -> String {
        let (x, y) = (a.tokens(), b.tokens());
        let at = x.iter().zip(&y).position(|(a, b)| a != b);
        let length = match x.len() == y.len() {
            true => String::new(),
            false => format!("length {} and {}; ", x.len(), y.len()),
        };
        match at {
            None => format!("{length}one goes on where the other ends"),
            Some(at) => {
                let differing = x.iter().zip(&y).filter(|(a, b)| a != b).count();
                let noun = if differing == 1 { "position differs" } else { "positions differ" };
                format!(
                    "{length}{differing} {noun}, the first at {at}: {} and {}",
                    self.named(x[at]),
                    self.named(y[at])
                )
            }
        }
    }

    /// A token as it is named in sentences.
    pub(super) fn named(&self, token: TokenId) -> String {
        if token == self.session.canvas().special().mask {
            return "mask".to_owned();
        }
        self.vocabulary.named(token)
    }

    /// The value of a name, or whether a condition holds.
    pub(super) fn print(&self, what: &str) -> Result<Reply, CommandFailed> {
        let view = self.view(self.session.at());
        let values = |condition: &Condition| {
            let values = condition.values(&view).into_iter();
            let values: Vec<String> =
                values.map(|(name, value)| format!("{name} = {value}")).collect();
            values.join(", ")
        };
        // A name alone is made a condition of; texts have no truth.
        let named = Condition::parse(&format!("{what} changes"));
        match (Condition::parse(what), named) {
            (_, Ok(named)) if !what.contains(char::is_whitespace) => {
                Ok(Reply::line(values(&named)))
            }
            (Ok(condition), _) => {
                let holds = match condition.holds(&view) {
                    Some(true) => "holds",
                    Some(false) => "does not hold",
                    None => "is not known",
                };
                Ok(Reply::line(format!("{condition} {holds}: {}", values(&condition))))
            }
            (Err(error), _) => Err(CommandFailed::new(error)),
        }
    }

    /// The reason why a position is filled or left, who wrote it, and how its guess changed.
    ///
    /// # Errors
    /// If there is no such position.
    pub fn why(&self, position: PositionRef) -> Result<Reply, CommandFailed> {
        let (position, cell) = self.cell(position)?;
        let special = self.session.canvas().special();
        let masked = cell.token == special.mask;
        let held = match cell.draft {
            Some(draft) => format!("open, holds {}", self.named(draft)),
            None if masked => "mask".to_owned(),
            None => self.named(cell.token),
        };
        let mut lines = vec![format!("position {position}, slot #{}: {held}", cell.slot.0)];
        lines.extend(self.asked(&cell));
        match cell.origin {
            Origin::Start => {}
            Origin::Given => lines.push("given: it stays as it is".to_owned()),
            Origin::Appended { step } => lines.push(format!("appended at step {step}")),
            Origin::Inserted { step, from } => {
                lines.push(format!("inserted at step {step} by the expansion of #{}", from.0));
            }
            Origin::ByHand { step } => lines.push(format!("inserted by hand at step {step}")),
        }
        if masked {
            let verdict = |decision: &Decision| {
                decision.verdicts.get(position).map(|verdict| verdict.to_string())
            };
            match self.session.pending() {
                Pending::Decided { decision, .. } => lines.extend(verdict(decision)),
                _ if self.awaits_step() => lines.push(self.awaited().to_owned()),
                Pending::Wanted { .. } => lines.push("its prediction is not known".to_owned()),
                Pending::Done(finish) => lines.push(format!("the run is over ({})", finish.name())),
                Pending::Failed(error) => lines.push(error.to_string()),
            }
        } else if let Some(step) = cell.filled {
            let path = self.session.timeline().path(self.session.at());
            lines.push(format!("step {step}: {}", self.written(&path, step as usize, cell.slot)));
        }
        let writings = inspect::writings(&self.session, self.session.at(), cell.slot);
        lines.extend(inspect::rewritten(&writings, &|token| self.named(token)));
        let thoughts = inspect::thoughts(&self.session, self.session.at(), cell.slot);
        let mut guesses: Vec<(usize, TokenId, Option<f32>)> = Vec::new();
        for thought in thoughts {
            let Some(token) = thought.token else { continue };
            if guesses.last().is_none_or(|(_, last, _)| *last != token) {
                guesses.push((thought.step, token, thought.p));
            }
        }
        let guesses: Vec<String> = guesses
            .into_iter()
            .map(|(step, token, p)| {
                let p = p.map_or(String::new(), |p| format!(" {}", ShownProbability(p)));
                format!("{}{p} before step {}", self.named(token), step + 1)
            })
            .collect();
        if !guesses.is_empty() {
            lines.push(format!("guesses: {}", guesses.join(" → ")));
        }
        Ok(Reply::lines(lines))
    }

    /// The overrides of a cell.
    pub fn asked(&self, cell: &crate::canvas::Cell) -> Vec<String> {
        let mut asked = Vec::new();
        if cell.overridden.pinned {
            asked.push("pinned by hand".to_owned());
        }
        match cell.overridden.expand {
            Some(true) => asked.push("to be expanded, asked for by hand".to_owned()),
            Some(false) => asked.push("never to be expanded, asked for by hand".to_owned()),
            None => {}
        }
        let vetoed = self.session.canvas().vetoes_at(cell.slot).map(|token| self.named(token));
        let vetoed: Vec<String> = vetoed.collect();
        if !vetoed.is_empty() {
            asked.push(format!("vetoed by hand: {}", vetoed.join(", ")));
        }
        asked
    }

    /// The reason why a slot was written at a step of a path, and its rivals then.
    fn written(&self, path: &[NodeId], step: usize, slot: crate::canvas::Slot) -> String {
        let timeline = self.session.timeline();
        let (Some(&node), Some(&before)) = (path.get(step), path.get(step.wrapping_sub(1))) else {
            return "unmasked".to_owned();
        };
        let Some(made) = timeline[node].step() else { return "unmasked by hand".to_owned() };
        let position = timeline[before].canvas.position(slot).unwrap_or(usize::MAX);
        let decision = self.session.decision(node);
        let verdict =
            decision.and_then(|made| made.verdicts.get(position).map(ToString::to_string));
        let mut text = verdict.unwrap_or_else(|| "unmasked".to_owned());
        if let Some(prediction) = self.session.prediction(made.prediction) {
            let rivals: Vec<String> = prediction
                .top_k(position)
                .iter()
                .skip(1)
                .take(3)
                .map(|(token, p)| format!("{} {}", self.named(*token), ShownProbability(*p)))
                .collect();
            if !rivals.is_empty() {
                text.push_str(&format!("; rivals then: {}", rivals.join(", ")));
            }
        }
        text
    }

    pub(super) fn lint_text(&self) -> Vec<String> {
        inspect::told(&inspect::lint(&self.session, &*self.vocabulary, self.session.at()))
    }

    /// The result of a re-simulation against the branch that it began from.
    pub fn simulated_text(&self) -> String {
        let Some(from) = &self.simulated_from else { return String::new() };
        let timeline = self.session.timeline();
        let path = timeline.path(self.session.at());
        let steps = path.len() - 1;
        let same = |(a, b): (&NodeId, &NodeId)| {
            a == b
                || (timeline[*a].canvas.ids() == timeline[*b].canvas.ids()
                    && timeline[*a].state == timeline[*b].state)
        };
        let first = path.iter().zip(from).position(|pair| !same(pair));
        let different = match first {
            None => "0 different".to_owned(),
            Some(first) => {
                let differing = path.iter().zip(from).filter(|pair| !same(*pair)).count();
                format!("{differing} different, the first at step {first}")
            }
        };
        let end = match self.session.pending() {
            Pending::Done(finish) => format!("the run is over: {}", finish.name()),
            Pending::Failed(error) => error.to_string(),
            // A recording left in the middle has no prediction for its last canvas.
            _ if first.is_none() && steps + 1 == from.len() => {
                "the recording ends here; going on needs the model".to_owned()
            }
            _ => "the recorded predictions no longer apply from here on: it needs the model"
                .to_owned(),
        };
        match from.len() - 1 {
            known if steps <= known => {
                format!("re-simulated {steps} of {known} steps: {different}; {end}")
            }
            known => {
                format!("re-simulated {steps} steps of a branch of {known}: {different}; {end}")
            }
        }
    }

    /// Ends a re-simulation, if one was on.
    pub fn end_simulation(&mut self) -> Option<String> {
        let text = self.simulated_from.is_some().then(|| self.simulated_text());
        self.simulated_from = None;
        text
    }
}
