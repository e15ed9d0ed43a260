//! What a pass over a block does: which positions it writes, and what the tokens that delete and insert
//! make of the block.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::{Indel, Settings, State};
use crate::{
    canvas::{Canvas, Edit, Filler, TokenId},
    decode::{
        DecisionOf, DecodeError, Drop, FillRule, Growth, LeftRule, Measure, Mode, RemaskRule, Test,
        Value, Verdict,
        block_diffusion::{BlockPicks, Window, holds_eos},
        blocks::{Over, outside},
        strategy::Context,
        top_k::top_k,
    },
    predict::{Column, Prediction, Ranked},
};

/// Masks that a position becomes where the user asks for an expansion.
const FORCED: usize = 2;

/// The tokens of a block as a number, of as many bits as a JSON number has.
pub(super) fn fingerprint(canvas: &Canvas, positions: Range<usize>) -> u64 {
    let mut hash = Xxh3::new();
    let cells = canvas.cells().range(positions);
    cells.for_each(|cell| hash.update(&cell.token.to_le_bytes()));
    hash.digest() >> 11
}

/// A position that is written, with what and why.
#[derive(Clone, Copy)]
struct Write {
    at: usize,
    token: TokenId,
    p: f32,
    rule: FillRule,
}

/// What a pass over a block is decided on.
struct BlockInWork<'a> {
    window: Window<'a, &'a State>,
    settings: &'a Settings,
    alternatives: &'a Ranked,
    /// Token and confidence of every position of the canvas; masks of the block's own never get the
    /// mask, but in the last pass.
    best: Vec<(TokenId, f32)>,
    /// Masks that the block began with, in order.
    own: Vec<usize>,
    /// Masks that are to be written, in order, without those that the user wants expanded.
    open: Vec<usize>,
    /// Masks that the user wants expanded.
    forced: Vec<usize>,
    /// The number of this pass over the block.
    step: usize,
    /// Passes that found none of the block's own masks, this one among them.
    post_steps: usize,
    /// It is known to be the last pass, whatever it writes.
    last: bool,
}

/// What a pass writes.
struct Written {
    mode: Mode,
    /// In order of positions.
    writes: Vec<Write>,
    left: Vec<(usize, LeftRule)>,
    /// It is the last pass over the block.
    last: bool,
}

impl<'a> BlockInWork<'a> {
    fn of(at: Context<'a, Indel>, prediction: &'a Prediction) -> Result<Self, DecodeError> {
        let Context { canvas, state, settings } = at;
        let window = Window::of(canvas, (settings.blocks, state.cursor), state, prediction)?;
        let cells = canvas.cells();
        let asked = |at: &usize| cells[*at].overridden.expand == Some(true);
        let (forced, open): (Vec<usize>, Vec<usize>) = window.open().partition(asked);
        let masks = window.open();
        let own: Vec<usize> = masks.filter(|&at| cells[at].slot.0 < state.inserted_from).collect();
        let step = state.step + 1;
        let post_steps = state.post_steps + usize::from(own.is_empty());
        let most = settings.max_post_steps;
        let used_up = match most {
            0 => own.is_empty(),
            most => post_steps >= most,
        };
        // What the user asks for comes first, and is seen by another pass.
        let last = forced.is_empty() && (used_up || step > settings.blocks.block + most);
        let mut this = Self {
            best: window.choice.iter().copied().zip(window.p.iter().copied()).collect(),
            alternatives: prediction.ranked(Column::Alternatives)?,
            window,
            settings,
            own,
            open,
            forced,
            step,
            post_steps,
            last,
        };
        let mask = canvas.special().mask;
        for index in 0..this.own.len() {
            let at = this.own[index];
            if !last && this.best[at].0 == mask {
                this.best[at] = this.other(at, |token| token == mask);
            }
        }
        Ok(this)
    }

    /// The best token of a position that is not barred, and its probability; the best of all where
    /// the vocabulary has no other.
    fn other(&self, at: usize, barred: impl Fn(TokenId) -> bool) -> (TokenId, f32) {
        let others = self.alternatives.row(at).iter().copied();
        others.into_iter().find(|&(token, _)| !barred(token)).unwrap_or(self.best[at])
    }

