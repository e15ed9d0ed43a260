//! Autoregressive models made into diffusion models by dLLM (`a2d-qwen2`, `a2d-qwen3`): Qwen's
//! networks seen in both directions.

use serde_json::Value;

use super::{Description, Kind, Unfit, fields, hf};
use crate::model::network::Biases;

/// Describes the network of an `a2d-qwen2` configuration.
pub(super) fn describe_qwen2(config: Value) -> Result<Description, Unfit> {
    let config: hf::Config = fields(config)?;
    describe(&config, Biases { qkv: true, ..Biases::default() }, false)
}

/// Describes the network of an `a2d-qwen3` configuration.
pub(super) fn describe_qwen3(config: Value) -> Result<Description, Unfit> {
    let config: hf::Config = fields(config)?;
    let (qkv, output) = (config.attention_bias, config.attention_bias);
    describe(&config, Biases { qkv, output, ..Biases::default() }, true)
}

fn describe(config: &hf::Config, bias: Biases, qk_norm: bool) -> Result<Description, Unfit> {
    Ok(Description {
        kind: Kind::Transformer(config.spec(bias, qk_norm)?),
        shift: false,
        mask: config.mask_token_id,
        eos: config.eos(),
    })
}
