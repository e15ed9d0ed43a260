//! Canvases in order, and the run they make.

use std::{collections::HashMap, time::Duration};

use super::within;
use crate::{
    canvas::TokenId,
    trace::{ForeignRun, ForeignStep},
};

/// The run of canvases that hold the prompt in front: so many positions, or what stands before the
/// first mask. Without a mask and a length there is no prompt.
///
/// # Errors
/// In words, if there is no canvas, too much of them, or no telling where the prompt ends.
pub(super) fn run(
    canvases: &[Vec<TokenId>],
    mask: Option<TokenId>,
    prompt_length: Option<usize>,
) -> Result<ForeignRun, String> {
    let Some(first) = canvases.first() else {
        return Err("the list is empty: there is no canvas in it to begin with".to_owned());
    };
    let longest = canvases.iter().map(Vec::len).max().unwrap_or(0);
    within(canvases.len(), longest)?;
    let prompt = match (prompt_length, mask) {
        (Some(length), _) if length <= first.len() => length,
        (Some(length), _) => {
            return Err(format!(
                "a prompt of {length} does not fit the first canvas of {}. Say how long it is with \
                 --prompt-length",
                first.len()
            ));
        }
        (None, None) => 0,
        (None, Some(mask)) => match first.iter().position(|&token| token == mask) {
            Some(length) => length,
            // Blocks are appended to the prompt later.
            None if longest > first.len() => first.len(),
            None => {
                return Err(format!(
                    "the first canvas holds no mask (token {mask}), so nothing says where its \
                     prompt ends. Check --mask-token, or say it with --prompt-length"
                ));
            }
        },
    };
    let (front, start) = first.split_at(prompt);
    for (n, canvas) in canvases.iter().enumerate() {
        if !canvas.starts_with(front) {
            return Err(format!(
                "canvas {n} does not begin with the {prompt} tokens of the prompt. Say how long \
                 the prompt is with --prompt-length"
            ));
        }
    }
    let steps = canvases.iter().skip(1).map(|canvas| ForeignStep {
        prediction: None,
        canvas: canvas[prompt..].to_vec(),
        took: Duration::ZERO,
    });
    Ok(ForeignRun { prompt: front.to_vec(), start: start.to_vec(), steps: steps.collect() })
}

/// The refusal of canvases whose mask is not known, with the token that it seems to be: the one
/// that most positions lose.
pub(super) fn no_mask(what: &str, canvases: &[Vec<TokenId>]) -> String {
    let mut lost: HashMap<TokenId, isize> = HashMap::new();
    for (canvas, n) in
        canvases.first().zip(canvases.last()).into_iter().flat_map(|(a, b)| [(a, 1), (b, -1)])
    {
        for &token in canvas {
            *lost.entry(token).or_default() += n;
        }
    }
    let most = lost.into_iter().max_by_key(|&(token, n)| (n, token)).filter(|&(_, n)| n > 0);
    let guess = most.map_or_else(String::new, |(token, n)| {
        let fewer = if n == 1 { "1 position".to_owned() } else { format!("{n} positions") };
        format!(" (it may be {token}, which {fewer} hold at first and not in the end)")
    });
    format!(
        "{what} does not say which token is the mask{guess}. Give it with --mask-token, or a \
         tokenizer that has one with --tokenizer"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_guessed_by_what_goes() {
        for (canvases, guess) in [
            (
                vec![vec![1, 2, 9, 9], vec![1, 2, 9, 5], vec![1, 2, 4, 5]],
                "it may be 9, which 2 pos",
            ),
            (vec![vec![1, 9], vec![1, 2]], "it may be 9, which 1 position"),
            (vec![vec![1, 2], vec![1, 2]], "is the mask. Give"),
            (vec![], "is the mask. Give"),
        ] {
            let told = no_mask("a list", &canvases);
            assert!(told.contains(guess), "{told}");
        }
    }
}
