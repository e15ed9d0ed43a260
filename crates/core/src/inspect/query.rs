//! Queries over a branch: its steps taken apart into rows, and those that fit.

use super::{
    language::{Index, Name, NameValue, NamedValues, Query, QueryValue, Reads, Subject, Use, When},
    view::View,
};
use crate::{
    canvas::{Slot, TokenId},
    decode::{PositionEffect, Verdict},
    predict::Vocabulary,
    session::{NodeId, Session},
};

/// A row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryRow {
    /// The node it is about.
    pub node: NodeId,
    /// Steps and edits up to that node.
    pub step: usize,
    /// The position, as it was numbered there: for what a step did, on the canvas before it.
    pub position: Option<usize>,
    /// The position's slot.
    pub slot: Option<Slot>,
    /// The token filled, held or dropped.
    pub token: Option<TokenId>,
    /// The confidence on record, 0..=1.
    pub p: Option<f32>,
    /// Masks an expansion made.
    pub made: Option<usize>,
    /// The token that was there, where it was replaced or remasked.
    pub was: Option<TokenId>,
    /// What the query reads there.
    pub values: Vec<QueryValue>,
    /// What its operations read there, in the order of their names.
    pub keys: Vec<Option<NameValue>>,
    /// The node that the step led to in which the position's token was decided, if that is another.
    decided: Option<NodeId>,
}

impl QueryRow {
    fn of(node: NodeId, step: usize) -> Self {
        Self {
            node,
            step,
            position: None,
            slot: None,
            token: None,
            p: None,
            made: None,
            was: None,
            values: Vec::new(),
            keys: Vec::new(),
            decided: None,
        }
    }
}

/// A row with what is known at its node.
struct ViewedRow<'a, 'v> {
    row: &'a QueryRow,
    view: &'a View<'v>,
    /// What is known where the position's token was decided, if that is another node.
    decided: Option<View<'v>>,
}

impl NamedValues for ViewedRow<'_, '_> {
    fn value(&self, used: Use, when: When) -> Option<NameValue> {
        let count = |n: usize| Some(NameValue::Number(n as f64));
        match used.spec.name {
            Name::Position => count(self.row.position?),
            Name::Slot => count(self.row.slot?.0 as usize),
            Name::P => self.row.p.map(NameValue::P),
            Name::Made => count(self.row.made?),
            Name::Was => Some(self.view.token(self.row.was?)),
            Name::Token if used.index == Some(Index::Own) => Some(self.view.token(self.row.token?)),
            // By its number there: the step may have taken the slot away.
            Name::InBlock if used.index == Some(Index::Own) => {
                let index = Some(Index::Position(self.row.position?));
                self.view.value(Use { index, ..used }, when)
            }
            _ => {
                let own = used.index == Some(Index::Own);
                let index = if own { Some(Index::Slot(self.row.slot?)) } else { used.index };
                let decided = own && !used.after && used.spec.reads == Reads::Prediction;
                let view = self.decided.as_ref().filter(|_| decided).unwrap_or(self.view);
                view.value(Use { index, ..used }, when)
            }
        }
    }
}

/// The rows of the branch through `at` that fit a query, in order, from step `from` on; what the query
/// does with them is done by [`ordered_rows`](super::ordered_rows) and [`groups`](super::groups).
pub fn rows(
    query: &Query,
    session: &Session,
    vocabulary: &dyn Vocabulary,
    (at, from): (NodeId, usize),
) -> Vec<QueryRow> {
    let branch = session.timeline().branch(at);
    let last = branch.len().saturating_sub(1);
    let mut found = Vec::new();
    for (step, &node) in branch.iter().enumerate().skip(from) {
        if query.subject == Subject::Positions && step != last {
            continue;
        }
        let mut rows = of_step(query.subject, session, node, step);
        // What is not on record is absent.
        rows.iter_mut().for_each(|row| row.p = row.p.filter(|p| !p.is_nan()));
        if rows.is_empty() {
            continue;
        }
        let view = View::new(session, vocabulary, node);
        found.extend(rows.into_iter().filter_map(|row| {
            let decided = row.decided.map(|node| View::new(session, vocabulary, node));
            let seen = ViewedRow { row: &row, view: &view, decided };
            let (values, keys) =
                query.fits(&seen).then(|| (query.values(&seen), query.keys(&seen)))?;
            Some(QueryRow { values, keys, ..row })
        }));
    }
    found
}

