//! What the keys do that are no commands of the debugger. The effects they ask for are carried out by
//! the loop.

use tui_input::Input;

use super::super::{
    app::{
        App, InputMode, SPEEDS, interface::Effect, keymap::Action, mode::CommandLine, pane::Pane,
    },
    overlays::{copy, typing::note_here},
    panes::{focus, params},
};
use crate::{
    canvas::Override,
    debugger::{Command, PlainCommand, PositionRef, TokenRef},
};

/// Makes the pending step. Asked while a pass runs, it is made when the pass is done: no key is lost.
pub fn step(app: &mut App, effects: &mut Vec<Effect>) {
    if !app.debugger.one_more() {
        start(app, const { PlainCommand::named("step") }, effects);
    }
}

/// Runs at the chosen speed, or pauses.
pub fn run_or_pause(app: &mut App, effects: &mut Vec<Effect>) {
    app.running.paced = !app.debugger.halt();
    if app.running.paced {
        app.run(const { PlainCommand::named("continue") }, effects);
    }
}

/// Starts a run as fast as it goes.
pub fn start(app: &mut App, command: PlainCommand, effects: &mut Vec<Effect>) {
    app.running.paced = false;
    app.run(command, effects);
}

pub fn reverse_continue(app: &mut App, effects: &mut Vec<Effect>) {
    app.run(const { PlainCommand::named("reverse-continue") }, effects);
    if app.debugger.breakpoints.enabled().next().is_none() {
        app.say("no breakpoint is set; b sets one");
    }
}

pub fn change_speed(app: &mut App, faster: bool) {
    let speed = app.running.speed;
    app.running.speed =
        if faster { (speed + 1).min(SPEEDS.len() - 1) } else { speed.saturating_sub(1) };
    app.say(format!("speed {}", app.speed_name()));
}

/// Starts a new run. After a pass that failed it is asked for again: an engine that is gone is
/// started by the next one.
pub fn restart(app: &mut App, effects: &mut Vec<Effect>) {
    if std::mem::take(&mut app.running.held) {
        app.say("asking again");
    } else {
        app.run(const { PlainCommand::named("restart") }, effects);
    }
}

pub fn edit_prompt(app: &mut App) {
    if app.debugger.host.encodes() {
        app.top.mode = InputMode::Prompt(Input::new(app.prompt_text.clone()));
    } else {
        app.say("a recording keeps its prompt");
    }
}

pub fn edit_note(app: &mut App) {
    app.top.mode = InputMode::Note(Input::new(note_here(app).unwrap_or_default().to_owned()));
}

/// Opens the command line with the beginning of a command.
pub fn begin_command(app: &mut App, text: &str) {
    app.top.mode = InputMode::Command(CommandLine::new(text));
}

pub fn pin_or_let_go(app: &mut App, effects: &mut Vec<Effect>) {
    let next = if overridden(app).pinned { Command::unpin } else { Command::pin };
    app.edit(next, effects);
}

/// By the rules, forced, forbidden, by the rules again.
pub fn turn_expansion(app: &mut App, effects: &mut Vec<Effect>) {
    let next = match overridden(app).expand {
        None => Command::expand,
        Some(true) => Command::forbid,
        Some(false) => Command::allow,
    };
    app.edit(next, effects);
}

pub fn follow_or_stay(app: &mut App) {
    app.display.follow = !app.display.follow;
    app.follow_slot();
    app.say(if app.display.follow { "the cursor follows" } else { "the cursor stays" });
}

pub fn choose_param(app: &mut App, next: bool) {
    let count = app.debugger.session.params().specs().len().max(1);
    let by = if next { 1 } else { count - 1 };
    app.display.param = (app.display.param + by) % count;
    focus::show(app, Pane::PARAMETERS, false);
    params::explain(app);
}

/// Puts the waterfall in the place of the blocks, or the blocks in that of the waterfall.
pub fn swap_waterfall(app: &mut App) {
    app.display.waterfall = !app.display.waterfall;
    if !app.display.zoom {
        let swapped = match app.display.focus {
            pane if pane == Pane::BLOCKS => Pane::WATERFALL,
            pane if pane == Pane::WATERFALL => Pane::BLOCKS,
            other => other,
        };
        focus::focus_if_shown(app, swapped);
    }
}

