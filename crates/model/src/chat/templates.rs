//! Which of a checkpoint's chat templates is taken.

use std::path::Path;

use crate::bounded;

/// The template that conversations are put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// There is none, or none is wanted: a prompt is taken as it is.
    None,
    /// Prompts are put into this one.
    Text {
        /// The template's text, in Jinja.
        text: String,
        /// Where it is from, for the user.
        place: String,
    },
    /// There are several, none of them for the start.
    Unnamed(Vec<String>),
}

/// The templates of a checkpoint, by name, with the places they are from. The one for the start
/// is called `default`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Templates {
    pub named: Vec<NamedTemplate>,
    /// The error in the checkpoint's field for templates, with its place; none if it is right.
    pub fault: Option<String>,
}

/// A template of a checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct NamedTemplate {
    pub name: String,
    pub text: String,
    pub place: String,
}

/// The largest template, bytes; published ones have up to some twenty thousand.
pub(super) const LARGEST_TEMPLATE: u64 = 1 << 18;

/// The template that needs no name.
pub(crate) const DEFAULT: &str = "default";

impl Templates {
    /// The one that is wanted: by its name or a file of another, or for `None` the one to start
    /// with.
    ///
    /// # Errors
    /// In words, if there is no such file or template.
    pub(super) fn choose(&self, wanted: Option<&str>) -> Result<Template, String> {
        let named = |name: &str| self.named.iter().find(|template| template.name == name);
        let found = |found: &NamedTemplate| Template::Text {
            text: found.text.clone(),
            place: found.place.clone(),
        };
        let names = || self.named.iter().map(|template| template.name.clone()).collect::<Vec<_>>();
        match wanted {
            None if self.fault.is_some() => Err(self.fault.clone().unwrap_or_default()),
            None => Ok(match (named(DEFAULT), self.named.is_empty()) {
                (Some(default), _) => found(default),
                (None, true) => Template::None,
                (None, false) => Template::Unnamed(names()),
            }),
            Some(name) if named(name).is_some() => Ok(named(name).map_or(Template::None, found)),
            Some("none") => Ok(Template::None),
            Some(file) => match bounded::read_text(Path::new(file), LARGEST_TEMPLATE) {
                Ok(text) => Ok(Template::Text { text, place: file.to_owned() }),
                Err(error) if Path::new(file).exists() => {
                    Err(format!("{file}: it cannot be read ({error}). Give a text file"))
                }
                Err(_) => Err(format!(
                    "{file}: there is no such file, and {}. Give a file, a name, or `none` for a \
                     prompt as it is",
                    match names().as_slice() {
                        [] => "the model has no chat template".to_owned(),
                        names => format!("the model's chat templates are {}", names.join(", ")),
                    }
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NamedTemplate, Template, Templates};

    fn templates(names: &[&str]) -> Templates {
        let named = |name: &&str| NamedTemplate {
            name: (*name).to_owned(),
            text: format!("<{name}>"),
            place: String::new(),
        };
        Templates { named: names.iter().map(named).collect(), fault: None }
    }

    #[test]
    fn the_default_or_the_one_that_is_named() {
        let text = |text: &str| Template::Text { text: text.to_owned(), place: String::new() };
        for (names, wanted, expected) in [
            (&[] as &[&str], None, Template::None),
            (&["default"], None, text("<default>")),
            (&["tool_use", "default"], None, text("<default>")),
            (&["tool_use", "rag"], None, Template::Unnamed(vec!["tool_use".into(), "rag".into()])),
            (&["tool_use", "rag"], Some("rag"), text("<rag>")),
            (&["default"], Some("none"), Template::None),
        ] {
            assert_eq!(templates(names).choose(wanted).unwrap(), expected, "{names:?} {wanted:?}");
        }
        let faulty = Templates { fault: Some("a: b".to_owned()), ..templates(&["rag"]) };
        assert_eq!(faulty.choose(None), Err("a: b".to_owned()));
        assert_eq!(faulty.choose(Some("rag")), Ok(text("<rag>")));
        assert_eq!(faulty.choose(Some("none")), Ok(Template::None));
        let problem = templates(&["default", "rag"]).choose(Some("nothing.jinja")).unwrap_err();
        assert!(problem.contains("nothing.jinja") && problem.contains("default, rag"), "{problem}");
    }
}
