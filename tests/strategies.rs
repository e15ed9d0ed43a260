//! Faithfulness of the strategies of fixed length: every golden run of every kind but DAEDAL's,
//! decided on recorded predictions, and with our own forward passes.

use std::{
    collections::HashMap, fs, io::Write, ops::ControlFlow, process::Command, time::Duration,
};

use crate::support::{golden, load, load_in_torch};
use demask::{
    canvas::{FixedText, SpecialTokens, TokenId},
    decode::{AnyStrategy, Extras, Finish, Params, Plan, Recipe, STRATEGIES},
    model::Loaded,
    predict::{Column, Data, Prediction, Vocabulary as _},
    session::{Pending, Session},
};
use serde::Deserialize;
use serde_json::{Map, Value};

const KINDS: [&str; 19] = [
    "llada_fixed",
    "llada_fixed_daedal_repo",
    "fastdllm",
    "fastdllm_dllm_port",
    "dream",
    "mdlm",
    "order",
    "prophet",
    "adablock",
    "hierarchy",
    "credit",
    "eb_sampler",
    "klass",
    "remdm",
    "wino",
    "rho_eos",
    "cal",
    "dreamon",
    "entropy_bound",
];

#[derive(Deserialize)]
struct Run {
    kind: String,
    name: String,
    model: String,
    mask_id: TokenId,
    eos_token_id: TokenId,
    params: Map<String, Value>,
    prompt: Vec<TokenId>,
    /// What stands behind the prompt at the start, where that is not masks alone.
    #[serde(default)]
    text: Vec<TokenId>,
    final_ids: Vec<TokenId>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    ids_before: Vec<TokenId>,
    argmax: Vec<TokenId>,
    confidence: Vec<Option<f32>>,
    /// Where it is not the argmax.
    #[serde(default)]
    choice: Option<Vec<TokenId>>,
    #[serde(default)]
    p_argmax: Option<Vec<Option<f32>>>,
    #[serde(default)]
    score: Option<Vec<Option<f32>>>,
    #[serde(default)]
    kl: Option<Vec<Option<f32>>>,
    #[serde(default)]
    p_eos: Option<Vec<Option<f32>>>,
    #[serde(default)]
    p_shadow: Option<Vec<Option<f32>>>,
    #[serde(default)]
    best_unmask: Option<Vec<TokenId>>,
    #[serde(default)]
    p_best_unmask: Option<Vec<Option<f32>>>,
    #[serde(default)]
    quota: Option<usize>,
    #[serde(default)]
    block_start: Option<usize>,
    ids_after: Vec<TokenId>,
}

impl Run {
    fn all() -> Vec<Self> {
        let mut runs = Vec::new();
        for kind in KINDS {
            let mut paths: Vec<_> = fs::read_dir(golden().join("traces").join(kind))
                .expect("golden traces")
                .map(|entry| entry.expect("a folder entry").path())
                .collect();
            paths.sort();
            runs.extend(paths.iter().map(|path| -> Self {
                let text = fs::read_to_string(path).expect("a golden trace");
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
            }));
        }
        runs
    }

    /// The recipe as a person would write it, the reference's names and defaults.
    fn recipe(&self) -> Recipe {
        let has = |name: &str| self.params.contains_key(name);
        let by_rule = || match (has("threshold"), has("factor")) {
            (true, _) => "threshold",
            (_, true) => "factor",
            _ if self.kind == "fastdllm" => "low_confidence",
            _ => "mdlm",
        };
        let (strategy, extra) = match self.kind.as_str() {
            "llada_fixed" => ("low_confidence", ""),
            "llada_fixed_daedal_repo" => ("low_confidence", "variant=daedal_repo"),
            "fastdllm" if by_rule() == "low_confidence" => ("low_confidence", "variant=fastdllm"),
            "fastdllm" => (by_rule(), ""),
            "fastdllm_dllm_port" if by_rule() == "mdlm" => ("mdlm", ""),
            "fastdllm_dllm_port" => (by_rule(), "variant=dllm"),
            "dream" => ("dream", "top_p=1"),
            other => (other, ""),
        };
        let given = self.params.iter().map(|(name, value)| match value {
            Value::Array(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                format!("{name}={}", ids.join("+"))
            }
            Value::String(text) => format!("{name}={text}"),
            value => format!("{name}={value}"),
        });
        let parts: Vec<String> =
            given.chain([extra.to_owned()].into_iter().filter(|part| !part.is_empty())).collect();
        let text = format!("{strategy}:{}", parts.join(","));
        Recipe::parse(&text).unwrap_or_else(|error| panic!("{}: {text}: {error}", self.name))
    }

    /// What the run starts with.
    fn start(&self) -> FixedText {
        let hole = |&token: &TokenId| (token != self.mask_id).then_some(token);
        match self.text.is_empty() {
            true => FixedText::from(&self.prompt),
            false => {
                FixedText::with_holes(&self.prompt, self.text.iter().map(hole)).expect("holes")
            }
        }
    }

    fn special(&self) -> SpecialTokens {
        SpecialTokens { mask: self.mask_id, eos: self.eos_token_id }
    }
}

