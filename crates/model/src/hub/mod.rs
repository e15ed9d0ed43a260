//! Models from a hub: `owner/name` becomes a folder in the cache that the hub's other programs
//! use too.
//!
//! It knows no terminal: what goes on is told to a [`LoadWatch`], which may end it between two
//! pieces of a file. What came by then is kept.
//!
//! ```
//! use demask_model::hub::RepoId;
//!
//! let repo: RepoId = "GSAI-ML/LLaDA-8B-Instruct@main".parse()?;
//! assert_eq!((repo.id.as_str(), repo.revision()), ("GSAI-ML/LLaDA-8B-Instruct", "main"));
//! assert!("LLaDA-8B-Instruct".parse::<RepoId>().is_err(), "the owner is missing");
//! # Ok::<(), demask_model::hub::IdError>(())
//! ```

mod cache;
mod client;
mod connection;
mod download;
mod environment;
mod id;
mod listing;
mod offline;
mod refusal;
mod trouble;

use std::{fs, path::PathBuf};

pub use environment::{HubSettings, HubToken};
pub use id::{IdError, RepoId};

use super::{LoadError, LoadWatch, file_names, index, small_files::read_small};
use cache::CachedRepository;
use client::Client;
use listing::Listing;
use trouble::Trouble;

/// The folder with the checkpoint (or the GGUF file that the name asks for), fetched as far as
/// the cache does not have it.
///
/// # Errors
/// [`LoadError`], which names the address or the place in the cache and says what to do.
pub fn fetch(
    repo: &RepoId,
    settings: &HubSettings,
    watch: &mut LoadWatch,
) -> Result<PathBuf, LoadError> {
    let cache = CachedRepository::of(repo, settings)?;
    if settings.offline {
        return offline::find(repo, &cache, settings);
    }
    let client = Client::new(repo, settings)?;
    let listing = Listing::ask(&client).map_err(|trouble| match trouble {
        // A model that runs is worth knowing of; to run it unasked could be to run an old one.
        Trouble::Passing(mut error) if offline::find(repo, &cache, settings).is_ok() => {
            "This model is in the cache: it runs with --offline".clone_into(&mut error.advice);
            error
        }
        trouble => trouble.error(),
    })?;
    let commit = &*listing.commit;
    let snapshot = cache.snapshot(commit);
    let mut get = |name: &str| {
        // Follows links: one to nowhere is a file that is not there.
        let there = fs::metadata(snapshot.join(name)).ok().map(|file| file.len());
        let right = |there| listing.size(name).is_none_or(|size| size == there);
        match there.is_some_and(right) {
            true => Ok(()),
            false => download::download(&client, &cache, (commit, name), settings.pause, watch),
        }
    };
    let path = match &repo.file {
        Some(file) => {
            for part in file_names::parts(file).unwrap_or_else(|| vec![file.clone()]) {
                listing.check(repo, &part)?;
                get(&part)?;
            }
            snapshot.join(file)
        }
        None => {
            // The weights come last: where they are, the rest is.
            listing.small(repo)?.into_iter().try_for_each(&mut get)?;
            let index = snapshot.join(index::NAME);
            let index = listing.indexed().then(|| read_small(&index)).transpose();
            let index = index.map_err(|error| cache::disk(&snapshot, &error))?;
            let weights = listing.weights(repo, index.as_deref())?;
            weights.iter().try_for_each(|name| get(name))?;
            snapshot
        }
    };
    cache.note(repo.revision(), commit)?;
    Ok(path)
}
