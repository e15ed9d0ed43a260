//! In what order a run unmasked its answer, as `--json` prints it.

use serde::Serialize;

use crate::inspect::OrderMeasures;

/// The measures of a run's order; docs/measures.md defines each. Null where there is too little to
/// measure.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OrderReport {
    /// Kendall's τ-b of step against position, -1 to 1.
    order_tau: Option<f64>,
    /// Mean distance between positions unmasked one after the other.
    mean_jump: Option<f64>,
    /// The share of these distances that are 1.
    adjacent: Option<f64>,
    /// The share of pairs of tail and content in which the tail was unmasked earlier.
    tail_first: Option<f64>,
}

impl OrderReport {
    /// What is printed of the measures.
    pub fn of(order: &OrderMeasures) -> Self {
        let OrderMeasures { tau, mean_jump, adjacent, tail_first } = *order;
        Self { order_tau: tau, mean_jump, adjacent, tail_first }
    }
}
