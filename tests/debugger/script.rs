//! A scripted session over the embedded model against fresh runs, step by step.

use std::{collections::HashSet, io::Write, ops::ControlFlow, time::Duration};

use candle_core::Device;
use demask::{
    canvas::Canvas,
    decode::{AnyStrategy as _, Extras, Params, Value, daedal::Daedal},
    model::{self, Computing, Loaded, ModelSource},
    predict::Key,
    session::{Pending, Session},
};

use super::drive::Driver;

const PROMPT: &str = "Write a story in 7 sentences about a small owl who finds a drum.";

fn load() -> Loaded {
    let computing = Computing::on(Device::Cpu);
    model::load(&ModelSource::Embedded, &computing, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn session(model: &Loaded) -> Session {
    let mut params = Params::defaults(Daedal.params());
    params.suggest(&model.suggested.of("daedal"));
    let prompt = model.tokenizer.encode_prompt(PROMPT).unwrap();
    let extras = Extras::NONE;
    Session::new(&Daedal, &prompt, model.facts.special, params, extras, None).unwrap()
}

/// The canvases of a run without a debugger, a parameter changed after `at` steps, and the
/// requests it made.
fn fresh(model: &mut Loaded, steps: usize, at: usize, tau: Option<f64>) -> (Vec<Canvas>, Vec<Key>) {
    let mut session = session(model);
    let (mut canvases, mut keys) = (vec![session.canvas().clone()], Vec::new());
    for step in 0..steps {
        if let (true, Some(tau)) = (step == at, tau) {
            session.set_param("high_conf_threshold", Value::Float(tau)).unwrap();
        }
        if let Pending::Wanted { key, request } = session.pending().clone() {
            let watch = &mut |_| ControlFlow::Continue(());
            let prediction = model.predictor.predict(&request, watch).unwrap();
            session.supply(key, prediction, Duration::ZERO);
        }
        let Pending::Decided { key, .. } = session.pending() else { panic!("it ends early") };
        keys.push(*key);
        session.step().unwrap();
        canvases.push(session.canvas().clone());
    }
    (canvases, keys)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn a_scripted_session_has_the_canvases_of_fresh_runs() {
    let mut model = load();
    let (straight, first) = fresh(&mut model, 30, 0, None);
    let (turned, second) = fresh(&mut model, 20, 10, Some(0.6));
    assert_ne!(straight[..21], turned[..], "the threshold makes no difference");

    let session = session(&model);
    let tokens = model.facts.vocabulary;
    let mut driver = Driver::new(session, model.predictor, model.tokenizer.clone(), tokens);
    let canvases = |driver: &Driver| -> Vec<Canvas> {
        let timeline = driver.debugger.session.timeline();
        let path = timeline.path(driver.debugger.session.at());
        path.into_iter().map(|node| (*timeline[node].canvas).clone()).collect()
    };
    driver.script("step 30");
    assert_eq!(canvases(&driver), straight);
    driver.script("back 20");
    assert_eq!(canvases(&driver), straight[..11]);
    driver.script("set high_conf_threshold 0.6; step 10");
    assert_eq!(canvases(&driver), turned);
    let printed = driver.script("switch 1");
    assert_eq!(printed, ["branch 1 of 2, step 20"]);
    assert_eq!(canvases(&driver), straight[..21]);
    let printed = driver.script("compare 1 2");
    let same = straight[..21].iter().zip(&turned).take_while(|(a, b)| a.ids() == b.ids()).count();
    assert!(printed[0].starts_with("branches 1 and 2: "), "{printed:?}");
    assert!(printed[0].ends_with(" of 30 steps differ"), "{printed:?}");
    // A branch begins at the first step that comes out different, not where the threshold was turned.
    assert!(same > 11, "the first step behind the turn differs already");
    assert_eq!(printed[1], format!("they share the steps up to {}", same - 1));
    assert_eq!(printed[2], format!("they part at step {same}"));
    assert_eq!(printed[3], "high_conf_threshold: 0.9 in 1, 0.6 in 2");
    // Over known ground, on both branches, to their ends.
    driver.script("goto start; forward 30; switch 2; goto start; goto end; previous; goto 3");

    let distinct: HashSet<&Key> = first.iter().chain(&second).collect();
    let passes = driver.debugger.session.passes();
    say(&format!(
        "scripted session over the embedded model: {} forward passes for {} distinct requests; \
         fresh runs take {} for the same canvases",
        passes,
        distinct.len(),
        first.len() + second.len()
    ));
    assert_eq!(passes, distinct.len());
}
