//! Runs side by side: in lockstep each session runs as it would alone, and where two part does not
//! depend on which comes first.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use crate::support::fake::{Fake, FakeTexts, SPECIAL};
use demask::{
    canvas::{Canvas, TokenId},
    compare::{
        ComparedBy, Figures, Lockstep, LockstepAdvance, LockstepRun, RunPath, excerpt,
        first_difference,
    },
    decode::{Extras, Recipe},
    predict::{Prediction, Predictor, Request},
    session::{Pending, Session, StepError},
};
use proptest::prelude::*;

const PROMPT: [TokenId; 3] = [1, 2, 3];

fn session(recipe: &str) -> Session {
    let recipe = Recipe::parse(recipe).unwrap();
    let extras = Extras::NONE;
    let params = recipe.params(&[]).unwrap();
    Session::new(recipe.strategy, &PROMPT, SPECIAL, params, extras, None).unwrap()
}

fn predict(request: &Request) -> Prediction {
    Fake.predict(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// Runs it alone to its end.
fn alone(recipe: &str) -> Session {
    let mut session = session(recipe);
    loop {
        if let Pending::Wanted { key, request } = session.pending().clone() {
            let prediction = predict(&request);
            session.supply(key, prediction, Duration::from_millis(3));
        }
        match session.step() {
            Ok(_) => {}
            Err(StepError::Done(_)) => return session,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Answers what is wanted; how many passes that took.
fn answer(lockstep: &mut Lockstep<Session>) -> usize {
    let wanted = lockstep.wanted();
    for pass in &wanted {
        let prediction = predict(&pass.request);
        lockstep.supply(pass.model, pass.key, prediction, Duration::from_millis(3));
    }
    wanted.len()
}

/// Runs them to their ends; how many passes that took.
fn together(recipes: &[String]) -> (Lockstep<Session>, usize) {
    let runs = recipes.iter().map(|recipe| session(recipe)).collect();
    let mut lockstep = Lockstep { runs };
    let mut passes = 0;
    loop {
        match lockstep.step_all().unwrap() {
            LockstepAdvance::Moved => {}
            LockstepAdvance::Waiting => passes += answer(&mut lockstep),
            LockstepAdvance::Over => return (lockstep, passes),
        }
    }
}

fn canvases(session: &Session) -> Vec<Arc<Canvas>> {
    let timeline = session.timeline();
    timeline.path(session.at()).iter().map(|&node| timeline[node].canvas.clone()).collect()
}

fn recipes() -> impl Strategy<Value = Vec<String>> {
    let recipe =
        (0..3_u8, 1..6_usize, 1..9_usize, 0..3_u8).prop_map(|(high, start, block, hot)| {
            format!(
                "daedal:initial_gen_length={},max_gen_length=24,block_length={block},\
             eos_check_tokens=4,expansion_factor=4,high_conf_threshold=0.{},\
             temperature={}",
                start * 2,
                5 + high * 2,
                f64::from(hot / 2) * 0.5,
            )
        });
    prop::collection::vec(recipe, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn in_lockstep_each_runs_as_it_would_alone(recipes in recipes()) {
        let (lockstep, passes) = together(&recipes);
        let mut counted = 0;
        for (run, recipe) in lockstep.runs.iter().zip(&recipes) {
            let single = alone(recipe);
            prop_assert_eq!(canvases(run), canvases(&single));
            let (figures, own) = (Figures::of(RunPath::here(run)), Figures::of(RunPath::here(&single)));
            prop_assert_eq!(figures.nfe, own.nfe);
            prop_assert_eq!((figures.finish, figures.forward), (own.finish, own.forward));
            counted += run.passes();
        }
        prop_assert_eq!(counted, passes);
    }

    #[test]
    fn where_two_part_is_the_same_from_both_sides(recipes in recipes()) {
        let (lockstep, _) = together(&recipes);
        for one in &lockstep.runs {
            let by = ComparedBy::Tokens;
            let same = first_difference(RunPath::here(one), RunPath::here(one), by);
            prop_assert_eq!((same.step, same.positions), (None, None));
            for two in &lockstep.runs {
                let (one, two) = (RunPath::here(one), RunPath::here(two));
                let difference = first_difference(one, two, by);
                prop_assert_eq!(difference, first_difference(two, one, by));
                prop_assert_eq!(difference.positions.is_none(), one.answer() == two.answer());
                // They are equal up to there, and there they are not.
                let (a, b) = (canvases(one.session), canvases(two.session));
                let tokens = |of: &[Arc<Canvas>], at: usize| of[at.min(of.len() - 1)].tokens();
                let to = difference.step.unwrap_or(a.len().max(b.len()));
                for step in 0..to {
                    prop_assert_eq!(tokens(&a, step), tokens(&b, step));
                }
                if let Some(step) = difference.step {
                    prop_assert_ne!(tokens(&a, step), tokens(&b, step));
                }
            }
        }
    }

    #[test]
    fn going_back_and_on_leads_to_the_same_without_a_pass(recipes in recipes(), back in 1..9_usize) {
        let (mut lockstep, _) = together(&recipes);
        let (before, end) = (lockstep.runs.iter().map(canvases).collect::<Vec<_>>(), lockstep.step());
        for _ in 0..back {
            lockstep.back_all();
        }
        prop_assert_eq!(lockstep.step(), end.saturating_sub(back));
        while lockstep.step_all().unwrap() == LockstepAdvance::Moved {}
        prop_assert_eq!(lockstep.runs.iter().map(canvases).collect::<Vec<_>>(), before);
        prop_assert_eq!(lockstep.step(), end);
    }
}

#[test]
fn equal_requests_are_one_pass() {
    let recipe = "daedal:initial_gen_length=8,max_gen_length=16,eos_check_tokens=4".to_owned();
    let (one, passes) = together(std::slice::from_ref(&recipe));
    let (three, shared) = together(&[recipe.clone(), recipe.clone(), recipe]);
    assert_eq!(passes, shared);
    let counted: Vec<usize> = three.runs.iter().map(Session::passes).collect();
    assert_eq!(counted, [one.runs[0].passes(), 0, 0]);
}

#[test]
fn a_lane_that_is_behind_catches_up_alone() {
    let recipe = "daedal:initial_gen_length=8,max_gen_length=16,eos_check_tokens=4".to_owned();
    let (mut lockstep, _) = together(&[recipe.clone(), recipe]);
    let end = lockstep.step();
    let start = lockstep.runs[1].timeline().roots()[0];
    lockstep.runs[1].session_mut().go(start);
    assert_eq!(lockstep.step_all(), Ok(LockstepAdvance::Moved));
    let depths: Vec<u32> = lockstep.runs.iter().map(|run| run.node().depth).collect();
    assert_eq!(depths, [end as u32, 1]);
}

#[test]
fn an_excerpt_stays_within_the_answer() {
    let session = alone("daedal:initial_gen_length=8,max_gen_length=8,eos_check_tokens=4");
    let run = RunPath::here(&session);
    let whole = run.answer().len();
    for position in 0..whole + 3 {
        let excerpt = excerpt(run, position, 2, &FakeTexts);
        assert!(position < whole || excerpt.at.is_empty(), "{position}: {excerpt:?}");
    }
}

/// `demask compare` with these arguments.
fn demask(args: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("demask").unwrap();
    command.arg("compare").args(args).env_remove("NO_COLOR");
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

const ASKED: &str = "Name 2 animals and 3 places.";

#[test]
fn the_table_has_a_row_for_each_and_says_where_they_part() {
    let args = ["--strategies", "daedal,daedal:preset=fixed,initial_gen_length=24,daedal", ASKED];
    let output = demask(&args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.starts_with("note: the embedded model") && told.lines().count() == 1, "{told}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let head =
        ["strategy", "N_token", "E_token", "E_ratio", "before tail", "NFE", "passes", "time"];
    for word in head.into_iter().chain(["finish"]) {
        assert!(lines[0].contains(word), "{text}");
    }
    for (at, line) in lines[1..4].iter().enumerate() {
        assert!(line.starts_with(&format!("{} daedal", at + 1)), "{text}");
        assert!(line.ends_with("complete"), "{text}");
    }
    // Numbers stand under their heading's end.
    let end = lines[0].find("NFE").unwrap() + 3;
    assert!(lines[1..4].iter().all(|line| line[..end].ends_with(|c: char| c.is_ascii_digit())));
    assert!(text.contains("2 starts from another canvas than 1"), "{text}");
    assert!(text.contains("3 and 1 are the same at every step"), "{text}");
}

#[test]
fn its_json_is_one_object_and_equal_passes_are_run_once() {
    let list = "daedal,daedal:high_conf_threshold=0.5,daedal";
    let prompt = "Write a story in 4 sentences about a small owl who finds a drum.";
    let output = demask(&["--strategies", list, "--json", "--seed", "3", prompt]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["finish"], "complete");
        assert_eq!(run["ids"].as_array().unwrap().len() as u64, run["n_token"].as_u64().unwrap());
        let ratio = run["e_token"].as_f64().unwrap() / run["n_token"].as_f64().unwrap();
        assert_eq!(run["e_ratio"].as_f64().unwrap(), ratio);
    }
    assert_eq!(runs[2]["passes"], 0);
    // Stage 1 is the same in both.
    assert!(runs[1]["passes"].as_u64() < runs[1]["nfe"].as_u64());
    assert!(runs[0]["difference"].is_null());
    assert!(runs[1]["difference"]["step"].as_u64() > Some(0));
    assert!(runs[2]["difference"]["step"].is_null());
    assert!(runs[2]["difference"]["position"].is_null());
    let passes: u64 = runs.iter().filter_map(|run| run["passes"].as_u64()).sum();
    assert_eq!(json["passes"].as_u64(), Some(passes));
}

#[test]
fn each_run_is_recorded_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("deep/down");
    let record = ["--record", into.to_str().unwrap(), "--json"];
    let list = ["--strategies", "daedal,daedal:preset=fixed", ASKED];
    let output = demask(&[&list[..], &record].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (at, run) in json["runs"].as_array().unwrap().iter().enumerate() {
        let file = into.join(format!("daedal-{}.jsonl", at + 1));
        let recording = demask::trace::read(&file).unwrap();
        assert!(recording.notices.is_empty(), "{:?}", recording.notices);
        let end = recording.recorded.end;
        let tokens = recording.recorded.timeline[end].canvas.tokens();
        assert_eq!(serde_json::json!(tokens), run["ids"]);
        // It can be decided again: every prediction is there, the shared ones too.
        let mut replay = assert_cmd::Command::cargo_bin("demask").unwrap();
        let output = replay.args(["lint", file.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code().map(|code| code < 2), Some(true));
    }
    // What is there is not written over.
    let again = demask(&[&list[..], &record].concat()).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("would be lost"));
}

/// A golden checkpoint's folder.
fn golden(name: &str) -> String {
    crate::support::golden().join("models").join(name).display().to_string()
}

/// What `demask compare --json` says of these models.
fn compared(first: &str, against: &[&str], more: &[&str]) -> serde_json::Value {
    let mut args = vec!["--json", "--model", first];
    for text in against {
        args.extend(["--against", text]);
    }
    let output = demask(&[&args[..], more].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const SHORT: &str = "daedal:initial_gen_length=16,max_gen_length=32";

#[test]
fn each_model_runs_as_it_would_alone() {
    let (folder, first, second) =
        (tempfile::tempdir().unwrap(), golden("llada-a"), golden("dream-a"));
    let into = folder.path().to_str().unwrap();
    let list = format!("{SHORT},threshold:gen_length=32");
    let more = ["--strategies", &list, "--record", into, ASKED];
    let json = compared(&first, &[&second], &more);
    let names = |field: &str| -> Vec<&str> {
        json["models"].as_array().unwrap().iter().map(|of| of[field].as_str().unwrap()).collect()
    };
    assert_eq!(names("label"), ["llada-a", "dream-a"]);
    assert_eq!(names("family"), ["llada", "Dream"]);
    let runs = json["runs"].as_array().unwrap();
    let told: Vec<[&str; 2]> = runs
        .iter()
        .map(|run| [run["strategy"].as_str().unwrap(), run["model"].as_str().unwrap()])
        .collect();
    let threshold = "threshold:gen_length=32";
    let expected =
        [[SHORT, "llada-a"], [SHORT, "dream-a"], [threshold, "llada-a"], [threshold, "dream-a"]];
    assert_eq!(told, expected);
    for (at, (run, model)) in runs.iter().zip([&first, &second, &first, &second]).enumerate() {
        let strategy = run["strategy"].as_str().unwrap().split(':').next().unwrap();
        let lengths = match strategy {
            "daedal" => ["--initial-gen-length", "16", "--max-gen-length", "32"],
            _ => ["--gen-length", "32", "--candidates", "8"],
        };
        let mut alone = assert_cmd::Command::cargo_bin("demask").unwrap();
        alone.args(["run", "--no-config", "--json", "--model", model, "--strategy", strategy]);
        let output = alone.args(lengths).arg(ASKED).output().unwrap();
        let alone: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!([&run["ids"], &run["text"]], [&alone["ids"], &alone["text"]]);
        // The recording has the model's own header and the prompt as its tokenizer encodes it.
        let file = folder.path().join(format!("{strategy}-{}.jsonl", at + 1));
        let recording = demask::trace::read(&file).unwrap();
        assert_eq!(recording.header.model.name, run["model"].as_str().unwrap());
        let canvas = &recording.recorded.timeline[recording.recorded.end].canvas;
        assert_eq!(serde_json::json!(canvas.prompt()), alone["prompt"]["ids"]);
        assert_eq!(serde_json::json!(canvas.tokens()), run["ids"]);
    }
    // Texts are compared: by number, tokens of two vocabularies say nothing.
    let difference = &runs[1]["difference"];
    let text = |side: &str| -> String {
        ["at", "behind"].iter().map(|part| difference[side][part].as_str().unwrap()).collect()
    };
    assert_ne!(text("first"), text("own"));
    for (side, of) in [("first", &runs[0]), ("own", &runs[1])] {
        assert!(of["text"].as_str().unwrap().contains(&text(side)), "{difference}");
    }
}

#[test]
fn a_model_beside_itself_makes_the_same_run_with_passes_of_its_own() {
    let model = golden("llada-a");
    let json = compared(&model, &[&model], &[ASKED, "--strategies", SHORT]);
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs[0]["ids"], runs[1]["ids"]);
    for field in ["step", "position", "first_position", "first", "own"] {
        assert!(runs[1]["difference"][field].is_null(), "{field}: {}", runs[1]["difference"]);
    }
    let (nfe, passes) = (&runs[0]["nfe"], [&runs[0]["passes"], &runs[1]["passes"]]);
    assert!(passes[0].as_u64() <= nfe.as_u64() && passes[0] == passes[1] && passes[0] != 0);
    // On one model they are shared.
    let json = compared(&model, &[], &[ASKED, "--strategies", &format!("{SHORT},{SHORT}")]);
    assert_eq!([&json["runs"][0]["passes"], &json["runs"][1]["passes"]], [passes[0], &0.into()]);
}

#[test]
fn one_checkpoint_in_two_types_is_called_by_what_was_said() {
    let model = golden("llada-a");
    let against = ["--quantize q8_0", "--dtype bf16"];
    let json = compared(&model, &against, &[ASKED, "--strategies", SHORT]);
    let models: Vec<[&str; 3]> = json["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| ["label", "name", "dtype"].map(|field| of[field].as_str().unwrap()))
        .collect();
    let [f32, q8, bf16] = models.as_slice() else { panic!("{models:?}") };
    assert_eq!(f32, &["llada-a", "llada-a", "f32"]);
    assert_eq!((q8[0], bf16[0]), ("llada-a --quantize q8_0", "llada-a --dtype bf16"));
    assert!(q8[2].contains("q8_0") && bf16[2] == "bf16", "{models:?}");
    // The table says it of each run, and of each answer.
    let args = ["--model", &model, "--against", "--quantize q8_0", "--strategies", SHORT, ASKED];
    let output = demask(&args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("strategy") && lines[0].contains("  model  "), "{text}");
    assert!(lines[2].contains("  llada-a --quantize q8_0  "), "{text}");
    assert!(lines.contains(&format!("2 llada-a --quantize q8_0 · {SHORT}").as_str()), "{text}");
}

#[test]
#[cfg(unix)]
fn a_model_that_cannot_be_used_is_named() {
    let (model, long) = (golden("llada-a"), "many words ".repeat(600));
    let hello = r#"{"type": "hello", "protocol": 1, "engine": "a test", "name": "three", "device": "cpu", "dtype": "f32", "vocabulary": 3, "context": 80, "mask": 2, "eos": 1, "can": ["attention_full"]}"#;
    let texts = r#"{"type": "texts", "id": 2, "texts": ["a", {"control": "</s>"}, null]}"#;
    let script = format!("read l; echo '{hello}'; read l; echo '{texts}'; read l; exit 9");
    let dies = format!(
        "--engine {}",
        shlex::try_quote(&format!("/bin/sh -c {}", shlex::try_quote(&script).unwrap())).unwrap()
    );
    for (against, prompt, parts) in [
        ("no/where --offline", &[ASKED][..], &["--against no/where", "offline"][..]),
        ("--model /no/where/at/all", &[ASKED], &["--against --model /no/where", "no such folder"]),
        ("--engine no-such-program", &[ASKED], &["--against --engine no-such-program"]),
        ("--backend torch --quantize q8_0", &[ASKED], &["--against", "--quantize does not go"]),
        ("--dtype f8", &[ASKED], &["--against", "f8"]),
        (&golden("modernbert-a"), &[&long], &["of llada-a", "Shorten the prompt"]),
        // Its tokens are numbers in a larger vocabulary only.
        (&dies, &["--prompt-ids", "0,20"], &["--against --engine", "token 20", "three"]),
        (&dies, &["--prompt-ids", "0"], &["three: ", "exit status: 9"]),
    ] {
        let mut args = vec!["--model", &model, "--against", against, "--strategies", SHORT];
        args.extend(prompt);
        let output = demask(&args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "{against}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
    }
}

#[test]
#[ignore = "needs torch and safetensors in the Python that DEMASK_PYTHON names"]
fn an_engine_makes_the_run_that_we_make() {
    let model = golden("llada-a");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/serve_llada.py");
    let python = crate::support::chosen_python();
    let engine = format!("--engine '{python} {script} {model}'");
    let json = compared(&model, &[&engine], &["--prompt-ids", "1,20,300", "--strategies", SHORT]);
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs[0]["ids"], runs[1]["ids"]);
    assert!(runs[1]["difference"]["step"].is_null(), "{}", runs[1]);
}

#[test]
fn wrong_uses_are_refused() {
    for (args, code, word) in [
        (&["--strategies", "dadal,daedal", ASKED][..], 2, "there is no strategy `dadal`"),
        (&["--strategies", "daedal", ASKED], 2, "another model with --against"),
        (&["--strategies", "daedal,daedal:speed=1", ASKED], 2, "there is no parameter `speed`"),
        (&["--strategies", "daedal,daedal"], 2, "there is no prompt"),
        (&["--strategies", "daedal,daedal:initial_gen_length=4000", ASKED], 1, "context"),
    ] {
        let output = demask(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(word) && output.stdout.is_empty(), "{args:?}: {stderr}");
    }
}

#[test]
fn a_try_taken_over_is_the_run_that_its_parameters_make() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let prompt = "Write a story in 4 sentences about a small owl who finds a drum.";
    let run = |args: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("demask").unwrap();
        command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
        let output = command.arg("run").arg(prompt).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let script = "continue; passes; try high_conf_threshold=0.5; take; passes; text";
    let printed = run(&["--exec", script, "--record", file.to_str().unwrap()]);
    let alone = run(&["--high-conf-threshold", "0.5"]);
    assert!(printed.ends_with(&alone), "{printed}\n{alone}");
    assert_ne!(run(&[]), alone);
    // Nothing was run for the session itself.
    let passes: Vec<&str> =
        printed.lines().filter(|line| line.ends_with(" forward passes")).collect();
    assert!(passes.len() == 2 && passes[0] == passes[1], "{printed}");
    // Both runs are on record, whole.
    let recording = demask::trace::read(&file).unwrap();
    assert!(recording.notices.is_empty(), "{:?}", recording.notices);
    assert_eq!(recording.recorded.timeline.branches().len(), 2);
}
