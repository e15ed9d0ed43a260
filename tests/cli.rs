//! The program from outside, without a terminal: what it prints, where, and how it exits.

use std::{collections::HashMap, fs, path::Path};

use crate::support::{Trace, golden};
use assert_cmd::Command;
use candle_core::{Device, Tensor, safetensors};
use serde_json::Value;

fn demask(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("NO_COLOR");
    // Not the configuration of whoever runs the tests.
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// Runs, expects this exit code and these words on stderr, and nothing on stdout.
fn refused(args: &[&str], code: i32, words: &[&str]) {
    let output = demask(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: no `{word}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked at"), "{stderr}");
    assert!(!stderr.contains('\x1b') && !stderr.contains('\u{202e}'), "{stderr:?}");
    assert!(output.stdout.is_empty(), "{args:?} printed to stdout");
}

#[test]
fn every_golden_run_is_reproduced_by_the_program() {
    let (mut runs, mut steps) = (0, 0);
    for trace in Trace::all() {
        let model = golden().join("models").join(&trace.model);
        let ids: Vec<String> = trace.prompt.iter().map(u32::to_string).collect();
        let mut args = vec![
            "run".to_owned(),
            "--model".to_owned(),
            model.display().to_string(),
            "--prompt-ids".to_owned(),
            ids.join(","),
            "--record".to_owned(),
            "-".to_owned(),
            "--candidates".to_owned(),
            "0".to_owned(),
        ];
        for (name, value) in &trace.params {
            args.push(format!("--{}", name.replace('_', "-")));
            args.push(value.to_string());
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = demask(&args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.jsonl");
        fs::write(&file, output.stdout).unwrap();
        let recording = demask::trace::read(&file).unwrap();
        assert!(recording.notices.is_empty(), "{}: {:?}", trace.name, recording.notices);
        let timeline = &recording.recorded.timeline;
        let path = timeline.path(recording.recorded.end);
        assert_eq!(path.len(), trace.steps.len() + 1, "{}", trace.name);
        for (node, step) in path.iter().zip(&trace.steps) {
            assert_eq!(timeline[*node].canvas.tokens(), step.ids_before, "{}", trace.name);
            steps += 1;
        }
        assert_eq!(timeline[recording.recorded.end].canvas.tokens(), trace.final_ids);
        runs += 1;
    }
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr(),
        "golden, `demask run --record -`: {runs} runs, {steps} steps compared, 0 different"
    );
    assert!(runs >= 59);
}

#[test]
fn the_answer_goes_to_stdout() {
    let output = demask(&["run", "Count from 1 to 5 in steps of 1."]).output().unwrap();
    assert!(output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let note =
        "note: the embedded model has 1.7 M parameters and was trained on five kinds of prompt";
    assert_eq!(stderr.trim_end(), note);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.trim().len() > 3 && text.ends_with('\n'), "{text:?}");
}

#[test]
fn a_prompt_unlike_the_embedded_models_own_is_pointed_out() {
    for (args, expected) in [
        (&["run", "What is the capital of France?"][..], true),
        (&["run", "Count from 1 to 5 in steps of 1."], false),
        (&["run", "--json", "Name 40 animals and 3 places."], true),
        (&["run", "--prompt-ids", "1,2,3"], false),
        (&["run", "Name 2 animals and 3 places.", "--exec", "prompt \"Hi there\""], true),
        (&["compare", "--strategies", "daedal,daedal:preset=fixed", "Who are you?"], true),
    ] {
        let output = demask(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        assert_eq!(stderr.contains("is unlike those"), expected, "{args:?}: {stderr}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("unlike"), "{args:?}");
    }
    // Another model is not judged.
    let model = golden().join("models/llada-a");
    let small = ["--max-gen-length", "16", "--initial-gen-length", "8"];
    let args = [&["run", "--model", model.to_str().unwrap(), "Who are you?"][..], &small].concat();
    let output = demask(&args).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn json_says_what_was_run() {
    let args =
        ["run", "--json", "--strategy", "low_confidence", "--gen-length", "16", "--seed", "7"];
    let more = ["--steps", "8", "--block-length", "16", "Count from 1 to 5 in steps of 1."];
    let output = demask(&[&args[..], &more].concat()).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["model"]["name"], "tiny");
    assert_eq!(json["model"]["dtype"], "f32");
    assert_eq!(json["strategy"], "low_confidence");
    let strategy = demask::decode::strategy("low_confidence").unwrap();
    let params = json["params"].as_object().unwrap();
    assert_eq!(params.len(), strategy.params().len(), "{params:?}");
    assert_eq!((&params["gen_length"], &params["steps"]), (&16.into(), &8.into()));
    assert_eq!((&params["seed"], &json["seed"]), (&7.into(), &7.into()));
    assert_eq!(json["prompt"]["text"], "Count from 1 to 5 in steps of 1.");
    let ids: Vec<String> =
        json["prompt"]["ids"].as_array().unwrap().iter().map(Value::to_string).collect();
    // The ids give the same run again.
    let ids = ids.join(",");
    let again = [&args[..], &more[..4], &["--prompt-ids", &ids]].concat();
    let output = demask(&again).output().unwrap();
    let by_ids: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&by_ids["ids"], &by_ids["prompt"]["ids"]), (&json["ids"], &json["prompt"]["ids"]));
    assert_eq!(by_ids["prompt"]["text"], "");
}

#[test]
fn json_is_one_object_with_the_figures() {
    let output = demask(&["run", "--json", "Count from 1 to 5 in steps of 1."]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids = json["ids"].as_array().unwrap().len();
    assert_eq!(json["length"], ids);
    assert_eq!(json["n_token"], ids);
    assert!(json["e_token"].as_u64().unwrap() <= ids as u64);
    let ratio = json["e_token"].as_f64().unwrap() / ids as f64;
    assert!((json["e_ratio"].as_f64().unwrap() - ratio).abs() < 1e-9);
    let ratio = json["before_tail"].as_f64().unwrap() / ids as f64;
    assert!((json["before_tail_ratio"].as_f64().unwrap() - ratio).abs() < 1e-9);
    assert!(json["steps"].as_u64().unwrap() > 1);
    assert_eq!(json["steps"], json["nfe"]);
    let wall = &json["wall_seconds"];
    let parts: f64 =
        ["forward", "decide", "other"].iter().map(|part| wall[part].as_f64().unwrap()).sum();
    assert!((wall["total"].as_f64().unwrap() - parts).abs() < 1e-3);
}

#[test]
fn masks_are_not_effective_tokens() {
    let prompt = "Count from 1 to 5 in steps of 1.";
    let output = demask(&["run", "--json", "--break", "masks < 12", prompt]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["finish"], "breakpoint");
    // The embedded model's tokens: 5 is the mask, 1 ends the sequence.
    let ids: Vec<u64> = json["ids"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert!(ids.contains(&5), "{ids:?}");
    let effective = ids.iter().filter(|id| ![1, 5].contains(*id)).count();
    assert_eq!(json["e_token"], effective);
    let tail = ids.iter().rposition(|&id| id != 1).map_or(0, |last| last + 1);
    assert_eq!(json["before_tail"], ids[..tail].iter().filter(|&&id| id != 5).count());
    let ratio = effective as f64 / ids.len() as f64;
    assert!((json["e_ratio"].as_f64().unwrap() - ratio).abs() < 1e-9);
}

#[test]
fn a_recording_on_stdout_leaves_the_answer_to_stderr() {
    let output =
        demask(&["run", "--record", "-", "Count from 1 to 5 in steps of 1."]).output().unwrap();
    let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap();
    let header: Value = serde_json::from_slice(first).unwrap();
    assert_eq!(header["kind"], "header");
    assert!(!output.stderr.is_empty());
    refused(&["run", "--record", "-", "--json", "x"], 2, &["--record -", "--json"]);
}

#[test]
fn what_is_no_prompt_is_not_taken_for_one() {
    refused(&["relpay", "a.jsonl"], 2, &["no command `relpay`", "did you mean `replay`?"]);
    refused(&["verfy", "--json", "a.jsonl"], 2, &["did you mean `verify`?"]);
    for (word, near) in [("exprot", "export"), ("Replay", "replay"), ("complete", "completions")] {
        let hint = format!("did you mean `{near}`?");
        refused(&[word], 2, &[&hint, &format!("demask tui {word}")]);
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/short-answer.jsonl");
    refused(&[file], 2, &["is a file", "demask replay"]);
    refused(&["run", file], 2, &["is a file", "demask replay"]);
    // Where a command stands before it, it is one, and that is said.
    let output = demask(&["run", "export"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("`export` is the prompt here; the command is `demask export`"));
    // Flags, values and commands of the debugger, too.
    refused(&["run", "x", "--high-conf", "1"], 2, &["--high-conf-threshold"]);
    refused(&["run", "x", "--strategy", "treshold"], 2, &["threshold"]);
    refused(&["run", "x", "--exec", "stpe"], 2, &["did you mean `step`?"]);
    refused(&["run", "x", "--exec", "open a.jsonl"], 2, &["demask replay FILE"]);
    refused(&["man", "exprot"], 2, &["did you mean `export`?"]);
}

#[test]
fn shells_complete_and_pages_are_written() {
    for (shell, part) in [
        ("bash", "complete -F _demask"),
        ("zsh", "#compdef demask"),
        ("fish", "complete -c demask"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer"),
    ] {
        let output = demask(&["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains(part), "{shell}");
        for word in ["export", "high-conf-threshold", "doctor"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    refused(&["completions", "bsh"], 2, &["bash"]);
    let page = |args: &[&str]| {
        let output = demask(&[&["man"], args].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let whole = page(&[]);
    assert!(whole.contains(".TH demask 1") && whole.contains("completions"), "{whole}");
    assert!(page(&["run"]).contains("high\\-conf\\-threshold"));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man");
    page(&["--out", out.to_str().unwrap()]);
    for name in ["demask.1", "demask-run.1", "demask-export.1"] {
        let text = fs::read_to_string(out.join(name)).unwrap();
        assert!(text.contains(".TH"), "{name}");
    }
}

#[test]
fn parameters_out_of_range_are_a_wrong_use() {
    for (flag, value) in [
        ("--max-gen-length", "0"),
        ("--high-conf-threshold", "2.5"),
        ("--low-conf-threshold", "-0.1"),
        ("--initial-gen-length", "-4"),
        ("--block-length", "0"),
        ("--eos-check-tokens", "0"),
        ("--temperature", "-1"),
        ("--expansion-factor", "many"),
        ("--high-conf-threshold", "NaN"),
    ] {
        refused(&["run", "x", flag, value], 2, &[flag, value]);
    }
    refused(&["run"], 2, &["there is no prompt", "--prompt-file"]);
    refused(&["run", "x", "--strategy", "none"], 2, &["daedal"]);
    refused(&["run", "--prompt-ids", "1,x"], 2, &["--prompt-ids"]);
    refused(&["run", "--prompt-ids", "1,999999"], 2, &["999999", "vocabulary"]);
    refused(&["run", "x", "--device", "toaster"], 1, &["toaster", "cpu"]);
    #[cfg(not(feature = "cuda"))]
    refused(&["run", "x", "--device", "cuda:0"], 1, &["--features cuda"]);
}

#[test]
fn without_a_terminal_the_debugger_names_the_headless_command() {
    refused(&[], 1, &["terminal", "demask run"]);
    refused(&["tui"], 1, &["terminal", "demask run"]);
    refused(&["replay", "recordings/short-answer.jsonl"], 1, &["terminal"]);
    refused(&["replay", "no-such.jsonl"], 1, &["no-such.jsonl", "Check the path"]);
}

#[test]
fn without_a_terminal_the_runs_of_a_folder_are_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    refused(&[name], 1, &["no recording in this folder", "--record"]);
    refused(&["replay", name], 1, &["no recording in this folder", "--record"]);
    let copy = |from: &str, to: &str| {
        fs::copy(format!("recordings/{from}.jsonl"), folder.path().join(to)).unwrap();
    };
    copy("short-answer", "a.jsonl");
    copy("maximum-length", "b\u{202e}.jsonl");
    for args in [&[name][..], &["replay", name]] {
        let output = demask(args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{args:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("file") && lines[0].contains("NFE"), "{text}");
        assert!(lines[1].starts_with("a.jsonl") && lines[1].contains("complete"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        assert_eq!(lines[3], "2 runs");
        let output = demask(&[args, &["--json"]].concat()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), &rows[0]["kind"]), (2, &Value::from("run")), "{text}");
        assert_eq!(rows[0]["finish"], "complete");
        assert!(rows[0]["length"].as_u64().is_some());
    }
    // One that cannot be read is a line like the others, and the exit code says so.
    fs::write(folder.path().join("c.jsonl"), "no recording").unwrap();
    let output = demask(&[name]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("no demask recording") && text.contains("2 runs, 1 broken"), "{text}");
    // What is asked of one recording cannot be asked of a folder, nor the other way round.
    refused(&["replay", name, "--svg", "out.svg"], 2, &["is a folder", "Name a file"]);
    refused(&[name, "--record", "out.jsonl"], 2, &["is a folder"]);
    refused(&[name, "--block-length", "8"], 2, &["is a folder", "put a blank before it"]);
    refused(&["replay", "recordings/short-answer.jsonl", "--json"], 2, &["demask info"]);
    refused(&["x", "--json"], 2, &["demask run PROMPT --json"]);
}

#[test]
fn a_prompt_beyond_the_context_is_refused() {
    let long = "apple ".repeat(3000);
    refused(&["run", &long], 1, &["context", "Shorten"]);
}

#[test]
fn an_unwritable_recording_is_refused_before_anything_runs() {
    refused(&["run", "x", "--record", "/no/such/folder/a.jsonl"], 1, &["/no/such/folder"]);
    refused(&["run", "x", "--record", "/"], 1, &["/:"]);
    // A recording is never written over by mistake.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keep.jsonl");
    fs::write(&file, "precious").unwrap();
    let name = file.to_str().unwrap();
    refused(&["run", "x", "--record", name], 1, &["keep.jsonl", "--overwrite"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let written = demask(&["run", "x", "--record", name, "--overwrite"]).output().unwrap();
    assert!(written.status.success());
    assert!(demask::trace::read(&file).is_ok());
}

#[test]
fn recordings_that_cannot_be_opened_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.jsonl");
    let svg = folder.path().join("out.svg");
    let (file_name, svg_name) = (file.to_str().unwrap(), svg.to_str().unwrap());
    let check = |bytes: &[u8], words: &[&str]| {
        fs::write(&file, bytes).unwrap();
        let mut all = vec!["bad.jsonl"];
        all.extend_from_slice(words);
        refused(&["replay", file_name, "--svg", svg_name], 1, &all);
    };
    check(b"", &["empty"]);
    check(b"\x1b[31mhello", &["no demask recording"]);
    check(b"{\"kind\":\"header\",\"format\":\"demask\",\"version\":[9,1]}\n", &["version [9,1]"]);
    refused(&["replay", "none.jsonl", "--svg", svg_name], 1, &["none.jsonl"]);
}

/// A copy of the golden llada-a checkpoint, changed.
fn broken(change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        fs::copy(golden().join("models/llada-a").join(name), folder.path().join(name)).unwrap();
    }
    change(folder.path());
    folder
}

/// A tensor every checkpoint has.
const NORM: &str = "model.transformer.ln_f.weight";

fn config(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("config.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn tensors(folder: &Path, change: impl FnOnce(&mut HashMap<String, Tensor>)) {
    let path = folder.join("model.safetensors");
    let mut tensors = safetensors::load(&path, &Device::Cpu).unwrap();
    change(&mut tensors);
    safetensors::save(&tensors, path).unwrap();
}

#[test]
fn a_folder_that_is_no_model_says_what_is_wrong() {
    let check = |folder: &Path, words: &[&str]| {
        let name = folder.to_str().unwrap();
        refused(&["run", "--model", name, "--prompt-ids", "1,2"], 1, words);
    };
    check(Path::new("/no/such/model"), &["/no/such/model", "no such folder"]);
    check(&golden().join("FORMAT.md"), &["FORMAT.md", "no GGUF file"]);
    check(tempfile::tempdir().unwrap().path(), &["config.json"]);
    let cases: Vec<(tempfile::TempDir, &[&str])> = vec![
        (broken(|dir| fs::write(dir.join("config.json"), "{").unwrap()), &["config.json", "JSON"]),
        (broken(|dir| config(dir, |c| c["model_type"] = "gpt2".into())), &["gpt2", "llada"]),
        (broken(|dir| config(dir, |c| c["n_heads"] = 7.into())), &["config.json", "heads"]),
        (broken(|dir| config(dir, |c| c["d_model"] = 0.into())), &["config.json", "d_model"]),
        (broken(|dir| config(dir, |c| c["alibi"] = true.into())), &["config.json", "alibi"]),
        (broken(|dir| config(dir, |c| c["n_layers"] = 3.into())), &["blocks.2", "missing"]),
        (
            broken(|dir| config(dir, |c| c["mask_token_id"] = 9999.into())),
            &["mask_token_id", "9999"],
        ),
        (
            broken(|dir| {
                tensors(dir, |all| {
                    all.remove(NORM);
                });
            }),
            &[NORM, "missing"],
        ),
        (
            broken(|dir| {
                tensors(dir, |all| {
                    let wrong = Tensor::zeros(63, candle_core::DType::F32, &Device::Cpu).unwrap();
                    all.insert(NORM.to_owned(), wrong);
                });
            }),
            &[NORM, "[63]", "[64]"],
        ),
        (
            broken(|dir| {
                let path = dir.join("model.safetensors");
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            &["model.safetensors", "cut"],
        ),
        (
            broken(|dir| fs::write(dir.join("model.safetensors"), "").unwrap()),
            &["model.safetensors"],
        ),
        (broken(|dir| fs::remove_file(dir.join("model.safetensors")).unwrap()), &["safetensors"]),
        (broken(|dir| fs::write(dir.join("tokenizer.json"), "[]").unwrap()), &["tokenizer.json"]),
        (
            broken(|dir| {
                config(dir, |c| {
                    c["vocab_size"] = 100.into();
                    c["embedding_size"] = 100.into();
                });
            }),
            &["tokenizer.json", "no row"],
        ),
        (
            broken(|dir| {
                fs::remove_file(dir.join("model.safetensors")).unwrap();
                fs::write(
                    dir.join("model.safetensors.index.json"),
                    r#"{"weight_map":{"a":"gone.safetensors"}}"#,
                )
                .unwrap();
            }),
            &["gone.safetensors"],
        ),
        (
            broken(|dir| {
                fs::remove_file(dir.join("model.safetensors")).unwrap();
                fs::write(
                    dir.join("model.safetensors.index.json"),
                    r#"{"weight_map":{"a":"../../etc/passwd"}}"#,
                )
                .unwrap();
            }),
            &["elsewhere"],
        ),
    ];
    for (folder, words) in &cases {
        check(folder.path(), words);
    }
}

#[test]
fn hostile_checkpoints_end_in_a_message() {
    let cases: Vec<(tempfile::TempDir, &[&str])> = vec![
        (broken(|dir| config(dir, |c| c["n_layers"] = (1 << 24).into())), &["n_layers"]),
        (broken(|dir| config(dir, |c| c["rope_theta"] = 0.into())), &["rope_theta"]),
        (broken(|dir| config(dir, |c| c["rms_norm_eps"] = (-1).into())), &["rms_norm_eps"]),
        (broken(|dir| chat(dir, "{% for i in range(99999999) %}{% endfor %}")), &["template"]),
        (broken(|dir| chat(dir, "{{ raise_exception('\u{1b}[31m\u{202e}no') }}")), &["template"]),
        (
            broken(|dir| {
                fs::remove_file(dir.join("model.safetensors")).unwrap();
                fs::write(dir.join("model.safetensors.index.json"), r#"{"weight_map":{"a":".."}}"#)
                    .unwrap();
            }),
            &["elsewhere"],
        ),
    ];
    for (folder, words) in &cases {
        let model = folder.path().to_str().unwrap();
        refused(&["run", "--model", model, "hello"], 1, words);
    }
    let long = broken(|dir| config(dir, |c| c["max_sequence_length"] = (1 << 24).into()));
    let model = long.path().to_str().unwrap();
    let small = ["--max-gen-length", "16", "--initial-gen-length", "8"];
    let args = [&["run", "--model", model, "--prompt-ids", "1,2"][..], &small].concat();
    assert!(demask(&args).output().unwrap().status.success(), "a long context costs nothing");
}

#[test]
fn suggestions_that_nobody_can_follow_are_named() {
    let printed_for = |suggested: &str| {
        let folder = broken(|dir| {
            fs::write(dir.join("generation_config.json"), suggested).unwrap();
        });
        let model = folder.path().to_str().unwrap();
        let small = ["--max-gen-length", "16", "--initial-gen-length", "8"];
        let args = [&["run", "--model", model, "--prompt-ids", "1,2"][..], &small].concat();
        let output = demask(&args).output().unwrap();
        assert!(output.status.success(), "{suggested}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (suggested, words) in [
        (r#"{"daedal": {"block_length": 0}}"#, "block_length"),
        (
            r#"{"daedal": {"block_length": "16"}}"#,
            "daedal.block_length (\"16\"), which is no number",
        ),
        (r#"{"daedal": {"bogus": 3}}"#, "bogus"),
        (r#"{"daedal": [1]}"#, "daedal, which is no number"),
    ] {
        let printed = printed_for(suggested);
        assert!(printed.contains("generation_config.json suggests"), "{suggested}: {printed}");
        assert!(printed.contains(words), "{suggested}: {printed}");
    }
    for fine in [r#"{"daedal": {"block_length": 16}}"#, r#"{"threshold": [1], "temperature": 0.7}"#]
    {
        let printed = printed_for(fine);
        assert!(!printed.contains("suggests"), "{fine}: {printed}");
    }
}

/// Gives a checkpoint a chat template.
fn chat(folder: &Path, template: &str) {
    fs::write(folder.join("chat_template.jinja"), template).unwrap();
}

#[test]
fn truncation_saved_with_a_tokenizer_does_not_cut_prompts() {
    let tokens = |folder: &Path| {
        let args =
            ["run", "--model", folder.to_str().unwrap(), "a long enough prompt", "--record", "-"];
        let small = ["--max-gen-length", "16", "--initial-gen-length", "8"];
        let output = demask(&[&args[..], &small].concat()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let root = text.lines().find(|line| line.starts_with("{\"kind\":\"root\"")).unwrap();
        serde_json::from_str::<Value>(root).unwrap()["prompt"].as_array().unwrap().len()
    };
    let plain = broken(|_| {});
    let cutting = broken(|dir| {
        let path = dir.join("tokenizer.json");
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        value["truncation"] = serde_json::json!({
            "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0
        });
        fs::write(path, value.to_string()).unwrap();
    });
    assert_eq!(tokens(plain.path()), tokens(cutting.path()));
}

#[test]
fn a_picture_never_replaces_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let name = file.to_str().unwrap();
    assert!(demask(&["run", "x", "--record", name]).output().unwrap().status.success());
    let before = fs::read(&file).unwrap();
    refused(&["replay", name, "--svg", name], 2, &["over the recording"]);
    assert_eq!(fs::read(&file).unwrap(), before);
    let svg = folder.path().join("a.svg");
    let drawn = demask(&["replay", name, "--svg", svg.to_str().unwrap()]).output().unwrap();
    assert!(drawn.status.success());
    assert!(fs::read_to_string(svg).unwrap().starts_with("<svg"));
}

#[test]
fn a_panic_of_the_model_is_a_failure_that_keeps_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let mut command = demask(&["run", "x", "--record", file.to_str().unwrap()]);
    let output = command.env("DEMASK_TEST_PANIC_AT_PASS", "3").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the model panicked"));
    assert!(demask::trace::read(&file).unwrap().recorded.timeline.len() >= 2);
}

#[test]
fn weights_that_compute_nan_stop_the_run_with_a_reason() {
    let folder = broken(|dir| {
        tensors(dir, |all| {
            let nan = Tensor::full(f32::NAN, 64, &Device::Cpu).unwrap();
            all.insert(NORM.to_owned(), nan);
        });
    });
    let model = folder.path().to_str().unwrap();
    refused(&["run", "--model", model, "--prompt-ids", "1,2"], 1, &["NaN"]);
}

#[test]
fn a_checkpoint_without_tokenizer_takes_ids() {
    let folder = broken(|dir| fs::remove_file(dir.join("tokenizer.json")).unwrap());
    let model = folder.path().to_str().unwrap();
    let small = ["--max-gen-length", "16", "--initial-gen-length", "8"];
    let args = [&["run", "--model", model, "--prompt-ids", "1,2", "--json"][..], &small].concat();
    assert!(demask(&args).output().unwrap().status.success());
    refused(&["run", "--model", model, "hello"], 1, &["tokenizer.json", "--prompt-ids"]);
}

#[test]
fn a_killed_recording_opens_up_to_its_last_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.jsonl");
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("demask"))
        .args(["run", "Write a story in 12 sentences about a small owl who finds a drum."])
        .args(["--record", file.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let steps = |file: &Path| {
        let text = fs::read(file).unwrap_or_default();
        text.split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"{\"kind\":\"step\""))
            .count()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while steps(&file) < 5 && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let recording = demask::trace::read(&file).unwrap();
    assert!(recording.recorded.timeline.len() >= 5);
    assert!(recording.notices.len() <= 1);
}
