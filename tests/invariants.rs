//! Properties that hold for any parameters and any predictions.

use std::collections::HashMap;

use crate::support::{
    fake::SPECIAL,
    play::{params, ready, session},
};
use demask::{
    canvas::{Canvas, Edit, Origin, Slot, TokenId},
    decode::{AnyStrategy as _, Params, Value, daedal::Daedal},
    session::{NodeId, Pending},
};
use proptest::prelude::*;

fn by_slot(canvas: &Canvas) -> HashMap<Slot, TokenId> {
    canvas.cells().iter().map(|cell| (cell.slot, cell.token)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Prompt and written tokens stay, the mask is never written, the length keeps to its
    /// bounds, slots keep their order, and what goes is either expanded or reported as dropped.
    #[test]
    fn a_run_keeps_its_promises(params in params(), prompt in prop::collection::vec(0u32..12, 0..6)) {
        let max = params.count("max_gen_length").unwrap();
        let mut session = session(params, &prompt);
        let mut steps = 0;
        while ready(&mut session) {
            let before = session.canvas().clone();
            let Pending::Decided { decision, .. } = session.pending().clone() else { unreachable!() };
            prop_assert_eq!(decision.verdicts.len(), before.len());
            session.step().unwrap();
            let after = session.canvas();
            prop_assert_eq!(after.prompt(), &prompt[..]);
            prop_assert!(after.len() <= max.max(before.len()));
            let (old, new) = (by_slot(&before), by_slot(after));
            let expanded: Vec<Slot> = decision.edits.iter().filter_map(|edit| match edit {
                Edit::Expand { slot, .. } => Some(*slot),
                _ => None,
            }).collect();
            for (slot, token) in &old {
                match new.get(slot) {
                    Some(kept) if *token != SPECIAL.mask => prop_assert_eq!(kept, token),
                    Some(kept) if kept != token => {
                        prop_assert!(*kept != SPECIAL.mask);
                        let filled = decision.edits.contains(&Edit::Fill { slot: *slot, token: *kept });
                        prop_assert!(filled);
                    }
                    Some(_) => {}
                    None => prop_assert!(
                        expanded.contains(slot) || decision.dropped.iter().any(|drop| drop.slot == *slot),
                        "slot {:?} vanished", slot
                    ),
                }
            }
            // Slots that survive keep their order.
            let order: Vec<Slot> = after.cells().iter().map(|cell| cell.slot).filter(|slot| old.contains_key(slot)).collect();
            let was: Vec<Slot> = before.cells().iter().map(|cell| cell.slot).filter(|slot| new.contains_key(slot)).collect();
            prop_assert_eq!(order, was);
            for cell in after.cells().iter().filter(|cell| !old.contains_key(&cell.slot)) {
                prop_assert!(!matches!(cell.origin, Origin::Start));
            }
            steps += 1;
            prop_assert!(steps < 3000, "the run does not end");
        }
        let over = matches!(session.pending(), Pending::Done(_));
        prop_assert!(over);
    }

    /// Walking back and forward restores every canvas and needs no further pass.
    #[test]
    fn there_and_back_again(params in params(), back in 1usize..12) {
        let mut session = session(params, &[1, 2, 3]);
        let mut canvases = vec![session.canvas().clone()];
        while ready(&mut session) && canvases.len() < 40 {
            session.step().unwrap();
            canvases.push(session.canvas().clone());
        }
        let passes = session.passes();
        let back = back.min(canvases.len() - 1);
        for step in 0..back {
            prop_assert!(session.back());
            prop_assert_eq!(session.canvas(), &canvases[canvases.len() - 2 - step]);
        }
        for step in (0..back).rev() {
            let forward = session.step().is_ok();
            prop_assert!(forward);
            prop_assert_eq!(session.canvas(), &canvases[canvases.len() - 1 - step]);
        }
        prop_assert_eq!(session.passes(), passes);
        prop_assert_eq!(session.timeline().len(), canvases.len());
    }

    /// A block made narrower or wider in the middle leaves no masks behind.
    #[test]
    fn turning_the_block_ends_no_run(params in params(), widths in prop::collection::vec(1..20i64, 8)) {
        let mut params = params;
        // Without this a length of 0 has nothing to fill, and an expansion into nothing deletes.
        params.set("initial_gen_length", Value::Int(12)).unwrap();
        params.set("max_gen_length", Value::Int(40)).unwrap();
        params.set("expansion_factor", Value::Int(3)).unwrap();
        let mut session = session(params, &[1]);
        let mut widths = widths.into_iter().cycle();
        let mut steps = 0;
        while ready(&mut session) {
            if steps % 3 == 0 {
                let width = Value::Int(widths.next().unwrap());
                session.set_param("block_length", width).unwrap();
            }
            session.step().unwrap();
            steps += 1;
            prop_assert!(steps < 3000, "the run does not end");
        }
        let complete = matches!(session.pending(), Pending::Done(demask::decode::Finish::Complete));
        prop_assert!(complete, "{:?}", session.pending());
        prop_assert_eq!(session.canvas().masks(), 0);
    }

    /// Deciding again under the same parameters changes nothing.
    #[test]
    fn deciding_is_a_function(params in params()) {
        let mut session = session(params, &[1]);
        for _ in 0..30 {
            if !ready(&mut session) { break }
            let Pending::Decided { decision, .. } = session.pending().clone() else { unreachable!() };
            let value = session.params().get("low_conf_threshold").unwrap();
            session.set_param("low_conf_threshold", value).unwrap();
            let Pending::Decided { decision: again, .. } = session.pending() else { unreachable!() };
            prop_assert_eq!(&decision, again);
            session.step().unwrap();
        }
    }
}

#[test]
fn a_changed_parameter_at_an_earlier_step_starts_a_branch() {
    let mut session = session(Params::defaults(Daedal.params()), &[1, 2]);
    for _ in 0..12 {
        assert!(ready(&mut session));
        session.step().unwrap();
    }
    let tip = session.at();
    let old = session.canvas().clone();
    for _ in 0..3 {
        session.back();
    }
    session.set_param("high_conf_threshold", Value::Float(0.0)).unwrap();
    session.set_param("eos_confidence_threshold", Value::Float(0.0)).unwrap();
    assert!(ready(&mut session));
    session.step().unwrap();
    assert_eq!(session.timeline().tips().len(), 2);
    session.go(tip);
    assert_eq!(session.canvas(), &old);
    assert_eq!(session.params().float("high_conf_threshold").unwrap(), 0.9);
    assert_eq!(session.timeline().path(tip)[0], NodeId(0));
}
