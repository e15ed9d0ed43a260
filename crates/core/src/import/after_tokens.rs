//! Trajectories of the after-tokens project (globalanomalyindex/after-tokens, `data/traces`): JSON,
//! its compact files, its full ones (packed by gzip), and those of LLaDA that have words alone.
//!
//! Positions are `tokens` where they are there (`pos`, `text`, `step` of commitment, `conf` then,
//! `tail`), else `words` (`text`, `lock_step`, `conf`, `changes`: [step, provisional text, p]). Of what
//! the model guessed at open positions, full files have the argmax and its probability at every
//! step (`steps`), compact ones those that are surer than 0.2 (`drafts`), words their changes.
//!
//! Full files have token ids. Elsewhere there are texts alone: each distinct one gets an id of its
//! own, and the mask is a control token.

use std::{collections::BTreeSet, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use super::{
    Beginning, Converted, ImportFormat, Options, Texts, json, no_row,
    skipped::SkippedInput,
    texts::{Ids, MASK, piece},
    token, within,
};
use crate::{
    canvas::{NO_TOKEN, SpecialTokens, TokenId},
    predict::{Column, Data, Piece, Prediction},
    trace::{ForeignRun, ForeignStep},
};

/// Probabilities have three decimals, those of drafts one in twenty.
const DIGITS: (&str, u32) = ("p_argmax", 2);

/// The names that are read.
const READ: [&str; 22] = [
    "prompt",
    "model",
    "answer",
    "sampler",
    "sampler.id",
    "words",
    "words[].text",
    "words[].lock_step",
    "words[].conf",
    "words[].changes",
    "tokens",
    "tokens[].pos",
    "tokens[].text",
    "tokens[].step",
    "tokens[].conf",
    "tokens[].tail",
    "step_ms",
    "drafts",
    "steps",
    "steps[].pmax",
    "steps[].argmax",
    "steps[].ms",
];

/// Guesses that are not of every position and step.
const MOST_GUESSES: usize = 1 << 20;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    sampler: Sampler,
    #[serde(default)]
    words: Vec<ImportedWord>,
    #[serde(default)]
    tokens: Vec<ImportedToken>,
    #[serde(default)]
    step_ms: Vec<f64>,
    /// For each step the guesses that are new: position, text (empty where it fell), probability.
    #[serde(default)]
    drafts: Vec<Vec<(WholeNumber, String, f64)>>,
    #[serde(default)]
    steps: Vec<TracedStep>,
}

#[derive(Deserialize, Default)]
struct Sampler {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct ImportedWord {
    text: String,
    #[serde(deserialize_with = "whole")]
    lock_step: i64,
    #[serde(default)]
    conf: Option<f64>,
    #[serde(default)]
    changes: Vec<ProvisionalText>,
}

#[derive(Deserialize)]
struct ImportedToken {
    #[serde(deserialize_with = "whole")]
    pos: i64,
    text: String,
    #[serde(deserialize_with = "whole")]
    step: i64,
    #[serde(default)]
    conf: Option<f64>,
    #[serde(default)]
    tail: bool,
}

#[derive(Deserialize)]
struct TracedStep {
    pmax: Vec<f64>,
    argmax: Vec<WholeNumber>,
    #[serde(default)]
    ms: f64,
}

/// A whole number, as `1` or as `1.0`.
#[derive(Deserialize, Clone, Copy)]
struct WholeNumber(#[serde(deserialize_with = "whole")] i64);

fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    json::whole(&number).ok_or_else(|| {
        serde::de::Error::custom(format!("{number} stands where a whole number is needed"))
    })
}

/// A word's provisional text from a step on, and its probability then; older files have none.
struct ProvisionalText {
    step: i64,
    text: String,
    p: Option<f64>,
}

impl<'de> Deserialize<'de> for ProvisionalText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = ProvisionalText;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("[step, text, p]")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<ProvisionalText, A::Error> {
                let missing = |n| serde::de::Error::invalid_length(n, &"3 members");
                let step = members.next_element::<WholeNumber>()?.ok_or_else(|| missing(0))?.0;
                let text = members.next_element()?.ok_or_else(|| missing(1))?;
                let p = members.next_element::<Option<f64>>()?.flatten();
                while members.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(ProvisionalText { step, text, p })
            }
        }
        from.deserialize_seq(Members)
    }
}

