//! What each action does. The effects it asks for are carried out by the loop.

use tui_input::Input;

use super::{
    super::{
        app::{
            App, Mode, SPEEDS,
            history::{Entry, Sort},
            layout::{Pane, Region},
        },
        command_line::CommandLine,
        keymap::Action,
        overlays::picker,
        panes::{self, canvas, params},
    },
    Effect,
};
use crate::{
    canvas::Wish,
    debugger::{Change, Command, Place, Spot, Token},
};

#[expect(clippy::too_many_lines, reason = "one arm an action")]
pub(in crate::tui) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    if app.focus.view().act(app, action, effects) {
        return;
    }
    match action {
        // Asked while a pass runs, the step is made when the pass is done: no key is lost.
        Action::Step if app.debugger.one_more() => {}
        Action::Step => {
            app.paced = false;
            app.obey(&Command::Step(1), effects);
        }
        Action::Back => {
            app.obey(&Command::Back(1), effects);
        }
        Action::Forward => {
            app.obey(&Command::Forward(1), effects);
        }
        Action::RunPause if app.debugger.halt() => app.paced = false,
        Action::RunPause => {
            app.paced = true;
            app.obey(&Command::Continue, effects);
        }
        Action::RunToEnd => start(app, &Command::Continue, effects),
        Action::RunBlock => start(app, &Command::RunBlock, effects),
        Action::RunStage => start(app, &Command::RunStage, effects),
        Action::ReverseContinue => {
            app.obey(&Command::ReverseContinue, effects);
            if app.debugger.breakpoints.enabled().next().is_none() {
                app.say("no breakpoint is set; b sets one");
            }
        }
        Action::Slower => {
            app.speed = app.speed.saturating_sub(1);
            app.say(format!("speed {}", app.speed_name()));
        }
        Action::Faster => {
            app.speed = (app.speed + 1).min(SPEEDS.len() - 1);
            app.say(format!("speed {}", app.speed_name()));
        }
        // A pass failed: an engine that is gone is started by the next one.
        Action::Restart if app.held => {
            app.held = false;
            app.say("asking again");
        }
        Action::Restart => {
            app.obey(&Command::Restart, effects);
        }
        Action::EditPrompt => {
            if app.debugger.host.encodes() {
                app.mode = Mode::Prompt(Input::new(app.prompt_text.clone()));
            } else {
                app.say("a recording keeps its prompt");
            }
        }
        Action::PreviousEvent | Action::NextEvent => event(app, action == Action::NextEvent),
        Action::BackBlock => {
            app.obey(&Command::BackBlock, effects);
        }
        Action::BackStage => {
            app.obey(&Command::BackStage, effects);
        }
        Action::FirstStep => {
            app.obey(&Command::Goto(Place::Start), effects);
        }
        Action::LastStep => {
            app.obey(&Command::Goto(Place::End), effects);
        }
        Action::Previous => {
            app.obey(&Command::Previous, effects);
        }
        Action::Command => app.mode = Mode::Command(CommandLine::new("")),
        Action::Break => app.mode = Mode::Command(CommandLine::new("break ")),
        Action::Watch => watch(app),
        Action::Mark => app.mode = Mode::Command(CommandLine::new("mark ")),
        Action::Search => app.mode = Mode::Search(Input::default()),
        Action::NextMatch | Action::PreviousMatch => app.next_match(action == Action::NextMatch),
        Action::Undo => {
            app.obey(&Command::Undo, effects);
        }
        Action::Redo => {
            app.obey(&Command::Redo, effects);
        }
        Action::Pick => picker::open(app),
        Action::Remask => change(app, Change::Remask, effects),
        Action::Insert => change(app, Change::Insert(1), effects),
        Action::Remove => change(app, Change::Remove, effects),
        Action::Trim => change(app, Change::Trim, effects),
        Action::Pin => {
            let pinned = wish(app).pinned;
            change(app, Change::Pin(!pinned), effects);
        }
        Action::Expansion => {
            // By the rules, forced, forbidden, by the rules again.
            let next = match wish(app).expand {
                None => Some(true),
                Some(true) => Some(false),
                Some(false) => None,
            };
            change(app, Change::Expand(next), effects);
        }
        Action::Veto => veto(app, effects),
        Action::Left
        | Action::Right
        | Action::Up
        | Action::Down
        | Action::NextWord
        | Action::PreviousWord
        | Action::NextBlock
        | Action::PreviousBlock
        | Action::First
        | Action::Last
        | Action::NextTouched
        | Action::PreviousTouched => app.travel(action),
        Action::Follow => {
            app.follow = !app.follow;
            app.follow_slot();
            app.say(if app.follow { "the cursor follows" } else { "the cursor stays" });
        }
        Action::NextParam | Action::PreviousParam => {
            let count = app.debugger.session.params().specs().len().max(1);
            let by = if action == Action::NextParam { 1 } else { count - 1 };
            app.param = (app.param + by) % count;
            show(app, Pane::PARAMETERS, false);
            params::explain(app);
        }
        Action::More => params::turn(app, 1),
        Action::Less => params::turn(app, -1),
        Action::ResetParam => params::reset(app),
        Action::Try => app.open_tries(effects),
        Action::Exact => {
            app.obey(&Command::Exact, effects);
        }
        Action::Enter => type_value(app),
        Action::NextPane | Action::PreviousPane => cycle(app, action == Action::NextPane),
        Action::Pane(number) => {
            if let Some((pane, _)) = panes::tabs().nth(usize::from(number).saturating_sub(1)) {
                if pane == Pane::WATERFALL && leave_waterfall(app) {
                    return;
                }
                let before = (app.tab, app.focus, app.waterfall);
                show(app, pane, true);
                app.before_waterfall = (pane == Pane::WATERFALL).then_some(before);
            }
        }
        Action::Zoom => app.zoom = !app.zoom,
        Action::Ghost => app.ghost = !app.ghost,
        Action::Waterfall => {
            app.waterfall = !app.waterfall;
            if !app.zoom {
                let swapped = match app.focus {
                    Pane::BLOCKS => Pane::WATERFALL,
                    Pane::WATERFALL => Pane::BLOCKS,
                    other => other,
                };
                focus_if_shown(app, swapped);
            }
        }
        Action::Align => {
            app.align = !app.align;
            app.say(if app.align {
                "the waterfall is aligned by identity: an insertion opens columns"
            } else {
                "the waterfall is aligned by position number"
            });
        }
        Action::Help => app.mode = Mode::Help(0),
        Action::Save => {
            save(app);
        }
        Action::Escape => {
            if stop(app, effects) {
                app.say("stopped");
            } else if app.zoom {
                app.zoom = false;
            } else {
                leave_waterfall(app);
            }
        }
        Action::Quit => app.leave(effects),
        Action::Interrupt => interrupt(app, effects),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
    }
}

