//! Two recorded runs compared, as text and as JSON.
//!
//! ```
//! use demask::reports::diff::{TwoRuns, open};
//!
//! let file = "recordings/short-answer.jsonl".as_ref();
//! let (a, b) = open(file, Some(file))?;
//! assert!(TwoRuns::of(a, b).equal(), "a recording does what it does");
//! # Ok::<(), demask::reports::diff::SidesError>(())
//! ```

mod growth;
mod headers;
mod json;
mod lines;
mod paint;
mod sentences;
mod sides;
mod text;
mod words;

use self::growth::DiffGrowth;
use crate::compare::{self, Comparison, StepPair};

pub use sides::{DiffSide, SidesError, open};

/// Two runs, and where they differ.
pub struct TwoRuns {
    a: DiffSide,
    b: DiffSide,
    found: Comparison,
    /// The steps that differ.
    differing: Vec<StepPair>,
    grown: [Vec<DiffGrowth>; 2],
}

impl TwoRuns {
    /// Compares two runs step by step.
    pub fn of(a: DiffSide, b: DiffSide) -> Self {
        let mut differing = Vec::new();
        let mut grown = [Vec::new(), Vec::new()];
        let found = compare::trajectories(a.run(), b.run(), |pair: StepPair| {
            growth::grown(&mut grown, &pair);
            if pair.differs() {
                differing.push(pair);
            }
        });
        Self { a, b, found, differing, grown }
    }

    /// True if they do the same in every step.
    pub fn equal(&self) -> bool {
        self.found.equal()
    }

    /// One JSON object; `docs/diff.md` says what each field is.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> serde_json::Result<String> {
        let Self { a, b, found, differing, grown } = self;
        serde_json::to_string(&json::object(a, b, found, differing, grown))
    }

    /// The text, of every step that differs or of the first few, with sequences that colour a terminal or
    /// without.
    pub fn text(&self, all: bool, coloured: bool) -> String {
        let Self { a, b, found, differing, grown } = self;
        let report = text::DiffText { a, b, found, grown, all };
        paint::printed(&report.lines(differing), coloured)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_run_is_equal_to_itself_and_differs_from_another() {
        let file = |name: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
            folder.join(format!("{name}.jsonl")).into_os_string()
        };
        let (short, wrong) = (file("short-answer"), file("wrong-count"));
        let (a, b) = open(&short, Some(&short)).unwrap();
        let same = TwoRuns::of(a, b);
        assert!(same.equal() && same.json().unwrap().contains("\"equal\":true"));
        let (a, b) = open(&short, Some(&wrong)).unwrap();
        let other = TwoRuns::of(a, b);
        assert!(!other.equal());
        assert!(other.text(false, true).contains("\x1b[1m"));
        let plain = other.text(false, false);
        assert!(plain.contains("differ") && !plain.contains('\x1b'), "{plain}");
        assert!(matches!(open(&short, None), Err(SidesError::Unclear(_))));
    }
}
