//! The strategies: one file or folder each, and one row in [`STRATEGIES`](super::STRATEGIES).

pub(super) mod adablock;
pub mod daedal;
pub(super) mod dream;
pub(super) mod eb_sampler;
pub(super) mod factor;
pub(super) mod hierarchy;
pub(super) mod klass;
pub(super) mod low_confidence;
pub(super) mod mdlm;
pub(super) mod order;
pub(super) mod prophet;
pub mod remdm;
pub mod rho_eos;
pub(super) mod threshold;
pub mod wino;
