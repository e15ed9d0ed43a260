//! What several tests share: the golden traces of the Python reference, read into our types.
pub mod fake;
pub mod naive;
#[cfg(unix)]
pub mod pipe;
pub mod places;
pub mod play;
#[cfg(unix)]
pub mod signal;

use std::{
    collections::BTreeMap,
    fs,
    ops::{ControlFlow, Range},
    path::PathBuf,
};

use demask::{
    canvas::{Canvas, SpecialTokens, TokenId},
    decode::{AnyStrategy, Params, State, Value, daedal},
    engine::{self, Address},
    model::{self, Computing, Loaded, ModelSource, Overrides},
    predict::{Attention, Column, ColumnSet, Data, Pass, Prediction, Request},
};
use serde::Deserialize;

/// The folder of golden data.
pub fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A run of the reference; FORMAT.md describes the fields.
#[derive(Deserialize)]
pub struct Trace {
    pub name: String,
    pub model: String,
    pub mask_id: TokenId,
    pub eos_token_id: TokenId,
    pub params: BTreeMap<String, serde_json::Value>,
    pub prompt: Vec<TokenId>,
    pub transition: Transition,
    pub final_ids: Vec<TokenId>,
    pub steps: Vec<Step>,
}

/// The canvas between the stages, EOS appended.
#[derive(Deserialize)]
pub struct Transition {
    pub ids: Vec<TokenId>,
    pub gen_length: usize,
}

/// One step of the reference.
#[derive(Deserialize)]
pub struct Step {
    pub stage: u8,
    pub ids_before: Vec<TokenId>,
    pub argmax: Vec<TokenId>,
    pub confidence: Vec<f32>,
    pub p_eos: Vec<f32>,
    pub eos_confidence: f32,
    pub eos_counted: usize,
    #[serde(default)]
    pub expand: Option<bool>,
    #[serde(default)]
    pub block_start: Option<usize>,
    #[serde(default)]
    pub mode: Option<String>,
    #[serde(default)]
    pub filled: Vec<(usize, TokenId)>,
    #[serde(default)]
    pub expand_candidates: Vec<usize>,
    #[serde(default)]
    pub expanded: Vec<usize>,
    #[serde(default)]
    pub stuck_candidates: Vec<usize>,
    #[serde(default)]
    pub stuck_confidence_without_mask: Vec<f32>,
    pub ids_after: Vec<TokenId>,
    pub gen_length_after: usize,
    #[serde(default)]
    pub next_block_start: Option<usize>,
    #[serde(default)]
    pub stagnant: bool,
}

impl Trace {
    /// Every golden DAEDAL run, in order of file names.
    pub fn all() -> Vec<Self> {
        let mut paths: Vec<PathBuf> = fs::read_dir(golden().join("traces/daedal"))
            .expect("tests/golden/traces/daedal")
            .map(|entry| entry.expect("a folder entry").path())
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).expect("a golden trace");
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
            })
            .collect()
    }

    /// The parameters that the run was made with.
    pub fn params(&self) -> Params {
        let mut params = Params::defaults(daedal::Daedal.params());
        for (name, value) in &self.params {
            let value = match value.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(value.as_f64().expect("a number")),
            };
            params.set(name, value).expect("golden parameters are legal");
        }
        params
    }

    /// The mask and end-of-sequence token.
    pub fn special(&self) -> SpecialTokens {
        SpecialTokens { mask: self.mask_id, eos: self.eos_token_id }
    }

    /// The state before step `index`.
    pub fn state(&self, index: usize) -> State {
        let step = &self.steps[index];
        State::Daedal(daedal::State {
            stage: step.stage,
            cursor: step.block_start.unwrap_or(0),
            stagnant: false,
        })
    }
}

impl Step {
    /// The canvas before the step.
    pub fn canvas(&self, trace: &Trace) -> Canvas {
        Canvas::holding(trace.prompt.clone(), &self.ids_before, trace.special())
    }

    /// The recorded prediction. The trace holds the best token without the mask only for the
    /// position filled by a stuck step; the others' ids are never looked at.
    pub fn prediction(&self) -> Prediction {
        let rows = self.argmax.len();
        let mut prediction = Prediction::new(rows)
            .with(Column::Argmax, Data::Ids(self.argmax.clone()))
            .with(Column::Choice, Data::Ids(self.argmax.clone()))
            .with(Column::PChoice, Data::Numbers(self.confidence.clone()))
            .with(Column::PEos, Data::Numbers(self.p_eos.clone()));
        if self.mode.as_deref() == Some("stuck") {
            let (mut ids, mut p) = (vec![0; rows], vec![0.0; rows]);
            for (&at, &value) in
                self.stuck_candidates.iter().zip(&self.stuck_confidence_without_mask)
            {
                p[at] = value;
            }
            for &(at, token) in &self.filled {
                ids[at] = token;
            }
            prediction = prediction
                .with(Column::BestUnmask, Data::Ids(ids))
                .with(Column::PBestUnmask, Data::Numbers(p));
        }
        prediction
    }
}

/// A golden checkpoint that PyTorch computes, in the Python that `DEMASK_PYTHON` names, else
/// `python3`.
pub fn load_in_torch(name: &str) -> Loaded {
    load_from(serve_in_torch(name).collect())
}

/// The same where PyTorch reduces the logits, as it does for models on GPUs.
pub fn load_with_columns_in_torch(name: &str) -> Loaded {
    load_from(serve_in_torch(name).chain(["--columns".to_owned()]).collect())
}

fn serve_in_torch(name: &str) -> impl Iterator<Item = String> {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let script = tests.join("python/serve_llada.py").display().to_string();
    let folder = golden().join("models").join(name).display().to_string();
    [chosen_python(), script, folder].into_iter()
}

/// The Python with torch and its kin.
pub fn chosen_python() -> String {
    std::env::var("DEMASK_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// The model of an engine, which this command starts.
pub fn load_from(command: Vec<String>) -> Loaded {
    let address = Address::Command(command);
    let watch = &mut |_: &_| ControlFlow::Continue(());
    engine::connect(&address, &Overrides::default(), watch, &mut |line| eprintln!("{line}"))
        .unwrap_or_else(|error| panic!("{error}"))
        .loaded()
}

/// A question about some rows of a canvas in which everybody sees everybody, and nothing else.
pub fn request(
    ids: Vec<TokenId>,
    rows: Range<usize>,
    special: SpecialTokens,
    columns: &[Column],
    top_k: usize,
) -> Request {
    Request {
        pass: Pass { ids, positions: None, attention: Attention::Full },
        guidance: None,
        rows,
        shift: false,
        sampling: None,
        suppressed: Vec::new(),
        lowered: Vec::new(),
        begin_suppressed: Vec::new(),
        filters: None,
        score: None,
        earlier: None,
        shadow: None,
        credits: None,
        alternatives: None,
        targets: Vec::new(),
        cached: None,
        special,
        columns: ColumnSet::of(columns),
        top_k,
    }
}

/// A golden checkpoint, on the CPU in f32.
pub fn load(name: &str) -> Loaded {
    let computing = Computing::on(candle_core::Device::Cpu);
    let source = ModelSource::Folder(golden().join("models").join(name));
    model::load(&source, &computing, &mut |_| ControlFlow::Continue(()))
        .unwrap_or_else(|error| panic!("{error}"))
}
