//! What a step of block diffusion costs at the beginning and at the end of a long text, and that the
//! keys and values kept of finished blocks change nothing: 2,048 tokens in blocks of 32, on random
//! weights in the layer shape of SDAR-1.7B (2 of 28 layers) and of LLaDA2.1-mini (its dense layer and
//! one of its 19 with experts). Not a benchmark of divan's: a run is one sequence of different steps.
//!
//!     cargo bench --bench blocks [-- sdar | llada2]

use std::{
    collections::HashMap,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use candle_core::{DType, Device, Tensor};
use demask::{
    canvas::{SpecialTokens, TokenId},
    decode::{Extras, Recipe},
    model::{
        self, Batch, Computing, Description, Files, HeldWeights, Loaded, ModelSource, Pattern,
        Weights,
    },
    predict::{Prediction, Request},
    session::{Pending, Session},
};
use serde_json::{Value, json};

/// Two layers' share of the head of SDAR-1.7B, which has 151,936 tokens behind 28 layers: with a smaller
/// one attention would weigh more than it does in the model.
const VOCABULARY: usize = 10_848;
const LENGTH: usize = 2048;
const BLOCK: usize = 32;
const TURNS: usize = 30;
const SPECIAL: SpecialTokens = SpecialTokens { mask: 10_847, eos: 10_846 };

fn main() {
    // Cargo's own arguments begin with dashes.
    let asked: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|it| it == name);
    if wanted("sdar") {
        run("sdar", &sdar(), LENGTH);
    }
    if wanted("llada2") {
        // Without kept keys every step computes all blocks again: of experts that takes minutes.
        run("llada2", &llada2(), 8 * BLOCK);
    }
}

fn sdar() -> Value {
    json!({
        "model_type": "sdar", "vocab_size": VOCABULARY, "hidden_size": 2048, "num_hidden_layers": 2,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
        "intermediate_size": 6144, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0,
        "max_position_embeddings": 32_768, "tie_word_embeddings": false, "block_size": BLOCK,
        "mask_token_id": SPECIAL.mask, "eos_token_id": SPECIAL.eos
    })
}

fn llada2() -> Value {
    json!({
        "model_type": "llada2_moe", "vocab_size": VOCABULARY, "hidden_size": 2048,
        "num_hidden_layers": 2, "num_attention_heads": 16, "num_key_value_heads": 4,
        "head_dim": 128, "intermediate_size": 5120, "rms_norm_eps": 1e-6, "rope_theta": 600_000.0,
        "max_position_embeddings": 32_768, "tie_word_embeddings": false, "use_bias": false,
        "first_k_dense_replace": 1, "num_experts": 256, "num_experts_per_tok": 8,
        "moe_intermediate_size": 512, "num_shared_experts": 1, "n_group": 8, "topk_group": 4,
        "routed_scaling_factor": 2.5, "partial_rotary_factor": 0.5,
        "mask_token_id": SPECIAL.mask, "eos_token_id": SPECIAL.eos
    })
}

/// A checkpoint of random weights.
fn checkpoint(folder: &Path, config: &Value) {
    let text = config.to_string();
    let (_, described) = Description::parse(&text, "config.json").expect("a network");
    let mut tensors = HashMap::new();
    for (name, shape) in described.all_tensors() {
        let columns = shape.get(1).copied().unwrap_or(1) as f32;
        let (mean, spread) = match (shape.len(), name.ends_with("bias")) {
            (1, false) => (1.0, 0.1),
            (1, true) => (0.0, 0.1),
            _ => (0.0, 1.6 / columns.sqrt()),
        };
        let tensor = Tensor::randn(mean, spread, shape, &Device::Cpu).expect("memory");
        tensors.insert(name, tensor.to_dtype(DType::BF16).expect("memory"));
    }
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).expect("a disk");
    std::fs::write(folder.join("config.json"), text).expect("a disk");
    let vocabulary: serde_json::Map<String, Value> =
        (0..VOCABULARY).map(|id| (format!("t{id}"), id.into())).collect();
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": null, "truncation": null, "padding": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "t0" }
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).expect("a disk");
}

/// Steps with the time of each, block by block.
struct Timed {
    ids: Vec<TokenId>,
    of_block: Vec<Vec<Duration>>,
    /// The last pass over each block.
    last: Vec<Option<Request>>,
}

