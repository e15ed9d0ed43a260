//! What a position has held: every token written, replaced or remasked on the way to a node.

use crate::{
    canvas::{Slot, TokenId},
    session::{NodeId, Session},
};

/// A change of what a position holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// The step or edit that made it, from 1.
    pub step: usize,
    /// The token before; `None` for a mask.
    pub was: Option<TokenId>,
    /// The token afterwards; `None` for a mask.
    pub token: Option<TokenId>,
    /// True if the user made it.
    pub by_hand: bool,
}

/// The changes of a slot on the way to a node, in order.
pub fn writings(session: &Session, at: NodeId, slot: Slot) -> Vec<Writing> {
    let timeline = session.timeline();
    let mut found = Vec::new();
    let mut before: Option<TokenId> = None;
    let mut hint = 0;
    for (step, id) in timeline.path(at).into_iter().enumerate() {
        let node = &timeline[id];
        let canvas = &node.canvas;
        // It is mostly where it was a step before.
        let same = canvas.cells().get(hint).is_some_and(|cell| cell.slot == slot);
        let Some(position) = (if same { Some(hint) } else { canvas.position(slot) }) else {
            before = None;
            continue;
        };
        hint = position;
        let held = canvas.cells()[position].token;
        let mask = canvas.special().mask;
        if before.is_some_and(|before| before != held) {
            let written = |token: TokenId| (token != mask).then_some(token);
            found.push(Writing {
                step,
                was: before.and_then(written),
                token: written(held),
                by_hand: node.edits().is_some(),
            });
        }
        before = Some(held);
    }
    found
}

/// The changes in words, where there was more than one fill: `unmasked at step 1: “a” · replaced at
/// step 4: “a” by “b”`.
pub fn rewritten(writings: &[Writing], name: &dyn Fn(TokenId) -> String) -> Option<String> {
    writings.iter().find(|writing| writing.was.is_some())?;
    let one = |writing: &Writing| {
        let Writing { step, was, token, by_hand } = *writing;
        let hand = if by_hand { " by hand" } else { "" };
        match (was, token) {
            (Some(was), Some(token)) => {
                format!("replaced{hand} at step {step}: {} by {}", name(was), name(token))
            }
            (Some(was), None) => format!("remasked{hand} at step {step}: {}", name(was)),
            (None, Some(token)) => format!("unmasked{hand} at step {step}: {}", name(token)),
            (None, None) => String::new(),
        }
    };
    let told: Vec<String> = writings.iter().map(one).collect();
    Some(told.join(" · "))
}
