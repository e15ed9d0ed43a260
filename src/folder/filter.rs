//! Which runs are kept: by a condition at their end, or by a query that finds something in them.

use crate::{
    inspect::{self, Condition, Query, SyntaxError, View},
    trace::Recording,
};

/// What a run must meet.
#[derive(Debug, Clone, PartialEq)]
pub enum RunFilter {
    /// The condition holds at the run's end.
    AtEnd(Condition),
    /// The query finds a row in the run.
    Finds(Query),
}

impl RunFilter {
    /// Reads a condition, such as `length > 64`, or a query, such as `fills where p < 0.3`.
    ///
    /// # Errors
    /// [`SyntaxError`], with its place.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        match Query::parse(text) {
            Ok(query) => Ok(Self::Finds(query)),
            // What begins as a query is meant as one.
            Err(error) if error.at.start > text.len() - text.trim_start().len() => Err(error),
            Err(_) => Condition::parse(text).map(Self::AtEnd),
        }
    }

    /// Whether the branch that was left last meets it. What is not known does not.
    pub fn keeps(&self, recording: &Recording) -> bool {
        let (session, end) = (recording.session(), recording.recorded.end);
        let vocabulary = &*recording.vocabulary;
        match self {
            Self::AtEnd(condition) => {
                condition.holds(&View::new(&session, vocabulary, end)) == Some(true)
            }
            Self::Finds(query) => !inspect::rows(query, &session, vocabulary, (end, 0)).is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace;

    #[test]
    fn conditions_are_asked_at_the_end_and_queries_of_all_steps() {
        let recording = trace::read("recordings/short-answer.jsonl".as_ref()).unwrap();
        for (text, expected) in [
            ("done", true),
            ("finish == \"complete\"", true),
            ("finish == \"stagnant\"", false),
            ("masks == 0", true),
            ("masks > 0", false),
            ("steps where masks > 0", true),
            ("fills", true),
            ("expansions", false),
            ("conf[999] > 0", false),
        ] {
            let filter = RunFilter::parse(text).unwrap();
            assert_eq!(filter.keeps(&recording), expected, "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_where() {
        for (text, at) in [("masks >", 7), ("fills where p <", 15), ("nonsense", 0)] {
            assert_eq!(RunFilter::parse(text).unwrap_err().at.start, at, "{text}");
        }
    }
}
