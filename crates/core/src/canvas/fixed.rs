//! The text that a run starts with: what stands before its generated region, in it and behind it.

use std::sync::Arc;

use super::{Canvas, SpecialTokens, TokenId};

/// The tokens that stand on every canvas of a run: a prompt, perhaps a suffix behind the generated
/// region, and perhaps text between the holes of the region.
///
/// ```
/// use demask_core::canvas::{FixedText, SpecialTokens};
///
/// // Two masks, a token, and one more mask, between a prompt and a suffix.
/// let text = FixedText::with_holes(&[1], [Some(2), None, None, Some(3), None, Some(4)])?;
/// let canvas = text.canvas(64, SpecialTokens { mask: 9, eos: 8 });
/// assert_eq!((canvas.prompt(), canvas.suffix()), ([1, 2].as_slice(), [4].as_slice()));
/// assert_eq!(canvas.tokens(), [9, 9, 3, 9], "the holes say how long it is");
/// # Ok::<(), demask_core::canvas::NoHole>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FixedText {
    prompt: Arc<[TokenId]>,
    /// What the region holds at the start, from the first hole to the last: given tokens, and `None`
    /// for a mask. `None` as a whole where parameters say how long it is.
    region: Option<Arc<[Option<TokenId>]>>,
    suffix: Arc<[TokenId]>,
}

/// A text to be filled in without a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has no hole, so there is nothing to fill in")]
pub struct NoHole;

impl FixedText {
    /// Text with holes behind `prompt`, where `None` is a mask. What stands before the first hole
    /// belongs to the prompt, what stands behind the last one is the suffix.
    ///
    /// # Errors
    /// [`NoHole`].
    pub fn with_holes(
        prompt: &[TokenId],
        text: impl IntoIterator<Item = Option<TokenId>>,
    ) -> Result<Self, NoHole> {
        let text: Vec<Option<TokenId>> = text.into_iter().collect();
        let first = text.iter().position(Option::is_none).ok_or(NoHole)?;
        let last = text.iter().rposition(Option::is_none).ok_or(NoHole)?;
        let before = text[..first].iter().copied().flatten();
        let behind = text[last + 1..].iter().copied().flatten();
        Ok(Self {
            prompt: prompt.iter().copied().chain(before).collect(),
            region: Some(text[first..=last].into()),
            suffix: behind.collect(),
        })
    }

    /// The same with another suffix.
    #[must_use]
    pub fn with_suffix(self, suffix: impl Into<Arc<[TokenId]>>) -> Self {
        Self { suffix: suffix.into(), ..self }
    }

    /// The same with another prompt.
    #[must_use]
    pub fn with_prompt(self, prompt: impl Into<Arc<[TokenId]>>) -> Self {
        Self { prompt: prompt.into(), ..self }
    }

    /// The text that the first canvas of a run has.
    pub fn of(canvas: &Canvas) -> Self {
        let cells = canvas.cells().iter();
        let region = cells.map(|cell| cell.is_given().then_some(cell.token));
        let holes = canvas.cells().iter().any(|cell| cell.is_given());
        Self {
            prompt: canvas.prompt.clone(),
            region: holes.then(|| region.collect()),
            suffix: canvas.suffix.clone(),
        }
    }

    /// The tokens before the region.
    pub fn prompt(&self) -> &[TokenId] {
        &self.prompt
    }

    /// The tokens behind the region.
    pub fn suffix(&self) -> &[TokenId] {
        &self.suffix
    }

    /// Positions of the first region, where the holes say so.
    pub fn length(&self) -> Option<usize> {
        self.region.as_ref().map(|region| region.len())
    }

    /// Masks of the first region, where the holes say so.
    pub fn masks(&self) -> Option<usize> {
        let masks =
            |region: &Arc<[Option<TokenId>]>| region.iter().filter(|at| at.is_none()).count();
        self.region.as_ref().map(masks)
    }

    /// Whether there is text behind a masked position, which only a model that attends both ways
    /// sees.
    pub fn has_text_behind(&self) -> bool {
        let given = self.region.iter().flat_map(|region| region.iter()).any(Option::is_some);
        given || !self.suffix.is_empty()
    }

    /// All of its tokens, in their order.
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> {
        let given = self.region.iter().flat_map(|region| region.iter().copied().flatten());
        self.prompt.iter().copied().chain(given).chain(self.suffix.iter().copied())
    }

    /// The first canvas of a run: the holes, or else `length` masks.
    pub fn canvas(&self, length: usize, special: SpecialTokens) -> Canvas {
        let prompt = self.prompt.clone();
        let canvas = match &self.region {
            None => Canvas::masked(prompt, length, special),
            Some(region) => {
                let tokens: Vec<TokenId> =
                    region.iter().map(|token| token.unwrap_or(special.mask)).collect();
                let given = region.iter().enumerate().filter(|(_, token)| token.is_some());
                Canvas::holding(prompt, &tokens, special).with_given(given.map(|(at, _)| at))
            }
        };
        canvas.with_suffix(self.suffix.clone())
    }
}

impl From<&[TokenId]> for FixedText {
    fn from(prompt: &[TokenId]) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }
}

impl From<&Vec<TokenId>> for FixedText {
    fn from(prompt: &Vec<TokenId>) -> Self {
        prompt.as_slice().into()
    }
}

impl<const N: usize> From<&[TokenId; N]> for FixedText {
    fn from(prompt: &[TokenId; N]) -> Self {
        prompt.as_slice().into()
    }
}

impl From<&FixedText> for FixedText {
    fn from(text: &FixedText) -> Self {
        text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIAL: SpecialTokens = SpecialTokens { mask: 9, eos: 8 };

    #[test]
    fn the_region_lies_between_the_first_hole_and_the_last() {
        let check = |text: &[u32], ids: &[u32], (prompt, length, masks): (usize, usize, usize)| {
            let holes = text.iter().map(|&token| (token != 9).then_some(token));
            let text = FixedText::with_holes(&[7], holes).unwrap();
            let canvas = text.canvas(64, SPECIAL);
            assert_eq!(canvas.ids(), ids);
            assert_eq!(canvas.prompt().len(), prompt);
            assert_eq!((text.length(), text.masks()), (Some(length), Some(masks)));
            assert_eq!(canvas.masks(), masks);
            assert_eq!(canvas.generated(), masks);
            // A canvas without given text says no length of its own.
            let again = FixedText::of(&canvas);
            assert_eq!(again.canvas(length, SPECIAL), canvas);
        };
        check(&[9], &[7, 9], (1, 1, 1));
        check(&[1, 9, 9, 2], &[7, 1, 9, 9, 2], (2, 2, 2));
        check(&[9, 1, 2, 9, 3], &[7, 9, 1, 2, 9, 3], (1, 4, 2));
        assert_eq!(FixedText::with_holes(&[7], [Some(1)]), Err(NoHole));
        assert_eq!(FixedText::with_holes(&[7], []), Err(NoHole));
    }

    #[test]
    fn a_prompt_alone_leaves_the_length_to_the_strategy() {
        let text = FixedText::from(&[1, 2]).with_suffix([3]);
        assert_eq!((text.length(), text.has_text_behind()), (None, true));
        assert_eq!(text.canvas(2, SPECIAL).ids(), [1, 2, 9, 9, 3]);
        assert_eq!(text.tokens().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(!FixedText::from(&[1, 2]).has_text_behind());
    }
}
