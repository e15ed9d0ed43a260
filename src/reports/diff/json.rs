//! The comparison as one JSON object; `docs/diff.md` says what each field is.

use serde::Serialize;

use super::{growth::DiffGrowth, headers::headers, sides::DiffSide};
use crate::{
    canvas::{Filler, TokenId},
    compare::{
        Change, ChangeKind, Comparison, Divergence, Figures, Guesses, ParamPair, Parted,
        Predictions, StepChanges, StepPair,
    },
    decode::{Value, Verdict},
    predict::Vocabulary,
    reports::counts::TokenCounts,
};

#[derive(Serialize)]
pub struct DiffJson {
    equal: bool,
    same_start: bool,
    a: RunJson,
    b: RunJson,
    differs: Vec<Differs>,
    steps: usize,
    differing_steps: usize,
    divergence: Option<DivergenceJson>,
    predictions: GuessComparison,
    fills: FillsJson,
    step_differences: Vec<StepJson>,
}

#[derive(Serialize)]
struct RunJson {
    file: String,
    branch: usize,
    branch_name: Option<String>,
    model: String,
    strategy: String,
    prompt_text: String,
    steps: u32,
    nfe: usize,
    #[serde(flatten)]
    counts: TokenCounts,
    seconds: Option<f64>,
    finish: Option<&'static str>,
    grew: Vec<Grew>,
    text: String,
    ids: Vec<TokenId>,
}

#[derive(Serialize)]
struct Grew {
    step: usize,
    last_step: usize,
    position: usize,
    #[serde(rename = "deed")]
    effect: &'static str,
    by: isize,
}

#[derive(Serialize)]
struct Differs {
    name: String,
    a: Option<String>,
    b: Option<String>,
}

#[derive(Serialize)]
struct DivergenceJson {
    step: usize,
    a: PartedJson,
    b: PartedJson,
    params: Vec<Differs>,
}

#[derive(Serialize)]
struct PartedJson {
    over: bool,
    mode: Option<&'static str>,
    length: usize,
    eos_confidence: Option<f32>,
    eos_threshold: Option<f32>,
    position: Option<usize>,
    #[serde(rename = "deed")]
    effect: Option<&'static str>,
    token: Option<TokenId>,
    token_text: Option<String>,
    was: Option<TokenId>,
    was_text: Option<String>,
    n: Option<usize>,
    value: Option<f32>,
    threshold: Option<f32>,
    why: Option<String>,
    choice: Option<TokenId>,
    choice_text: Option<String>,
    p_choice: Option<f32>,
}

#[derive(Serialize)]
struct GuessComparison {
    compared: usize,
    differing: usize,
    first: Option<ApartJson>,
    largest: Option<ApartJson>,
}

#[derive(Serialize)]
struct ApartJson {
    step: usize,
    position: usize,
    delta: f32,
    a: TokenId,
    p_a: f32,
    b: TokenId,
    p_b: f32,
}

#[derive(Serialize)]
struct FillsJson {
    alike: usize,
    other_step: usize,
    other_token: usize,
    only_a: usize,
    only_b: usize,
}

#[derive(Serialize)]
struct StepJson {
    step: usize,
    a: Option<StepChangesJson>,
    b: Option<StepChangesJson>,
}

#[derive(Serialize)]
struct StepChangesJson {
    mode: Option<&'static str>,
    length: usize,
    changes: Vec<Changed>,
}

#[derive(Serialize)]
struct Changed {
    position: usize,
    other_position: Option<usize>,
    #[serde(rename = "deed")]
    effect: &'static str,
    token: Option<TokenId>,
    was: Option<TokenId>,
    n: Option<usize>,
    p: Option<f32>,
    alike: bool,
}

/// The comparison as a JSON object.
pub fn object(
    a: &DiffSide,
    b: &DiffSide,
    found: &Comparison,
    differing: &[StepPair],
    grown: &[Vec<DiffGrowth>; 2],
) -> DiffJson {
    let headers = headers(a, b).into_iter();
    let fills = found.fills;
    DiffJson {
        equal: found.equal(),
        same_start: found.same_start,
        a: run(a, &grown[0]),
        b: run(b, &grown[1]),
        differs: headers.map(|(name, a, b)| Differs { name, a, b }).collect(),
        steps: found.steps,
        differing_steps: found.differing,
        divergence: found.divergence.as_ref().map(|parting| parted(a, b, parting)),
        predictions: guesses_of(&found.predictions),
        fills: FillsJson {
            alike: fills.alike,
            other_step: fills.other_step,
            other_token: fills.other_token,
            only_a: fills.only_a,
            only_b: fills.only_b,
        },
        step_differences: differing
            .iter()
            .map(|pair| StepJson {
                step: pair.step,
                a: pair.a.as_ref().map(made),
                b: pair.b.as_ref().map(made),
            })
            .collect(),
    }
}

