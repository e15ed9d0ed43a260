//! Files of the data set DLM-Decoding-Analysis (the trajectories of LLaDA-8B-Instruct behind
//! arXiv 2508.19982, written by pixeli99/Prophet): a dictionary saved by `torch.save`, with
//!
//! * `x0_history`: for each block a tensor [steps, prompt + generated], the argmax of the logits at
//!   every step, at all positions, before anything is written;
//! * `true_indices_history`: for each block and step a tensor [n, 2], the positions written in the
//!   step, in its second column, counted from the start of the prompt;
//! * `prompt_token_len`, and `gen_ids`, the generated tokens at the end.
//!
//! A canvas is what was written so far. Positions that are never written were forced, and are there
//! from the start. The prompt's own tokens are not in the file, nor is any confidence.

use std::time::Duration;

use super::{
    Converted, ImportFormat, Options,
    history::rows_of,
    pickle::Id,
    skipped::SkippedInput,
    token,
    torch::{Torch, WholeNumbers},
    within,
};
use crate::{
    canvas::{SpecialTokens, TokenId},
    predict::{Column, Data, Prediction},
    trace::{ForeignRun, ForeignStep},
};

/// The fields that are read.
const READ: [&str; 4] = ["x0_history", "true_indices_history", "prompt_token_len", "gen_ids"];

/// LLaDA's tokens, which the data set was made with.
const LLADA: SpecialTokens = SpecialTokens { mask: 126_336, eos: 126_081 };

/// Whether a file has the history of the argmax.
pub(super) fn shows(file: &Torch) -> bool {
    file.pickle().field(file.pickle().root(), READ[0]).is_some()
}

/// Reads a file.
///
/// # Errors
/// In words.
pub(super) fn read(file: &mut Torch, options: &Options) -> Result<Converted, String> {
    let root = file.pickle().root();
    let field = |file: &Torch, name: &str| {
        let found = file.pickle().field(root, name);
        found.ok_or_else(|| format!("it has no `{name}`, as files of this data set have"))
    };
    let prompt = field(file, "prompt_token_len")?;
    let prompt = file.pickle().int(prompt).and_then(|length| usize::try_from(length).ok());
    let prompt = prompt.ok_or("its `prompt_token_len` is no length")?;
    let guesses = tensors(file, field(file, "x0_history")?, "x0_history")?;
    let written = tensors(file, field(file, "true_indices_history")?, "true_indices_history")?;
    let mut rows = Vec::new();
    for whole in &guesses {
        rows.extend(rows_of(whole)?);
    }
    if rows.len() != written.len() {
        return Err(format!(
            "it has predictions of {} steps and positions written in {}",
            rows.len(),
            written.len()
        ));
    }
    let width = rows.first().map_or(0, |row| row.len());
    let length = width.checked_sub(prompt).filter(|&length| length > 0);
    let length = length
        .ok_or_else(|| format!("a prompt of {prompt} leaves no generated position of {width}"))?;
    within(rows.len(), length)?;
    let mut guessed: Vec<Vec<TokenId>> = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.len() != width {
            return Err("its predictions are not all of one length".to_owned());
        }
        guessed.push(row[prompt..].iter().map(|&id| token(id)).collect::<Result<_, _>>()?);
    }
    let mut places = Vec::with_capacity(written.len());
    for whole in &written {
        places.push(positions(whole, prompt, length, options.row)?);
    }
    if options.prompt_length.is_some_and(|length| length != prompt) {
        return Err(format!(
            "--prompt-length is not needed, as the file says that the prompt has {prompt} positions"
        ));
    }
    let special = SpecialTokens {
        mask: options.mask.or(options.usual_mask).unwrap_or(LLADA.mask),
        eos: options.eos.unwrap_or(LLADA.eos),
    };
    let finals = finals(file, root, length)?;
    let (start, forced) = start(&places, finals.as_deref(), length, special.mask);
    let mut canvas = start.clone();
    let mut steps = Vec::with_capacity(guessed.len());
    for (guess, places) in guessed.into_iter().zip(places) {
        for at in places {
            // What is written already stays, as in the loop that was recorded.
            if canvas[at] == special.mask {
                canvas[at] = guess[at];
            }
        }
        steps.push(ForeignStep {
            prediction: Some(Prediction::new(length).with(Column::Argmax, Data::Ids(guess))),
            canvas: canvas.clone(),
            took: Duration::ZERO,
        });
    }
    let differ = finals.map(|finals| finals.iter().zip(&canvas).filter(|(a, b)| a != b).count());
    let run = ForeignRun { prompt: Vec::new(), start, steps };
    let mut found = Converted::new(ImportFormat::DecodingAnalysis, special, run);
    let mut left = SkippedInput::default();
    let fields = file.pickle().fields(root);
    left.names(fields.keys().map(String::as_str).filter(|name| !READ.contains(name)));
    found.notices.extend(left.notices());
    let mut tell = |text: String| found.notices.push(text);
    if options.mask.or(options.usual_mask).is_none() || options.eos.is_none() {
        tell(format!(
            "mask {} and end of sequence {}, of LLaDA: --mask-token and --eos-token take others",
            special.mask, special.eos
        ));
    }
    tell(format!("the {prompt} tokens of the prompt are not in the file, nor are confidences"));
    if forced > 0 {
        tell(format!("{forced} positions were forced: they are there from the start"));
    }
    match differ {
        None => tell("it has no `gen_ids`: positions that were forced look like masks".to_owned()),
        Some(0) => {}
        Some(n) => tell(format!("the last canvas differs from `gen_ids` at {n} positions")),
    }
    Ok(found)
}

