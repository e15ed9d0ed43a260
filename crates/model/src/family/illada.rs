//! iLLaDA: Llama's network under its own names, seen in both directions.

use super::{Description, Unfit, a2d, fields::UnreadFields};

/// The mask token, `<[MASK]>`: neither config.json nor the tokenizer's configuration names it.
const MASK: u32 = 5;

/// Describes the network of an iLLaDA configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    Ok(Description { usual_mask: Some(MASK), ..a2d::describe_llama(fields)? })
}
