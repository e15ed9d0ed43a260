//! `indel`: LLaDA2.2's decoding. As `joint_threshold`, and two tokens that a position may be predicted
//! to hold change the block's content: one deletes the position, the other puts a mask before it
//! (SGLang, `JointThresholdInDel`).
//!
//! The block keeps its length: what is pushed beyond its end is dropped, and where positions are missing
//! masks follow at its end. Those masks, and those put before a position, are *inserted* ones; the
//! others are the block's own, also after a token there was remasked. While masks of its own are
//! left, a step unmasks those over `threshold` if they are more than there are inserted masks, else as
//! many of the best and one; afterwards it unmasks all. So the block's own masks become fewer.
//!
//! Each pass that finds none of them is counted, and the one that reaches `max_post_edit_steps` is the
//! last: it unmasks everything and writes neither the mask nor one of the two tokens. With 0 that is the
//! one which unmasks the block's last own mask. A block is done early where a pass would write nothing.
//! Where a pass finds the block as an earlier one did, the least confident position that it would change
//! gets the best token that was not written in that place yet.
//!
//! Differences to the source: a pass that only keeps the keys of a finished block is no step; tokens
//! that the user wrote delete nothing.

mod params;
mod picks;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(in crate::decode) use params::Settings;

use crate::{
    canvas::{Canvas, FixedText, SpecialTokens, TokenId},
    decode::{
        DecisionOf, DecodeError, ParamSpec, Params, Phase, Plan, Value,
        ask::PassOptions,
        block_diffusion::BlockShape,
        blocks::Over,
        strategy::{Context, Strategy},
    },
    predict::{Column, Prediction},
};

/// The columns that a decision reads, and what is looked at.
const COLUMNS: &[Column] =
    &[Column::Argmax, Column::Choice, Column::PChoice, Column::PEos, Column::Alternatives];

/// The tokens that a pass may have to do without: the mask and the two that change the block's content.
const BARRED: usize = 3;

/// The largest number of which all smaller ones are tried for one that changes a step.
const MOST_TRIED: i64 = 256;

/// What `indel` remembers between steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "IndelState")]
pub struct State {
    /// First generated position of the block in work; at or past the length at the end of the run.
    pub cursor: usize,
    /// Passes over the block.
    pub step: usize,
    /// Those of them that found none of its own masks.
    pub post_steps: usize,
    /// Positions with a slot of this number or a later one were inserted since the block began.
    pub inserted_from: u32,
    /// The tokens of the block that earlier passes found, each as a number of 53 bits.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<u64>,
    /// What earlier passes wrote in the block: its place, counted from the block's first, and the
    /// token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub written: BTreeSet<(usize, TokenId)>,
    /// Why no step follows, where that is not the length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

impl State {
    /// At the beginning of the block that begins at `cursor`, on this canvas.
    fn enter(canvas: &Canvas, cursor: usize) -> Self {
        Self {
            cursor,
            step: 0,
            post_steps: 0,
            inserted_from: next_slot(canvas),
            seen: BTreeSet::new(),
            written: BTreeSet::new(),
            over: None,
        }
    }

    /// What was written at a place of the block.
    fn written_at(&self, place: usize) -> impl Iterator<Item = TokenId> {
        let range = (place, TokenId::MIN)..=(place, TokenId::MAX);
        self.written.range(range).map(|&(_, token)| token)
    }

    /// How many of the best tokens of each position are enough for a decision about this block.
    fn alternatives(&self, canvas: &Canvas, blocks: BlockShape) -> usize {
        let mut barred = BARRED;
        if self.seen.contains(&picks::fingerprint(canvas, blocks.window(canvas, self.cursor))) {
            for place in 0..blocks.block {
                // A mask of the block's own never gets the mask.
                let mask = (place, canvas.special().mask);
                let written = self.written_at(place).count();
                barred = barred.max(written + usize::from(!self.written.contains(&mask)));
            }
        }
        barred + 1
    }
}

/// A number that no slot on the canvas has, and every later one at least.
fn next_slot(canvas: &Canvas) -> u32 {
    canvas.cells().iter().map(|cell| cell.slot.0.saturating_add(1)).max().unwrap_or(0)
}

/// The strategy `indel`: positions of a block are also inserted and deleted, where the model says so.
#[derive(Debug, Clone, Copy)]
pub struct Indel;

impl Strategy for Indel {
    type State = State;
    type Settings = Settings;

