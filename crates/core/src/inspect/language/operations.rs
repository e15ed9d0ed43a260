//! What a query does with its rows, behind `|`: sort them, keep the first of them, or count them and
//! take means, in groups.

use std::ops::Range;

use super::{
    SyntaxError,
    fault::quoted,
    lex::Lexeme,
    names::NameKind,
    nearest,
    parse::{ExpressionReader, Use},
};

/// The most rows that `top` keeps.
const MOST_KEPT: f64 = 1_000_000.0;

/// The words that an operation begins with, each with what it does.
pub(super) const OPERATIONS: [(&str, &str); 8] = [
    ("sort", "sort by NAME, or by NAME desc"),
    ("top", "top N by NAME: the N rows with the highest values"),
    ("bottom", "bottom N by NAME: the N rows with the lowest values"),
    ("count", "the number of rows; by NAME, …: in groups"),
    ("mean", "mean NAME [by NAME, …]"),
    ("min", "min NAME [by NAME, …]"),
    ("max", "max NAME [by NAME, …]"),
    ("sum", "sum NAME [by NAME, …]"),
];

/// The group of a row by the recording that it is of.
pub(super) const FILE: &str = "file";

/// An order of rows, and how many of them are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowOrder {
    /// The name whose value they are ordered by.
    pub by: Use,
    /// True if the highest come first.
    pub descending: bool,
    /// How many are kept; all, if absent.
    pub most: Option<usize>,
}

/// What is computed of a group of rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// The number of rows.
    Count,
    /// The mean of the values that are known.
    Mean(Use),
    /// The smallest of them.
    Min(Use),
    /// The largest of them.
    Max(Use),
    /// Their sum.
    Sum(Use),
}

impl Aggregate {
    /// The name that it reads.
    pub fn of(self) -> Option<Use> {
        match self {
            Self::Count => None,
            Self::Mean(used) | Self::Min(used) | Self::Max(used) | Self::Sum(used) => Some(used),
        }
    }
}

impl std::fmt::Display for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Mean(used) => write!(f, "mean {used}"),
            Self::Min(used) => write!(f, "min {used}"),
            Self::Max(used) => write!(f, "max {used}"),
            Self::Sum(used) => write!(f, "sum {used}"),
        }
    }
}

/// What puts rows into one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GroupedBy {
    /// The recording that they are of.
    File,
    /// The value of a name.
    Name(Use),
}

impl std::fmt::Display for GroupedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::File => f.write_str(FILE),
            Self::Name(used) => used.fmt(f),
        }
    }
}

/// Groups of rows, and what is computed of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// What is computed, in the order it was asked for.
    pub aggregates: Vec<Aggregate>,
    /// What the groups are; none for one group of all rows.
    pub by: Vec<GroupedBy>,
}

/// What a query does with its rows: first the orders, one after the other, then the grouping.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowOperations {
    /// Orders, each applied to what the one before kept.
    pub orders: Vec<RowOrder>,
    /// Groups instead of rows.
    pub grouping: Option<Grouping>,
}

impl RowOperations {
    /// Reads what stands behind the first `|`.
    ///
    /// # Errors
    /// [`SyntaxError`], with its place in `text`.
    pub(super) fn parse(text: &str, row: bool) -> Result<Self, SyntaxError> {
        let mut reader = ExpressionReader::new(text, row)?;
        let mut found = Self::default();
        loop {
            let place = reader.place();
            if found.grouping.is_some() {
                let message = "nothing follows groups: sort and choose rows before";
                return Err(SyntaxError::new(place, message.to_owned()));
            }
            let word = reader.word().ok_or_else(|| wanted(place.clone(), None))?;
            match &*word {
                "sort" => {
                    reader.expect("by", "`by` and a name are wanted here, e.g. `sort by p`")?;
                    let by = reader.used()?;
                    let descending = reader.takes(&["desc", "descending"]);
                    let _ = !descending && reader.takes(&["asc", "ascending"]);
                    found.orders.push(RowOrder { by, descending, most: None });
                }
                "top" | "bottom" => {
                    let most = reader.number(1.0..=MOST_KEPT).ok_or_else(|| {
                        let message =
                            format!("a number of rows is wanted here, e.g. `{word} 10 by p`");
                        SyntaxError::new(reader.place(), message)
                    })?;
                    reader.expect("by", "`by` and a name are wanted here")?;
                    let (by, descending) = (reader.used()?, word == "top");
                    found.orders.push(RowOrder { by, descending, most: Some(most as usize) });
                }
                _ => found.grouping = Some(grouping(&mut reader, word, place)?),
            }
            if reader.peek().is_none() {
                return Ok(found);
            }
            if !reader.takes(&["|"]) {
                let message = "`|` and another operation are wanted here, or nothing";
                return Err(SyntaxError::new(reader.place(), message.to_owned()));
            }
        }
    }

