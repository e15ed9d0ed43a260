//! Fields of the families with experts and of SDAR.

use std::ops::ControlFlow;

use demask::predict::{Attention, Column};
use serde_json::json;

use super::{Copy, Flip, everywhere, flips, request};

/// Without what these families read.
fn elsewhere(own: &[&str]) -> Vec<Flip> {
    let read = |fields: &serde_json::Value| own.iter().any(|name| fields.get(name).is_some());
    everywhere().into_iter().filter(|(fields, _)| !read(fields)).collect()
}

#[test]
fn every_field_of_llada2_counts() {
    let own = [
        (json!({ "rope_theta": 10.0 }), None),
        (json!({ "partial_rotary_factor": 1.0 }), None),
        (json!({ "partial_rotary_factor": 0.0 }), Some("partial_rotary_factor is 0.0")),
        (json!({ "partial_rotary_factor": 0.1 }), Some("3 of it would be rotated")),
        (
            json!({ "rope_parameters": { "partial_rotary_factor": 1.0 } }),
            Some("rope_parameters.partial_rotary_factor is 1.0"),
        ),
        (json!({ "rotary_dim": 32 }), Some("rotary_dim is 32, expected 16")),
        (json!({ "rms_norm_eps": 0.01 }), None),
        (json!({ "routed_scaling_factor": 1.0 }), None),
        (json!({ "routed_scaling_factor": null }), Some("routed_scaling_factor is null")),
        (json!({ "num_experts_per_tok": 3 }), None),
        (json!({ "num_experts_per_tok": 9 }), Some("9 experts cannot be chosen of 2 of 4 groups")),
        (json!({ "num_experts_per_tok": 0 }), Some("num_experts_per_tok is 0")),
        (json!({ "num_experts": 8, "n_group": 2 }), Some("mlp.gate.weight")),
        (json!({ "num_experts": 0 }), Some("num_experts is 0")),
        (json!({ "n_group": 2 }), None),
        (json!({ "n_group": 3 }), Some("n_group")),
        (json!({ "topk_group": 1 }), None),
        (json!({ "topk_group": 5 }), Some("topk_group")),
        (json!({ "first_k_dense_replace": 0 }), Some("layers.0.mlp.")),
        (json!({ "num_shared_experts": 0 }), None),
        (json!({ "num_shared_experts": 2 }), Some("shared_experts")),
        (json!({ "moe_intermediate_size": 48 }), Some("mlp.experts.")),
        (json!({ "moe_intermediate_size": null }), Some("missing field `moe_intermediate_size`")),
        (json!({ "intermediate_size": 80 }), Some("layers.0.mlp.")),
        (json!({ "score_function": "softmax" }), Some("score_function is `softmax`")),
        (json!({ "use_qk_norm": false }), None),
        (json!({ "use_qkv_bias": true }), Some("query_key_value.bias")),
        (json!({ "use_bias": true }), Some("dense.bias")),
        (json!({ "use_sliding_window": true, "max_window_layers": 0 }), Some("use_sliding_window")),
        (json!({ "num_key_value_heads": 4 }), Some("query_key_value")),
        (json!({ "expert_capacity": 5, "block_size": 4 }), None),
        (json!({ "expert_capacity": 5 }), Some("missing field `block_size`")),
        (json!({ "expert_capacity": 5, "block_size": 0 }), Some("block_size is 0")),
        (json!({ "expert_capacity": 3, "block_size": 4 }), Some("expert_capacity is 3")),
        (json!({ "expert_capacity": 17, "block_size": 4 }), Some("expert_capacity is 17")),
    ];
    let read = ["partial_rotary_factor", "num_experts", "expert_capacity"];
    flips("llada2-moe-a", &[&elsewhere(&read)[..], &own].concat());
}

