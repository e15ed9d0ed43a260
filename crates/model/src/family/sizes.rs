//! Sizes that a network can have.

use super::Unfit;
use crate::network::{Experts, Routing};

/// The largest size. A larger one is a mistake, or an attempt to exhaust the memory.
pub(super) const LARGEST_SIZE: usize = 1 << 24;

/// The most layers or heads, more than any model has.
pub(super) const MOST_LAYERS: usize = 4096;

/// The most experts of a layer, more than any model has.
const MOST_EXPERTS: usize = 1 << 16;

/// Checks that sizes are from 1 to `most`.
pub(super) fn possible(most: usize, sizes: &[(&str, usize)]) -> Result<(), Unfit> {
    match sizes.iter().find(|(_, size)| !(1..=most).contains(size)) {
        None => Ok(()),
        Some((name, size)) => Err(Unfit::Unreadable(format!(
            "{name} is {size}, expected a whole number from 1 to {most}"
        ))),
    }
}

/// The width of a head: its own, or the `width` of the network divided by the `heads`. It must be
/// even, since the rotation takes a head's numbers in pairs.
pub(super) fn head_width(
    width: (&str, usize),
    heads: (&str, usize),
    own: Option<usize>,
) -> Result<usize, Unfit> {
    let ((name, width), (of, heads)) = (width, heads);
    let found = own.or_else(|| width.is_multiple_of(heads).then(|| width / heads));
    match found {
        Some(found) if found.is_multiple_of(2) => Ok(found),
        Some(odd) => Err(Unfit::Unreadable(format!(
            "{of} is {heads} and a head is {odd} wide, expected an even number"
        ))),
        None => Err(Unfit::Unreadable(format!(
            "{name} {width} cannot be cut into {heads} heads ({of})"
        ))),
    }
}

/// Checks that the query heads can share the heads for keys and values.
pub(super) fn shared(heads: (&str, usize), of: (&str, usize)) -> Result<(), Unfit> {
    match heads.1.is_multiple_of(of.1) {
        true => Ok(()),
        false => Err(Unfit::Unreadable(format!(
            "{} is {}, which is no multiple of {} {}",
            heads.0, heads.1, of.0, of.1
        ))),
    }
}

/// The numbers of a head that are rotated, the whole part of `factor` of it.
pub(super) fn rotary(head_dim: usize, factor: f64) -> Result<usize, Unfit> {
    match (head_dim as f64 * factor) as usize {
        rotary if rotary > 0 && rotary.is_multiple_of(2) => Ok(rotary),
        odd => Err(Unfit::Unreadable(format!(
            "partial_rotary_factor is {factor} and a head is {head_dim} wide, so {odd} of it would be \
             rotated, expected an even number"
        ))),
    }
}

/// Checks that experts can be chosen as asked; `chosen`: the field that says how many.
pub(super) fn experts(experts: &Experts, chosen: &str) -> Result<(), Unfit> {
    possible(MOST_EXPERTS, &[("num_experts", experts.count), (chosen, experts.chosen)])?;
    let shared = experts.shared.unwrap_or(1);
    possible(
        LARGEST_SIZE,
        &[("an expert's width", experts.hidden), ("the shared expert's width", shared)],
    )?;
    if experts.chosen > experts.count {
        return Err(Unfit::Unreadable(format!(
            "{chosen} is {}, more than the {} experts there are",
            experts.chosen, experts.count
        )));
    }
    let (groups, groups_chosen, scale) = match experts.routing {
        Routing::Softmax { .. } => return Ok(()),
        Routing::GroupedSigmoid { groups, groups_chosen, scale } => (groups, groups_chosen, scale),
        Routing::BlockSigmoid { block, capacity, scale } => {
            possible(LARGEST_SIZE, &[("block_size", block)])?;
            let fits = (experts.chosen..=experts.count).contains(&capacity);
            return match fits && scale.is_finite() {
                true => Ok(()),
                false => Err(Unfit::Unreadable(format!(
                    "expert_capacity is {capacity}: a block needs at least the {} experts of a \
                     position ({chosen}), of {} that there are",
                    experts.chosen, experts.count
                ))),
            };
        }
    };
    possible(MOST_EXPERTS, &[("n_group", groups), ("topk_group", groups_chosen)])?;
    let size = experts.count / groups;
    let fits = size * groups == experts.count && size >= 2 && groups_chosen <= groups;
    match fits && size * groups_chosen >= experts.chosen && scale.is_finite() {
        true => Ok(()),
        false => Err(Unfit::Unreadable(format!(
            "{} experts cannot be chosen of {groups_chosen} of {groups} groups of {} experts \
             (n_group, topk_group, {chosen})",
            experts.chosen, experts.count
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_words<T: std::fmt::Debug>(read: Result<T, Unfit>) -> Result<T, String> {
        read.map_err(|unfit| match unfit {
            Unfit::Unreadable(problem) | Unfit::Another(problem) => problem,
        })
    }

    #[test]
    fn a_head_has_its_own_width_or_its_share() {
        let width =
            |width, heads, own| in_words(head_width(("width", width), ("heads", heads), own));
        for (found, expected) in [
            (width(64, 4, None), Ok(16)),
            (width(64, 5, Some(32)), Ok(32)),
            (width(64, 5, None), Err("width 64 cannot be cut into 5 heads (heads)")),
            (width(64, 64, None), Err("heads is 64 and a head is 1 wide, expected an even number")),
            (
                width(64, 4, Some(3)),
                Err("heads is 4 and a head is 3 wide, expected an even number"),
            ),
        ] {
            assert_eq!(found, expected.map_err(str::to_owned));
        }
        assert_eq!(in_words(shared(("q", 4), ("kv", 2))), Ok(()));
        let problem = "q is 4, which is no multiple of kv 3".to_owned();
        assert_eq!(in_words(shared(("q", 4), ("kv", 3))), Err(problem));
        let none = "b is 0, expected a whole number from 1 to 9".to_owned();
        assert_eq!(in_words(possible(9, &[("a", 9), ("b", 0)])), Err(none));
    }
}