/// A position: what is written there in the end, in which step, and how sure the model was then.
struct UnmaskedWord {
    token: TokenId,
    /// `None` if it never is.
    step: Option<usize>,
    conf: Option<f64>,
}

/// A guess at an open position, from a step on.
struct Guess {
    step: usize,
    at: usize,
    /// The token, or none where it is not known any more.
    token: Option<TokenId>,
    p: Option<f64>,
    /// Whether the probability holds until the next one, or was only that of this step.
    holds: bool,
}

/// Whether a text has the words or tokens of a trajectory.
pub(super) fn shows(text: &Beginning) -> bool {
    ["words", "tokens"].into_iter().any(|name| text.field_begins(name, "[{"))
}

/// Reads a file.
///
/// # Errors
/// In words.
pub(super) fn read(
    bytes: &[u8],
    names: &BTreeSet<String>,
    options: &Options,
) -> Result<Converted, String> {
    let mut file: File = serde_json::from_slice(bytes).map_err(|error| match error.is_data() {
        true => format!("no trajectory of after-tokens: {}", json::fault(bytes, &error)),
        false => json::fault(bytes, &error),
    })?;
    if options.row != 0 {
        return Err(no_row(options.row, 1));
    }
    if options.prompt_length.is_some_and(|length| length != 0) {
        return Err(
            "--prompt-length does not fit: the prompt's tokens are not in such a file, only \
                    its text"
                .to_owned(),
        );
    }
    file.tokens.sort_by_key(|token| token.pos);
    if file.tokens.iter().zip(0..).any(|(token, at)| token.pos != at) {
        return Err("its tokens do not have the positions 0, 1, 2, …, each once".to_owned());
    }
    let positions = if file.tokens.is_empty() { file.words.len() } else { file.tokens.len() };
    if positions == 0 {
        return Err("there is neither a token nor a word in it".to_owned());
    }
    let last = match file.tokens.is_empty() {
        true => file.words.iter().map(|word| word.lock_step).max(),
        false => file.tokens.iter().map(|token| token.step).max(),
    };
    let last = usize::try_from(last.unwrap_or(-1).saturating_add(1)).unwrap_or(0);
    let steps = last.max(file.step_ms.len()).max(file.steps.len());
    within(steps, positions)?;
    probable(&file)?;
    let mut left = left_of(&file, names);
    let mut found = match !file.tokens.is_empty() && !file.steps.is_empty() {
        true => with_ids(&file, steps, options, &mut left)?,
        false => with_texts(&file, steps, options, &mut left)?,
    };
    found.model = file.model;
    found.prompt = file.prompt;
    if !file.sampler.id.is_empty() {
        found.strategy = file.sampler.id;
    }
    found.notices.push("the prompt's tokens are not in the file, only its text".to_owned());
    found.notices.extend(left.notices());
    Ok(found)
}

