//! Dream: Qwen2.5's network seen in both directions; a position is predicted at the one before it.

use super::{Description, Unfit, a2d, fields::UnreadFields};

/// Describes the network of a Dream configuration.
pub(super) fn describe(fields: &mut UnreadFields) -> Result<Description, Unfit> {
    Ok(Description { shift: true, ..a2d::describe_qwen2(fields)? })
}
