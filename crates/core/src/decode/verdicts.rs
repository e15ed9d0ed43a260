//! The verdicts of a decision: one for each generated position.

use std::ops::{Index, Range};

use super::{FillRule, Verdict};
use crate::canvas::TokenId;

const UNCHANGED: &Verdict = &Verdict::Unchanged;
const UNRECORDED: &Verdict = &Verdict::Unrecorded;

/// The verdict of every generated position, in order.
///
/// A strategy gives each position a verdict with its own numbers. Of a decision on record, most
/// positions were left or are unchanged without a word: then only the others are held, since a long
/// recording has thousands of decisions over thousands of positions.
#[derive(Debug, Clone)]
pub struct Verdicts(HeldVerdicts);

#[derive(Debug, Clone)]
enum HeldVerdicts {
    Each(Vec<Verdict>),
    Some {
        rows: usize,
        /// A bit a position: set where it is unchanged, and not where nothing is recorded of it.
        unchanged: Box<[u64]>,
        /// The other verdicts, in the order of their positions.
        given: Vec<(usize, Verdict)>,
        /// More can be said from the prediction, which was not read.
        in_part: bool,
    },
}

impl Verdicts {
    /// Verdicts on record, of which those that say something are held. `in_part` if the prediction
    /// may tell more than the record.
    pub fn on_record(verdicts: &[Verdict], in_part: bool) -> Self {
        let mut unchanged = vec![0_u64; verdicts.len().div_ceil(64)];
        let mut given = Vec::new();
        for (at, verdict) in verdicts.iter().enumerate() {
            match verdict {
                Verdict::Unchanged => unchanged[at / 64] |= 1 << (at % 64),
                Verdict::Unrecorded => {}
                _ => given.push((at, *verdict)),
            }
        }
        given.shrink_to_fit();
        let (rows, unchanged) = (verdicts.len(), unchanged.into());
        Self(HeldVerdicts::Some { rows, unchanged, given, in_part })
    }

    /// True if the prediction that the decision was made on tells more.
    pub fn are_in_part(&self) -> bool {
        matches!(self.0, HeldVerdicts::Some { in_part: true, .. })
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        match &self.0 {
            HeldVerdicts::Each(each) => each.len(),
            HeldVerdicts::Some { rows, .. } => *rows,
        }
    }

    /// True if there is no position.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The verdict of a position; `None` past the end.
    pub fn get(&self, position: usize) -> Option<&Verdict> {
        match &self.0 {
            HeldVerdicts::Each(each) => each.get(position),
            HeldVerdicts::Some { rows, unchanged, given, .. } => {
                let found = given.binary_search_by_key(&position, |(at, _)| *at);
                let unchanged = || unchanged[position / 64] >> (position % 64) & 1 == 1;
                match found {
                    Ok(found) => given.get(found).map(|(_, verdict)| verdict),
                    Err(_) if position >= *rows => None,
                    Err(_) => Some(if unchanged() { UNCHANGED } else { UNRECORDED }),
                }
            }
        }
    }

    /// The verdict of each position.
    pub fn iter(&self) -> EachVerdict<'_> {
        EachVerdict { verdicts: self, left: 0..self.len() }
    }

    /// The same with the probabilities of what was written, where the record gives none; `p` says
    /// that of a token at a position.
    #[must_use]
    pub(crate) fn completed(&self, p: impl Fn(usize, TokenId) -> Option<f32>) -> Self {
        let mut all = self.clone();
        if let HeldVerdicts::Some { given, in_part, .. } = &mut all.0 {
            *in_part = false;
            for (at, verdict) in given {
                let (Verdict::Fill { token, p: own, rule: FillRule::Unrecorded, .. }
                | Verdict::Replace { token, p: own, rule: FillRule::Unrecorded, .. }) = verdict
                else {
                    continue;
                };
                *own = p(*at, *token).unwrap_or(*own);
            }
        }
        all
    }

    /// True if a token was written whose probability is not on record.
    pub(crate) fn lack_probability(&self) -> bool {
        self.telling().any(|(_, verdict)| match verdict {
            Verdict::Fill { p, rule: FillRule::Unrecorded, .. }
            | Verdict::Replace { p, rule: FillRule::Unrecorded, .. } => p.is_nan(),
            _ => false,
        })
    }

    /// The verdicts that may change their position, with the positions.
    pub(super) fn telling(&self) -> impl Iterator<Item = (usize, &Verdict)> {
        let (each, given) = match &self.0 {
            HeldVerdicts::Each(each) => (each.as_slice(), &[][..]),
            HeldVerdicts::Some { given, .. } => (&[][..], given.as_slice()),
        };
        each.iter().enumerate().chain(given.iter().map(|(at, verdict)| (*at, verdict)))
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        Self(HeldVerdicts::Each(verdicts.into_iter().collect()))
    }
}

impl From<Vec<Verdict>> for Verdicts {
    fn from(each: Vec<Verdict>) -> Self {
        Self(HeldVerdicts::Each(each))
    }
}

impl Index<usize> for Verdicts {
    type Output = Verdict;

    /// # Panics
    /// Past the end, as a list does.
    fn index(&self, position: usize) -> &Verdict {
        match self.get(position) {
            Some(verdict) => verdict,
            None => panic!("position {position} of {} verdicts", self.len()),
        }
    }
}

impl<'a> IntoIterator for &'a Verdicts {
    type Item = &'a Verdict;
    type IntoIter = EachVerdict<'a>;

    fn into_iter(self) -> EachVerdict<'a> {
        self.iter()
    }
}

/// Goes over the verdicts of a decision, position by position.
#[derive(Debug, Clone)]
pub struct EachVerdict<'a> {
    verdicts: &'a Verdicts,
    left: Range<usize>,
}

impl<'a> Iterator for EachVerdict<'a> {
    type Item = &'a Verdict;

    fn next(&mut self) -> Option<&'a Verdict> {
        self.verdicts.get(self.left.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for EachVerdict<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.verdicts.get(self.left.next_back()?)
    }
}

impl ExactSizeIterator for EachVerdict<'_> {}

impl PartialEq for Verdicts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::LeftRule;

    #[test]
    fn what_is_held_in_part_reads_as_all_of_it() {
        let left = Verdict::Left { p: 0.5, rule: LeftRule::Pinned };
        let all: Vec<Verdict> = (0..130)
            .map(|at| match at % 5 {
                0 => left,
                1 | 2 => Verdict::Unchanged,
                _ => Verdict::Unrecorded,
            })
            .collect();
        let held = Verdicts::on_record(&all, false);
        assert_eq!(held, Verdicts::from(all.clone()));
        assert_eq!((held.len(), held.get(129), held.get(130)), (130, all.last(), None));
        assert_eq!(held.iter().rev().nth(4), Some(&left));
        assert_eq!(held.telling().count(), 26);
        assert!(!held.are_in_part() && Verdicts::on_record(&all, true).are_in_part());
        assert!(Verdicts::on_record(&[], false).is_empty());
    }
}
