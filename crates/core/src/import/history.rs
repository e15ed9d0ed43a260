//! A list of canvases saved by `torch.save`. dLLM's samplers return one as `histories` if they are
//! asked for a dictionary (ZHZisZZ/dllm, `SamplerOutput`): a tensor [batch, positions] before the
//! first step and after each step, with the prompt in front.
//!
//! The file holds the list itself, or an object that has it under `histories` or `history`. A
//! canvas is a list of ids or a tensor of one dimension, or of two for a batch. [`super::steps`]
//! reads lists in JSON.

use super::{
    Beginning, Converted, MOST_CELLS, Options, no_row,
    pickle::Id,
    steps, token,
    torch::{Torch, WholeNumbers},
};
use crate::canvas::TokenId;

/// Names that the list may have.
const NAMES: [&str; 2] = ["histories", "history"];

/// Numbers as token ids, each told by its place if it is none.
fn tokens(canvases: Vec<Vec<i64>>) -> Result<Vec<Vec<TokenId>>, String> {
    let place = |canvas: usize, at: usize| {
        move |problem: String| format!("canvas {canvas}, position {at}: {problem}")
    };
    let canvas = |(n, ids): (usize, Vec<i64>)| {
        ids.into_iter().enumerate().map(|(at, id)| token(id).map_err(place(n, at))).collect()
    };
    canvases.into_iter().enumerate().map(canvas).collect()
}

/// Whether a text is a list of canvases, or an object with one. A list of numbers or of texts alone
/// is a step of several.
pub(super) fn shows(text: &Beginning) -> bool {
    match (text.depth, text.first) {
        (0, _) => NAMES
            .into_iter()
            .any(|name| text.field_begins(name, "[[") && !text.field_begins(name, "[[\"")),
        (1, Some(b'0'..=b'9' | b'-')) | (_, Some(b'"' | b'{')) => false,
        _ => true,
    }
}

/// Reads a file.
///
/// # Errors
/// In words.
pub(super) fn read(file: &mut Torch, options: &Options) -> Result<Converted, String> {
    let root = file.pickle().root();
    let list = NAMES.iter().find_map(|name| file.pickle().field(root, name)).unwrap_or(root);
    let mut batch = 1;
    let mut canvases = Vec::new();
    if let Some(whole) = file.tensor(list)? {
        // All canvases in one tensor.
        let rows = whole.rows().filter(|_| whole.shape.len() == 2);
        let rows = rows.ok_or("a tensor of all canvases must be [canvases, positions]")?;
        canvases.extend(rows.into_iter().map(<[i64]>::to_vec));
    } else {
        let members = file.pickle().list(list).map(<[Id]>::to_vec);
        let members = members.ok_or(
            "there is no list of canvases in it: save `output.histories`, or a dictionary that has \
             it under `histories`",
        )?;
        let mut numbers = 0_usize;
        for member in members {
            let ids = match file.tensor(member)? {
                Some(whole) => {
                    let rows = whole.rows().ok_or("a canvas has too many dimensions")?;
                    batch = batch.max(rows.len());
                    row(&rows, options.row)?
                }
                None => plain(file, member, &mut batch, options.row)?,
            };
            // A list may stand in many places and be in the file once.
            numbers = numbers.saturating_add(ids.len());
            if numbers > MOST_CELLS {
                return Err(format!(
                    "it holds more than {MOST_CELLS} positions. Import a part of them"
                ));
            }
            canvases.push(ids);
        }
    }
    let mut around = file.pickle().fields(root);
    for name in NAMES {
        if file.pickle().field(root, name) == Some(list) {
            around.remove(name);
        }
    }
    steps::of_canvases(tokens(canvases)?, batch, &around, options)
}

fn row(rows: &[&[i64]], wanted: usize) -> Result<Vec<i64>, String> {
    rows.get(wanted).map(|row| row.to_vec()).ok_or_else(|| no_row(wanted, rows.len()))
}

/// A canvas as a list of numbers, or of lists of them.
fn plain(file: &Torch, member: Id, batch: &mut usize, wanted: usize) -> Result<Vec<i64>, String> {
    let pickle = file.pickle();
    let wrong = || "a canvas is neither a tensor nor a list of token ids".to_owned();
    let ids = pickle.list(member).ok_or_else(wrong)?;
    let rows: Option<Vec<&[Id]>> = ids.iter().map(|&row| pickle.list(row)).collect();
    let ids = match rows.filter(|rows| !rows.is_empty()) {
        None => ids,
        Some(rows) => {
            *batch = (*batch).max(rows.len());
            rows.get(wanted).copied().ok_or_else(|| no_row(wanted, rows.len()))?
        }
    };
    ids.iter().map(|&id| pickle.int(id).ok_or_else(wrong)).collect()
}

/// The rows of a block, for the other format that holds tensors.
pub(super) fn rows_of(whole: &WholeNumbers) -> Result<Vec<&[i64]>, String> {
    whole.rows().ok_or_else(|| "a tensor has too many dimensions".to_owned())
}