/// A run. `forget`: before each pass others are made, in whose favour all that is kept is dropped.
fn generate(loaded: &mut Loaded, length: usize, forget: bool) -> Timed {
    // Four steps a block, whatever the random weights are confident of.
    let steps = "threshold=1,editing_threshold=0,num_inference_steps=4,eos_early_stop=false";
    let recipe = format!("joint_threshold:gen_length={length},block_length={BLOCK},{steps}");
    let recipe = Recipe::parse(&recipe).expect("a recipe");
    let params = recipe.params(&[]).expect("legal");
    let prompt: Vec<TokenId> = (0..40).collect();
    let mut session =
        Session::new(recipe.strategy, &prompt, SPECIAL, params, Extras::NONE, None).expect("legal");
    let blocks = length / BLOCK + 2;
    let mut timed =
        Timed { ids: Vec::new(), of_block: vec![Vec::new(); blocks], last: vec![None; blocks] };
    while let Pending::Wanted { key, request } = session.pending().clone() {
        if forget {
            for other in [3, 5] {
                let mut unlike = (*request).clone();
                unlike.pass.ids = vec![other; BLOCK + 1];
                unlike.rows = BLOCK..BLOCK + 1;
                predict(loaded, &unlike);
            }
        }
        let block = request.rows.start / BLOCK - 1;
        let started = Instant::now();
        let prediction = predict(loaded, &request);
        timed.of_block[block].push(started.elapsed());
        timed.last[block] = Some((*request).clone());
        session.supply(key, prediction, Duration::ZERO);
        session.step().expect("a step");
    }
    timed.ids = session.canvas().tokens();
    timed
}

fn predict(loaded: &mut Loaded, request: &Request) -> Prediction {
    loaded.predictor.predict(request, &mut |_| ControlFlow::Continue(())).expect("it runs")
}

/// Milliseconds of two passes, asked for in turns: whatever else the machine does slows both.
fn in_turns(loaded: &mut Loaded, passes: [Option<Request>; 2]) -> (f64, f64) {
    let [early, late] = passes.map(|pass| pass.expect("a pass over the block"));
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (request, times) in [&early, &late].into_iter().zip(&mut times) {
            let started = Instant::now();
            predict(loaded, request);
            times.push(started.elapsed());
        }
    }
    // The first of each puts its blocks in place.
    (median(&times[0][1..]), median(&times[1][1..]))
}

fn median(times: &[Duration]) -> f64 {
    let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn run(name: &str, config: &Value, compared: usize) {
    let folder = tempfile::tempdir().expect("a disk");
    checkpoint(folder.path(), config);
    let source = ModelSource::Folder(folder.path().to_owned());
    let computing = Computing::on(Device::Cpu);
    let mut loaded =
        model::load(&source, &computing, &mut |_| ControlFlow::Continue(())).expect("it loads");
    println!("{name}: memory in use {:.2} GB", resident());
    let timed = generate(&mut loaded, LENGTH, false);
    let steps: usize = timed.of_block.iter().map(Vec::len).sum();
    println!("{name}: {} tokens in {steps} steps", timed.ids.len());
    // The first pass over a block computes the one before it once more, now that it is finished.
    let of = |block: usize| {
        let (first, rest) = timed.of_block[block].split_first().expect("steps");
        (first.as_secs_f64() * 1e3, median(rest))
    };
    let (early, late) = in_turns(&mut loaded, [2, 60].map(|at| timed.last[at].clone()));
    println!(
        "{name}: a step at block 2 {early:.1} ms, at block 60 {late:.1} ms: {:.2}",
        late / early
    );
    println!("{name}: the first step of block 2 {:.1} ms, of block 60 {:.1} ms", of(2).0, of(60).0);
    let kept = generate(&mut loaded, compared, false);
    let forgotten = generate(&mut loaded, compared, true);
    let (last, without) = (compared / BLOCK - 1, &forgotten.of_block);
    println!(
        "{name}: {} ids with and without kept keys are {}; without, a step at block {last} takes \
         {:.1} ms",
        kept.ids.len(),
        if kept.ids == forgotten.ids { "equal" } else { "DIFFERENT" },
        median(&without[last])
    );
    drop(loaded);
    touched(name, folder.path());
}

/// How many experts a pass over one block computes.
fn touched(name: &str, folder: &Path) {
    let files = Files::read(folder).expect("a checkpoint");
    let (_, described) = Description::parse(&files.config, "config.json").expect("a network");
    let weights = Weights::open(&files).expect("weights");
    let held = HeldWeights::on(&Device::Cpu, DType::F32, None);
    let network =
        model::network(
            &described,
            &weights,
            held,
            &Device::Cpu,
            &mut |_| ControlFlow::Continue(()),
        );
    let network = network.expect("it loads");
    let ids: Vec<u32> = (0..BLOCK as u32).map(|at| at * 97 % 4000).collect();
    let ids = Tensor::from_vec(ids, (1, BLOCK), &Device::Cpu).expect("memory");
    let batch = Batch { ids: &ids, positions: None, pattern: Pattern::Full };
    network.hidden(&batch, &mut |_| ControlFlow::Continue(())).expect("it runs");
    if let Some((touched, all)) = network.experts_touched() {
        println!("{name}: a pass over {BLOCK} positions computes {touched} of {all} experts");
    }
}

/// Gigabytes of memory that the program holds, where the system says.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1e6)
}
