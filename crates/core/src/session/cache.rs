//! Which passes may leave something uncomputed ([`Cache`]): a pure function of the path, so that a
//! replay and a branch ask for what the run asked for.
//!
//! The first pass of a block is a full one, and later passes in the block are windows of it, as
//! long as the canvas outside the window stays what it was. A full pass begins anew wherever it
//! does not: at another length, after an edit of the user, when something outside is written or masked
//! again.

use std::ops::Range;

use super::{NodeId, NodeOrigin, Timeline};
use crate::{
    canvas::Canvas,
    decode::{AnyStrategy, Cache, Params, Phase},
    predict::{Attention, Cached, Pass, Request},
};

/// What the pass from `at` under `params`, which is `request` if nothing is left out, may leave
/// out; else why it is a full one, in words.
pub(super) fn cached(
    (strategy, cache): (&dyn AnyStrategy, Cache),
    timeline: &Timeline,
    (at, params): (NodeId, &Params),
    request: &Request,
) -> Result<Cached, &'static str> {
    if cache == Cache::None {
        return Err("no cache is on");
    }
    if let Some(why) = full(request) {
        return Err(why);
    }
    let phase = |node: NodeId, params: &Params| -> Phase {
        let node = &timeline[node];
        strategy.phase(&node.canvas, &node.state, params)
    };
    let here = phase(at, params);
    let block = here.block.filter(|block| !block.is_empty());
    let block = block.ok_or("nothing is decoded block by block here")?;
    let canvas = &timeline[at].canvas;
    let window = window(cache, canvas, &block);
    if window.len() == request.pass.ids.len() {
        return Err("the block is all there is");
    }
    // Nodes of this block, the last first, over steps alone.
    let mut path = vec![at];
    let mut child = at;
    while let (Some(parent), NodeOrigin::Step(_)) = (timeline[child].parent, &timeline[child].made)
    {
        let before = phase(parent, &timeline[child].params);
        let same = before.stage == here.stage && before.block.as_ref() == Some(&block);
        if !same || timeline[parent].canvas.len() != canvas.len() {
            break;
        }
        path.push(parent);
        child = parent;
    }
    let ids = |node: NodeId| timeline[node].canvas.ids();
    let last = path.pop().unwrap_or(at);
    let (mut from, mut base) = (last, ids(last));
    for &node in path.iter().rev() {
        let ids = ids(node);
        if ids[..window.start] != base[..window.start] || ids[window.end..] != base[window.end..] {
            (from, base) = (node, ids);
        }
    }
    match from == at {
        true => {
            Err("a block, a length or an edit begins here, or something outside the block has \
                     changed")
        }
        false => Ok(Cached {
            from: Pass { ids: base, positions: None, attention: Attention::Full },
            window,
        }),
    }
}

/// Why a request cannot be cut down to a window.
fn full(request: &Request) -> Option<&'static str> {
    let plain = request.pass.positions.is_none() && request.pass.attention == Attention::Full;
    [
        (request.guidance.is_some(), "guidance runs two canvases"),
        (request.earlier.is_some(), "it is compared with the step before"),
        (request.shadow.is_some(), "it has shadows"),
        (request.shift, "a row reads the position before it, which may be outside the block"),
        (!plain, "attention is not full"),
    ]
    .into_iter()
    .find_map(|(holds, why)| holds.then_some(why))
}

/// The positions of the pass that are computed.
fn window(cache: Cache, canvas: &Canvas, block: &Range<usize>) -> Range<usize> {
    let prompt = canvas.prompt().len();
    let behind = canvas.len() + canvas.suffix().len();
    let end = if cache == Cache::Dual { block.end } else { behind };
    prompt + block.start..prompt + end
}
