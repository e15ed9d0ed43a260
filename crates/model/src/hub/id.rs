//! The name of a model on the hub: `owner/name`, where it is wanted with `@revision` and
//! `:file.gguf`.

use std::{fmt, str::FromStr};

use crate::file_names::stays_inside;

/// A repository of models, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoId {
    /// The name on the hub, `owner/name`.
    pub id: String,
    /// A branch, a tag or a commit; `None` for the branch `main`.
    pub revision: Option<String>,
    /// One GGUF file; `None` for the checkpoint.
    pub file: Option<String>,
}

/// Why a text is no name of a model on the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IdError(String);

/// Longest id the hub allows, bytes.
const LONGEST_ID: usize = 96;

impl RepoId {
    /// The revision asked for, `main` if none is.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// The same repository at another revision.
    ///
    /// # Errors
    /// If it is no name of a revision.
    pub fn at(mut self, revision: &str) -> Result<Self, IdError> {
        check_revision(revision)?;
        self.revision = Some(revision.to_owned());
        Ok(self)
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.id)?;
        if let Some(revision) = &self.revision {
            write!(out, "@{revision}")?;
        }
        match &self.file {
            Some(file) => write!(out, ":{file}"),
            None => Ok(()),
        }
    }
}

impl FromStr for RepoId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (rest, file) = match text.split_once(':') {
            Some((rest, file)) => (rest, Some(file)),
            None => (text, None),
        };
        let (id, revision) = match rest.split_once('@') {
            Some((id, revision)) => (id, Some(revision)),
            None => (rest, None),
        };
        let Some((owner, name)) = id.split_once('/') else {
            return Err(IdError("an id is `owner/name`".to_owned()));
        };
        check_part("owner", owner)?;
        check_part("name", name)?;
        if id.len() > LONGEST_ID {
            return Err(IdError(format!("an id has at most {LONGEST_ID} characters")));
        }
        revision.map(check_revision).transpose()?;
        if let Some(file) = file
            && (!stays_inside(file) || !file.to_ascii_lowercase().ends_with(".gguf"))
        {
            return Err(IdError("what follows `:` is the name of a .gguf file".to_owned()));
        }
        Ok(Self {
            id: id.to_owned(),
            revision: revision.map(str::to_owned),
            file: file.map(str::to_owned),
        })
    }
}

/// The hub's own rules for the two parts of an id.
fn check_part(which: &str, part: &str) -> Result<(), IdError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: char| matches!(c, '-' | '.');
    let problem = if part.is_empty() {
        "is empty"
    } else if !part.chars().all(legal) {
        "may have letters, digits, `-`, `_` and `.` only"
    } else if part.starts_with(edge) || part.ends_with(edge) {
        "may not start or end with `-` or `.`"
    } else if part.contains("--") || part.contains("..") {
        "may not have `--` or `..` in it"
    } else {
        return Ok(());
    };
    Err(IdError(format!("the {which} of an id {problem}")))
}

/// Git's rules for names of branches and tags, as far as a path of the cache depends on them.
fn check_revision(revision: &str) -> Result<(), IdError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_./+=".contains(c);
    if stays_inside(revision) && revision.chars().all(legal) && !revision.contains("..") {
        return Ok(());
    }
    Err(IdError("a revision is the name of a branch or a tag, or a commit".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::RepoId;

    #[test]
    fn ids_are_read() {
        fn check(text: &str, expected: (&str, Option<&str>, Option<&str>)) {
            let id: RepoId = text.parse().unwrap();
            assert_eq!((&*id.id, id.revision.as_deref(), id.file.as_deref()), expected);
            assert_eq!(id.to_string(), text);
        }
        check("a/b", ("a/b", None, None));
        check("GSAI-ML/LLaDA-8B_x.5", ("GSAI-ML/LLaDA-8B_x.5", None, None));
        check("a/b@main", ("a/b", Some("main"), None));
        check("a/b@refs/pr/1", ("a/b", Some("refs/pr/1"), None));
        check("a/b:c-Q4_K_M.gguf", ("a/b", None, Some("c-Q4_K_M.gguf")));
        check("a/b@v1:x/c.GGUF", ("a/b", Some("v1"), Some("x/c.GGUF")));
    }

    #[test]
    fn what_is_no_id_says_why() {
        fn check(text: &str, words: &str) {
            let error = text.parse::<RepoId>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        check("", "owner/name");
        check("gpt2", "owner/name");
        check("/no/such", "owner of an id is empty");
        check("./a", "owner of an id may not start");
        check("~/a", "letters");
        check("a/b/c", "name of an id may have letters");
        check("a/", "name of an id is empty");
        check("a/..", "may not start or end");
        check("a/b--c", "`--`");
        check("a/b@", "revision");
        check("a/b@../../x", "revision");
        check("a/b@x\\y", "revision");
        check("a/b@/x", "revision");
        check("a/b:model.bin", ".gguf");
        check("a/b:../c.gguf", ".gguf");
        check("a/b:/c.gguf", ".gguf");
        check(&format!("a/{}", "b".repeat(95)), "at most 96");
    }
}
