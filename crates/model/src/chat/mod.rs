//! Chat templates: Jinja, rendered as transformers renders it.
//!
//! [`source`] says in the engine's words what templates say in Jinja2's, [`engine`] renders it,
//! and the other files are what Jinja2, Python and transformers have beyond the engine.

mod arguments;
mod arithmetic;
mod budget;
mod engine;
mod escapes;
mod filters;
mod format;
mod functions;
mod json;
mod messages;
mod methods;
mod operators;
mod patience;
mod python;
mod scan;
mod settings;
mod source;
mod templates;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use jiff::{ZonedDateTime, civil::DateTime};
use minijinja::Value;

pub use messages::Messages;
pub use settings::{ChatSettings, TemplateVariable};
pub use templates::Template;
pub(super) use templates::{DEFAULT, NamedTemplate, Templates};

/// How a checkpoint puts a conversation into one text.
#[derive(Debug, Clone)]
pub struct Chat {
    template: Template,
    /// Special tokens and other variables, the later before the earlier.
    variables: Vec<(String, Value)>,
    /// The variables that the family sets, and those that the user sets, which go before them.
    set_variables: [Vec<TemplateVariable>; 2],
    system: Option<String>,
}

/// How long a template may take; published ones take milliseconds. The fuel ends most templates
/// that take long, but does not count everything that the library does.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the templates of the families with variables of their own begin a turn with (ChatML).
const OF_FAMILY: &str = "<|im_start|>";

/// Put behind an answer that is to be gone on with, to find its end. The blank tells whether the
/// template takes blanks off.
const END: &str = "END_OF_WHAT_IS_GONE_ON_WITH ";

impl Chat {
    /// One of `templates`, with these special tokens by their names, and what the family and
    /// the user says about it.
    ///
    /// # Errors
    /// In words, if the user names a template that is not there.
    pub(super) fn new(
        templates: &Templates,
        tokens: Vec<(String, String)>,
        family: &[TemplateVariable],
        settings: &ChatSettings,
    ) -> Result<Self, String> {
        let tokens = tokens.into_iter().map(|(name, text)| (name, text.into()));
        let template = templates.choose(settings.template.as_deref())?;
        // The family's programs are made for its own template. Another one is rendered as
        // transformers renders it.
        let family = match &template {
            Template::Text { text, .. } if text.contains(OF_FAMILY) => family.to_vec(),
            _ => Vec::new(),
        };
        let set_variables = [family, settings.variables.clone()];
        let values = set_variables
            .iter()
            .flatten()
            .map(|set_variables| (set_variables.name.clone(), set_variables.value()));
        Ok(Self {
            template,
            variables: tokens.chain(values).collect(),
            set_variables,
            system: settings.system.clone(),
        })
    }

    /// The template, and where it is from.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The template's variables that the user sets, else those that the family's own programs set.
    pub fn set_variables(&self) -> BTreeMap<&str, &str> {
        let set_variables = self.set_variables.iter().flatten();
        set_variables.map(|variable| (variable.name.as_str(), variable.given.as_str())).collect()
    }

    /// Variables that the user sets and the template never reads.
    pub fn unread(&self) -> Vec<&str> {
        let Template::Text { text, .. } = &self.template else { return Vec::new() };
        let text = text.clone();
        let [_, given] = &self.set_variables;
        let read = match given.is_empty() {
            true => Ok(HashSet::new()),
            false => patience::in_time(PATIENCE, move || engine::read_by(&text)),
        };
        // An error in the template is reported when it is rendered.
        let Ok(read) = read else { return Vec::new() };
        let given = given.iter().map(|variable| variable.name.as_str());
        given.filter(|name| !read.contains(*name)).collect()
    }

    /// A conversation as one text, the answer opened; `None` if it is to be taken as it is.
    ///
    /// # Errors
    /// In words, if the template refuses it, or there is none for it.
    pub(super) fn text(&self, messages: &Messages) -> Result<Option<String>, String> {
        self.text_at(messages, ZonedDateTime::now().datetime())
    }

    fn text_at(&self, messages: &Messages, now: DateTime) -> Result<Option<String>, String> {
        let messages = match &self.system {
            Some(system) => messages.clone().after_system(system)?,
            None => messages.clone(),
        };
        match &self.template {
            Template::None if !self.set_variables[1].is_empty() => Err(format!(
                "there is no chat template that could read `{}` (--template-var). Give one with \
                 --chat-template FILE, or leave --template-var out",
                self.set_variables[1][0].name
            )),
            Template::None => match messages.only() {
                Some(_) => Ok(None),
                None => Err(
                    "there is no chat template to put a system prompt or several turns into. Give \
                     one with --chat-template FILE, or one prompt"
                        .to_owned(),
                ),
            },
            Template::Unnamed(names) => Err(format!(
                "there are several chat templates and none is the default: {}. Name one with \
                 --chat-template NAME",
                names.join(", ")
            )),
            Template::Text { text, place } => self
                .rendered(text, &messages, now)
                .map(Some)
                .map_err(|problem| format!("{place}: the chat template fails ({problem})")),
        }
    }

    fn rendered(
        &self,
        template: &str,
        messages: &Messages,
        now: DateTime,
    ) -> Result<String, String> {
        let begun = messages.begun();
        let turns = match &begun {
            Some(_) => messages.marked(END),
            None => messages.value(),
        };
        let set = [
            ("messages", turns),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
            ("add_generation_prompt", begun.is_none().into()),
        ];
        let set = set.into_iter().map(|(name, value)| (name.to_owned(), value));
        let variables = Value::from_pairs(set.chain(self.variables.iter().cloned()));
        let template = template.to_owned();
        let text = patience::in_time(PATIENCE, move || engine::render(&template, variables, now))?;
        if begun.is_none() {
            return Ok(text);
        }
        let end = text
            .rfind(END.trim_end())
            .ok_or("it leaves out the last turn, the beginning of the answer")?;
        let before = &text[..end];
        // A template that takes blanks off a turn's end takes them off the answer's beginning.
        let kept = text[end..].starts_with(END);
        Ok(if kept { before } else { before.trim_end_matches(python::blank) }.to_owned())
    }
}
