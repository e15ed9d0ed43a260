//! How the interface changes: events in, effects out. No terminal, no thread, no clock.

mod actions;
pub(in crate::tui) mod keys;
pub(in crate::tui) mod mouse;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};

use super::{
    app::{
        Action, App, Busy, InputMode,
        interface::{AppEvent, Effect},
        mode::HelpView,
        pane::Pane,
    },
    input::chord::Chord,
    overlays::{
        command_line, copy, help, picker, prompts, search, tries,
        typing::{edit, note_typed, paste, prompt_typed, value_typed},
    },
    panes::focus,
};
use crate::{
    debugger::{FollowUp, List},
    predict::{PredictError, Progress},
    session::{EngineReport, Pending},
};
use actions::{interrupt, save};
use mouse::click;

/// Takes an event in and says what is to be done about it.
pub fn update(app: &mut App, event: AppEvent) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        AppEvent::Terminal(TerminalEvent::Key(key)) if key.kind != KeyEventKind::Release => {
            press(app, key, &mut effects);
        }
        AppEvent::Terminal(TerminalEvent::Mouse(mouse)) => click(app, mouse, &mut effects),
        AppEvent::Terminal(TerminalEvent::Paste(text)) => paste(app, &text),
        AppEvent::Terminal(TerminalEvent::Resize(width, height)) => {
            (app.display.width, app.display.height) = (width, height);
        }
        AppEvent::Terminal(_) => {}
        AppEvent::Report(_, report) => answer(app, report, &mut effects),
        AppEvent::News(news) => app.take_news(news),
        AppEvent::Tick => tick(app, &mut effects),
        AppEvent::Spare => app.try_on(),
        AppEvent::Arrived => {}
    }
    if app.storage.fault.is_none()
        && let Some(fault) = app.debugger.session.recorder_fault()
    {
        app.complain(format!("the recording has stopped: {fault}"));
        app.storage.fault = Some(fault);
    }
    show_lists(app);
    want(app, &mut effects);
    effects
}

/// Shows the lists that commands asked for.
fn show_lists(app: &mut App) {
    let shows = |follow_up: &mut FollowUp| matches!(follow_up, FollowUp::Show(_));
    let asked: Vec<FollowUp> = app.running.follow_ups.extract_if(.., shows).collect();
    for follow_up in asked {
        let FollowUp::Show(list) = follow_up else { continue };
        let heading = match list {
            List::Branches => "Branches".to_owned(),
            List::Breakpoints => "Breakpoints".to_owned(),
            List::Findings => "Diagnosis".to_owned(),
            List::Notes => "Notes".to_owned(),
            List::Rows(query) => {
                let heading = query.to_string();
                app.display.found.ask(*query);
                heading
            }
        };
        focus::show(app, Pane::SESSION, true);
        app.select_heading(&heading);
    }
}

/// Asks for the prediction that is wanted, once; passes that nobody waits for are cancelled.
pub fn want(app: &mut App, effects: &mut Vec<Effect>) {
    if !app.debugger.live {
        return;
    }
    if app.debugger.take_ahead() {
        app.refresh();
    }
    let wanted = match app.debugger.session.pending() {
        Pending::Wanted { key, request } if !app.running.held => Some((*key, request.clone())),
        _ => None,
    };
    match wanted {
        Some((key, request)) if !app.running.asked.contains(&key) => {
            if !app.running.asked.is_empty() {
                effects.push(Effect::Cancel);
            }
            effects.push(Effect::Submit(0, key, request));
            app.running.asked.insert(key);
            app.running.busy = Some(Busy { key, progress: Progress { done: 0, of: 1 } });
        }
        // It was begun in spare time.
        Some((key, _)) => {
            let begun = app.running.background.filter(|background| background.key == key);
            app.running.busy = begun.or(app.running.busy);
        }
        None => app.want_in_spare_time(effects),
    }
}

