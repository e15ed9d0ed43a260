//! A sampling loop under the debugger: what the screen shows, and what keys ask of the loop.

use std::sync::{Arc, Mutex};

use super::{
    fake::{self, glyphs, press},
    screens::check,
};
use crate::{
    debugger::{Driven, Go, Loop, parse},
    decode::{Params, strategy},
    session::{Event, LoopMessage, NodeId, Proposal, RunNews, Stand, StateCopies},
    trace::Reader,
    tui::{App, Look, Palette, Rest, StepSource, app::interface, frame},
};

const HEADER: &str = r#"{"kind":"header","format":"demask","version":[1,6],"strategy":"mine","model":{"name":"m","mask":9,"eos":8},"knobs":[{"name":"threshold","kind":"float","default":0.5,"low":0,"high":1,"help":"How sure it must be"},{"name":"greedy","kind":"bool","default":true}]}"#;
const TOKENS: &str = r#"{"kind":"tokens","tokens":{"1":"Say","2":" it:","20":"The","22":" cat","23":" dog","24":" ran","26":" far","28":"."}}"#;
const ROOT: &str =
    r#"{"kind":"root","id":0,"prompt":[1,2],"length":5,"params":{"threshold":0.5,"greedy":true}}"#;
const PREDICTION: &str = r#"{"kind":"prediction","key":"1","rows":5,"columns":{"argmax":[20,22,24,26,28],"p_argmax":[0.9,0.25,0.5,0.25,0.4]}}"#;
const STEP: &str = r#"{"kind":"step","id":1,"parent":0,"prediction":"1","canvas":[20,9,24,9,9]}"#;

/// A loop in another process: what it was told, and a reader of its recording.
struct FakeLoop {
    told: Arc<Mutex<Vec<Go>>>,
    stopped: Arc<Mutex<bool>>,
    reader: Reader,
}

struct Remote(Arc<Mutex<Vec<Go>>>, Arc<Mutex<bool>>);

impl Loop for Remote {
    fn go(&mut self, go: &Go) -> Result<(), String> {
        self.0.lock().unwrap().push(go.clone());
        Ok(())
    }

    fn stop(&mut self) -> Result<(), String> {
        *self.1.lock().unwrap() = true;
        Ok(())
    }
}

impl FakeLoop {
    fn event(&mut self, line: &str) -> Event {
        self.reader.push(line.as_bytes()).unwrap().unwrap()
    }

