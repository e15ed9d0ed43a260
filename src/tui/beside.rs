//! Two branches of the session side by side, over the debugger: what `compare` opens.

use super::{
    Source, Start,
    app::{
        App,
        interface::{Effect, Event, InnerScreen},
    },
    compare::Comparison,
    update,
};
use crate::{
    debugger::{Command, NoHost},
    session::NodeId,
};

impl App {
    /// Puts two branches side by side. A run on its way stops: what is compared is known.
    pub(super) fn put_beside(&mut self, branches: [String; 2]) {
        self.debugger.halt();
        self.running.paced = false;
        let lanes = branches.into_iter().filter_map(|called| self.lane(&called)).collect();
        let comparison = Comparison::of_branches(lanes, self.display.width, self.display.height);
        self.top.beside = comparison.map(|comparison| Box::new(comparison) as Box<dyn InnerScreen>);
    }

    /// Goes to a node of the branch that ends at `tip`.
    fn go_on_branch(&mut self, tip: NodeId, node: NodeId) {
        let branches = self.debugger.session.timeline().branches();
        let at = branches.into_iter().position(|branch| branch.tip == tip);
        let known = self.debugger.current_branch().is_some_and(|(_, branch)| branch.tip == tip);
        // Gone on in the background, it ends elsewhere: the node is still there.
        if let Some(at) = at.filter(|_| !known) {
            self.run(Command::switch(at + 1), &mut Vec::new());
        }
        self.go(node);
    }

    /// A branch from its start, over what is known of it.
    fn lane(&self, called: &str) -> Option<(String, Start)> {
        let session = &self.debugger.session;
        let (at, branch) = session.timeline().branch_called(called)?;
        let name = branch.name.map_or_else(String::new, |name| format!(" `{name}`"));
        let label = format!("branch {}{name}", at + 1);
        let start = Start {
            look: self.theme.look(),
            keymap: self.keymap.clone(),
            speed: self.running.rate(),
            prompt_text: self.prompt_text.clone(),
            ..Start::new(
                session.over_branch(branch.tip),
                self.debugger.vocabulary.clone(),
                self.facts.clone(),
                Source::Replay(label.clone()),
                Box::new(NoHost),
            )
        };
        Some((label, start))
    }

    /// What happens while branches are side by side. To quit leads back to the debugger underneath,
    /// Ctrl-C twice does not.
    pub(super) fn update_beside(&mut self, event: Event) -> Vec<Effect> {
        let Some(beside) = &mut self.top.beside else { return Vec::new() };
        let mut effects = beside.update(event);
        (self.display.width, self.display.height) = beside.size();
        let quits = effects.iter().any(|effect| matches!(effect, Effect::Quit));
        if quits && !beside.interrupted() {
            let chosen = beside.chosen();
            self.top.beside = None;
            self.refresh();
            if let Some((tip, node)) = chosen {
                self.go_on_branch(tip, node);
            }
            effects.retain(|effect| !matches!(effect, Effect::Quit));
            update::want(self, &mut effects);
        }
        effects
    }
}
