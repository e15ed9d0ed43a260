//! Lints about getting on: thresholds that were never the reason for anything, stagnation.

use super::{Finding, Lint, Run};
use crate::{
    decode::{FillRule, Finish, Mode, RefuseRule, Verdict},
    session::Pending,
};

/// So many fallbacks in a row are a creep.
const CREEP: usize = 16;

pub(super) fn look(run: &Run) -> Vec<Finding> {
    let mut found = idle(run);
    found.extend(ended(run));
    found.extend(creep(run));
    found
}

/// Thresholds that never made a difference.
fn idle(run: &Run) -> Vec<Finding> {
    let any = |wanted: &dyn Fn(&Verdict) -> bool| {
        run.decisions().any(|(_, decision, _)| decision.verdicts.iter().any(wanted))
    };
    let mode = |mode: Mode| run.decisions().any(|(_, decision, _)| decision.mode == mode);
    let denoised = [Mode::HighConf, Mode::Fallback, Mode::Stuck].into_iter().any(mode);
    let filled =
        any(&|verdict| matches!(verdict, Verdict::Fill { rule: FillRule::Above { .. }, .. }));
    let passed = any(&|verdict| matches!(verdict, Verdict::Fill { rule: FillRule::Passes(_), .. }));
    let unsure = any(&|verdict| {
        matches!(verdict, Verdict::Expand { .. })
            || matches!(verdict, Verdict::Refused { rule, .. } if *rule != RefuseRule::Forbidden)
    });
    let refused = any(&|verdict| {
        matches!(verdict, Verdict::Refused { rule: RefuseRule::EosConfident { .. }, .. })
    });
    let mut found = Vec::new();
    let mut say = |idle: bool, name: &str, why: &str| {
        let value = run.end().params.get(name);
        if idle && let Ok(value) = value {
            found.push(Finding {
                lint: Lint::IdleThreshold,
                text: format!("{name} {value} had no effect: {why}"),
                steps: Vec::new(),
                positions: Vec::new(),
            });
        }
    };
    say(
        denoised && !filled,
        "high_conf_threshold",
        "no confidence was over it, every fill was a fallback",
    );
    say(
        denoised && !passed,
        "threshold",
        "no confidence reached it, every fill was the best of a step",
    );
    say(denoised && !unsure, "low_conf_threshold", "no confidence was under it");
    say(
        denoised && unsure && !refused,
        "expand_eos_confidence_threshold",
        "the EOS confidence was never over it where a position could expand",
    );
    say(
        mode(Mode::Settle) && !mode(Mode::Grow),
        "eos_confidence_threshold",
        "stage 1 added nothing, the first canvas was long enough",
    );
    found
}

/// A run that ended with masks.
fn ended(run: &Run) -> Option<Finding> {
    let end = run.end();
    let here = *run.path.last()? == run.session.at();
    let finish = match run.session.pending() {
        Pending::Done(finish) if here => *finish,
        _ => run.session.finish(*run.path.last()?)?,
    };
    let masked: Vec<usize> = (0..end.canvas.len()).filter(|&at| end.canvas.is_open(at)).collect();
    (finish != Finish::Complete || !masked.is_empty()).then(|| Finding {
        lint: Lint::Stagnation,
        text: match finish {
            // Its program may have been stopped.
            Finish::Unrecorded => {
                format!("the recording ends with {} masks left", masked.len())
            }
            finish => format!("the run ended ({}) with {} masks left", finish.name(), masked.len()),
        },
        steps: vec![end.depth as usize],
        positions: masked,
    })
}

/// The longest stretch of steps that filled one token each for want of confidence.
fn creep(run: &Run) -> Option<Finding> {
    let (mut best, mut here): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (step, decision, _) in run.decisions() {
        match decision.mode {
            Mode::Fallback | Mode::Stuck => here.push(step),
            _ => here.clear(),
        }
        if here.len() > best.len() {
            best.clone_from(&here);
        }
    }
    (best.len() >= CREEP).then(|| Finding {
        lint: Lint::Stagnation,
        text: format!(
            "{} steps in a row were over no threshold and filled one token each",
            best.len()
        ),
        steps: best,
        positions: Vec::new(),
    })
}
