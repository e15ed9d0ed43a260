//! Corners that went wrong once, one test each.

use std::{fs, ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use demask::{
    debugger::{Stop, Tick},
    decode::Value,
    predict::{Column, Predictor},
    session::{NodeId, Pending},
    trace,
};

use super::{
    drive::{Driver, command},
    walk::{driver, header},
};
use crate::support::fake::{Fake, FakeTexts};

fn at(driver: &Driver) -> usize {
    driver.debugger.session.at().0
}

fn fails(driver: &mut Driver, text: &str, why: &str) {
    let error = driver.run(&command(text)).unwrap_err().to_string();
    assert!(error.contains(why), "{text}: {error}");
}

#[test]
fn an_expansion_that_can_never_be_made_ends_the_run() {
    let mut driver = driver(None);
    driver.script("set max_gen_length 8; step 2; expand 0; continue");
    assert!(matches!(driver.stop, Some(Stop::Done(_))), "{:?}", driver.stop);
    assert!(driver.debugger.session.canvas().is_masked(0));
}

#[test]
fn what_was_deleted_is_not_made_again() {
    let mut driver = driver(None);
    driver.script("step 2; step; back; insert 0; step; goto @2; insert 0; undo; delete-branch 2");
    // What was taken back is done with once something else is done.
    fails(&mut driver, "redo", "nothing was undone");
    fails(&mut driver, "name-branch 2", "the number of a branch");
    assert!(!driver.debugger.session.node().deleted);
}

/// A branch that came back and went on is not deleted again: its end is another one.
#[test]
fn a_branch_that_has_grown_is_not_deleted_again() {
    let mut driver = driver(None);
    driver.script("step; back; fill #0 0; delete-branch; undo; step");
    fails(&mut driver, "redo", "the branch has grown since");
    let timeline = driver.debugger.session.timeline();
    assert!((0..timeline.len()).all(|node| !timeline[NodeId(node)].deleted));
}

#[test]
fn a_branch_keeps_its_number_and_name_while_others_grow() {
    let mut driver = driver(None);
    driver.script("step 3; name-branch main; step 2; back; pin 0; name-branch other");
    // The older branch has the newer end now.
    driver.script("switch main; goto end; step 3");
    let named = |driver: &Driver| -> Vec<Option<String>> {
        let branches = driver.debugger.session.timeline().branches();
        branches.into_iter().map(|branch| branch.name).collect()
    };
    assert_eq!(named(&driver), [Some("main".to_owned()), Some("other".to_owned())]);
    assert_eq!(driver.script("switch main"), ["branch 1 of 2 `main`, step 8"]);
    driver.script("switch other; goto end; step 2");
    assert_eq!(named(&driver), [Some("main".to_owned()), Some("other".to_owned())]);
    // A name given anew replaces the old one, wherever on the branch that was given.
    driver.script("switch main; goto end; name-branch first");
    assert_eq!(named(&driver), [Some("first".to_owned()), Some("other".to_owned())]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.jsonl");
    trace::save(&driver.debugger.session, &file, &header(), Arc::new(FakeTexts)).unwrap();
    let branches = trace::read(&file).unwrap().recorded.timeline.branches();
    assert_eq!(branches, driver.debugger.session.timeline().branches());
}

#[test]
fn known_steps_bring_their_parameters_and_turned_ones_stay() {
    let tau = |driver: &Driver| driver.debugger.session.params().get("high_conf_threshold");
    let mut driver = driver(None);
    driver.script("step 2; set high_conf_threshold 1.1; step 2");
    let end = at(&driver);
    driver.script("goto start");
    assert_eq!(tau(&driver), Ok(Value::Float(0.9)));
    driver.script("step 4");
    assert_eq!((at(&driver), tau(&driver)), (end, Ok(Value::Float(1.1))));
    // Turned by hand it stays turned, over a step that comes out alike, in a step of its own and
    // over an edit made before.
    driver.script("goto start; set high_conf_threshold 1.05; step");
    assert_eq!((at(&driver), tau(&driver)), (1, Ok(Value::Float(1.05))));
    driver.script("goto start; set high_conf_threshold 1.05; set expansion_factor 2; step");
    assert_eq!((at(&driver), tau(&driver)), (end + 1, Ok(Value::Float(1.05))));
    driver.script("switch 1; goto end; pin 0; set seed 7; step; back 2; set seed 3");
    driver.script("pin 0");
    assert_eq!(driver.debugger.session.params().get("seed"), Ok(Value::Int(3)));
}

/// A step made again while its twin was deleted: each is walked on its own branch.
#[test]
fn a_twin_that_comes_back_leads_nobody_astray() {
    let mut driver = driver(None);
    driver.script("step; goto start; pin 0; back; set high_conf_threshold 1.1; delete-branch 1");
    driver.script("step; undo; goto @3; goto start; step");
    assert_eq!(at(&driver), 3);
}

#[test]
fn undo_of_a_parameter_leaves_the_others_turned() {
    let mut driver = driver(None);
    driver.script("step 2; set high_conf_threshold 0.5; set block_length 3; goto start; undo");
    let params = driver.debugger.session.params().clone();
    assert_eq!(at(&driver), 2);
    assert_eq!(params.get("block_length"), Ok(Value::Int(6)));
    assert_eq!(params.get("high_conf_threshold"), Ok(Value::Float(0.5)));
    driver.script("undo");
    let params = driver.debugger.session.params().clone();
    assert_eq!(params.get("high_conf_threshold"), Ok(Value::Float(0.9)));
}

#[test]
fn a_resimulation_asks_for_no_pass() {
    let mut driver = driver(None);
    driver.script("step 6; set temperature 0.7");
    let passes = driver.debugger.session.passes();
    driver.script("resimulate");
    assert_eq!(driver.stop, Some(Stop::Unrecorded));
    assert_eq!(driver.debugger.session.passes(), passes);
    let printed = driver.debugger.end_simulation().unwrap();
    assert!(printed.ends_with("it needs the model"), "{printed}");
    // Under its own parameters every step is known.
    driver.script("goto @6; resimulate");
    assert_eq!(driver.debugger.session.passes(), passes);
    assert_eq!(at(&driver), 6);
    let printed = driver.debugger.end_simulation().unwrap();
    assert!(printed.starts_with("re-simulated 6 of 6 steps: 0 different"), "{printed}");
}

#[test]
fn a_halted_resimulation_is_over() {
    let mut driver = driver(None);
    driver.script("step 6");
    driver.debugger.execute(&command("resimulate")).unwrap();
    assert_eq!(driver.debugger.tick(), Tick::Moved);
    assert!(driver.debugger.halt());
    driver.script("continue");
    assert_eq!(driver.debugger.end_simulation(), None);
}

/// A pass that ends when one stands elsewhere is recorded with the canvas it was asked for.
#[test]
fn a_late_prediction_keeps_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut driver = driver(Some(&path));
    driver.script("step 4");
    let session = &mut driver.debugger.session;
    let masked = (0..session.canvas().len()).find(|&at| session.canvas().is_masked(at)).unwrap();
    let Pending::Wanted { key, request } = session.pending().clone() else { panic!() };
    // Onto a canvas where that position is written.
    let end = session.at();
    session.go(NodeId(0));
    session
        .edit(&[demask::canvas::Edit::Fill {
            slot: session.canvas().cells()[masked].slot,
            token: 3,
        }])
        .unwrap();
    let prediction = Fake.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
    session.supply(key, prediction, Duration::ZERO);
    session.go(end);
    session.step().unwrap();
    session.finish_recording().unwrap();
    let recording = trace::read(&path).unwrap();
    let entropy =
        recording.recorded.store.get(key).unwrap().number(Column::Entropy, masked).unwrap();
    assert!(entropy.is_finite());
}

fn cut_behind(path: &Path, kind: &str) {
    let text = fs::read_to_string(path).unwrap();
    let mark = format!("{{\"kind\":\"{kind}\"");
    let line = text.lines().position(|line| line.starts_with(&mark)).unwrap();
    let kept: Vec<&str> = text.lines().take(line + 1).collect();
    fs::write(path, kept.join("\n") + "\n").unwrap();
}

#[test]
fn a_recording_cut_behind_a_deletion_opens_on_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut driver = driver(Some(&path));
    driver.script("step 4; back 2; insert 0; step; delete-branch; step");
    driver.debugger.session.finish_recording().unwrap();
    cut_behind(&path, "delete");
    let mut session = trace::read(&path).unwrap().session();
    while session.forward() {}
    assert_eq!((session.at(), session.node().deleted), (NodeId(4), false));
}

