//! Any commands in any order: nothing is lost, nothing is asked twice, nothing known changes, and
//! a recording of it all holds the same.

use std::{fs, path::Path, sync::Arc};

use demask::decode::{AnyStrategy as _, daedal::Daedal};
use demask::{
    canvas::{Canvas, Slot},
    debugger::Command,
    decode::{Decision, Extras, Params, State, Value},
    predict::{ColumnSet, ModelFacts},
    session::{NodeId, Session},
    trace::{self, Header, Recording, TraceError, TraceRecorder},
};
use proptest::prelude::*;

use super::drive::{Driver, command};
use crate::support::fake::{Fake, FakeTexts, SPECIAL};

const NAMES: [&str; 3] = ["a", "b", "long name"];
const CONDITIONS: [&str; 8] = [
    "expanded",
    "length changes",
    "masks < 6",
    "flipped > 2",
    "eos_conf crosses 0.2",
    "conf[3] > 0.9",
    "flips[#2] > 1 or dropped",
    "block changes",
];

fn condition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&CONDITIONS[..])
}

/// A name in quotes.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(|name| format!("{name:?}"))
}

fn branch() -> impl Strategy<Value = String> {
    prop_oneof![(1..5usize).prop_map(|number| number.to_string()), name()]
}

fn destination() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("start".to_owned()),
        Just("end".to_owned()),
        (0..20usize).prop_map(|step| step.to_string()),
        (0..40usize).prop_map(|node| format!("@{node}")),
        name(),
    ]
}

fn position() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..24usize).prop_map(|position| position.to_string()),
        (0..40u32).prop_map(|slot| format!("#{slot}")),
    ]
}

fn breakpoint() -> impl Strategy<Value = String> {
    prop_oneof![Just("all".to_owned()), (1..4u32).prop_map(|id| id.to_string())]
}

/// An edit of any kind.
fn edit() -> impl Strategy<Value = Command> {
    let token = prop_oneof![
        (0..13u32).prop_map(|id| id.to_string()),
        Just("\" w3\"".to_owned()),
        Just("\"no such\"".to_owned()),
    ];
    let edits = prop_oneof![
        4 => Just("fill"),
        2 => Just("remask"),
        2 => Just("insert"),
        1 => Just("remove"),
        2 => prop::sample::select(vec!["pin", "unpin"]),
        2 => prop::sample::select(vec!["veto", "unveto"]),
        2 => prop::sample::select(vec!["expand", "forbid", "allow"]),
        1 => Just("trim"),
    ];
    (edits, position(), token, 1..5usize).prop_map(|(edit, position, token, count)| {
        command(&match edit {
            "fill" | "veto" | "unveto" => format!("{edit} {position} {token}"),
            "insert" => format!("insert {position} {count}"),
            _ => format!("{edit} {position}"),
        })
    })
}

fn set() -> impl Strategy<Value = Command> {
    let values = [
        ("high_conf_threshold", &["0.5", "0.9", "1.1"][..]),
        ("low_conf_threshold", &["0", "0.1", "0.3"]),
        ("expand_eos_confidence_threshold", &["0.1", "0.9"]),
        ("eos_confidence_threshold", &["0", "0.4"]),
        ("block_length", &["1", "4", "9"]),
        ("expansion_factor", &["0", "2", "3"]),
        ("max_gen_length", &["8", "20", "30"]),
        ("initial_gen_length", &["5", "12"]),
        ("eos_check_tokens", &["1", "4"]),
        ("temperature", &["0", "0.7"]),
        ("cfg_scale", &["0", "1.5"]),
        ("seed", &["1", "2"]),
        ("no_such", &["1"]),
        ("seed", &["x"]),
    ];
    prop::sample::select(values.to_vec()).prop_flat_map(|(name, values)| {
        prop::sample::select(values).prop_map(move |value| command(&format!("set {name} {value}")))
    })
}

/// A command that shows as its text when a property fails.
#[derive(Clone)]
struct Line(Command);

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn commands() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec(any_command().prop_map(Line), 1..40)
}

