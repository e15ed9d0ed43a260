//! What a repository holds, and which of it a checkpoint needs.

use serde::Deserialize;

use super::{
    super::{LoadError, file_names::stays_inside, index},
    RepoId,
    cache::is_commit,
    client::Client,
    trouble::{Trouble, garbage},
};

/// The small files that are fetched where they are there: they say what the model is.
const SMALL: [&str; 10] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    // It is not read, but named.
    "tokenizer.model",
];

/// Where chat templates are beside the one to start with.
const MORE_TEMPLATES: &str = "additional_chat_templates/";

/// Largest listing read, bytes.
const LARGEST_LISTING: u64 = 1 << 25;

/// A repository at a commit.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// The hash of the commit.
    #[serde(rename = "sha")]
    pub(super) commit: String,
    /// All files at that commit.
    #[serde(rename = "siblings")]
    pub(super) files: Vec<ListedFile>,
}

/// A file of it.
#[derive(Debug, Deserialize)]
pub(super) struct ListedFile {
    /// Its name, with the folders it is in.
    #[serde(rename = "rfilename")]
    pub(super) name: String,
    /// Bytes, where the hub says so.
    #[serde(default)]
    pub(super) size: Option<u64>,
}

impl Listing {
    /// Asks the hub.
    ///
    /// # Errors
    /// If it does not answer, or with something else.
    pub(super) fn ask(client: &Client) -> Result<Self, Trouble> {
        let url = client.listing_url();
        let bytes = client.small(&url, LARGEST_LISTING)?;
        let place = url.split('?').next().unwrap_or(&url);
        let bad = |problem: &str| Trouble::Lasting(garbage(place, problem));
        let listing: Self = serde_json::from_slice(&bytes).map_err(|error| {
            let page = bytes.trim_ascii_start().starts_with(b"<");
            let what = if page { "a web page" } else { "no list of files" };
            bad(&format!("the answer is {what} ({error})"))
        })?;
        if !is_commit(&listing.commit) {
            return Err(bad("the answer names no commit"));
        }
        match listing.files.iter().find(|file| !stays_inside(&file.name)) {
            None => Ok(listing),
            Some(file) => Err(Trouble::Lasting(LoadError::new(
                place,
                format!(
                    "it lists a file that would be written elsewhere: `{}`",
                    file.name.escape_default()
                ),
                "Nothing was fetched. Do not trust this repository",
            ))),
        }
    }

    /// Bytes of a file; `None` where the hub does not say.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        self.files.iter().find(|file| file.name == name)?.size
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|file| file == name)
    }

    /// Whether an index says which files hold the tensors.
    pub(super) fn indexed(&self) -> bool {
        self.has(index::NAME) && !self.has(index::ONE)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }

    /// The small files a checkpoint needs, the index among them.
    ///
    /// # Errors
    /// If it is no checkpoint.
    pub(super) fn small(&self, repo: &RepoId) -> Result<Vec<&str>, LoadError> {
        if !self.has("config.json") {
            return Err(self.none(repo, "it has no config.json, so it is no checkpoint"));
        }
        if !self.indexed() && self.weights(repo, None)?.is_empty() {
            return Err(self.none(repo, "it has no weights as safetensors"));
        }
        let template = |name: &str| name.starts_with(MORE_TEMPLATES) && name.ends_with(".jinja");
        let wanted = |name: &&str| {
            SMALL.contains(name) || *name == index::NAME && self.indexed() || template(name)
        };
        Ok(self.names().filter(wanted).collect())
    }

    /// The files that hold the tensors: those the index names, or the one, or all.
    ///
    /// # Errors
    /// If the index names one that is not there.
    pub(super) fn weights(
        &self,
        repo: &RepoId,
        index: Option<&[u8]>,
    ) -> Result<Vec<String>, LoadError> {
        let Some(bytes) = index else {
            return Ok(choose(self.names()));
        };
        let place = format!("{} of {}", index::NAME, repo.id);
        let names = index::names(bytes, &place).map_err(|error| LoadError {
            advice: "The repository is broken: tell its owner".to_owned(),
            ..error
        })?;
        match names.iter().find(|name| !self.has(name)) {
            None => Ok(names.into_iter().collect()),
            Some(name) => Err(LoadError::new(
                &repo.id,
                format!("{} names `{name}`, which the repository does not have", index::NAME),
                "The repository is incomplete: tell its owner, or take another --revision",
            )),
        }
    }

    /// Whether the file wanted is there.
    ///
    /// # Errors
    /// If not: what else there is.
    pub(super) fn check(&self, repo: &RepoId, file: &str) -> Result<(), LoadError> {
        if self.has(file) { Ok(()) } else { Err(self.none(repo, &format!("it has no {file}"))) }
    }

    /// There is not what is wanted; GGUF files may be there instead.
    fn none(&self, repo: &RepoId, problem: &str) -> LoadError {
        let gguf: Vec<&str> =
            self.names().filter(|name| name.to_ascii_lowercase().ends_with(".gguf")).collect();
        let advice = match gguf.first() {
            None => {
                "A checkpoint is config.json, tokenizer.json and *.safetensors; files of other \
                     formats (.bin, .pth) are never fetched"
                    .to_owned()
            }
            Some(first) => {
                let some: Vec<String> = gguf.iter().take(8).map(ToString::to_string).collect();
                format!(
                    "Name one of its GGUF files, as {}:{first}. It has {}",
                    repo.id,
                    some.join(", ")
                )
            }
        };
        LoadError::new(repo.to_string(), problem, advice)
    }
}

/// Of the files of a folder, those that hold the tensors where no index says so.
pub(super) fn choose<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let of_the_folder = |name: &&str| name.ends_with(".safetensors") && !name.contains('/');
    let found: Vec<&str> = names.filter(of_the_folder).collect();
    let one = found.contains(&index::ONE);
    let wanted = found.into_iter().filter(|name| !one || *name == index::ONE);
    wanted.map(str::to_owned).collect()
}
