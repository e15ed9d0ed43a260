//! Faithfulness of the strategies of block diffusion: runs of the programs that publish them (for
//! LLaDA2.x diffusers, SGLang and its own `generate`; for SDAR its loop, lmdeploy and JetEngine),
//! decided on recorded predictions, and with our own forward passes, with and without the keys and
//! values of finished blocks.

use std::{collections::HashMap, fs, io::Write, ops::ControlFlow, time::Duration};

use crate::support::{golden, load, load_in_torch};
use demask::{
    canvas::{SpecialTokens, TokenId},
    decode::{Extras, Finish, ParamRole, Recipe},
    inspect::{self, Lint},
    model::{Loaded, Suggestions},
    predict::{Column, Data, Grid, Prediction, Reading, Request},
    session::{Pending, Session},
    trace::RecordedVocabulary,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The folders of traces, and how many runs each has at least: of a network, and made up.
const KINDS: [(&str, usize, usize); 7] = [
    ("block_refinement", 24, 0),
    ("joint_threshold_sglang", 19, 9),
    ("joint_threshold_dllm", 15, 7),
    ("indel_sglang", 18, 12),
    ("sdar", 18, 0),
    ("sdar_lmdeploy", 18, 5),
    ("sdar_entropy_bounded", 16, 5),
];

#[derive(Deserialize)]
struct Run {
    kind: String,
    #[serde(skip)]
    name: String,
    /// None where predictions were made up to be equal in places, which no network does.
    model: Option<String>,
    prompt: Vec<TokenId>,
    mask: TokenId,
    #[serde(default)]
    eos: Option<TokenId>,
    #[serde(default)]
    stop: Option<Vec<TokenId>>,
    params: Map<String, Value>,
    /// What is generated; none where the published loop fails.
    final_ids: Option<Vec<TokenId>>,
    steps: Vec<Step>,
}

/// A pass over a block, of which the prompt may hold the beginning.
#[derive(Deserialize)]
struct Step {
    block_before: Vec<TokenId>,
    argmax: Vec<TokenId>,
    p_argmax: Vec<f32>,
    /// The best tokens of each position with their probabilities, where others than the best may be
    /// written.
    #[serde(default)]
    alternatives: Option<Vec<Vec<(TokenId, f32)>>>,
    /// Where something is decided by it.
    #[serde(default)]
    entropy: Option<Vec<f32>>,
    /// The sequence up to the end of the block.
    #[serde(default)]
    window_after: Option<Vec<TokenId>>,
    #[serde(default)]
    block_after: Option<Vec<TokenId>>,
}

impl Run {
    fn all() -> Vec<Self> {
        let folders = KINDS.map(|(kind, ..)| golden().join("traces").join(kind));
        let entries =
            folders.iter().flat_map(|folder| fs::read_dir(folder).expect("golden traces"));
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).expect("a golden trace");
                let run: Self = serde_json::from_str(&text).expect("a run");
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                Self { name: format!("{} {name}", run.kind), ..run }
            })
            .collect()
    }

    /// The recipe as a person would write it, the reference's names and defaults.
    fn recipe(&self) -> Recipe {
        let (strategy, variant) = match self.kind.split('_').next() {
            Some("sdar") => ("sdar", Some("sdar")),
            Some("indel") => ("indel", None),
            _ => ("joint_threshold", Some("diffusers")),
        };
        let variant = self.params.get("variant").and_then(Value::as_str).or(variant);
        let variant = variant.map(|variant| format!("variant={variant}"));
        let mut parts: Vec<String> = variant.into_iter().collect();
        let others = self.params.iter().filter(|(name, _)| *name != "variant");
        parts.extend(others.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            // No threshold: nothing is edited.
            Value::Null => format!("{name}=0"),
            value => format!("{name}={value}"),
        }));
        if let Some(stop) = &self.stop {
            let ids: Vec<String> = stop.iter().map(ToString::to_string).collect();
            parts.push(format!("stopping_criteria_idx={}", ids.join("+")));
        }
        let text = format!("{strategy}:{}", parts.join(","));
        Recipe::parse(&text).unwrap_or_else(|error| panic!("{}: {text}: {error}", self.name))
    }

    fn session(&self) -> Session {
        let recipe = self.recipe();
        let special = SpecialTokens { mask: self.mask, eos: self.eos.unwrap_or(u32::MAX - 1) };
        let params = recipe.params(&[]).expect("legal");
        Session::new(recipe.strategy, &self.prompt, special, params, Extras::NONE, None)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// How the canvas at the end of the run differs from the reference's, if it does.
    fn ends_otherwise(&self, session: &Session) -> Option<String> {
        let Pending::Done(finish) = session.pending() else {
            return Some(format!("{}: goes on after the reference ended", self.name));
        };
        let Some(theirs) = &self.final_ids else {
            let other = *finish != Finish::OutOfSteps;
            return other.then(|| format!("{}: {} where it fails", self.name, finish.name()));
        };
        let ours = session.canvas().tokens();
        let common = ours.len().min(theirs.len());
        // What the reference has behind an early end are masks that no pass has touched.
        let rest = theirs[common..].iter().all(|&id| id == self.mask);
        let same = ours[..common] == theirs[..common] && ours.len() <= theirs.len() && rest;
        (!same).then(|| format!("{}: final ids {ours:?}, not {theirs:?}", self.name))
    }
}