pub fn align(app: &mut App) {
    app.display.align = !app.display.align;
    app.say(if app.display.align {
        "the waterfall is aligned by identity: an insertion opens columns"
    } else {
        "the waterfall is aligned by position number"
    });
}

/// Stops what runs, or gives back what a pane took; where there is nothing of that, leaves a run that was opened
/// from a list.
pub fn escape(app: &mut App, effects: &mut Vec<Effect>) {
    if stop(app, effects) {
        app.say("stopped");
    } else if app.debugger.stop_question() {
        app.refresh();
        app.say(match app.debugger.question().is_some() {
            true => "no further pass is run for the question; Esc again closes it",
            false => "the question is closed; its passes stay known",
        });
    } else if app.display.zoom {
        app.display.zoom = false;
    } else if !focus::leave_waterfall(app) && app.display.inner {
        app.leave(effects);
    }
}

/// What is asked of the position under the cursor.
fn overridden(app: &App) -> Override {
    app.canvas().cells().get(app.display.position).map(|cell| cell.overridden).unwrap_or_default()
}

/// Forbids the model's guess under the cursor.
pub fn veto(app: &mut App, effects: &mut Vec<Effect>) {
    match app.token_at(app.display.position) {
        Some(token) => app.edit(|at| Command::veto(at, TokenRef::Id(token)), effects),
        None => app.say("no guess is known here"),
    }
}

/// Asks which tokens moved the guess under the cursor; asked again there, closes the question.
pub fn ask_influence(app: &mut App, effects: &mut Vec<Effect>) {
    let Some(slot) = app.canvas().cells().get(app.display.position).map(|cell| cell.slot) else {
        return app.say("the canvas has no positions");
    };
    if app.influence().is_some_and(|influence| influence.slot == slot) {
        app.debugger.close_question();
        app.refresh();
        return app.say("the question is closed; its passes stay known");
    }
    app.run(Command::influence(PositionRef::Slot(slot)), effects);
}

/// Begins a breakpoint on the position under the cursor.
pub fn watch(app: &mut App) {
    let Some(cell) = app.canvas().cells().get(app.display.position) else { return };
    let text = format!("break token[#{}] changes", cell.slot.0);
    begin_command(app, &text);
}

pub fn interrupt(app: &mut App, effects: &mut Vec<Effect>) {
    if std::mem::replace(&mut app.running.interrupted, true) {
        effects.push(Effect::Quit);
        return;
    }
    app.top.mode = InputMode::Normal;
    stop(app, effects);
    app.debugger.drop_try();
    app.say(format!("stopped; {} again quits", app.keymap.first(Action::Interrupt)));
}

/// Pauses a run and cancels the pass in work; false if there was nothing to stop.
fn stop(app: &mut App, effects: &mut Vec<Effect>) -> bool {
    app.running.paced = false;
    let waiting = !app.running.queue.is_empty();
    app.running.queue.clear();
    let running = app.debugger.halt() || waiting;
    let busy = app.running.busy.is_some();
    if busy {
        app.running.held = true;
        effects.push(Effect::Cancel);
    }
    running || busy
}

pub fn save(app: &mut App) -> bool {
    app.run(const { PlainCommand::named("save") }, &mut Vec::new())
}

/// Writes a player of the run and opens it where one is.
pub fn play(app: &mut App, _: &mut Vec<Effect>) {
    let place = copy::here(app).to_string();
    match app.debugger.host.play(&app.debugger.session, &place) {
        Ok(text) => app.note(text),
        Err(why) => app.say(why),
    }
}

/// Goes to the next or previous event of the branch.
pub fn go_to_event(app: &mut App, forward: bool) {
    let here = app.step() as usize;
    let found = if forward {
        (here + 1..=app.history.steps()).find(|&step| app.history.is_event(step))
    } else {
        (1..here).rev().find(|&step| app.history.is_event(step))
    };
    match found {
        Some(step) => app.go_step(step),
        None => app.say(if forward { "no event further on" } else { "no event before" }),
    }
}

/// Begins to type a value of the chosen parameter.
pub fn type_value(app: &mut App) {
    if app.display.param < app.debugger.session.params().specs().len() {
        focus::show(app, Pane::PARAMETERS, true);
        app.top.mode = InputMode::Value(Input::default());
    }
}
