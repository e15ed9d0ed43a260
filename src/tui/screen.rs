//! The debugger's screen, which the loop drives: the session's own, or two of its branches side by
//! side over it.

use std::{path::PathBuf, time::Duration};

use ratatui::buffer::Buffer;

use super::{
    Look, Palette, RunStart, Shade, Start, StepSource,
    app::{
        App, InputMode,
        interface::{AppEvent, Effect, InnerScreen, Interface},
        reading::Feed,
    },
    compare::ComparisonScreen,
    frame,
    paint::{colors::of_cube, theme::Theme},
    update,
};
use crate::{
    debugger::{Command, FollowUp, NoHost},
    export::{self, TerminalColors},
    predict::Key,
    session::NodeId,
};

/// Takes an event in and says what is to be done about it.
pub fn update(app: &mut App, event: AppEvent) -> Vec<Effect> {
    // The engine and the file speak to the debugger, whatever lies over it.
    if app.top.comparison.is_some() && matches!(event, AppEvent::Terminal(_) | AppEvent::Tick) {
        return update_comparison(app, event);
    }
    let effects = update::update(app, event);
    for follow_up in std::mem::take(&mut app.running.follow_ups) {
        match follow_up {
            FollowUp::Compare(branches) => compare_branches(app, branches),
            FollowUp::Picture(file) => save_picture(app, file),
            _ => {}
        }
    }
    effects
}

/// Draws the pane that has the keys into a file, as large as it is on the screen, and for paper.
fn save_picture(app: &mut App, file: Option<PathBuf>) {
    let pane = app.display.focus;
    let area = app.areas().and_then(|areas| areas.of(pane)).unwrap_or_default();
    let (shade, palette) = (Shade::Light, Palette::TrueColor);
    let look = Look { shade, palette, ..app.theme.look() };
    let theme = std::mem::replace(&mut app.theme, Theme::new(look));
    // Two rows more, for the legend.
    let picture = frame::pane_picture(app, pane, area.width, area.height + 2);
    app.theme = theme;
    let colors = TerminalColors { ground: shade.ground(), ink: shade.plain(), indexed: of_cube };
    let picture = export::svg(&picture, colors, Some(export::PRINT_POINTS));
    let file = file.unwrap_or_else(|| {
        let name = pane.title().split(' ').next().unwrap_or_default().to_lowercase();
        format!("demask-{name}-{}.svg", app.step()).into()
    });
    match app.debugger.host.write(&file, &picture) {
        Ok(()) => app.say(format!("the pane is drawn in {}", file.display())),
        Err(why) => app.say(why),
    }
}

/// Puts two branches side by side. A run on its way stops: what is compared is known.
fn compare_branches(app: &mut App, branches: [String; 2]) {
    app.debugger.halt();
    app.running.paced = false;
    let runs = branches.into_iter().filter_map(|called| run(app, &called)).collect();
    let comparison = ComparisonScreen::of_branches(runs, app.display.width, app.display.height);
    app.top.comparison = comparison.map(|mut comparison| {
        comparison.set_selecting(app.display.selecting);
        Box::new(comparison) as Box<dyn InnerScreen>
    });
}

/// Goes to a node of the branch that ends at `tip`.
fn go_on_branch(app: &mut App, tip: NodeId, node: NodeId) {
    let branches = app.debugger.session.timeline().branches();
    let at = branches.into_iter().position(|branch| branch.tip == tip);
    let known = app.debugger.current_branch().is_some_and(|(_, branch)| branch.tip == tip);
    // Gone on in the background, it ends elsewhere: the node is still there.
    if let Some(at) = at.filter(|_| !known) {
        app.run(Command::switch(at + 1), &mut Vec::new());
    }
    app.go(node);
}

/// A branch from its start, over what is known of it.
fn run(app: &App, called: &str) -> Option<RunStart> {
    let session = &app.debugger.session;
    let (at, branch) = session.timeline().branch_called(called)?;
    let name = branch.name.map_or_else(String::new, |name| format!(" `{name}`"));
    let label = format!("branch {}{name}", at + 1);
    let start = Start {
        look: app.theme.look(),
        keymap: app.keymap.clone(),
        speed: app.running.rate(),
        prompt_text: app.prompt_text.clone(),
        ..Start::new(
            session.over_branch(branch.tip),
            app.debugger.vocabulary.clone(),
            app.facts.clone(),
            StepSource::Replay(label.clone()),
            Box::new(NoHost),
        )
    };
    Some(RunStart::new(label, start))
}

/// What happens while branches are side by side. To quit leads back to the debugger underneath,
/// Ctrl-C twice does not.
fn update_comparison(app: &mut App, event: AppEvent) -> Vec<Effect> {
    let Some(comparison) = &mut app.top.comparison else { return Vec::new() };
    let mut effects = comparison.update(event);
    (app.display.width, app.display.height) = comparison.size();
    let quits = effects.iter().any(|effect| matches!(effect, Effect::Quit));
    if quits && !comparison.interrupted() {
        let chosen = comparison.chosen();
        app.top.comparison = None;
        app.refresh();
        if let Some((tip, node)) = chosen {
            go_on_branch(app, tip, node);
        }
        effects.retain(|effect| !matches!(effect, Effect::Quit));
        update::want(app, &mut effects);
    }
    effects
}

impl Interface for App {
    fn resize(&mut self, width: u16, height: u16) {
        (self.display.width, self.display.height) = (width, height);
        if let Some(comparison) = &mut self.top.comparison {
            comparison.resize(width, height);
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        update::want(self, &mut effects);
        effects
    }

    fn update(&mut self, event: AppEvent) -> Vec<Effect> {
        update(self, event)
    }

    fn takes_text(&self) -> bool {
        use InputMode::{Command, Copy, Help, Leaving, Normal, Note, Pick, Prompt, Search, Value};
        self.top.comparison.is_none()
            && match &self.top.mode {
                Command(_) | Note(_) | Pick(_) | Prompt(_) | Search(_) | Value(_) => true,
                Help(view) => view.typing,
                Normal | Copy | Leaving => false,
            }
    }

    fn draw(&self, buffer: &mut Buffer) {
        frame::draw(self, buffer);
    }

    fn due(&self) -> bool {
        App::due(self)
    }

    fn period(&self) -> Duration {
        match (&self.top.comparison, self.running.paced, self.running.rate()) {
            (Some(comparison), ..) => comparison.period(),
            (None, true, Some(speed)) => Duration::from_secs(1) / speed.max(1),
            _ => Duration::ZERO,
        }
    }

    fn spare(&self) -> bool {
        self.top.comparison.is_none() && self.try_due()
    }

    fn busy(&self) -> Option<Key> {
        self.running.busy.map(|busy| busy.key)
    }

    fn set_slow(&mut self, time: Option<Duration>) {
        self.running.slow = time;
    }

    fn set_selecting(&mut self, selecting: bool) {
        self.display.selecting = selecting;
        if let Some(comparison) = &mut self.top.comparison {
            comparison.set_selecting(selecting);
        }
    }

    fn rest(&mut self) -> Option<Feed> {
        self.reading.as_mut()?.take_feed()
    }
}