/// The end of the sequence: the block in work, which is the last one.
fn block(session: &Session, length: usize) -> Vec<TokenId> {
    let ids = session.canvas().ids();
    ids[ids.len().saturating_sub(length)..].to_vec()
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Runs all, with predictions from `predict`; the number of steps, and what came out otherwise.
fn replay(
    runs: &[Run],
    mut predict: impl FnMut(&Run, &Step, &Request) -> Prediction,
) -> (usize, Vec<String>) {
    let (mut steps, mut different) = (0, Vec::new());
    'runs: for run in runs {
        let mut session = run.session();
        for (index, step) in run.steps.iter().enumerate() {
            let at = format!("{} step {index}", run.name);
            let before = block(&session, step.block_before.len());
            let start = session.canvas().ids().len() - before.len();
            if before != step.block_before {
                different.push(format!("{at}: {before:?} before, not {:?}", step.block_before));
                continue 'runs;
            }
            // A pass that changed nothing is known already.
            if let Pending::Wanted { key, request } = session.pending().clone() {
                session.supply(key, predict(run, step, &request), Duration::ZERO);
            }
            // The published loop runs the pass that it then has no quota for.
            if run.final_ids.is_none() && index + 1 == run.steps.len() {
                break;
            }
            if let Err(error) = session.step() {
                different.push(format!("{at}: {error}"));
                continue 'runs;
            }
            if let Some(theirs) = &step.window_after {
                let ours = session.canvas().ids();
                let common = ours.len().min(theirs.len());
                if ours[..common] != theirs[..common] {
                    different.push(format!("{at}: another canvas"));
                    continue 'runs;
                }
            }
            if let Some(theirs) = &step.block_after {
                let ours = session.canvas().ids();
                if ours[start..start + theirs.len()] != theirs[..] {
                    let ours = &ours[start..start + theirs.len()];
                    different.push(format!("{at}: {ours:?} after, not {theirs:?}"));
                    continue 'runs;
                }
            }
            steps += 1;
        }
        different.extend(run.ends_otherwise(&session));
    }
    (steps, different)
}

fn report(what: &str, runs: &[Run], steps: usize, different: &[String]) {
    let count = |kind: &str| runs.iter().filter(|run| run.kind == kind).count();
    let counts = KINDS.map(|(kind, ..)| format!("{kind} {}", count(kind)));
    say(&format!(
        "golden, block diffusion, {what}: {} runs, {steps} steps compared, {} different ({})",
        runs.len(),
        different.len(),
        counts.join(", ")
    ));
    assert!(different.is_empty(), "{}", different.join("\n"));
    let made_up = runs.iter().any(|run| run.model.is_none());
    for (kind, of_networks, others) in KINDS {
        let least = if made_up { of_networks + others } else { of_networks };
        assert!(count(kind) >= least, "only {} golden runs of {kind} found", count(kind));
    }
}

