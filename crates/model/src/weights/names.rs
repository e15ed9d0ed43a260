//! What programs put in front of tensors' names when a model is saved from inside a wrapper, and
//! the names without it.

use std::collections::{BTreeSet, HashMap};

/// Parts of names that wrappers add, wherever they stand: torch.compile, DataParallel, FSDP,
/// activation checkpointing and Lightning.
const WRAPPERS: [&str; 5] = [
    "_orig_mod",
    "module",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_forward_module",
];

/// What peft puts in front of the model that it is merged into.
const PEFT: &str = "base_model.model.";

/// What the models of all families here have in front of the network without its head.
const MODEL: &str = "model.";

/// First parts of names in networks saved without what they are called in a model with a head.
const BARE: [&str; 7] = [
    "embed_tokens",
    "word_embeddings",
    "layers",
    "norm",
    "transformer",
    "embeddings",
    "final_norm",
];

/// The names that are to be looked up, and what was done to them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Renamed {
    /// The name in the file under the new name, for those that change.
    pub(super) names: HashMap<String, String>,
    /// What the user is told: `_orig_mod.` taken off. Empty where nothing changes.
    pub(super) notices: Vec<String>,
}

/// Takes off what wrappers added.
///
/// # Errors
/// The name that two tensors would have.
pub(super) fn renamed<'n>(names: impl Iterator<Item = &'n str>) -> Result<Renamed, String> {
    // In order, so that the words are the same every time.
    let stored: BTreeSet<&str> = names.collect();
    let mut taken = Vec::new();
    let mut take = |what: String| {
        if !taken.contains(&what) {
            taken.push(what);
        }
    };
    let mut new: Vec<String> = Vec::new();
    for name in &stored {
        let mut parts = Vec::new();
        for part in name.split('.') {
            match WRAPPERS.contains(&part) {
                true => take(format!("`{part}.` taken off")),
                false => parts.push(part),
            }
        }
        let mut name = parts.join(".");
        while let Some(rest) = name.strip_prefix(PEFT) {
            take(format!("`{PEFT}` taken off"));
            name = rest.to_owned();
        }
        new.push(name);
    }
    let twice = |name: &String| {
        let rest = name.strip_prefix(MODEL);
        rest.is_some_and(|rest| rest.starts_with(MODEL) || rest.starts_with("lm_head."))
    };
    let bare = |name: &&String| BARE.contains(&name.split('.').next().unwrap_or_default());
    if new.iter().any(twice) && new.iter().all(|name| name.starts_with(MODEL)) {
        take(format!("`{MODEL}` taken off"));
        new.iter_mut().for_each(|name| *name = name[MODEL.len()..].to_owned());
    } else if new.iter().any(|name| bare(&name)) && !new.iter().any(|name| name.starts_with(MODEL))
    {
        take(format!("`{MODEL}` put in front"));
        for name in &mut new {
            if bare(&&*name) {
                *name = format!("{MODEL}{name}");
            }
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(name) = new.iter().find(|name| !seen.insert(*name)) {
        return Err(name.clone());
    }
    let changed = new.into_iter().zip(stored).filter(|(new, stored)| new != stored);
    let names = changed.map(|(new, stored)| (new, stored.to_owned())).collect();
    Ok(Renamed { names, notices: taken })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, what they become and what is said.
    fn check(stored: &[&str], expected: &[&str], notices: &[&str]) {
        let renamed = renamed(stored.iter().copied()).unwrap();
        let mut new: Vec<&str> = stored
            .iter()
            .map(|stored| {
                let found = renamed.names.iter().find(|(_, old)| old == stored);
                found.map_or(*stored, |(new, _)| new)
            })
            .collect();
        new.sort_unstable();
        assert_eq!(new, expected, "{stored:?}");
        assert_eq!(renamed.notices, notices, "{stored:?}");
    }

    #[test]
    fn wrappers_are_taken_off() {
        let plain = ["lm_head.weight", "model.layers.0.mlp.up_proj.weight"];
        check(&plain, &plain, &[]);
        for (before, notices) in [
            ("module.", vec!["`module.` taken off"]),
            ("_orig_mod.", vec!["`_orig_mod.` taken off"]),
            ("_orig_mod.module.", vec!["`_orig_mod.` taken off", "`module.` taken off"]),
            ("module.module.", vec!["`module.` taken off"]),
            ("base_model.model.", vec!["`base_model.model.` taken off"]),
            (
                "module.base_model.model.",
                vec!["`module.` taken off", "`base_model.model.` taken off"],
            ),
            ("_fsdp_wrapped_module.", vec!["`_fsdp_wrapped_module.` taken off"]),
            ("model.", vec!["`model.` taken off"]),
        ] {
            let stored = plain.map(|name| format!("{before}{name}"));
            check(&stored.each_ref().map(String::as_str), &plain, &notices);
        }
        check(
            &["model.layers.0._orig_mod.mlp._checkpoint_wrapped_module.up_proj.weight"],
            &["model.layers.0.mlp.up_proj.weight"],
            &["`_orig_mod.` taken off", "`_checkpoint_wrapped_module.` taken off"],
        );
    }

    #[test]
    fn a_network_saved_without_its_head_gets_its_name() {
        check(
            &["embed_tokens.weight", "layers.0.mlp.up_proj.weight", "norm.weight"],
            &[
                "model.embed_tokens.weight",
                "model.layers.0.mlp.up_proj.weight",
                "model.norm.weight",
            ],
            &["`model.` put in front"],
        );
        check(
            &["transformer.wte.weight"],
            &["model.transformer.wte.weight"],
            &["`model.` put in front"],
        );
        check(
            &["decoder.bias", "embeddings.norm.weight", "head.norm.weight"],
            &["decoder.bias", "head.norm.weight", "model.embeddings.norm.weight"],
            &["`model.` put in front"],
        );
    }

    #[test]
    fn two_tensors_of_one_name_are_an_error() {
        let found = renamed(["module.model.norm.weight", "model.norm.weight"].into_iter());
        assert_eq!(found, Err("model.norm.weight".to_owned()));
    }
}