/// Starts a run as fast as it goes.
fn start(app: &mut App, command: &Command, effects: &mut Vec<Effect>) {
    app.paced = false;
    app.obey(command, effects);
}

/// What is asked of the position under the cursor.
fn wish(app: &App) -> Wish {
    app.canvas().cells().get(app.position).map(|cell| cell.wish).unwrap_or_default()
}

/// Edits the position under the cursor.
pub(in crate::tui) fn change(app: &mut App, change: Change, effects: &mut Vec<Effect>) {
    let Some(cell) = app.canvas().cells().get(app.position) else { return };
    let spot = Spot::Slot(cell.slot);
    app.follow = false;
    if app.obey(&Command::Edit(spot, change), effects) {
        let last = app.history.moments.get(app.step() as usize);
        let edit = |entry: &&Entry| entry.sort == Sort::Edit;
        if let Some(entry) = last.and_then(|moment| moment.entries.iter().find(edit)) {
            let text = format!("{} · u takes it back", entry.text);
            app.say(text);
        }
    }
}

/// Forbids the model's guess under the cursor.
fn veto(app: &mut App, effects: &mut Vec<Effect>) {
    match canvas::token_at(app, app.position) {
        Some(token) => change(app, Change::Veto(Token::Id(token), true), effects),
        None => app.say("no guess is known here"),
    }
}