impl Step {
    fn prediction(&self) -> Prediction {
        let numbers = |values: &[Option<f32>]| {
            Data::Numbers(values.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
        };
        let choice = self.choice.as_ref().unwrap_or(&self.argmax);
        let prediction = Prediction::new(self.argmax.len())
            .with(Column::Argmax, Data::Ids(self.argmax.clone()))
            .with(Column::Choice, Data::Ids(choice.clone()))
            .with(Column::PChoice, numbers(&self.confidence));
        let prediction = match &self.best_unmask {
            Some(ids) => prediction.with(Column::BestUnmask, Data::Ids(ids.clone())),
            None => prediction,
        };
        let more = [
            (Column::PArgmax, &self.p_argmax),
            (Column::Score, &self.score),
            (Column::Kl, &self.kl),
            (Column::PEos, &self.p_eos),
            (Column::PShadow, &self.p_shadow),
            (Column::PBestUnmask, &self.p_best_unmask),
        ];
        more.into_iter().fold(prediction, |prediction, (column, values)| match values {
            Some(values) => prediction.with(column, numbers(values)),
            None => prediction,
        })
    }
}

const EXTRAS: Extras = Extras::NONE;

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Runs of each kind.
fn by_kind(runs: &[Run]) -> String {
    let count = |kind: &str| runs.iter().filter(|run| run.kind == kind).count();
    KINDS.iter().map(|kind| format!("{kind} {}", count(kind))).collect::<Vec<_>>().join(", ")
}

fn done(
    strategy: &dyn AnyStrategy,
    at: (&demask::canvas::Canvas, &demask::decode::State),
    params: &Params,
) -> Option<Finish> {
    match strategy.plan(at.0, at.1, params, 1, EXTRAS) {
        Ok(Plan::Done(finish)) => Some(finish),
        _ => None,
    }
}

#[test]
fn decide_on_recorded_predictions_gives_the_recorded_canvases() {
    let (mut steps, mut different) = (0, Vec::new());
    let runs = Run::all();
    for run in &runs {
        let recipe = run.recipe();
        let (strategy, params) = (recipe.strategy, recipe.params(&[]).expect("legal"));
        let (mut canvas, mut state) =
            strategy.start(&run.start(), run.special(), &params).expect("a start");
        for (index, step) in run.steps.iter().enumerate() {
            assert_eq!(canvas.tokens(), step.ids_before, "{} step {index}: before", run.name);
            let at = format!("{} {} step {index}", run.kind, run.name);
            if let Some(finish) = done(strategy, (&canvas, &state), &params) {
                different.push(format!("{at}: ends with {}", finish.name()));
                break;
            }
            let block = strategy.phase(&canvas, &state, &params).block.map(|block| block.start);
            if step.block_start.is_some() && block != step.block_start {
                different.push(format!("{at}: block {block:?}"));
            }
            let decision = strategy
                .decide(&canvas, &state, &params, &step.prediction())
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            if let Some(quota) = step.quota {
                let picked = decision.verdicts.iter().filter(|verdict| {
                    verdict.name() == "fill" || verdict.to_string().contains("predicts the mask")
                });
                if picked.count() != quota {
                    different.push(format!("{at}: quota"));
                }
            }
            canvas = canvas.apply(&decision.edits, 1).expect("edits fit").canvas;
            state = decision.next;
            if canvas.tokens() != step.ids_after {
                different.push(format!("{at}: canvas after"));
                break;
            }
            steps += 1;
        }
        if done(strategy, (&canvas, &state), &params).is_none() {
            different.push(format!("{} {}: goes on after the reference ended", run.kind, run.name));
        }
        if canvas.tokens() != run.final_ids {
            different.push(format!("{} {}: final ids", run.kind, run.name));
        }
    }
    say(&format!(
        "golden, other strategies, decide on recorded predictions: {} runs, {steps} steps \
         compared, {} different ({})",
        runs.len(),
        different.len(),
        by_kind(&runs)
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(runs.len() >= 90, "only {} golden runs found", runs.len());
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

fn forward_passes_give_the_recorded_canvases(which: &str, load: fn(&str) -> Loaded) {
    let mut models = HashMap::new();
    let (mut ran, mut steps, mut different, mut largest) = (0, 0, Vec::new(), 0.0_f32);
    for run in &Run::all() {
        let model = models.entry(run.model.clone()).or_insert_with(|| load(&run.model));
        let recipe = run.recipe();
        let params = recipe.params(&[]).expect("legal");
        let mut session =
            Session::new(recipe.strategy, run.start(), run.special(), params, EXTRAS, None)
                .expect("golden parameters are legal");
        ran += 1;
        for (index, step) in run.steps.iter().enumerate() {
            let at = format!("{} {} step {index}", run.kind, run.name);
            if let Pending::Wanted { key, request } = session.pending().clone() {
                let prediction = model
                    .predictor
                    .predict(&request, &mut |_| ControlFlow::Continue(()))
                    .unwrap_or_else(|error| panic!("{at}: {error}"));
                let ours = prediction.numbers(Column::PChoice).expect("asked for");
                for (ours, theirs) in ours.iter().zip(&step.confidence) {
                    largest = largest.max((ours - theirs.unwrap_or(*ours)).abs());
                }
                session.supply(key, prediction, Duration::ZERO);
            }
            if let Err(error) = session.step() {
                different.push(format!("{at}: {error}"));
                break;
            }
            if session.canvas().tokens() != step.ids_after {
                different.push(format!("{at}: canvas after"));
                break;
            }
            steps += 1;
        }
        if !matches!(session.pending(), Pending::Done(_)) {
            different.push(format!("{} {}: goes on after the reference ended", run.kind, run.name));
        }
        if session.canvas().tokens() != run.final_ids {
            different.push(format!("{} {}: final ids", run.kind, run.name));
        }
    }
    say(&format!(
        "golden, other strategies, {which}: {ran} runs, {steps} steps compared, {} \
         different; largest difference of a confidence {largest:.1e}",
        different.len()
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(largest < 1e-4, "a confidence differs by {largest}");
    assert!(ran >= 90, "only {ran} runs found");
}

/// What a strategy did is read back and decided again, whatever it is.
#[test]
fn recordings_of_every_strategy_open() {
    let folder = tempfile::tempdir().expect("a folder");
    for strategy in STRATEGIES {
        let path = folder.path().join(format!("{}.jsonl", strategy.name()));
        let params = Params::defaults(strategy.params());
        let mut run = Command::new(env!("CARGO_BIN_EXE_demask"));
        run.args(["run", "--no-config", "--strategy", strategy.name(), "--record"]).arg(&path);
        for name in ["gen_length", "steps"] {
            if params.has(name) {
                run.args([format!("--{}", name.replace('_', "-")), "32".to_owned()]);
            }
        }
        for (name, token) in [("expand", "40"), ("delete", "41"), ("split", "42")] {
            if params.has(&format!("{name}_token_id")) {
                run.args([&format!("--{name}-token-id"), token]);
            }
        }
        // From noise the embedded model, which was trained on masks, writes the end alone.
        if params.has("entropy_bound") {
            run.args(["--entropy-bound", "0"]);
        }
        let ran = run.arg("Name 2 animals.").output().expect("it runs");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {stderr}", strategy.name());
        let recording = demask::trace::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", strategy.name()));
        assert!(recording.notices.is_empty(), "{}: {:?}", strategy.name(), recording.notices);
        let canvas = &recording.recorded.timeline[recording.recorded.end].canvas;
        assert!(canvas.tail() > 0, "{} wrote nothing", strategy.name());
        let text = recording.vocabulary.text(&canvas.tokens()[..canvas.tail()]);
        assert_eq!(text.trim(), String::from_utf8_lossy(&ran.stdout).trim());
        // Every decision comes out the same once more, from what the file holds.
        let mut verify = Command::new(env!("CARGO_BIN_EXE_demask"));
        let verified = verify.arg("verify").arg(&path).output().expect("it runs");
        let said = String::from_utf8_lossy(&verified.stdout);
        let steps = recording.recorded.timeline[recording.recorded.end].depth;
        assert!(verified.status.success(), "{}: {said}", strategy.name());
        let all = format!("decisions  {steps} of {steps} equal");
        assert!(said.contains(&all), "{}: {said}", strategy.name());
        // A run that an end-of-sequence token ended is whole.
        let mut lint = Command::new(env!("CARGO_BIN_EXE_demask"));
        let found = lint.arg("lint").arg(&path).output().expect("it runs").stdout;
        let found = String::from_utf8_lossy(&found);
        assert!(!found.contains("with 0 masks left"), "{}: {found}", strategy.name());
    }
}

/// A strategy that needs a token which the model does not have is refused before the run; a token may be
/// given by its text.
#[test]
fn a_token_that_a_model_lacks_is_named() {
    let check = |strategy: &[&str], token: &[&str], error: Option<&str>| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_demask"));
        run.args(["run", "--no-config", "--strategy"]).args(strategy);
        let ran = run.args(token).arg("Name 2 animals and 3 places.").output().expect("it runs");
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.success(), error.is_none(), "{token:?}: {stderr}");
        assert!(stderr.contains(error.unwrap_or_default()), "{token:?}: {stderr}");
    };
    let dreamon = ["dreamon", "--temperature", "0"];
    check(&dreamon, &[], Some("this model has no <|expand|>"));
    check(&dreamon, &["--expand-token-id", "<|expand|>"], Some("has no token `<|expand|>`"));
    check(&dreamon, &["--expand-token-id", " the"], None);
    check(&dreamon, &["--expand-token-id", "1,2"], Some("takes one token, not 2"));
    let indel = ["indel", "--delete-token-id", "40"];
    check(&indel[..1], &[], Some("this model names none as delete_token_id"));
    check(&indel, &[], Some("Name one with --split-token-id"));
    check(&indel, &["--split-token-id", "40"], Some("are both 40"));
    check(&indel, &["--split-token-id", " the"], None);
}
