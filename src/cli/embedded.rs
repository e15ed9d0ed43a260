//! What the user is told of the embedded model: how small it is, which prompts it knows, and where
//! a prompt is unlike those.

use super::fault::tell;
use crate::escape::escaped;
use crate::{debugger::Repertoire, eval::tasks, model::Loaded};

/// A sentence that says what the embedded model is.
pub fn about(parameters: u64) -> String {
    let millions = parameters as f64 / 1e6;
    let kinds = tasks::Task::ALL.len();
    let kinds = if kinds == 5 { "five".to_owned() } else { kinds.to_string() };
    format!(
        "the embedded model has {millions:.1} M parameters and was trained on {kinds} kinds of prompt"
    )
}

/// What it is and what it knows; nothing of another model.
pub fn repertoire(loaded: &Loaded) -> Option<Repertoire> {
    let prompts = tasks::examples().into_iter();
    loaded.embedded.then(|| Repertoire {
        about: about(loaded.parameters),
        prompts: prompts.map(|known| (known.task.name().to_owned(), known.prompt)).collect(),
    })
}

/// That a prompt is unlike those it was trained on, and why; nothing if it is like them.
pub fn unlike(prompt: &str) -> Option<String> {
    let why = tasks::unlike(prompt)?;
    Some(format!(
        "this prompt is unlike those that the embedded model was trained on ({why}): what it \
         answers means nothing"
    ))
}

/// Says on stderr what answers, if it is the embedded model, and whether it knows such a prompt;
/// `prompt` is empty for token ids.
pub fn tell_of(loaded: &Loaded, prompt: &str) {
    if !loaded.embedded {
        return;
    }
    tell(&format!("note: {}", about(loaded.parameters)));
    if prompt.is_empty() {
        return;
    }
    if let Some(unlike) = unlike(prompt) {
        tell(&escaped(&format!("note: {unlike}. It knows such as these:")));
        for known in tasks::examples() {
            tell(&format!("  {}", known.prompt));
        }
        tell("--model takes another model: a folder, or an id of the hub");
    }
}
