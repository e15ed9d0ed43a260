//! P(EOS) at the tail of all-mask canvases: what stage 1 of DAEDAL looks at.

use serde::{Deserialize, Serialize};

use super::{
    pass::{Halt, Halted, predict},
    start,
};
use crate::{
    decode::{Extras, Params, Value, daedal},
    eval::problems::{Problem, ProblemSet},
    model::Loaded,
    predict::{Column, ColumnSet},
    session::{Pending, Session},
};

/// Positions kept from the end.
const POSITIONS_KEPT: usize = 32;

/// The tails of one problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    /// The number of the problem.
    pub problem: usize,
    /// The model, as in the rows.
    #[serde(default)]
    pub model: String,
    /// The canvases measured on.
    pub canvases: Vec<Tail>,
}

/// The tail of one canvas of masks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Length of the canvas, positions.
    pub length: usize,
    /// P(EOS), nearest the end first.
    pub p_eos: Vec<f32>,
}

/// Measures one problem on canvases of `lengths`, on a model with its label; those that do not fit the
/// context are left out.
pub(super) fn measure(
    (model, label): (&mut Loaded, &str),
    set: &ProblemSet,
    problem: &Problem,
    lengths: &[usize],
    halted: &Halted,
) -> Result<Tails, Halt> {
    let text = start::text(model, set, problem)?;
    let mut canvases = Vec::new();
    // Holes are as long as they are.
    if text.length().is_some() {
        return Ok(Tails { problem: problem.number, model: label.to_owned(), canvases });
    }
    let room = model.facts.context.saturating_sub(text.tokens().count());
    for &length in lengths.iter().filter(|&&length| length <= room) {
        let mut params = Params::defaults(daedal::SPECS);
        params.set("initial_gen_length", Value::Int(length as i64)).map_err(Halt::failed)?;
        let extras = Extras { columns: ColumnSet::of(&[Column::PEos]), top_k: 0, ..Extras::NONE };
        let special = model.facts.special;
        let session = Session::new(&daedal::Daedal, &text, special, params, extras, None);
        let session = session.map_err(Halt::failed)?;
        let Pending::Wanted { request, .. } = session.pending() else { continue };
        let prediction = predict(model, request, halted)?;
        let p_eos = prediction.numbers(Column::PEos).map_err(Halt::failed)?;
        let p_eos = p_eos.iter().rev().take(POSITIONS_KEPT).copied().collect();
        canvases.push(Tail { length, p_eos });
    }
    Ok(Tails { problem: problem.number, model: label.to_owned(), canvases })
}
