//! Corners that went wrong once, one test each.

use std::{fs, ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use demask::{
    debugger::{Command, Place, Stop, Tick},
    decode::Value,
    predict::{Column, Predictor},
    session::{NodeId, Pending},
    trace,
};

use super::{
    drive::{Driver, command},
    support::fake::{Fake, FakeTexts},
    walk::{driver, header},
};

fn at(driver: &Driver) -> usize {
    driver.debugger.session.at().0
}

fn fails(driver: &mut Driver, text: &str, why: &str) {
    let error = driver.obey(&command(text)).unwrap_err().to_string();
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
fn every_place_can_be_gone_to() {
    let mut driver = driver(None);
    driver.script("mark start; step 3; mark 12; goto \"start\"");
    assert_eq!(at(&driver), 0);
    driver.script("goto \"12\"");
    assert_eq!(at(&driver), 3);
    fails(&mut driver, "goto 12", "this branch goes to step 3");
    assert!(driver.obey(&Command::Goto(Place::Node(NodeId(99)))).is_err());
}
