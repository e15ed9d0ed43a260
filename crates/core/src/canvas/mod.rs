//! The canvas: the positions being denoised.
//!
//! A canvas is a prompt, which no strategy may change, followed by the *generated region*: one
//! [`Cell`] a position, holding either a token or the mask. A position is a number that shifts
//! when masks are inserted before it; a [`Slot`] is the identity it keeps. Behind the region a
//! *suffix* may stand, which is fixed as the prompt is, and between two *holes* of the region there
//! may be text that was *given* ([`FixedText`]): its positions are cells that nothing changes.
//!
//! The user may ask things of a position: to pin it, to force or forbid its expansion, to veto a
//! token there. Such an [`Override`] belongs to the position and goes where it goes.
//!
//! This room knows nothing of models, strategies or terminals.
//!
//! ```
//! use demask_core::canvas::{Canvas, Edit, SpecialTokens};
//!
//! let canvas = Canvas::masked(vec![1, 2], 3, SpecialTokens { mask: 9, eos: 8 });
//! let (first, last) = (canvas.cells()[0].slot, canvas.cells()[2].slot);
//! let edits = [Edit::Fill { slot: last, token: 7 }, Edit::Expand { slot: first, n: 4 }];
//! let canvas = canvas.apply(&edits, 1)?.canvas;
//! assert_eq!(canvas.tokens(), [9, 9, 9, 9, 9, 7]);
//! assert_eq!(canvas.position(last), Some(5), "the slot is the same, its position another");
//! # Ok::<(), demask_core::canvas::EditError>(())
//! ```

mod cells;
mod edit;
mod fixed;

pub use cells::{Cells, EachCell};
pub use edit::{Applied, Edit, EditError, Filler};
pub use fixed::{FixedText, NoHole};

use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// A token's number in the model's vocabulary.
pub type TokenId = u32;

/// A token that no canvas holds: one that is not known, in what other programs recorded.
pub const NO_TOKEN: TokenId = TokenId::MAX;

/// Stands for an end-of-sequence token that is not known where the mask token is not known either:
/// a position that nothing is written at must not look like the end.
pub const NO_EOS: TokenId = NO_TOKEN - 1;

/// The identity of a generated position. It never changes and is never reused on a path of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// The two tokens a strategy must know by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Stands for "not written yet".
    pub mask: TokenId,
    /// End of sequence: fills the tail behind an answer.
    pub eos: TokenId,
}

/// How a position came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Part of the initial canvas.
    Start,
    /// Added at the tail by this step (1-based on the path of steps).
    Appended {
        /// The step, counted from 1.
        step: u32,
    },
    /// Made by this step when it expanded or split the position `from`.
    Inserted {
        /// The step, counted from 1.
        step: u32,
        /// The position expanded, which is no more, or the one split, which then stood behind this.
        from: Slot,
    },
    /// Inserted by hand in this step, 1-based.
    ByHand {
        /// The step, counted from 1.
        step: u32,
    },
    /// Part of the initial canvas, with a token that is fixed: text between two holes.
    Given,
}

/// What the user asks of a position. Strategies keep to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Override {
    /// It stays as it is: not written, not expanded, not dropped.
    pub pinned: bool,
    /// It is to be expanded in the next step, or never; `None` leaves it to the strategy.
    pub expand: Option<bool>,
}

/// One position of the generated region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Identity, stable under insertions.
    pub slot: Slot,
    /// The token held; the mask token if nothing is written yet.
    pub token: TokenId,
    /// What a model is given for a masked position in place of the mask token: where canvases start
    /// from noise, a position holds a token before one is written.
    pub draft: Option<TokenId>,
    /// Where the position came from.
    pub origin: Origin,
    /// The step (1-based on the path) that wrote the token, if one did.
    pub filled: Option<u32>,
    /// What is asked of it.
    pub overridden: Override,
}

impl Cell {
    /// True for text that was given: it keeps its token, whoever asks, and is not generated.
    pub fn is_given(&self) -> bool {
        self.origin == Origin::Given
    }

    /// True if no strategy may change it, expand it or cut it off: it is given or pinned.
    pub fn is_fixed(&self) -> bool {
        self.is_given() || self.overridden.pinned
    }
}

/// Prompt, generated region and suffix at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    prompt: Arc<[TokenId]>,
    cells: Cells,
    suffix: Arc<[TokenId]>,
    special: SpecialTokens,
    next_slot: u32,
    /// Shared between canvases: few steps change it.
    vetoes: Arc<BTreeSet<(Slot, TokenId)>>,
}

impl Canvas {
    /// A canvas of `length` masks behind `prompt`.
    pub fn masked(
        prompt: impl Into<Arc<[TokenId]>>,
        length: usize,
        special: SpecialTokens,
    ) -> Self {
        let mut canvas = Self {
            prompt: prompt.into(),
            cells: Cells::default(),
            suffix: Arc::default(),
            special,
            next_slot: 0,
            vetoes: Arc::default(),
        };
        canvas.push(length, special.mask, Origin::Start);
        canvas
    }

    /// A canvas whose generated region holds `tokens`; used to rebuild recorded states.
    pub fn holding(
        prompt: impl Into<Arc<[TokenId]>>,
        tokens: &[TokenId],
        special: SpecialTokens,
    ) -> Self {
        let mut canvas = Self::masked(prompt, tokens.len(), special);
        canvas.cells.change(|at, cell| Some(Cell { token: *tokens.get(at)?, ..*cell }));
        canvas
    }

