//! A strategy that remasks positions: what is about to go is seen before it goes.

use super::{
    fake::{self, glyphs, press},
    screens::check,
};
use crate::{
    decode::{Params, Value, strategy},
    session::Session,
    tui::{App, Look, Palette, StepSource, frame, paint::theme},
};

/// A run of `remdm` up to a step that takes tokens back.
fn app(look: Look) -> App {
    let remdm = strategy("remdm").unwrap();
    let mut params = Params::defaults(remdm.params());
    for (name, value) in
        [("gen_length", Value::Int(32)), ("steps", Value::Int(12)), ("eta", Value::Float(0.1))]
    {
        params.set(name, value).unwrap();
    }
    let mut start = fake::start(look);
    let prompt = start.session.canvas().prompt().to_vec();
    let extras = crate::decode::Extras::NONE;
    start.session = Session::new(remdm, &prompt, fake::special(), params, extras, None).unwrap();
    let mut app = fake::app_of(start, 0, 100, 30);
    while app.decision().is_none_or(|decision| decision.remasks().next().is_none()) {
        press(&mut app, "s");
        assert!(app.step() < 13, "nothing is ever remasked");
    }
    app
}

#[test]
fn what_is_about_to_be_masked_again_is_marked() {
    for (name, palette, ascii) in [
        ("remasking", Palette::TrueColor, false),
        ("remasking_mono", Palette::Mono, false),
        ("remasking_ascii", Palette::Mono, true),
    ] {
        let app = app(Look { palette, ascii, ..Look::default() });
        let many = app.decision().unwrap().remasks().count();
        let drawn = glyphs(&frame::picture(&app, app.display.width, app.display.height));
        let sign = app.theme.sign(theme::REMASKS);
        assert!(drawn.matches(sign).count() >= many, "{drawn}");
        assert!(drawn.contains(&format!("remasks {many}")), "{drawn}");
        check(name, &app);
    }
}

#[test]
fn steps_that_take_back_are_events_and_are_told() {
    let mut app = app(Look::default());
    let at = app.step();
    press(&mut app, "s");
    let told = &app.history.moments[app.step() as usize];
    assert!(told.entries.iter().any(|entry| entry.text.starts_with("remasked")), "{told:?}");
    assert!(told.made.as_ref().is_some_and(|made| made.remasks > 0));
    fake::finish(&mut app);
    // Back from the end over every step that took tokens back, to this one.
    while app.step() > at + 1 {
        let before = app.step();
        press(&mut app, "[");
        assert!(app.step() < before, "no event before {before}");
        let made = app.history.moments[app.step() as usize].made.as_ref();
        assert!(made.is_some_and(|made| made.remasks > 0), "step {}", app.step());
    }
    assert_eq!(app.step(), at + 1);
}

/// A recording of a strategy that edits: step 3 replaces a token with what is known of it, step 4
/// masks one again, step 6 gives back what step 3 took.
const EDITED: &str = r#"{"kind":"header","format":"demask","version":[1,4],"strategy":"editor","model":{"name":"m","mask":9,"eos":8}}
{"kind":"tokens","tokens":{"1":"Say","2":" it:","20":"The","21":" end","22":" cat","23":" dog","24":" ran","25":"A","26":" far","27":" away","28":"."}}
{"kind":"root","id":0,"prompt":[1,2],"length":6}
{"kind":"step","id":1,"parent":0,"canvas":[20,9,9,9,21,9]}
{"kind":"step","id":2,"parent":1,"canvas":[20,22,9,9,21,9]}
{"kind":"prediction","key":"00000000000000000000000000000003","rows":6,"columns":{"argmax":[20,23,24,26,21,28],"p_argmax":[0.99,0.75,0.5,0.25,0.9,0.4]}}
{"kind":"step","id":3,"parent":2,"prediction":"00000000000000000000000000000003","canvas":[20,23,9,9,21,9]}
{"kind":"step","id":4,"parent":3,"canvas":[20,23,24,9,9,9]}
{"kind":"step","id":5,"parent":4,"canvas":[25,23,24,26,27,28]}
{"kind":"step","id":6,"parent":5,"canvas":[25,22,24,26,27,28]}
"#;

