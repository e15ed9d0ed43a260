//! The program itself, on a model of a hub.

use assert_cmd::Command;
use serde_json::Value;

use super::{
    ID, Person, checkpoint, golden,
    server::{Fault, Hub},
};

const RUN: [&str; 8] = [
    "--prompt-ids",
    "1,2,3",
    "--max-gen-length",
    "16",
    "--initial-gen-length",
    "8",
    "--json",
    "--no-config",
];

fn run(model: &str, person: &Person, more: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(["run", "--model", model]).args(RUN).args(more);
    // Nothing of whoever runs the tests.
    command.env_clear().env("HF_HOME", person.home.path());
    command.env("HF_ENDPOINT", &person.settings.endpoint);
    command.output().unwrap()
}

/// What was printed, without times and the model's name.
fn answer(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut value: Value = serde_json::from_slice(&output.stdout).unwrap();
    value.as_object_mut().unwrap().remove("wall_seconds").unwrap();
    value["model"].as_object_mut().unwrap().remove("name").unwrap();
    value
}

#[test]
fn a_model_of_the_hub_runs_as_from_its_folder() {
    let hub = Hub::serving(checkpoint());
    hub.fault("GET /cdn/", 1, Fault::Cut(300_000));
    let person = Person::of(&hub);
    let from_hub = run(ID, &person, &[]);
    assert!(hub.asked().iter().any(|asked| asked.from == Some(300_000)), "it did not resume");
    let expected = answer(&run(golden().to_str().unwrap(), &person, &[]));
    assert_eq!(answer(&from_hub), expected);
    assert!(from_hub.stderr.is_empty(), "{}", String::from_utf8_lossy(&from_hub.stderr));
    // And again, from the cache alone.
    hub.asked();
    assert_eq!(answer(&run(ID, &person, &["--offline"])), expected);
    assert!(hub.asked().is_empty());
}

#[test]
fn a_model_that_is_nowhere_is_one_paragraph() {
    fn check(model: &str, more: &[&str], code: i32, words: &[&str]) {
        let hub = Hub::serving(checkpoint());
        hub.fault("/other/", 9, Fault::Answer(404, &[("X-Error-Code", "RepoNotFound")], ""));
        let output = run(model, &Person::of(&hub), more);
        let printed = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert!(words.iter().all(|word| printed.contains(word)), "{model}: {printed}");
        assert!(
            printed.starts_with("error: ") && printed.trim_end().lines().count() == 1,
            "{printed}"
        );
    }
    check("other/model", &[], 1, &["the hub has no model other/model", "spelling"]);
    check(ID, &["--offline"], 1, &["local/model: offline", "without --offline"]);
    check("/no/such", &[], 1, &["/no/such", "no such folder", "no model of the hub", "owner/name"]);
    check("gpt2", &[], 1, &["no such folder", "`owner/name`"]);
    check(ID, &["--revision", "../x"], 2, &["--revision ../x"]);
    check("local/model@a", &["--revision", "b"], 2, &["one revision", "Give one"]);
    check(golden().to_str().unwrap(), &["--revision", "b"], 2, &["on the disk"]);
}