/// Reports the fields of the file that are not read.
fn left_of(file: &File, names: &BTreeSet<String>) -> SkippedInput {
    let mut left = SkippedInput::default();
    // The members of a field that is not read are not listed as well.
    let of_read = |name: &str| {
        name.rfind('.').is_none_or(|dot| READ.contains(&name[..dot].trim_end_matches("[]")))
    };
    let unread = names.iter().map(String::as_str);
    left.names(unread.filter(|name| !READ.contains(name) && of_read(name)));
    let whole = !file.tokens.is_empty() && !file.steps.is_empty();
    for (name, spare) in [
        ("words", !file.words.is_empty() && !file.tokens.is_empty()),
        ("drafts", !file.drafts.is_empty() && (whole || file.tokens.is_empty())),
        ("steps", !file.steps.is_empty() && file.tokens.is_empty()),
        ("steps[].ms", whole && !file.step_ms.is_empty() && names.contains("steps[].ms")),
    ] {
        left.names(spare.then_some(name));
    }
    for (step, &took) in file.step_ms.iter().enumerate() {
        if Duration::try_from_secs_f64(took / 1e3).is_err() {
            left.value("`step_ms` that is no time", || format!("{took} at step_ms[{step}]"));
        }
    }
    left
}

/// Refuses what is no probability, and more guesses than fit memory.
fn probable(file: &File) -> Result<(), String> {
    let of_words = file.words.iter().map(|word| (&word.text, word.conf));
    let of_tokens = file.tokens.iter().map(|token| (&token.text, token.conf));
    let changes = || file.words.iter().flat_map(|word| &word.changes);
    let of_changes = changes().map(|change| (&change.text, change.p));
    let drafts = || file.drafts.iter().flatten();
    let of_drafts = drafts().map(|(_, text, p)| (text, Some(*p)));
    if changes().count() + drafts().count() > MOST_GUESSES {
        return Err(format!("it has more than {MOST_GUESSES} guesses. Import a part of it"));
    }
    let mut all = of_words.chain(of_tokens).chain(of_changes).chain(of_drafts);
    let wrong = all.find(|(_, p)| p.is_some_and(|p| !(0.0..=1.0).contains(&p)));
    if let Some((text, p)) = wrong {
        let (text, p) = (text.chars().take(40).collect::<String>(), p.unwrap_or(f64::NAN));
        return Err(format!("the confidence {p} of {text:?} is no probability, 0 to 1"));
    }
    let of_steps = file.steps.iter().enumerate();
    let wrong = of_steps.flat_map(|(step, known)| known.pmax.iter().map(move |p| (step, p)));
    match wrong.into_iter().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
        Some((step, p)) => {
            Err(format!("the confidence {p} in step {step} is no probability, 0 to 1"))
        }
        None => Ok(()),
    }
}

/// A compact file, or one with words alone: texts without ids.
fn with_texts(
    file: &File,
    steps: usize,
    options: &Options,
    left: &mut SkippedInput,
) -> Result<Converted, String> {
    for (flag, id) in [("--mask-token", options.mask), ("--eos-token", options.eos)] {
        if let Some(id) = id {
            left.value(
                format!("{flag}, as the file has texts, with ids of this program's"),
                || id.to_string(),
            );
        }
    }
    let mut ids = Ids::new();
    let mut guesses = Vec::new();
    let places: Vec<UnmaskedWord> = if file.tokens.is_empty() {
        words(file, steps, &mut ids, &mut guesses, left)
    } else {
        for (step, drafts) in file.drafts.iter().enumerate() {
            for (WholeNumber(pos), text, p) in drafts {
                let at = usize::try_from(*pos).ok().filter(|&at| at < file.tokens.len());
                let Some(at) = at.filter(|_| step < steps) else {
                    left.value("`drafts` outside of its steps and positions", || {
                        format!("{text:?} at position {pos} in step {step}")
                    });
                    continue;
                };
                // An empty text is a guess that fell below what is recorded.
                let known = !text.is_empty();
                let token = known.then(|| ids.of(text));
                guesses.push(Guess { step, at, token, p: known.then_some(*p), holds: true });
            }
        }
        let token = |token: &ImportedToken| UnmaskedWord {
            token: ids.of(&token.text),
            step: usize::try_from(token.step).ok(),
            conf: token.conf,
        };
        file.tokens.iter().map(token).collect()
    };
    let tail = file.tokens.last().filter(|token| token.tail);
    let tail = tail.filter(|token| matches!(piece(&token.text), Piece::Control(_)));
    let special =
        SpecialTokens { mask: MASK, eos: tail.map_or(NO_TOKEN, |token| ids.of(&token.text)) };
    let run = run(&places, &guesses, steps, &file.step_ms, MASK);
    let mut found = Converted::new(ImportFormat::AfterTokens, special, run);
    found.notices.push(match file.tokens.is_empty() {
        true => "it has words alone: a position is a word, with an id of this program's".to_owned(),
        false => "it has no token ids: each text has an id of this program's".to_owned(),
    });
    if !file.drafts.is_empty() {
        found.notices.push(
            "it has guesses from a probability of 0.2 on, to the nearest 0.05: others are unknown"
                .to_owned(),
        );
    }
    found.texts = Some(ids.texts);
    found.rounded = Some(DIGITS);
    Ok(found)
}

