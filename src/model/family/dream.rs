//! Dream: Qwen2.5's network seen in both directions; a position is predicted at the one before it.

use serde_json::Value;

use super::{Description, Kind, Unfit, fields, hf};
use crate::model::network::Biases;

/// Describes the network of a Dream configuration.
pub(super) fn describe(config: Value) -> Result<Description, Unfit> {
    let config: hf::Config = fields(config)?;
    let spec = config.spec(Biases { qkv: true, ..Biases::default() }, false)?;
    Ok(Description {
        kind: Kind::Transformer(spec),
        shift: true,
        mask: config.mask_token_id,
        eos: config.eos(),
    })
}