    /// The token that a position holds.
    fn held(&self, at: usize) -> TokenId {
        self.window.canvas.cells()[at].token
    }

    /// Masks that are written, with the rule for each, and written positions that are written anew.
    fn picks(&self) -> BlockPicks {
        let rewrites = self.rewrites();
        let all = |rule: FillRule| BlockPicks {
            mode: Mode::Quota,
            fills: self.open.iter().map(|&at| (at, rule)).collect(),
            rewrites: rewrites.clone(),
            left: Vec::new(),
        };
        let own = self.open.iter().filter(|at| self.own.contains(at)).count();
        if self.open.is_empty() && self.forced.is_empty() {
            let mode = if rewrites.is_empty() { Mode::None } else { Mode::Edit };
            return BlockPicks { mode, fills: Vec::new(), rewrites, left: Vec::new() };
        }
        if self.last {
            return all(FillRule::LastPass);
        }
        if own == 0 {
            return all(FillRule::OnlyInserted);
        }
        let quota = (1 + self.open.len() - own).min(self.open.len());
        let bound = self.settings.threshold;
        let p = |at: usize| self.best[at].1;
        let test = |at: usize| Test { measure: Measure::Over, value: p(at), bound };
        let (over, under): (Vec<usize>, Vec<usize>) =
            self.open.iter().partition(|&&at| p(at) > bound);
        if over.len() >= quota {
            let fills = over.into_iter().map(|at| (at, FillRule::Passes(test(at)))).collect();
            let left = under.into_iter().map(|at| (at, LeftRule::Fails(test(at)))).collect();
            return BlockPicks { mode: Mode::HighConf, fills, rewrites, left };
        }
        let mut values = vec![f32::NEG_INFINITY; self.window.lead + self.window.positions.len()];
        self.open.iter().for_each(|&at| values[self.window.place(at)] = p(at));
        let taken: Vec<usize> =
            top_k(&values, quota).into_iter().filter_map(|place| self.window.at(place)).collect();
        let mut rest = self.open.clone();
        rest.retain(|at| !taken.contains(at));
        rest.sort_by(|&a, &b| p(b).total_cmp(&p(a)));
        let fill = |(index, &at): (usize, &usize)| match quota {
            1 => (at, FillRule::Best(test(at))),
            _ => (at, FillRule::Quota { rank: index + 1, quota }),
        };
        let leave = |(index, at): (usize, usize)| match quota {
            1 => (at, LeftRule::Fails(test(at))),
            _ => (at, LeftRule::Quota { rank: taken.len() + index + 1, quota }),
        };
        BlockPicks {
            mode: if quota == 1 { Mode::Fallback } else { Mode::Quota },
            fills: taken.iter().enumerate().map(fill).collect(),
            rewrites,
            left: rest.into_iter().enumerate().map(leave).collect(),
        }
    }

    /// Written positions that give way to what would be written otherwise.
    fn rewrites(&self) -> Vec<(usize, FillRule)> {
        let bound = self.settings.edit_threshold;
        let test = |at: usize| Test { measure: Measure::Edit, value: self.best[at].1, bound };
        let over = |at: &usize| self.best[*at].1 > bound && self.best[*at].0 != self.held(*at);
        let written = self.window.written().filter(over);
        written.map(|at| (at, FillRule::Passes(test(at)))).collect()
    }

    /// What the pass writes, before that makes anything of the block.
    fn written(&self) -> Written {
        let BlockPicks { mode, mut fills, rewrites, mut left } = self.picks();
        let mut last = self.last;
        // Without passes afterwards, the one that fills the last of the block's own masks is the last.
        let filled = |at: &usize| fills.iter().any(|(other, _)| other == at);
        if self.settings.max_post_steps == 0
            && self.forced.is_empty()
            && !self.own.is_empty()
            && self.own.iter().all(filled)
        {
            last = true;
            fills.extend(left.drain(..).map(|(at, _)| (at, FillRule::LastPass)));
        }
        fills.extend(rewrites);
        fills.sort_by_key(|(at, _)| *at);
        let write = |(at, rule)| {
            let (token, p) = self.best[at];
            Write { at, token, p, rule }
        };
        let mut writes: Vec<Write> = fills.into_iter().map(write).collect();
        if last {
            let barred = |token| {
                let settings = self.settings;
                let both = [settings.delete(), settings.split()];
                token == self.window.canvas.special().mask || both.contains(&Some(token))
            };
            for write in writes.iter_mut().filter(|write| barred(write.token)) {
                let (token, p) = self.other(write.at, barred);
                *write = Write { token, p, rule: FillRule::LastPass, ..*write };
            }
        } else if self.window.state.seen.contains(&self.fingerprint()) {
            self.part(&mut writes);
        }
        Written { mode, writes, left, last }
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(self.window.canvas, self.window.positions.clone())
    }

