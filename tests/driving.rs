//! Driving sampling loops of other processes, here one that follows a script over a real socket: what it
//! is told, where it stops, and what happens where it dies or lies.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Write},
    ops::ControlFlow,
    os::unix::net::UnixListener,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use demask::{
    debugger::{Debugger, NoHost, Stop, Tick, parse},
    decode::Finish,
    driving::{self, JoinedLoop},
    engine::Address,
    session::{Followed, NodeId, NodeOrigin, Pending, RunNews},
};
use serde_json::{Value, json};

const MASK: u32 = 9;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The loop's side of a test: it reads messages and writes lines.
struct Script {
    input: BufReader<std::os::unix::net::UnixStream>,
    output: std::os::unix::net::UnixStream,
    heard: Sender<Value>,
}

impl Script {
    /// The next message; none once the debugger has left.
    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line).unwrap_or(0);
        let message: Value = serde_json::from_str(line.get(..read)?).ok()?;
        self.heard.send(message.clone()).unwrap();
        Some(message)
    }

    fn write(&mut self, message: &Value) {
        // The debugger may have left.
        let _ = self.output.write_all(format!("{message}\n").as_bytes());
    }

    fn greet(&mut self, can: &[&str], knobs: &Value) {
        self.write(&json!({"type": "hello", "protocol": 1, "loop": "a test", "name": "mine",
            "pid": 1, "command": "a test", "steps": 0, "can": can}));
        self.write(&json!({"kind": "header", "format": "demask", "version": [1, 6],
            "model": {"name": "m", "mask": MASK, "eos": 8}, "strategy": "mine", "knobs": knobs}));
    }

    fn wait_at(&mut self, node: usize) {
        self.write(&json!({"type": "waiting", "node": node}));
    }
}

/// A loop that writes one position a step from the left, as `demask.debug` tells of it.
fn left_to_right(script: &mut Script, can: &[&str]) {
    script.read();
    script.greet(
        can,
        &json!([{"name": "tau", "kind": "float", "default": 0.5, "low": 0, "high": 1},
            {"name": "greedy", "kind": "bool", "default": true}]),
    );
    let (mut canvases, mut nodes) = (vec![vec![MASK; 6]], 1);
    script.write(&json!({"kind": "root", "id": 0, "prompt": [1], "length": 6}));
    script.wait_at(0);
    while let Some(go) = script.read() {
        if go["type"] == "stop" {
            script.write(&json!({"kind": "end", "at": nodes - 1, "finish": null}));
            return;
        }
        let mut from = go["from"].as_u64().unwrap() as usize;
        if from != canvases.len() - 1 && !can.contains(&"restore") {
            script.write(&json!({"type": "error", "message": "it cannot go back"}));
            continue;
        }
        if let Some(canvas) = go["canvas"].as_array() {
            script
                .write(&json!({"kind": "edit", "id": nodes, "parent": from, "edits": go["edits"]}));
            canvases.push(canvas.iter().map(|id| id.as_u64().unwrap() as u32).collect());
            (from, nodes) = (nodes, nodes + 1);
        }
        let mut canvas = canvases[from].clone();
        let pinned = |at: usize| go["pins"].as_array().is_some_and(|it| it.contains(&json!(at)));
        if let Some(at) = (0..6).find(|&at| canvas[at] == MASK && !pinned(at)) {
            canvas[at] = at as u32;
        }
        script.write(&json!({"kind": "step", "id": nodes, "parent": from, "canvas": canvas,
            "params": go["knobs"]}));
        canvases.push(canvas);
        script.wait_at(nodes);
        nodes += 1;
    }
}

/// A debugger that has joined a loop.
struct Run {
    debugger: Debugger,
    news: Receiver<RunNews>,
    heard: Receiver<Value>,
    printed: Vec<String>,
    over: Option<RunNews>,
    _folder: tempfile::TempDir,
}

fn listen(
    script: impl FnOnce(&mut Script) + Send + 'static,
) -> (Address, Receiver<Value>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loop.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (heard, inbox) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let input = BufReader::new(stream.try_clone().unwrap());
        script(&mut Script { input, output: stream, heard });
    });
    (Address::Unix(path), inbox, folder)
}

