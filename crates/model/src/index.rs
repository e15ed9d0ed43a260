//! The index of a checkpoint whose tensors are in several files.

use std::collections::BTreeSet;

use super::{LoadError, file_names::stays_inside, small_files::object};

/// The file that says which shard a tensor is in.
pub(super) const NAME: &str = "model.safetensors.index.json";

/// The file of a checkpoint whose tensors are in one file. Where both are there, this one is read,
/// as in transformers.
pub(super) const ONE: &str = "model.safetensors";

/// The files that the index at `place` names.
///
/// # Errors
/// If the file is not an index, or names a file outside the folder.
pub(super) fn names(bytes: &[u8], place: &str) -> Result<BTreeSet<String>, LoadError> {
    let wrong = |problem: String| {
        LoadError::new(place, problem, "Fetch the file again from where the model came from")
    };
    let index = object(bytes, place)?;
    let map = index.get("weight_map").and_then(|map| map.as_object());
    let map = map.ok_or_else(|| wrong("it has no object `weight_map`".to_owned()))?;
    let mut names = BTreeSet::new();
    for (tensor, file) in map {
        let tensor = tensor.escape_debug();
        let Some(name) = file.as_str() else {
            return Err(wrong(format!("`weight_map` has no name of a file for `{tensor}`")));
        };
        // A name may not lead out of the folder.
        if !stays_inside(name) || name.contains('/') {
            let problem = format!("it names a file elsewhere: {}", name.escape_default());
            return Err(wrong(problem));
        }
        names.insert(name.to_owned());
    }
    match names.is_empty() {
        true => Err(wrong("its `weight_map` is empty".to_owned())),
        false => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_files_of_its_folder() {
        let read = |text: &str| names(text.as_bytes(), "there");
        let two = read(r#"{"weight_map": {"a": "2.s", "b": "1.s", "c": "2.s"}}"#).unwrap();
        assert_eq!(two.into_iter().collect::<Vec<_>>(), ["1.s", "2.s"]);
        for (text, expected) in [
            ("{", "this is no JSON"),
            ("[]", "it holds a list"),
            ("{}", "it has no object `weight_map`"),
            (r#"{"weight_map": []}"#, "it has no object `weight_map`"),
            (r#"{"weight_map": {}}"#, "its `weight_map` is empty"),
            (r#"{"weight_map": {"a": "1.s", "b": 5}}"#, "no name of a file for `b`"),
            (r#"{"weight_map": {"a": "../1.s"}}"#, "a file elsewhere: ../1.s"),
            (r#"{"weight_map": {"a": "/etc/1.s"}}"#, "a file elsewhere"),
            (r#"{"weight_map": {"a": ""}}"#, "a file elsewhere"),
        ] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.starts_with("there: ") && problem.contains(expected), "{problem}");
        }
    }
}
