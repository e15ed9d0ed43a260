//! Tokens to a tree, checked: what cannot be compared is refused here, with its place.

use std::ops::Range;

use super::{
    SyntaxError,
    fault::quoted,
    lex::{Lexeme, lex},
    names::{AFTER, Name, NameKind, NameSpec, Reads, known},
    nearest,
};
use crate::canvas::Slot;

/// Deepest nesting of brackets and negations.
const DEEPEST: usize = 40;

/// Where a name is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// A position by its number.
    Position(usize),
    /// A position by its identity.
    Slot(Slot),
    /// The position of the query's row.
    Own,
}

/// A name in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The row of the table of names.
    pub spec: NameSpec,
    /// True if it is read from the prediction on the canvas after the step: [`AFTER`] stands before
    /// it.
    pub after: bool,
    /// The position asked of.
    pub index: Option<Index>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Number(f64),
    Text(String),
    Use(Use),
    Sum(Box<Term>, Box<Term>),
    Difference(Box<Term>, Box<Term>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperatorSign {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Or(Vec<Tree>),
    And(Vec<Tree>),
    Not(Box<Tree>),
    Compare(Term, OperatorSign, Term),
    Changes(Term),
    Crosses(Term, Term),
    Contains(Term, Term),
    Holds(Term),
}

/// Reads a condition; in a query's rows names of rows are known too.
pub(super) fn parse(text: &str, row: bool) -> Result<Tree, SyntaxError> {
    let mut reader = ExpressionReader::new(text, row)?;
    if reader.tokens.is_empty() {
        let message = "a condition is wanted, e.g. `length > 32` or `expanded`";
        return Err(SyntaxError::new(0..text.len(), message.to_owned()));
    }
    let tree = reader.or()?;
    match reader.peek() {
        None => Ok(tree),
        Some(next) => {
            let near = ["crosses", "changes", "contains", "and", "or"].into_iter().find(|word| {
                matches!(next, Lexeme::Word(found) if strsim::jaro_winkler(found, word) > 0.8)
            });
            let message = match near {
                _ if matches!(next, Lexeme::Sign("|")) => {
                    "`|` stands behind the condition of a query; write `or` for another condition"
                        .to_owned()
                }
                Some(near) => format!("this is no operator; did you mean `{near}`?"),
                None => "the condition is over here: join it with `and` or `or`".to_owned(),
            };
            Err(SyntaxError::new(reader.place(), message))
        }
    }
}

pub(super) struct ExpressionReader {
    tokens: Vec<(Lexeme, Range<usize>)>,
    pub(super) at: usize,
    end: usize,
    row: bool,
    depth: usize,
}

impl ExpressionReader {
    /// Begins with a text; in a query's rows names of rows are known too.
    pub(super) fn new(text: &str, row: bool) -> Result<Self, SyntaxError> {
        Ok(Self { tokens: lex(text)?, at: 0, end: text.len(), row, depth: 0 })
    }

    pub(super) fn peek(&self) -> Option<&Lexeme> {
        self.tokens.get(self.at).map(|(lexeme, _)| lexeme)
    }

    pub(super) fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, at)| at.clone())
    }

    /// Takes a word or sign, if it comes next.
    pub(super) fn takes(&mut self, wanted: &[&str]) -> bool {
        let found = match self.peek() {
            Some(Lexeme::Word(word)) => wanted.contains(&word.as_str()),
            Some(Lexeme::Sign(sign)) => wanted.contains(sign),
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SyntaxError::new(self.place(), "this is nested too deep".to_owned()));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn or(&mut self) -> Result<Tree, SyntaxError> {
        let mut parts = vec![self.and()?];
        while self.takes(&["or", "||"]) {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Or(parts) })
    }

    fn and(&mut self) -> Result<Tree, SyntaxError> {
        let mut parts = vec![self.not()?];
        while self.takes(&["and", "&&"]) {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::And(parts) })
    }

    fn not(&mut self) -> Result<Tree, SyntaxError> {
        if self.takes(&["not", "!"]) {
            return self.deeper(|reader| Ok(Tree::Not(Box::new(reader.not()?))));
        }
        if self.takes(&["("]) {
            let inner = self.deeper(Self::or)?;
            if !self.takes(&[")"]) {
                return Err(SyntaxError::new(self.place(), "`)` is wanted here".to_owned()));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Tree, SyntaxError> {
        let start = self.place();
        let left = self.sum()?;
        let kind = kind(&left);
        let sign = match self.peek() {
            Some(Lexeme::Sign("<")) => Some(OperatorSign::Less),
            Some(Lexeme::Sign("<=" | "≤")) => Some(OperatorSign::LessOrEqual),
            Some(Lexeme::Sign(">")) => Some(OperatorSign::Greater),
            Some(Lexeme::Sign(">=" | "≥")) => Some(OperatorSign::GreaterOrEqual),
            Some(Lexeme::Sign("==" | "=")) => Some(OperatorSign::Equal),
            Some(Lexeme::Sign("!=")) => Some(OperatorSign::Unequal),
            _ => None,
        };
        if let Some(sign) = sign {
            self.at += 1;
            let place = self.place();
            let right = self.sum()?;
            let ordered = !matches!(sign, OperatorSign::Equal | OperatorSign::Unequal);
            let textual = |kind| matches!(kind, NameKind::Text | NameKind::Token);
            let other = self::kind(&right);
            let fits = match (kind, other) {
                _ if ordered => !textual(kind) && !textual(other),
                (NameKind::Token, _) | (_, NameKind::Token) => true,
                (a, b) => textual(a) == textual(b),
            };
            if !fits {
                let message = match (ordered, kind) {
                    (true, NameKind::Text | NameKind::Token) => {
                        "a text has no order: use ==, != or contains"
                    }
                    (_, NameKind::Text) => "this is compared with a text, in quotes",
                    _ => "this is compared with a number",
                };
                return Err(SyntaxError::new(place, message.to_owned()));
            }
            return Ok(Tree::Compare(left, sign, right));
        }
        if self.takes(&["changes"]) {
            return match left {
                Term::Number(_) | Term::Text(_) => {
                    Err(SyntaxError::new(start, "this never changes".to_owned()))
                }
                left => Ok(Tree::Changes(left)),
            };
        }
        if self.takes(&["crosses"]) {
            if matches!(kind, NameKind::Text | NameKind::Token) {
                let message = "a text crosses nothing: use `changes`";
                return Err(SyntaxError::new(start, message.to_owned()));
            }
            let place = self.place();
            let right = self.sum()?;
            if matches!(self::kind(&right), NameKind::Text | NameKind::Token) {
                return Err(SyntaxError::new(place, "it crosses a number".to_owned()));
            }
            return Ok(Tree::Crosses(left, right));
        }
        if self.takes(&["contains"]) {
            if !matches!(kind, NameKind::Text | NameKind::Token) {
                return Err(SyntaxError::new(start, "only a text contains something".to_owned()));
            }
            let place = self.place();
            let right = self.sum()?;
            if !matches!(right, Term::Text(_)) {
                let message = "a text in quotes is wanted here";
                return Err(SyntaxError::new(place, message.to_owned()));
            }
            return Ok(Tree::Contains(left, right));
        }
        match (kind, &left) {
            (NameKind::Text | NameKind::Token, _) => Err(SyntaxError::new(
                self.place(),
                "compare it: ==, !=, contains or changes".to_owned(),
            )),
            (_, Term::Number(_)) => Err(SyntaxError::new(
                start,
                "a number alone is no condition: begin with a name".to_owned(),
            )),
            _ => Ok(Tree::Holds(left)),
        }
    }

    fn sum(&mut self) -> Result<Term, SyntaxError> {
        let start = self.place();
        let mut left = self.term()?;
        loop {
            let minus = match self.peek() {
                Some(Lexeme::Sign("+")) => false,
                Some(Lexeme::Sign("-")) => true,
                _ => return Ok(left),
            };
            self.at += 1;
            let place = self.place();
            let right = self.term()?;
            for (term, place) in [(&left, &start), (&right, &place)] {
                if matches!(kind(term), NameKind::Text | NameKind::Token) {
                    let message = "only numbers are added".to_owned();
                    return Err(SyntaxError::new(place.clone(), message));
                }
            }
            let (a, b) = (Box::new(left), Box::new(right));
            left = if minus { Term::Difference(a, b) } else { Term::Sum(a, b) };
        }
    }

    fn term(&mut self) -> Result<Term, SyntaxError> {
        let place = self.place();
        let negative = self.takes(&["-"]);
        let next = self.peek().cloned();
        self.at += 1;
        match next {
            Some(Lexeme::Number(number)) => {
                Ok(Term::Number(if negative { -number } else { number }))
            }
            Some(Lexeme::Text(text)) if !negative => Ok(Term::Text(text)),
            Some(Lexeme::Word(word)) if !negative => self.name(&word, place),
            _ => {
                self.at -= 1;
                let message = "a name, a number or a text is wanted here".to_owned();
                Err(SyntaxError::new(self.place(), message))
            }
        }
    }

    /// Takes a name that has a value at a row.
    pub(super) fn used(&mut self) -> Result<Use, SyntaxError> {
        let place = self.place();
        match self.term()? {
            Term::Use(used) => Ok(used),
            _ => Err(SyntaxError::new(place, "a name is wanted here, e.g. `step`".to_owned())),
        }
    }

    fn name(&mut self, word: &str, place: Range<usize>) -> Result<Term, SyntaxError> {
        if matches!(word, "true" | "false") {
            return Ok(Term::Number(f64::from(u8::from(word == "true"))));
        }
        let (after, bare) = word.strip_prefix(AFTER).map_or((false, word), |bare| (true, bare));
        let spec = known(self.row).find(|spec| spec.text == bare).ok_or_else(|| {
            let near = nearest(bare, known(self.row).map(|spec| spec.text));
            let side = if after { AFTER } else { "" };
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{side}{near}`?"));
            SyntaxError::new(place.clone(), format!("there is no name {}{hint}", quoted(word)))
        })?;
        if after && spec.reads != Reads::Prediction {
            let message = match spec.reads {
                Reads::State => "is of the canvas after the step",
                Reads::Pending => "is of the step that comes next",
                _ => "is of no prediction",
            };
            let message = format!("`{bare}` {message}: leave `{AFTER}` out");
            return Err(SyntaxError::new(place, message));
        }
        let index = if self.takes(&["["]) {
            if !spec.indexed {
                let message = format!("`{word}` is of the whole canvas: leave the index out");
                return Err(SyntaxError::new(place, message));
            }
            Some(self.index()?)
        } else if spec.indexed && self.row {
            Some(Index::Own)
        } else if spec.indexed {
            let message = format!(
                "`{word}` is asked of a position: `{word}[17]`, or `{word}[#52]` for a slot"
            );
            return Err(SyntaxError::new(place, message));
        } else {
            None
        };
        Ok(Term::Use(Use { spec, after, index }))
    }

    fn index(&mut self) -> Result<Index, SyntaxError> {
        let place = self.place();
        let slot = self.takes(&["#"]);
        let number = match self.peek() {
            Some(&Lexeme::Number(number))
                if number.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(&number) =>
            {
                number
            }
            _ => {
                let message = "a position's number is wanted here, or #N for a slot".to_owned();
                return Err(SyntaxError::new(place, message));
            }
        };
        self.at += 1;
        if !self.takes(&["]"]) {
            return Err(SyntaxError::new(self.place(), "`]` is wanted here".to_owned()));
        }
        Ok(if slot { Index::Slot(Slot(number as u32)) } else { Index::Position(number as usize) })
    }
}

/// What sort of value a term has.
fn kind(term: &Term) -> NameKind {
    match term {
        Term::Number(_) | Term::Sum(..) | Term::Difference(..) => NameKind::Count,
        Term::Text(_) => NameKind::Text,
        Term::Use(used) => used.spec.kind,
    }
}

impl Tree {
    /// Every name used, in order.
    pub(super) fn uses(&self) -> Vec<Use> {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().flat_map(Self::uses).collect(),
            Self::Not(inner) => inner.uses(),
            Self::Compare(a, _, b) | Self::Crosses(a, b) | Self::Contains(a, b) => {
                [a, b].into_iter().flat_map(Term::uses).collect()
            }
            Self::Changes(term) | Self::Holds(term) => term.uses(),
        }
    }

    /// The numbers that stand in it.
    pub(super) fn numbers(&self) -> Vec<f32> {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().flat_map(Self::numbers).collect(),
            Self::Not(inner) => inner.numbers(),
            Self::Compare(a, _, b) | Self::Crosses(a, b) | Self::Contains(a, b) => {
                [a, b].into_iter().flat_map(Term::numbers).collect()
            }
            Self::Changes(term) | Self::Holds(term) => term.numbers(),
        }
    }

    /// True if it reads what a step does, and so is about that step alone.
    pub(super) fn of_a_step(&self) -> bool {
        let of_step = |used: &Use| {
            matches!(used.spec.reads, Reads::Step | Reads::Pending)
                || used.spec.name == Name::Flipped
        };
        self.uses().iter().any(of_step)
    }

    /// True if it reads the prediction on the canvas after the step: that of the next one.
    pub(super) fn needs_prediction(&self) -> bool {
        self.uses().iter().any(|used| used.after || used.spec.reads == Reads::Pending)
    }
}

impl Term {
    fn numbers(&self) -> Vec<f32> {
        match self {
            Self::Number(number) => vec![*number as f32],
            Self::Text(_) | Self::Use(_) => Vec::new(),
            Self::Sum(a, b) | Self::Difference(a, b) => {
                [a, b].into_iter().flat_map(|term| term.numbers()).collect()
            }
        }
    }

    fn uses(&self) -> Vec<Use> {
        match self {
            Self::Number(_) | Self::Text(_) => Vec::new(),
            Self::Use(used) => vec![*used],
            Self::Sum(a, b) | Self::Difference(a, b) => {
                [a, b].into_iter().flat_map(|term| term.uses()).collect()
            }
        }
    }
}
