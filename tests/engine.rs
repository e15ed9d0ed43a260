//! Engines: the errors where one is not there, dies, hangs or sends wrong answers; and an engine
//! under PyTorch against our own passes.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Write},
    ops::ControlFlow,
    os::unix::net::{UnixListener, UnixStream},
    process::Command as Process,
    time::Duration,
};

use crate::support::{chosen_python, load, load_from, load_in_torch, load_with_columns_in_torch};
use demask::{
    canvas::SpecialTokens,
    decode::{Extras, Params, STRATEGIES},
    engine::{self, Address, Connected},
    model::{LoadError, Loaded, Overrides},
    predict::{Attention, Column, Pass, PredictError, Request},
    session::{Pending, Session},
};

const GREETING: &str = r#"{"type": "hello", "protocol": 1, "engine": "a test", "name": "three",
    "device": "cpu", "dtype": "f32", "vocabulary": 3, "context": 8, "mask": 2, "eos": 1,
    "can": ["attention_full"]}"#;

const TEXTS: &str = r#"{"type": "texts", "id": 2, "texts": ["a", {"control": "</s>"}, null]}"#;

fn connected(address: &Address) -> Result<Connected, LoadError> {
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    engine::connect(address, &Overrides::default(), go_on, &mut |_| {})
}

/// An engine that is a shell script: `read l` waits for a message.
fn shell(script: &str) -> Address {
    Address::Command(vec!["/bin/sh".into(), "-c".into(), format!("PATH=/usr/bin:/bin; {script}")])
}

fn one_line(json: &str) -> String {
    json.replace('\n', " ")
}

/// The script of an engine that greets, sends its texts, and goes on with `then`.
fn greets_and(then: &str) -> Address {
    let (greeting, texts) = (one_line(GREETING), one_line(TEXTS));
    shell(&format!("read l; echo '{greeting}'; read l; echo '{texts}'; {then}"))
}

fn request() -> Request {
    let special = SpecialTokens { mask: 2, eos: 1 };
    crate::support::request(vec![0, 2, 2], 1..3, special, &[Column::Argmax], 0)
}

