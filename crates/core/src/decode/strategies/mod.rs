//! The strategies: one file or folder each, and one row in [`STRATEGIES`]; what all of
//! them are to the rest of the program (`any`), and what they remember, as one type (`state`).

mod adablock;
mod any;
pub mod daedal;
mod dream;
mod eb_sampler;
mod factor;
mod hierarchy;
mod klass;
mod low_confidence;
mod mdlm;
mod order;
mod prophet;
pub mod remdm;
pub mod rho_eos;
mod state;
mod threshold;
pub mod wino;

use super::blocks::Blocks;
pub use any::AnyStrategy;
pub use state::{Decision, State};

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
