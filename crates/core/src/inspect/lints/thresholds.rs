//! Lints about getting on: thresholds that were never the reason for anything, stagnation.

use super::{Finding, Lint, LintedRun};
use crate::decode::{FillRule, Finish, Measure, Mode, ParamRole, Params, RefuseRule, Verdict};

/// So many fallbacks in a row are a creep.
const CREEP: usize = 16;

pub(super) fn look(run: &LintedRun) -> Vec<Finding> {
    let mut found = idle(run);
    found.extend(ended(run));
    found.extend(creep(run));
    found
}

/// Thresholds that never made a difference.
fn idle(run: &LintedRun) -> Vec<Finding> {
    let any = |wanted: &dyn Fn(&Verdict) -> bool| {
        run.decisions().any(|(_, decision, _)| decision.verdicts.iter().any(wanted))
    };
    let mode = |mode: Mode| run.decisions().any(|(_, decision, _)| decision.mode == mode);
    let denoised = [Mode::HighConf, Mode::Fallback, Mode::Stuck].into_iter().any(mode);
    // A fill that passed, whatever the test, is one that the threshold let through.
    let passed = any(&|verdict| match verdict {
        Verdict::Fill { rule, .. } => {
            !matches!(rule, FillRule::BestOfBlock | FillRule::WithoutMask | FillRule::Best(_))
        }
        _ => false,
    });
    let unsure = any(&|verdict| {
        matches!(verdict, Verdict::Expand { .. })
            || matches!(verdict, Verdict::Refused { rule, .. } if *rule != RefuseRule::Forbidden)
    });
    let refused = any(&|verdict| {
        matches!(verdict, Verdict::Refused { rule: RefuseRule::EosConfident { .. }, .. })
    });
    let params = &run.end().params;
    let mut found = Vec::new();
    let mut say = |idle: bool, name: &str, why: &str, advice: &str| {
        // At 0 a threshold is turned off: presets do so to leave a stage out.
        if idle
            && let Ok(value) = params.get(name)
            && value.as_f64() > 0.0
        {
            let text = format!("{name} {value} had no effect: {why}");
            found.push(Finding::new(Lint::IdleThreshold, text).advising(advice));
        }
    };
    // What nobody asked for by name may be there for other prompts.
    let asked = |name: &str| {
        let default =
            params.spec(name).map(|spec| Params::defaults(std::slice::from_ref(spec)).get(name));
        default.is_ok_and(|default| params.get(name) != default)
    };
    say(
        denoised && !passed,
        "high_conf_threshold",
        "no confidence was over it, every fill was a fallback",
        "lower it: every step unmasked one token",
    );
    say(
        denoised && !passed,
        "threshold",
        "no confidence reached it, every fill was the best of a step",
        "lower it: every step unmasked one token",
    );
    let parted = any(&|verdict| match verdict {
        Verdict::Fill { rule: FillRule::Passes(test), .. } => test.measure == Measure::Run,
        _ => false,
    });
    say(
        denoised && !parted,
        "low_threshold",
        "the most confident of no run of masks was over it",
        "lower it: what is unmasked was over the threshold, or the best of its block",
    );
    say(
        mode(Mode::Quota) && !mode(Mode::HighConf),
        "late_threshold",
        "the mean gap over the answer reached none of the thresholds, nothing was unmasked early",
        "lower it, or point `--answer-start-pos` at the answer: no position behind the end counts",
    );
    say(
        params.tokens("delimiter_ids").is_ok_and(|ids| ids.ids().is_empty()),
        "delimiter_threshold",
        "no token is a delimiter, every block had the fixed width",
        "give `--delimiter-ids`, such as the newline's",
    );
    say(
        asked("low_conf_threshold") && denoised && !unsure,
        "low_conf_threshold",
        "no confidence was under it",
        "raise it if the answer needs more room",
    );
    say(
        asked("expand_eos_confidence_threshold") && denoised && unsure && !refused,
        "expand_eos_confidence_threshold",
        "the EOS confidence was never over it where a position could expand",
        "lower it if too much is expanded",
    );
    say(
        asked("eos_confidence_threshold") && mode(Mode::Settle) && !mode(Mode::Grow),
        "eos_confidence_threshold",
        "stage 1 added nothing, the first canvas was long enough",
        "raise it, or lower `--initial-gen-length`, if the answer was cut",
    );
    found
}

/// A run that ended with masks.
fn ended(run: &LintedRun) -> Option<Finding> {
    let end = run.end();
    let finish = run.finish()?;
    // What is behind an end-of-sequence token that ended the run is not read.
    let read = match finish {
        Finish::EndOfSequence => {
            let eos = end.canvas.special().eos;
            end.canvas.cells().iter().position(|cell| cell.token == eos)
        }
        _ => None,
    };
    let read = read.unwrap_or(end.canvas.len());
    let masked: Vec<usize> = (0..read).filter(|&at| end.canvas.is_open(at)).collect();
    if masked.is_empty() {
        return None;
    }
    let draws =
        end.params.number_of(ParamRole::Temperature).is_some_and(|temperature| temperature > 0.0);
    let (text, advice) = match finish {
        // Its program may have been stopped.
        Finish::Unrecorded => (
            format!("the recording ends with {} masks left", masked.len()),
            "let the program that wrote it run to its end",
        ),
        finish => (
            format!("the run ended ({}) with {} masks left", finish.name(), masked.len()),
            match finish {
                Finish::OutOfSteps => "raise `--steps`",
                _ if draws => {
                    "see why the last positions were left (`why POSITION`); no draw at this \
                     temperature wrote a token there: veto the token that was drawn, or lower a \
                     threshold"
                }
                _ => {
                    "see why the last positions were left (`why POSITION`); veto the guess, or \
                     set a temperature over 0, so that another token is chosen"
                }
            },
        ),
    };
    let found = Finding::new(Lint::Stagnation, text).advising(advice);
    Some(found.at_steps([end.depth as usize]).at_positions(masked))
}

/// The longest stretch of steps that filled one token each for want of confidence.
fn creep(run: &LintedRun) -> Option<Finding> {
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
    (best.len() >= CREEP).then(|| {
        let text = format!(
            "{} steps in a row were over no threshold and unmasked one token each",
            best.len()
        );
        let advice =
            "lower the threshold if that is too slow: what is unmasked stays the best of each step";
        Finding::new(Lint::Stagnation, text).advising(advice).at_steps(best)
    })
}
