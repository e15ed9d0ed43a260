//! Which lints find what on whole runs: on the recordings of this repository, on runs of the
//! embedded model that go wrong in a known way, on good ones, and on the reference's.

use std::{collections::BTreeMap, ops::ControlFlow, time::Duration};

use candle_core::Device;
use demask::{
    canvas::TokenId,
    decode::{Extras, Recipe},
    eval::tasks::{Task, held_out},
    inspect::{self, Finding, Lint},
    model::{self, Computing, Loaded, ModelSource, Overrides},
    predict::{Column, ColumnSet},
    session::{Pending, Session},
};

use super::{
    drive::{recording, recordings},
    golden,
};
use crate::support::{Trace, load};

/// What is wrong with how a run was set up or where it ended, not with the model's words.
const FAULTS: [Lint; 8] = [
    Lint::WrongMask,
    Lint::ShiftedLogits,
    Lint::NoAnswerTurn,
    Lint::TooFewSteps,
    Lint::CutOff,
    Lint::PrematureEos,
    Lint::AfterEos,
    Lint::DroppedTokens,
];

fn names(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.lint.name()).collect()
}

fn embedded(overrides: Overrides) -> Loaded {
    let computing = Computing { overrides, ..Computing::on(Device::Cpu) };
    model::load(&ModelSource::Embedded, &computing, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// A run to its end.
fn run(model: &mut Loaded, recipe: &str, prompt: &[TokenId]) -> Session {
    let recipe = Recipe::parse(recipe).unwrap();
    let params = recipe.params(&model.suggested.of(recipe.strategy.name())).unwrap();
    let columns = ColumnSet::of(&[Column::Entropy, Column::TopK]);
    let extras = Extras { columns, top_k: 2, reading: model.facts.reading, ..Extras::NONE };
    let special = model.facts.special;
    let mut session = Session::new(recipe.strategy, prompt, special, params, extras, None).unwrap();
    loop {
        match session.pending().clone() {
            Pending::Wanted { key, request } => {
                let watch = &mut |_| ControlFlow::Continue(());
                let prediction = model.predictor.predict(&request, watch).unwrap();
                session.supply(key, prediction, Duration::ZERO);
            }
            Pending::Decided { .. } => drop(session.step().unwrap()),
            Pending::Done(_) => return session,
            Pending::Failed(error) => panic!("{recipe}: {error}"),
        }
    }
}

fn linted(model: &mut Loaded, recipe: &str, prompt: &str) -> (Vec<Finding>, String) {
    let ids = model.tokenizer.encode_prompt(prompt).unwrap();
    let session = run(model, recipe, &ids);
    let canvas = session.canvas();
    let answer = model.tokenizer.text(&canvas.tokens()[..canvas.tail()]);
    (inspect::lint(&session, &*model.tokenizer, session.at()), answer)
}

#[test]
fn recordings_have_what_they_are_known_for() {
    for (name, expected) in [
        ("short-answer", &[][..]),
        ("stage-1-growth", &["early-punctuation"]),
        ("stage-2-expansions", &["low-confidence", "early-punctuation"]),
        ("maximum-length", &["low-confidence", "early-punctuation"]),
        ("wrong-count", &["early-punctuation"]),
        ("added-sentences", &["low-confidence", "early-punctuation"]),
        ("edited-to-and-fro", &["back-and-forth"]),
        ("edited-away", &["low-confidence", "early-punctuation"]),
    ] {
        let recording = recording(name);
        let session = recording.session();
        let findings = inspect::lint(&session, &*recording.vocabulary, recording.recorded.end);
        assert_eq!(names(&findings), expected, "{name}: {findings:#?}");
    }
    assert!(recordings().len() >= 4);
}

#[test]
fn runs_that_go_wrong_are_found() {
    const STORY: &str = "Write a story in 7 sentences about a small owl who finds a drum.";
    let mut model = embedded(Overrides::default());
    for (recipe, prompt, expected) in [
        ("low_confidence:gen_length=256,steps=8", STORY, Lint::TooFewSteps),
        ("mdlm:gen_length=128,steps=4", STORY, Lint::TooFewSteps),
        ("low_confidence:gen_length=32,steps=32", STORY, Lint::CutOff),
        ("daedal:max_gen_length=48", STORY, Lint::CutOff),
        ("low_confidence:gen_length=256,steps=256,block_length=256", STORY, Lint::PrematureEos),
        (
            "low_confidence:gen_length=128,steps=128",
            "Name 4 animals and 3 places.",
            Lint::Overshoot,
        ),
        ("mdlm:gen_length=128,steps=128,right_shift_logits=true", STORY, Lint::ShiftedLogits),
    ] {
        let (findings, answer) = linted(&mut model, recipe, prompt);
        assert!(names(&findings).contains(&expected.name()), "{recipe}: {findings:#?}\n{answer}");
    }
    let story = model.tokenizer.encode_prompt(STORY).unwrap();
    let eot = story.iter().rposition(|&id| Some(id) == model.tokenizer.find("<|eot_id|>")).unwrap();
    let session = run(&mut model, "daedal", &story[..=eot]);
    let findings = inspect::lint(&session, &*model.tokenizer, session.at());
    assert!(names(&findings).contains(&"no-answer-turn"), "{findings:#?}");
    let mut model =
        embedded(Overrides { mask: Some("97".parse().unwrap()), ..Overrides::default() });
    let (findings, answer) = linted(&mut model, "daedal", STORY);
    assert!(names(&findings).contains(&"wrong-mask"), "{findings:#?}\n{answer}");
}

/// Held-out problems of every kind, answered right under the shipped parameters.
#[test]
fn nothing_is_wrong_with_right_answers() {
    let mut model = embedded(Overrides::default());
    let (mut right, mut all) = (0, 0);
    let mut found = BTreeMap::new();
    for task in Task::ALL {
        for problem in held_out(task, 15).take(2) {
            for recipe in
                ["daedal", "threshold:gen_length=128", "low_confidence:gen_length=64,steps=64"]
            {
                let (findings, answer) = linted(&mut model, recipe, &problem.prompt);
                all += 1;
                if !problem.check(&answer) {
                    continue;
                }
                right += 1;
                for finding in findings.iter().filter(|finding| FAULTS.contains(&finding.lint)) {
                    found
                        .entry(format!("{recipe}: {} -> {answer}", problem.prompt))
                        .or_insert_with(Vec::new)
                        .push(finding.to_string());
                }
            }
        }
    }
    assert!(right * 2 > all, "{right} of {all} right");
    assert!(found.is_empty(), "{found:#?}");
}

/// The reference's runs are of models with random weights: most of what makes a run good is not
/// there, but nothing is wrong with how they are set up.
#[test]
fn the_reference_is_set_up_right() {
    let mut models = BTreeMap::new();
    for trace in Trace::all() {
        let model = models.entry(trace.model.clone()).or_insert_with(|| load(&trace.model));
        let session = golden::recorded(&trace);
        let findings = inspect::lint(&session, &*model.tokenizer, session.at());
        for finding in &findings {
            let setup =
                [Lint::WrongMask, Lint::ShiftedLogits, Lint::NoAnswerTurn, Lint::TooFewSteps];
            assert!(!setup.contains(&finding.lint), "{}: {finding}", trace.name);
        }
    }
}
