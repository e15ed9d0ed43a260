//! Logits of our networks against those of the reference code, at every position.

use std::{collections::HashMap, fs, ops::ControlFlow, path::Path};

use crate::support::golden;
use candle_core::{DType, Device, Tensor, safetensors};
use demask::model::{self, Batch, Description, Files, HeldWeights, Network, Pattern, Weights};

fn network(folder: &Path) -> Box<dyn Network> {
    let files = Files::read(folder).unwrap();
    let (_, described) = Description::parse(&files.config, "config.json").unwrap();
    let weights = Weights::open(&files).unwrap();
    let held = HeldWeights::on(&Device::Cpu, DType::F32, None);
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    model::network(&described, &weights, held, &Device::Cpu, go_on).unwrap()
}

/// Logits of a whole batch, `[batch, length, columns]`.
fn logits(model: &dyn Network, batch: &Batch) -> Vec<Vec<Vec<f32>>> {
    let hidden = model.hidden(batch, &mut |_| ControlFlow::Continue(())).unwrap().unwrap();
    (0..hidden.dim(0).unwrap())
        .map(|row| model.logits(&hidden.get(row).unwrap()).unwrap().to_vec2().unwrap())
        .collect()
}

/// Logits of one sequence in which everybody sees everybody.
fn plain(folder: &Path) -> Vec<Vec<Vec<f32>>> {
    logits(&*network(folder), &Batch::full(&some_ids()))
}

/// Logits of sequences in blocks. Padding on the left only moves where the first block begins:
/// each sequence is run without it, and gets rows of nothing in its place.
fn block_causal(
    model: &dyn Network,
    ids: &Tensor,
    mask: Option<&Tensor>,
    block: usize,
) -> Vec<Vec<Vec<f32>>> {
    let (batch, length) = ids.dims2().unwrap();
    let mask: Option<Vec<Vec<i64>>> = mask.map(|mask| mask.to_vec2().unwrap());
    (0..batch)
        .map(|row| {
            let valid = mask.as_ref().map(|mask| &mask[row]);
            let before =
                valid.map_or(0, |valid| valid.iter().take_while(|&&valid| valid == 0).count());
            let ids = ids.narrow(0, row, 1).unwrap().narrow(1, before, length - before).unwrap();
            let ids = ids.contiguous().unwrap();
            let pattern = Pattern::BlockCausal { block, before, seen: None };
            let rows = logits(model, &Batch { ids: &ids, positions: None, pattern }).remove(0);
            vec![Vec::new(); before].into_iter().chain(rows).collect()
        })
        .collect()
}

#[test]
fn logits_agree_with_the_reference() {
    let index: Vec<serde_json::Value> =
        serde_json::from_str(&fs::read_to_string(golden().join("forward/index.json")).unwrap())
            .unwrap();
    let mut cases = 0;
    for case in &index {
        let model = case["model"].as_str().unwrap();
        let file = case["file"].as_str().unwrap();
        let tensors = safetensors::load(golden().join("forward").join(file), &Device::Cpu).unwrap();
        let model = network(&golden().join("models").join(model));
        let mask = tensors.get("attention_mask");
        let numbers = |name: &str, to| tensors.get(name).map(|t: &Tensor| t.to_dtype(to).unwrap());
        let ids = numbers("input_ids", DType::U32).unwrap();
        let block = case["attention"]["block_causal"].as_u64().map(|block| block as usize);
        let ours = match (block, mask) {
            (Some(block), _) => block_causal(&*model, &ids, mask, block),
            (None, mask) => {
                let keys = mask.map(|_| numbers("attention_mask", DType::U8).unwrap());
                let positions = numbers("position_ids", DType::U32);
                let pattern = keys.map_or(Pattern::Full, Pattern::Keys);
                logits(&*model, &Batch { ids: &ids, positions, pattern })
            }
        };
        let theirs: Vec<Vec<Vec<f32>>> = tensors["logits"].to_vec3().unwrap();
        let valid: Option<Vec<Vec<i64>>> = mask.map(|mask| mask.to_vec2().unwrap());
        let tolerance = 1e-5 * case["logit_abs_max"].as_f64().unwrap() as f32;
        let mut largest = 0.0_f32;
        for (b, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            for (position, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                if valid.as_ref().is_some_and(|valid| valid[b][position] == 0) {
                    continue;
                }
                assert_eq!(ours.len(), theirs.len());
                for (x, y) in ours.iter().zip(theirs) {
                    largest = largest.max((x - y).abs());
                }
            }
        }
        assert!(largest <= tolerance.max(1e-4), "{file}: {largest} > {tolerance}");
        cases += 1;
    }
    assert!(cases >= 50, "only {cases} cases found");
}

/// Writes a variant of the golden llada-a checkpoint into a folder of its own.
fn derive(
    change: impl FnOnce(&mut serde_json::Value, &mut HashMap<String, Tensor>),
) -> tempfile::TempDir {
    let source = golden().join("models/llada-a");
    let folder = tempfile::tempdir().unwrap();
    let mut config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(source.join("config.json")).unwrap()).unwrap();
    let mut tensors = safetensors::load(source.join("model.safetensors"), &Device::Cpu).unwrap();
    change(&mut config, &mut tensors);
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    safetensors::save(&tensors, folder.path().join("model.safetensors")).unwrap();
    fs::copy(source.join("tokenizer.json"), folder.path().join("tokenizer.json")).unwrap();
    folder
}

const EMBEDDING: &str = "model.transformer.wte.weight";
const HEAD: &str = "model.transformer.ff_out.weight";

fn some_ids() -> Tensor {
    Tensor::new(&[[3u32, 77, 507, 507, 12, 507, 503, 503]], &Device::Cpu).unwrap()
}

#[test]
fn a_tied_head_is_the_embedding() {
    let tied = derive(|config, tensors| {
        config["weight_tying"] = true.into();
        tensors.remove(HEAD);
    });
    let copied = derive(|_, tensors| {
        let embedding = tensors[EMBEDDING].clone();
        tensors.insert(HEAD.to_owned(), embedding);
    });
    let tied = plain(tied.path());
    assert_eq!(tied, plain(copied.path()));
    assert_ne!(tied, plain(&golden().join("models/llada-a")));
}

#[test]
fn a_padded_vocabulary_has_the_embeddings_columns() {
    let padded = derive(|config, tensors| {
        config["embedding_size"] = 576.into();
        for name in [EMBEDDING, HEAD] {
            let more = Tensor::full(2.0_f32, (64, 64), &Device::Cpu).unwrap();
            let wider = Tensor::cat(&[&tensors[name], &more], 0).unwrap();
            tensors.insert(name.to_owned(), wider);
        }
    });
    let narrow = plain(&golden().join("models/llada-a"));
    let padded = plain(padded.path());
    for (narrow, padded) in narrow[0].iter().zip(&padded[0]) {
        assert_eq!(padded.len(), 576);
        for (x, y) in narrow.iter().zip(padded) {
            assert!((x - y).abs() < 1e-5);
        }
    }
}
