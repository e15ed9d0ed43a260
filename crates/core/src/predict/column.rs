//! The columns of a prediction, a row each.
//!
//! What else has to do with a column asks its row: recorder and reader, verification, the check of
//! an engine's answers, the schema of recordings, the table of positions, the inspector and the
//! player. A new column is a variant of [`Column`], a row of [`COLUMNS`], and what computes it: in
//! `crates/model/src/reduce` and, for engines, in `python/demask/columns.py`.

/// The columns a request can ask for. Probabilities are f32 in 0..=1 from the softmax over the
/// guided logits. The order is that of the bits in a request's [`Key`](super::Key), which is part of
/// the format: a new column is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Most probable token, lowest id on ties.
    Argmax,
    /// Probability of `Argmax`, 0..=1.
    PArgmax,
    /// Token chosen: the argmax of the logits with sampling noise; `Argmax` at temperature 0.
    Choice,
    /// Probability of `Choice`, without noise. What decoders call the confidence.
    PChoice,
    /// Probability of the end-of-sequence token.
    PEos,
    /// Shannon entropy of the distribution, in nats.
    Entropy,
    /// Probability of the best token minus that of the second best.
    Margin,
    /// Best token once the mask token is taken out of the logits.
    BestUnmask,
    /// Probability of `BestUnmask`, renormalised without the mask token.
    PBestUnmask,
    /// Probability of the token the position holds now.
    PCurrent,
    /// The best tokens with their probabilities: for the user, no decision reads it.
    TopK,
    /// What a strategy ranks by, over the filtered logits; see [`Score`](super::Score).
    Score,
    /// KL divergence of this distribution from that of an earlier canvas at the same position, in
    /// nats: Σ p (ln(p + 1e-12) − ln(p_earlier + 1e-12)), as KLASS computes it.
    Kl,
    /// Probability of the token the position holds, at its shadow; NaN where it has none. See
    /// [`Request::shadow`](super::Request::shadow).
    PShadow,
    /// The best tokens with their probabilities, as many as
    /// [`Request::alternatives`](super::Request::alternatives) says: what a decision may take where it
    /// may not take the best.
    Alternatives,
    /// Probability of the row's target; NaN where it has none. See
    /// [`Request::targets`](super::Request::targets).
    PTarget,
    /// Rank of the row's target: 1 for the best token, lowest id first among equals; NaN where the row
    /// has no target.
    TargetRank,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Ids of tokens in the vocabulary.
    Token,
    /// A probability, or the difference of two.
    Probability,
    /// An entropy in nats.
    Entropy,
    /// A divergence in nats.
    Divergence,
    /// A number that may be anything.
    Number,
    /// Tokens with their probabilities, best first.
    Candidates,
}

impl ColumnKind {
    /// Between what the numbers lie, with a vocabulary of so many tokens; 0 where that is not known.
    /// Of candidates: their probabilities. Of tokens: any number, since none is one.
    pub fn bounds(self, vocabulary: usize) -> (f32, f32) {
        match self {
            Self::Probability | Self::Candidates => (0.0, 1.0),
            // No distribution is flatter than the one that gives each token the same.
            Self::Entropy if vocabulary > 0 => (0.0, (vocabulary as f32).ln()),
            Self::Entropy | Self::Divergence => (0.0, f32::INFINITY),
            Self::Number | Self::Token => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    /// The kind in a word, for documents and other programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Probability => "probability",
            Self::Entropy => "entropy",
            Self::Divergence => "divergence",
            Self::Number => "number",
            Self::Candidates => "candidates",
        }
    }
}

/// A part of a request without which a column is not answered, though it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPart {
    /// [`Request::score`](super::Request::score): what is to be computed.
    Score,
    /// [`Request::earlier`](super::Request::earlier): what is compared with.
    Earlier,
    /// [`Request::shadow`](super::Request::shadow): what is looked at.
    Shadow,
    /// [`Request::alternatives`](super::Request::alternatives): how many there are.
    Alternatives,
    /// [`Request::targets`](super::Request::targets): which tokens are asked about.
    Targets,
}

