//! GGUF files in llama.cpp's naming: the same logits as the folder they were made from, the same
//! text, and a message for what is cut, hostile or something else.

mod convert;
mod logits;
mod program;
mod refused;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use candle_core::quantized::GgmlDType;
use serde_json::Value as Json;

use self::convert::{Draft, convert};
use crate::support::golden;

fn model_folder(name: &str) -> PathBuf {
    golden().join("models").join(name)
}

const SOME_IDS: [u32; 12] = [3, 77, 507, 507, 12, 507, 503, 503, 90, 41, 507, 507];

/// The embedded model's folder.
fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/tiny")
}

/// As llama.cpp does: rows that are no whole blocks stay as they are.
fn whole_blocks(name: &str) -> GgmlDType {
    if name.contains("ffn_down") { GgmlDType::F16 } else { GgmlDType::Q8_0 }
}

fn tiny_draft() -> Draft {
    let mut draft = convert(&tiny(), "llada", whole_blocks);
    // Its head is its embedding.
    draft.drop_tensor("output.weight");
    draft
}

fn demask(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(args).env_remove("NO_COLOR");
    // Not the configuration of whoever runs the tests.
    command.env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// What a run prints as JSON.
fn run(args: &[&str]) -> Json {
    let output = demask(&[&["run", "--json"], args].concat()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs, expects exit code 1 and these words on stderr.
fn refused(path: &Path, more: &[&str], words: &[&str]) {
    let args = [&["run", "--model", path.to_str().unwrap(), "hello"], more].concat();
    let output = demask(&args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked at"), "{stderr}");
}
