//! What the user says about chat templates on the command line.

use std::{fmt, str::FromStr};

use minijinja::Value;
use serde::de::IgnoredAny;

/// What is said about the chat template; nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatSettings {
    /// The template: a file, the name of one of the checkpoint's, or `none`.
    pub template: Option<String>,
    /// The variables that the template is given.
    pub variables: Vec<TemplateVariable>,
    /// The system prompt; `None` leaves it to the template.
    pub system: Option<String>,
}

/// What dLLM gives the templates of its own families where nobody says otherwise: without a word
/// their models answer at once.
const OF_FAMILIES: [(&str, &str, &str); 2] =
    [("a2d-qwen2", "enable_thinking", "false"), ("a2d-qwen3", "enable_thinking", "false")];

impl ChatSettings {
    /// The variables that a family's own programs set.
    pub(crate) fn of_family(model_type: &str) -> Vec<TemplateVariable> {
        let own = OF_FAMILIES.iter().filter(|(family, ..)| *family == model_type);
        let own = own.map(|(_, name, given)| TemplateVariable {
            name: (*name).to_owned(),
            given: (*given).to_owned(),
        });
        own.collect()
    }
}

/// A variable of a chat template, as the user gives it: `NAME=VALUE`. The value is JSON, `True`,
/// `False` or `None`, or else a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateVariable {
    /// The name that the template reads it by.
    pub name: String,
    /// Its value as it was given.
    pub given: String,
}

impl TemplateVariable {
    /// Its value as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self.value()).unwrap_or_default()
    }

    /// The value as the template sees it.
    pub(super) fn value(&self) -> Value {
        match self.given.as_str() {
            "True" => true.into(),
            "False" => false.into(),
            "None" => ().into(),
            other => serde_json::from_str(other).unwrap_or_else(|_| other.into()),
        }
    }
}

impl FromStr for TemplateVariable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, given) =
            text.split_once('=').ok_or("it is given as NAME=VALUE, like enable_thinking=false")?;
        let word = |c: char| c == '_' || c.is_alphanumeric();
        if name.is_empty() || !name.chars().all(word) || name.starts_with(|c: char| c.is_numeric())
        {
            return Err(format!("{name:?} is no name of a variable: letters, digits and _"));
        }
        if name == "messages" {
            return Err("the turns are given with --messages FILE".to_owned());
        }
        if given.starts_with(['{', '[', '"'])
            && let Err(error) = serde_json::from_str::<IgnoredAny>(given)
        {
            return Err(format!(
                "its value begins like JSON and is not valid JSON ({error}). Correct it, or, if it \
                 is a text, write it as a JSON string: {name}={}",
                serde_json::Value::from(given)
            ));
        }
        Ok(Self { name: name.to_owned(), given: given.to_owned() })
    }
}

impl fmt::Display for TemplateVariable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}={}", self.name, self.given)
    }
}

#[cfg(test)]
mod tests {
    use minijinja::Value;

    use super::TemplateVariable;

    #[test]
    fn values_are_json_or_pythons_or_text() {
        for (text, expected) in [
            ("a=false", Value::from(false)),
            ("a=False", Value::from(false)),
            ("a=None", Value::from(())),
            ("a=3", Value::from(3)),
            ("a=\"3\"", Value::from("3")),
            ("a=26 Jul 2024", Value::from("26 Jul 2024")),
            ("a=", Value::from("")),
            ("a=b=c", Value::from("b=c")),
            ("a=[1, 2]", Value::from(vec![1, 2])),
            ("a=\"[INST]\"", Value::from("[INST]")),
            ("a=(b", Value::from("(b")),
        ] {
            assert_eq!(text.parse::<TemplateVariable>().unwrap().value(), expected, "{text}");
        }
        for wrong in
            ["a", "=1", "a b=1", "1a=1", "messages=[]", "tools={", "a=[INST]", "a=\"b", "a=[1] 2"]
        {
            assert!(wrong.parse::<TemplateVariable>().is_err(), "{wrong}");
        }
    }
}