/// The rows of one node.
fn of_step(subject: Subject, session: &Session, id: NodeId, step: usize) -> Vec<QueryRow> {
    let timeline = session.timeline();
    let node = &timeline[id];
    let row = QueryRow::of(id, step);
    let before = node.parent.map(|parent| &timeline[parent]);
    match subject {
        Subject::Steps => vec![row],
        Subject::Edits => node.edits().map(|_| row).into_iter().collect(),
        Subject::Turns => {
            let changed = before.is_some_and(|before| before.params != node.params);
            changed.then_some(row).into_iter().collect()
        }
        Subject::Positions => node
            .canvas
            .cells()
            .iter()
            .enumerate()
            .map(|(position, cell)| {
                let filled = cell.filled.and_then(|at| filled(session, id, at as usize, cell.slot));
                QueryRow {
                    position: Some(position),
                    slot: Some(cell.slot),
                    token: Some(cell.token),
                    p: filled.map(|(_, p)| p),
                    decided: filled.map(|(node, _)| node),
                    ..row.clone()
                }
            })
            .collect(),
        Subject::Fills
        | Subject::Replacements
        | Subject::Remasks
        | Subject::Expansions
        | Subject::Refusals
        | Subject::Drops => {
            let (Some(decision), Some(before)) = (session.decision(id), before) else {
                return Vec::new();
            };
            if subject == Subject::Drops {
                let dropped = decision.dropped.iter().map(|drop| QueryRow {
                    position: before.canvas.position(drop.slot),
                    slot: Some(drop.slot),
                    token: drop.token,
                    ..row.clone()
                });
                return dropped.collect();
            }
            let cells = before.canvas.cells().iter().zip(&decision.verdicts).enumerate();
            cells
                .filter_map(|(position, (cell, verdict))| {
                    let row =
                        QueryRow { position: Some(position), slot: Some(cell.slot), ..row.clone() };
                    if let Verdict::Refused { p, .. } = *verdict {
                        return (subject == Subject::Refusals)
                            .then_some(QueryRow { p: Some(p), ..row });
                    }
                    match (subject, verdict.effect()?) {
                        (Subject::Fills, PositionEffect::Fill { token, p }) => {
                            Some(QueryRow { token: Some(token), p: Some(p), ..row })
                        }
                        (Subject::Replacements, PositionEffect::Replace { was, token, p }) => {
                            Some(QueryRow { token: Some(token), was: Some(was), p: Some(p), ..row })
                        }
                        (Subject::Remasks, PositionEffect::Remask { token, p }) => {
                            Some(QueryRow { was: Some(token), p, ..row })
                        }
                        (Subject::Expansions, PositionEffect::Expand { n, p }) => {
                            Some(QueryRow { p, made: Some(n), ..row })
                        }
                        (Subject::Expansions, PositionEffect::Insert { n, p }) => {
                            Some(QueryRow { p: Some(p), made: Some(n), ..row })
                        }
                        _ => None,
                    }
                })
                .collect()
        }
    }
}

/// The node that the step led to in which a slot was filled on the way to a node, and with what
/// confidence.
fn filled(session: &Session, at: NodeId, step: usize, slot: Slot) -> Option<(NodeId, f32)> {
    let timeline = session.timeline();
    let up = (timeline[at].depth as usize).checked_sub(step)?;
    let node = std::iter::successors(Some(at), |&id| timeline[id].parent).nth(up)?;
    let before = &timeline[timeline[node].parent?].canvas;
    match session.decision(node)?.verdicts.get(before.position(slot)?)?.effect()? {
        PositionEffect::Fill { p, .. } | PositionEffect::Replace { p, .. } => Some((node, p)),
        _ => None,
    }
}
