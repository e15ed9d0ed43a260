//! `demask info`, and the special tokens that are said on the command line.

use std::{fs, path::Path};

use crate::support::golden;
use assert_cmd::Command;
use serde_json::Value;

fn demask(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("NO_COLOR");
    // Not the configuration of whoever runs the tests.
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

fn printed(args: &[&str]) -> String {
    let output = demask(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&printed(&[&["info", "--json"], args].concat())).unwrap()
}

fn refused(args: &[&str], words: &[&str]) {
    let output = demask(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: no `{word}` in: {stderr}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn the_embedded_model_is_described() {
    let text = printed(&["info"]);
    for word in [
        "model          tiny",
        "family         llada",
        "parameters     1.71 M",
        "stored         f16, 3.4 MB",
        "layers         5, of width 160",
        "heads          5, 5 for keys and values, of width 32",
        "feed-forward   432",
        "vocabulary     1018, 1018 of them with a text",
        "context        1024 positions",
        "head           the embedding",
        "logits         not shifted",
        "mask           5 `<|mdm_mask|>`",
        "EOS            1 `<|endoftext|>`",
        "end of turn    4 `<|eot_id|>`",
        "chat template  {% set loop_messages",
        "more over 512 positions",
        "model.safetensors, 3.4 MB",
    ] {
        assert!(text.contains(word), "no `{word}` in:\n{text}");
    }
}

#[test]
fn weights_are_counted_as_they_would_be_held() {
    let weights = |args: &[&str]| json(args)["memory"]["weights"]["held"].as_u64().unwrap();
    let cpu = ["--device", "cpu"];
    let with = |more: &[&str]| weights(&[&cpu, more].concat());
    let (f32, bf16) = (with(&[]), with(&["--dtype", "bf16"]));
    let parameters = json(&[])["parameters"].as_u64().unwrap();
    assert_eq!(bf16, 2 * parameters);
    // Matrices stay as they are stored where they are widened as they are multiplied.
    match json(&cpu)["held"].as_str() {
        Some("f16") => assert!(bf16 < f32 && f32 < bf16 + bf16 / 50, "{f32} of {bf16}"),
        held => assert_eq!((held, f32), (Some("f32"), 4 * parameters)),
    }
    assert!(with(&["--quantize", "q8_0"]) < bf16);
    let held = json(&["--quantize", "q8_0"]);
    assert_eq!(held["held"], "q8_0");
    assert_eq!(held["stored"]["type"], "f16");
    let peak = |length: &str| json(&["--length", length])["memory"]["step_peak"].as_u64().unwrap();
    assert!(peak("1024") > peak("64"));
    if cfg!(target_os = "linux") {
        assert_eq!(json(&cpu)["memory"]["fits"], true);
    }
}

#[test]
fn other_families_are_described() {
    let of = |name: &str| {
        let folder = golden().join("models").join(name);
        json(&[folder.to_str().unwrap()])
    };
    let dream = of("dream-a");
    assert_eq!(dream["family"], "Dream");
    assert_eq!(dream["shifted_logits"], true);
    assert_eq!((&dream["heads"], &dream["kv_heads"]), (&4.into(), &2.into()));
    assert_eq!(dream["special"]["end_of_turn"]["text"], "<|im_end|>");
    assert_eq!(dream["chat_template"], Value::Null);
    assert_eq!(dream["rotated"], Value::Null);
    assert_eq!(of("llada2-moe-a")["rotated"], serde_json::json!([16, 32]));
    let sharded = of("llada-b");
    let files: Vec<&str> = sharded["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    assert!(files.contains(&"model-00002-of-00002.safetensors"), "{files:?}");
    refused(&["info", "/no/such/model"], &["/no/such/model"]);
}

/// A copy of a golden checkpoint whose config.json names no special tokens.
fn unnamed(tokenizer: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = golden().join("models/llada-a");
    let copy = |name: &str| {
        fs::copy(source.join(name), folder.path().join(name)).unwrap();
    };
    copy("model.safetensors");
    if tokenizer {
        copy("tokenizer.json");
    }
    let mut config: Value =
        serde_json::from_str(&fs::read_to_string(source.join("config.json")).unwrap()).unwrap();
    for name in ["mask_token_id", "eos_token_id"] {
        config.as_object_mut().unwrap().remove(name);
    }
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    folder
}

#[test]
fn special_tokens_can_be_said() {
    let folder = unnamed(false);
    let path: &Path = folder.path();
    let model = path.to_str().unwrap();
    refused(&["info", model], &["config.json", "the mask token", "--mask-token ID"]);
    refused(&["info", model, "--mask-token", "507"], &["end-of-sequence", "--eos-token"]);
    let found = json(&[model, "--mask-token", "507", "--eos-token", "503"]);
    assert_eq!(found["special"]["mask"]["id"], 507);
    assert_eq!(found["special"]["eos"]["id"], 503);
    assert_eq!(found["tokens"], 0);
    refused(&["info", model, "--mask-token", "512"], &["--mask-token 512", "512"]);
    refused(&["info", model, "--mask-token", "<|mdm_mask|>"], &["no such token"]);
    // The mask has a name that is known, the other is given by its text.
    let folder = unnamed(true);
    let model = folder.path().to_str().unwrap();
    refused(&["info", model], &["end-of-sequence", "--eos-token"]);
    let found = json(&[model, "--eos-token", "<|eot_id|>"]);
    assert_eq!(found["special"]["mask"]["text"], "<|mdm_mask|>");
    assert_eq!(found["special"]["eos"]["id"], 506);
    let small = ["--max-gen-length", "16", "--initial-gen-length", "8", "--prompt-ids", "1,2"];
    let args = [&["run", "--json", "--model", model, "--eos-token", "<|eot_id|>"][..], &small];
    assert!(!printed(&args.concat()).is_empty());
    // A tokenizer from elsewhere.
    let folder = unnamed(false);
    let model = folder.path().to_str().unwrap();
    let tokenizer = golden().join("models/llada-a/tokenizer.json");
    let tokenizer = tokenizer.to_str().unwrap();
    let found = json(&[model, "--tokenizer", tokenizer, "--eos-token", "503"]);
    assert_eq!(found["special"]["eos"]["text"], "<|endoftext|>");
    refused(&["info", model, "--tokenizer", "/no/such.json"], &["/no/such.json"]);
}