/// That recording, so many steps from its start.
fn edited(look: Look, steps: usize) -> App {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), EDITED).unwrap();
    let recording = crate::trace::read(file.path()).unwrap();
    let mut start = fake::start_with(
        look,
        Params::defaults(strategy("daedal").unwrap().params()),
        recording.vocabulary.clone(),
    );
    (start.predictor, start.source) = (None, StepSource::Replay("edited.jsonl".to_owned()));
    (start.session, start.facts) = (recording.session(), recording.facts());
    fake::app_of(start, steps, 100, 30)
}

#[test]
fn what_is_about_to_be_replaced_is_marked() {
    for (name, palette, ascii) in [
        ("replacing", Palette::TrueColor, false),
        ("replacing_mono", Palette::Mono, false),
        ("replacing_ascii", Palette::Mono, true),
    ] {
        let app = edited(Look { palette, ascii, ..Look::default() }, 2);
        let drawn = glyphs(&frame::picture(&app, app.display.width, app.display.height));
        // The token that goes, and the one that comes.
        let sign = app.theme.sign(theme::REPLACES);
        let space = if ascii { "_" } else { "·" };
        assert!(drawn.contains(&format!("cat{sign}{space}dog")), "{drawn}");
        assert!(drawn.contains("replaces 1"), "{drawn}");
        check(name, &app);
    }
}

#[test]
fn replacements_are_events_and_are_told_with_both_tokens() {
    let mut app = edited(Look::default(), 0);
    let told = |app: &App| {
        let entries = &app.history.moments[app.step() as usize].entries;
        entries.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for _ in 0..4 {
        press(&mut app, "]");
        found.push((app.step(), told(&app)));
    }
    let line = |text: &str| vec![text.to_owned()];
    let expected = [
        (3, line("replaced at 1: “·cat” → “·dog” 0.750")),
        (4, vec!["unmasked “·ran” at 2 –".to_owned(), "remasked “·end” at 4".to_owned()]),
        (
            5,
            vec![
                "unmasked “·far” at 3 –, “·away” at 4 –, “.” at 5 –".to_owned(),
                "replaced at 0: “The” → “A”".to_owned(),
            ],
        ),
        (6, line("replaced at 1: “·dog” → “·cat”")),
    ];
    assert_eq!(found, expected);
    let counts: Vec<(usize, usize, usize)> = app.history.moments[1..]
        .iter()
        .filter_map(|moment| moment.made.as_ref())
        .map(|made| (made.fills, made.remasks, made.replaced))
        .collect();
    assert_eq!(counts, [(2, 0, 0), (1, 0, 0), (0, 0, 1), (1, 1, 0), (3, 0, 1), (0, 0, 1)]);
}

#[test]
fn a_position_tells_what_it_has_held() {
    let mut app = edited(Look::default(), 6);
    let mut answers = |command: &str| {
        let command = crate::debugger::parse(command).unwrap();
        app.debugger.execute(&command).unwrap().lines
    };
    let told = "unmasked at step 2: “ cat” · replaced at step 3: “ cat” by “ dog” · replaced at step 6: \
                “ dog” by “ cat”";
    let why = answers("why 1");
    assert!(why.contains(&told.to_owned()), "{why:?}");
    let rows = [
        "step 3 · position 1 · “ cat” → “ dog” · 0.7500",
        "step 5 · position 0 · “The” → “A”",
        "step 6 · position 1 · “ dog” → “ cat”",
    ];
    assert_eq!(answers("query replacements")[1..], rows);
    assert_eq!(answers("query replaced where was == \" dog\"")[1..], rows[2..]);
    assert_eq!(answers("query replacements where p > 0.5")[1..], rows[..1]);
    assert_eq!(answers("query remasks")[1..], ["step 4 · position 4 · “ end” → mask"]);
    let lint = answers("lint");
    let found = lint.iter().find(|line| line.starts_with("back-and-forth"));
    let found = found.unwrap_or_else(|| panic!("{lint:?}"));
    assert!(found.contains("“ cat” → “ dog” → “ cat”") && found.contains("(step 6 · position 1)"));
}
