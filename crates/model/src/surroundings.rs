//! What stands beside a prompt on a canvas: a suffix, or a text with holes.

use std::fmt;

use crate::{
    Encoder,
    canvas::{FixedText, NoHole, TokenId},
};

/// The sign of a mask in a text with holes.
pub const HOLE: char = '▢';

/// Stands between the sign and a number of masks.
const TIMES: char = '×';

/// The most masks that a text may have: no canvas is longer.
const MOST_MASKS: usize = 1 << 17;

/// A text with holes: `▢` is a mask, `▢×16` are sixteen. The mask token's own spelling is a mask
/// too, which its tokenizer finds in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoledText(Vec<TextPart>);

/// A part of a text with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TextPart {
    Words(String),
    Masks(usize),
}

/// A text with holes that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoledTextError {
    /// A hole without a mask.
    #[error("a hole of length 0 holds nothing (▢×0). Give it a length, or leave it out")]
    NoLength,
    /// More masks than any canvas has positions.
    #[error(
        "the holes have more than {MOST_MASKS} masks, which no canvas holds. Make them shorter"
    )]
    TooLong,
}

impl HoledText {
    /// Reads a text. Whether it has a hole only its tokens tell.
    ///
    /// # Errors
    /// [`HoledTextError`].
    pub fn parse(text: &str) -> Result<Self, HoledTextError> {
        let (mut parts, mut all) = (Vec::new(), 0_usize);
        let mut split = text.split(HOLE);
        let words = |text: &str| (!text.is_empty()).then(|| TextPart::Words(text.to_owned()));
        parts.extend(split.next().and_then(words));
        for behind in split {
            let number = behind.strip_prefix(TIMES).unwrap_or_default();
            let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            let (n, rest) = match &number[..end] {
                "" => (1, behind),
                digits => (digits.parse().unwrap_or(usize::MAX), &number[end..]),
            };
            all = all.saturating_add(n);
            match n {
                0 => return Err(HoledTextError::NoLength),
                _ if all > MOST_MASKS => return Err(HoledTextError::TooLong),
                n => parts.push(TextPart::Masks(n)),
            }
            parts.extend(words(rest));
        }
        Ok(Self(parts))
    }

    /// The ids of the words, each part by itself and without special tokens that are not written
    /// there; `None` for a mask.
    fn encode(&self, tokenizer: &dyn Encoder) -> Result<Vec<Option<TokenId>>, String> {
        let mut ids = Vec::new();
        for part in &self.0 {
            match part {
                TextPart::Masks(n) => ids.extend(std::iter::repeat_n(None, *n)),
                TextPart::Words(text) => {
                    ids.extend(tokenizer.encode_text(text)?.into_iter().map(Some));
                }
            }
        }
        Ok(ids)
    }
}

impl fmt::Display for HoledText {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            TextPart::Words(text) => f.write_str(text),
            TextPart::Masks(1) => write!(f, "{HOLE}"),
            TextPart::Masks(n) => write!(f, "{HOLE}{TIMES}{n}"),
        })
    }
}

/// What stands beside a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Surroundings {
    /// Nothing: the run goes on from the prompt.
    #[default]
    Nothing,
    /// A text behind the generated region.
    Suffix(String),
    /// A text with holes behind the prompt.
    Holes(HoledText),
    /// Texts on both sides of a gap that is as long as the strategy says; what stands behind it may be
    /// empty.
    Gap {
        /// The text before the generated region.
        before: String,
        /// The text behind it.
        behind: String,
    },
}

impl Surroundings {
    /// The tokens of the text.
    ///
    /// # Errors
    /// In words, if there is no tokenizer or it refuses.
    pub fn encode(&self, tokenizer: &dyn Encoder) -> Result<EncodedSurroundings, String> {
        Ok(match self {
            Self::Nothing => EncodedSurroundings::Nothing,
            Self::Suffix(text) => EncodedSurroundings::Suffix(tokenizer.encode_text(text)?),
            Self::Holes(text) => EncodedSurroundings::Holes(text.encode(tokenizer)?),
            Self::Gap { before, behind } => EncodedSurroundings::Gap {
                before: tokenizer.encode_text(before)?,
                behind: tokenizer.encode_text(behind)?,
            },
        })
    }
}

/// The same as token ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EncodedSurroundings {
    /// Nothing.
    #[default]
    Nothing,
    /// The ids of a suffix.
    Suffix(Vec<TokenId>),
    /// The ids of a text with holes; `None` for a mask.
    Holes(Vec<Option<TokenId>>),
    /// The ids on both sides of a gap.
    Gap {
        /// Those before the generated region.
        before: Vec<TokenId>,
        /// Those behind it.
        behind: Vec<TokenId>,
    },
}

