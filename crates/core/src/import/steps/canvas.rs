//! From the steps of a file to a run: canvases as token ids, and the special tokens.

use super::{
    super::{
        Options, canvases,
        skipped::SkippedInput,
        texts::{Ids, MASK, Texts},
    },
    facts::{FileFacts, NamedToken},
    names::MASK_TEXTS,
    step::{CanvasForm, ReadStep},
};
use crate::{canvas::TokenId, predict::Piece, trace::ForeignRun};

/// The canvases of all steps.
pub struct Tokens {
    pub canvases: Vec<Vec<TokenId>>,
    pub mask: Option<TokenId>,
    pub eos: Option<TokenId>,
    pub texts: Option<Texts>,
    /// Notices for the user about the ids.
    pub notice: Option<String>,
}

/// The ids of all canvases: those of the file, or ids that this program makes up where the file has
/// texts.
///
/// # Errors
/// In words, if some canvases are ids and others texts, or if nothing names the mask.
pub fn tokens(
    steps: &[ReadStep],
    facts: &FileFacts,
    texts: Texts,
    options: &Options,
    what: &str,
    left: &mut SkippedInput,
) -> Result<Tokens, String> {
    let of_ids = |step: &ReadStep| matches!(step.held, CanvasForm::Ids(_));
    let with_ids = steps.first().is_some_and(of_ids);
    if let Some(other) = steps.iter().position(|step| of_ids(step) != with_ids) {
        let (first, then) = if with_ids { ("ids", "texts") } else { ("texts", "ids") };
        return Err(format!(
            "step {other}: its canvas is {then}, and those before are {first}: some are texts. Write \
             all of them as token ids"
        ));
    }
    match with_ids {
        true => of_file(steps, facts, texts, options, what, left),
        false => of_texts(steps, facts, options, left),
    }
}

fn of_file(
    steps: &[ReadStep],
    facts: &FileFacts,
    texts: Texts,
    options: &Options,
    what: &str,
    left: &mut SkippedInput,
) -> Result<Tokens, String> {
    let held = |step: &ReadStep| match &step.held {
        CanvasForm::Ids(ids) => ids.clone(),
        CanvasForm::Texts(_) | CanvasForm::Words(_) => Vec::new(),
    };
    let canvases: Vec<Vec<TokenId>> = steps.iter().map(held).collect();
    let of_text = |wanted: &dyn Fn(&str) -> bool| {
        let mut known = texts.0.iter();
        let text = |piece: &Piece| match piece {
            Piece::Text(text) | Piece::Control(text) => wanted(text),
            Piece::Bytes(_) => false,
        };
        known.find(|(_, piece)| text(piece)).map(|(id, _)| *id)
    };
    let declared = |fact: &Option<NamedToken>| match fact.as_ref()? {
        NamedToken::Id(id) => Some(*id),
        NamedToken::Text(text) => of_text(&|other| other == text),
    };
    let usual = || of_text(&|text| MASK_TEXTS.contains(&text)).or(options.usual_mask);
    let mask = match (options.mask, &facts.mask) {
        (Some(mask), fact) => {
            if let Some(fact) = fact
                && declared(&facts.mask) != Some(mask)
            {
                left.value("the mask that the file names, as --mask-token says another", || {
                    fact.to_string()
                });
            }
            Some(mask)
        }
        (None, Some(NamedToken::Text(text))) if declared(&facts.mask).is_none() => {
            return Err(format!(
                "it says that {text:?} is the mask, and not which id that is. Give the id with \
                 --mask-token, or a tokenizer that has it with --tokenizer and --mask-token '{text}'"
            ));
        }
        (None, Some(_)) => declared(&facts.mask),
        (None, None) => usual(),
    };
    let eos = options.eos.or_else(|| declared(&facts.eos));
    if let Some(fact) = facts.eos.as_ref().filter(|_| declared(&facts.eos) != eos || eos.is_none())
    {
        let why = match options.eos {
            Some(_) => "as --eos-token says another",
            None => "as it is not said which id that is (--eos-token)",
        };
        left.value(format!("the end of sequence that the file names, {why}"), || fact.to_string());
    }
    if mask.is_none() && !facts.run_log {
        return Err(canvases::no_mask(what, &canvases));
    }
    let texts = (!texts.0.is_empty()).then_some(texts);
    Ok(Tokens { canvases, mask, eos, texts, notice: None })
}

