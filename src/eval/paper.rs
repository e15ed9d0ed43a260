//! The comparison of DAEDAL's paper: LLaDA's sampler at fixed lengths against DAEDAL, as the
//! published scripts run both (they are the same for LLaDA-8B-Instruct and LLaDA-1.5).
//!
//! ```
//! let recipes = demask::eval::paper::recipes(&[64, 128])?;
//! assert_eq!(recipes.len(), 3, "two fixed lengths, and DAEDAL");
//! # Ok::<(), demask::decode::RecipeError>(())
//! ```

use crate::decode::{Recipe, RecipeError};

/// The baseline's lengths, positions.
pub const LENGTHS: [usize; 7] = [32, 64, 128, 256, 512, 1024, 2048];

/// Width of a block, positions: fixed lengths are multiples of it.
pub const BLOCK: usize = 32;

/// The recipes: one token a step at every fixed length, then DAEDAL from 64.
///
/// # Errors
/// If a length is none that the strategy takes.
pub fn recipes(lengths: &[usize]) -> Result<Vec<Recipe>, RecipeError> {
    let baseline = lengths.iter().map(|length| {
        // Its own version of LLaDA's sampler, from models/LLaDA.py.
        format!(
            "low_confidence:preset=reference,variant=daedal_repo,gen_length={length},steps={length}"
        )
    });
    // The scripts' parameters are the published defaults, whatever a checkpoint suggests.
    let daedal = "daedal:preset=reference".to_owned();
    baseline.chain([daedal]).map(|text| Recipe::parse(&text)).collect()
}

#[cfg(test)]
mod tests {
    use super::recipes;

    /// The scripts' arguments: `scripts/eval_LLaDA_Baseline.sh` and `scripts/eval_LLaDA_DAEDAL.sh`.
    #[test]
    fn parameters_are_those_of_the_published_scripts() {
        let recipes = recipes(&[32, 2048]).unwrap();
        let labels: Vec<&str> = recipes.iter().map(|recipe| recipe.label()).collect();
        assert_eq!(labels.len(), 3, "{labels:?}");
        // Nothing that a checkpoint suggests may come between.
        let suggested = ["block_length", "eos_check_tokens", "max_gen_length", "temperature"];
        let suggested = suggested.map(|name| (name.to_owned(), 7.0));
        let shown = |at: usize, names: &[&str]| {
            let params = recipes[at].params(&suggested).unwrap();
            let value = |name: &&str| format!("{name}={}", params.get(name).unwrap());
            names.iter().map(value).collect::<Vec<_>>().join(",")
        };
        let baseline =
            ["block_length", "gen_length", "steps", "cfg_scale", "remasking", "temperature"];
        assert_eq!(
            shown(1, &baseline),
            "block_length=32,gen_length=2048,steps=2048,cfg_scale=0,remasking=low_confidence,temperature=0"
        );
        let daedal = [
            "block_length",
            "initial_gen_length",
            "max_gen_length",
            "cfg_scale",
            "high_conf_threshold",
            "low_conf_threshold",
            "eos_confidence_threshold",
            "expand_eos_confidence_threshold",
            "expansion_factor",
            "eos_check_tokens",
            "temperature",
        ];
        assert_eq!(
            shown(2, &daedal),
            "block_length=32,initial_gen_length=64,max_gen_length=2048,cfg_scale=0,\
             high_conf_threshold=0.9,low_conf_threshold=0.1,eos_confidence_threshold=0.5,\
             expand_eos_confidence_threshold=0.9,expansion_factor=8,eos_check_tokens=32,temperature=0"
        );
    }
}
