//! What a run of a problem starts from.

use super::pass::Halt;
use crate::{
    canvas::FixedText,
    eval::problems::{Problem, ProblemSet},
    model::{Loaded, Messages},
};

/// The prompt of a problem in the model's template, and what stands beside it. A text with holes
/// that has no question is all there is.
pub(super) fn text(model: &Loaded, set: &ProblemSet, problem: &Problem) -> Result<FixedText, Halt> {
    let tokenizer = &*model.tokenizer;
    let ids = match problem.question.is_empty() {
        true => Vec::new(),
        false => {
            let messages = Messages::of(&set.prompt(problem));
            tokenizer.encode_begun(&messages, set.format.begun()).map_err(Halt::Failed)?
        }
    };
    let beside = problem.surroundings.encode(tokenizer).map_err(Halt::Failed)?;
    beside.fixed(&ids, model.facts.special.mask).map_err(Halt::failed)
}