fn run(side: &DiffSide, grown: &[DiffGrowth]) -> RunJson {
    let (run, header) = (side.run(), &side.recording.header);
    let figures = Figures::of(run);
    let seconds = figures.time().as_secs_f64();
    let grew = grown.iter().map(|growth| Grew {
        step: growth.first,
        last_step: growth.last,
        position: growth.position,
        effect: name(growth.effect),
        by: growth.effect.growth(),
    });
    RunJson {
        file: side.file.display().to_string(),
        branch: side.number,
        branch_name: side.name.clone(),
        model: header.model.name.clone(),
        strategy: header.strategy.clone(),
        prompt_text: side.recording.prompt(),
        steps: side.session.timeline()[side.end].depth,
        nfe: figures.nfe,
        counts: TokenCounts::of(&figures),
        seconds: (seconds > 0.0).then_some(seconds),
        finish: figures.finish.map(|finish| finish.name()),
        grew: grew.collect(),
        text: side.recording.vocabulary.text(&run.answer()),
        ids: run.canvas().tokens(),
    }
}

fn parted(a: &DiffSide, b: &DiffSide, parting: &Divergence) -> DivergenceJson {
    let value = |value: Option<Value>| value.map(|value| value.to_string());
    let differs = |pair: &ParamPair| Differs {
        name: pair.name.to_owned(),
        a: value(pair.a),
        b: value(pair.b),
    };
    DivergenceJson {
        step: parting.step,
        a: place(a, &parting.a),
        b: place(b, &parting.b),
        params: parting.params.iter().map(differs).collect(),
    }
}

fn place(side: &DiffSide, parted: &Parted) -> PartedJson {
    let spot = parted.spot.as_ref();
    let effect = spot.and_then(|spot| spot.effect);
    let verdict = spot.and_then(|spot| spot.verdict);
    let (value, threshold) = verdict.map_or((None, None), |verdict| verdict.numbers());
    let token = effect.and_then(written);
    let guess = spot.and_then(|spot| spot.guess);
    let named = |id: TokenId| side.recording.vocabulary.named(id);
    PartedJson {
        over: parted.over,
        mode: parted.mode.map(|mode| mode.name()),
        length: parted.length,
        eos_confidence: parted.eos.map(|(p, _)| p),
        eos_threshold: parted.eos.map(|(_, threshold)| threshold),
        position: spot.map(|spot| spot.position),
        effect: effect.map(name),
        token,
        token_text: token.map(named),
        was: effect.and_then(held),
        was_text: effect.and_then(held).map(named),
        n: effect.and_then(number),
        value,
        threshold,
        why: match verdict {
            None | Some(Verdict::Unrecorded) => None,
            Some(verdict) => Some(verdict.to_string()),
        },
        choice: guess.map(|(token, _)| token),
        choice_text: guess.map(|(token, _)| named(token)),
        p_choice: guess.and_then(|(_, p)| p),
    }
}

fn guesses_of(found: &Predictions) -> GuessComparison {
    let apart = |found: Guesses| ApartJson {
        step: found.step,
        position: found.position,
        delta: found.apart(),
        a: found.a.0,
        p_a: found.a.1,
        b: found.b.0,
        p_b: found.b.1,
    };
    GuessComparison {
        compared: found.compared,
        differing: found.differing,
        first: found.first.map(apart),
        largest: found.largest.map(apart),
    }
}

fn made(did: &StepChanges) -> StepChangesJson {
    let changed = |change: &Change| Changed {
        position: change.position,
        other_position: change.other,
        effect: name(change.effect),
        token: written(change.effect),
        was: held(change.effect),
        n: number(change.effect),
        p: change.p,
        alike: change.alike,
    };
    StepChangesJson {
        mode: did.mode.map(|mode| mode.name()),
        length: did.length,
        changes: did.changes.iter().map(changed).collect(),
    }
}

fn name(effect: ChangeKind) -> &'static str {
    match effect {
        ChangeKind::Fill(_) => "fill",
        ChangeKind::Replace { .. } => "replace",
        ChangeKind::Remask => "remask",
        ChangeKind::Expand(_) => "expand",
        ChangeKind::Insert(_) => "insert",
        ChangeKind::Delete => "delete",
        ChangeKind::Append(_, Filler::Mask) => "append_mask",
        ChangeKind::Append(_, Filler::Eos) => "append_eos",
        ChangeKind::Cut(_) => "cut",
    }
}

fn written(effect: ChangeKind) -> Option<TokenId> {
    match effect {
        ChangeKind::Fill(token) | ChangeKind::Replace { token, .. } => Some(token),
        _ => None,
    }
}

fn held(effect: ChangeKind) -> Option<TokenId> {
    match effect {
        ChangeKind::Replace { was, .. } => Some(was),
        _ => None,
    }
}

fn number(effect: ChangeKind) -> Option<usize> {
    match effect {
        ChangeKind::Expand(n)
        | ChangeKind::Insert(n)
        | ChangeKind::Append(n, _)
        | ChangeKind::Cut(n) => Some(n),
        ChangeKind::Fill(_)
        | ChangeKind::Replace { .. }
        | ChangeKind::Remask
        | ChangeKind::Delete => None,
    }
}