    const NAME: &'static str = "indel";
    const PARAMS: &'static [ParamSpec] = params::SPECS;
    const CHANGES_TOKENS: bool = true;

    fn settings(params: &Params) -> Result<Settings, DecodeError> {
        Settings::of(params)
    }

    fn lead(settings: &Settings, prompt: usize) -> usize {
        settings.blocks.layout(prompt).lead()
    }

    fn start(
        settings: &Settings,
        text: &FixedText,
        special: SpecialTokens,
    ) -> Result<(Canvas, State), DecodeError> {
        let canvas = settings.blocks.first_canvas(Self::NAME, text, special)?;
        settings.check(special.mask)?;
        let state = State::enter(&canvas, 0);
        Ok((canvas, state))
    }

    fn plan(at: Context<Self>) -> Plan<PassOptions> {
        let Context { canvas, state, settings } = at;
        if let Some(finish) = BlockShape::end(canvas, state.cursor, state.over) {
            return Plan::Done(finish);
        }
        Plan::Predict(PassOptions {
            columns: COLUMNS,
            attention: Some(settings.blocks.attention(canvas, false)),
            first_row: state.cursor,
            expands_by: settings.split(),
            alternatives: Some(state.alternatives(canvas, settings.blocks)),
            ..PassOptions::default()
        })
    }

    fn decide(
        at: Context<Self>,
        prediction: &Prediction,
    ) -> Result<DecisionOf<State>, DecodeError> {
        picks::decide(at, prediction)
    }

    fn edited(at: Context<Self>) -> State {
        let Context { canvas, state, settings } = at;
        let open = (0..canvas.len()).find(|&at| canvas.is_open(at));
        let Some(at) = open.or(canvas.len().checked_sub(1)) else { return State::enter(canvas, 0) };
        let window = settings.blocks.layout(canvas.prompt().len()).around(at);
        match window.contains(&state.cursor) && state.over.is_none() {
            // Passes made over the block in work stay made; what they found and wrote may be found
            // and written again.
            true => State {
                post_steps: 0,
                seen: BTreeSet::new(),
                written: BTreeSet::new(),
                ..state.clone()
            },
            false => State::enter(canvas, window.start),
        }
    }

    fn breaks(
        at: Context<Self>,
        name: &str,
        present: Value,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        match (name, present) {
            ("max_post_edit_steps", Value::Int(present)) => {
                let state = at.state;
                let made = (state.post_steps + 1).max(state.step + 1);
                let last = present.max(made as i64).saturating_add(1);
                Ok((last <= MOST_TRIED).then(|| (0..=last).map(Value::Int).collect()))
            }
            _ => picks::breaks(at, name, prediction),
        }
    }

