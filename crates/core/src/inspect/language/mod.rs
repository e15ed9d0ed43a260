//! The language of conditions and queries: text to a checked tree, and whether it holds.
//!
//! [`Condition`] is for breakpoints and `until`, [`Query`] lists rows of a trajectory. Both read
//! values by [`Name`] from [`NamedValues`]; docs/conditions.md has the grammar.
//!
//! ```
//! use demask_core::inspect::language::{Condition, Query, pointed};
//!
//! let query = Query::parse("fills where p < 0.5 and step > 3")?;
//! assert_eq!(query.to_string(), "fills where p < 0.5 and step > 3");
//!
//! let text = "masks = few";
//! let error = Condition::parse(text).unwrap_err();
//! assert!(pointed(text, &error.at, 80).ends_with("^^^"), "the place is pointed at");
//! # Ok::<(), demask_core::inspect::SyntaxError>(())
//! ```

mod complete;
mod eval;
mod fault;
mod lex;
mod names;
mod operations;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use complete::{Candidate, Completion};
pub use eval::{NameValue, NamedValues, When};
pub use fault::{SyntaxError, pointed, quoted};
pub use names::{AFTER, NAMES, Name, NameKind, NameSpec, Reads, name_table};
pub use operations::{Aggregate, GroupedBy, Grouping, RowOperations, RowOrder};
pub use parse::{Index, Use};

/// The name that was probably meant by `word`, if one is near.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (strsim::jaro_winkler(name, word), name));
    let near = near.filter(|(near, _)| *near > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, name)| name)
}

/// Something that holds at a node or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    source: String,
    tree: parse::Tree,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// [`SyntaxError`], with its place.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let tree = parse::parse(text, false)?;
        Ok(Self { source: text.trim().to_owned(), tree })
    }

    /// What may come at the end of `text`.
    pub fn complete(text: &str) -> Completion {
        complete::complete(text, false)
    }

    /// Whether it holds; `None` if what is known does not say.
    pub fn holds(&self, facts: &dyn NamedValues) -> Option<bool> {
        self.tree.holds(facts)
    }

    /// Whether it *comes to* hold: now it does, and a step before it did not. One that reads what
    /// a step does, as `expanded`, comes to hold at each such step.
    pub fn comes_to_hold(
        &self,
        now: &dyn NamedValues,
        before: Option<&dyn NamedValues>,
    ) -> Option<bool> {
        let holds = self.tree.holds(now)?;
        let held = || before.and_then(|before| self.tree.holds(before)) == Some(true);
        Some(holds && (self.tree.of_a_step() || !held()))
    }

    /// True if it reads the prediction on the canvas after the step: it cannot be judged before that
    /// is known.
    pub fn needs_prediction(&self) -> bool {
        self.tree.needs_prediction()
    }

    /// The names it uses with their values, each once, and the value before where it is another.
    pub fn values(&self, facts: &dyn NamedValues) -> Vec<(String, String)> {
        let others = self.tree.numbers();
        let shown = |used| match (facts.value(used, When::Before), facts.value(used, When::Now)) {
            (_, None) => "–".to_owned(),
            (Some(was), Some(is)) if was != is => {
                let (is, was) = is.both(&was, &others);
                format!("{is}, a step before {was}")
            }
            (_, Some(is)) => is.rounded_against(&others),
        };
        used_once(&self.tree).into_iter().map(|used| (used.to_string(), shown(used))).collect()
    }
}

/// The names that a condition uses, each once.
fn used_once(tree: &parse::Tree) -> Vec<Use> {
    let mut once: Vec<Use> = Vec::new();
    for used in tree.uses() {
        if once.iter().all(|other| other.to_string() != used.to_string()) {
            once.push(used);
        }
    }
    once
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.after {
            f.write_str(AFTER)?;
        }
        f.write_str(self.spec.text)?;
        match self.index {
            Some(Index::Position(position)) => write!(f, "[{position}]"),
            Some(Index::Slot(slot)) => write!(f, "[#{}]", slot.0),
            Some(Index::Own) | None => Ok(()),
        }
    }
}

