//! The file that says where a session was left.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    bounded,
    debugger::Breakpoints,
    inspect::Condition,
    model::{BlockAttention, ChatSettings, Overrides},
    session::{NodeId, Session},
    trace::Recording,
    tui::SavedView,
};

/// Its name in the state folder.
pub(super) const NAME: &str = "last.json";

/// Most bytes that are read: far more than are ever written.
const MOST_BYTES: u64 = 1 << 20;

/// What is kept of a session, as it is in the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Last {
    /// The recording with every step.
    pub session: PathBuf,
    /// The model it goes on with; `None` for a replay.
    pub model: Option<LastModel>,
    /// The name a replay goes by.
    pub name: String,
    /// Where the session was being recorded.
    pub recording: Option<PathBuf>,
    /// The number of the node that was left.
    pub at: usize,
    /// The parameters as they were, by name.
    pub params: BTreeMap<String, String>,
    /// In the order of their numbers.
    pub breakpoints: Vec<LastBreakpoint>,
    /// What the screen showed.
    pub view: SavedView,
}

/// How the model was loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastModel {
    /// Its folder or its name at the hub; `None` for the embedded one, and for an engine.
    #[serde(alias = "folder")]
    pub model: Option<String>,
    /// Where its engine is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// As `--device` takes it; what follows is as its option takes it, too.
    pub device: String,
    /// The type of number, as `--dtype` takes it.
    pub dtype: String,
    /// What weights are rounded to, as `--quantize` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokenizer: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mask_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) eos_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) chat_template: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) template_vars: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block_attention: Option<String>,
}

/// A breakpoint, with its condition as text.
#[derive(Debug, Serialize, Deserialize)]
pub struct LastBreakpoint {
    /// As it was written.
    pub condition: String,
    /// False if it was switched off.
    pub enabled: bool,
    /// The number of times that it stopped a run; 0 as older versions kept it.
    #[serde(default)]
    pub hits: u32,
}

/// A path that means the same wherever the program is started from.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Why there is nothing to go on with.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// No session was kept yet.
    #[error(
        "there is no session to resume: none was left yet. Start `demask`, make a step and quit"
    )]
    None,
    /// What was kept cannot be read.
    #[error("{}: it cannot be read ({why}). Remove it", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it, in words.
        why: String,
    },
}

impl Last {
    /// Reads what was kept in the state folder.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn read(folder: &Path) -> Result<Self, ResumeError> {
        let path = folder.join(NAME);
        let unreadable = |path, why| ResumeError::Unreadable { path, why };
        match bounded::read_text(&path, MOST_BYTES) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|error| unreadable(path, error.to_string()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(ResumeError::None),
            Err(error) => Err(unreadable(path, error.to_string())),
        }
    }

    /// The session over its recording, at the node and under the parameters it was left with.
    pub fn session(&self, recording: &Recording) -> Session {
        let mut session = recording.session();
        if self.at < session.timeline().len() {
            session.go(NodeId(self.at));
        }
        for (name, value) in &self.params {
            let parsed = session.params().spec(name).and_then(|spec| spec.parse(value));
            if let Ok(value) = parsed {
                // Read back as it was written: it fits.
                let _ = session.set_param(name, value);
            }
        }
        session
    }

    /// Its breakpoints as they were.
    pub fn breakpoints(&self) -> Breakpoints {
        let mut breakpoints = Breakpoints::default();
        for point in &self.breakpoints {
            // Written by this program, it is read; by a later one perhaps not.
            if let Ok(condition) = Condition::parse(&point.condition) {
                breakpoints.restore(condition, point.enabled, point.hits);
            }
        }
        breakpoints
    }
}

impl LastModel {
    /// What is said now in place of the model's files, else what was said then.
    pub fn overrides(&self, now: &Overrides) -> Overrides {
        let then = self;
        let token = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        Overrides {
            tokenizer: now.tokenizer.as_deref().map(absolute).or_else(|| then.tokenizer.clone()),
            mask: now.mask.clone().or_else(|| token(&then.mask_token)),
            eos: now.eos.clone().or_else(|| token(&then.eos_token)),
            chat: ChatSettings {
                template: now.chat.template.clone().or_else(|| then.chat_template.clone()),
                // The later before the earlier.
                variables: then
                    .template_vars
                    .iter()
                    .filter_map(|text| text.parse().ok())
                    .chain(now.chat.variables.iter().cloned())
                    .collect(),
                system: now.chat.system.clone().or_else(|| then.system.clone()),
            },
            attention: match (now.attention, &then.block_attention) {
                (BlockAttention::Auto, Some(overrides_of)) => {
                    overrides_of.parse().unwrap_or_default()
                }
                (now, _) => now,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_kept_is_told_from_what_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Last::read(folder.path()), Err(ResumeError::None)));
        std::fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(matches!(Last::read(folder.path()), Err(ResumeError::Unreadable { .. })));
    }

    #[test]
    fn breakpoints_come_back_with_their_hits() {
        let kept = r#"[{"condition":"expanded","enabled":false,"hits":3},{"condition":"eos_conf > 0.5","enabled":true},
            {"condition":"of a later version","enabled":true,"hits":1}]"#;
        let last = Last {
            session: PathBuf::new(),
            model: None,
            name: String::new(),
            recording: None,
            at: 0,
            params: BTreeMap::new(),
            breakpoints: serde_json::from_str(kept).unwrap(),
            view: SavedView::default(),
        };
        let breakpoints = last.breakpoints();
        let points = breakpoints.iter().map(|it| (it.condition.to_string(), it.enabled, it.hits));
        let expected = [("expanded", false, 3), ("eos_conf > 0.5", true, 0)];
        let expected =
            expected.map(|(condition, enabled, hits)| (condition.to_owned(), enabled, hits));
        assert_eq!(points.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_said_then_holds_unless_something_else_is_said_now() {
        let overrides_of = |mask: Option<&str>, eos: Option<&str>| Overrides {
            tokenizer: None,
            mask: mask.map(|text| text.parse().unwrap()),
            eos: eos.map(|text| text.parse().unwrap()),
            attention: BlockAttention::Of(16),
            ..Overrides::default()
        };
        let kept = r#"{"device":"cpu","dtype":"auto","mask_token":"507","eos_token":"<|eot_id|>",
            "block_attention":"16"}"#;
        let then: LastModel = serde_json::from_str(kept).unwrap();
        let both = overrides_of(Some("507"), Some("<|eot_id|>"));
        assert_eq!(then.overrides(&Overrides::default()), both.clone());
        let other = overrides_of(Some("3"), Some("<|eot_id|>"));
        assert_eq!(then.overrides(&overrides_of(Some("3"), None)), other);
        let full = Overrides { attention: BlockAttention::Full, ..Overrides::default() };
        assert_eq!(then.overrides(&full), Overrides { attention: full.attention, ..both });
        // As older versions kept it.
        let old: LastModel =
            serde_json::from_str(r#"{"folder":null,"device":"cpu","dtype":"auto"}"#).unwrap();
        assert_eq!(old.overrides(&Overrides::default()), Overrides::default());
    }
}
