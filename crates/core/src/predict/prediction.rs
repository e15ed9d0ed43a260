//! A prediction: columns, one value per generated position.

use std::collections::BTreeMap;

use super::column::{COLUMNS, Column, ColumnRecording};
use crate::canvas::{Canvas, NO_TOKEN, TokenId};

/// Candidates less probable than this are not kept, but for the best two.
const LEAST_PROBABLE: f32 = 0.001;

/// The number with so many significant digits.
fn round(value: f32, digits: u32) -> f32 {
    match value.is_finite() {
        true => format!("{value:.*e}", digits as usize - 1).parse().unwrap_or(value),
        false => value,
    }
}

/// Candidate tokens of every position with their probabilities, best first. They lie in one piece:
/// a list a position would cost as much again as what it holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranked {
    all: Vec<(TokenId, f32)>,
    /// Where each row ends.
    ends: Vec<usize>,
}

impl Ranked {
    /// Number of rows, one for each position that was asked for.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The candidates of a row; empty where none were kept or there is no such row.
    pub fn row(&self, row: usize) -> &[(TokenId, f32)] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(row).copied();
        end.and_then(|end| self.all.get(start.unwrap_or(0)..end)).unwrap_or_default()
    }

    /// The candidates of all rows, one after the other.
    pub fn all(&self) -> &[(TokenId, f32)] {
        &self.all
    }
}

impl<Row: IntoIterator<Item = (TokenId, f32)>> FromIterator<Row> for Ranked {
    fn from_iter<Rows: IntoIterator<Item = Row>>(rows: Rows) -> Self {
        let mut ranked = Self::default();
        for row in rows {
            ranked.all.extend(row);
            ranked.ends.push(ranked.all.len());
        }
        // They are kept as long as the session.
        ranked.all.shrink_to_fit();
        ranked.ends.shrink_to_fit();
        ranked
    }
}

/// The values of one column, one entry per generated position.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Token ids; [`NO_TOKEN`] where a foreign trace had none.
    Ids(Vec<TokenId>),
    /// Numbers; NaN where a foreign trace had no finite value.
    Numbers(Vec<f32>),
    /// The candidates, where any were asked for.
    Ranked(Ranked),
}

impl Data {
    fn rows(&self) -> usize {
        match self {
            Self::Ids(rows) => rows.len(),
            Self::Numbers(rows) => rows.len(),
            Self::Ranked(ranked) => ranked.rows(),
        }
    }
}

/// A column was needed that the prediction does not hold. Never read as zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the prediction has no column `{}`", .0.name())]
pub struct MissingColumn(pub Column);

/// What a forward pass says about each generated position.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    rows: usize,
    columns: BTreeMap<Column, Data>,
}

impl Prediction {
    /// An empty prediction for `rows` generated positions.
    pub fn new(rows: usize) -> Self {
        Self { rows, columns: BTreeMap::new() }
    }

    /// Adds or replaces a column.
    ///
    /// # Panics
    /// If the column has another number of rows: a fault of the caller.
    #[must_use]
    pub fn with(mut self, column: Column, data: Data) -> Self {
        assert_eq!(data.rows(), self.rows, "rows of column {}", column.name());
        self.columns.insert(column, data);
        self
    }

    /// The same with `unknown` rows before the first, of which nothing is known: a pass was asked
    /// about the end of the generated region alone.
    #[must_use]
    pub fn behind(self, unknown: usize) -> Self {
        if unknown == 0 {
            return self;
        }
        let columns = self.columns.into_iter().map(|(column, data)| {
            let data = match data {
                Data::Ids(ids) => Data::Ids([vec![NO_TOKEN; unknown], ids].concat()),
                Data::Numbers(numbers) => {
                    Data::Numbers([vec![f32::NAN; unknown], numbers].concat())
                }
                Data::Ranked(ranked) => {
                    let none = (0..unknown).map(|_| Vec::new());
                    let rows = (0..ranked.rows()).map(|row| ranked.row(row).to_vec());
                    Data::Ranked(none.chain(rows).collect())
                }
            };
            (column, data)
        });
        Self { rows: self.rows + unknown, columns: columns.collect() }
    }

    /// The same with its rows from `first` on replaced by those of `other`, for the columns that
    /// both hold; columns that only one holds are left out.
    ///
    /// # Panics
    /// If `other` reaches past the last row: a fault of the caller.
    #[must_use]
    pub fn patched(mut self, first: usize, other: &Self) -> Self {
        let rows = first..first + other.rows;
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        self.columns.retain(|column, data| match (data, other.columns.get(column)) {
            (Data::Ids(ids), Some(Data::Ids(new))) => {
                ids[rows.clone()].copy_from_slice(new);
                true
            }
            (Data::Numbers(numbers), Some(Data::Numbers(new))) => {
                numbers[rows.clone()].copy_from_slice(new);
                true
            }
            (Data::Ranked(ranked), Some(Data::Ranked(new))) => {
                let row = |at: usize| match rows.contains(&at) {
                    true => new.row(at - rows.start),
                    false => ranked.row(at),
                };
                *ranked = (0..ranked.rows()).map(|at| row(at).iter().copied()).collect();
                true
            }
            _ => false,
        });
        self
    }

