//! Autoregressive models made into diffusion models by dLLM (`a2d-qwen2`, `a2d-qwen3`,
//! `a2d-llama`): their networks seen in both directions.

use super::{Description, Unfit, fields::UnreadFields, hf};
use crate::network::Biases;

/// Describes the network of an `a2d-qwen2` configuration.
pub(super) fn describe_qwen2(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let bias = Biases { qkv: true, ..Biases::default() };
    let traits = hf::Traits { bias, qk_norm: false, head_dim: None, windows: true };
    Ok(Description::plain(hf::spec(fields, traits)?))
}

/// Describes the network of an `a2d-qwen3` configuration.
pub(super) fn describe_qwen3(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let attention = fields.flag("attention_bias", false)?;
    let bias = Biases { qkv: attention, output: attention, ..Biases::default() };
    // transformers' own where a file does not say.
    let traits = hf::Traits { bias, qk_norm: true, head_dim: Some(128), windows: true };
    Ok(Description::plain(hf::spec(fields, traits)?))
}

/// Describes the network of an `a2d-llama` configuration.
pub(super) fn describe_llama(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let bias = hf::llama_biases(fields)?;
    let traits = hf::Traits { bias, qk_norm: false, head_dim: None, windows: false };
    Ok(Description::plain(hf::spec(fields, traits)?))
}
