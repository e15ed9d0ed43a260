//! A list of canvases: dLLM's samplers return one as `histories` if they are asked for a dictionary
//! (ZHZisZZ/dllm, `SamplerOutput`): a tensor [batch, positions] before the first step and after each,
//! prompt in front.
//!
//! Read are JSON and files of `torch.save`: the list itself, or an object that has it under
//! `histories` or `history`; a canvas is a list of ids or a tensor of one dimension, or of two where
//! it is a batch.

use serde::Deserialize;

use super::{
    Format, Found, MOST_CELLS, Options, canvases, no_row, one_batch,
    pickle::Id,
    token,
    torch::{Torch, Whole},
};
use crate::canvas::{NO_TOKEN, SpecialTokens, TokenId};

/// Names that the list may have.
const NAMES: [&str; 2] = ["histories", "history"];

/// Canvases of one sequence, or of a batch of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Canvases {
    One(Vec<Vec<i64>>),
    Batches(Vec<Vec<Vec<i64>>>),
}

/// A history as JSON.
///
/// # Errors
/// In words.
pub(super) fn of_json(bytes: &[u8], options: &Options) -> Result<Found, String> {
    // One after the other rather than as one type: that would hold the whole in between.
    let wrong = |error: serde_json::Error| {
        format!(
            "this is no list of canvases, each a list of token ids or a batch of them ({error})"
        )
    };
    #[derive(Deserialize)]
    struct One {
        #[serde(alias = "history")]
        histories: Vec<Vec<i64>>,
    }
    #[derive(Deserialize)]
    struct Batches {
        #[serde(alias = "history")]
        histories: Vec<Vec<Vec<i64>>>,
    }
    let list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let one = || match list {
        true => serde_json::from_slice(bytes),
        false => serde_json::from_slice(bytes).map(|One { histories }| histories),
    };
    let batches = || match list {
        true => serde_json::from_slice(bytes),
        false => serde_json::from_slice(bytes).map(|Batches { histories }| histories),
    };
    let canvases = one().map(Canvases::One).or_else(|as_one| {
        // What is wrong is told of what it looks like.
        batches().map(Canvases::Batches).map_err(|error| if deep(bytes) { error } else { as_one })
    });
    let mut batch = 1;
    let canvases = match canvases.map_err(wrong)? {
        Canvases::One(canvases) => canvases,
        Canvases::Batches(batches) => {
            batch = batches.first().map_or(1, Vec::len);
            let rows = batches.into_iter().map(|mut rows| match rows.len() > options.row {
                true => Ok(rows.swap_remove(options.row)),
                false => Err(no_row(options.row, rows.len())),
            });
            rows.collect::<Result<_, _>>()?
        }
    };
    found(tokens(canvases)?, batch, options)
}

/// Whether the first list begins with a list of lists.
fn deep(bytes: &[u8]) -> bool {
    let lists = bytes.iter().skip_while(|&&byte| byte != b'[');
    lists.filter(|byte| !byte.is_ascii_whitespace()).take(3).all(|&byte| byte == b'[')
}

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

/// A history of `torch.save`.
///
/// # Errors
/// In words.
pub(super) fn of_torch(file: &mut Torch, options: &Options) -> Result<Found, String> {
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
    found(tokens(canvases)?, batch, options)
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

fn found(canvases: Vec<Vec<TokenId>>, batch: usize, options: &Options) -> Result<Found, String> {
    if canvases.is_empty() {
        return Err("the list is empty: there is no canvas in it to begin with".to_owned());
    }
    let mask = options.mask.ok_or_else(|| canvases::no_mask("a list of canvases", &canvases))?;
    let run = canvases::run(&canvases, Some(mask), options.prompt_length)?;
    let special = SpecialTokens { mask, eos: options.eos.unwrap_or(NO_TOKEN) };
    let mut found = Found::new(Format::History, special, run);
    found.notices.extend(one_batch(batch, options.row));
    found
        .notices
        .push("it holds canvases alone: no prediction, no confidence, no times".to_owned());
    Ok(found)
}

/// The rows of a block, for the other format that holds tensors.
pub(super) fn rows_of(whole: &Whole) -> Result<Vec<&[i64]>, String> {
    whole.rows().ok_or_else(|| "a tensor has too many dimensions".to_owned())
}
