//! The strategies: one file or folder each, and one row in [`STRATEGIES`]; what all of
//! them are to the rest of the program (`any`), and what they remember, as one type (`state`).

mod adablock;
mod any;
pub mod cal;
mod credit;
pub mod daedal;
mod dream;
pub mod dreamon;
mod eb_sampler;
pub mod entropy_bound;
mod factor;
mod hierarchy;
pub mod indel;
mod joint_threshold;
mod klass;
mod low_confidence;
mod mdlm;
mod order;
mod prophet;
pub mod remdm;
pub mod rho_eos;
mod sdar;
mod state;
mod threshold;
pub mod wino;

use super::{block_diffusion::BlockDiffusion, blocks::BlockStrategy};
pub use any::AnyStrategy;
pub use state::{Decision, State};

/// The strategies there are, by name.
pub const STRATEGIES: &[&dyn AnyStrategy] = &[
    &daedal::Daedal,
    &BlockStrategy(low_confidence::LowConfidence),
    &BlockStrategy(threshold::Threshold),
    &BlockStrategy(factor::Factor),
    &BlockStrategy(mdlm::Mdlm),
    &BlockStrategy(dream::Dream),
    &BlockStrategy(eb_sampler::EbSampler),
    &BlockStrategy(klass::Klass),
    &remdm::Remdm,
    &rho_eos::RhoEos,
    &wino::Wino,
    &BlockStrategy(adablock::AdaBlock),
    &BlockStrategy(hierarchy::Hierarchy),
    &BlockStrategy(order::Order),
    &BlockStrategy(prophet::Prophet),
    &BlockDiffusion(joint_threshold::JointThreshold),
    &BlockDiffusion(sdar::Sdar),
    &BlockStrategy(credit::Credit),
    &cal::Cal,
    &dreamon::DreamOn,
    &entropy_bound::EntropyBound,
    &indel::Indel,
];

/// The strategy called `name`.
pub fn strategy(name: &str) -> Option<&'static dyn AnyStrategy> {
    STRATEGIES.iter().copied().find(|strategy| strategy.name() == name)
}
