//! What a side does in a step, and why, in words.

use super::{
    paint::{DiffInk, PaintedLine},
    sides::DiffSide,
};
use crate::{
    canvas::{Canvas, Cell, Filler, TokenId},
    compare::{Change, ChangeKind, Figures, Parted, StepChanges},
    decode::{ShownProbability, Verdict},
    predict::Vocabulary,
};

/// Tokens shown on either side of the place where two part.
const AROUND: usize = 8;
/// What is not on record.
pub const ABSENT: &str = "–";

/// A token as it is named in sentences.
pub fn named(side: &DiffSide, id: TokenId) -> String {
    if id == side.recording.header.model.mask {
        return "mask".to_owned();
    }
    side.recording.vocabulary.named(id)
}

/// What a side does at the place where two part, and why.
pub fn why(side: &DiffSide, parted: &Parted) -> String {
    if parted.over {
        let finish = Figures::of(side.run()).finish;
        let how = finish.map_or("the recording ends", |finish| finish.name());
        return format!("is over after {} steps: {how}", side.session.timeline()[side.end].depth);
    }
    let Some(spot) = &parted.spot else {
        return "has no position that corresponds".to_owned();
    };
    let by_hand = if parted.mode.is_none() { " by hand" } else { "" };
    let reason = match spot.verdict {
        Some(Verdict::Unrecorded) | None => None,
        Some(verdict) => Some(verdict.to_string()),
    };
    let guess = || match spot.guess {
        Some((token, p)) => {
            let p = p.map_or_else(|| ABSENT.to_owned(), |p| ShownProbability(p).to_string());
            format!("best is {} {p}", named(side, token))
        }
        None => String::new(),
    };
    match (spot.effect, reason) {
        (Some(ChangeKind::Fill(token)), Some(reason)) => format!("{} {reason}", named(side, token)),
        (Some(ChangeKind::Fill(token)), None) => {
            format!("{} unmasked{by_hand}", named(side, token))
        }
        (Some(ChangeKind::Replace { was, token }), reason) => {
            let reason = reason.unwrap_or_else(|| format!("replaced{by_hand}"));
            format!("{} → {} {reason}", named(side, was), named(side, token))
        }
        (Some(effect @ (ChangeKind::Append(..) | ChangeKind::Cut(_))), _) => {
            let mode = parted.mode.map_or("by hand", |mode| mode.name());
            format!("{} → {} ({mode})", doing(effect, spot.position), parted.length)
        }
        (Some(effect), Some(reason)) => format!("{}: {reason}", doing(effect, spot.position)),
        (Some(effect), None) => format!("{}{by_hand}", doing(effect, spot.position)),
        (None, Some(_)) if spot.verdict == Some(Verdict::Unchanged) => {
            let canvas = &side.session.timeline()[parted.before].canvas;
            let token = canvas.cells().get(spot.position).map(|cell| named(side, cell.token));
            format!("keeps {}", token.unwrap_or_default())
        }
        (None, Some(reason)) => match guess() {
            guess if guess.is_empty() => reason,
            guess => format!("{reason}; {guess}"),
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
pub fn surroundings(side: &DiffSide, parted: &Parted, ink: DiffInk) -> Option<PaintedLine> {
    let spot = parted.spot.as_ref()?;
    let canvas = &side.session.timeline()[parted.before].canvas;
    if spot.position >= canvas.len() || parted.over {
        return None;
    }
    let at = spot.position;
    let text = |from: usize, to: usize| shown(side, canvas, from, to);
    let own = match spot.effect {
        Some(ChangeKind::Fill(token) | ChangeKind::Replace { token, .. }) => {
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
        PaintedLine::of(DiffInk::Dim, line(before))
            .and(ink, line(format!("⟨{own}⟩")))
            .and(DiffInk::Dim, line(text(at + 1, at + 1 + AROUND))),
    )
}

/// Positions of a canvas as text, masks as blocks.
fn shown(side: &DiffSide, canvas: &Canvas, from: usize, to: usize) -> String {
    let cells: Vec<Cell> = canvas.cells().range(from..to).copied().collect();
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
pub fn doing(effect: ChangeKind, position: usize) -> String {
    match effect {
        ChangeKind::Fill(token) => format!("{position} #{token}"),
        ChangeKind::Replace { was, token } => format!("{position} #{was} → #{token}"),
        ChangeKind::Remask => format!("{position} remasked"),
        ChangeKind::Expand(0) => format!("{position} removed"),
        ChangeKind::Expand(n) => format!("{position} becomes {n} masks"),
        ChangeKind::Insert(n) => format!("+{n} before {position}"),
        ChangeKind::Delete => format!("{position} removed"),
        ChangeKind::Append(n, Filler::Mask) => format!("+{n} at the tail"),
        ChangeKind::Append(n, Filler::Eos) => format!("+{n} EOS at the tail"),
        ChangeKind::Cut(n) => format!("−{n} from {position} on"),
    }
}

/// What a run did in a step that the other did not, each part for itself.
pub fn did(side: &DiffSide, did: Option<&StepChanges>) -> Vec<String> {
    let Some(did) = did else { return vec!["over".to_owned()] };
    let alone: Vec<&Change> = did.changes.iter().filter(|change| !change.alike).collect();
    if alone.is_empty() {
        let nothing = if did.changes.is_empty() { "nothing" } else { "nothing more" };
        return vec![nothing.to_owned()];
    }
    let p = |change: &Change| change.p.map_or_else(|| ABSENT.to_owned(), |p| format!("{p:.2}"));
    let part = |change: &&Change| match change.effect {
        ChangeKind::Fill(token) => {
            format!("{} {} {}", change.position, named(side, token), p(change))
        }
        ChangeKind::Replace { was, token } => {
            let (was, token) = (named(side, was), named(side, token));
            format!("{} {was} → {token} {}", change.position, p(change))
        }
        effect => doing(effect, change.position),
    };
    alone.iter().map(part).collect()
}
