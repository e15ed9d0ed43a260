//! SDAR: the networks of Qwen3 and Qwen3-MoE, whose attention is block-causal from position 0 on.

use super::{Description, Unfit, a2d, fields::UnreadFields, hf, sizes};
use crate::{
    network::{ExpertPart, Experts, Routing},
    predict::Grid,
};

/// Fields of its own that change no number of a forward pass: how it is trained, and where.
pub(super) const NO_EFFECT: &[&str] = &[
    "debug",
    "ep_size",
    "fuse_cross_entropy",
    "micro_forward",
    "output_router_logits",
    "router_aux_loss_coef",
    "skip_checkpoint",
    "use_deepep",
];

/// Positions in a block, where config.json does not say.
const BLOCK: usize = 4;

/// The mask token, `<|MASK|>`, where config.json does not name it.
const MASK: u32 = 151_669;

/// Describes the network of an `sdar` configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    Ok(in_blocks(a2d::describe_qwen3(fields)?))
}

/// Describes the network of an `sdar_moe` configuration.
pub(super) fn describe_moe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let count = fields.size("num_experts")?;
    let chosen = fields.optional_size("num_experts_per_tok")?.unwrap_or(8);
    let hidden = fields.size("moe_intermediate_size")?;
    let normalized = fields.flag("norm_topk_prob", false)?;
    let every = fields.optional_size("decoder_sparse_step")?.unwrap_or(1).max(1);
    let dense = fields.sizes("mlp_only_layers")?;
    let traits = a2d::qwen3(fields)?;
    let mut spec = hf::spec(fields, hf::Traits { experts: true, ..traits })?;
    let sparse = |layer: usize| !dense.contains(&layer) && (layer + 1).is_multiple_of(every);
    let experts = Experts {
        count,
        chosen,
        hidden,
        shared: None,
        layers: (0..spec.layers).map(sparse).collect(),
        routing: Routing::Softmax { normalized, bias: false },
        names,
    };
    sizes::experts(&experts, "num_experts_per_tok")?;
    spec.experts = Some(experts);
    Ok(in_blocks(Description::plain(spec)))
}

fn in_blocks(network: Description) -> Description {
    Description {
        usual_mask: Some(MASK),
        block: Some(("the family".to_owned(), BLOCK)),
        grid: Grid::Start,
        ..network
    }
}

/// Names of experts in Qwen3-MoE's and LLaDA-MoE's checkpoints.
pub(super) fn names(part: ExpertPart) -> &'static str {
    match part {
        ExpertPart::Router => "model.layers.{}.mlp.gate",
        ExpertPart::RouterBias => "model.layers.{}.mlp.expert_bias",
        ExpertPart::Gate => "model.layers.{}.mlp.experts.{expert}.gate_proj",
        ExpertPart::Up => "model.layers.{}.mlp.experts.{expert}.up_proj",
        ExpertPart::Down => "model.layers.{}.mlp.experts.{expert}.down_proj",
        ExpertPart::SharedGate => "model.layers.{}.shared_expert.gate_proj",
        ExpertPart::SharedUp => "model.layers.{}.shared_expert.up_proj",
        ExpertPart::SharedDown => "model.layers.{}.shared_expert.down_proj",
    }
}
