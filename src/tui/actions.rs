//! What each action does. The effects it asks for are carried out by the loop.

use tui_input::Input;

use super::{
    app::{App, Mode, SPEEDS, interface::Effect, layout::Pane, mode::CommandLine},
    keymap::Action,
    overlays::picker,
    panes::{self, canvas, params},
};
use crate::{
    canvas::Wish,
    debugger::{Argument, Destination, TokenRef},
};

#[expect(clippy::too_many_lines, reason = "one arm an action")]
pub(in crate::tui) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    if app.display.focus.view().act(app, action, effects) {
        return;
    }
    match action {
        // Asked while a pass runs, the step is made when the pass is done: no key is lost.
        Action::Step if app.debugger.one_more() => {}
        Action::Step => {
            app.running.paced = false;
            app.run("step", [], effects);
        }
        Action::Back => {
            app.run("back", [], effects);
        }
        Action::Forward => {
            app.run("forward", [], effects);
        }
        Action::RunPause if app.debugger.halt() => app.running.paced = false,
        Action::RunPause => {
            app.running.paced = true;
            app.run("continue", [], effects);
        }
        Action::RunToEnd => start(app, "continue", effects),
        Action::RunBlock => start(app, "run-block", effects),
        Action::RunStage => start(app, "run-stage", effects),
        Action::ReverseContinue => {
            app.run("reverse-continue", [], effects);
            if app.debugger.breakpoints.enabled().next().is_none() {
                app.say("no breakpoint is set; b sets one");
            }
        }
        Action::Slower => {
            app.running.speed = app.running.speed.saturating_sub(1);
            app.say(format!("speed {}", app.speed_name()));
        }
        Action::Faster => {
            app.running.speed = (app.running.speed + 1).min(SPEEDS.len() - 1);
            app.say(format!("speed {}", app.speed_name()));
        }
        // A pass failed: an engine that is gone is started by the next one.
        Action::Restart if app.running.held => {
            app.running.held = false;
            app.say("asking again");
        }
        Action::Restart => {
            app.run("restart", [], effects);
        }
        Action::EditPrompt => {
            if app.debugger.host.encodes() {
                app.top.mode = Mode::Prompt(Input::new(app.prompt_text.clone()));
            } else {
                app.say("a recording keeps its prompt");
            }
        }
        Action::PreviousEvent | Action::NextEvent => event(app, action == Action::NextEvent),
        Action::BackBlock => {
            app.run("back-block", [], effects);
        }
        Action::BackStage => {
            app.run("back-stage", [], effects);
        }
        Action::FirstStep => {
            app.run("goto", [Argument::Destination(Destination::Start)], effects);
        }
        Action::LastStep => {
            app.run("goto", [Argument::Destination(Destination::End)], effects);
        }
        Action::Previous => {
            app.run("previous", [], effects);
        }
        Action::Command => app.top.mode = Mode::Command(CommandLine::new("")),
        Action::Break => app.top.mode = Mode::Command(CommandLine::new("break ")),
        Action::Watch => watch(app),
        Action::Mark => app.top.mode = Mode::Command(CommandLine::new("mark ")),
        Action::Search => app.top.mode = Mode::Search(Input::default()),
        Action::NextMatch | Action::PreviousMatch => app.next_match(action == Action::NextMatch),
        Action::Undo => {
            app.run("undo", [], effects);
        }
        Action::Redo => {
            app.run("redo", [], effects);
        }
        Action::Pick => picker::open(app),
        Action::Remask => app.edit("remask", None, effects),
        Action::Insert => app.edit("insert", None, effects),
        Action::Remove => app.edit("remove", None, effects),
        Action::Trim => app.edit("trim", None, effects),
        Action::Pin => {
            app.edit(if wish(app).pinned { "unpin" } else { "pin" }, None, effects);
        }
        Action::Expansion => {
            // By the rules, forced, forbidden, by the rules again.
            let next = match wish(app).expand {
                None => "expand",
                Some(true) => "forbid",
                Some(false) => "allow",
            };
            app.edit(next, None, effects);
        }
        Action::Veto => veto(app, effects),
        Action::Up | Action::Down => canvas::move_by_row(app, action == Action::Down),
        Action::Left
        | Action::Right
        | Action::NextWord
        | Action::PreviousWord
        | Action::NextBlock
        | Action::PreviousBlock
        | Action::First
        | Action::Last
        | Action::NextTouched
        | Action::PreviousTouched => app.travel(action),
        Action::Follow => {
            app.display.follow = !app.display.follow;
            app.follow_slot();
            app.say(if app.display.follow { "the cursor follows" } else { "the cursor stays" });
        }
        Action::NextParam | Action::PreviousParam => {
            let count = app.debugger.session.params().specs().len().max(1);
            let by = if action == Action::NextParam { 1 } else { count - 1 };
            app.display.param = (app.display.param + by) % count;
            app.show(Pane::PARAMETERS, false);
            params::explain(app);
        }
        Action::More => params::turn(app, 1),
        Action::Less => params::turn(app, -1),
        Action::ResetParam => params::reset(app),
        Action::Try => app.open_tries(effects),
        Action::Exact => {
            app.run("exact", [], effects);
        }
        Action::Enter => type_value(app),
        Action::NextPane | Action::PreviousPane => app.cycle(action == Action::NextPane),
        Action::Pane(number) => {
            if let Some((pane, _)) = panes::tabs().nth(usize::from(number).saturating_sub(1)) {
                if pane == Pane::WATERFALL && app.leave_waterfall() {
                    return;
                }
                let before = (app.display.tab, app.display.focus, app.display.waterfall);
                app.show(pane, true);
                app.display.before_waterfall = (pane == Pane::WATERFALL).then_some(before);
            }
        }
        Action::Zoom => app.display.zoom = !app.display.zoom,
        Action::Ghost => app.display.ghost = !app.display.ghost,
        Action::Waterfall => {
            app.display.waterfall = !app.display.waterfall;
            if !app.display.zoom {
                let swapped = match app.display.focus {
                    Pane::BLOCKS => Pane::WATERFALL,
                    Pane::WATERFALL => Pane::BLOCKS,
                    other => other,
                };
                app.focus_if_shown(swapped);
            }
        }
        Action::Align => {
            app.display.align = !app.display.align;
            app.say(if app.display.align {
                "the waterfall is aligned by identity: an insertion opens columns"
            } else {
                "the waterfall is aligned by position number"
            });
        }
        Action::Help => app.top.mode = Mode::Help(0),
        Action::Save => {
            save(app);
        }
        Action::Escape => {
            if stop(app, effects) {
                app.say("stopped");
            } else if app.display.zoom {
                app.display.zoom = false;
            } else {
                app.leave_waterfall();
            }
        }
        Action::Quit => app.leave(effects),
        Action::Interrupt => interrupt(app, effects),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
    }
}

