//! What the cache holds, where nobody may be asked.

use std::{fs, path::PathBuf};

use super::{
    super::{LoadError, file_names, index, small_files::read_small},
    HubSettings, RepoId,
    cache::CachedRepository,
    listing,
};

/// The folder (or the GGUF file) in the cache.
///
/// # Errors
/// If it is not there, or not all of it: what is missing, and how to get it.
pub(super) fn find(
    repo: &RepoId,
    cache: &CachedRepository,
    settings: &HubSettings,
) -> Result<PathBuf, LoadError> {
    let absent = |problem: String| {
        LoadError::new(
            repo.to_string(),
            format!("offline, and {problem}"),
            format!(
                "Run the same command once with a network (without --offline and HF_HUB_OFFLINE) \
                 to fetch it from {}, or copy {} from a machine that has it",
                settings.endpoint,
                cache.folder().display()
            ),
        )
    };
    let revision = repo.revision();
    let commit = cache.commit(revision).ok_or_else(|| {
        absent(format!("there is no revision {revision} of it in {}", cache.folder().display()))
    })?;
    let snapshot = cache.snapshot(&commit);
    match missing(repo, &snapshot) {
        None => Ok(repo.file.as_ref().map_or(snapshot.clone(), |file| snapshot.join(file))),
        Some(missing) => Err(absent(format!("{} lacks {missing}", snapshot.display()))),
    }
}

/// The first thing a snapshot lacks.
fn missing(repo: &RepoId, snapshot: &std::path::Path) -> Option<String> {
    // Follows links: one to nowhere is a file that is not there.
    let lacks = |name: &String| !snapshot.join(name).is_file();
    let wanted = match &repo.file {
        Some(file) => file_names::parts(file).unwrap_or_else(|| vec![file.clone()]),
        None => {
            let mut wanted = vec!["config.json".to_owned()];
            let one = snapshot.join(index::ONE).is_file();
            match read_small(&snapshot.join(index::NAME)) {
                Ok(bytes) if !one => wanted.extend(index::names(&bytes, "").unwrap_or_default()),
                _ => {
                    let entries = fs::read_dir(snapshot).into_iter().flatten().flatten();
                    let names: Vec<String> = entries
                        .map(|entry| entry.file_name().to_string_lossy().into_owned())
                        .collect();
                    let chosen = listing::choose(names.iter().map(String::as_str));
                    if chosen.is_empty() {
                        wanted.push(index::ONE.to_owned());
                    }
                    wanted.extend(chosen);
                }
            }
            wanted
        }
    };
    wanted.into_iter().find(lacks)
}
