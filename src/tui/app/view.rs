//! What is kept of the screen when it is left, to come back to it.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// What is shown and how. Panes go by their titles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedView {
    /// The pane in the tabbed place.
    pub tab: String,
    /// The pane that has the keys.
    pub focus: String,
    /// It fills the screen.
    pub zoom: bool,
    /// Masks are shown as bars, not as the draft.
    pub bars: bool,
    /// The waterfall stands in the blocks' place.
    pub waterfall: bool,
    /// The session's lists stand in the log's place.
    pub session: bool,
    /// The waterfall counts positions by number, not by identity.
    pub by_number: bool,
    /// The cursor stays where it is put.
    pub stays: bool,
    /// The position under the cursor.
    pub position: usize,
    /// The chosen parameter's place in the list.
    pub param: usize,
    /// Place of the speed among those there are.
    pub speed: usize,
    /// What was searched for.
    pub search: String,
}

/// A place in a run and what is shown of it, as the end of a link: `step=12&position=5&pane=waterfall`. The player
/// reads the first ones, too. What is absent is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkedView {
    /// The number of the branch, from 1.
    pub branch: Option<usize>,
    /// A step of it.
    pub step: Option<usize>,
    /// The position under the cursor.
    pub position: Option<usize>,
    /// The title of the pane that has the keys.
    pub pane: Option<String>,
    /// It fills the screen.
    pub zoom: bool,
    /// What is searched for.
    pub search: Option<String>,
    /// A query whose rows are listed.
    pub query: Option<String>,
}

impl LinkedView {
    /// Reads the end of a link.
    ///
    /// # Errors
    /// In words: a name that is not known, or a number that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut view = Self::default();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| {
                format!("`{part}` is not valid UTF-8. Copy the link again with y l")
            })?;
            let number = || {
                let number = value.parse::<usize>();
                number.map_err(|_| format!("`{part}`: a number is expected behind `{name}=`"))
            };
            match name {
                "branch" => view.branch = Some(number()?),
                "step" => view.step = Some(number()?),
                "position" => view.position = Some(number()?),
                "pane" => view.pane = Some(value.into_owned()),
                "zoom" => view.zoom = true,
                "search" => view.search = Some(value.into_owned()),
                "query" => view.query = Some(value.into_owned()),
                _ => {
                    return Err(format!(
                        "`{name}` is unknown. A link has branch, step, position, pane, zoom, search and \
                         query, as in #step=12&position=5"
                    ));
                }
            }
        }
        Ok(view)
    }
}

impl fmt::Display for LinkedView {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let number = |name, value: Option<usize>| value.map(|value| format!("{name}={value}"));
        let text = |name, value: &Option<String>| {
            let value = value.as_ref().filter(|value| !value.is_empty())?;
            Some(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        };
        let parts = [
            number("step", self.step),
            number("position", self.position),
            number("branch", self.branch),
            text("pane", &self.pane),
            self.zoom.then(|| "zoom".to_owned()),
            text("search", &self.search),
            text("query", &self.query),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_link_is_read_as_it_was_written(
            numbers in [proptest::option::of(0_usize..1000), proptest::option::of(0_usize..1000),
                proptest::option::of(0_usize..1000)],
            texts in [proptest::option::of(".+"), proptest::option::of(".+"), proptest::option::of(".+")],
            zoom: bool,
        ) {
            let [branch, step, position] = numbers;
            let [pane, search, query] = texts;
            let view = LinkedView { branch, step, position, pane, zoom, search, query };
            let text = view.to_string();
            prop_assert!(text.is_ascii() && !text.contains(['#', ' ', '\'', '"']), "{}", text);
            prop_assert_eq!(LinkedView::parse(&text), Ok(view));
        }
    }

    #[test]
    fn what_no_link_has_is_named() {
        for (text, said) in [
            ("step=x", "a number is expected behind `step=`"),
            ("stpe=1", "`stpe` is unknown"),
            ("search=%ff", "is not valid UTF-8"),
        ] {
            let why = LinkedView::parse(text).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
        assert_eq!(LinkedView::parse(""), Ok(LinkedView::default()));
    }
}
