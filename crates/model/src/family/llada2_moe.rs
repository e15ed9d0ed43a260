//! LLaDA2.0, 2.1 and 2.2: experts chosen in groups, in blocks from position 0 on
//! (`modeling_llada2_moe.py`).

use super::{
    Description, Unfit,
    fields::{UnreadFields, another},
    hf, rope,
    sizes::{self, rotary},
};
use crate::{
    network::{Biases, ExpertPart, Experts, NetworkPart, Routing},
    predict::Grid,
};

/// Fields of its own that its code does not read, or that change no number of a forward pass.
pub(super) const NO_EFFECT: &[&str] = &[
    "embedding_dropout",
    "output_dropout",
    "output_router_logits",
    // Its code always has a bias for the router, divides weights by their sum and routes in f32.
    "moe_router_enable_expert_bias",
    "norm_topk_prob",
    "router_dtype",
    // Read by the code of earlier models.
    "norm_head",
    "norm_softmax",
    "num_nextn_predict_layers",
    "mtp_loss_scaling_factor",
    "router_aux_loss_coef",
    "use_rmsnorm",
];

/// Positions in a block, which config.json does not say.
const BLOCK: usize = 32;

/// The mask token, which config.json does not name.
const MASK: u32 = 156_895;

/// Describes the network of a LLaDA2 configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    // What is absent is as in its configuration's code.
    let count = fields.optional_size("num_experts")?.unwrap_or(16);
    let chosen = fields.optional_size("num_experts_per_tok")?.unwrap_or(2);
    let hidden = fields.size("moe_intermediate_size")?;
    let shared = fields.optional_size("num_shared_experts")?.filter(|shared| *shared > 0);
    let dense = fields.optional_size("first_k_dense_replace")?.unwrap_or(0);
    let groups = fields.optional_size("n_group")?.unwrap_or(8);
    let groups_chosen = fields.optional_size("topk_group")?.unwrap_or(4);
    let scale = fields.number("routed_scaling_factor", 2.5)? as f32;
    fields.word("score_function", &["sigmoid"])?;
    // LLaDA2.2, as SGLang's models/llada2.py has it: no groups then.
    let routing = match fields.optional_size("expert_capacity")? {
        None => Routing::GroupedSigmoid { groups, groups_chosen, scale },
        Some(capacity) => {
            let block = fields.given_size("block_size")?;
            Routing::BlockSigmoid { block, capacity, scale }
        }
    };
    let bias = Biases {
        qkv: fields.flag("use_qkv_bias", false)?,
        output: fields.flag("use_bias", true)?,
        ..Biases::default()
    };
    let factor = rope::take_partial(fields)?;
    let rotary_dim = fields.optional_size("rotary_dim")?;
    let traits = hf::Traits {
        bias,
        qk_norm: fields.flag("use_qk_norm", true)?,
        experts: true,
        norm_eps: 1e-5,
        ..hf::Traits::default()
    };
    let mut spec = hf::spec(fields, traits)?;
    spec.rotary_dim = rotary(spec.head_dim, factor.unwrap_or(0.5))?;
    if let Some(other) = rotary_dim.filter(|other| *other != spec.rotary_dim) {
        let expected = format!("{}, as partial_rotary_factor has it", spec.rotary_dim);
        return Err(another("rotary_dim", &other.into(), &expected));
    }
    let experts = Experts {
        count,
        chosen,
        hidden,
        shared: shared.map(|shared| shared.saturating_mul(hidden)),
        layers: (0..spec.layers).map(|layer| layer >= dense).collect(),
        routing,
        names: expert_names,
    };
    sizes::experts(&experts, "num_experts_per_tok")?;
    spec.experts = Some(experts);
    spec.fused_qkv = Some("model.layers.{}.attention.query_key_value");
    spec.names = names;
    Ok(Description {
        usual_mask: Some(MASK),
        block: Some(("the family".to_owned(), BLOCK)),
        grid: Grid::Start,
        ..Description::plain(spec)
    })
}

fn names(part: NetworkPart) -> &'static str {
    match part {
        NetworkPart::Embedding => "model.word_embeddings",
        NetworkPart::QueryNorm => "model.layers.{}.attention.query_layernorm",
        NetworkPart::KeyNorm => "model.layers.{}.attention.key_layernorm",
        NetworkPart::Output => "model.layers.{}.attention.dense",
        other => hf::names(other),
    }
}

fn expert_names(part: ExpertPart) -> &'static str {
    match part {
        ExpertPart::Router => "model.layers.{}.mlp.gate",
        ExpertPart::RouterBias => "model.layers.{}.mlp.gate.expert_bias",
        ExpertPart::Gate => "model.layers.{}.mlp.experts.{expert}.gate_proj",
        ExpertPart::Up => "model.layers.{}.mlp.experts.{expert}.up_proj",
        ExpertPart::Down => "model.layers.{}.mlp.experts.{expert}.down_proj",
        ExpertPart::SharedGate => "model.layers.{}.mlp.shared_experts.gate_proj",
        ExpertPart::SharedUp => "model.layers.{}.mlp.shared_experts.up_proj",
        ExpertPart::SharedDown => "model.layers.{}.mlp.shared_experts.down_proj",
    }
}
