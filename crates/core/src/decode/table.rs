//! The table of strategies.

use super::{
    any::AnyStrategy,
    blocks::Blocks,
    strategies::{
        adablock, daedal, dream, eb_sampler, factor, hierarchy, klass, low_confidence, mdlm, order,
        prophet, remdm, rho_eos, threshold, wino,
    },
};

/// The strategies there are, by name.
pub const STRATEGIES: &[&dyn AnyStrategy] = &[
    &daedal::Daedal,
    &Blocks(low_confidence::LowConfidence),
    &Blocks(threshold::Threshold),
    &Blocks(factor::Factor),
    &Blocks(mdlm::Mdlm),
    &Blocks(dream::Dream),
    &Blocks(eb_sampler::EbSampler),
    &Blocks(klass::Klass),
    &remdm::Remdm,
    &rho_eos::RhoEos,
    &wino::Wino,
    &Blocks(adablock::AdaBlock),
    &Blocks(hierarchy::Hierarchy),
    &Blocks(order::Order),
    &Blocks(prophet::Prophet),
];

/// The strategy called `name`.
pub fn strategy(name: &str) -> Option<&'static dyn AnyStrategy> {
    STRATEGIES.iter().copied().find(|strategy| strategy.name() == name)
}
