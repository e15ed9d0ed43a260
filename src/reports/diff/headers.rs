//! What differs between two recordings before their first step: models, prompts, parameters.

use super::sides::DiffSide;
use crate::{
    canvas::{Canvas, TokenId},
    compare::params_apart,
    predict::Vocabulary,
};

/// The first token that has one text in A and another in B, and how many there are.
fn texts(a: &DiffSide, b: &DiffSide) -> Option<(&'static str, Option<String>, Option<String>)> {
    let (one, two) = (&a.recording.vocabulary, &b.recording.vocabulary);
    let other = |id: &TokenId| two.piece(*id).is_some_and(|piece| one.piece(*id) != Some(piece));
    let differing: Vec<TokenId> = one.ids().into_iter().filter(other).collect();
    let first = *differing.first()?;
    let more = match differing.len() - 1 {
        0 => String::new(),
        more => format!(", {more} more"),
    };
    let sentence = |text: String| Some(format!("{first} is {text}{more}"));
    Some(("token texts", sentence(one.named(first)), sentence(two.named(first))))
}

/// The ids of one part of a canvas.
type FixedPart = fn(&Canvas) -> Vec<TokenId>;

/// What stands fixed on the first canvas of a run, part by part.
const FIXED_PARTS: [(&str, FixedPart); 3] = [
    ("prompt", |canvas| canvas.prompt().to_vec()),
    ("given", |canvas| {
        let given = canvas.cells().iter().filter(|cell| cell.is_given());
        given.map(|cell| cell.token).collect()
    }),
    ("suffix", |canvas| canvas.suffix().to_vec()),
];

/// What differs between the headers of two recordings: a name and both values.
pub fn headers(a: &DiffSide, b: &DiffSide) -> Vec<(String, Option<String>, Option<String>)> {
    let (one, two) = (&a.recording.header, &b.recording.header);
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let number = |n: usize| (n > 0).then(|| n.to_string());
    let cache = |side: &DiffSide| side.session.extras().cache.name().to_owned();
    let mut rows = vec![
        ("model", text(&one.model.name), text(&two.model.name)),
        ("family", text(&one.model.family), text(&two.model.family)),
        ("device", text(&one.model.device), text(&two.model.device)),
        ("dtype", text(&one.model.dtype), text(&two.model.dtype)),
        ("vocabulary", number(one.model.vocabulary), number(two.model.vocabulary)),
        ("strategy", text(&one.strategy), text(&two.strategy)),
        ("cache", Some(cache(a)), Some(cache(b))),
    ];
    let start = |side: &DiffSide| {
        let root = side.session.timeline().root_of(side.end);
        side.session.timeline()[root].canvas.clone()
    };
    let (start_a, start_b) = (start(a), start(b));
    for (name, part) in FIXED_PARTS {
        let (ids_a, ids_b) = (part(&start_a), part(&start_b));
        if ids_a != ids_b {
            let shown =
                |side: &DiffSide, ids: &[TokenId]| text(&side.recording.vocabulary.text(ids));
            rows.push((name, shown(a, &ids_a), shown(b, &ids_b)));
        }
    }
    rows.extend(texts(a, b));
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, a, b)| a != b || a.is_none())
        .filter(|(_, a, b)| a.is_some() || b.is_some())
        .map(|(name, a, b)| (name.to_owned(), a, b))
        .collect();
    // A value changed on the way shows as first → last.
    let ends = |side: &DiffSide| {
        let timeline = side.session.timeline();
        let root = timeline.root_of(side.end);
        (timeline[root].params.clone(), timeline[side.end].params.clone())
    };
    let ((start_a, end_a), (start_b, end_b)) = (ends(a), ends(b));
    let mut names: Vec<&str> = Vec::new();
    for pair in params_apart(&start_a, &start_b).iter().chain(&params_apart(&end_a, &end_b)) {
        if !names.contains(&pair.name) {
            names.push(pair.name);
        }
    }
    let value = |start: &crate::decode::Params, end: &crate::decode::Params, name: &str| {
        let (from, to) = (start.get(name).ok()?, end.get(name).ok()?);
        Some(if from == to { from.to_string() } else { format!("{from} → {to}") })
    };
    rows.extend(names.into_iter().map(|name| {
        (name.to_owned(), value(&start_a, &end_a, name), value(&start_b, &end_b, name))
    }));
    rows
}
