//! Autoregressive models made into diffusion models by dLLM (`a2d-qwen2`, `a2d-qwen3`,
//! `a2d-llama`): their networks seen in both directions.

use super::{Description, Unfit, fields::UnreadFields, hf};
use crate::{network::Biases, predict::Grid};

/// Describes the network of an `a2d-qwen2` configuration.
pub(super) fn describe_qwen2(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let bias = Biases { qkv: true, ..Biases::default() };
    let traits = hf::Traits { bias, ..hf::Traits::default() };
    Ok(Description::plain(hf::spec(fields, traits)?))
}

/// The mask token of Fast-dLLM v2, `|<MASK>|`, where config.json does not name it.
const FAST_DLLM_MASK: u32 = 151_665;

/// Describes the network of Fast-dLLM v2: Qwen2's, whose `bd_size` is the length of a block.
pub(super) fn describe_fast_dllm(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    Ok(Description {
        shift: true,
        usual_mask: Some(FAST_DLLM_MASK),
        block: Some(("the family".to_owned(), 32)),
        grid: Grid::Start,
        ..describe_qwen2(fields)?
    })
}

/// Describes the network of an `a2d-qwen3` configuration.
pub(super) fn describe_qwen3(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    Ok(Description::plain({
        let traits = qwen3(fields)?;
        hf::spec(fields, traits)?
    }))
}

/// What is Qwen3's own.
pub(super) fn qwen3(fields: &mut UnreadFields) -> Result<hf::Traits, Unfit> {
    let attention = fields.flag("attention_bias", false)?;
    let bias = Biases { qkv: attention, output: attention, ..Biases::default() };
    // transformers' own where a file does not say.
    Ok(hf::Traits { bias, qk_norm: true, head_dim: Some(128), ..hf::Traits::default() })
}

/// Describes the network of an `a2d-llama` configuration.
pub(super) fn describe_llama(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    let bias = hf::llama_biases(fields)?;
    let traits = hf::Traits { bias, windows: false, ..hf::Traits::default() };
    Ok(Description::plain(hf::spec(fields, traits)?))
}