/// What a query lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Every step and edit.
    Steps,
    /// Every position that a step unmasked.
    Fills,
    /// Every written position that was given another token.
    Replacements,
    /// Every written position that was remasked.
    Remasks,
    /// Every position that a step expanded.
    Expansions,
    /// Every expansion that was refused.
    Refusals,
    /// Every position dropped at the maximum length.
    Drops,
    /// Every edit by the user.
    Edits,
    /// Every position at the end of the branch.
    Positions,
    /// Every step decided under other parameters than the one before.
    Turns,
}

impl Subject {
    /// Every subject with its name and what it lists.
    pub const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Steps, "steps", "every step and edit"),
        (Self::Fills, "fills", "every position unmasked"),
        (Self::Replacements, "replacements", "every position whose token was replaced"),
        (Self::Remasks, "remasks", "every position remasked"),
        (Self::Expansions, "expansions", "every position expanded"),
        (Self::Refusals, "refusals", "every expansion refused"),
        (Self::Drops, "drops", "every position dropped at the maximum length"),
        (Self::Edits, "edits", "every edit by the user"),
        (Self::Positions, "positions", "every position at the end of the branch"),
        (Self::Turns, "turns", "every step under other parameters than the one before"),
    ];

    /// True if its rows have a position.
    pub fn has_position(self) -> bool {
        !matches!(self, Self::Steps | Self::Edits | Self::Turns)
    }
}

/// The subjects as a table in Markdown.
pub fn subject_table() -> String {
    let rows = Subject::ALL.map(|(_, name, help)| format!("| `{name}` | {help} |\n"));
    format!("| subject | its rows |\n|---|---|\n{}", rows.concat())
}

/// The value of a name of a query at a row.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryValue {
    /// The name as it is written in the query.
    pub name: String,
    /// Its value; `None` if that is not known.
    pub value: Option<NameValue>,
    /// The value in words.
    pub text: Option<String>,
}

/// A question over a whole branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    source: String,
    /// What its rows are.
    pub subject: Subject,
    tree: Option<parse::Tree>,
    /// What is done with the rows.
    pub operations: RowOperations,
}

