//! Why this length: how stage 1 stopped and what stage 2 added, in words.

use super::super::{
    app::{App, history::StepSummary},
    paint::text,
};
use crate::decode::Mode;

/// Why the canvas has the length it has, from the steps that led here.
pub fn why(app: &App) -> String {
    let here = app.step() as usize;
    let moments = app.history.moments.get(..=here).unwrap_or_default();
    let length = app.canvas().len();
    let mut parts = Vec::new();
    for (step, pair) in (1..).zip(moments.windows(2)) {
        let [before, moment] = pair else { continue };
        let Some(made) = moment.made.as_ref().filter(|made| made.mode == Mode::Settle) else {
            continue;
        };
        let why = made.eos.map_or(String::new(), |(confidence, threshold)| {
            let (eos, bound) = text::compared(confidence, threshold);
            if confidence < threshold {
                format!(": EOS {eos} < τ_eos {bound}, at the maximum")
            } else {
                format!(": EOS {eos} ≥ τ_eos {bound}")
            }
        });
        let then = match moment.length {
            to if to > before.length => format!(", + {} EOS = {to}", to - before.length),
            to if to < before.length => format!(", cut to {to}"),
            _ => String::new(),
        };
        parts.push(format!("stage 1 stopped at {} (step {step}{why}){then}", before.length));
    }
    let sum = |of: fn(&StepSummary) -> usize| -> usize {
        moments.iter().filter_map(|moment| moment.made.as_ref()).map(of).sum()
    };
    if app.debugger.session.phase().stage == 2 {
        let (expansions, dropped) = (sum(|made| made.expansions), sum(|made| made.dropped));
        let noun = if expansions == 1 { "expansion" } else { "expansions" };
        let more = moments
            .iter()
            .find(|moment| moment.stage == 2)
            .map(|first| (length + dropped).saturating_sub(first.length));
        let more =
            more.filter(|&more| more > 0).map_or(String::new(), |more| format!(" (+{more})"));
        parts.push(format!("stage 2: {expansions} {noun}{more}, {dropped} dropped"));
    }
    let (end, generated) = (app.canvas().effective(), app.canvas().generated());
    let ratio = if generated == 0 { 0.0 } else { end as f32 / generated as f32 };
    parts.push(format!("E_token {end}, E_ratio {}", text::probability(Some(ratio))));
    format!("Length {length}: {}.", parts.join("; "))
}