    /// The columns that no decision reads, as they are kept: rounded at the masked positions of
    /// `canvas`, no number elsewhere.
    pub fn looked_at(&self, canvas: &Canvas) -> Self {
        let masked = |at: usize| at < canvas.len() && canvas.is_masked(at);
        let mut kept = Self::new(self.rows);
        for spec in &COLUMNS {
            let ColumnRecording::Rounded(digits) = spec.recorded else { continue };
            let data = match self.columns.get(&spec.column) {
                Some(Data::Numbers(values)) => {
                    let values = values.iter().enumerate();
                    let number = |(at, &p)| if masked(at) { round(p, digits) } else { f32::NAN };
                    Data::Numbers(values.map(number).collect())
                }
                Some(Data::Ranked(ranked)) => {
                    let row = |at: usize| {
                        let row = if masked(at) { ranked.row(at) } else { &[] };
                        let likely = |&(rank, (_, p)): &(usize, &(TokenId, f32))| {
                            p.is_finite() && (rank < 2 || *p >= LEAST_PROBABLE)
                        };
                        let row = row.iter().enumerate().filter(likely);
                        row.map(|(_, &(id, p))| (id, round(p, digits)))
                    };
                    Data::Ranked((0..ranked.rows()).map(row).collect())
                }
                Some(Data::Ids(_)) | None => continue,
            };
            kept = kept.with(spec.column, data);
        }
        kept
    }

    /// The prediction as it is kept on record, so that what is looked at live is what a replay
    /// shows. Decisions read nothing that changes.
    #[must_use]
    pub fn kept(mut self, canvas: &Canvas) -> Self {
        let looked_at = self.looked_at(canvas);
        self.columns.extend(looked_at.columns);
        self
    }

    /// Number of generated positions.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns held, in order.
    pub fn columns(&self) -> impl Iterator<Item = (Column, &Data)> {
        self.columns.iter().map(|(column, data)| (*column, data))
    }

    /// A column of token ids.
    ///
    /// # Errors
    /// If the prediction does not hold it.
    pub fn ids(&self, column: Column) -> Result<&[TokenId], MissingColumn> {
        match self.columns.get(&column) {
            Some(Data::Ids(ids)) => Ok(ids),
            _ => Err(MissingColumn(column)),
        }
    }

    /// A column of numbers.
    ///
    /// # Errors
    /// If the prediction does not hold it.
    pub fn numbers(&self, column: Column) -> Result<&[f32], MissingColumn> {
        match self.columns.get(&column) {
            Some(Data::Numbers(numbers)) => Ok(numbers),
            _ => Err(MissingColumn(column)),
        }
    }

    /// A column of ranked candidates.
    ///
    /// # Errors
    /// If the prediction does not hold it.
    pub fn ranked(&self, column: Column) -> Result<&Ranked, MissingColumn> {
        match self.columns.get(&column) {
            Some(Data::Ranked(ranked)) => Ok(ranked),
            _ => Err(MissingColumn(column)),
        }
    }

    /// One number, if the column is held and the row exists.
    pub fn number(&self, column: Column, row: usize) -> Option<f32> {
        self.numbers(column).ok()?.get(row).copied()
    }

    /// One id, if the column is held, the row exists and its token is known.
    pub fn id(&self, column: Column, row: usize) -> Option<TokenId> {
        self.ids(column).ok()?.get(row).copied().filter(|&id| id != NO_TOKEN)
    }

    /// The token that would be written at a row: the choice, or the argmax where no noise chooses.
    pub fn guess(&self, row: usize) -> Option<TokenId> {
        self.id(Column::Choice, row).or_else(|| self.id(Column::Argmax, row))
    }

    /// The probability of [`guess`](Self::guess), row by row.
    pub fn confidences(&self) -> Option<&[f32]> {
        self.numbers(Column::PChoice).or_else(|_| self.numbers(Column::PArgmax)).ok()
    }

    /// The probability of [`guess`](Self::guess).
    pub fn confidence(&self, row: usize) -> Option<f32> {
        self.confidences()?.get(row).copied()
    }

    /// The probability of a token at a row, if it is the choice, the best or a candidate there.
    pub fn probability(&self, token: TokenId, row: usize) -> Option<f32> {
        let of = |id, p| match self.id(id, row)? == token {
            true => self.number(p, row),
            false => None,
        };
        let listed = || self.top_k(row).iter().find(|(id, _)| *id == token).map(|(_, p)| *p);
        of(Column::Choice, Column::PChoice)
            .or_else(|| of(Column::Argmax, Column::PArgmax))
            .or_else(listed)
    }

    /// The candidates kept for a row; empty if none are.
    pub fn top_k(&self, row: usize) -> &[(TokenId, f32)] {
        self.ranked(Column::TopK).map_or(&[], |ranked| ranked.row(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_lie_in_their_rows() {
        let rows = [vec![(1, 0.5), (2, 0.25)], vec![], vec![(3, 1.0)]];
        let ranked: Ranked = rows.iter().cloned().collect();
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(ranked.row(at), row);
        }
        assert_eq!((ranked.rows(), ranked.row(3)), (3, &[][..]));
        assert_eq!(ranked.all(), [(1, 0.5), (2, 0.25), (3, 1.0)]);
        assert_eq!(Ranked::default().row(0), []);
    }
}