#[test]
fn a_recording_that_deletes_no_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut driver = driver(Some(&path));
    driver.script("step 4; back 2; insert 0; step");
    driver.debugger.session.finish_recording().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let deleted = text + "{\"kind\":\"delete\",\"tip\":3,\"deleted\":true}\n";
    fs::write(&path, deleted).unwrap();
    let error = trace::read(&path).map(drop).unwrap_err().to_string();
    assert!(error.contains("node 3 is not the end of a branch"), "{error}");
}

#[test]
fn every_place_can_be_gone_to() {
    let mut driver = driver(None);
    driver.script("mark start; step 3; mark 12; goto \"start\"");
    assert_eq!(at(&driver), 0);
    driver.script("goto \"12\"");
    assert_eq!(at(&driver), 3);
    fails(&mut driver, "goto 12", "this branch goes to step 3");
    assert!(driver.run(&command("goto @99")).is_err());
}

/// Which breakpoints stop where does not hang on when the passes are done, and none is missed where
/// another stopped the run.
#[test]
fn every_breakpoint_that_holds_where_a_run_stops_is_told() {
    let stops = |conditions: &[&str], known: bool| -> Vec<(u32, Vec<u32>)> {
        let mut driver = driver(None);
        if known {
            // A recording holds every prediction beforehand.
            driver.script("continue; goto start");
        }
        for condition in conditions {
            driver.script(&format!("break {condition}"));
        }
        let mut stops = Vec::new();
        loop {
            driver.script("continue");
            match driver.stop.take() {
                Some(Stop::Hit(ids)) => stops.push((driver.debugger.session.node().depth, ids)),
                _ => return stops,
            }
        }
    };
    for condition in
        ["after.eos_conf > 0", "after.conf[0] changes", "will_fill > 0", "eos_conf > 0"]
    {
        let alone = stops(&[condition], false);
        let both = stops(&["masks changes", condition], false);
        assert_eq!(both, stops(&["masks changes", condition], true), "{condition}");
        let second = |(at, ids): &(u32, Vec<u32>)| ids.contains(&2).then_some(*at);
        let found: Vec<u32> = both.iter().filter_map(second).collect();
        assert_eq!(found, alone.iter().map(|(at, _)| *at).collect::<Vec<_>>(), "{condition}");
        assert!(!found.is_empty(), "{condition}");
    }
}