fn any_command() -> impl Strategy<Value = Command> {
    fn of<T: std::fmt::Display>(
        name: &'static str,
        argument: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Command> {
        argument.prop_map(move |argument| command(&format!("{name} {argument}")))
    }
    prop_oneof![
        12 => of("step", 1..7usize),
        4 => of("back", 1..6usize),
        2 => of("forward", 1..6usize),
        8 => edit(),
        5 => set(),
        3 => of("undo", Just("")),
        2 => of("redo", Just("")),
        3 => of("goto", destination()),
        2 => of("switch", branch()),
        2 => of("delete-branch", prop_oneof![Just(String::new()), branch()]),
        1 => of("name-branch", name()),
        1 => of("mark", name()),
        1 => of("unmark", name()),
        2 => of("note", (position(), name()).prop_map(|(at, text)| format!("{at} {text}"))),
        1 => of("unnote", position()),
        1 => prop_oneof![of("next", condition()), of("last", condition())],
        1 => of("until", condition()),
        1 => of("break", condition()),
        1 => of("disable", breakpoint()),
        1 => of("unbreak", breakpoint()),
        1 => of("compare", (branch(), branch()).prop_map(|(a, b)| format!("{a} {b}"))),
        1 => of("why", position()),
        1 => of("query", Just("fills where p < 0.9")),
        3 => prop::sample::select(vec![
            "previous",
            "run-block",
            "run-stage",
            "back-block",
            "back-stage",
            "reverse-continue",
            "resimulate",
            "restart",
            "reset",
            "lint",
            "branches",
            "breaks",
            "text",
            "continue",
            "print flips[2] > 0",
        ])
        .prop_map(command),
    ]
}

fn extras() -> Extras {
    let columns = ColumnSet::display();
    Extras { columns, top_k: 2, ..Extras::NONE }
}

pub fn header() -> Header {
    let facts = ModelFacts {
        name: "fake".to_owned(),
        family: "none".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        vocabulary: 12,
        context: 1000,
        layers: 0,
        special: SPECIAL,
        reading: Default::default(),
        attention: String::new(),
    };
    Header::new(&facts, "daedal", "a prompt", extras())
}

pub fn driver(record: Option<&Path>) -> Driver {
    let mut params = Params::defaults(Daedal.params());
    for (name, value) in [
        ("initial_gen_length", Value::Int(8)),
        ("max_gen_length", Value::Int(20)),
        ("block_length", Value::Int(6)),
        ("expansion_factor", Value::Int(3)),
        ("eos_check_tokens", Value::Int(4)),
        ("eos_confidence_threshold", Value::Float(0.2)),
        ("low_conf_threshold", Value::Float(0.3)),
    ] {
        params.set(name, value).unwrap();
    }
    let recorder = record.map(|path| {
        let recorder = TraceRecorder::create(path, &header(), Arc::new(FakeTexts)).unwrap();
        Box::new(recorder) as Box<dyn demask::session::Recorder>
    });
    let session =
        Session::new(&Daedal, &[1, 2, 8, 9], SPECIAL, params, extras(), recorder).unwrap();
    Driver::new(session, Box::new(Fake), Arc::new(FakeTexts), 12)
}

/// What a node was when it was first seen.
struct Seen {
    canvas: Canvas,
    state: State,
    params: Params,
    decision: Option<Decision>,
}

fn seen(session: &Session, id: NodeId) -> Seen {
    let node = &session.timeline()[id];
    Seen {
        canvas: (*node.canvas).clone(),
        state: node.state.clone(),
        params: (*node.params).clone(),
        decision: node.step().map(|step| (*step.decision).clone()),
    }
}

/// Everything that must hold for a new node.
fn well_made(session: &Session, id: NodeId) -> Result<(), TestCaseError> {
    let timeline = session.timeline();
    let node = &timeline[id];
    let mut slots: Vec<Slot> = node.canvas.cells().iter().map(|cell| cell.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    prop_assert_eq!(slots.len(), node.canvas.len(), "a slot stands twice");
    let Some(parent) = node.parent else { return Ok(()) };
    let before = &timeline[parent];
    prop_assert_eq!(node.canvas.prompt(), before.canvas.prompt());
    let kept = |of: &Canvas, other: &Canvas| -> Vec<Slot> {
        let slots = of.cells().iter().map(|cell| cell.slot);
        slots.filter(|&slot| other.position(slot).is_some()).collect()
    };
    prop_assert_eq!(kept(&before.canvas, &node.canvas), kept(&node.canvas, &before.canvas));
    for cell in before.canvas.cells().iter().filter(|cell| cell.overridden.pinned) {
        let now = node.canvas.position(cell.slot).map(|at| node.canvas.cells()[at].token);
        prop_assert_eq!(now, Some(cell.token), "a pinned position has changed");
    }
    if let Some(step) = node.step() {
        let prediction = session.prediction(step.prediction).unwrap();
        let again =
            Daedal.decide(&before.canvas, &before.state, &node.params, &prediction).unwrap();
        prop_assert_eq!(&again, &*step.decision, "decided again, decided otherwise");
        let canvas = before.canvas.apply(&step.decision.edits, node.depth).unwrap().canvas;
        prop_assert_eq!(&canvas, &*node.canvas);
    }
    Ok(())
}

/// Carries commands out, whether they succeed or not, and checks what must hold after each.
fn play(driver: &mut Driver, commands: &[Line]) -> Result<Vec<Seen>, TestCaseError> {
    let mut known = vec![seen(&driver.debugger.session, NodeId(0))];
    for Line(command) in commands {
        let _ = driver.run(command);
        let session = &driver.debugger.session;
        let timeline = session.timeline();
        while known.len() < timeline.len() {
            let id = NodeId(known.len());
            well_made(session, id)?;
            known.push(seen(session, id));
        }
        for id in driver.debugger.branch() {
            prop_assert!(!timeline[id].deleted, "`{command}` leads to the deleted {id:?}");
        }
        let tips: Vec<NodeId> = timeline.branches().into_iter().map(|branch| branch.tip).collect();
        prop_assert_eq!(tips.len(), timeline.tips().len());
        prop_assert!(!tips.is_empty());
        prop_assert_eq!(session.passes(), driver.asked.len());
    }
    Ok(known)
}

/// Deleted or not, named or not, in what order: all that branches are.
fn tree(session: &Session) -> impl PartialEq + std::fmt::Debug + use<> {
    let timeline = session.timeline();
    let nodes: Vec<(bool, Vec<NodeId>)> = (0..timeline.len())
        .map(|id| (timeline[NodeId(id)].deleted, timeline[NodeId(id)].children.clone()))
        .collect();
    let owned = |(id, name): (NodeId, &str)| (id, name.to_owned());
    let names: Vec<_> = timeline.names().map(owned).collect();
    let marks: Vec<_> = timeline.bookmarks().map(owned).collect();
    let notes: Vec<_> =
        timeline.notes().map(|(id, slot, text)| (id, slot, text.to_owned())).collect();
    (nodes, timeline.branches(), names, marks, notes)
}

fn same(a: &Session, b: &Session) -> Result<(), TestCaseError> {
    prop_assert_eq!(tree(a), tree(b));
    let (a, b) = (a.timeline(), b.timeline());
    for id in (0..a.len()).map(NodeId) {
        let (a, b) = (&a[id], &b[id]);
        prop_assert_eq!((&a.canvas, &a.state, &a.params), (&b.canvas, &b.state, &b.params));
        prop_assert_eq!((a.parent, a.edits()), (b.parent, b.edits()));
        let key = |node: &demask::session::Node| node.step().map(|step| step.prediction);
        let decision = |node: &demask::session::Node| node.step().map(|step| step.decision.clone());
        prop_assert_eq!((key(a), decision(a)), (key(b), decision(b)));
    }
    Ok(())
}

/// It stands on no deleted branch and can be walked to its end.
fn walks(recording: &Recording) -> Result<(), TestCaseError> {
    let mut session = recording.session();
    loop {
        prop_assert!(!session.node().deleted, "it opens on a deleted branch");
        if !session.forward() {
            return Ok(());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_was_seen_stays(commands in commands()) {
        let mut driver = driver(None);
        let known = play(&mut driver, &commands)?;
        let passes = driver.debugger.session.passes();
        // To every node and back again, newest first.
        for (id, seen) in known.iter().enumerate().rev() {
            let id = NodeId(id);
            let (from, params) =
                (driver.debugger.session.at(), driver.debugger.session.params().clone());
            let gone = driver.debugger.session.timeline()[id].deleted;
            let went = driver.run(&command(&format!("goto @{}", id.0)));
            prop_assert_eq!(went.is_err(), gone);
            if gone {
                continue;
            }
            let session = &driver.debugger.session;
            prop_assert_eq!(session.at(), id);
            prop_assert_eq!(session.canvas(), &seen.canvas);
            prop_assert_eq!(session.state(), &seen.state);
            let node = session.node();
            prop_assert_eq!(&*node.params, &seen.params);
            prop_assert_eq!(node.step().map(|step| &*step.decision), seen.decision.as_ref());
            if id != from {
                prop_assert_eq!(session.params(), driver.debugger.own_params());
                driver.run(&command("previous")).unwrap();
                prop_assert_eq!(driver.debugger.session.at(), from);
                prop_assert_eq!(driver.debugger.session.params(), &params);
                driver.run(&command("previous")).unwrap();
                prop_assert_eq!(driver.debugger.session.at(), id);
            }
        }
        // Known ground costs no pass and adds no node.
        for tip in driver.debugger.session.timeline().tips() {
            driver.run(&command(&format!("goto @{}", tip.0))).unwrap();
            driver.run(&command("goto start")).unwrap();
            let depth = driver.debugger.session.timeline()[tip].depth as usize;
            while driver.debugger.session.at() != tip && driver.debugger.known_forward() {
                driver.debugger.breakpoints.remove(None);
                driver.run(&command("step")).unwrap();
            }
            prop_assert_eq!(driver.debugger.session.at(), tip);
            if depth > 0 {
                driver.run(&command(&format!("back {depth}"))).unwrap();
                driver.run(&command(&format!("forward {depth}"))).unwrap();
            }
        }
        prop_assert_eq!(driver.debugger.session.passes(), passes);
        prop_assert_eq!(driver.debugger.session.timeline().len(), known.len());
    }

    #[test]
    fn a_deleted_branch_comes_back_as_it_was(
        commands in commands(),
        order in prop::collection::vec(1..6usize, 1..6),
    ) {
        let mut driver = driver(None);
        play(&mut driver, &commands)?;
        let mut before = vec![tree(&driver.debugger.session)];
        for number in order {
            if driver.run(&command(&format!("delete-branch {number}"))).is_ok() {
                prop_assert!(!driver.debugger.session.node().deleted);
                before.push(tree(&driver.debugger.session));
            }
        }
        while let Some(now) = before.pop() {
            prop_assert_eq!(tree(&driver.debugger.session), now);
            if !before.is_empty() {
                driver.run(&command("undo")).unwrap();
                prop_assert!(!driver.debugger.session.node().deleted);
            }
        }
    }

    #[test]
    fn a_recording_holds_it_all(
        commands in commands(),
        cuts in prop::collection::vec(0.0..1.0f64, 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (path, saved) = (folder.path().join("run.jsonl"), folder.path().join("saved.jsonl"));
        let mut driver = driver(Some(&path));
        play(&mut driver, &commands)?;
        let session = &mut driver.debugger.session;
        session.finish_recording().unwrap();
        trace::save(session, &saved, &header(), Arc::new(FakeTexts)).unwrap();
        for file in [&path, &saved] {
            let recording = trace::read(file).unwrap();
            prop_assert!(recording.notices.is_empty(), "{:?}", recording.notices);
            same(session, &recording.session())?;
            prop_assert_eq!(recording.recorded.end, session.at());
            walks(&recording)?;
        }
        let bytes = fs::read(&path).unwrap();
        let cut = folder.path().join("cut.jsonl");
        for part in cuts {
            let length = (part * bytes.len() as f64) as usize;
            fs::write(&cut, &bytes[..length]).unwrap();
            match trace::read(&cut) {
                Ok(recording) => walks(&recording)?,
                Err(TraceError::NotARecording { .. }) => {
                    let root = bytes[..length].split_inclusive(|byte| *byte == b'\n').any(|line| {
                        line.starts_with(b"{\"kind\":\"root\"") && line.ends_with(b"\n")
                    });
                    prop_assert!(!root, "cut at {length}");
                }
                Err(error) => prop_assert!(false, "cut at {length}: {error}"),
            }
        }
    }

    /// Undo and redo of edits alone, any number of them, end where they began.
    #[test]
    fn edits_are_taken_back_and_made_again(
        steps in 0..6usize,
        edits in prop::collection::vec(edit(), 1..8),
    ) {
        let mut driver = driver(None);
        if steps > 0 {
            driver.run(&command(&format!("step {steps}"))).unwrap();
        }
        let mut places = vec![driver.debugger.session.at()];
        for edit in edits {
            if driver.run(&edit).is_ok() {
                places.push(driver.debugger.session.at());
            }
        }
        for &place in places.iter().rev().skip(1) {
            driver.run(&command("undo")).unwrap();
            prop_assert_eq!(driver.debugger.session.at(), place);
        }
        for &place in &places[1..] {
            driver.run(&command("redo")).unwrap();
            prop_assert_eq!(driver.debugger.session.at(), place);
        }
        prop_assert!(driver.run(&command("redo")).is_err());
    }
}