fn joined(script: impl FnOnce(&mut Script) + Send + 'static) -> Result<Run, String> {
    let (address, heard, folder) = listen(script);
    let joined = driving::join(&address, None, &mut |_| ControlFlow::Continue(()))?;
    let JoinedLoop { recording, driven, intake, .. } = joined.unwrap();
    let mut session = recording.session();
    session.go(recording.recorded.end);
    let followed = Followed::all_of(&session);
    let vocabulary = recording.vocabulary.clone();
    let mut debugger = Debugger::new(session, vocabulary, Box::new(NoHost), false, 10);
    (debugger.followed, debugger.driven) = (Some(followed), Some(driven));
    let (send, news) = channel();
    intake.follow(move |news| send.send(news).is_ok()).unwrap();
    Ok(Run { debugger, news, heard, printed: Vec::new(), over: None, _folder: folder })
}

impl Run {
    fn hear(&mut self) {
        match self.news.recv_timeout(PATIENCE).unwrap() {
            RunNews::Events(events) => self.debugger.learn(&events, true),
            RunNews::Loop(word) => self.printed.extend(self.debugger.hear(word)),
            over => {
                self.debugger.end_following();
                self.over = Some(over);
            }
        }
    }

    /// Carries a command out and goes on to where it stops.
    fn run(&mut self, command: &str) -> Option<Stop> {
        self.debugger.execute(&parse(command).unwrap()).unwrap();
        loop {
            match self.debugger.tick() {
                Tick::Idle => return None,
                Tick::Stopped(stop) => return Some(stop),
                Tick::Moved => {}
                Tick::Waiting => self.hear(),
            }
        }
    }

    /// Until the loop waits again.
    fn rest(&mut self) {
        while self.debugger.driven.as_ref().is_some_and(|driven| !driven.waits()) {
            self.hear();
        }
    }

    fn tokens(&self) -> Vec<u32> {
        self.debugger.session.canvas().tokens()
    }

    /// The steps that the loop was told to make, oldest first.
    fn told(&self) -> Vec<Value> {
        self.heard.try_iter().filter(|message| message["type"] == "go").collect()
    }
}

fn stepwise() -> Run {
    joined(|script| left_to_right(script, &["edit", "stop"])).unwrap()
}

#[test]
fn a_step_is_asked_for_with_what_a_person_wants() {
    let mut run = stepwise();
    assert_eq!(run.tokens(), [MASK; 6]);
    run.run("step");
    assert_eq!(run.tokens(), [0, MASK, MASK, MASK, MASK, MASK]);
    let values = json!({"tau": 0.5, "greedy": true});
    assert_eq!(run.told(), [json!({"type": "go", "from": 0, "knobs": values})]);

    for command in ["set tau 0.25", "set greedy false", "fill 4 7", "pin 1", "veto 2 5"] {
        run.run(command);
    }
    run.run("step");
    assert_eq!(run.tokens(), [0, MASK, 2, MASK, 7, MASK]);
    let told = run.told();
    let [go] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(go["from"], 1);
    assert_eq!(go["knobs"], json!({"tau": 0.25, "greedy": false}));
    assert_eq!(go["canvas"], json!([0, MASK, MASK, MASK, 7, MASK]));
    assert_eq!(go["edits"].as_array().unwrap().len(), 3);
    assert_eq!(go["edits"][0], json!({"fill": [4, 7]}));
    assert_eq!((&go["pins"], &go["vetoes"]), (&json!([1]), &json!([[2, 5]])));

    // The edits stand once in the tree, and what comes then stands behind them.
    let timeline = run.debugger.session.timeline();
    let branch = timeline.branch(run.debugger.session.at());
    let edits = branch.iter().filter(|&&node| matches!(timeline[node].made, NodeOrigin::Edit(_)));
    assert_eq!((timeline.len(), branch.len(), edits.count()), (6, 6, 3));
    let cell = run.debugger.session.canvas().cells()[2];
    assert_eq!(cell.filled, Some(5), "the fifth node of the branch wrote it");
    run.run("step");
    assert_eq!(run.told()[0]["from"], 3);
}