impl Query {
    /// Reads `SUBJECT [where CONDITION] [| OPERATION]…`.
    ///
    /// # Errors
    /// [`SyntaxError`], with its place.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let start = text.len() - text.trim_start().len();
        let body = text.trim_start();
        let end = body.find(|c: char| c.is_whitespace() || c == '|').unwrap_or(body.len());
        let (word, rest) = body.split_at(end);
        // Conditions call them by what became of the position.
        let named = match word {
            "replaced" => "replacements",
            "remasked" => "remasks",
            word => word,
        };
        let found = Subject::ALL.into_iter().find(|(_, name, _)| *name == named);
        let (subject, ..) = found.ok_or_else(|| {
            let names: Vec<&str> = Subject::ALL.iter().map(|(_, name, _)| *name).collect();
            let message = format!("a query begins with one of: {}", names.join(", "));
            SyntaxError::new(start..start + end, message)
        })?;
        let source = text.trim().to_owned();
        let start = text.len() - rest.len();
        let behind = |offset: usize| {
            move |SyntaxError { at, message }| {
                SyntaxError::new(at.start + offset..at.end + offset, message)
            }
        };
        let row = subject.has_position();
        let pipe = lex::lex(rest).map_err(behind(start))?.into_iter();
        let pipe =
            pipe.filter(|(sign, _)| *sign == lex::Lexeme::Sign("|")).map(|(_, at)| at).next();
        let operations = pipe.as_ref().map(|pipe| {
            RowOperations::parse(&rest[pipe.end..], row).map_err(behind(start + pipe.end))
        });
        let rest = &rest[..pipe.map_or(rest.len(), |pipe| pipe.start)];
        let condition = rest.trim_start();
        if condition.is_empty() {
            let operations = operations.transpose()?.unwrap_or_default();
            return Ok(Self { source, subject, tree: None, operations });
        }
        let at = start + rest.len() - condition.len();
        let wanted = condition.strip_prefix("where").filter(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '(')
        });
        let Some(wanted) = wanted else {
            let word = condition.find(char::is_whitespace).unwrap_or(condition.len());
            let message = "`where` is wanted here, then a condition, or `|`, then what to do with \
                           the rows"
                .to_owned();
            return Err(SyntaxError::new(at..at + word, message));
        };
        let tree = parse::parse(wanted, row).map_err(behind(start + rest.len() - wanted.len()))?;
        let operations = operations.transpose()?.unwrap_or_default();
        Ok(Self { source, subject, tree: Some(tree), operations })
    }

    /// What may come at the end of `text`.
    pub fn complete(text: &str) -> Completion {
        let subject = Subject::ALL.into_iter().find(|(_, name, _)| {
            text.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(' '))
        });
        let Some((subject, ..)) = subject else {
            let from = text.len() - text.trim_start().len();
            let begun = &text[from..];
            let candidates = Subject::ALL
                .into_iter()
                .filter(|(_, name, _)| name.starts_with(begun))
                .map(|(_, name, help)| Candidate { text: name.to_owned(), help: help.to_owned() })
                .collect();
            return Completion { from, candidates };
        };
        let row = subject.has_position();
        // A quote that is not closed yet is not looked for pipes.
        let pipes = lex::lex(text).unwrap_or_default().into_iter();
        let mut pipes = pipes.filter(|(sign, _)| *sign == lex::Lexeme::Sign("|"));
        if let Some((_, pipe)) = pipes.next_back() {
            let mut completion = complete::operation(&text[pipe.end..], row);
            completion.from += pipe.end;
            return completion;
        }
        match text.find(" where ") {
            Some(at) => {
                let offset = at + " where ".len();
                let mut completion = complete::complete(&text[offset..], row);
                // Where a condition may be over, something may be done with the rows.
                if completion.candidates.iter().any(|candidate| candidate.text == "and") {
                    completion.candidates.push(complete::pipe());
                }
                completion.from += offset;
                completion
            }
            None => {
                let from = text.rfind(' ').map_or(0, |at| at + 1);
                let help = "then a condition on the rows".to_owned();
                let mut candidates =
                    vec![Candidate { text: "where".to_owned(), help }, complete::pipe()];
                candidates.retain(|candidate| candidate.text.starts_with(&text[from..]));
                Completion { from, candidates }
            }
        }
    }

    /// The names whose values are listed at each row: those that the condition uses, except those
    /// that every row has; for a step also what it did.
    pub fn reads(&self) -> Vec<Use> {
        let own = |used: &Use| match used.spec.name {
            Name::Position | Name::P | Name::Made | Name::Was => true,
            Name::Token => used.index == Some(Index::Own),
            _ => false,
        };
        let mut reads = self.tree.as_ref().map(used_once).unwrap_or_default();
        // What the rows are ordered by is listed too.
        for order in &self.operations.orders {
            if !reads.contains(&order.by) {
                reads.push(order.by);
            }
        }
        reads.retain(|used| !own(used));
        if matches!(self.subject, Subject::Steps | Subject::Turns) {
            let of_step = [Name::Mode, Name::Filled, Name::Length];
            let specs = NAMES.iter().filter(|spec| of_step.contains(&spec.name));
            let used = specs.map(|spec| Use { spec: *spec, after: false, index: None });
            let new: Vec<Use> = used.filter(|used| !reads.contains(used)).collect();
            reads.extend(new);
        }
        reads
    }

    /// The values of the query's names at a row.
    pub fn values(&self, row: &dyn NamedValues) -> Vec<QueryValue> {
        let others = self.tree.as_ref().map(parse::Tree::numbers).unwrap_or_default();
        let reading = |used: Use| {
            let value = row.value(used, When::Now);
            let text = value.as_ref().map(|value| value.rounded_against(&others));
            QueryValue { name: used.to_string(), value, text }
        };
        self.reads().into_iter().map(reading).collect()
    }

    /// The values that the operations read at a row, in the order of [`RowOperations::uses`].
    pub fn keys(&self, row: &dyn NamedValues) -> Vec<Option<NameValue>> {
        let uses = self.operations.uses().into_iter();
        uses.map(|used| row.value(used, When::Now)).collect()
    }

    /// True if a row fits.
    pub fn fits(&self, row: &dyn NamedValues) -> bool {
        self.tree.as_ref().is_none_or(|tree| tree.holds(row) == Some(true))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.source)
    }
}