/// With experts that a block chooses at once: nothing behind a block changes what is predicted in
/// it, and the keys and values of finished blocks can be kept.
#[test]
fn blocks_choose_their_experts() {
    const BLOCK: usize = 4;
    let copy = Copy::of("llada2-moe-a");
    copy.change(&json!({ "expert_capacity": 5, "block_size": BLOCK }));
    let checkpoint = copy.opened().unwrap();
    let special = checkpoint.special.tokens;
    let mut loaded = checkpoint.load(&mut |_| ControlFlow::Continue(())).unwrap();
    let mut predicted = |ids: &[u32], block: usize, whole: bool| {
        let mut request = request(ids.to_vec(), 8..12, special, &[Column::PArgmax], 0);
        request.pass.attention = Attention::BlockCausal { block, before: 0, seen: None };
        // Positions of one's own are never computed behind finished blocks.
        request.pass.positions = whole.then(|| (0..ids.len() as u32).collect());
        let found = loaded.predictor.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
        found.numbers(Column::PArgmax).unwrap().to_vec()
    };
    let ids: Vec<u32> = (0..14).map(|at| 10 + at * 37 % 480).collect();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let whole = predicted(&ids, BLOCK, true);
    assert!(near(&whole, &predicted(&ids[..12], BLOCK, true)), "what lies behind has counted");
    for _ in 0..2 {
        assert!(near(&whole, &predicted(&ids, BLOCK, false)), "kept keys differ");
    }
    // Blocks of attention that part those of the router are computed whole.
    let parted = predicted(&ids, 2, true);
    assert!(!near(&parted, &whole) && near(&parted, &predicted(&ids, 2, false)));
}

#[test]
fn every_field_of_llada_moe_counts() {
    let own = [
        (json!({ "rope_theta": 10.0 }), None),
        (json!({ "partial_rotary_factor": 0.5 }), None),
        (json!({ "num_experts_per_tok": 2 }), None),
        (json!({ "num_experts_per_tok": 9 }), Some("more than the 8 experts")),
        (json!({ "moe_router_enable_expert_bias": false }), None),
        (json!({ "qk_layernorm": false }), None),
        (json!({ "moe_layer_freq": [0, 0, 1] }), Some("layers.1.mlp.")),
        (json!({ "moe_layer_freq": [0, 1] }), Some("moe_layer_freq has 2 layers")),
        (json!({ "moe_layer_freq": "all" }), Some("moe_layer_freq is `all`")),
        (json!({ "shared_expert_intermediate_size": null }), None),
        (json!({ "shared_expert_intermediate_size": 32 }), Some("shared_expert.")),
        (json!({ "expert_intermediate_size": 48 }), Some("mlp.experts.")),
        (json!({ "dense_intermediate_size": 80 }), Some("layers.0.mlp.")),
        (json!({ "attention_bias": true }), Some("q_proj.bias")),
    ];
    let read = ["partial_rotary_factor", "num_experts"];
    flips("lladamoe-a", &[&elsewhere(&read)[..], &own].concat());
}

#[test]
fn every_field_of_sdar_counts() {
    let own = [
        (json!({ "rope_theta": 10.0 }), None),
        (json!({ "attention_bias": true }), Some("q_proj.bias")),
        (
            json!({ "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 0 }),
            Some("use_sliding_window"),
        ),
    ];
    let without_blocks = |flips: Vec<Flip>| {
        flips.into_iter().filter(|(fields, _)| fields.get("block_length").is_none())
    };
    let all: Vec<Flip> = without_blocks(everywhere()).chain(own.clone()).collect();
    flips("sdar-a", &all);
    let experts = [
        (json!({ "num_experts_per_tok": 2 }), None),
        (json!({ "norm_topk_prob": false }), None),
        (json!({ "mlp_only_layers": [] }), Some("layers.1.mlp.")),
        (json!({ "decoder_sparse_step": 2 }), Some("layers.0.mlp.")),
        (json!({ "moe_intermediate_size": 48 }), Some("mlp.experts.")),
    ];
    let all = without_blocks(elsewhere(&["num_experts"])).chain(own).chain(experts);
    flips("sdar-moe-a", &all.collect::<Vec<_>>());
}