#[test]
fn an_engine_that_does_not_come_up_says_why() {
    let check = |address: Address, expected: &[&str]| {
        let Err(error) = connected(&address).map(|_| ()) else { panic!("{address} is there") };
        for part in expected {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    };
    check("no-such-program-here".parse().unwrap(), &["no-such-program-here", "cannot be started"]);
    check("unix:/nowhere/at/all".parse().unwrap(), &["unix:/nowhere/at/all", "nothing listens"]);
    check(
        shell("echo 'No module named torch' >&2; exit 3"),
        &["exit status: 3", "No module named torch"],
    );
    check(shell("echo '{Loading'; sleep 9"), &["no message of the protocol", "{Loading"]);
    let hello = r#"{"type": "hello", "protocol": 1, "loop": "demask 0.1.0", "name": "mine"}"#;
    check(shell(&format!("read l; echo '{hello}'; sleep 9")), &["a sampling loop", "attach"]);
    check(shell("echo all done; exit 0"), &["exit status: 0"]);
    check(
        shell(
            r#"read l; echo '{"type": "error", "id": null, "kind": "load", "message": "it has no weights", "traceback": "  File x\nKeyError: 1"}'"#,
        ),
        &["it has no weights", "KeyError: 1"],
    );
    let later = one_line(GREETING).replace("\"protocol\": 1", "\"protocol\": 7");
    check(shell(&format!("read l; echo '{later}'; sleep 9")), &["version 7", "update demask"]);
    let masked = one_line(GREETING).replace("\"mask\": 2", "\"mask\": 1");
    let texts = one_line(TEXTS);
    check(
        shell(&format!("read l; echo '{masked}'; read l; echo '{texts}'; sleep 9")),
        &["at once"],
    );
    let none = one_line(GREETING).replace("\"mask\": 2,", "");
    check(
        shell(&format!("read l; echo '{none}'; read l; echo '{texts}'; sleep 9")),
        &["--mask-token"],
    );
}

#[test]
fn what_a_script_prints_before_it_serves_is_told() {
    let (greeting, texts) = (one_line(GREETING), one_line(TEXTS));
    let script = format!("echo 'Loading …'; read l; echo '{greeting}'; read l; echo '{texts}'");
    let (go_on, mut told) = (&mut |_: &_| ControlFlow::Continue(()), Vec::new());
    let overrides = Overrides::default();
    engine::connect(&shell(&script), &overrides, go_on, &mut |line| told.push(line)).unwrap();
    assert_eq!(told, ["the engine says: Loading …"]);
}

#[test]
fn an_engine_that_dies_or_lies_in_a_pass_is_named_and_started_again() {
    let pass = |loaded: &mut Loaded| {
        loaded.predictor.predict(&request(), &mut |_| ControlFlow::Continue(()))
    };
    let predicted = |then: &str| pass(&mut connected(&greets_and(then)).unwrap().loaded());
    let argmax =
        r#"{"type": "prediction", "id": 3, "columns": {"argmax": {"u32": "AAAAAAEAAAA="}}}"#;
    let first = predicted(&format!("read l; echo '{argmax}'; sleep 9")).unwrap();
    assert_eq!(first.ids(Column::Argmax), Ok(&[0, 1][..]));

    // The engine is started again and answers: texts are not asked for again, so the pass is its
    // first request.
    let folder = tempfile::tempdir().unwrap();
    let lived = folder.path().join("lived").display().to_string();
    let (greeting, texts) = (one_line(GREETING), one_line(TEXTS));
    let again = argmax.replace("\"id\": 3", "\"id\": 2");
    let mut loaded = connected(&shell(&format!(
        "read l; echo '{greeting}'; read l
         if [ -e {lived} ]; then echo '{again}'; sleep 9; fi
         echo '{texts}'; read l; touch {lived}; echo 'out of memory' >&2; exit 9"
    )))
    .unwrap()
    .loaded();
    let error = pass(&mut loaded).unwrap_err().to_string();
    for part in ["exit status: 9", "out of memory", "starts it anew"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(pass(&mut loaded).unwrap(), first);

    let lie = argmax.replace("AAAAAAEAAAA=", "AAAAAA==");
    let error = predicted(&format!("read l; echo '{lie}'; exit")).unwrap_err().to_string();
    assert!(error.contains("column `argmax`") && error.contains("has 4 bytes"), "{error}");

    let unasked = argmax.replace("\"id\": 3", "\"id\": 99");
    let error = predicted(&format!("read l; echo '{unasked}'; sleep 9")).unwrap_err().to_string();
    assert!(error.contains("answers request 99, which was not sent"), "{error}");

    // Nobody reads log messages after the greeting: a flood of them holds nothing up.
    let log = r#"{"type": "log", "text": "a line"}"#;
    let flood = format!("i=0; while [ $i -lt 2000 ]; do echo '{log}'; i=$((i+1)); done");
    let pass = predicted(&format!("read l; {flood}; echo '{argmax}'; sleep 9"));
    assert_eq!(pass.unwrap(), first);

    let half = "printf '{\"type\": \"predic'; exit 5";
    let error = predicted(&format!("read l; {half}")).unwrap_err().to_string();
    assert!(error.contains("exit status: 5"), "{error}");

    let failed = r#"{"type": "error", "id": 3, "kind": "failed", "message": "CUDA out of memory", "traceback": null}"#;
    let error = predicted(&format!("read l; echo '{failed}'; exit")).unwrap_err().to_string();
    assert!(error.contains("CUDA out of memory"), "{error}");
}

#[test]
fn a_pass_of_an_engine_that_hangs_is_left_at_once() {
    let mut loaded = connected(&greets_and("sleep 60")).unwrap().loaded();
    let begun = std::time::Instant::now();
    let mut asked = 0;
    let pass = loaded.predictor.predict(&request(), &mut |_| {
        asked += 1;
        if asked == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(pass, Err(PredictError::Cancelled)), "{pass:?}");
    // The script itself would run for a minute.
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_an_engine_cannot_do_is_refused_by_name() {
    let mut loaded = connected(&greets_and("sleep 60")).unwrap().loaded();
    let mut refused = |request: &Request| match loaded
        .predictor
        .predict(request, &mut |_| ControlFlow::Continue(()))
    {
        Err(PredictError::Unsupported(why)) => why,
        other => panic!("{other:?}"),
    };
    let blocks = Attention::BlockCausal { block: 2, before: 0, seen: None };
    let pass = Pass { attention: blocks, ..request().pass };
    let why = refused(&Request { pass, ..request() });
    assert!(why.contains("attend in blocks (attention_blocks)"), "{why}");
    // A model that was found to be causal does not say that it sees all.
    let causal = one_line(GREETING).replace("attention_full", "attention_keys");
    let script = format!("read l; echo '{causal}'; read l; echo '{}'; sleep 60", one_line(TEXTS));
    let mut unseeing = connected(&shell(&script)).unwrap().loaded();
    let answer = unseeing.predictor.predict(&request(), &mut |_| ControlFlow::Continue(()));
    let why = answer.unwrap_err().to_string();
    assert!(why.contains("its model is causal (attention_full)"), "{why}");
    let pass = Pass { ids: vec![0; 9], ..request().pass };
    let why = refused(&Request { pass, rows: 1..9, ..request() });
    assert!(why.contains("9 positions") && why.contains("context of 8"), "{why}");
}

#[test]
fn an_engine_on_a_socket_is_joined_and_outlives_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            greet(&stream);
            // Waits until the other side leaves.
            BufReader::new(stream).lines().map_while(Result::ok).for_each(drop);
        }
    });
    for _ in 0..2 {
        let engine = connected(&Address::Unix(path.clone())).unwrap();
        assert_eq!(engine.vocabulary().named(0), "“a”");
        assert_eq!(engine.vocabulary().named(1), "⟨</s>⟩");
        assert_eq!(engine.vocabulary().named(2), "#2");
    }
    server.join().unwrap();
}

fn greet(mut stream: &UnixStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for answer in [GREETING, TEXTS] {
        lines.next().unwrap().unwrap();
        writeln!(stream, "{}", one_line(answer)).unwrap();
    }
}