    /// Lets the least confident position that changes get a token that was not written in its place yet.
    fn part(&self, writes: &mut [Write]) {
        let changing = writes.iter_mut().filter(|write| write.token != self.held(write.at));
        // The first of equals.
        let least = changing.reduce(|least, other| if other.p < least.p { other } else { least });
        let Some(write) = least else { return };
        let place = self.window.place(write.at);
        let own = self.own.contains(&write.at);
        let mask = self.window.canvas.special().mask;
        let barred =
            |token| (own && token == mask) || self.window.state.written.contains(&(place, token));
        let (token, p) = self.other(write.at, barred);
        *write = Write { token, p, rule: FillRule::Repeated, ..*write };
    }
}

/// What a place of the block holds after a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// What stood at this position, or was written there.
    Kept(usize),
    /// A mask put before this position.
    Before(usize),
    /// One of the masks that this position became, since the user asked for it.
    Expanded(usize),
}

/// The block after a pass, as its places, and the positions that are dropped.
struct Places {
    places: Vec<Place>,
    dropped: Vec<usize>,
}

impl Places {
    /// What is left of the block's positions, cut to its length; what is fixed is never dropped.
    fn of(work: &BlockInWork, writes: &[Write]) -> Self {
        let (canvas, settings) = (work.window.canvas, work.settings);
        let mut places = Vec::new();
        for at in work.window.positions.clone() {
            let write = writes.iter().find(|write| write.at == at).map(|write| write.token);
            if work.forced.contains(&at) {
                places.extend([Place::Expanded(at); FORCED]);
            } else if write.is_none() || (write != settings.delete() && write != settings.split()) {
                places.push(Place::Kept(at));
            } else if write == settings.split() {
                places.extend([Place::Before(at), Place::Kept(at)]);
            }
        }
        let fixed =
            |place: &Place| matches!(*place, Place::Kept(at) if canvas.cells()[at].is_fixed());
        let mut dropped = Vec::new();
        while places.len() > work.window.positions.len() {
            let Some(last) = places.iter().rposition(|place| !fixed(place)) else { break };
            if let Place::Kept(at) = places.remove(last) {
                dropped.push(at);
            }
        }
        dropped.reverse();
        Self { places, dropped }
    }

    /// How often a place is there.
    fn count(&self, place: Place) -> usize {
        self.places.iter().filter(|other| **other == place).count()
    }
}

/// The edit that a write alone makes and its verdict; none where the position stays as it is.
fn written(work: &BlockInWork, write: Write) -> (Option<Edit>, Option<Verdict>) {
    let Write { at, token, p, rule } = write;
    let (cell, mask) = (work.window.canvas.cells()[at], work.window.canvas.special().mask);
    let (slot, was) = (cell.slot, cell.token);
    if Some(token) == work.settings.delete() {
        let verdict = Verdict::Delete { token: Some(token), p, rule };
        return (Some(Edit::Delete { slot }), Some(verdict));
    }
    if Some(token) == work.settings.split() {
        return (None, Some(Verdict::Split { token, p, n: 1, rule }));
    }
    match (was == mask, token == mask) {
        (true, true) => (None, Some(Verdict::Left { p, rule: LeftRule::PredictsMask })),
        (false, _) if was == token => (None, None),
        (true, false) => (
            Some(Edit::Fill { slot, token }),
            Some(Verdict::Fill { token, p, rule, threshold: None }),
        ),
        (false, true) => (
            Some(Edit::Remask { slot }),
            Some(Verdict::Remask { token: was, p: Some(p), rule: RemaskRule::PredictsMask }),
        ),
        (false, false) => (
            Some(Edit::Replace { slot, token }),
            Some(Verdict::Replace { was, token, p, rule, threshold: None }),
        ),
    }
}

