//! P(EOS) at the tail of all-mask canvases: what stage 1 of DAEDAL looks at.

use serde::{Deserialize, Serialize};

use super::generate::{Halt, Halted, predict};
use crate::{
    decode::{Extras, Params, Value, daedal},
    eval::{
        problems::{Problem, ProblemSet},
        report::EosTail,
    },
    model::{Loaded, Messages},
    predict::{Column, ColumnSet},
    session::{Pending, Session},
};

/// Positions kept from the end.
const KEPT: usize = 32;

/// The tails of one problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    /// The problem's number.
    pub problem: usize,
    /// Positions that a right answer and one end-of-sequence token need, where that is known
    /// beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<usize>,
    /// The canvases measured on.
    pub canvases: Vec<Tail>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Its length, positions.
    pub length: usize,
    /// P(EOS), nearest the end first.
    pub p_eos: Vec<f32>,
}

impl Tails {
    /// As a report wants them: `needed` is what a right answer needs, if this does not say.
    pub(super) fn eos(&self, needed: Option<usize>) -> Vec<EosTail> {
        let Some(needed) = self.needed.or(needed) else { return Vec::new() };
        let tail = |tail: &Tail| EosTail {
            length: tail.length,
            problem: self.problem,
            sufficient: tail.length >= needed,
            p_eos: tail.p_eos.clone(),
        };
        self.canvases.iter().map(tail).collect()
    }
}

/// Measures one problem on canvases of `lengths`; those that do not fit the context are left
/// out.
pub(super) fn measure(
    model: &mut Loaded,
    set: &ProblemSet,
    problem: &Problem,
    lengths: &[usize],
    halted: &Halted,
) -> Result<Tails, Halt> {
    let prompt = set.prompt(problem);
    let ids = model
        .tokenizer
        .encode_begun(&Messages::of(&prompt), set.format.begun())
        .map_err(Halt::Failed)?;
    let room = model.facts.context.saturating_sub(ids.len());
    let mut canvases = Vec::new();
    for &length in lengths.iter().filter(|&&length| length <= room) {
        let mut params = Params::defaults(daedal::SPECS);
        params.set("initial_gen_length", Value::Int(length as i64)).map_err(Halt::failed)?;
        let extras = Extras { columns: ColumnSet::of(&[Column::PEos]), top_k: 0, ..Extras::NONE };
        let special = model.facts.special;
        let session = Session::new(&daedal::Daedal, &ids, special, params, extras, None);
        let session = session.map_err(Halt::failed)?;
        let Pending::Wanted { request, .. } = session.pending() else { continue };
        let prediction = predict(model, request, halted)?;
        let p_eos = prediction.numbers(Column::PEos).map_err(Halt::failed)?;
        let p_eos = p_eos.iter().rev().take(KEPT).copied().collect();
        canvases.push(Tail { length, p_eos });
    }
    let answer = problem.generated.as_ref().map(|generated| &generated.answer);
    let needed = answer.map(|answer| model.tokenizer.count(answer) + 1);
    Ok(Tails { problem: problem.number, needed, canvases })
}
