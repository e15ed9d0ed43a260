//! The turns of a conversation.

use minijinja::{Value, value::ValueKind};
use serde::Serialize;

/// The turns of a conversation, as a chat template is given them: dictionaries with a `role` and
/// mostly a `content`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Messages(Vec<Value>);

/// Names under which a turn's reasoning is published. Templates read the first, or the second.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

impl Messages {
    /// One turn of a user.
    pub fn of(prompt: &str) -> Self {
        Self(vec![turn("user", prompt)])
    }

    /// Reads `[{"role": …, "content": …}, …]`, or an object that holds such a list as `messages`.
    ///
    /// # Errors
    /// In words: what is wrong, and in which turn.
    pub fn parse(json: &str) -> Result<Self, String> {
        let read: Value =
            serde_json::from_str(json).map_err(|error| format!("it is no JSON ({error})"))?;
        let list = match read.kind() {
            ValueKind::Map => read.get_attr("messages").unwrap_or_default(),
            _ => read,
        };
        if list.kind() != ValueKind::Seq {
            return Err(
                "it holds no list of turns: [{\"role\": \"user\", \"content\": \"…\"}], or an \
                 object with such a list as `messages`"
                    .to_owned(),
            );
        }
        let turns: Vec<Value> = list.try_iter().into_iter().flatten().collect();
        for (index, turn) in turns.iter().enumerate() {
            check(turn).map_err(|problem| format!("turn {} {problem}", index + 1))?;
        }
        let Some(last) = turns.last() else {
            return Err("it holds no turn. Give one of the user at least".to_owned());
        };
        if matches!(role(last).as_str(), "system" | "developer") {
            return Err(format!(
                "its last turn is the {}'s, which asks nothing. End with the user's, or with the \
                 beginning of the assistant's",
                role(last)
            ));
        }
        Ok(Self(turns.iter().map(normal).collect()))
    }

    /// The same with a system prompt before all turns.
    ///
    /// # Errors
    /// If there is one already.
    pub fn after_system(mut self, text: &str) -> Result<Self, String> {
        if self.0.first().is_some_and(|first| role(first) == "system") {
            return Err(
                "the turns begin with a system prompt, and --system gives another. Leave one out"
                    .to_owned(),
            );
        }
        self.0.insert(0, turn("system", text));
        Ok(self)
    }

    /// The text of the last turn that is the user's, for the user to see.
    pub fn asked(&self) -> String {
        let last = self.0.iter().rfind(|turn| role(turn) == "user").or_else(|| self.0.last());
        last.map(content).unwrap_or_default()
    }

    /// The same turns with another text in the user's last, and none behind it.
    pub fn asking(&self, text: &str) -> Self {
        match self.0.iter().rposition(|turn| role(turn) == "user") {
            None => Self::of(text),
            Some(last) => {
                let mut turns = self.0[..=last].to_vec();
                turns[last] = with(&turns[last], "content", text.into());
                Self(turns)
            }
        }
    }

    /// The beginning of an answer, if the last turn is the assistant's: the model goes on with it.
    pub(super) fn begun(&self) -> Option<String> {
        self.0.last().filter(|last| role(last) == "assistant").map(content)
    }

    /// The turns, with `mark` behind the last one's text.
    pub(super) fn marked(&self, mark: &str) -> Value {
        let mut turns = self.0.clone();
        if let Some(last) = turns.last_mut() {
            let text = content(last) + mark;
            *last = with(last, "content", text.into());
        }
        turns.into()
    }

    /// The turns as a template sees them.
    pub(super) fn value(&self) -> Value {
        self.0.clone().into()
    }

    /// The only turn's text, if there is one turn and it is the user's: it needs no template.
    pub fn only(&self) -> Option<String> {
        match self.0.as_slice() {
            [turn] if role(turn) == "user" => Some(content(turn)),
            _ => None,
        }
    }
}

fn turn(role: &str, content: &str) -> Value {
    Value::from_pairs([("role", role), ("content", content)])
}

fn role(turn: &Value) -> String {
    turn.get_attr("role").unwrap_or_default().as_str().unwrap_or_default().to_owned()
}

/// A turn's text: its content, or the last text of its parts.
fn content(turn: &Value) -> String {
    let content = turn.get_attr("content").unwrap_or_default();
    match content.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let parts = content.try_iter().into_iter().flatten();
            let texts =
                parts.filter_map(|part| Some(part.get_attr("text").ok()?.as_str()?.to_owned()));
            texts.last().unwrap_or_default()
        }
    }
}

