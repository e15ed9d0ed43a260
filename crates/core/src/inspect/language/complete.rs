//! What may come next in a condition, for the command line.

use super::{
    lex::{Lexeme, lex},
    names::{AFTER, NameKind, NameSpec, Reads, known},
    operations::{FILE, OPERATIONS},
};
use crate::decode::{Finish, Mode};

/// What may be put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text that is put in.
    pub text: String,
    /// What it means, in a few words.
    pub help: String,
}

/// What may stand from a place on to the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Where the part to be replaced begins, in bytes.
    pub from: usize,
    /// What may stand there.
    pub candidates: Vec<Candidate>,
}

const JOINS: [(&str, &str); 2] = [("and", "both hold"), ("or", "one holds")];

const NUMBERS: [(&str, &str); 8] = [
    ("<", "less than"),
    ("<=", "at most"),
    (">", "more than"),
    (">=", "at least"),
    ("==", "equal to"),
    ("!=", "another than"),
    ("crosses", "was on one side of a value, now on the other"),
    ("changes", "is another than a step before"),
];

const TEXTS: [(&str, &str); 4] = [
    ("contains", "has this text in it"),
    ("==", "equal to"),
    ("!=", "another than"),
    ("changes", "is another than a step before"),
];

/// What may come at the end of `text`; in a query's rows names of rows too.
pub(super) fn complete(text: &str, row: bool) -> Completion {
    let from = begun(text);
    let (before, begun) = text.split_at(from);
    let Ok(tokens) = lex(before) else { return Completion { from, candidates: Vec::new() } };
    let tokens: Vec<&Lexeme> = tokens.iter().map(|(lexeme, _)| lexeme).collect();
    // The kind of the name that ends here, behind its index if it has one.
    let name = match tokens.as_slice() {
        [.., Lexeme::Word(word), Lexeme::Sign("["), _, Lexeme::Sign("]")]
        | [.., Lexeme::Word(word), Lexeme::Sign("["), Lexeme::Sign("#"), _, Lexeme::Sign("]")]
        | [.., Lexeme::Word(word)] => of_name(word, row),
        _ => None,
    };
    let found = match (name, tokens.last()) {
        (Some(spec), Some(Lexeme::Word(_))) if spec.indexed && !row => {
            vec![("[".to_owned(), "of a position: [17], or [#52] for a slot".to_owned())]
        }
        (Some(spec), _) => {
            let mut operators = match spec.kind {
                NameKind::Text | NameKind::Token => listed(&TEXTS),
                NameKind::Count | NameKind::Probability | NameKind::Truth => listed(&NUMBERS),
            };
            operators.extend(listed(&JOINS));
            operators
        }
        (None, Some(Lexeme::Sign("==" | "=" | "!="))) if compares(&tokens, "mode") => {
            in_quotes(Mode::ALL.map(Mode::name))
        }
        (None, Some(Lexeme::Sign("==" | "=" | "!="))) if compares(&tokens, "finish") => {
            in_quotes(Finish::ALL.map(Finish::name))
        }
        (None, Some(Lexeme::Number(_) | Lexeme::Text(_) | Lexeme::Sign(")" | "]"))) => {
            listed(&JOINS)
        }
        (None, Some(Lexeme::Word(word))) if word == "changes" => listed(&JOINS),
        (None, Some(Lexeme::Word(word))) if word == "contains" => Vec::new(),
        (None, Some(Lexeme::Sign("["))) => Vec::new(),
        (None, _) => {
            let mut names: Vec<(String, String)> =
                known(row).map(|spec| (spec.text.to_owned(), spec.help.to_owned())).collect();
            names.push(("not".to_owned(), "does not hold".to_owned()));
            names.extend(known(row).filter(|spec| spec.reads == Reads::Prediction).map(|spec| {
                (
                    format!("{AFTER}{}", spec.text),
                    format!("the same on the canvas after the step: {}", spec.help),
                )
            }));
            names
        }
    };
    let candidates = found
        .into_iter()
        .filter(|(text, _)| text.trim_matches('"').starts_with(begun))
        .map(|(text, help)| Candidate { text, help })
        .collect();
    Completion { from, candidates }
}

/// Texts with their help, as candidates begin.
fn listed(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(text, help)| ((*text).to_owned(), (*help).to_owned())).collect()
}

/// Where the word being typed begins: it is looked up, not read.
fn begun(text: &str) -> usize {
    let word = text.char_indices().rev();
    let word = word.take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '.'));
    word.last().map_or(text.len(), |(at, _)| at)
}

/// The sign that an operation on the rows follows.
pub(super) fn pipe() -> Candidate {
    Candidate { text: "|".to_owned(), help: "then what to do with the rows".to_owned() }
}

/// What may come at the end of `text`, which stands behind the last `|` of a query.
pub(super) fn operation(text: &str, row: bool) -> Completion {
    let from = begun(text);
    let (before, begun) = text.split_at(from);
    let Ok(tokens) = lex(before) else { return Completion { from, candidates: Vec::new() } };
    let tokens: Vec<&Lexeme> = tokens.iter().map(|(lexeme, _)| lexeme).collect();
    let names = |numbers: bool| -> Vec<(String, String)> {
        let textual = |spec: &NameSpec| matches!(spec.kind, NameKind::Text | NameKind::Token);
        let names = known(row).filter(|spec| !numbers || !textual(spec));
        names.map(|spec| (spec.text.to_owned(), spec.help.to_owned())).collect()
    };
    let ordering = tokens
        .first()
        .is_some_and(|first| ["sort", "top", "bottom"].iter().any(|word| first.is(word)));
    let grouped = tokens.iter().any(|token| token.is("by"));
    let by = ("by", if ordering { "the name to order by" } else { "in groups of equal values" });
    let found = match tokens.as_slice() {
        [] => listed(&OPERATIONS),
        [first] if ordering && first.is("sort") => listed(&[by]),
        [_] if ordering => Vec::new(),
        [.., Lexeme::Number(_)] if ordering => listed(&[by]),
        [.., last] if last.is("by") || grouped && **last == Lexeme::Sign(",") => {
            let mut found = names(false);
            if !ordering {
                found.insert(0, (FILE.to_owned(), "the recording that a row is of".to_owned()));
            }
            found
        }
        [.., Lexeme::Sign(",")] => listed(&OPERATIONS[3..]),
        [.., last] if !grouped && OPERATIONS[4..].iter().any(|(word, _)| last.is(word)) => {
            names(true)
        }
        _ if ordering => listed(&[("desc", "the highest first"), ("|", "then another operation")]),
        _ if grouped => listed(&[(",", "and by another name")]),
        _ => listed(&[by, (",", "and another number")]),
    };
    let candidates = found
        .into_iter()
        .filter(|(text, _)| text.starts_with(begun))
        .map(|(text, help)| Candidate { text, help })
        .collect();
    Completion { from, candidates }
}

/// The name that a word is, of either side of the step.
fn of_name(word: &str, row: bool) -> Option<NameSpec> {
    let bare = word.strip_prefix(AFTER).unwrap_or(word);
    known(row).find(|spec| spec.text == bare)
}

/// True if the comparison begun is of this name.
fn compares(tokens: &[&Lexeme], name: &str) -> bool {
    tokens.len() > 1 && tokens[tokens.len() - 2].is(name)
}

/// Texts that a name may be compared with, without help.
fn in_quotes<const N: usize>(texts: [&str; N]) -> Vec<(String, String)> {
    texts.map(|text| (format!("\"{text}\""), String::new())).into()
}