pub(super) fn decide(
    at: Context<Indel>,
    prediction: &Prediction,
) -> Result<DecisionOf<State>, DecodeError> {
    let Context { canvas, state, settings } = at;
    let work = BlockInWork::of(at, prediction)?;
    let Written { mode, writes, left, last } = work.written();
    let positions = work.window.positions.clone();
    let slot = |at: usize| canvas.cells()[at].slot;
    let mut verdicts = outside(canvas, work.window.p);
    for (at, rule) in left {
        verdicts[at] = Verdict::Left { p: work.best[at].1, rule };
    }
    let places = Places::of(&work, &writes);
    let mut edits = Vec::new();
    for &write in &writes {
        let (edit, verdict) = written(&work, write);
        edits.extend(edit);
        verdicts[write.at] = verdict.unwrap_or(verdicts[write.at]);
    }
    for &at in &work.forced {
        let n = places.count(Place::Expanded(at));
        edits.push(Edit::Expand { slot: slot(at), n });
        verdicts[at] = Verdict::Forced { p: work.best[at].1, n: FORCED };
    }
    let before = places.places.iter().filter_map(|place| match *place {
        Place::Before(at) => Some(Edit::Split { slot: slot(at), n: 1 }),
        _ => None,
    });
    edits.extend(before);
    edits.extend(places.dropped.iter().map(|&at| Edit::Delete { slot: slot(at) }));
    let missing = positions.len().saturating_sub(places.places.len());
    edits.extend((missing > 0).then(|| match canvas.cells().get(positions.end) {
        // Blocks behind this one are there where the user went back to it.
        Some(cell) => Edit::Split { slot: cell.slot, n: missing },
        None => Edit::Append { n: missing, filler: Filler::Mask },
    }));
    let nothing = writes.is_empty() && work.forced.is_empty();
    let mut after = canvas.apply(&edits, 0)?.canvas;
    let mut next = State { step: work.step, post_steps: work.post_steps, ..state.clone() };
    next.seen.insert(work.fingerprint());
    next.written.extend(writes.iter().map(|write| (work.window.place(write.at), write.token)));
    if last || nothing {
        if settings.eos_early_stop && holds_eos(&after) {
            next.over = Some(Over::EndOfSequence);
        } else {
            let (cursor, grows) = settings.blocks.behind(&after, positions.end);
            if let Some(n) = grows {
                let more = Edit::Append { n, filler: Filler::Mask };
                edits.push(more);
                after = after.apply(&[more], 0)?.canvas;
            }
            next = State::enter(&after, cursor);
        }
    }
    let dropped = places.dropped.iter().map(|&at| {
        let write = writes.iter().find(|write| write.at == at);
        let kept = |write: &&Write| Some(write.token) != settings.split();
        let token = write.filter(kept).map_or(canvas.cells()[at].token, |write| write.token);
        Drop { slot: slot(at), token: (token != canvas.special().mask).then_some(token) }
    });
    let dropped = dropped.collect();
    Ok(DecisionOf {
        mode,
        edits,
        verdicts: verdicts.into(),
        dropped,
        eos: None,
        growth: match after.len() {
            length if length == canvas.len() => Growth::Stays,
            length => Growth::To(length),
        },
        next,
    })
}

/// Values of the thresholds at which a pass comes out differently.
pub(super) fn breaks(
    at: Context<Indel>,
    name: &str,
    prediction: &Prediction,
) -> Result<Option<Vec<Value>>, DecodeError> {
    let work = BlockInWork::of(at, prediction)?;
    let value = |at: usize| Value::Float(f64::from(work.best[at].1));
    Ok(match name {
        // At its own confidence a position is no longer over the threshold.
        "threshold" => Some(work.open.iter().map(|&at| value(at)).collect()),
        "edit_threshold" => {
            let differs = |at: &usize| work.best[*at].0 != work.held(*at);
            Some(work.window.written().filter(differs).map(value).collect())
        }
        _ => None,
    })
}