/// Positions of words, with the white space before them where the answer shows it.
fn words(
    file: &File,
    steps: usize,
    ids: &mut Ids,
    guesses: &mut Vec<Guess>,
    left: &mut SkippedInput,
) -> Vec<UnmaskedWord> {
    let mut rest = file.answer.as_str();
    let mut places = Vec::with_capacity(file.words.len());
    for (at, word) in file.words.iter().enumerate() {
        let space = match rest.find(&word.text) {
            Some(start) if rest[..start].trim().is_empty() => {
                let space = &rest[..start];
                rest = &rest[start + word.text.len()..];
                space
            }
            _ => {
                if at == 0 {
                    ""
                } else {
                    " "
                }
            }
        };
        for change in &word.changes {
            let Some(step) = usize::try_from(change.step).ok().filter(|&step| step < steps) else {
                left.value("`changes` outside of its steps", || {
                    format!("{:?} in step {}, at words[{at}]", change.text, change.step)
                });
                continue;
            };
            let token = Some(ids.of(&format!("{space}{}", change.text)));
            guesses.push(Guess { step, at, token, p: change.p, holds: false });
        }
        places.push(UnmaskedWord {
            token: ids.of(&format!("{space}{}", word.text)),
            step: usize::try_from(word.lock_step).ok(),
            conf: word.conf,
        });
    }
    guesses.sort_by_key(|guess| guess.step);
    places
}

/// A full file: the argmax of every step, with its id.
fn with_ids(
    file: &File,
    steps: usize,
    options: &Options,
    left: &mut SkippedInput,
) -> Result<Converted, String> {
    let positions = file.tokens.len();
    let unfit = |step: &TracedStep| step.argmax.len() != positions || step.pmax.len() != positions;
    if let Some(n) = file.steps.iter().position(unfit) {
        let TracedStep { argmax, pmax, .. } = &file.steps[n];
        return Err(format!(
            "steps[{n}]: {} guesses (`argmax`) and {} probabilities (`pmax`) for {positions} \
             positions. Write one of each for every one of `tokens`",
            argmax.len(),
            pmax.len()
        ));
    }
    let mask = options.mask.or(options.usual_mask).ok_or(
        "a full file has token ids, and does not say which is the mask. Give it with --mask-token, \
         or a tokenizer that has one with --tokenizer",
    )?;
    let mut texts = Texts::default();
    let mut places = Vec::with_capacity(positions);
    for (at, committed) in file.tokens.iter().enumerate() {
        let step = usize::try_from(committed.step).ok();
        let known = step.and_then(|step| Some((step, file.steps.get(step)?)));
        let id = match known {
            Some((step, known)) => guessed(known, step, at)?,
            None => {
                if step.is_some() {
                    left.value("a token whose id no step has", || {
                        format!("{:?} at position {at}", committed.text)
                    });
                }
                mask
            }
        };
        if id != mask {
            texts.0.insert(id, piece(&committed.text));
        }
        places.push(UnmaskedWord { token: id, step, conf: committed.conf });
    }
    let tail = file.tokens.last().filter(|token| token.tail);
    let eos = options.eos.or(tail.and_then(|_| places.last()).map(|place| place.token));
    let mut guesses = Vec::new();
    for (step, known) in file.steps.iter().enumerate() {
        for (at, &p) in known.pmax.iter().enumerate() {
            let token = Some(guessed(known, step, at)?);
            guesses.push(Guess { step, at, token, p: Some(p), holds: false });
        }
    }
    let times: Vec<f64> = match file.step_ms.is_empty() {
        true => file.steps.iter().map(|step| step.ms).collect(),
        false => file.step_ms.clone(),
    };
    let special = SpecialTokens { mask, eos: eos.unwrap_or(NO_TOKEN) };
    let run = run(&places, &guesses, steps, &times, mask);
    let mut found = Converted::new(ImportFormat::AfterTokens, special, run);
    found.notices.push(
        "it has texts of the tokens that were written: --tokenizer gives those of the others"
            .to_owned(),
    );
    found.texts = Some(texts);
    found.rounded = Some((DIGITS.0, 3));
    Ok(found)
}

