//! Lints about how the model is run: its mask token, how its predictions are read, its prompt.

use super::{Finding, Lint, LintedRun, flag};
use crate::{
    canvas::{Canvas, NO_TOKEN, TokenId},
    decode::ParamRole,
    predict::{Column, Piece, Prediction},
};

/// At least this share of the first step's predictions name the mask token under a wrong one: models
/// are trained to fill anything but it.
const NAMED: f64 = 0.5;

/// Predictions of which none reaches this, and which stay under a fifth of it on average, know
/// nothing.
const KNOWING: f32 = 0.05;

/// Masks that are needed to judge the mask token by.
const FEWEST_MASKS: usize = 8;

/// Written positions that are needed to tell a reading that is one off. Read as they should be,
/// predictions name a neighbour's token at none or one of them.
const FEWEST_WRITTEN: usize = 6;

pub(super) fn look(run: &LintedRun) -> Vec<Finding> {
    let found = [wrong_mask(run), shifted(run), no_answer_turn(run), block_width(run)];
    found.into_iter().flatten().collect()
}

fn wrong_mask(run: &LintedRun) -> Option<Finding> {
    let special = run.canvas().special();
    if special.mask == NO_TOKEN {
        return None;
    }
    let named = run.vocabulary.named(special.mask);
    let first = (1..run.path.len()).find_map(|step| Some((step, run.prediction(step)?)));
    let evidence = first.and_then(|(step, (prediction, canvas))| {
        Some((step, masks_predicted(&prediction, canvas)?))
    });
    let text = match (run.text(special.mask), &evidence) {
        _ if special.mask == special.eos => {
            format!(
                "one token, {named}, is mask and end of sequence: what is unmasked as EOS stays masked"
            )
        }
        (Some(text), _) if is_word(&text) => {
            format!("the mask token {} is the ordinary token {named}", special.mask)
        }
        (_, Some((_, evidence))) => format!("the mask token is {named}, but {evidence}"),
        (_, None) => return None,
    };
    let found = Finding::new(Lint::WrongMask, text);
    Some(found.at_steps(evidence.map(|(step, _)| step)))
}

/// A text that no tokenizer gives a mask token: those stand in brackets or are called so.
fn is_word(text: &str) -> bool {
    let text = text.trim();
    let opens = |c: char| "<[{(⟨｟＜【".contains(c);
    !text.is_empty() && !text.starts_with(opens) && !text.to_lowercase().contains("mask")
}

/// What speaks against the mask token in predictions for a canvas with masks.
fn masks_predicted(prediction: &Prediction, canvas: &Canvas) -> Option<String> {
    let mask = canvas.special().mask;
    let masked: Vec<usize> = (0..canvas.len()).filter(|&at| canvas.is_masked(at)).collect();
    let guesses: Vec<TokenId> =
        masked.iter().filter_map(|&at| prediction.id(Column::Argmax, at)).collect();
    if guesses.len() < FEWEST_MASKS {
        return None;
    }
    let named = guesses.iter().filter(|&&guess| guess == mask).count();
    if named as f64 >= NAMED * guesses.len() as f64 {
        return Some(format!(
            "the model predicts it itself at {named} of {} masks, which a model does for no mask \
             that it was trained with",
            guesses.len()
        ));
    }
    let p: Vec<f32> =
        masked.iter().filter_map(|&at| prediction.number(Column::PArgmax, at)).collect();
    let highest = p.iter().copied().fold(0.0, f32::max);
    let mean = p.iter().sum::<f32>() / p.len().max(1) as f32;
    (p.len() >= FEWEST_MASKS && highest < KNOWING && mean < KNOWING / 5.0).then(|| {
        format!(
            "the model knows nothing of it: the best token of {} masks has a probability of {mean:.4} on \
             average, {highest:.4} at most",
            p.len()
        )
    })
}

/// Where the predictions for written positions name a neighbour's token. A model that sees a token
/// mostly predicts it at its place, so where it is predicted tells how its rows are read.
fn shifted(run: &LintedRun) -> Option<Finding> {
    let seen = (1..run.path.len()).filter_map(|step| {
        let (prediction, canvas) = run.prediction(step)?;
        Some((step, Agreement::of(&prediction, canvas)))
    });
    // The last of those that tell most.
    let (step, seen) = seen.max_by_key(|(_, seen)| seen.positions.len())?;
    let (hits, neighbour, forward) = match seen.before > seen.behind {
        true => (seen.before, "before", true),
        false => (seen.behind, "behind", false),
    };
    let all = seen.positions.len();
    if all < FEWEST_WRITTEN || hits * 2 < all || seen.own * 2 > hits {
        return None;
    }
    let text = format!(
        "at {hits} of {all} unmasked positions the model predicts the token {neighbour} it, at {} its own: \
         predictions are read one position too far to the {}",
        seen.own,
        if forward { "left" } else { "right" }
    );
    let value = !forward;
    let advice = match run.end().params.with_role(ParamRole::Shift) {
        Some(spec) => format!("take `{}={value}`", flag(spec.name)),
        None if value => {
            "take `--strategy dream` or `mdlm` with `--right-shift-logits`, or correct \
                            what the model's files say of its family"
                .to_owned()
        }
        None => "correct what the model's files say of its family: predictions of this one are \
                   read where they stand"
            .to_owned(),
    };
    let found = Finding::new(Lint::ShiftedLogits, text).advising(advice);
    Some(found.at_steps([step]).at_positions(run.positions(seen.slots(run, step))))
}