#[test]
fn options_of_our_own_way_to_compute_are_none_of_an_engines() {
    let check = |arguments: &[&str], expected: &str| {
        let output = Process::new(env!("CARGO_BIN_EXE_demask"))
            .args(["run", "hello", "--no-config"])
            .args(arguments)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {printed}");
        assert!(printed.contains(expected), "{arguments:?}: {printed}");
    };
    check(&["--engine", "true", "--quantize", "q8_0"], "cannot be used with");
    check(&["--engine", "true", "--cache", "dual"], "--cache");
    check(&["--engine", "true", "--chat-template", "x"], "--chat-template");
    check(&["--engine", "tcp:10.1.2.3:80"], "ssh -L");
    check(&["--backend", "torch"], "--model");
    check(&["--backend", "torch", "--model", "x", "--quantize", "q8_0"], "--quantize");
}

/// Runs to the end and returns the canvas after each step.
fn canvases(model: &mut Loaded, name: &str, set: &[(&str, &str)]) -> Vec<Vec<u32>> {
    let strategy = STRATEGIES.iter().copied().find(|strategy| strategy.name() == name).unwrap();
    let mut params = Params::defaults(strategy.params());
    for (name, value) in set {
        if let Ok(spec) = params.spec(name) {
            params.set(name, spec.parse(value).unwrap()).unwrap();
        }
    }
    let prompt = [348, 75, 75, 78, 264, 257, 68];
    let special = model.facts.special;
    let extras = Extras { reading: model.facts.reading, ..Extras::NONE };
    let mut session = Session::new(strategy, &prompt, special, params, extras, None).unwrap();
    let mut canvases = Vec::new();
    loop {
        match session.pending().clone() {
            Pending::Wanted { key, request } => {
                let go_on = &mut |_| ControlFlow::Continue(());
                let prediction = model.predictor.predict(&request, go_on);
                session.supply(key, prediction.unwrap(), Duration::ZERO);
            }
            Pending::Decided { .. } => {
                session.step().unwrap();
                canvases.push(session.canvas().tokens());
            }
            Pending::Done(_) => return canvases,
            other => panic!("{name} {set:?}: {other:?}"),
        }
    }
}

#[test]
#[ignore = "needs torch and safetensors in the Python that DEMASK_PYTHON names"]
fn the_same_seed_gives_the_same_run_in_pytorch() {
    let folder = "llada-a";
    let (mut ours, mut theirs) = (load(folder), load_in_torch(folder));
    let mut reducing = load_with_columns_in_torch(folder);
    let short = [
        ("gen_length", "32"),
        ("max_gen_length", "48"),
        ("initial_gen_length", "16"),
        ("block_length", "16"),
        ("steps", "16"),
        ("expand_token_id", "40"),
        ("delete_token_id", "41"),
        ("split_token_id", "42"),
    ];
    let noise = [("temperature", "0.7"), ("seed", "5")];
    let guided = [("cfg_scale", "1.5")];
    for strategy in STRATEGIES {
        // Guidance works the same in all strategies, so one of them is enough.
        let guided = (strategy.name() == "daedal").then_some(&guided[..]);
        for more in [&[][..], &noise].into_iter().chain(guided) {
            let set: Vec<_> = short.iter().chain(more).copied().collect();
            let name = strategy.name();
            let expected = canvases(&mut ours, name, &set);
            assert!(!expected.is_empty());
            assert_eq!(canvases(&mut theirs, name, &set), expected, "{name} {more:?}");
            assert_eq!(canvases(&mut reducing, name, &set), expected, "{name} {more:?}");
        }
    }
}

/// Qwen3 is a causal class of transformers: only the engine's 4-D mask makes it see everything.
#[test]
#[ignore = "needs torch and transformers in the Python that DEMASK_PYTHON names"]
fn a_qwen3_of_transformers_decides_as_our_own_does() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let written = Process::new(chosen_python())
        .args([format!("{root}/tests/python/tiny_qwen3.py"), place.clone()])
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    // A golden checkpoint's name or, as here, a whole path.
    let mut ours = load(&format!("{place}/ours"));
    let package = format!("PYTHONPATH={root}/python");
    let served = ["-m".to_owned(), "demask.engine".to_owned(), format!("{place}/theirs")];
    let command = ["/usr/bin/env".to_owned(), package, chosen_python()];
    let mut theirs = load_from(command.into_iter().chain(served).collect());
    assert_eq!(theirs.facts.special, ours.facts.special);
    let set = [
        ("gen_length", "32"),
        ("max_gen_length", "48"),
        ("initial_gen_length", "16"),
        ("block_length", "16"),
        ("steps", "16"),
        ("expand_token_id", "40"),
        ("delete_token_id", "41"),
        ("split_token_id", "42"),
    ];
    for strategy in STRATEGIES {
        let expected = canvases(&mut ours, strategy.name(), &set);
        assert!(expected.len() > 1, "{}", strategy.name());
        assert_eq!(canvases(&mut theirs, strategy.name(), &set), expected, "{}", strategy.name());
    }
}
