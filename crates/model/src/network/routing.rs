//! How the router of a layer of experts chooses among them.

use std::collections::HashMap;

/// How a router's logits choose experts, and what weights they get. All of it is in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Routing {
    /// The best of a softmax over all experts, weighted by their probabilities.
    Softmax {
        /// The weights of those chosen are divided by their sum.
        normalized: bool,
        /// A bias is added to the probabilities, in the weights too.
        bias: bool,
    },
    /// The best of sigmoids with a bias added, of the groups of experts whose two best are best
    /// together. The weights are the sigmoids without the bias, divided by their sum if there are
    /// several, and scaled.
    GroupedSigmoid {
        /// Groups of experts, which divide their number.
        groups: usize,
        /// Groups that experts are chosen of.
        groups_chosen: usize,
        /// What the weights are multiplied with.
        scale: f32,
    },
    /// As [`Routing::GroupedSigmoid`], but of the best experts of a block of positions in place of
    /// groups: an expert is as good as it is at the position where it is best, and the lower of two
    /// equal ones comes first.
    BlockSigmoid {
        /// Positions in a block, counted from position 0.
        block: usize,
        /// Experts that are open to a block.
        capacity: usize,
        /// What the weights are multiplied with.
        scale: f32,
    },
}

/// The rows that a row chooses experts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum RoutedBlock {
    /// Those of a block.
    Shared {
        /// The sequence of the batch.
        sequence: usize,
        /// The block's number, from position 0 on.
        block: u32,
    },
    /// Itself alone, since no other row sees it: padding, a shadow, a position that is not there yet.
    Own {
        /// Its place in the pass.
        row: usize,
    },
}

/// The blocks of all rows of a pass, one sequence after the other. `positions`: those of the rows of
/// a sequence; `seen`: whether other rows see a row, one a row of the pass.
pub(super) fn routed_blocks(block: usize, positions: &[u32], seen: &[bool]) -> Vec<RoutedBlock> {
    let length = positions.len().max(1);
    let block_of = |row: usize| positions[row % length] / block.max(1) as u32;
    seen.iter()
        .enumerate()
        .map(|(row, seen)| match seen {
            true => RoutedBlock::Shared { sequence: row / length, block: block_of(row) },
            false => RoutedBlock::Own { row },
        })
        .collect()
}

/// An expert that a router chose for a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chosen {
    /// Its number in the layer.
    pub(super) expert: usize,
    /// What its output is multiplied with.
    pub(super) weight: f32,
}

/// The numbers of a row with their places, greatest first, in order of places among equals.
fn ranked(scores: impl Iterator<Item = f32>) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = scores.enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked
}

impl Routing {
    /// Positions in the blocks that choose together; `None` where each position chooses alone.
    pub(super) fn block(self) -> Option<usize> {
        match self {
            Self::BlockSigmoid { block, .. } => Some(block),
            Self::Softmax { .. } | Self::GroupedSigmoid { .. } => None,
        }
    }

    /// The experts chosen by each row of logits, best first. `bias`: one number an expert, or none;
    /// `blocks`: one a row, read by [`Routing::BlockSigmoid`] alone.
    pub(super) fn choose_all(
        self,
        logits: &[Vec<f32>],
        bias: &[f32],
        chosen: usize,
        blocks: &[RoutedBlock],
    ) -> Vec<Vec<Chosen>> {
        let Self::BlockSigmoid { capacity, .. } = self else {
            return logits
                .iter()
                .map(|logits| self.choose(logits, bias, chosen, |_| true))
                .collect();
        };
        let mut best: HashMap<RoutedBlock, Vec<f32>> = HashMap::new();
        for (block, logits) in blocks.iter().zip(logits) {
            let best = best.entry(*block).or_insert_with(|| vec![f32::NEG_INFINITY; logits.len()]);
            for (expert, best) in best.iter_mut().enumerate() {
                *best = best.max(sigmoid(logits[expert]) + biased_by(bias, expert));
            }
        }
        let open: HashMap<RoutedBlock, Vec<bool>> = best
            .into_iter()
            .map(|(block, best)| {
                let mut open = vec![false; best.len()];
                let first = ranked(best.into_iter()).into_iter().take(capacity);
                first.for_each(|(expert, _)| open[expert] = true);
                (block, open)
            })
            .collect();
        let rows = blocks.iter().zip(logits);
        rows.map(|(block, logits)| self.choose(logits, bias, chosen, |expert| open[block][expert]))
            .collect()
    }