/// Blocks of the run that are not as wide as those of the model's attention: narrower ones see
/// masks of their block that the model was trained to see the text of, wider ones are no block to it.
fn block_width(run: &LintedRun) -> Option<Finding> {
    let own = run.session.extras().reading.block.filter(|&own| own > 0)?;
    let params = &run.end().params;
    let spec = params.with_role(ParamRole::Block)?;
    let width = params.count(spec.name).ok().filter(|&width| width != own)?;
    let (name, flag) = (spec.name, flag(spec.name));
    let text = format!("{name} is {width}, and the model attends in blocks of {own}");
    Some(Finding::new(Lint::BlockWidth, text).advising(format!("take `{flag}={own}`")))
}

/// How often predictions for written positions name the token held there, before and behind.
struct Agreement {
    /// The positions looked at: they and their neighbours are written, with three different tokens.
    positions: Vec<usize>,
    own: usize,
    before: usize,
    behind: usize,
}

impl Agreement {
    fn of(prediction: &Prediction, canvas: &Canvas) -> Self {
        let special = canvas.special();
        let written = |token: TokenId| ![special.mask, special.eos].contains(&token);
        let tokens = canvas.tokens();
        let mut seen = Self { positions: Vec::new(), own: 0, before: 0, behind: 0 };
        for (at, held) in tokens.windows(3).enumerate() {
            let [before, own, behind] = [held[0], held[1], held[2]];
            let apart = before != own && own != behind && before != behind;
            let Some(guess) = prediction.id(Column::Argmax, at + 1) else { continue };
            if !apart || !held.iter().copied().all(written) {
                continue;
            }
            seen.positions.push(at + 1);
            seen.own += usize::from(guess == own);
            seen.before += usize::from(guess == before);
            seen.behind += usize::from(guess == behind);
        }
        seen
    }

    /// The slots looked at, as numbered before the step.
    fn slots(&self, run: &LintedRun, step: usize) -> Vec<crate::canvas::Slot> {
        let cells = run.node(step - 1).canvas.cells();
        self.positions.iter().map(|&at| cells[at].slot).collect()
    }
}

fn no_answer_turn(run: &LintedRun) -> Option<Finding> {
    // What stands between texts is no answer.
    if run.session.text().has_text_behind() {
        return None;
    }
    let prompt = run.canvas().prompt();
    let name = |token: TokenId| match run.vocabulary.piece(token) {
        Some(Piece::Text(text) | Piece::Control(text)) => text,
        Some(Piece::Bytes(_)) | None => String::new(),
    };
    let last = prompt.iter().rfind(|&&token| !name(token).trim().is_empty())?;
    let control = matches!(run.vocabulary.piece(*last), Some(Piece::Control(_)));
    let ends = *last == run.canvas().special().eos || control && ends_turn(&name(*last));
    if prompt.len() > 1 && ends {
        return Some(Finding::new(
            Lint::NoAnswerTurn,
            format!(
                "the prompt ends with {}, and nothing opens the answer",
                run.vocabulary.named(*last)
            ),
        ));
    }
    let opening = run.vocabulary.answer_opening()?;
    // Blanks are cut into tokens with what stands beside them. The answer's own beginning may follow
    // at once, in place of what templates put there, so no more than two words are looked for.
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let opening: Vec<&str> = opening.split_whitespace().take(2).collect();
    let opening = opening.join(" ");
    let whole: String = prompt.iter().map(|&token| name(token)).collect();
    (!bare(&opening).is_empty() && !bare(&whole).contains(&bare(&opening))).then(|| {
        let shown: String = opening.trim().chars().take(80).collect();
        Finding::new(
            Lint::NoAnswerTurn,
            format!(
                "the prompt is not in the model's chat template, which opens the answer with “{}”",
                shown.escape_debug()
            ),
        )
    })
}

/// True for names of tokens that end a turn of a conversation, or a text.
pub(super) fn ends_turn(name: &str) -> bool {
    const ENDS: [&str; 9] = [
        "eot",
        "eom",
        "im_end",
        "role_end",
        "end_of_turn",
        "endofturn",
        "end_of_text",
        "endoftext",
        "eos",
    ];
    let name = name.to_lowercase();
    ENDS.iter().any(|end| name.contains(end)) || ["</s>", "<|end|>"].contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::{ends_turn, is_word};

    #[test]
    fn mask_tokens_are_told_from_words() {
        for (text, expected) in [
            (" the", true),
            ("0", true),
            ("<|mask|>", false),
            ("[MASK]", false),
            ("mask_token", false),
            ("<|reserved_7|>", false),
            ("", false),
            (" ", false),
        ] {
            assert_eq!(is_word(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ends_of_turns_are_known_by_name() {
        for (name, expected) in [
            ("<|eot_id|>", true),
            ("<|im_end|>", true),
            ("<end_of_turn>", true),
            ("<|endoftext|>", true),
            ("</s>", true),
            ("<|end|>", true),
            ("<|end_header_id|>", false),
            ("<|im_start|>", false),
            ("[/INST]", false),
            ("<|assistant|>", false),
        ] {
            assert_eq!(ends_turn(name), expected, "{name}");
        }
    }
}
