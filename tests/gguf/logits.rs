//! The logits of a file beside those of the folder that it was made from.

use std::{ops::ControlFlow, path::Path};

use candle_core::{DType, Device, Tensor, quantized::GgmlDType, safetensors};
use demask::{
    model::{self, Batch, Description, Files, HeldWeights, Network, Weights},
    session::NodeId,
};

use super::{SOME_IDS, convert::convert, model_folder, tiny, tiny_draft};
use crate::support::golden;

pub fn network(path: &Path) -> Box<dyn Network> {
    held(path, HeldWeights::on(&Device::Cpu, DType::F32, None))
}

fn held(path: &Path, held: HeldWeights) -> Box<dyn Network> {
    let files = Files::read(path).unwrap();
    let (_, described) = Description::of(&files).unwrap_or_else(|error| panic!("{error}"));
    let weights = Weights::open(&files).unwrap();
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    model::network(&described, &weights, held, &Device::Cpu, go_on)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Logits of one sequence, `[length][columns]`.
pub fn logits(model: &dyn Network, ids: &[u32]) -> Vec<Vec<f32>> {
    let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let watch = &mut |_| ControlFlow::Continue(());
    let hidden = model.hidden(&Batch::full(&ids), watch).unwrap().unwrap();
    model.logits(&hidden.get(0).unwrap()).unwrap().to_vec2().unwrap()
}

fn furthest(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().flatten().zip(theirs.iter().flatten());
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn logits_are_those_of_the_reference() {
    for (model, architecture) in [
        ("llada-a", "llada"),
        ("llada-b", "llada"),
        ("dream-a", "dream"),
        ("lladamoe-b", "llada-moe"),
    ] {
        let (_folder, path) =
            convert(&model_folder(model), architecture, |_| GgmlDType::F32).written();
        let ours = network(&path);
        for case in ["1-prompt-masks", "2-partly-filled"] {
            let file = golden().join(format!("forward/{model}-{case}.safetensors"));
            let case = safetensors::load(file, &Device::Cpu).unwrap();
            let ids: Vec<Vec<u32>> =
                case["input_ids"].to_dtype(DType::U32).unwrap().to_vec2().unwrap();
            let theirs: Vec<Vec<Vec<f32>>> = case["logits"].to_vec3().unwrap();
            for (ids, theirs) in ids.iter().zip(&theirs) {
                let furthest = furthest(&logits(&*ours, ids), theirs);
                assert!(furthest < 1e-4, "{model}: {furthest}");
            }
        }
    }
}

/// A name, the type of a matrix by its name, and how far off its logits may be as a share of
/// the largest.
type Mixture = (&'static str, fn(&str) -> GgmlDType, f32);

/// The same numbers, dense and rounded first: what a product with blocks should come close to.
#[test]
fn blocks_and_mixtures_come_close_to_the_numbers_they_round() {
    let exact = logits(&*network(&model_folder("llada-a")), &SOME_IDS);
    let spread = exact.iter().flatten().fold(0.0_f32, |most, x| most.max(x.abs()));
    let cases: [Mixture; 5] = [
        ("q8_0", |_| GgmlDType::Q8_0, 0.03),
        ("f16", |_| GgmlDType::F16, 0.002),
        ("bf16", |_| GgmlDType::BF16, 0.02),
        // As mixed files have it: values finer than queries and keys.
        (
            "mixed",
            |name| match name {
                _ if name.contains("attn_v") || name.contains("ffn_down") => GgmlDType::Q8_0,
                "token_embd.weight" => GgmlDType::F16,
                _ => GgmlDType::Q5_1,
            },
            0.12,
        ),
        (
            "blocks beside plain",
            |name| if name.contains("attn_k") { GgmlDType::F32 } else { GgmlDType::Q8_0 },
            0.03,
        ),
    ];
    for (name, kind, share) in cases {
        let folder = model_folder("llada-a");
        // Rows of 176 are no blocks of 32.
        let kind = |tensor: &str| match tensor.contains("ffn_down") {
            true => GgmlDType::F32,
            false => kind(tensor),
        };
        let (_folder, path) = convert(&folder, "llada", kind).written();
        let rounded = logits(&*network(&path), &SOME_IDS);
        let furthest = furthest(&rounded, &exact);
        assert!(furthest > 0.0, "{name}: nothing was rounded");
        assert!(furthest < share * spread, "{name}: {furthest} of {spread}");
    }
}

/// Rounding turns only what was nearly undecided: at every 6th step of some recordings.
#[test]
fn rounded_to_eight_bits_the_embedded_model_chooses_the_same_tokens() {
    let (_folder, path) = tiny_draft().written();
    let (exact, rounded) = (network(&tiny()), network(&path));
    let (mut same, mut all, mut widest) = (0, 0, 0.0_f32);
    for file in ["short-answer.jsonl", "stage-1-growth.jsonl", "stage-2-expansions.jsonl"] {
        let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings").join(file);
        let recording = demask::trace::read(&recording).unwrap();
        let session = recording.session();
        for node in (0..session.timeline().len()).step_by(6) {
            let ids = session.timeline()[NodeId(node)].canvas.ids();
            for (exact, rounded) in logits(&*exact, &ids).iter().zip(&logits(&*rounded, &ids)) {
                let ((best, margin), (other, _)) = (best(exact), best(rounded));
                all += 1;
                match best == other {
                    true => same += 1,
                    false => widest = widest.max(margin),
                }
            }
        }
    }
    assert!(all > 1000, "only {all} positions");
    // Elsewhere the activations are rounded too, for the CPU's byte products.
    let least = if cfg!(target_arch = "x86_64") { 99 } else { 97 };
    assert!(same * 100 >= all * least, "{same} of {all}");
    assert!(widest < 0.5, "a choice turned that led by {widest}");
}

/// The first choice, and by how much its logit leads.
fn best(row: &[f32]) -> (usize, f32) {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    (order[0], row[order[0]] - row[order[1]])
}

#[test]
fn blocks_in_a_file_are_those_made_on_the_way_into_memory() {
    let (_folder, path) = tiny_draft().written();
    let quantize = Some("q8_0".parse().unwrap());
    let made = held(&tiny(), HeldWeights::on(&Device::Cpu, DType::F32, quantize));
    let ids = [3, 77, 5, 5, 12, 5, 1, 1];
    assert_eq!(furthest(&logits(&*network(&path), &ids), &logits(&*made, &ids)), 0.0);
}