impl RequestPart {
    /// The name of the field, in the protocol too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Earlier => "earlier",
            Self::Shadow => "shadow",
            Self::Alternatives => "alternatives",
            Self::Targets => "targets",
        }
    }
}

/// How a recording keeps a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnRecording {
    /// At every position that was asked about, so that the same bits are read again: decisions read it.
    Exact,
    /// At masked positions, with so many significant digits: it is shown, and no decision reads it.
    Rounded(u32),
    /// Tokens together with their probabilities, which are another column: the one named. They are
    /// written under the name of the tokens, only where the choice is the mask token, since nothing
    /// reads them elsewhere.
    Paired(Column),
}

/// What there is to know of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Which one it is.
    pub column: Column,
    /// Its name in recordings, in the protocol, in tables and in conditions.
    pub name: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
    /// What it is, as a phrase.
    pub help: &'static str,
    /// What a reader of recordings must know beside that: sentences, or nothing.
    pub note: &'static str,
    /// What a request must hold for it.
    pub needs: Option<RequestPart>,
    /// How a recording keeps it.
    pub recorded: ColumnRecording,
    /// What it is called where inspector and player show the numbers of a position; `None` if they do
    /// not.
    pub label: Option<&'static str>,
    /// True if it is in the table of positions.
    pub in_table: bool,
}

const fn row(
    column: Column,
    name: &'static str,
    kind: ColumnKind,
    help: &'static str,
) -> ColumnSpec {
    ColumnSpec {
        column,
        name,
        kind,
        help,
        note: "",
        needs: None,
        recorded: ColumnRecording::Exact,
        label: None,
        in_table: false,
    }
}

impl ColumnSpec {
    const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    const fn needs(self, needs: RequestPart) -> Self {
        Self { needs: Some(needs), ..self }
    }

    const fn rounded(self) -> Self {
        Self { recorded: ColumnRecording::Rounded(3), ..self }
    }

    const fn paired(self, with: Column) -> Self {
        Self { recorded: ColumnRecording::Paired(with), ..self }
    }

    const fn shown_as(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }

    const fn in_table(self) -> Self {
        Self { in_table: true, ..self }
    }

    /// True if a recording keeps it for the user only: no decision reads it.
    pub fn is_display(&self) -> bool {
        matches!(self.recorded, ColumnRecording::Rounded(_))
    }
}

use Column::{
    Argmax, BestUnmask, Choice, Entropy, Kl, Margin, PArgmax, PBestUnmask, PChoice, PCurrent, PEos,
    PShadow, PTarget, Score, TargetRank, TopK,
};
use ColumnKind::{Candidates, Divergence, Number, Probability, Token};