    /// True if the rows stay as they are found.
    pub fn is_none(&self) -> bool {
        self.orders.is_empty() && self.grouping.is_none()
    }

    /// The names that they read, each once.
    pub fn uses(&self) -> Vec<Use> {
        let ordered = self.orders.iter().map(|order| order.by);
        let grouping = self.grouping.iter();
        let grouped = grouping.flat_map(|grouping| {
            let by = grouping.by.iter().filter_map(|by| match by {
                GroupedBy::Name(used) => Some(*used),
                GroupedBy::File => None,
            });
            by.chain(grouping.aggregates.iter().filter_map(|aggregate| aggregate.of()))
        });
        let mut once: Vec<Use> = Vec::new();
        for used in ordered.chain(grouped) {
            if !once.contains(&used) {
                once.push(used);
            }
        }
        once
    }
}

/// Reads `count, mean p by block`, of which the first word is read.
fn grouping(
    reader: &mut ExpressionReader,
    mut word: String,
    mut place: Range<usize>,
) -> Result<Grouping, SyntaxError> {
    let mut aggregates = Vec::new();
    loop {
        let make = match &*word {
            "count" => None,
            "mean" => Some(Aggregate::Mean as fn(Use) -> Aggregate),
            "min" => Some(Aggregate::Min as fn(Use) -> Aggregate),
            "max" => Some(Aggregate::Max as fn(Use) -> Aggregate),
            "sum" => Some(Aggregate::Sum as fn(Use) -> Aggregate),
            _ => return Err(wanted(place, Some(&word))),
        };
        aggregates.push(match make {
            None => Aggregate::Count,
            Some(make) => {
                let at = reader.place();
                let used = reader.used()?;
                if matches!(used.spec.kind, NameKind::Text | NameKind::Token) {
                    let message =
                        format!("`{used}` is no number: write it after `by`, not after `{word}`");
                    return Err(SyntaxError::new(at, message));
                }
                make(used)
            }
        });
        if !reader.takes(&[","]) {
            break;
        }
        place = reader.place();
        word = reader.word().ok_or_else(|| wanted(place.clone(), None))?;
    }
    let mut by = Vec::new();
    if reader.takes(&["by"]) {
        loop {
            by.push(match reader.takes(&[FILE]) {
                true => GroupedBy::File,
                false => GroupedBy::Name(reader.used()?),
            });
            if !reader.takes(&[","]) {
                break;
            }
        }
    }
    Ok(Grouping { aggregates, by })
}

fn wanted(at: Range<usize>, word: Option<&str>) -> SyntaxError {
    let names = OPERATIONS.map(|(name, _)| name);
    let near = word.and_then(|word| Some((word, nearest(word, names)?)));
    let message = match near {
        Some((word, near)) => format!("{} is no operation; did you mean `{near}`?", quoted(word)),
        None => format!("one of these is wanted here: {}", names.join(", ")),
    };
    SyntaxError::new(at, message)
}

impl ExpressionReader {
    /// Takes a word.
    fn word(&mut self) -> Option<String> {
        let Some(Lexeme::Word(word)) = self.peek() else { return None };
        let word = word.clone();
        self.at += 1;
        Some(word)
    }

    fn expect(&mut self, word: &str, message: &str) -> Result<(), SyntaxError> {
        match self.takes(&[word]) {
            true => Ok(()),
            false => Err(SyntaxError::new(self.place(), message.to_owned())),
        }
    }

    /// Takes a whole number of a range.
    fn number(&mut self, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let Some(&Lexeme::Number(number)) = self.peek() else { return None };
        let found = (number.fract() == 0.0 && range.contains(&number)).then_some(number)?;
        self.at += 1;
        Some(found)
    }
}