/// Surroundings that no run can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SurroundingsError {
    /// A text to be filled in without a hole.
    #[error("{NoHole}. Write ▢×16 for sixteen masks, or the model's mask token once for each")]
    NoHole,
    /// A suffix with masks in it, which would stay.
    #[error(
        "the suffix holds the mask token, and what stands in a suffix is not unmasked. Give the \
         whole text as one with holes"
    )]
    MaskInSuffix,
    /// A suffix without a token.
    #[error("the suffix is empty. Put words in, or leave it out")]
    EmptySuffix,
}

impl EncodedSurroundings {
    /// The text that a run starts with behind `prompt`, for a model with this mask token.
    ///
    /// # Errors
    /// [`SurroundingsError`].
    pub fn fixed(&self, prompt: &[TokenId], mask: TokenId) -> Result<FixedText, SurroundingsError> {
        match self {
            Self::Nothing => Ok(prompt.into()),
            Self::Suffix(ids) if ids.is_empty() => Err(SurroundingsError::EmptySuffix),
            Self::Suffix(ids) if ids.contains(&mask) => Err(SurroundingsError::MaskInSuffix),
            Self::Suffix(ids) => Ok(FixedText::from(prompt).with_suffix(ids.as_slice())),
            Self::Gap { behind, .. } if behind.contains(&mask) => {
                Err(SurroundingsError::MaskInSuffix)
            }
            Self::Gap { before, behind } => {
                let text = FixedText::from([prompt, before].concat().as_slice());
                Ok(if behind.is_empty() { text } else { text.with_suffix(behind.as_slice()) })
            }
            Self::Holes(ids) => {
                let ids = ids.iter().map(|id| id.filter(|&id| id != mask));
                FixedText::with_holes(prompt, ids).map_err(|NoHole| SurroundingsError::NoHole)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_read() {
        let words = |text: &str| TextPart::Words(text.to_owned());
        let masks = TextPart::Masks;
        for (text, expected) in [
            ("", Ok(vec![])),
            ("no hole", Ok(vec![words("no hole")])),
            ("▢", Ok(vec![masks(1)])),
            ("▢×16", Ok(vec![masks(16)])),
            ("a ▢×16 b", Ok(vec![words("a "), masks(16), words(" b")])),
            ("▢ or ▢▢×3.", Ok(vec![masks(1), words(" or "), masks(1), masks(3), words(".")])),
            // A sign without a number is text, and so is one without a hole.
            ("▢×", Ok(vec![masks(1), words("×")])),
            ("▢× 4", Ok(vec![masks(1), words("× 4")])),
            ("2×3", Ok(vec![words("2×3")])),
            ("▢×2×3", Ok(vec![masks(2), words("×3")])),
            ("▢×0", Err(HoledTextError::NoLength)),
            ("▢×131073", Err(HoledTextError::TooLong)),
            ("▢×131072▢", Err(HoledTextError::TooLong)),
            ("▢×99999999999999999999", Err(HoledTextError::TooLong)),
        ] {
            let read = HoledText::parse(text);
            if let Ok(read) = &read {
                assert_eq!(read.to_string(), text);
            }
            assert_eq!(read.map(|text| text.0), expected, "{text}");
        }
    }

    #[test]
    fn ids_become_the_text_of_a_run() {
        let holes = |ids: &[Option<TokenId>]| EncodedSurroundings::Holes(ids.to_vec());
        let fixed = |around: &EncodedSurroundings| around.fixed(&[1], 9);
        let text = fixed(&holes(&[Some(2), None, Some(3), Some(9), Some(4)])).unwrap();
        assert_eq!((text.prompt(), text.suffix()), ([1, 2].as_slice(), [4].as_slice()));
        assert_eq!((text.length(), text.masks()), (Some(3), Some(2)), "9 is the mask");
        let suffix = |ids: &[TokenId]| EncodedSurroundings::Suffix(ids.to_vec());
        assert_eq!(fixed(&suffix(&[5])).unwrap().suffix(), [5]);
        let gap = |behind: &[TokenId]| EncodedSurroundings::Gap {
            before: vec![2, 3],
            behind: behind.to_vec(),
        };
        for behind in [&[5, 6][..], &[]] {
            let text = fixed(&gap(behind)).unwrap();
            assert_eq!((text.prompt(), text.suffix()), ([1, 2, 3].as_slice(), behind));
            assert_eq!(text.length(), None, "the strategy says how long the gap is");
        }
        for (around, expected) in [
            (gap(&[5, 9]), SurroundingsError::MaskInSuffix),
            (holes(&[Some(2)]), SurroundingsError::NoHole),
            (holes(&[]), SurroundingsError::NoHole),
            (suffix(&[]), SurroundingsError::EmptySuffix),
            (suffix(&[5, 9]), SurroundingsError::MaskInSuffix),
        ] {
            assert_eq!(fixed(&around), Err(expected));
        }
    }
}
