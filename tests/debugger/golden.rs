//! Re-simulation of every run of the reference, from its recorded predictions alone.

use std::{sync::Arc, time::Duration};

use demask::{
    debugger::{Debugger, NoHost, Stop},
    decode::{AnyStrategy as _, Extras, Params, daedal::Daedal},
    session::{Pending, Session},
};

use super::drive::{command, run};
use crate::support::{Trace, fake::FakeTexts};

/// The run as a recording would hold it: every step, with the reference's predictions.
pub fn recorded(trace: &Trace) -> Session {
    let extras = Extras::NONE;
    let mut session =
        Session::new(&Daedal, &trace.prompt, trace.special(), trace.params(), extras, None)
            .unwrap();
    for step in &trace.steps {
        if let Pending::Wanted { key, .. } = session.pending() {
            session.supply(*key, step.prediction(), Duration::ZERO);
        }
        session.step().unwrap_or_else(|error| panic!("{}: {error}", trace.name));
    }
    session
}

/// How far the stored predictions go under `params`, without a debugger.
fn reach(session: &Session, params: &Params) -> (usize, bool) {
    let timeline = session.timeline();
    let root = &timeline[timeline.roots()[0]];
    let extras = Extras::NONE;
    let (mut canvas, mut state, mut steps) = ((*root.canvas).clone(), root.state.clone(), 0);
    loop {
        let plan = Daedal.plan(&canvas, &state, params, steps as u32 + 1, extras).unwrap();
        let demask::decode::Plan::Predict(request) = plan else { return (steps, true) };
        let Some(prediction) = session.prediction(request.key()) else { return (steps, false) };
        let decision = Daedal.decide(&canvas, &state, params, &prediction).unwrap();
        steps += 1;
        canvas = canvas.apply(&decision.edits, steps as u32).unwrap().canvas;
        state = decision.next;
    }
}

#[test]
fn the_reference_is_resimulated_without_a_difference() {
    let (mut steps, mut short) = (0, 0);
    for trace in Trace::all() {
        let name = &trace.name;
        let session = recorded(&trace);
        let (end, known) = (session.at(), session.timeline().len());
        let mut debugger =
            Debugger::new(session, Arc::new(FakeTexts), Box::new(NoHost), false, 1 << 20);
        debugger.execute(&command("resimulate")).unwrap();
        assert!(matches!(run(&mut debugger), Stop::Done(_)), "{name}");
        let printed = debugger.end_simulation().unwrap();
        let all = trace.steps.len();
        let expected = format!("re-simulated {all} of {all} steps: 0 different; the run is over");
        assert!(printed.starts_with(&expected), "{name}: {printed}");
        assert_eq!(debugger.session.at(), end, "{name}");
        assert_eq!(debugger.session.timeline().len(), known, "{name}: a step was added");

        debugger.execute(&command("set high_conf_threshold 0.97")).unwrap();
        let (reach, over) = reach(&debugger.session, debugger.session.params());
        debugger.execute(&command("resimulate")).unwrap();
        let stop = run(&mut debugger);
        assert_eq!(debugger.session.node().steps as usize, reach, "{name}");
        let printed = debugger.end_simulation().unwrap();
        if over {
            assert!(matches!(stop, Stop::Done(_)), "{name}: {stop:?}");
        } else {
            assert_eq!(stop, Stop::Unrecorded, "{name}");
            assert!(matches!(debugger.session.pending(), Pending::Wanted { .. }), "{name}");
            assert!(printed.ends_with("it needs the model"), "{name}: {printed}");
            short += 1;
        }
        assert!(
            printed.starts_with(&format!("re-simulated {reach} of {all} steps")),
            "{name}: {printed}"
        );
        steps += all;
    }
    assert!(short > 20, "the other threshold changed only {short} runs");
    assert!(steps > 3000, "{steps} steps");
}
