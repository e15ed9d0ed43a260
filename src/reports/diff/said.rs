//! What a side does in a step, and why, in words.

use super::{
    paint::{Ink, Line},
    sides::Side,
};
use crate::{
    canvas::{Canvas, Filler, TokenId},
    compare::{Change, Deed, Did, Figures, Parted},
    decode::{P, Verdict},
    predict::Vocabulary,
};

/// Tokens shown on either side of the place where two part.
const AROUND: usize = 8;
/// What is not on record.
pub const ABSENT: &str = "–";

/// A token as it is named in sentences.
pub fn named(side: &Side, id: TokenId) -> String {
    if id == side.recording.header.model.mask {
        return "mask".to_owned();
    }
    side.recording.vocabulary.named(id)
}

/// What a side does at the place where two part, and why.
pub fn why(side: &Side, parted: &Parted) -> String {
    if parted.over {
        let finish = Figures::of(side.run()).finish;
        let how = finish.map_or("the recording ends", |finish| finish.name());
        return format!("is over after {} steps: {how}", side.session.timeline()[side.end].depth);
    }
    let Some(spot) = &parted.spot else {
        return "has no position that corresponds".to_owned();
    };
    let by_hand = if parted.mode.is_none() { " by hand" } else { "" };
    let said = match spot.verdict {
        Some(Verdict::Unrecorded) | None => None,
        Some(verdict) => Some(verdict.to_string()),
    };
    let guess = || match spot.guess {
        Some((token, p)) => {
            let p = p.map_or_else(|| ABSENT.to_owned(), |p| P(p).to_string());
            format!("best is {} {p}", named(side, token))
        }
        None => String::new(),
    };
    match (spot.deed, said) {
        (Some(Deed::Fill(token)), Some(said)) => format!("{} {said}", named(side, token)),
        (Some(Deed::Fill(token)), None) => format!("{} filled{by_hand}", named(side, token)),
        (Some(Deed::Replace { was, token }), said) => {
            let said = said.unwrap_or_else(|| format!("replaced{by_hand}"));
            format!("{} → {} {said}", named(side, was), named(side, token))
        }
        (Some(deed @ (Deed::Append(..) | Deed::Cut(_))), _) => {
            let mode = parted.mode.map_or("by hand", |mode| mode.name());
            format!("{} → {} ({mode})", doing(deed, spot.position), parted.length)
        }
        (Some(deed), Some(said)) => format!("{}: {said}", doing(deed, spot.position)),
        (Some(deed), None) => format!("{}{by_hand}", doing(deed, spot.position)),
        (None, Some(_)) if spot.verdict == Some(Verdict::Written) => {
            let canvas = &side.session.timeline()[parted.before].canvas;
            let token = canvas.cells().get(spot.position).map(|cell| named(side, cell.token));
            format!("keeps {}", token.unwrap_or_default())
        }
        (None, Some(said)) => match guess() {
            guess if guess.is_empty() => said,
            guess => format!("{said}; {guess}"),
        },
        (None, None) => {
            let there = spot.position < side.session.timeline()[parted.before].canvas.len();
            let left = match (parted.mode, there) {
                (None, true) => "left as it is, in an edit by hand",
                (Some(_), true) => "left as it is",
                (_, false) => "nothing there",
            };
            match guess() {
                guess if guess.is_empty() => left.to_owned(),
                guess => format!("{left}; {guess}"),
            }
        }
    }
}

/// The text around the place where two part, as it stands before the step.
pub fn surroundings(side: &Side, parted: &Parted, ink: Ink) -> Option<Line> {
    let spot = parted.spot.as_ref()?;
    let canvas = &side.session.timeline()[parted.before].canvas;
    if spot.position >= canvas.len() || parted.over {
        return None;
    }
    let at = spot.position;
    let text = |from: usize, to: usize| shown(side, canvas, from, to);
    let own = match spot.deed {
        Some(Deed::Fill(token) | Deed::Replace { token, .. }) => {
            side.recording.vocabulary.text(&[token])
        }
        _ => text(at, at + 1),
    };
    // A control token stands for no text, and there is nothing to read around it.
    if own.is_empty() {
        return None;
    }
    let cut = if at > AROUND { "…" } else { "" };
    let before = format!("     {cut}{}", text(at.saturating_sub(AROUND), at));
    let line = |text: String| text.replace('\n', "↵").replace('\t', " ");
    Some(
        Line::of(Ink::Dim, line(before))
            .and(ink, line(format!("⟨{own}⟩")))
            .and(Ink::Dim, line(text(at + 1, at + 1 + AROUND))),
    )
}

/// Positions of a canvas as text, masks as blocks.
fn shown(side: &Side, canvas: &Canvas, from: usize, to: usize) -> String {
    let cells = &canvas.cells()[from.min(canvas.len())..to.min(canvas.len())];
    let mask = canvas.special().mask;
    let mut text = String::new();
    for run in cells.chunk_by(|a, b| (a.token == mask) == (b.token == mask)) {
        match run.first() {
            Some(cell) if cell.token == mask => text.push_str(&"▒".repeat(run.len())),
            _ => {
                let ids: Vec<TokenId> = run.iter().map(|cell| cell.token).collect();
                text.push_str(&side.recording.vocabulary.text(&ids));
            }
        }
    }
    text
}

/// What changes, in a few words.
pub fn doing(deed: Deed, position: usize) -> String {
    match deed {
        Deed::Fill(token) => format!("{position} #{token}"),
        Deed::Replace { was, token } => format!("{position} #{was} → #{token}"),
        Deed::Remask => format!("{position} masked again"),
        Deed::Expand(0) => format!("{position} removed"),
        Deed::Expand(n) => format!("{position} becomes {n} masks"),
        Deed::Insert(n) => format!("+{n} before {position}"),
        Deed::Delete => format!("{position} removed"),
        Deed::Append(n, Filler::Mask) => format!("+{n} at the tail"),
        Deed::Append(n, Filler::Eos) => format!("+{n} EOS at the tail"),
        Deed::Cut(n) => format!("−{n} from {position} on"),
    }
}

/// What a run did in a step that the other did not, each part for itself.
pub fn did(side: &Side, did: Option<&Did>) -> Vec<String> {
    let Some(did) = did else { return vec!["over".to_owned()] };
    let alone: Vec<&Change> = did.changes.iter().filter(|change| !change.alike).collect();
    if alone.is_empty() {
        let nothing = if did.changes.is_empty() { "nothing" } else { "nothing more" };
        return vec![nothing.to_owned()];
    }
    let p = |change: &Change| change.p.map_or_else(|| ABSENT.to_owned(), |p| format!("{p:.2}"));
    let part = |change: &&Change| match change.deed {
        Deed::Fill(token) => format!("{} {} {}", change.position, named(side, token), p(change)),
        Deed::Replace { was, token } => {
            let (was, token) = (named(side, was), named(side, token));
            format!("{} {was} → {token} {}", change.position, p(change))
        }
        deed => doing(deed, change.position),
    };
    alone.iter().map(part).collect()
}
