//! Block-causal passes that go on from the keys and values of finished blocks.
//!
//! Under block-causal attention nothing in a block depends on what follows it, so the keys and values
//! of the blocks before the first row that is asked for are those of every later pass too. They are
//! computed once, a block at a time, whatever was run before: a prediction is the same bits with all
//! blocks kept, with some, and with none, after a step back and on another branch. What is kept only
//! saves time, and the cost of a step does not grow with the text before its block, but for the
//! attention to it.

use candle_core::{Result, Tensor};

use super::NetworkPredictor;
use crate::{
    canvas::TokenId,
    network::Prefix,
    predict::{Attention, Column, Prediction, Request, Watch},
};

/// Sequences whose blocks are kept: of the run, and of one that it is compared with.
const SEQUENCES_KEPT: usize = 2;

/// Where blocks lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockGrid {
    block: usize,
    /// Positions missing before the first.
    before: usize,
    /// Positions that others may see, if not all.
    seen: Option<usize>,
}

impl BlockGrid {
    /// Where the block that holds a position begins.
    fn start(self, position: usize) -> usize {
        ((position + self.before) / self.block * self.block).saturating_sub(self.before)
    }

    /// Where the block that begins at `start` ends.
    fn end(self, start: usize) -> usize {
        ((start + self.before) / self.block + 1) * self.block - self.before
    }
}

/// The sequences kept, the one used last at the end.
#[derive(Default)]
pub(super) struct FinishedBlocks(Vec<Finished>);

/// Finished blocks from the first token of a sequence on.
struct Finished {
    grid: BlockGrid,
    ids: Vec<TokenId>,
    prefix: Prefix,
}

impl FinishedBlocks {
    /// The blocks that `ids` begins with, as many as are kept; the sequence counts as used.
    ///
    /// # Errors
    /// If there is no memory for a copy.
    fn take(&mut self, grid: BlockGrid, ids: &[TokenId]) -> Result<Finished> {
        let common = |kept: &Finished| {
            let pairs = kept.ids.iter().zip(ids);
            let same = pairs.take_while(|(kept, id)| kept == id).count();
            // The end of what is kept is the end of a block.
            if same == kept.ids.len() { same } else { grid.start(same) }
        };
        let of_grid = self.0.iter().enumerate().filter(|(_, kept)| kept.grid == grid);
        let best = of_grid.map(|(at, kept)| (at, common(kept)));
        // One that goes no further need not be copied.
        let best = best.max_by_key(|&(at, common)| (common, common == self.0[at].ids.len()));
        match best {
            Some((at, common)) if common == self.0[at].ids.len() => Ok(self.0.remove(at)),
            best => {
                let finished = match best.filter(|&(_, common)| common > 0) {
                    // The rest of it may be asked for again.
                    Some((at, common)) => Finished {
                        grid,
                        ids: ids[..common].to_vec(),
                        prefix: self.0[at].prefix.copied(common)?,
                    },
                    None => Finished { grid, ids: Vec::new(), prefix: Prefix::default() },
                };
                if self.0.len() >= SEQUENCES_KEPT {
                    self.0.remove(0);
                }
                Ok(finished)
            }
        }
    }
}

impl NetworkPredictor {
    /// Where the blocks of a request lie, if it can go on from finished ones.
    pub(super) fn goes_on_from_blocks(&self, request: &Request) -> Option<BlockGrid> {
        let Attention::BlockCausal { block, before, seen } = request.pass.attention else {
            return None;
        };
        let grid = BlockGrid { block, before: before % block.max(1), seen: None };
        let plain = request.pass.positions.is_none()
            && request.guidance.is_none()
            && request.earlier.is_none()
            && request.shadow.is_none()
            && !request.shift
            && !request.columns.has(Column::Kl)
            && !request.rows.is_empty();
        // A position that is hidden in a finished block would be hidden from the rest.
        let whole = seen.is_none_or(|seen| seen >= grid.start(request.rows.start));
        // Later positions of a block would change the experts of earlier ones.
        let routed = self
            .network
            .expert_block()
            .is_none_or(|routed| block.is_multiple_of(routed) && before == 0);
        (self.network.keeps() && plain && whole && routed).then_some(BlockGrid { seen, ..grid })
    }

    /// A pass over the blocks from the first row that is asked for on.
    pub(super) fn run_blocks(
        &mut self,
        request: &Request,
        grid: BlockGrid,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        let before = &request.pass.ids[..grid.start(request.rows.start)];
        let mut finished = self.finished_blocks.take(BlockGrid { seen: None, ..grid }, before)?;
        let run = self.run_behind(&mut finished, request, grid, watch);
        self.finished_blocks.0.push(finished);
        run
    }

    fn run_behind(
        &self,
        finished: &mut Finished,
        request: &Request,
        grid: BlockGrid,
        watch: &mut Watch,
    ) -> Result<Option<Prediction>> {
        let ids = &request.pass.ids;
        let first = grid.start(request.rows.start);
        let mut layers = 0;
        let mut hidden = Vec::new();
        let mut start = finished.prefix.len();
        while start < ids.len() {
            let end = grid.end(start).min(ids.len());
            let block =
                Tensor::from_slice(&ids[start..end], (1, end - start), self.network.device())?;
            let states =
                self.network.behind(&block, &mut finished.prefix, grid.seen, &mut |progress| {
                    layers = progress.of - 1;
                    watch(progress)
                })?;
            let Some(states) = states else {
                finished.prefix.truncate(finished.ids.len());
                return Ok(None);
            };
            if start < first {
                finished.ids.extend(&ids[start..end]);
            } else {
                hidden.push(states);
            }
            finished.prefix.keep(end - start);
            start = end;
        }
        // What follows the finished blocks may be otherwise in the next pass.
        finished.prefix.truncate(finished.ids.len());
        let hidden = Tensor::cat(&hidden, 1)?;
        let rows = request.rows.start - first..request.rows.end - first;
        let own = Request { rows, ..request.clone() };
        self.reduce(&own, (&hidden, layers), None, watch)
    }
}