    fn phase(at: Context<Self>) -> Phase {
        at.settings.blocks.phase(at.canvas, at.state.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::{Edit, Override, Slot},
        decode::{AnyStrategy, Decision, Extras, State as AnyState, Verdict},
        predict::{Data, Prediction},
    };

    const MASK: TokenId = 9;
    const EOS: TokenId = 8;
    const DELETE: TokenId = 7;
    const SPLIT: TokenId = 6;
    const SPECIAL: SpecialTokens = SpecialTokens { mask: MASK, eos: EOS };

    fn params(values: &[(&str, &str)]) -> Params {
        let mut params = Params::defaults(params::SPECS);
        let more = [("delete_token_id", "7"), ("split_token_id", "6"), ("block_length", "4")];
        for (name, value) in more.iter().chain(&[("gen_length", "4")]).chain(values) {
            let spec = params.spec(name).unwrap();
            params.set(name, spec.parse(value).unwrap()).unwrap();
        }
        params
    }

    /// A step on a canvas whose slots under `own` the block began with; the best token of each
    /// position is followed by 1, 2, 3, ….
    fn step(
        canvas: &Canvas,
        state: &State,
        values: &[(&str, &str)],
        (choice, p): (&[TokenId], &[f32]),
    ) -> Decision {
        let others = |best: TokenId| (1..10).filter(move |&token| token != best);
        let row = |(&best, &p): (&TokenId, &f32)| {
            let all = std::iter::once(best).chain(others(best)).zip(0..);
            all.map(|(token, rank)| (token, p / (1 << rank) as f32)).collect::<Vec<_>>()
        };
        let rows = choice.iter().zip(p).map(row).collect();
        let prediction = Prediction::new(choice.len())
            .with(Column::Choice, Data::Ids(choice.to_vec()))
            .with(Column::PChoice, Data::Numbers(p.to_vec()))
            .with(Column::Alternatives, Data::Ranked(rows));
        let state = AnyState::Indel(state.clone());
        Indel.decide(canvas, &state, &params(values), &prediction).unwrap()
    }

    fn names(decision: &Decision) -> String {
        decision.verdicts.iter().map(Verdict::name).collect::<Vec<_>>().join(" ")
    }

    fn begun(canvas: &Canvas, own: u32) -> State {
        State { inserted_from: own, ..State::enter(canvas, 0) }
    }

    #[test]
    fn positions_come_and_go_and_the_block_keeps_its_length() {
        let m = MASK;
        // Slots under 3 are the block's own.
        let check = |tokens: &[TokenId; 4],
                     values: &[(&str, &str)],
                     choice: &[TokenId; 4],
                     after: &[TokenId],
                     slots: &[u32],
                     told: &str| {
            let canvas = Canvas::holding([], tokens, SPECIAL);
            let p = [0.9, 0.8, 0.7, 0.6];
            let decision = step(&canvas, &begun(&canvas, 3), values, (choice, &p));
            let made = canvas.apply(&decision.edits, 1).unwrap().canvas;
            let held: Vec<u32> = made.cells().iter().map(|cell| cell.slot.0).collect();
            assert_eq!((made.tokens().as_slice(), held.as_slice()), (after, slots), "{told}");
            assert_eq!(names(&decision), told);
        };
        let all = [0, 1, 2, 3];
        check(
            &[m, 3, 4, 5],
            &[],
            &[2, 1, 4, 5],
            &[2, 1, 4, 5],
            &all,
            "fill replace written written",
        );
        check(
            &[m, 3, 4, 5],
            &[],
            &[2, m, 4, 5],
            &[2, m, 4, 5],
            &all,
            "fill remask written written",
        );
        // First and last; masks follow at the end.
        let two = [DELETE, 3, 4, DELETE];
        check(
            &[m, 3, 4, 5],
            &[],
            &two,
            &[3, 4, m, m],
            &[1, 2, 4, 5],
            "delete written written delete",
        );
        // A mask is put before a token, and before a mask; what is pushed out is dropped.
        let told = "fill split written written";
        check(&[m, 3, 4, 5], &[], &[2, SPLIT, 4, 5], &[2, m, 3, 4], &[0, 4, 1, 2], told);
        let told = "split split written written";
        check(&[m, 3, 4, 5], &[], &[SPLIT, SPLIT, 4, 5], &[m, m, m, 3], &[4, 0, 5, 1], told);
        let told = "fill written written split";
        check(&[m, 3, 4, 5], &[], &[2, 3, 4, SPLIT], &[2, 3, 4, m], &[0, 1, 2, 4], told);
        // Deletions make room.
        let told = "split delete written written";
        check(&[m, 3, 4, 5], &[], &[SPLIT, DELETE, 4, 5], &[m, m, 4, 5], &[4, 0, 2, 3], told);
        // An inserted mask asks for one more of the block's; under the threshold the best are taken.
        let high = [("threshold", "1"), ("edit_threshold", "1")];
        check(&[m, m, m, m], &high, &[1, 2, 3, 4], &[1, 2, m, m], &all, "fill fill left left");
        check(&[m, m, m, 5], &high, &[1, 2, 3, 4], &[1, m, m, 5], &all, "fill left left written");
        // A mask of the block's own gets the next best token, an inserted one gets the mask.
        check(&[m, m, 4, 5], &[], &[m, 2, 4, 5], &[m, 2, 4, 5], &all, "left fill written written");
        let told = "fill written written left";
        check(&[m, 3, 4, m], &[], &[2, 3, 4, m], &[2, 3, 4, m], &all, told);
        // Without masks of its own every mask is filled; the last pass writes no special token.
        check(
            &[1, 3, 4, m],
            &high,
            &[1, 3, 4, 2],
            &[1, 3, 4, 2],
            &all,
            "written written written fill",
        );
        let last = [("max_post_edit_steps", "1")];
        let told = "written replace written fill";
        check(&[1, 3, 4, m], &last, &[1, DELETE, 4, m], &[1, 1, 4, 1], &all, told);
        // Without passes afterwards, the pass that fills the last of the block's own masks is the last.
        let none = [("max_post_edit_steps", "0"), ("threshold", "0.85")];
        check(
            &[m, 3, 4, m],
            &none,
            &[2, SPLIT, 4, m],
            &[2, 1, 4, 1],
            &all,
            "fill replace written fill",
        );
    }

    #[test]
    fn a_block_that_was_the_same_before_parts_from_itself() {
        let canvas = Canvas::holding([], &[1, 3, 4, 5], SPECIAL);
        let mut state = begun(&canvas, 4);
        let answer = ([2, 4, 4, 5].as_slice(), [0.9, 0.8, 0.7, 0.6].as_slice());
        let after = |state: &State| {
            let decision = step(&canvas, state, &[], answer);
            canvas.apply(&decision.edits, 1).unwrap().canvas.tokens()
        };
        assert_eq!(after(&state), [2, 4, 4, 5]);
        state.seen.insert(picks::fingerprint(&canvas, 0..4));
        let asked =
            |state: &State| state.alternatives(&canvas, Settings::of(&params(&[])).unwrap().blocks);
        assert_eq!(asked(&state), 4);
        // The less confident of those that change; nothing was written there yet.
        assert_eq!(after(&state), [2, 4, 4, 5]);
        state.written.extend([(1, 4), (1, 1), (1, 2), (1, 5), (0, 2)]);
        assert_eq!((after(&state), asked(&state)), (vec![2, 3, 4, 5], 6));
    }

    #[test]
    fn what_the_user_asks_comes_first() {
        let ask = |at: usize, overridden: Override| {
            let canvas = Canvas::masked([], 4, SPECIAL);
            let slot = canvas.cells()[at].slot;
            canvas.apply(&[Edit::Override { slot, overridden }], 0).unwrap().canvas
        };
        let answer = ([1, 2, 3, SPLIT].as_slice(), [0.9, 0.8, 0.7, 0.6].as_slice());
        let told = |canvas: &Canvas, values| {
            let decision = step(canvas, &begun(canvas, 4), values, answer);
            let after = canvas.apply(&decision.edits, 1).unwrap().canvas;
            assert_eq!(after.len(), 4, "{}", names(&decision));
            names(&decision)
        };
        let expanded = Override { pinned: false, expand: Some(true) };
        assert_eq!(told(&ask(1, expanded), &[]), "fill forced fill split");
        // It is no mask for the last pass to fill, which then is not the last.
        let none = [("max_post_edit_steps", "0")];
        assert_eq!(told(&ask(1, expanded), &none), "fill forced fill split");
        let pinned = Override { pinned: true, expand: None };
        assert_eq!(told(&ask(3, pinned), &[]), "fill fill fill left");
        // What is fixed at the end is not pushed out: what stands before it is.
        let split = ([SPLIT, 2, 3, 1].as_slice(), answer.1);
        let canvas = ask(3, pinned);
        let decision = step(&canvas, &begun(&canvas, 4), &[], split);
        let after = canvas.apply(&decision.edits, 1).unwrap().canvas;
        let held: Vec<Slot> = after.cells().iter().map(|cell| cell.slot).collect();
        assert_eq!(held, [Slot(4), Slot(0), Slot(1), Slot(3)]);
        assert_eq!(decision.dropped.len(), 1);
        // Where the mask before it is forbidden, its token is impossible.
        let canvas = ask(2, Override { pinned: false, expand: Some(false) });
        let state = AnyState::Indel(begun(&canvas, 4));
        let plan = Indel.plan(&canvas, &state, &params(&[]), 1, Extras::NONE).unwrap();
        let Plan::Predict(request) = plan else { panic!("no pass") };
        assert_eq!(request.suppressed, [(2, SPLIT)]);
    }

    #[test]
    fn a_run_without_its_tokens_is_refused() {
        let check = |values: &[(&str, &str)], error: Option<&str>| {
            let started = Indel.start(&(&[1]).into(), SPECIAL, &params(values));
            let found = started.err().map(|error| error.to_string());
            match (&found, error) {
                (None, None) => {}
                (Some(found), Some(error)) => assert!(found.contains(error), "{found}"),
                _ => panic!("{found:?}, not {error:?}"),
            }
        };
        check(&[], None);
        check(&[("delete_token_id", "none")], Some("names none as delete_token_id"));
        check(&[("split_token_id", "none")], Some("with --split-token-id"));
        check(&[("split_token_id", "7+6")], Some("split_token_id takes one token, not 2"));
        check(&[("delete_token_id", "9")], Some("is the model's mask"));
        check(&[("delete_token_id", "6")], Some("are both 6"));
    }
}