fn of_texts(
    steps: &[ReadStep],
    facts: &FileFacts,
    options: &Options,
    left: &mut SkippedInput,
) -> Result<Tokens, String> {
    for (flag, id) in [("--mask-token", options.mask), ("--eos-token", options.eos)] {
        if let Some(id) = id {
            left.value(
                format!("{flag}, as the canvases are texts with ids of this program's"),
                || id.to_string(),
            );
        }
    }
    let declared = match &facts.mask {
        Some(NamedToken::Text(text)) => Some(text.as_str()),
        Some(NamedToken::Id(id)) => {
            left.value("the mask's id, as the canvases are texts", || id.to_string());
            None
        }
        None => None,
    };
    let is_mask = |text: &str| Some(text.trim()) == declared || MASK_TEXTS.contains(&text.trim());
    let mut ids = Ids::new();
    let (mut any, mut running) = (false, false);
    let mut of_texts = |texts: &[String]| {
        let id = |text: &String| match is_mask(text) {
            true => {
                any = true;
                MASK
            }
            false => ids.of(text),
        };
        texts.iter().map(id).collect::<Vec<_>>()
    };
    let mut canvases = Vec::with_capacity(steps.len());
    for step in steps {
        canvases.push(match &step.held {
            CanvasForm::Ids(ids) => ids.clone(),
            CanvasForm::Texts(texts) => of_texts(texts),
            CanvasForm::Words(texts) => {
                running = true;
                of_texts(texts)
            }
        });
    }
    if !any {
        return Err(format!(
            "its canvases are texts, and none of them is a mask that is known ({}). Write its text \
             into the file as `mask_token`, or the token ids instead of the texts",
            MASK_TEXTS.join(", ")
        ));
    }
    let eos = match &facts.eos {
        Some(NamedToken::Text(text)) => ids.find(text),
        _ => None,
    };
    if let Some(fact) = facts.eos.as_ref().filter(|_| eos.is_none()) {
        left.value("the end of sequence, which no position holds as a text", || fact.to_string());
    }
    let notice = match running {
        true => {
            "it has texts alone: a position is a word or a mask, with an id of this program's, \
                 so where a word is several tokens the length changes"
        }
        false => "it has no token ids: each text has an id of this program's",
    };
    let notice = Some(notice.to_owned());
    Ok(Tokens { canvases, mask: Some(MASK), eos, texts: Some(ids.texts), notice })
}

/// Canvases that follow each other, each behind those that are done.
pub fn behind(canvases: Vec<Vec<TokenId>>, steps: &[ReadStep]) -> Vec<Vec<TokenId>> {
    let mut done: Vec<TokenId> = Vec::new();
    let mut before: Option<(Option<u64>, Vec<TokenId>)> = None;
    let mut whole = Vec::with_capacity(canvases.len());
    for (canvas, step) in canvases.into_iter().zip(steps) {
        if let Some((block, last)) = &before
            && *block != step.block
        {
            done.extend(last);
        }
        whole.push([&done[..], &canvas].concat());
        before = Some((step.block, canvas));
    }
    whole
}

/// The run of the canvases, and whether its prompt is a guess, everything before the first mask.
pub fn run_of(
    canvases: &[Vec<TokenId>],
    mask: Option<TokenId>,
    prompt: Option<&[TokenId]>,
    facts: &FileFacts,
    options: &Options,
    left: &mut SkippedInput,
) -> Result<(ForeignRun, bool), String> {
    if let (Some(given), Some(declared)) = (options.prompt_length, facts.prompt_length)
        && given != declared
    {
        left.value(
            "the prompt's length that the file names, as --prompt-length says another",
            || declared.to_string(),
        );
    }
    let ids = prompt.unwrap_or_default();
    let in_front = !ids.is_empty() && canvases.iter().all(|canvas| canvas.starts_with(ids));
    let length = match options.prompt_length.or(facts.prompt_length) {
        Some(length) => Some(length),
        None if in_front => Some(ids.len()),
        // The canvases hold the generated region without the prompt.
        None if prompt.is_some() || facts.run_log => Some(0),
        None => None,
    };
    let mut run = canvases::run(canvases, mask, length)?;
    if run.prompt.is_empty() && !in_front {
        run.prompt = ids.to_vec();
    } else if prompt.is_some() && run.prompt != ids {
        left.value("ids of the prompt that are not what stands in front of the canvases", || {
            format!("{} ids, where {} positions are the prompt", ids.len(), run.prompt.len())
        });
    }
    let guessed = length.is_none() && !run.prompt.is_empty();
    Ok((run, guessed))
}