    fn goes(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    fn proposal(&mut self, canvas: &[u32]) -> Proposal {
        self.reader.propose(0, Some("1".to_owned()), canvas.to_vec(), Vec::new()).unwrap()
    }
}

/// A screen that has joined a loop at its start.
fn joined(look: Look, width: u16, height: u16) -> (App, FakeLoop) {
    let mut reader = Reader::of_lines("mine").unwrap();
    for line in [HEADER, TOKENS, ROOT] {
        reader.push(line.as_bytes()).unwrap();
    }
    let recording = reader.so_far().unwrap();
    let mut there = FakeLoop { told: Arc::default(), stopped: Arc::default(), reader };
    let remote = Remote(there.told.clone(), there.stopped.clone());
    let stands = Stand {
        node: NodeId(0),
        done: false,
        kept: Some(StateCopies { nodes: 3, bytes: 1_500_000 }),
    };
    let mut start = fake::start_with(
        look,
        Params::defaults(strategy("daedal").unwrap().params()),
        recording.vocabulary.clone(),
    );
    (start.predictor, start.source) = (None, StepSource::Loop("mine".to_owned()));
    (start.session, start.facts) = (recording.session(), recording.facts());
    start.driven = Some(Driven::new("mine".to_owned(), true, Box::new(remote), stands));
    start.rest = Some(Rest { feed: Box::new(|_| Ok(())), progress: (0, None), live: true });
    let mut app = fake::app_of(start, 0, width, height);
    let prediction = there.event(PREDICTION);
    tell(&mut app, RunNews::Events(vec![prediction]));
    let proposal = there.proposal(&[20, 9, 24, 9, 9]);
    tell(&mut app, RunNews::Loop(LoopMessage::Proposes(proposal)));
    (app, there)
}

fn tell(app: &mut App, news: RunNews) {
    crate::tui::screen::update(app, interface::AppEvent::News(news));
    while app.due() {
        crate::tui::screen::update(app, interface::AppEvent::Tick);
    }
}

fn run(app: &mut App, command: &str) {
    app.run(parse(command).unwrap(), &mut Vec::new());
}

fn waits(node: usize) -> RunNews {
    RunNews::Loop(LoopMessage::Waits(Stand { node: NodeId(node), done: false, kept: None }))
}

#[test]
fn a_loop_that_waits_looks_like_this() {
    for (name, palette, ascii, size) in [
        ("driving", Palette::TrueColor, false, (120, 30)),
        ("driving_mono", Palette::Mono, false, (80, 24)),
        ("driving_ascii", Palette::Mono, true, (120, 30)),
    ] {
        let (app, _) = joined(Look { palette, ascii, ..Look::default() }, size.0, size.1);
        let drawn = glyphs(&frame::picture(&app, app.display.width, app.display.height));
        for part in ["DRIVING mine", "PAUSED", "next: fills 2"] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
        check(name, &app);
    }
    let (app, _) = joined(Look::default(), 200, 60);
    let drawn = glyphs(&frame::picture(&app, 200, 60));
    assert!(drawn.contains("3 states in 1.50 MB"), "{drawn}");
}

#[test]
fn a_key_asks_for_one_step_and_goes_over_it() {
    let (mut app, mut there) = joined(Look::default(), 120, 40);
    press(&mut app, "s");
    assert_eq!((there.goes(), app.step()), (1, 0));
    // While the loop makes a step, it is asked for nothing more; the key is still counted.
    press(&mut app, "s");
    assert_eq!(there.goes(), 1);
    let step = there.event(STEP);
    tell(&mut app, RunNews::Events(vec![step]));
    assert_eq!((there.goes(), app.step()), (1, 1));
    tell(&mut app, waits(1));
    assert_eq!(there.goes(), 2, "the second key's step");
    press(&mut app, "S");
    assert_eq!(app.step(), 0);
}

#[test]
fn a_step_that_is_decided_anew_is_seen_before_it_is_made() {
    let (mut app, mut there) = joined(Look::default(), 120, 40);
    run(&mut app, "set threshold 0.25");
    press(&mut app, "s");
    assert_eq!(there.goes(), 1);
    let proposal = there.proposal(&[20, 22, 24, 26, 9]);
    tell(&mut app, RunNews::Loop(LoopMessage::Proposes(proposal)));
    tell(&mut app, waits(0));
    assert_eq!(there.goes(), 1, "not asked for before it was seen");
    let drawn = glyphs(&frame::picture(&app, 120, 40));
    assert!(drawn.contains("decided anew") && drawn.contains("fills 4"), "{drawn}");
    press(&mut app, "s");
    assert_eq!(there.goes(), 2);
}

#[test]
fn the_loop_is_left_running_stopped_or_gone() {
    let (mut app, there) = joined(Look::default(), 120, 40);
    run(&mut app, "stop");
    assert!(*there.stopped.lock().unwrap());
    tell(&mut app, RunNews::Over(Vec::new()));
    let drawn = glyphs(&frame::picture(&app, 120, 40));
    assert!(drawn.contains("the loop has ended") && drawn.contains("REPLAY mine"), "{drawn}");

    let (mut app, _) = joined(Look::default(), 120, 40);
    press(&mut app, "s");
    tell(&mut app, RunNews::Failed("the loop's process has ended without a word".to_owned()));
    let drawn = glyphs(&frame::picture(&app, 120, 40));
    assert!(drawn.contains("without a word"), "{drawn}");
    assert!(app.debugger.goal().is_none());

    let (mut app, _) = joined(Look::default(), 120, 40);
    press(&mut app, "s");
    tell(&mut app, RunNews::Loop(LoopMessage::Refuses("it cannot go back".to_owned())));
    let drawn = glyphs(&frame::picture(&app, 120, 40));
    assert!(drawn.contains("mine: it cannot go back"), "{drawn}");
}
