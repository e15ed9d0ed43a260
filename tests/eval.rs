//! `demask eval` from outside: shards and interruptions leave no trace in the results.

#[cfg(unix)]
use crate::support::signal;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

fn demask(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demask"));
    command.args(args).env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// A small evaluation into `out`: two kinds of problems under two recipes, and tails.
fn small(out: &Path, more: &[&str]) -> Command {
    let out = out.to_str().unwrap();
    let mut args = vec!["eval", "--out", out, "--limit", "4", "--seed", "5", "--tails", "8,48"];
    args.extend(["--strategies", "daedal:max_gen_length=48,daedal:preset=fixed"]);
    args.extend(["--sweep", "initial_gen_length=16"]);
    args.extend(more);
    demask(&args)
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Refused with this exit code and these words, without a panic.
fn refused(mut command: Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{command:?}: no `{word}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked at"), "{stderr}");
    assert!(output.stdout.is_empty(), "{command:?} printed to stdout");
}

/// Every file that must be the same, with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in ["manifest.json", "results.jsonl", "tails.jsonl", "results.csv", "results.parquet"]
    {
        found.insert(name.to_owned(), fs::read(dir.join(name)).unwrap());
    }
    for entry in fs::read_dir(dir.join("traces")).unwrap() {
        let path = entry.unwrap().path();
        found.insert(
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read(&path).unwrap(),
        );
    }
    found
}

fn assert_same(left: &Path, right: &Path) {
    let (left, right) = (files(left), files(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, bytes) in &left {
        assert!(*bytes == right[name], "{name} differs");
    }
}

/// Waits until the evaluation has kept `rows` rows; true if it had not ended by then.
fn wait_for_rows(child: &mut Child, out: &Path, rows: usize) -> bool {
    loop {
        let kept = fs::read(out.join("rows.jsonl")).unwrap_or_default();
        if kept.iter().filter(|&&byte| byte == b'\n').count() >= rows {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
}

#[test]
fn shards_and_interruptions_leave_no_trace_in_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let single = at("single");
    let first = small(&single, &[]).output().unwrap();
    done(&first);
    let names = files(&single);
    assert_eq!(names.len(), 5 + 8, "a recording a row: {:?}", names.keys());
    let rows = String::from_utf8(names["results.jsonl"].clone()).unwrap();
    assert_eq!(rows.lines().count(), 8);
    assert!(rows.lines().all(|row| row.contains(r#""swept":[["initial_gen_length",16.0]]"#)));
    assert_eq!(String::from_utf8_lossy(&names["tails.jsonl"]).lines().count(), 4);
    for row in rows.lines() {
        let row: demask::eval::EvalRow = serde_json::from_str(row).unwrap();
        let recording = demask::trace::read(&single.join(row.trace.unwrap())).unwrap();
        assert!(recording.notices.is_empty(), "{:?}", recording.notices);
        let end = &recording.recorded.timeline[recording.recorded.end];
        let canvas = &end.canvas;
        assert_eq!((canvas.len(), canvas.before_tail()), (row.length, row.before_tail));
        // The model writes as the tokenizer would: the text has as many tokens as the canvas.
        assert_eq!((canvas.len(), canvas.effective()), (row.n_token, row.e_token));
        let padding = row.generation.matches("<|endoftext|>").count();
        assert_eq!(row.n_token - row.e_token, padding, "{}", row.generation);
        assert_eq!(end.steps as usize, row.nfe);
    }

    // The published scripts' own format: a folder a recipe, a line a generation.
    let samples = fs::read_dir(single.join("samples")).unwrap();
    let mut samples: Vec<String> =
        samples.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    samples.sort();
    assert_eq!(samples, ["01-daedal", "02-daedal"]);
    let lines =
        fs::read_to_string(single.join("samples/02-daedal/samples_synthetic.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 4);

    // Once more: nothing is done, the same table is printed.
    let again = small(&single, &["--jobs", "2"]).output().unwrap();
    done(&again);
    assert_eq!(again.stdout, first.stdout);
    assert!(!single.join("rows.jsonl").exists());

    // Killed in the middle, whatever it was doing, with a line cut in two; then gone on with by
    // two workers.
    let killed = at("killed");
    let mut child =
        small(&killed, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(wait_for_rows(&mut child, &killed, 3), "it ended before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!killed.join("results.jsonl").exists());
    let kept = fs::read(killed.join("rows.jsonl")).unwrap();
    fs::write(killed.join("rows.jsonl"), &kept[..kept.len() - 9]).unwrap();
    refused(small(&killed, &["--seed", "6"]), 2, &["the argument '--seed"]);
    // Rows of an older version counted otherwise: they are not mixed with new ones.
    let manifest = killed.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace(r#""version": 4"#, r#""version": 3"#)).unwrap();
    refused(small(&killed, &[]), 1, &["an older demask wrote it", "--overwrite", "another --out"]);
    fs::write(&manifest, text).unwrap();
    refused(
        small(&killed, &["--candidates", "1"]),
        1,
        &["candidates is 0 there and 1 here", "--overwrite"],
    );
    let resumed = small(&killed, &["--jobs", "2"]).output().unwrap();
    done(&resumed);
    assert_same(&single, &killed);

    // Three shards at the same time, joined in any order.
    let parts = ["3/3", "1/3", "2/3"].map(|shard| (shard, at(&shard.replace('/', "of"))));
    let children: Vec<Child> = parts
        .iter()
        .map(|(shard, out)| {
            let mut command = small(out, &["--shard", shard]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        done(&child.wait_with_output().unwrap());
    }
    let merge = |out: &Path, dirs: &[&Path]| {
        let mut command = demask(&["eval", "merge", "--out", out.to_str().unwrap()]);
        command.args(dirs);
        command
    };
    let [third, first_part, second] = [0, 1, 2].map(|part: usize| parts[part].1.as_path());
    let merged = at("merged");
    let output = merge(&merged, &[third, first_part, second]).output().unwrap();
    done(&output);
    assert_same(&single, &merged);
    // What is merged is like a single run: the command finds it finished.
    done(&small(&merged, &[]).output().unwrap());

    // A shard is not written over.
    refused(merge(second, &[third, first_part, second]), 2, &["which would be lost"]);
    // Shards that are missing, there twice, of something else, or unfinished.
    let out = at("refused");
    refused(merge(&out, &[third, second]), 2, &["shards are missing: 1/3"]);
    refused(merge(&out, &[third, second, first_part, second]), 2, &["shard 2/3 is there twice"]);
    refused(merge(&out, &[&single, second]), 1, &["results of the whole"]);
    refused(merge(&out, &[folder.path()]), 1, &["no results of `demask eval`"]);
    let manifest = third.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace(r#""seed": 5"#, r#""seed": 6"#)).unwrap();
    refused(merge(&out, &[first_part, second, third]), 1, &["not of the same", "seed is 5 there"]);
    fs::write(&manifest, text).unwrap();
    let results = fs::read_to_string(third.join("results.jsonl")).unwrap();
    let cut = results.lines().next().unwrap();
    fs::write(third.join("results.jsonl"), format!("{cut}\n")).unwrap();
    refused(merge(&out, &[first_part, second, third]), 1, &["3/3 is not finished"]);
    assert!(!out.exists(), "nothing was written");
}

#[test]
fn a_signal_stops_it_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let more = ["--limit", "40", "--seed", "5", "--traces", "wrong", "--tails", "none"];
    let args = [&["eval", "--out", out.to_str().unwrap()][..], &more[..]].concat();
    let mut child = demask(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(wait_for_rows(&mut child, &out, 1), "it ended before the signal");
    // A second evaluation does not come between.
    refused(demask(&args), 1, &["another demask is writing there"]);
    signal::send(child.id(), signal::Signal::TERM);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("of 200 done, kept in") && stderr.contains("goes on"), "{stderr}");
    let left = fs::read_dir(out.join("traces")).unwrap();
    let names: Vec<String> =
        left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().all(|name| name.ends_with(".jsonl")), "{names:?}");
    let rows = fs::read_to_string(out.join("rows.jsonl")).unwrap();
    let rows: Vec<demask::eval::EvalRow> =
        rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(names.len(), rows.iter().filter(|row| row.is_wrong()).count());
    assert!(rows.iter().all(|row| row.trace.is_some() != row.is_right()));
}

#[test]
fn a_run_that_cannot_go_on_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("out"), folder.path().join("mine.jsonl"));
    let long = "many words ".repeat(600);
    let lines = format!(
        "{{\"question\":\"{long}\",\"answer\":\"#### 1\"}}\n{{\"question\":\"Mia has 12 stamps. On Monday she buys 7. How many stamps does Mia have?\",\"answer\":19}}\n"
    );
    fs::write(&file, lines).unwrap();
    let (out, file) = (out.to_str().unwrap(), file.to_str().unwrap());
    let args =
        ["eval", "--out", out, "--problems", file, "--strategies", "daedal", "--tails", "16,32"];
    let output = demask(&args).output().unwrap();
    done(&output);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("1 of 2 runs broke off") && stderr.contains("context"), "{stderr}");
    let rows = fs::read_to_string(Path::new(out).join("results.jsonl")).unwrap();
    let rows: Vec<demask::eval::EvalRow> =
        rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert!(rows[0].finish.starts_with("error: ") && rows[0].is_wrong() && rows[0].trace.is_none());
    assert_eq!((rows[1].set.as_str(), rows[1].extracted.as_deref()), ("mine", Some("19")));
    assert!(rows[1].is_right());
}

fn rows(out: &Path) -> Vec<demask::eval::EvalRow> {
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

#[test]
fn problems_without_answers_are_compared_with_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("out"), folder.path().join("asked.jsonl"));
    let lines = "{\"prompt\":\"Name 2 animals and 3 places.\",\"id\":1}\n\
                 {\"question\":\"Count from 3 to 9 in steps of 2.\"}\n";
    fs::write(&file, lines).unwrap();
    let strategies = "threshold:gen_length=32,threshold:gen_length=32,threshold=0.9,\
                      threshold:gen_length=32,seed=7,daedal:preset=fixed,max_gen_length=8";
    let (out_text, file_text) = (out.to_str().unwrap(), file.to_str().unwrap());
    let args = ["eval", "--out", out_text, "--problems", file_text, "--strategies", strategies];
    let output = demask(&args).output().unwrap();
    done(&output);
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let head = table.lines().next().unwrap();
    assert!(!head.contains("accuracy") && head.contains("same as 1st"), "{table}");
    let own = rows(&out);
    assert_eq!(own.len(), 8);
    for row in &own {
        assert!(row.expected.is_none() && row.correct.is_none() && row.trace.is_some(), "{row:?}");
    }
    // A short canvas is cut off, and the lint says so.
    assert!(own[3].findings.contains(&"cut-off".to_owned()), "{:?}", own[3].findings);
    let text = fs::read_to_string(out.join("agreement.json")).unwrap();
    let pairs: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pair = |first: usize, second: usize| {
        let named = |of: &serde_json::Value| {
            of["first"]["recipe"] == own[first].recipe.as_str()
                && of["second"]["recipe"] == own[second].recipe.as_str()
        };
        pairs.as_array().unwrap().iter().find(|of| named(of)).unwrap().clone()
    };
    assert_eq!(pairs.as_array().unwrap().len(), 6);
    // Without noise the seed changes nothing.
    assert_eq!(pair(0, 2)["same"]["mean"], 1.0);
    assert_eq!(
        (&pair(0, 2)["parts_at"], &pair(0, 2)["problems"]),
        (&serde_json::Value::Null, &2.into())
    );
    assert_eq!(pair(0, 3)["same"]["mean"], 0.0);
    let csv = fs::read_to_string(out.join("results.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().unwrap().iter().position(|name| name == "same_as_first").unwrap();
    let same: Vec<String> = reader.records().map(|record| record.unwrap()[at].to_owned()).collect();
    let alike = (own[0].answer.trim() == own[1].answer.trim()).to_string();
    assert_eq!(same[..4], ["", &alike, "true", "false"]);
    for name in ["report.md", "report.html"] {
        let text = fs::read_to_string(out.join(name)).unwrap();
        assert!(text.contains("Agreement") && !text.contains("ccuracy</th>"), "{name}");
    }

    // Where some have answers, these are checked.
    fs::write(&file, format!("{lines}{{\"question\":\"Count from 3 to 5.\",\"answer\":5}}\n"))
        .unwrap();
    let output = demask(&[&args[..], &["--overwrite"]].concat()).output().unwrap();
    done(&output);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("note: 2 of 3 problems of asked have no answer"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("accuracy"));
    let checked: Vec<bool> = rows(&out).iter().map(|row| row.correct.is_some()).collect();
    assert_eq!(checked, [vec![false; 8], vec![true; 4]].concat());

    // Answers that are there need not be checked.
    let quick = ["--checker", "none", "--limit", "2", "--overwrite", "--tails", "8"];
    let short = ["eval", "--out", out_text, "--strategies", "daedal:preset=fixed,max_gen_length=8"];
    done(&demask(&[&short[..], &quick].concat()).output().unwrap());
    assert!(rows(&out).iter().all(|row| row.expected.is_none() && row.correct.is_none()));
}

#[test]
fn several_models_are_measured_as_each_would_be_alone() {
    let folder = tempfile::tempdir().unwrap();
    let golden = |name: &str| {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
        models.join(name).display().to_string()
    };
    let (first, second) = (golden("llada-a"), golden("dream-a"));
    let small = |out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        let mut args = vec!["eval", "--out", out.to_str().unwrap(), "--problems", "counting"];
        args.extend(["--limit", "3", "--tails", "8,16", "--strategies"]);
        args.extend(["daedal:initial_gen_length=8,max_gen_length=16,threshold:gen_length=32"]);
        args.extend(more);
        (demask(&args).output().unwrap(), out)
    };
    let both = ["--model", &first, "--against", &second, "--against", "--quantize q8_0"];
    let (output, whole) = small("whole", &both);
    done(&output);
    let own = rows(&whole);
    let labels = ["llada-a", "dream-a", "llada-a --quantize q8_0"];
    let models: Vec<&str> = own.iter().map(|row| row.model.as_str()).collect();
    assert_eq!(models, labels.repeat(6));
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(whole.join("manifest.json")).unwrap()).unwrap();
    let facts: Vec<[&str; 2]> = manifest["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| ["label", "name"].map(|field| model[field].as_str().unwrap()))
        .collect();
    assert_eq!(facts, [[labels[0]; 2], [labels[1]; 2], [labels[2], "llada-a"]]);
    // Every recording is of its model.
    for row in &own {
        let recording = demask::trace::read(&whole.join(row.trace.as_ref().unwrap())).unwrap();
        let name = if row.model == "dream-a" { "dream-a" } else { "llada-a" };
        assert_eq!(recording.header.model.name, name);
    }
    // Alone a model gives the same rows, but for the names of the recordings.
    for (model, label) in [(&first, "llada-a"), (&second, "dream-a")] {
        let (output, alone) = small(label, &["--model", model]);
        done(&output);
        let bare =
            |row: &demask::eval::EvalRow| demask::eval::EvalRow { trace: None, ..row.clone() };
        let alone: Vec<_> = rows(&alone).iter().map(bare).collect();
        let among: Vec<_> = own.iter().filter(|row| row.model == label).map(bare).collect();
        assert_eq!(alone, among);
    }
    let tails = fs::read_to_string(whole.join("tails.jsonl")).unwrap();
    assert_eq!(tails.lines().count(), 9);
    assert_eq!(tails.matches(r#""model":"dream-a""#).count(), 3);
    // Tables, figures and the report tell them apart.
    let table = String::from_utf8(output.stdout).unwrap();
    for label in labels {
        let name = format!("\n{label} · daedal:");
        assert!(table.contains(&name), "{table}");
    }
    for figure in ["model-1-accuracy.svg", "model-2-e-ratio.svg", "model-3-lengths.svg"] {
        assert!(whole.join("figures").join(figure).exists(), "{figure}");
    }
    let report = fs::read_to_string(whole.join("report.md")).unwrap().replace('\\', "");
    for words in [
        "- models: llada-a, dream-a, llada-a --quantize q8_0",
        "--model llada-a --against dream-a --against '--quantize q8_0'",
    ] {
        assert!(report.contains(words), "{report}");
    }
    let pairs: serde_json::Value =
        serde_json::from_slice(&fs::read(whole.join("agreement.json")).unwrap()).unwrap();
    assert_eq!(pairs.as_array().unwrap().len(), 6 * 5 / 2);
    assert_eq!(pairs[0]["second"]["model"], "dream-a");

    // Two workers and shards leave no trace.
    let (output, workers) = small("workers", &[&both[..], &["--jobs", "2"]].concat());
    done(&output);
    assert_same(&whole, &workers);
    let shards = ["1/2", "2/2"].map(|shard| {
        let (output, out) =
            small(&shard.replace('/', "of"), &[&both[..], &["--shard", shard]].concat());
        done(&output);
        out
    });
    let merged = folder.path().join("merged");
    let mut merge = demask(&["eval", "merge", "--out", merged.to_str().unwrap()]);
    done(&merge.args(&shards).output().unwrap());
    assert_same(&whole, &merged);
    // Other models are another evaluation, and a model is there once.
    let mut other = demask(&["eval", "--out", whole.to_str().unwrap(), "--problems", "counting"]);
    other.args(["--limit", "3", "--model", &first]);
    refused(other, 1, &["models is ", "--overwrite"]);
    let mut twice = demask(&["eval", "--out", folder.path().join("twice").to_str().unwrap()]);
    twice.args(["--model", &first, "--against", &first, "--against", &first]);
    refused(twice, 2, &["is there more than once"]);
    let mut none = demask(&["eval", "--out", folder.path().join("none").to_str().unwrap()]);
    none.args(["--model", &first, "--against", "/no/where/at/all"]);
    refused(none, 1, &["--against /no/where/at/all"]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.jsonl");
    fs::write(
        &bad,
        "{\"question\":\"q\",\"answer\":\"1\"}\n{\"question\":\"q\",\"anwser\":\"1\"}\n",
    )
    .unwrap();
    let out = folder.path().join("out");
    let (out, bad) = (out.to_str().unwrap(), bad.to_str().unwrap());
    let eval = |more: &[&str]| demask(&[&["eval", "--out", out], more].concat());
    refused(
        eval(&["--problems", bad]),
        1,
        &["bad.jsonl:2: there is no answer, and `anwser`", "\"question\""],
    );
    refused(eval(&["--problems", "sums"]), 2, &["no problem set `sums`", "counting"]);
    refused(eval(&["--strategies", "dadal"]), 2, &["no strategy `dadal`"]);
    refused(eval(&["--sweep", "speed=1"]), 2, &["parameter `speed`"]);
    refused(eval(&["--sweep", "speed"]), 2, &["is no sweep"]);
    refused(eval(&["--shard", "4/3"]), 2, &["is no shard"]);
    refused(eval(&["--tails", "0"]), 2, &["are no lengths"]);
    refused(demask(&["eval"]), 2, &["--out"]);
    assert!(!Path::new(out).exists(), "nothing was written");
    // A folder that cannot be made, a file in its place, and a folder of somebody else's.
    for place in ["/proc/demask", bad, &format!("{bad}/out")] {
        refused(demask(&["eval", "--out", place]), 1, &[place, "cannot be made"]);
    }
    fs::write(folder.path().join("results.jsonl"), "mine\n").unwrap();
    let place = folder.path().to_str().unwrap();
    refused(demask(&["eval", "--out", place, "--overwrite"]), 1, &["results.jsonl", "no manifest"]);
}