    /// The experts chosen by the logits of one position of those that are open, best first.
    fn choose(
        self,
        logits: &[f32],
        bias: &[f32],
        chosen: usize,
        open: impl Fn(usize) -> bool,
    ) -> Vec<Chosen> {
        let bias = |expert: usize| biased_by(bias, expert);
        match self {
            Self::Softmax { normalized, .. } => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let parts: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = parts.iter().sum();
                let p = parts.iter().enumerate().map(|(expert, part)| part / sum + bias(expert));
                let best = ranked(p).into_iter().take(chosen);
                let best = best.map(|(expert, weight)| Chosen { expert, weight });
                match normalized {
                    true => divided(best.collect(), 0.0),
                    false => best.collect(),
                }
            }
            Self::GroupedSigmoid { groups, groups_chosen, scale } => {
                let biased: Vec<f32> = logits
                    .iter()
                    .enumerate()
                    .map(|(expert, logit)| sigmoid(*logit) + bias(expert))
                    .collect();
                let size = (biased.len() / groups.max(1)).max(1);
                let of_group = biased.chunks(size).map(|group| {
                    ranked(group.iter().copied()).iter().take(2).map(|(_, score)| score).sum()
                });
                let groups: Vec<usize> =
                    ranked(of_group).into_iter().take(groups_chosen).map(|(at, _)| at).collect();
                let open = |expert: usize| groups.contains(&(expert / size));
                best_sigmoids(logits, bias, open, chosen, scale)
            }
            Self::BlockSigmoid { scale, .. } => best_sigmoids(logits, bias, open, chosen, scale),
        }
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn biased_by(bias: &[f32], expert: usize) -> f32 {
    bias.get(expert).copied().unwrap_or(0.0)
}

/// The best of the open experts by sigmoids with a bias. Their weights are the sigmoids without it,
/// divided by their sum if there are several, and scaled.
fn best_sigmoids(
    logits: &[f32],
    bias: impl Fn(usize) -> f32,
    open: impl Fn(usize) -> bool,
    chosen: usize,
    scale: f32,
) -> Vec<Chosen> {
    let p: Vec<f32> = logits.iter().copied().map(sigmoid).collect();
    let score = |expert: usize| match open(expert) {
        true => p[expert] + bias(expert),
        false => f32::NEG_INFINITY,
    };
    let best = ranked((0..p.len()).map(score)).into_iter().take(chosen);
    let best = best.map(|(expert, _)| Chosen { expert, weight: p[expert] }).collect();
    let mut best = if chosen > 1 { divided(best, 1e-20) } else { best };
    best.iter_mut().for_each(|one| one.weight *= scale);
    best
}

/// Weights divided by their sum, to which `least` is added.
fn divided(mut chosen: Vec<Chosen>, least: f32) -> Vec<Chosen> {
    let sum = chosen.iter().map(|one| one.weight).sum::<f32>() + least;
    chosen.iter_mut().for_each(|one| one.weight /= sum);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(routing: Routing, logits: &[f32], bias: &[f32], n: usize, expected: &[(usize, f32)]) {
        let chosen = routing.choose(logits, bias, n, |_| true);
        let experts: Vec<usize> = chosen.iter().map(|one| one.expert).collect();
        assert_eq!(experts, expected.iter().map(|(expert, _)| *expert).collect::<Vec<_>>());
        for (one, (_, weight)) in chosen.iter().zip(expected) {
            assert!((one.weight - weight).abs() < 1e-6, "{chosen:?}, expected {expected:?}");
        }
    }

    #[test]
    fn a_softmax_chooses_the_most_probable() {
        // Probabilities 0.1, 0.2, 0.3, 0.4.
        let logits = [1.0_f32, 2.0, 3.0, 4.0].map(f32::ln);
        let plain = Routing::Softmax { normalized: false, bias: false };
        check(plain, &logits, &[], 2, &[(3, 0.4), (2, 0.3)]);
        let normalized = Routing::Softmax { normalized: true, bias: false };
        check(normalized, &logits, &[], 2, &[(3, 4.0 / 7.0), (2, 3.0 / 7.0)]);
        let biased = Routing::Softmax { normalized: false, bias: true };
        check(biased, &logits, &[0.5, 0.0, 0.0, 0.0], 2, &[(0, 0.6), (3, 0.4)]);
        // The first of equals.
        check(plain, &[0.0; 4], &[], 2, &[(0, 0.25), (1, 0.25)]);
    }

    #[test]
    fn groups_are_chosen_by_their_two_best() {
        let logit = |p: f32| (p / (1.0 - p)).ln();
        // The best expert of all is in a group whose second is bad.
        let logits = [0.9, 0.1, 0.6, 0.5].map(logit);
        let routing = Routing::GroupedSigmoid { groups: 2, groups_chosen: 1, scale: 2.0 };
        check(routing, &logits, &[0.0; 4], 2, &[(2, 2.0 * 6.0 / 11.0), (3, 2.0 * 5.0 / 11.0)]);
        check(routing, &logits, &[0.0; 4], 1, &[(2, 1.2)]);
        // The bias decides, and is in no weight.
        check(routing, &logits, &[0.0, 0.2, 0.0, 0.0], 1, &[(0, 1.8)]);
        let both = Routing::GroupedSigmoid { groups: 2, groups_chosen: 2, scale: 1.0 };
        check(both, &logits, &[0.0; 4], 1, &[(0, 0.9)]);
    }

    /// A case of tests/golden/block_routing.json: what SGLang's kernels chose.
    #[derive(serde::Deserialize)]
    struct RoutingCase {
        name: String,
        block: usize,
        capacity: usize,
        chosen: usize,
        logits: Vec<Vec<f32>>,
        bias: Vec<f32>,
        experts: Vec<Vec<usize>>,
        weights: Vec<Vec<f32>>,
    }

    #[test]
    fn a_block_chooses_as_sglang_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/block_routing.json");
        let cases: Vec<RoutingCase> =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for case in cases {
            let routing =
                Routing::BlockSigmoid { block: case.block, capacity: case.capacity, scale: 1.0 };
            let positions: Vec<u32> = (0..case.logits.len() as u32).collect();
            let blocks = routed_blocks(case.block, &positions, &vec![true; positions.len()]);
            let chosen = routing.choose_all(&case.logits, &case.bias, case.chosen, &blocks);
            for (row, chosen) in chosen.iter().enumerate() {
                let experts: Vec<usize> = chosen.iter().map(|one| one.expert).collect();
                assert_eq!(experts, case.experts[row], "{}, row {row}", case.name);
                for (one, weight) in chosen.iter().zip(&case.weights[row]) {
                    assert!((one.weight - weight).abs() < 1e-6, "{}, row {row}", case.name);
                }
            }
        }
    }

    #[test]
    fn rows_that_nobody_sees_choose_alone() {
        let own = |row| RoutedBlock::Own { row };
        let of = |sequence, block| RoutedBlock::Shared { sequence, block };
        let check = |seen: [bool; 6], expected: [RoutedBlock; 6]| {
            assert_eq!(routed_blocks(4, &[3, 4, 5], &seen), expected);
        };
        check([true; 6], [of(0, 0), of(0, 1), of(0, 1), of(1, 0), of(1, 1), of(1, 1)]);
        let seen = [true, false, true, true, true, false];
        check(seen, [of(0, 0), own(1), of(0, 1), of(1, 0), of(1, 1), own(5)]);
    }
}