/// Starts a run as fast as it goes.
fn start(app: &mut App, command: &str, effects: &mut Vec<Effect>) {
    app.running.paced = false;
    app.run(command, [], effects);
}

/// What is asked of the position under the cursor.
fn wish(app: &App) -> Wish {
    app.canvas().cells().get(app.display.position).map(|cell| cell.wish).unwrap_or_default()
}

/// Forbids the model's guess under the cursor.
fn veto(app: &mut App, effects: &mut Vec<Effect>) {
    match app.token_at(app.display.position) {
        Some(token) => app.edit("veto", Some(TokenRef::Id(token)), effects),
        None => app.say("no guess is known here"),
    }
}

/// Begins a breakpoint on the position under the cursor.
fn watch(app: &mut App) {
    let Some(cell) = app.canvas().cells().get(app.display.position) else { return };
    let text = format!("break token[#{}] changes", cell.slot.0);
    app.top.mode = Mode::Command(CommandLine::new(&text));
}

pub(in crate::tui) fn interrupt(app: &mut App, effects: &mut Vec<Effect>) {
    if std::mem::replace(&mut app.running.interrupted, true) {
        effects.push(Effect::Quit);
        return;
    }
    app.top.mode = Mode::Normal;
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

pub(in crate::tui) fn save(app: &mut App) -> bool {
    app.run("save", [], &mut Vec::new())
}

/// Goes to the next or previous event of the branch.
fn event(app: &mut App, forward: bool) {
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
fn type_value(app: &mut App) {
    if app.display.param < app.debugger.session.params().specs().len() {
        app.show(Pane::PARAMETERS, true);
        app.top.mode = Mode::Value(Input::default());
    }
}
