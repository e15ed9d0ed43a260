//! The first minute: a model that knows little says so, and what users type from habit does what
//! they mean, or is answered.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};

use super::{
    fake::{self, press, typed},
    screens::check,
};
use crate::{
    debugger::Repertoire,
    tui::{
        App, Look,
        app::{
            InputMode,
            interface::{AppEvent, Effect},
        },
        frame,
        screen::update,
    },
};

/// A model that knows little, after a start with this prompt.
fn little(prompt: &str, width: u16, height: u16) -> App {
    let known =
        [("story", "Tell of a cat."), ("counting", "Count to four."), ("list", "Name two.")];
    let prompts = known.map(|(kind, prompt)| (kind.to_owned(), prompt.to_owned()));
    let about = "the model has 9 k parameters and knows three kinds of prompt".to_owned();
    let mut start = fake::start(Look::default());
    start.host = Box::new(fake::FakeHost {
        repertoire: Some(Repertoire { about, prompts: prompts.to_vec() }),
        ..Default::default()
    });
    start.prompt_text = prompt.to_owned();
    fake::app_of(start, 0, width, height)
}

fn glyphs(app: &App) -> String {
    fake::glyphs(&frame::picture(app, app.display.width, app.display.height))
}

fn message(app: &App) -> &str {
    app.top.message.as_ref().map_or("", |(_, text)| text)
}

/// Presses a key; what is to be done outside.
fn key(app: &mut App, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    update(app, AppEvent::Terminal(TerminalEvent::Key(KeyEvent::new(code, modifiers))))
}

#[test]
fn a_model_that_knows_little_says_what_it_knows() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut app = little("Count to four.", width, height);
        check(&format!("little_{width}x{height}"), &app);
        assert_eq!(message(&app), "");
        // What was on the first screen is not on the others.
        press(&mut app, "s");
        assert!(!glyphs(&app).contains("Tell of a cat."), "{}", glyphs(&app));
        press(&mut app, "E");
        check(&format!("little_prompts_{width}x{height}"), &app);
    }
    // As the model of every other screen.
    assert!(!glyphs(&fake::app(Look::default(), 0, 120, 40)).contains("EMBEDDED"));
}

#[test]
fn known_prompts_are_chosen_with_arrows_and_others_are_typed() {
    let mut app = little("Count to four.", 120, 40);
    let typed_now = |app: &App| match &app.top.mode {
        InputMode::Prompt(input) => input.value().to_owned(),
        mode => panic!("{mode:?}"),
    };
    press(&mut app, "E Down");
    assert_eq!(typed_now(&app), "Name two.");
    press(&mut app, "Down Down Up Up");
    assert_eq!(typed_now(&app), "Name two.");
    press(&mut app, "Enter");
    assert_eq!(
        (app.prompt_text.as_str(), message(&app).starts_with("a new run")),
        ("Name two.", true)
    );
    press(&mut app, "E ? Enter");
    assert_eq!(app.prompt_text, "Name two.?");
    assert_eq!(message(&app), "`Name two.?` is unlike what is known");
    // From a prompt that is none of them one comes to the first and the last.
    press(&mut app, "E Up");
    assert_eq!(typed_now(&app), "Name two.");
}

#[test]
fn a_strange_prompt_is_pointed_out_from_the_start() {
    let app = little("Who?", 80, 24);
    assert_eq!(message(&app), "`Who?` is unlike what is known");
    assert!(app.log().iter().any(|entry| entry.text.contains("unlike")));
}

#[test]
fn editors_habits_work_in_the_command_line() {
    let saved: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let stepped = || {
        let mut start = fake::start(Look::default());
        let saved = Some(saved.clone());
        start.host = Box::new(fake::FakeHost { saved, ..Default::default() });
        fake::app_of(start, 1, 80, 24)
    };
    let entered = |text: &str| {
        let mut app = stepped();
        typed(&mut app, text);
        let effects = key(&mut app, KeyCode::Enter, KeyModifiers::NONE);
        let quits = effects.iter().any(|effect| matches!(effect, Effect::Quit));
        (app, quits)
    };
    let (app, quits) = entered(":q");
    assert!(!quits && matches!(app.top.mode, InputMode::Leaving), "it asks: a step would be lost");
    assert!(entered(":q!").1);
    assert!(!entered(":w a.jsonl").1);
    assert!(entered(":wq b.jsonl").1 && entered(":x").1);
    let names = ["a.jsonl", "b.jsonl", "demask-1.jsonl"].map(PathBuf::from);
    assert_eq!(*saved.lock().expect("not poisoned"), names);
    for text in [":h", ":help"] {
        assert!(matches!(entered(text).0.top.mode, InputMode::Help(_)), "{text}");
    }
    // What there is none of is answered, and stays to be mended.
    for (text, answer) in [
        (":e other.jsonl", "demask replay FILE"),
        (":stpe", "did you mean `step`?"),
        (":zzz", "`help` says what there is"),
    ] {
        let (app, quits) = entered(text);
        assert!(!quits && matches!(app.top.mode, InputMode::Command(_)), "{text}");
        assert!(glyphs(&app).contains(answer), "{text}: {}", glyphs(&app));
    }
}

#[test]
fn the_palette_always_says_something() {
    for (text, shown) in [
        (":stpe", "Did you mean"),
        (":brekpoint", "break"),
        (":qqqqqq", "there is no command like this"),
        (":goto 12", "start|end|STEP"),
        (":set high_conf_threshold 0.5", "PARAMETER VALUE"),
    ] {
        let mut app = fake::app(Look::default(), 1, 100, 30);
        typed(&mut app, text);
        assert!(glyphs(&app).contains(shown), "{text}: {}", glyphs(&app));
    }
}

#[test]
fn keys_of_other_programs_do_what_is_meant_or_say_that_they_do_nothing() {
    let mut app = fake::app(Look::default(), 1, 80, 24);
    key(&mut app, KeyCode::F(1), KeyModifiers::NONE);
    assert!(matches!(app.top.mode, InputMode::Help(_)));
    press(&mut app, "Esc C-p");
    assert!(matches!(app.top.mode, InputMode::Command(_)));
    press(&mut app, "Esc C-r");
    assert!(
        message(&app).contains("undone") || message(&app).contains("redo"),
        "{}",
        message(&app)
    );
    for (code, name) in
        [(KeyCode::Char('Y'), "Y"), (KeyCode::F(9), "F9"), (KeyCode::Insert, "Insert")]
    {
        key(&mut app, code, KeyModifiers::NONE);
        let expected = format!("{name} does nothing here; ? lists the keys, : every command");
        assert_eq!(message(&app), expected);
    }
}
