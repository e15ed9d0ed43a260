//! LLaDA-MoE: a bidirectional transformer with experts (`modeling_lladamoe.py`).

use super::{
    Description, Unfit,
    fields::UnreadFields,
    hf, rope, sdar,
    sizes::{self, rotary},
};
use crate::network::{Biases, Experts, Routing};

/// Fields of its own that its code does not read, or that change no number of a forward pass.
pub(super) const NO_EFFECT: &[&str] = &[
    // Its code never divides the weights by their sum, takes a softmax, no groups and no factor,
    // whatever these say.
    "moe_router_score_function",
    "norm_topk_prob",
    "routed_scaling_factor",
    "router_num_group",
    "router_topk_group",
    // How it is trained.
    "moe_router_topk_scaling_factor",
    "output_router_logits",
    "router_aux_loss_coef",
];

/// The mask token, which config.json does not name.
const MASK: u32 = 156_895;

/// Describes the network of a LLaDA-MoE configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let count = fields.size("num_experts")?;
    let chosen = fields.size("num_experts_per_tok")?;
    let hidden = fields.size("expert_intermediate_size")?;
    let shared = fields.optional_size("shared_expert_intermediate_size")?;
    let bias = fields.flag("moe_router_enable_expert_bias", false)?;
    let frequency = fields.sizes("moe_layer_freq")?;
    let attention = fields.flag("attention_bias", false)?;
    let factor = rope::take_partial(fields)?;
    let traits = hf::Traits {
        bias: Biases { qkv: attention, output: attention, ..Biases::default() },
        qk_norm: fields.flag("qk_layernorm", false)?,
        windows: false,
        hidden: "dense_intermediate_size",
        experts: true,
        norm_eps: 1e-5,
        ..hf::Traits::default()
    };
    let mut spec = hf::spec(fields, traits)?;
    if frequency.len() != spec.layers {
        return Err(Unfit::Unreadable(format!(
            "moe_layer_freq has {} layers and num_hidden_layers is {}",
            frequency.len(),
            spec.layers
        )));
    }
    let experts = Experts {
        count,
        chosen,
        hidden,
        shared,
        layers: frequency.iter().map(|&frequency| frequency != 0).collect(),
        routing: Routing::Softmax { normalized: false, bias },
        names: sdar::names,
    };
    sizes::experts(&experts, "num_experts_per_tok")?;
    spec.rotary_dim = rotary(spec.head_dim, factor.unwrap_or(1.0))?;
    spec.experts = Some(experts);
    Ok(Description { usual_mask: Some(MASK), ..Description::plain(spec) })
}