#[test]
fn a_run_stops_at_the_very_step_where_a_condition_holds() {
    let mut run = stepwise();
    run.run("break masks <= 3");
    assert_eq!(run.run("continue"), Some(Stop::Hit(vec![1])));
    assert_eq!(run.tokens(), [0, 1, 2, MASK, MASK, MASK]);
    run.rest();
    // Nothing was asked of it beyond that step.
    assert_eq!(run.told().len(), 3);
    assert_eq!(run.run("until masks <= 1"), Some(Stop::Reached));
    assert_eq!(run.told().len(), 2);
}

#[test]
fn a_loop_that_cannot_go_back_is_not_asked_to() {
    let mut run = stepwise();
    run.run("step 3");
    run.run("back 2");
    // Known steps are gone over.
    run.run("step");
    assert_eq!(run.told().len(), 3);
    run.run("set tau 0.9");
    let Some(Stop::Loop(why)) = run.run("step") else { panic!("it was asked") };
    assert!(why.contains("the loop is at step 3") && why.contains("demask.run"), "{why}");
    assert!(run.told().is_empty());
    run.run("reset");
    run.run("step 2");
    assert_eq!(run.tokens(), [0, 1, 2, 3, MASK, MASK]);
}

#[test]
fn a_loop_that_can_go_back_branches() {
    let mut run = joined(|script| left_to_right(script, &["edit", "restore"])).unwrap();
    run.run("step 3");
    run.run("back 2");
    run.run("fill 5 7");
    run.run("step");
    assert_eq!(run.tokens(), [0, 1, MASK, MASK, MASK, 7]);
    let told = run.told();
    assert_eq!(told.last().unwrap()["from"], 1);
    assert_eq!(run.debugger.session.timeline().tips().len(), 2);
    // The same place under another value is another branch, and the same value is the same one.
    run.run("back 2");
    run.run("set tau 0.75");
    run.run("step 2");
    assert_eq!(run.tokens(), [0, 1, 2, MASK, MASK, MASK]);
    assert_eq!(run.debugger.session.timeline().tips().len(), 3);
    let told = run.told();
    assert_eq!(
        (told.len(), &told[0]["from"], &told[0]["knobs"]["tau"]),
        (2, &json!(1), &json!(0.75))
    );
    // Back on the first branch, where the loop is not.
    run.run("switch 1");
    run.run("goto end");
    run.run("step");
    assert_eq!(run.tokens(), [0, 1, 2, 3, MASK, MASK]);
    assert_eq!(run.told()[0]["from"], 3);
}

#[test]
fn a_proposal_is_pending_before_it_is_done() {
    let mut run = joined(|script| {
        script.read();
        script.greet(&["edit", "propose"], &json!([]));
        script.write(&json!({"kind": "root", "id": 0, "prompt": [], "length": 2}));
        script.write(&json!({"kind": "prediction", "key": "1", "rows": 2,
            "columns": {"argmax": [3, 4], "p_argmax": [0.9, 0.25]}}));
        script.write(&json!({"type": "propose", "node": 0, "prediction": "1", "canvas": [3, 9]}));
        script.wait_at(0);
        script.read();
        script.write(&json!({"kind": "step", "id": 1, "parent": 0, "prediction": "1",
            "canvas": [3, 9]}));
        script.wait_at(1);
        script.read();
    })
    .unwrap();
    // The words that came before anybody listened.
    while matches!(run.debugger.session.pending(), Pending::Done(_)) {
        run.hear();
    }
    let Pending::Decided { decision, .. } = run.debugger.session.pending() else { panic!() };
    assert_eq!(decision.fills().collect::<Vec<_>>(), [(0, 3)]);
    let why = run.debugger.execute(&parse("why 0").unwrap()).unwrap().lines.join("\n");
    assert!(why.contains("0.900"), "{why}");
    run.run("step");
    assert_eq!(run.tokens(), [3, MASK]);
    assert_eq!(run.debugger.session.timeline().len(), 2);
}