/// The step decided on a prediction is the one behind it: `step` may end at a breakpoint of either
/// side.
#[test]
fn a_single_step_stops_at_a_breakpoint_of_the_next_prediction() {
    let mut driver = driver(None);
    driver.script("break after.conf[0] changes; step");
    assert_eq!(driver.stop, Some(Stop::Hit(vec![1])));
    let line = driver.script("print after.eos_conf").remove(0);
    driver.script("unbreak all; step");
    let pending = line.replace("after.", "");
    let decided = driver.script("print eos_conf").remove(0);
    assert_eq!(decided.split(',').next(), pending.split(',').next());
}

/// What is decided the same under other parameters goes along the branch that is there.
#[test]
fn a_step_that_comes_out_alike_makes_no_branch() {
    let mut driver = driver(None);
    driver.script("step 4; goto start");
    let nodes = driver.debugger.session.timeline().len();
    driver.script("set max_gen_length 30; step 2");
    let session = &driver.debugger.session;
    assert_eq!((session.timeline().len(), session.timeline().branches().len()), (nodes, 1));
    assert_eq!(session.at(), NodeId(2));
    // Turned values stay turned, and what was made keeps what it was made under.
    assert_eq!(session.params().count("max_gen_length"), Ok(30));
    assert_eq!(session.node().params.count("max_gen_length"), Ok(20));
    assert!(driver.debugger.params_changed() && !driver.debugger.what_if());
    // The same edit is the same node, too.
    driver.script("pin 0; back; reset; pin 0");
    assert_eq!(driver.debugger.session.timeline().len(), nodes + 1);
}

#[test]
fn undo_says_where_it_goes_and_redo_leads_back() {
    let mut driver = driver(None);
    let printed = driver.script("step 3; set high_conf_threshold 1.1; step 2; undo").pop().unwrap();
    assert_eq!(printed, "high_conf_threshold is 0.9 again: at step 3; `redo` does it again");
    // Nothing is turned any more, so nothing is a what-if; the steps made stay a branch.
    assert!(!driver.debugger.params_changed());
    assert_eq!(driver.debugger.branch().len(), 4);
    let printed = driver.script("redo").pop().unwrap();
    assert_eq!(printed, "high_conf_threshold is 1.1 again: at step 3");
    assert_eq!(driver.debugger.branch().len(), 6);
    assert!(!driver.debugger.params_changed(), "what follows was made so");

    driver.script("goto end; step; set high_conf_threshold 0.5; step; name-branch one; goto @3");
    let steps = driver.debugger.session.timeline().len();
    driver.script("pin 0; pin 1");
    assert_eq!(driver.script("query edits").len(), 3);
    let printed = driver.script("undo; undo");
    assert_eq!(printed.len(), 2);
    assert!(printed[1].starts_with("the edit is undone: "), "{printed:?}");
    assert!(printed[1].contains("step 3"), "{printed:?}");
    // They are no steps and no branch any more.
    assert_eq!(driver.script("query edits").len(), 1);
    let timeline = driver.debugger.session.timeline();
    assert_eq!(timeline.len(), steps + 2);
    assert!(timeline.branches().iter().all(|branch| timeline[branch.tip].edits().is_none()));
    driver.script("redo; redo");
    assert_eq!(driver.script("query edits").len(), 3);
    fails(&mut driver, "redo", "nothing was undone");
}