#[test]
fn decide_on_recorded_predictions_gives_the_recorded_blocks() {
    let runs = Run::all();
    assert!(runs.iter().any(|run| run.model.is_none()), "no run with equal confidences");
    let (steps, different) = replay(&runs, |_, step, request| {
        let first = step.argmax.len() - request.rows.len();
        let prediction = Prediction::new(request.rows.len())
            .with(Column::Argmax, Data::Ids(step.argmax[first..].to_vec()))
            .with(Column::Choice, Data::Ids(step.argmax[first..].to_vec()))
            .with(Column::PChoice, Data::Numbers(step.p_argmax[first..].to_vec()));
        let prediction = match &step.alternatives {
            Some(alternatives) => {
                let count = alternatives[first].len();
                assert_eq!(request.alternatives, Some(count), "another number of alternatives");
                let rows = alternatives[first..].iter().cloned().collect();
                prediction.with(Column::Alternatives, Data::Ranked(rows))
            }
            None => prediction,
        };
        match &step.entropy {
            Some(entropy) => {
                let score = entropy[first..].iter().map(|entropy| -entropy).collect();
                prediction.with(Column::Score, Data::Numbers(score))
            }
            None => prediction,
        }
    });
    report("decide on recorded predictions", &runs, steps, &different);
}

fn forward_passes_give_the_recorded_blocks(what: &str, load: fn(&str) -> Loaded) {
    let mut runs = Run::all();
    runs.retain(|run| run.model.is_some());
    let mut models = HashMap::new();
    let mut largest = 0.0_f32;
    let (steps, different) = replay(&runs, |run, step, request| {
        let name = run.model.as_deref().expect("a network");
        let model = models.entry(name.to_owned()).or_insert_with(|| load(name));
        let answer = model.predictor.predict(request, &mut |_| ControlFlow::Continue(()));
        let prediction = answer.unwrap_or_else(|error| panic!("{}: {error}", run.name));
        let ours = prediction.numbers(Column::PChoice).expect("asked for");
        let theirs = &step.p_argmax[step.p_argmax.len() - ours.len()..];
        for (ours, theirs) in ours.iter().zip(theirs) {
            largest = largest.max((ours - theirs).abs());
        }
        prediction
    });
    report(what, &runs, steps, &different);
    assert!(largest < 1e-4, "a confidence differs by {largest}");
}

#[test]
fn own_forward_passes_give_the_recorded_blocks() {
    forward_passes_give_the_recorded_blocks("own forward passes", load);
}

#[test]
#[ignore = "needs torch and safetensors in the Python that DEMASK_PYTHON names"]
fn an_engine_gives_the_recorded_blocks() {
    forward_passes_give_the_recorded_blocks("forward passes in PyTorch", load_in_torch);
}

/// Requests of a run that goes over many blocks, in order.
fn requests(model: &mut Loaded) -> Vec<(Request, Prediction)> {
    let recipe = Recipe::parse("joint_threshold:gen_length=96,block_length=8,eos_early_stop=false");
    let recipe = recipe.expect("a recipe");
    let (special, params) = (SpecialTokens { mask: 507, eos: 503 }, recipe.params(&[]));
    let prompt: Vec<TokenId> = (0..19).map(|at| 20 + at * 7).collect();
    let params = params.expect("legal");
    let session = Session::new(recipe.strategy, &prompt, special, params, Extras::NONE, None);
    let (mut session, mut asked) = (session.expect("a session"), Vec::new());
    while !matches!(session.pending(), Pending::Done(_)) {
        if let Pending::Wanted { key, request } = session.pending().clone() {
            let prediction = predicted(model, &request);
            asked.push(((*request).clone(), prediction.clone()));
            session.supply(key, prediction, Duration::ZERO);
        }
        session.step().expect("a step");
    }
    asked
}

fn predicted(model: &mut Loaded, request: &Request) -> Prediction {
    model.predictor.predict(request, &mut |_| ControlFlow::Continue(())).expect("a prediction")
}