/// A turn with one entry changed.
fn with(turn: &Value, name: &str, value: Value) -> Value {
    let keys: Vec<Value> = turn.try_iter().into_iter().flatten().collect();
    let other = |key: Value| {
        let held = turn.get_item(&key).unwrap_or_default();
        let held = if key.as_str() == Some(name) { value.clone() } else { held };
        (key, held)
    };
    Value::from_pairs(keys.into_iter().map(other))
}

/// What is wrong with a turn.
fn check(turn: &Value) -> Result<(), String> {
    if turn.kind() != ValueKind::Map {
        return Err("is no object with a `role` and a `content`".to_owned());
    }
    let field = |name: &str| turn.get_attr(name).unwrap_or_default();
    match field("role").kind() {
        ValueKind::String => {}
        ValueKind::Undefined => {
            return Err("has no `role`: `user`, `assistant` or `system`".to_owned());
        }
        kind => return Err(format!("has a `role` that is a {kind}, and must be a string")),
    }
    match field("content").kind() {
        ValueKind::String | ValueKind::Seq => Ok(()),
        ValueKind::Undefined | ValueKind::None if field("tool_calls").kind() == ValueKind::Seq => {
            Ok(())
        }
        ValueKind::Undefined | ValueKind::None => Err("has no `content`".to_owned()),
        kind => Err(format!("has a `content` that is a {kind}, and must be a string")),
    }
}

/// A turn as transformers gives it to templates: without entries that are null, and its reasoning
/// under the names that they read.
fn normal(turn: &Value) -> Value {
    let keys = turn.try_iter().into_iter().flatten();
    let entries = keys.map(|key| (key.clone(), turn.get_item(&key).unwrap_or_default()));
    let mut entries: Vec<(Value, Value)> = entries.filter(|(_, held)| !held.is_none()).collect();
    let held = |entries: &[(Value, Value)], name: &str| {
        entries.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, held)| held.clone())
    };
    if let Some(reasoning) = REASONING.iter().find_map(|name| held(&entries, name)) {
        if held(&entries, "thinking").is_none() {
            entries.insert(0, ("thinking".into(), reasoning.clone()));
        }
        entries.retain(|(key, _)| key.as_str() != Some("reasoning_content"));
        entries.push(("reasoning_content".into(), reasoning));
    }
    Value::from_pairs(entries)
}

#[cfg(test)]
mod tests {
    use super::Messages;

    #[test]
    fn what_is_wrong_is_named_with_its_turn() {
        for (json, expected) in [
            ("[", "it is no JSON"),
            ("3", "no list of turns"),
            ("{\"turns\": []}", "no list of turns"),
            ("[]", "no turn"),
            ("[\"hello\"]", "turn 1 is no object"),
            ("[{\"content\": \"a\"}]", "turn 1 has no `role`"),
            ("[{\"role\": \"user\"}]", "turn 1 has no `content`"),
            ("[{\"role\": 3, \"content\": \"a\"}]", "turn 1 has a `role` that is a number"),
            (
                "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": 5}]",
                "turn 2 has a `content` that is a number",
            ),
            ("[{\"role\": \"system\", \"content\": \"a\"}]", "last turn is the system's"),
        ] {
            let problem = Messages::parse(json).unwrap_err();
            assert!(problem.contains(expected), "{json}: {problem}");
        }
    }

    #[test]
    fn the_last_question_and_a_begun_answer() {
        let user = "{\"role\": \"user\", \"content\": \"2 + 2?\"}";
        let answer = "{\"role\": \"assistant\", \"content\": \"It is\"}";
        let asked = Messages::parse(&format!("{{\"messages\": [{user}]}}")).unwrap();
        assert_eq!((asked.asked(), asked.begun()), ("2 + 2?".to_owned(), None));
        let begun = Messages::parse(&format!("[{user}, {answer}]")).unwrap();
        assert_eq!((begun.asked(), begun.begun()), ("2 + 2?".to_owned(), Some("It is".to_owned())));
        let other = begun.asking("3 + 3?");
        assert_eq!((other.asked(), other.begun()), ("3 + 3?".to_owned(), None));
        let twice = begun.after_system("a").unwrap().after_system("b");
        assert!(twice.unwrap_err().contains("--system"));
    }
}