fn answer(app: &mut App, report: EngineReport, effects: &mut Vec<Effect>) {
    match report {
        EngineReport::Progress(key, progress) => {
            if app.running.busy.is_some_and(|busy| busy.key == key) {
                app.running.busy = Some(Busy { key, progress });
            }
            if app.running.background.is_some_and(|background| background.key == key) {
                app.running.background = Some(Busy { key, progress });
            }
        }
        EngineReport::Done { key, prediction, took } => {
            app.running.settle(key);
            let exact = app.debugger.exact_wanted().is_some_and(|exact| exact.key == key);
            let asked = app.debugger.question_wanted().is_some_and(|pass| pass.key == key);
            if app.debugger.session.awaits(key) {
                app.debugger.session.supply(key, prediction, took);
                app.refresh();
                if exact {
                    app.report_exact_pass();
                }
                if asked {
                    app.report_question();
                }
            } else if let Err(prediction) = app.debugger.ahead_supply(key, prediction, took) {
                app.debugger.try_supply(key, prediction, took);
            }
            app.try_on();
        }
        EngineReport::Failed(key, error) => {
            let wanted = app.running.busy.is_some_and(|busy| busy.key == key);
            app.running.settle(key);
            match error {
                // Cancelled because something else is wanted by now.
                PredictError::Cancelled if !wanted => {}
                PredictError::Cancelled => {
                    app.running.held = true;
                    app.debugger.halt();
                    app.say("cancelled; s or Space asks again");
                }
                error if app.debugger.exact_wanted().is_some_and(|exact| exact.key == key) => {
                    app.debugger.exact = false;
                    app.complain(format!("the exact pass failed: {error}"));
                }
                error if !wanted && app.debugger.question_failed(key) => {
                    app.complain_of_question(&error.to_string());
                }
                error if !wanted && !app.debugger.session.awaits(key) => {
                    app.debugger.ahead_failed(key);
                    app.debugger.try_failed(key, error.to_string());
                }
                error => {
                    app.running.held = true;
                    app.debugger.halt();
                    app.running.queue.clear();
                    app.complain(format!("{error}; R or s tries again"));
                }
            }
        }
        EngineReport::Died(message) => {
            app.running.died = Some(message);
            effects.push(Effect::Quit);
        }
    }
}

/// One step of a run, or the next command of a script.
fn tick(app: &mut App, effects: &mut Vec<Effect>) {
    if app.debugger.goal().is_some() {
        app.go_on();
    } else if let Some(command) = app.running.queue.pop_front()
        && !app.run(command.clone(), effects)
    {
        let left = app.running.queue.len();
        app.running.queue.clear();
        let why = app.top.message.take().map_or(String::new(), |(_, text)| format!(": {text}"));
        app.complain(format!("the script stopped at `{command}`{why} ({left} left)"));
    }
}

/// That a key does nothing, and what lists those that do.
fn unbound(app: &App, key: &KeyEvent) -> String {
    let (key, help) = (Chord::of(key).name(), app.keymap.first(Action::Help));
    let command = app.keymap.first(Action::Command);
    let commands = match command.is_empty() {
        true => String::new(),
        false => format!(", {command} every command"),
    };
    format!("{key} does nothing here; {help} lists the keys{commands}")
}

fn press(app: &mut App, key: KeyEvent, effects: &mut Vec<Effect>) {
    let row = app.keymap.pressed(&key);
    let action = match app.top.mode {
        InputMode::Value(_)
        | InputMode::Prompt(_)
        | InputMode::Note(_)
        | InputMode::Search(_)
        | InputMode::Command(_)
        | InputMode::Pick(_)
        | InputMode::Help(HelpView { typing: true, .. }) => app.keymap.typing(&key),
        InputMode::Normal | InputMode::Help(_) | InputMode::Copy | InputMode::Leaving => {
            row.and_then(|row| row.action)
        }
    };
    // These work everywhere, also in the middle of typing.
    match action {
        Some(Action::Interrupt) => return interrupt(app, effects),
        Some(Action::Suspend) => return effects.push(Effect::Suspend),
        Some(Action::Redraw) => return effects.push(Effect::Redraw),
        _ => {}
    }
    app.running.interrupted = false;
    app.top.message = None;
    match std::mem::replace(&mut app.top.mode, InputMode::Normal) {
        InputMode::Normal => match (row, action) {
            (_, Some(action)) if app.top.tries_shown && tries::act(app, action, effects) => {}
            (Some(row), _) => row.act(app, effects),
            (None, _) => app.say(unbound(app, &key)),
        },
        InputMode::Help(view) => help::press(app, key, action, view),
        InputMode::Copy => copy::press(app, key, effects),
        InputMode::Leaving => match key.code {
            KeyCode::Char('q' | 'y') => effects.push(Effect::Quit),
            KeyCode::Char('w') if save(app) => effects.push(Effect::Quit),
            _ => {}
        },
        InputMode::Value(input) => edit(app, key, action, input, InputMode::Value, value_typed),
        InputMode::Note(input) => edit(app, key, action, input, InputMode::Note, note_typed),
        InputMode::Prompt(input) => {
            let other = match key.code {
                KeyCode::Up | KeyCode::Down => {
                    prompts::other(app, input.value(), key.code == KeyCode::Down)
                }
                _ => None,
            };
            match other {
                Some(other) => app.top.mode = InputMode::Prompt(other),
                None => edit(app, key, action, input, InputMode::Prompt, prompt_typed),
            }
        }
        InputMode::Command(line) => command_line::press(app, key, line, effects),
        InputMode::Search(input) => search::press(app, key, action, input),
        InputMode::Pick(picker) => picker::press(app, key, picker),
    }
}