    /// The same canvas with `suffix` behind its region.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<Arc<[TokenId]>>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// The same canvas, of whose cells those at `positions` are given. Masks cannot be given, and
    /// positions past the end are none: both are left as they are.
    #[must_use]
    pub fn with_given(mut self, positions: impl IntoIterator<Item = usize>) -> Self {
        for position in positions {
            if let Some(cell) = self.cells.get_mut(position)
                && cell.token != self.special.mask
            {
                cell.origin = Origin::Given;
            }
        }
        self
    }

    fn push(&mut self, n: usize, token: TokenId, origin: Origin) {
        self.put(self.len()..self.len(), n, token, origin);
    }

    /// Puts `n` new positions in the place of some.
    fn put(&mut self, positions: Range<usize>, n: usize, token: TokenId, origin: Origin) {
        let new = (self.next_slot..).take(n).map(|slot| Cell {
            slot: Slot(slot),
            token,
            draft: None,
            origin,
            filled: None,
            overridden: Override::default(),
        });
        self.cells.splice(positions, new);
        self.next_slot += n as u32;
    }

    /// The prompt's tokens, which no edit changes.
    pub fn prompt(&self) -> &[TokenId] {
        &self.prompt
    }

    /// The tokens behind the generated region, which no edit changes.
    pub fn suffix(&self) -> &[TokenId] {
        &self.suffix
    }

    /// True if fixed text stands behind a position that is generated: a suffix, or given text.
    pub fn has_text_behind(&self) -> bool {
        !self.suffix.is_empty() || self.cells.iter().any(Cell::is_given)
    }

    /// True if the same stands before and behind both regions.
    pub fn is_surrounded_as(&self, other: &Self) -> bool {
        self.prompt == other.prompt && self.suffix == other.suffix
    }

    /// The generated region, first position first.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Number of positions of the generated region, those of given text among them.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// N_token: positions of the region that are not given.
    pub fn generated(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_given()).count()
    }

    /// True if the region has no position.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Mask and end-of-sequence token.
    pub fn special(&self) -> SpecialTokens {
        self.special
    }

    /// True if nothing is written at `position` (false past the end).
    pub fn is_masked(&self, position: usize) -> bool {
        self.cells.get(position).is_some_and(|cell| cell.token == self.special.mask)
    }

    /// True if a strategy may write at `position`: it is masked and not pinned.
    pub fn is_open(&self, position: usize) -> bool {
        self.is_masked(position) && !self.cells[position].overridden.pinned
    }

    /// Tokens that must not be written at `slot`, in order.
    pub fn vetoes_at(&self, slot: Slot) -> impl Iterator<Item = TokenId> {
        self.vetoes.range((slot, TokenId::MIN)..=(slot, TokenId::MAX)).map(|&(_, token)| token)
    }

    /// Number of vetoes on the canvas.
    pub fn vetoes(&self) -> usize {
        self.vetoes.len()
    }

    /// Number of masked positions.
    pub fn masks(&self) -> usize {
        self.cells.iter().filter(|cell| cell.token == self.special.mask).count()
    }

    /// The position that `slot` has now.
    pub fn position(&self, slot: Slot) -> Option<usize> {
        self.cells.iter().position(|cell| cell.slot == slot)
    }

    /// Token ids of the generated region.
    pub fn tokens(&self) -> Vec<TokenId> {
        self.cells.iter().map(|cell| cell.token).collect()
    }

    /// The generated region as a model is given it: drafts where there are any.
    pub fn inputs(&self) -> Vec<TokenId> {
        self.cells.iter().map(|cell| cell.draft.unwrap_or(cell.token)).collect()
    }

    /// Prompt, generated region and suffix in one list: what a model is given.
    pub fn ids(&self) -> Vec<TokenId> {
        self.around(self.inputs())
    }

    /// The same with `region` in the place of what the region holds.
    pub fn around(&self, region: impl IntoIterator<Item = TokenId>) -> Vec<TokenId> {
        let (prompt, suffix) = (self.prompt.iter().copied(), self.suffix.iter().copied());
        prompt.chain(region).chain(suffix).collect()
    }

    /// The same canvas with `drafts` in its masked positions, one for each position; those of written
    /// positions are left out.
    pub fn drafted(mut self, drafts: &[TokenId]) -> Self {
        let mask = self.special.mask;
        self.cells.change(|at, cell| {
            let &draft = drafts.get(at)?;
            let draft = (cell.token == mask && draft != mask).then_some(draft);
            (cell.draft != draft).then_some(Cell { draft, ..*cell })
        });
        self
    }

    /// E_token: positions that are written and are no end-of-sequence token, wherever they stand,
    /// as DAEDAL's published scripts count. What a mask will hold is not known: it does not count,
    /// and neither does given text.
    pub fn effective(&self) -> usize {
        self.written(self.len()).filter(|cell| cell.token != self.special.eos).count()
    }

    /// Positions that are written before the tail of end-of-sequence tokens: over
    /// [`effective`](Self::effective) by the end-of-sequence tokens among them.
    pub fn before_tail(&self) -> usize {
        self.written(self.tail()).count()
    }

    /// The cells before `end` that are no masks and not given.
    fn written(&self, end: usize) -> impl Iterator<Item = &Cell> {
        let mask = self.special.mask;
        self.cells.range(0..end).filter(move |cell| cell.token != mask && !cell.is_given())
    }

    /// Where the tail of end-of-sequence tokens begins (the length if there is none): the answer
    /// stands before it. It ends with the region, before a suffix, and holds nothing given.
    pub fn tail(&self) -> usize {
        let eos = self.special.eos;
        let last = self.cells.iter().rposition(|cell| cell.token != eos || cell.is_given());
        last.map_or(0, |last| last + 1)
    }
}