#[test]
fn positions_that_hold_noise_are_open_and_not_written() {
    let mut run = joined(|script| {
        script.read();
        script.write(&json!({"type": "hello", "protocol": 1, "loop": "a test", "name": "noise"}));
        script.write(&json!({"kind": "header", "format": "demask", "version": [1, 6],
            "model": {"name": "m"}, "strategy": "noise"}));
        script.write(&json!({"kind": "root", "id": 0, "prompt": [], "canvas": [5, 6, 7],
            "open": [0, 1, 2]}));
        script.wait_at(0);
        script.read();
        script.write(&json!({"kind": "step", "id": 1, "parent": 0, "canvas": [2, 4, 7],
            "open": [1, 2]}));
        script.wait_at(1);
        script.read();
        // The first is taken back, the others are written.
        script.write(&json!({"kind": "step", "id": 2, "parent": 1, "canvas": [3, 4, 7],
            "open": [0]}));
        script.wait_at(2);
        script.read();
    })
    .unwrap();
    assert_eq!(run.debugger.session.canvas().masks(), 3);
    // No token is known to end a text: nothing of it is a tail.
    assert_eq!(run.debugger.session.canvas().tail(), 3);
    assert_eq!(run.debugger.session.canvas().inputs(), [5, 6, 7]);
    let why = run.debugger.execute(&parse("why 1").unwrap()).unwrap().lines.join("\n");
    assert!(why.contains("open, holds") && why.contains('6'), "{why}");
    run.run("step");
    let canvas = run.debugger.session.canvas();
    assert_eq!((canvas.masks(), canvas.inputs()), (2, vec![2, 4, 7]));
    run.run("step");
    let session = &run.debugger.session;
    let decision = &session.node().step().unwrap().decision;
    assert_eq!(decision.fills().collect::<Vec<_>>(), [(1, 4), (2, 7)]);
    assert_eq!(decision.remasks().collect::<Vec<_>>(), [(0, 2)]);
    assert_eq!(decision.replacements().count(), 0);
    // Without a mask token nothing can be remasked; a token can be written.
    run.run("remask 1");
    let Some(Stop::Loop(why)) = run.run("step") else { panic!("it was asked") };
    assert!(why.contains("no mask token"), "{why}");
}

#[test]
fn a_run_ends_where_the_loop_has_no_further_step() {
    let mut run = joined(|script| {
        script.read();
        script.greet(&["restore"], &json!([]));
        script.write(&json!({"kind": "root", "id": 0, "prompt": [], "length": 2}));
        script.wait_at(0);
        script.read();
        script.write(&json!({"kind": "step", "id": 1, "parent": 0, "canvas": [3, 4]}));
        script.write(&json!({"type": "waiting", "node": 1, "done": true,
            "kept": {"nodes": 2, "bytes": 64}}));
        while script.read().is_some() {}
    })
    .unwrap();
    assert_eq!(run.run("continue"), Some(Stop::Done(Finish::Complete)));
    // It is not told to go on from there, but it is still there.
    assert_eq!(run.told().len(), 1);
    assert_eq!(run.run("step"), Some(Stop::Done(Finish::Complete)));
    assert_eq!(run.debugger.driven.as_ref().unwrap().kept().unwrap().bytes, 64);
    assert!(run.told().is_empty() && run.debugger.loop_is_done());
}

#[test]
fn a_parameter_that_comes_late_is_named() {
    let mut run = joined(|script| {
        script.read();
        script.greet(&[], &json!([]));
        script.write(&json!({"kind": "root", "id": 0, "prompt": [], "length": 2}));
        script.wait_at(0);
        script.write(&json!({"type": "knobs", "knobs": [
            {"name": "tau", "kind": "float", "default": 0.5}]}));
        script.read();
    })
    .unwrap();
    while run.printed.is_empty() {
        run.hear();
    }
    assert!(run.printed[0].contains("the parameter tau was declared after"), "{:?}", run.printed);
}

#[test]
fn a_loop_is_told_to_stop_and_ends() {
    let mut run = stepwise();
    run.run("step 2");
    run.rest();
    run.run("stop");
    while run.over.is_none() {
        run.hear();
    }
    assert!(matches!(run.over, Some(RunNews::Over(_))), "{:?}", run.over);
    assert!(matches!(run.run("step"), Some(Stop::Done(_))));
    assert_eq!(run.debugger.session.timeline().branch(NodeId(0)).len(), 3);
}

