//! Faithfulness: our decisions against every step of every recorded run of the reference.

use std::{collections::HashMap, io::Write, ops::ControlFlow, time::Duration};

use crate::support::{Step, Trace, load, load_in_torch, load_with_columns_in_torch};
use demask::{
    canvas::{Canvas, TokenId},
    decode::{AnyStrategy, Decision, Extras, State, daedal::Daedal},
    model::Loaded,
    predict::Column,
    session::{Pending, Session},
};

/// Prints although the test harness captures output: the counts are what a reader came for.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Everything a decision says that the trace has recorded, compared exactly.
fn differences(trace: &Trace, index: usize, canvas: &Canvas, decision: &Decision) -> Vec<String> {
    let step: &Step = &trace.steps[index];
    let mut found = Vec::new();
    let mut same = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{} step {index} {what}: {ours}, not {theirs}", trace.name));
        }
    };
    let after = canvas.apply(&decision.edits, 1).expect("edits fit").canvas;
    // The reference appends EOS between the stages; ours does with the last decision of stage 1.
    let settles = step.stage == 1 && step.expand != Some(true);
    let ids = if settles { &trace.transition.ids } else { &step.ids_after };
    let length = if settles { trace.transition.gen_length } else { step.gen_length_after };
    same("ids after", format!("{:?}", after.tokens()), format!("{ids:?}"));
    same("length after", after.len().to_string(), length.to_string());
    let eos = decision.eos.as_ref().expect("DAEDAL measures the EOS confidence");
    same("eos counted", eos.taken.len().to_string(), step.eos_counted.to_string());
    let State::Daedal(next) = &decision.next else { panic!("a state of DAEDAL") };
    if step.stage == 1 {
        let last = decision.mode.name() == "settle";
        same("expand", (!last).to_string(), step.expand.unwrap_or(false).to_string());
        same("next stage", next.stage.to_string(), if last { "2" } else { "1" }.to_owned());
    } else {
        let fills: Vec<(usize, TokenId)> = decision.fills().collect();
        let mut filled = step.filled.clone();
        filled.sort_unstable();
        same("filled", format!("{fills:?}"), format!("{filled:?}"));
        let expanded: Vec<usize> = decision.expansions().collect();
        same("expanded", format!("{expanded:?}"), format!("{:?}", step.expanded));
        let candidates: Vec<usize> = decision
            .verdicts
            .iter()
            .enumerate()
            .filter(|(_, verdict)| matches!(verdict.name(), "expand" | "refused"))
            .map(|(position, _)| position)
            .collect();
        same("candidates", format!("{candidates:?}"), format!("{:?}", step.expand_candidates));
        same("mode", decision.mode.name().to_owned(), step.mode.clone().unwrap_or_default());
        same("cursor", next.cursor.to_string(), format!("{}", step.next_block_start.unwrap_or(0)));
        same("stagnant", next.stagnant.to_string(), step.stagnant.to_string());
    }
    found
}

#[test]
fn decide_on_recorded_predictions_gives_the_recorded_decisions() {
    let (mut steps, mut different) = (0, Vec::new());
    let traces = Trace::all();
    for trace in &traces {
        let params = trace.params();
        for (index, step) in trace.steps.iter().enumerate() {
            let canvas = step.canvas(trace);
            let decision = Daedal
                .decide(&canvas, &trace.state(index), &params, &step.prediction())
                .unwrap_or_else(|error| panic!("{} step {index}: {error}", trace.name));
            let eos = decision.eos.as_ref().expect("an EOS measure").confidence;
            if eos.to_bits() != step.eos_confidence.to_bits() {
                different.push(format!("{} step {index}: eos {eos}", trace.name));
            }
            different.extend(differences(trace, index, &canvas, &decision));
            steps += 1;
        }
    }
    say(&format!(
        "golden, decide on recorded predictions: {} runs, {steps} steps compared, {} different",
        traces.len(),
        different.len()
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(traces.len() >= 59, "only {} golden runs found", traces.len());
}

#[test]
fn own_forward_passes_give_the_recorded_canvases() {
    forward_passes_give_the_recorded_canvases("own forward passes", load);
}

#[test]
#[ignore = "needs torch and safetensors in the Python that DEMASK_PYTHON names"]
fn an_engine_gives_the_recorded_canvases() {
    forward_passes_give_the_recorded_canvases("forward passes in PyTorch", load_in_torch);
}

#[test]
#[ignore = "needs torch and safetensors in the Python that DEMASK_PYTHON names"]
fn an_engine_that_reduces_gives_the_recorded_canvases() {
    forward_passes_give_the_recorded_canvases("all in PyTorch", load_with_columns_in_torch);
}

fn forward_passes_give_the_recorded_canvases(which: &str, load: fn(&str) -> Loaded) {
    let mut models = HashMap::new();
    let (mut steps, mut different, mut largest) = (0, Vec::new(), 0.0_f32);
    let traces = Trace::all();
    for trace in &traces {
        let model = models.entry(trace.model.clone()).or_insert_with(|| load(&trace.model));
        assert_eq!(model.facts.special, trace.special());
        let extras = Extras::NONE;
        let mut session =
            Session::new(&Daedal, &trace.prompt, trace.special(), trace.params(), extras, None)
                .expect("golden parameters are legal");
        for (index, step) in trace.steps.iter().enumerate() {
            if session.canvas().tokens() != step.ids_before {
                different.push(format!("{} step {index}: canvas before", trace.name));
                break;
            }
            // The pass that settles stage 1 is not run again if nothing was appended.
            if let Pending::Wanted { key, request } = session.pending().clone() {
                let prediction = model
                    .predictor
                    .predict(&request, &mut |_| ControlFlow::Continue(()))
                    .unwrap_or_else(|error| panic!("{} step {index}: {error}", trace.name));
                let ours = prediction.numbers(Column::PChoice).expect("asked for");
                for (ours, theirs) in ours.iter().zip(&step.confidence) {
                    largest = largest.max((ours - theirs).abs());
                }
                session.supply(key, prediction, Duration::ZERO);
            }
            let Pending::Decided { decision, .. } = session.pending() else {
                panic!("{} step {index}: {:?}", trace.name, session.pending())
            };
            different.extend(differences(trace, index, session.canvas(), decision));
            session.step().expect("a decided step can be made");
            steps += 1;
        }
        if !matches!(session.pending(), Pending::Done(_)) {
            different.push(format!("{}: goes on after the reference ended", trace.name));
        }
        if session.canvas().tokens() != trace.final_ids {
            different.push(format!("{}: final ids", trace.name));
        }
    }
    say(&format!(
        "golden, {which}: {} runs, {steps} steps compared, {} different; largest \
         difference of a confidence {largest:.1e}",
        traces.len(),
        different.len()
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(largest < 1e-4, "a confidence differs by {largest}");
}
