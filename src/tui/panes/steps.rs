//! A position's steps as a table: what the model thought and what came of it.

use ratatui::layout::Rect;

use super::super::{
    app::App,
    paint::{
        pen::Pen,
        text::{self, ShownToken},
        theme::Role,
    },
};
use crate::{
    canvas::{Slot, TokenId},
    decode::Verdict,
    inspect::Thought,
};

/// Fewest rows worth a table: its head and two steps.
const FEWEST: u16 = 3;
/// Cells of the step's number and of the confidence, with a gap behind each.
const STEP: u16 = 6;
const NUMBER: u16 = 8;
/// Cells of the rank with its gap, and the narrowest room that has it.
const RANK: u16 = 5;
const RANKED: u16 = 56;
/// Most cells of the guess.
const GUESS: u16 = 16;

/// Draws the newest steps that fit, the newest lowest.
pub fn draw(app: &App, pen: &mut Pen, room: Rect, slot: Slot, thoughts: &[Thought]) {
    if room.height < FEWEST || thoughts.len() < 2 {
        return;
    }
    let guesses = GUESS.min(room.width / 3);
    let at = room.x + STEP;
    let number = at + guesses + 1;
    let ranked = number + NUMBER;
    let ranks = if room.width < RANKED { 0 } else { RANK };
    let happened = ranked + ranks;
    let rest = room.right().saturating_sub(happened);
    for (x, width, word) in [
        (room.x, STEP, "step"),
        (at, guesses, "guess"),
        (number, NUMBER, "conf"),
        (ranked, ranks, "rank"),
        (happened, rest, "what happened"),
    ] {
        pen.say(x, room.y, width, word, Role::Dim);
    }
    let rows = usize::from(room.height - 1);
    let shown = &thoughts[thoughts.len().saturating_sub(rows)..];
    for (y, thought) in (room.y + 1..room.bottom()).zip(shown) {
        let here = thought.step == app.step() as usize;
        let role = if here { Role::Strong } else { Role::Dim };
        // A step is named by what it makes: the one decided on this thought is the next.
        pen.say(room.x, y, STEP - 1, &format!("{:>4}", thought.step + 1), role);
        let token = thought.token.map_or_else(|| "–".to_owned(), |token| guess(app, token));
        pen.put(at, y, guesses, &token, pen.theme.style(Role::Text));
        let style = Role::Heat(thought.p);
        pen.say(number, y, NUMBER - 1, &text::probability(thought.p), style);
        let rank = thought.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
        pen.say(ranked, y, ranks.saturating_sub(1), &format!("{rank:>4}"), Role::Dim);
        let node = app.history.moments.get(thought.step).map(|moment| moment.node);
        let position =
            node.and_then(|node| app.debugger.session.timeline()[node].canvas.position(slot));
        let decision = app.explained_at(thought.step);
        let verdict = decision
            .as_ref()
            .zip(position)
            .and_then(|(decision, position)| decision.verdicts.get(position));
        let words = match verdict {
            Some(verdict) if here => pending(verdict),
            Some(verdict) => verdict.to_string(),
            None => "–".to_owned(),
        };
        pen.say(happened, y, rest, &words, if here { Role::Text } else { Role::Dim });
    }
}

/// A verdict that is not carried out yet.
pub fn pending(verdict: &Verdict) -> String {
    match verdict.effect() {
        Some(_) => format!("Will be {verdict}"),
        None => text::sentence(&verdict.to_string()),
    }
}

/// A guess as it is named in lists.
pub fn guess(app: &App, token: TokenId) -> String {
    if token == app.canvas().special().mask {
        "mask".to_owned()
    } else {
        ShownToken::of(&*app.debugger.vocabulary, token).label(app.theme.ascii())
    }
}
