//! iLLaDA: Llama's network under its own names, seen in both directions.

use serde_json::Value;

use super::{Description, Kind, Unfit, fields, hf};
use crate::model::network::Biases;

/// The mask token, `<[MASK]>`: neither config.json nor the tokenizer's configuration names it.
const MASK: u32 = 5;

/// Describes the network of an iLLaDA configuration.
pub(super) fn describe(config: Value) -> Result<Description, Unfit> {
    let config: hf::Config = fields(config)?;
    let (qkv, output, mlp) = (config.attention_bias, config.attention_bias, config.mlp_bias);
    let spec = config.spec(Biases { qkv, output, mlp, head: false }, false)?;
    Ok(Description {
        kind: Kind::Transformer(spec),
        shift: false,
        mask: config.mask_token_id.or(Some(MASK)),
        eos: config.eos(),
    })
}