/// A row a column, in the order in which recordings and tables have them: a new one is the last.
#[rustfmt::skip]
pub const COLUMNS: [ColumnSpec; 17] = [
    row(Argmax, "argmax", Token, "the best token")
        .note("Null since 1.4 where it is not known."),
    row(PArgmax, "p_argmax", Probability, "probability of the best token").in_table()
        .note("Exact, as all numbers are that are not said to be rounded."),
    row(Choice, "choice", Token, "the token chosen, with sampling noise")
        .note("Absent where it equals `argmax` throughout; null since 1.4 where it is not known."),
    row(PChoice, "p_choice", Probability, "probability of the choice: the confidence").in_table().shown_as("conf")
        .note("Since 1.4 that of `argmax` where it is absent and `choice` too."),
    row(PEos, "p_eos", Probability, "probability of the end-of-sequence token").in_table().shown_as("EOS"),
    row(PCurrent, "p_current", Probability, "probability of the token held").in_table(),
    row(Entropy, "entropy", ColumnKind::Entropy, "Shannon entropy, nats").rounded().in_table().shown_as("entropy"),
    row(Margin, "margin", Probability, "probability of the best token less that of the second")
        .rounded().in_table().shown_as("margin"),
    row(Score, "score", Number, "what the strategy ranks by").needs(RequestPart::Score).in_table()
        .note("Since 1.2."),
    row(Kl, "kl", Divergence, "KL divergence from an earlier step, nats").needs(RequestPart::Earlier).in_table()
        .note("Since 1.2."),
    row(PShadow, "p_shadow", Probability, "probability of the token held, at the position's shadow").needs(RequestPart::Shadow)
        .note("Null where it has none. Since 1.2."),
    row(BestUnmask, "best_unmask", Token, "the best token without the mask token").paired(PBestUnmask)
        .note("With its probability, and only where the choice is the mask token, since nothing reads it elsewhere."),
    row(PBestUnmask, "p_best_unmask", Probability, "probability of the best token without the mask token").paired(BestUnmask),
    row(TopK, "top_k", Candidates, "the best tokens and their probabilities").rounded()
        .note("Without candidates under 0.001 behind the best two."),
    row(Column::Alternatives, "alternatives", Candidates, "the best tokens and their probabilities, for decisions")
        .needs(RequestPart::Alternatives)
        .note("Lowest id first among equals. Since 1.7."),
    row(PTarget, "p_target", Probability, "probability of the token that the request asks about").needs(RequestPart::Targets)
        .note("Null where it asks about none. Since 1.8."),
    row(TargetRank, "target_rank", Number, "rank of the token that the request asks about").needs(RequestPart::Targets)
        .note("1 for the best token, lowest id first among equals; null where it asks about none. Since 1.8."),
];

impl Column {
    /// Every column, in the order of the bits in a request's key.
    pub const ALL: [Self; COLUMNS.len()] = {
        let mut all = [Argmax; COLUMNS.len()];
        let mut at = 0;
        while at < COLUMNS.len() {
            all[COLUMNS[at].column as usize] = COLUMNS[at].column;
            at += 1;
        }
        all
    };

    /// What there is to know of it.
    pub const fn spec(self) -> &'static ColumnSpec {
        const PLACES: [usize; COLUMNS.len()] = {
            let mut places = [0; COLUMNS.len()];
            let mut at = 0;
            while at < COLUMNS.len() {
                places[COLUMNS[at].column as usize] = at;
                at += 1;
            }
            places
        };
        &COLUMNS[PLACES[self as usize]]
    }

    /// Its name in recordings and in the protocol.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The column of this name.
    pub fn named(name: &str) -> Option<Self> {
        COLUMNS.iter().find(|spec| spec.name == name).map(|spec| spec.column)
    }
}

/// A set of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnSet(u32);

impl ColumnSet {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The set of the columns given.
    pub fn of(columns: &[Column]) -> Self {
        columns.iter().copied().collect()
    }

    /// The columns that are only looked at: no decision reads them.
    pub fn display() -> Self {
        COLUMNS.iter().filter(|spec| spec.is_display()).map(|spec| spec.column).collect()
    }

    /// True if `column` is in the set.
    pub fn has(self, column: Column) -> bool {
        self.0 & (1 << column as u32) != 0
    }

    /// The columns that are in either set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The columns in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Column> {
        Column::ALL.into_iter().filter(move |column| self.has(*column))
    }

    /// The set as bits, for hashing.
    pub(super) fn bits(self) -> u32 {
        self.0
    }
}

impl FromIterator<Column> for ColumnSet {
    fn from_iter<Columns: IntoIterator<Item = Column>>(columns: Columns) -> Self {
        Self(columns.into_iter().fold(0, |bits, column| bits | 1 << column as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_column_and_by_its_name() {
        for (at, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!((column as usize, column.spec().column), (at, column));
            assert_eq!(Column::named(column.name()), Some(column));
        }
    }

    #[test]
    fn a_pair_names_each_other() {
        for spec in COLUMNS {
            let ColumnRecording::Paired(other) = spec.recorded else { continue };
            assert_eq!(other.spec().recorded, ColumnRecording::Paired(spec.column));
            assert_eq!([spec.kind, other.spec().kind].iter().filter(|&&k| k == Token).count(), 1);
        }
    }
}
