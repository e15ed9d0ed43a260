//! A report held against an earlier one of the same command.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::{BenchError, samples::short};

/// Changes that are less than this are taken for noise: 5 %.
const NOISE: f64 = 0.05;

/// What must be equal for figures to be comparable: names of the report.
const CONDITIONS: [&str; 9] = [
    "model",
    "layers",
    "device",
    "dtype",
    "instructions",
    "threads",
    "strategy",
    "prompt_tokens",
    "version",
];

/// Figures of the report by their paths, and whether more is better.
const FIGURES: [(&str, bool); 9] = [
    ("/run/ms_per_step", false),
    ("/run/forward/p50", false),
    ("/run/head/p50", false),
    ("/run/decide/p50", false),
    ("/run/record/p50", false),
    ("/run/draw/p50", false),
    ("/load_ms", false),
    ("/peak_memory_bytes", false),
    ("/matmul_gflops", true),
];

/// Two reports, compared.
#[derive(Debug, Serialize)]
pub struct AgainstEarlier {
    /// What was otherwise in the earlier one: name, then and now.
    conditions: Vec<(String, Value, Value)>,
    figures: Vec<FigureChange>,
}

/// A figure in both reports.
#[derive(Debug, PartialEq, Serialize)]
struct FigureChange {
    figure: String,
    before: f64,
    now: f64,
    /// Now by before.
    ratio: f64,
    /// `slower`, `faster` or `same`, of memory `more` or `less`.
    verdict: &'static str,
}

impl FigureChange {
    fn of(figure: String, before: f64, now: f64, more_is_better: bool) -> Option<Self> {
        let ratio = now / before;
        let (worse, better) = match figure.ends_with("bytes") {
            true => ("more", "less"),
            false => ("slower", "faster"),
        };
        let grown = ratio > 1.0 + NOISE;
        let shrunk = ratio < 1.0 / (1.0 + NOISE);
        let verdict = match (grown || shrunk, grown == more_is_better) {
            (false, _) => "same",
            (true, true) => better,
            (true, false) => worse,
        };
        ratio.is_finite().then_some(Self { figure, before, now, ratio, verdict })
    }
}

impl AgainstEarlier {
    /// A report, as `--json` prints it, against what it printed earlier.
    ///
    /// # Errors
    /// If `earlier` is no such report, or has no figure in common with this one.
    pub fn of(now: &Value, earlier: &str) -> Result<Self, BenchError> {
        let before: Value = serde_json::from_str(earlier)
            .map_err(|error| BenchError::Earlier(format!("it is not JSON ({error})")))?;
        if before.get("matmul_gflops").is_none() {
            return Err(BenchError::Earlier("it is not what `demask bench --json` prints".into()));
        }
        Self::compared(&before, now).ok_or_else(|| {
            BenchError::Earlier(
                "it measured other things. Give the same --lengths, or none, as it was made with"
                    .into(),
            )
        })
    }

    fn compared(before: &Value, now: &Value) -> Option<Self> {
        let mut figures: Vec<FigureChange> = FIGURES
            .into_iter()
            .filter_map(|(path, more_is_better)| {
                let number = |report: &Value| report.pointer(path)?.as_f64();
                let name = path.trim_start_matches("/run").trim_start_matches('/');
                let (before, now) = (number(before)?, number(now)?);
                FigureChange::of(name.replace("/p50", ""), before, now, more_is_better)
            })
            .collect();
        let passes = |report: &Value| report.get("lengths")?.as_array().cloned();
        let (old, new) = (passes(before).unwrap_or_default(), passes(now).unwrap_or_default());
        let common = new.iter().filter_map(|pass| {
            let same = old.iter().find(|other| other.get("masks") == pass.get("masks"))?;
            let p50 = |pass: &Value| pass.pointer("/pass/p50")?.as_f64();
            let name = format!("pass over {} masks", pass.get("masks")?);
            FigureChange::of(name, p50(same)?, p50(pass)?, false)
        });
        figures.extend(common);
        let measured =
            |one: &FigureChange| one.figure == "ms_per_step" || one.figure.starts_with("pass");
        if !figures.iter().any(measured) {
            return None;
        }
        let conditions = CONDITIONS.into_iter().filter_map(|name| {
            let value = |report: &Value| report.get(name).cloned().unwrap_or(Value::Null);
            let (before, now) = (value(before), value(now));
            (before != now).then(|| (name.to_owned(), before, now))
        });
        Some(Self { conditions: conditions.collect(), figures })
    }

    /// The table, in 80 columns.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{:<24}{:>12}{:>12}{:>9}", "against", "before", "now", "ratio");
        for FigureChange { figure, before, now, ratio, verdict } in &self.figures {
            let verdict = if *verdict == "same" { "" } else { verdict };
            let (before, now) = (short(*before), short(*now));
            let _ = writeln!(text, "{figure:<24}{before:>12}{now:>12}{ratio:>9.2}  {verdict}");
        }
        for (name, before, now) in &self.conditions {
            let _ = writeln!(text, "{name} was {before} then, and is {now} now");
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_say_what_got_slower() {
        let check = |name: &str, before: f64, now: f64, more: bool, expected: &str| {
            let change = FigureChange::of(name.to_owned(), before, now, more).unwrap();
            assert_eq!(change.verdict, expected, "{name}: {before} to {now}");
        };
        check("forward", 10.0, 10.4, false, "same");
        check("forward", 10.0, 11.0, false, "slower");
        check("forward", 10.0, 9.0, false, "faster");
        check("matmul_gflops", 100.0, 80.0, true, "slower");
        check("matmul_gflops", 100.0, 120.0, true, "faster");
        check("peak_memory_bytes", 100.0, 120.0, false, "more");
        assert_eq!(FigureChange::of("head".into(), 0.0, 1.0, false), None);
    }

    #[test]
    fn lengths_are_compared_where_both_have_them() {
        let pass = |masks: u32, p50: f64| json!({ "masks": masks, "pass": { "p50": p50 } });
        let before = json!({ "dtype": "f32", "lengths": [pass(32, 4.0), pass(64, 8.0)] });
        let now = json!({ "dtype": "bf16", "lengths": [pass(64, 4.0), pass(128, 9.0)] });
        let compared = AgainstEarlier::compared(&before, &now).unwrap();
        assert_eq!(compared.figures.len(), 1);
        let text = compared.text();
        for words in ["pass over 64 masks", "0.50  faster", "dtype was \"f32\" then"] {
            assert!(text.contains(words), "{text}");
        }
        assert!(AgainstEarlier::compared(&before, &json!({ "lengths": [pass(7, 1.0)] })).is_none());
        let run = json!({ "run": { "ms_per_step": 1.0 } });
        assert!(AgainstEarlier::compared(&before, &run).is_none());
    }
}