#[test]
fn a_loop_that_dies_or_lies_leaves_what_it_did() {
    let check = |line: &'static [u8], expected: &str| {
        let mut run = joined(|script| {
            script.read();
            script.greet(&[], &json!([]));
            script.write(&json!({"kind": "root", "id": 0, "prompt": [], "length": 2}));
            script.wait_at(0);
            script.read();
            script.write(&json!({"kind": "step", "id": 1, "parent": 0, "canvas": [3, 9]}));
            let _ = script.output.write_all(line);
        })
        .unwrap();
        run.run("step");
        while run.over.is_none() {
            run.hear();
        }
        let Some(RunNews::Failed(why)) = &run.over else { panic!("{:?}", run.over) };
        assert!(why.contains(expected), "{why}");
        assert_eq!(run.tokens(), [3, MASK]);
    };
    check(b"", "has ended without a word");
    check(b"{\"kind\": \"st", "has ended without a word");
    check(b"{\"type\": \"error\", \"message\": \"it is tired\"}\n", "from the loop: it is tired");
    check(b"HTTP/1.1 400\n", "no message");
    check(b"{\"kind\": \"step\", \"id\": 2, \"parent\": 7, \"canvas\": [3, 4]}\n", "no node 7");
    check(b"{\"type\": \"waiting\", \"node\": 5}\n", "no node 5");
    check(b"{\"type\": \"propose\", \"node\": 1, \"canvas\": [1], \"open\": [4]}\n", "position 4");
}

#[test]
fn the_record_of_a_loop_shows_what_its_parameters_were() {
    let lines = [
        json!({"kind": "header", "format": "demask", "version": [1, 6], "strategy": "threshold",
            "model": {"name": "m", "mask": MASK}, "knobs": [
                {"name": "tau", "kind": "float", "default": 0.5, "low": 0, "high": 1, "help": "How sure"},
                {"name": "n", "kind": "int", "default": 3},
                {"name": "greedy", "kind": "bool", "default": true},
                {"name": "order", "kind": "choice", "default": "best", "choices": ["left", "best"]},
                {"name": "odd", "kind": "float", "default": 7, "low": 0, "high": 1},
                {"name": "new", "kind": "matrix", "default": 1}]}),
        json!({"kind": "root", "id": 0, "length": 2, "params": {"tau": 0.5, "order": "left"}}),
        json!({"kind": "step", "id": 1, "parent": 0, "canvas": [3, 9],
            "params": {"tau": 0.25, "greedy": false}}),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.map(|line| line.to_string()).join("\n")).unwrap();
    let recording = demask::trace::read(file.path()).unwrap();
    let timeline = &recording.recorded.timeline;
    let shown = |node: usize| {
        let params = timeline[NodeId(node)].params.iter();
        params.map(|(spec, value)| format!("{} {value}", spec.name)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(shown(0), "tau 0.5, n 3, greedy true, order left");
    assert_eq!(shown(1), "tau 0.25, n 3, greedy false, order best");
    // Its name is that of a strategy of ours, which has other parameters.
    assert!(!recording.recorded.strategy.decides());
    let (session, vocabulary) = (recording.session(), recording.vocabulary.clone());
    let mut debugger = Debugger::new(session, vocabulary, Box::new(NoHost), false, 10);
    let refused = debugger.execute(&parse("set tau 0.75").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("tau is 0.25 on record"), "{refused}");
}

#[test]
fn what_is_no_loop_is_named() {
    let check = |line: Value, expected: &str| {
        let refused = joined(move |script| {
            script.read();
            script.write(&line);
            script.read();
        });
        let Err(why) = refused.map(drop) else { panic!("it was joined") };
        assert!(why.contains(expected) && why.contains("unix:"), "{why}");
    };
    check(json!({"type": "hello", "protocol": 1, "engine": "demask.engine 0.1.0"}), "--engine");
    check(json!({"type": "hello", "protocol": 2, "loop": "demask 9"}), "update demask");
    check(json!({"type": "error", "message": "another debugger is here: leave it"}), "leave it");
    check(json!("hello"), "something else listens there");
    let gone = Address::Unix("/nowhere/at/all".into());
    let Err(why) = driving::join(&gone, None, &mut |_| ControlFlow::Continue(())).map(drop) else {
        panic!("nothing listens there")
    };
    assert!(why.contains("nothing listens there"), "{why}");
}