/// Begins a breakpoint on the position under the cursor.
fn watch(app: &mut App) {
    let Some(cell) = app.canvas().cells().get(app.position) else { return };
    let text = format!("break token[#{}] changes", cell.slot.0);
    app.mode = Mode::Command(CommandLine::new(&text));
}

pub(in crate::tui) fn interrupt(app: &mut App, effects: &mut Vec<Effect>) {
    if std::mem::replace(&mut app.interrupted, true) {
        effects.push(Effect::Quit);
        return;
    }
    app.mode = Mode::Normal;
    stop(app, effects);
    app.debugger.drop_try();
    app.say(format!("stopped; {} again quits", app.keymap.first(Action::Interrupt)));
}

/// Pauses a run and cancels the pass in work; false if there was nothing to stop.
fn stop(app: &mut App, effects: &mut Vec<Effect>) -> bool {
    app.paced = false;
    let waiting = !app.queue.is_empty();
    app.queue.clear();
    let running = app.debugger.halt() || waiting;
    let busy = app.busy.is_some();
    if busy {
        app.held = true;
        effects.push(Effect::Cancel);
    }
    running || busy
}

pub(in crate::tui) fn save(app: &mut App) -> bool {
    app.obey(&Command::Save(None), &mut Vec::new())
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
    if app.param < app.debugger.session.params().specs().len() {
        show(app, Pane::PARAMETERS, true);
        app.mode = Mode::Value(Input::default());
    }
}

/// Brings a pane on screen.
pub(in crate::tui) fn show(app: &mut App, pane: Pane, focus: bool) {
    let on_screen = |app: &App| app.areas().is_some_and(|areas| areas.of(pane).is_some());
    if app.zoom && focus {
        app.focus = pane;
        app.tab = pane;
        pane.view().refresh(app);
        return;
    }
    let region = pane.view().region();
    if region == Region::LowerRight {
        app.panes[region as usize] = pane;
    }
    if !on_screen(app) {
        // In the compact layout it takes the tabbed place; else its own, or the waterfall the grid's.
        app.tab = pane;
        if !on_screen(app) {
            app.panes[region as usize] = pane;
            app.waterfall |= region == Region::UnderRight;
        }
    }
    if focus {
        focus_if_shown(app, pane);
    }
    pane.view().refresh(app);
}

/// Puts back what the waterfall took the place of; false if it was not asked for by its number.
fn leave_waterfall(app: &mut App) -> bool {
    if app.focus != Pane::WATERFALL {
        return false;
    }
    let Some((tab, focus, waterfall)) = app.before_waterfall.take() else { return false };
    (app.tab, app.waterfall) = (tab, waterfall);
    if app.zoom {
        app.focus = focus;
    } else {
        focus_if_shown(app, focus);
    }
    true
}

pub(in crate::tui) fn focus_if_shown(app: &mut App, pane: Pane) {
    let shown = app.areas().is_some_and(|areas| areas.of(pane).is_some());
    app.focus = if shown { pane } else { Pane::CANVAS };
}

/// Gives the keys to the next pane on screen; zoomed, the next pane there is.
fn cycle(app: &mut App, forward: bool) {
    let zoomed = std::mem::take(&mut app.zoom);
    let panes: Vec<Pane> = app
        .areas()
        .map(|areas| areas.panes.iter().map(|(pane, _)| *pane).collect())
        .unwrap_or_default();
    app.zoom = zoomed;
    if panes.is_empty() {
        return;
    }
    let at = panes.iter().position(|&pane| pane == app.focus).unwrap_or(0);
    let by = if forward { 1 } else { panes.len() - 1 };
    app.focus = panes[(at + by) % panes.len()];
}