#[test]
fn kept_blocks_change_no_bit_whatever_was_run_before() {
    let mut model = load("llada-a");
    let asked = requests(&mut model);
    assert!(asked.len() > 30 && asked.iter().any(|(request, _)| request.pass.ids.len() > 100));
    // Backwards, as after steps back; then each by a model that has run nothing.
    for (request, prediction) in asked.iter().rev() {
        assert_eq!(predicted(&mut model, request), *prediction, "{:?}", request.rows);
    }
    for (request, prediction) in asked.iter().step_by(7) {
        assert_eq!(predicted(&mut load("llada-a"), request), *prediction, "{:?}", request.rows);
    }
    // Position numbers that are given are those that are counted, in one pass from the first token.
    let mut largest = 0.0_f32;
    for (request, prediction) in &asked {
        let mut whole = request.clone();
        whole.pass.positions = Some((0..whole.pass.ids.len() as u32).collect());
        let whole = predicted(&mut model, &whole);
        assert_eq!(whole.ids(Column::Choice), prediction.ids(Column::Choice));
        let numbers = |of: &Prediction| of.numbers(Column::PChoice).expect("asked for").to_vec();
        for (a, b) in numbers(&whole).iter().zip(numbers(prediction)) {
            largest = largest.max((a - b).abs());
        }
    }
    assert!(largest < 1e-5, "a confidence differs by {largest}");
}

/// How a model attends says where blocks lie; what is set goes over it, as far as it fits.
#[test]
fn blocks_are_the_models_own_unless_others_are_set() {
    fn check(blocks: (Option<usize>, Grid), recipe: &str, prompt: usize, expected: Expected) {
        let reading = Reading { shift: false, block: blocks.0, grid: blocks.1 };
        let suggested = Suggestions::of_model(reading, &RecordedVocabulary::default(), 512);
        let (said, recipe) = (recipe, Recipe::parse(recipe).expect("a recipe"));
        let params = recipe.params(&suggested.of(recipe.strategy.name())).expect("values that fit");
        let (special, prompt) = (SpecialTokens { mask: 507, eos: 504 }, vec![5; prompt]);
        let extras = Extras { reading, ..Extras::NONE };
        let session =
            Session::new(recipe.strategy, prompt.as_slice(), special, params.clone(), extras, None);
        match (session, expected) {
            (Ok(session), Expected::Runs { width, first, found }) => {
                assert_eq!(params.count_of(ParamRole::Block), Some(width), "{said}");
                assert_eq!(session.canvas().len(), first, "{said}");
                let findings =
                    inspect::lint(&session, &RecordedVocabulary::default(), session.at());
                let found_it = findings.iter().find(|it| it.lint == Lint::BlockWidth);
                assert_eq!(found_it.map(|it| it.to_string()).as_deref(), found, "{said}");
            }
            (Err(error), Expected::Refused(words)) => {
                assert!(error.to_string().contains(words), "{said}: {error}");
            }
            (session, _) => panic!("{said}: {:?}", session.map(|_| "runs")),
        }
    }
    let runs = |width, first| Expected::Runs { width, first, found: None };
    let (start, prompt) = ((Some(4), Grid::Start), (Some(4), Grid::Prompt));
    check((None, Grid::Prompt), "sdar", 6, runs(8, 2));
    check(start, "sdar", 6, runs(4, 2));
    check(start, "joint_threshold", 7, runs(4, 1));
    check(prompt, "sdar", 6, runs(4, 4));
    check(start, "low_confidence:gen_length=16", 6, runs(4, 16));
    let found = Some("block-width: block_length is 16, and the model attends in blocks of 4");
    check(start, "sdar:block_length=16", 6, Expected::Runs { width: 16, first: 10, found });
    let other = "grid=prompt: the model counts its blocks of 4 from the first token";
    check(start, "sdar:grid=prompt", 6, Expected::Refused(other));
    check(start, "sdar:grid=prompt", 8, runs(4, 4));
    let other = "grid=start: the model counts its blocks of 4 from the end of the prompt";
    check(prompt, "joint_threshold:grid=start", 6, Expected::Refused(other));
}

enum Expected {
    /// Blocks are so wide, so many positions come first, and a lint says this.
    Runs { width: usize, first: usize, found: Option<&'static str> },
    /// An error says this.
    Refused(&'static str),
}
