//! The embedded model behaves as its card says, on the committed weights.

use std::{fs, ops::ControlFlow};

use candle_core::Device;
use demask::{
    eval::{card::Card, tasks},
    model::{self, Computing, ModelSource},
};

#[test]
fn the_embedded_model_keeps_its_promises() {
    let computing = Computing::on(Device::Cpu);
    let mut model =
        model::load(&ModelSource::Embedded, &computing, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    let card = Card::measure(&mut model, 20, &[], &mut |_| {}).unwrap();
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{card}");
    assert!(card.tail_long - card.tail_short >= 0.6, "the tail signal is weak");
    assert!(card.rank >= 0.9, "stage 1 does not follow the answer's length: {}", card.rank);
    assert!(card.expansions > 0, "nothing expands at the shipped thresholds");
    assert!(card.right >= 0.8, "only {} of the word problems are right", card.right);
    assert!(card.right > card.right_fixed + 0.3, "{} with too short a length", card.right_fixed);
}

#[test]
fn the_prompts_it_is_said_to_know_are_answered_right() {
    for problem in tasks::examples() {
        let mut command = assert_cmd::Command::cargo_bin("demask").unwrap();
        command.args(["run", "--no-config", "--device", "cpu", &problem.prompt]);
        let output = command.output().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(problem.check(answer.trim()), "{}: {answer}", problem.prompt);
    }
}

/// What is quoted in the commands of the README is a prompt that it knows.
#[test]
fn the_prompts_of_the_readme_are_known() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let known: Vec<String> = tasks::examples().into_iter().map(|known| known.prompt).collect();
    let mut seen = 0;
    for line in text.lines() {
        let command = ["demask ", "cargo run --release -- "]
            .into_iter()
            .find_map(|start| line.strip_prefix(start));
        let quoted = command.and_then(|command| {
            let run = command.starts_with("run ") || command.starts_with("compare ");
            let quoted = command.split('"').skip(1).step_by(2);
            run.then_some(quoted.filter(|text| text.ends_with(['.', '?'])))
        });
        for prompt in quoted.into_iter().flatten() {
            assert!(known.iter().any(|known| known == prompt), "{line}");
            seen += 1;
        }
    }
    assert!(seen >= 6, "only {seen} found");
}