/// The tensors in a list, or in a list of lists.
fn tensors(file: &mut Torch, list: Id, name: &str) -> Result<Vec<WholeNumbers>, String> {
    let wrong = || format!("its `{name}` is no list of tensors");
    let blocks = file.pickle().list(list).ok_or_else(wrong)?.to_vec();
    let mut found = Vec::new();
    for block in blocks {
        if let Some(whole) = file.tensor(block)? {
            found.push(whole);
            continue;
        }
        for step in file.pickle().list(block).ok_or_else(wrong)?.to_vec() {
            found.push(file.tensor(step)?.ok_or_else(wrong)?);
        }
    }
    Ok(found)
}

/// The generated positions that a step wrote in a row of the batch.
fn positions(
    whole: &WholeNumbers,
    prompt: usize,
    length: usize,
    wanted: usize,
) -> Result<Vec<usize>, String> {
    if whole.shape.len() != 2 || whole.shape[1] != 2 {
        return Err("its `true_indices_history` holds what is not [n, 2]".to_owned());
    }
    let mine = whole.values.chunks(2).filter(|pair| usize::try_from(pair[0]) == Ok(wanted));
    mine.map(|pair| {
        let at = usize::try_from(pair[1]).ok().and_then(|at| at.checked_sub(prompt));
        at.filter(|&at| at < length)
            .ok_or_else(|| format!("a step writes at {}, which is no generated position", pair[1]))
    })
    .collect()
}

/// The generated tokens at the end, if they are there.
fn finals(file: &mut Torch, root: Id, length: usize) -> Result<Option<Vec<TokenId>>, String> {
    let Some(ids) = file.pickle().field(root, "gen_ids") else { return Ok(None) };
    let values = match file.tensor(ids)? {
        Some(whole) => whole.values,
        None => {
            let ids = file.pickle().list(ids).unwrap_or_default();
            ids.iter().filter_map(|&id| file.pickle().int(id)).collect()
        }
    };
    if values.len() != length {
        return Err(format!("its `gen_ids` are {}, not {length}", values.len()));
    }
    values.into_iter().map(token).collect::<Result<_, _>>().map(Some)
}

/// The first canvas, and how many of its positions were forced.
fn start(
    places: &[Vec<usize>],
    finals: Option<&[TokenId]>,
    length: usize,
    mask: TokenId,
) -> (Vec<TokenId>, usize) {
    let mut start = vec![mask; length];
    let Some(finals) = finals else { return (start, 0) };
    let mut ever = vec![false; length];
    places.iter().flatten().for_each(|&at| ever[at] = true);
    for at in (0..length).filter(|&at| !ever[at]) {
        start[at] = finals[at];
    }
    let forced = start.iter().filter(|&&token| token != mask).count();
    (start, forced)
}
