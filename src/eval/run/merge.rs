//! Joining shards: the parts of one evaluation, each once, give the results of the whole.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Manifest, Results, Shard,
    folder::{self, FolderError, TRACES},
};

/// Why shards do not join.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The results would go where a shard is.
    #[error("{0} is one of the shards, which would be lost. Give another --out")]
    IntoShard(String),
    /// No shards at all.
    #[error("there is nothing to merge: name the folders of all shards")]
    Nothing,
    /// A folder without results.
    #[error("{0}: there are no results of `demask eval` in it")]
    NoResults(String),
    /// A folder with results of the whole.
    #[error("{0}: these are results of the whole, not of a shard. There is nothing to merge")]
    Whole(String),
    /// A shard that is not done.
    #[error("{place}: shard {shard} is not finished. Run its command again, it goes on")]
    Unfinished {
        /// The path of its folder.
        place: String,
        /// Its number, and of how many.
        shard: Shard,
    },
    /// A shard of another evaluation.
    #[error("{place} is not of the same evaluation as {other}: {differences}")]
    Foreign {
        /// The path of its folder.
        place: String,
        /// The path of the first folder.
        other: String,
        /// What differs between the two, in words.
        differences: String,
    },
    /// A shard that is there more than once.
    #[error("shard {shard} is there twice: {place} and {other}. Leave one out")]
    Twice {
        /// Its number, and of how many.
        shard: Shard,
        /// The path of one folder.
        place: String,
        /// The path of the other.
        other: String,
    },
    /// Shards that are not there.
    #[error("shards are missing: {0}. Name the folders of all")]
    Missing(String),
}

/// Joins the shards in `dirs` into `out`.
///
/// # Errors
/// [`MergeError`]; nothing is written unless all shards fit.
pub fn merge(out: &Path, dirs: &[PathBuf], overwrite: bool) -> Result<Results, MergeError> {
    let target = out.canonicalize().ok();
    let same = |dir: &&PathBuf| target.is_some() && dir.canonicalize().ok() == target;
    if let Some(dir) = dirs.iter().find(same) {
        return Err(MergeError::IntoShard(dir.display().to_string()));
    }
    let mut parts: Vec<(&PathBuf, Shard, Results)> = Vec::new();
    for dir in dirs {
        let place = dir.display().to_string();
        let manifest =
            folder::read_manifest(dir)?.ok_or_else(|| MergeError::NoResults(place.clone()))?;
        let shard = manifest.shard.ok_or_else(|| MergeError::Whole(place.clone()))?;
        if let Some((first, of, known)) = parts.first() {
            let mut differences = known.manifest.whole().differences(&manifest.whole());
            if of.of != shard.of {
                differences.push(format!("it is shard {shard}, the other {of}"));
            }
            if !differences.is_empty() {
                return Err(MergeError::Foreign {
                    place,
                    other: first.display().to_string(),
                    differences: differences.join("; "),
                });
            }
        }
        if let Some((other, ..)) = parts.iter().find(|(_, known, _)| *known == shard) {
            return Err(MergeError::Twice { shard, place, other: other.display().to_string() });
        }
        let results = folder::read_finished(dir, &manifest)?
            .ok_or(MergeError::Unfinished { place, shard })?;
        parts.push((dir, shard, results));
    }
    let Some((_, first, known)) = parts.first() else { return Err(MergeError::Nothing) };
    let missing: Vec<String> = (1..=first.of)
        .map(|index| Shard { index, of: first.of })
        .filter(|shard| !parts.iter().any(|(_, known, _)| known == shard))
        .map(|shard| shard.to_string())
        .collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing(missing.join(", ")));
    }
    let manifest: Manifest = known.manifest.whole();
    folder::clear(out, &manifest, overwrite)?;
    let mut joined = Results { manifest, rows: vec![], timings: vec![], tails: vec![] };
    for (dir, _, results) in parts {
        // A name that leads out of the folder is not one of ours.
        let traces =
            results.rows.iter().filter_map(|row| Path::new(row.trace.as_ref()?).file_name());
        for name in traces {
            let (from, to) = (dir.join(TRACES).join(name), out.join(TRACES).join(name));
            fs::copy(&from, &to)
                .map_err(|error| FolderError::io(&from, "it cannot be copied", error))?;
        }
        joined.rows.extend(results.rows);
        joined.timings.extend(results.timings);
        joined.tails.extend(results.tails);
    }
    joined.sort();
    folder::write(out, &joined)?;
    Ok(joined)
}