/// The argmax of a full file at a position.
fn guessed(known: &TracedStep, step: usize, at: usize) -> Result<TokenId, String> {
    token(known.argmax[at].0).map_err(|problem| format!("steps[{step}].argmax[{at}]: {problem}"))
}

/// The run that positions and guesses, in order of steps, make.
fn run(
    places: &[UnmaskedWord],
    guesses: &[Guess],
    steps: usize,
    times: &[f64],
    mask: TokenId,
) -> ForeignRun {
    let start = vec![mask; places.len()];
    let mut written: Vec<Vec<usize>> = vec![Vec::new(); steps];
    for (at, place) in places.iter().enumerate() {
        if let Some(written) = place.step.and_then(|step| written.get_mut(step)) {
            written.push(at);
        }
    }
    let mut canvas = start.clone();
    let mut guesses = guesses.iter().peekable();
    let mut held: Vec<(TokenId, f32, bool)> = vec![(NO_TOKEN, f32::NAN, false); places.len()];
    let mut made = Vec::with_capacity(steps);
    for (step, now) in written.into_iter().enumerate() {
        for guess in &mut held {
            // A probability that was that of one step is not that of the next.
            guess.1 = if guess.2 { guess.1 } else { f32::NAN };
        }
        while let Some(guess) = guesses.next_if(|guess| guess.step <= step) {
            let p = guess.p.map_or(f32::NAN, |p| p as f32);
            held[guess.at] = (guess.token.unwrap_or(NO_TOKEN), p, guess.holds);
        }
        for &at in &now {
            let place = &places[at];
            let p = place.conf.map_or(f32::NAN, |conf| conf as f32);
            held[at] = (place.token, p, false);
        }
        let open = |at: usize| canvas[at] == mask;
        let known = |at: usize| if open(at) { held[at] } else { (NO_TOKEN, f32::NAN, false) };
        let argmax: Vec<TokenId> = (0..places.len()).map(|at| known(at).0).collect();
        let p: Vec<f32> = (0..places.len()).map(|at| known(at).1).collect();
        let any = p.iter().any(|p| p.is_finite())
            || (0..places.len()).any(|at| argmax[at] != NO_TOKEN && places[at].step != Some(step));
        let prediction = any.then(|| {
            Prediction::new(places.len())
                .with(Column::Argmax, Data::Ids(argmax))
                .with(Column::PArgmax, Data::Numbers(p))
        });
        for at in now {
            canvas[at] = places[at].token;
        }
        let took = times.get(step).copied().unwrap_or(0.0);
        let took = Duration::try_from_secs_f64(took / 1e3).unwrap_or_default();
        made.push(ForeignStep { prediction, canvas: canvas.clone(), took });
    }
    ForeignRun { prompt: Vec::new(), start, steps: made }
}
