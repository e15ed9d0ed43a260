//! Conditions and queries over the recordings of this repository, against values computed here.

use std::{collections::HashMap, sync::Arc};

use demask::{
    canvas::{Canvas, Edit, Slot, TokenId},
    debugger::Debugger,
    decode::{AnyStrategy as _, Decision, Mode, Verdict, daedal::Daedal},
    inspect::{self, Condition, Query, QueryRow, language::Subject},
    predict::{Column, Prediction},
    session::NodeId,
};

use super::drive::{command, recording, recordings, replay};

fn rows(debugger: &Debugger, query: &str) -> Vec<QueryRow> {
    let query = Query::parse(query).unwrap();
    inspect::rows(&query, &debugger.session, &*debugger.vocabulary, (debugger.session.at(), 0))
}

/// Fills of the branch: step, position, token, confidence.
fn fills(debugger: &Debugger) -> Vec<(usize, usize, TokenId, f32)> {
    let timeline = debugger.session.timeline();
    let branch = debugger.branch().into_iter().enumerate();
    branch
        .filter_map(|(step, id)| timeline[id].step().map(|made| (step, made.clone())))
        .flat_map(|(step, made)| {
            let verdicts: Vec<Verdict> = made.decision.verdicts.iter().copied().collect();
            verdicts.into_iter().enumerate().filter_map(move |(at, verdict)| match verdict {
                Verdict::Fill { token, p, .. } => Some((step, at, token, p)),
                _ => None,
            })
        })
        .collect()
}

#[test]
fn queries_list_what_a_count_finds() {
    let mut expanded = 0;
    for (name, recording) in recordings() {
        let debugger = replay(&recording);
        let fills = fills(&debugger);
        let seen = |query: &str| -> Vec<(usize, usize, TokenId, f32)> {
            let rows = rows(&debugger, query).into_iter();
            rows.map(|row| (row.step, row.position.unwrap(), row.token.unwrap(), row.p.unwrap()))
                .collect()
        };
        assert_eq!(seen("fills"), fills, "{name}");
        for line in [0.5, 0.9, 0.99_f32] {
            let under: Vec<_> = fills.iter().copied().filter(|fill| fill.3 < line).collect();
            assert_eq!(seen(&format!("fills where p < {line}")), under, "{name}");
        }
        let late: Vec<_> = fills.iter().copied().filter(|fill| fill.0 > 10 && fill.1 < 8).collect();
        assert_eq!(seen("fills where step > 10 and position < 8"), late, "{name}");

        // An expansion is an edit of its own; the query says how many masks it made.
        let timeline = debugger.session.timeline();
        let made: Vec<(usize, Slot, usize)> = debugger
            .branch()
            .into_iter()
            .enumerate()
            .filter_map(|(step, id)| Some((step, timeline[id].step()?)))
            .flat_map(|(step, made)| made.decision.edits.iter().map(move |edit| (step, *edit)))
            .filter_map(|(step, edit)| match edit {
                Edit::Expand { slot, n } => Some((step, slot, n)),
                _ => None,
            })
            .collect();
        let found = rows(&debugger, "expansions");
        let found: Vec<_> =
            found.into_iter().map(|row| (row.step, row.slot.unwrap(), row.made.unwrap())).collect();
        assert_eq!(found, made, "{name}");
        expanded += made.len();

        assert_eq!(rows(&debugger, "steps").len(), debugger.branch().len(), "{name}");
        assert!(rows(&debugger, "edits").is_empty() && rows(&debugger, "turns").is_empty());
        let end = &timeline[*debugger.branch().last().unwrap()].canvas;
        assert_eq!(rows(&debugger, "positions").len(), end.len(), "{name}");
        let eos = end.special().eos;
        let tail = end.cells().iter().filter(|cell| cell.token == eos).count();
        assert_eq!(rows(&debugger, &format!("positions where token == {eos}")).len(), tail);
    }
    assert!(expanded > 3, "the recordings have {expanded} expansions");
}

/// Every subject gives rows that name nodes of the branch and positions of their canvas.
#[test]
fn rows_name_what_is_there() {
    for (name, recording) in recordings() {
        let debugger = replay(&recording);
        let timeline = debugger.session.timeline();
        let branch = debugger.branch();
        for (subject, query, _) in Subject::ALL {
            for row in rows(&debugger, query) {
                assert_eq!(branch[row.step], row.node, "{name} {query}");
                assert_eq!(row.position.is_some(), subject.has_position(), "{name} {query}");
                let canvas = match subject {
                    Subject::Positions => &timeline[row.node].canvas,
                    _ => &timeline[timeline[row.node].parent.unwrap_or(row.node)].canvas,
                };
                if let Some(position) = row.position {
                    assert_eq!(Some(canvas.cells()[position].slot), row.slot, "{name} {query}");
                }
            }
        }
    }
}

/// What is known at a node, computed without the language.
struct Here<'a> {
    canvas: &'a Canvas,
    before: Option<&'a Canvas>,
    guesses: HashMap<Slot, TokenId>,
    prediction: Option<&'a Prediction>,
}

fn guesses(canvas: &Canvas, prediction: Option<&Prediction>) -> HashMap<Slot, TokenId> {
    let Some(choice) = prediction.and_then(|found| found.ids(Column::Choice).ok()) else {
        return HashMap::new();
    };
    let masked = (0..canvas.len()).filter(|&at| canvas.is_masked(at));
    masked.map(|at| (canvas.cells()[at].slot, choice[at])).collect()
}

/// The prediction on each canvas of a branch: the one its next step was decided on.
fn predictions(debugger: &Debugger, branch: &[NodeId]) -> Vec<Option<Arc<Prediction>>> {
    let timeline = debugger.session.timeline();
    let next = branch.iter().skip(1).map(|&id| {
        let key = timeline[id].step().unwrap().prediction;
        debugger.session.prediction(key)
    });
    next.chain([None]).collect()
}

#[test]
fn conditions_hold_where_their_values_say() {
    let recording = recording("stage-2-expansions");
    let mut debugger = replay(&recording);
    let branch = debugger.branch();
    let mut flips: HashMap<Slot, Vec<TokenId>> = HashMap::new();
    let mut seen = 0;
    for step in 0..branch.len() {
        debugger.execute(&command(&format!("goto {step}"))).unwrap();
        let timeline = debugger.session.timeline();
        let predictions = predictions(&debugger, &branch);
        let here = |step: usize| {
            let canvas: &Canvas = &timeline[branch[step]].canvas;
            let before = step.checked_sub(1).map(|before| &*timeline[branch[before]].canvas);
            let prediction = predictions[step].as_deref();
            Here { canvas, before, guesses: guesses(canvas, prediction), prediction }
        };
        let now = here(step);
        let node = &timeline[branch[step]];
        let made = node.step().map(|made| &made.decision);
        let pending = branch.get(step + 1).map(|&id| &timeline[id].step().unwrap().decision);
        for (&slot, &token) in &now.guesses {
            let told = flips.entry(slot).or_default();
            if told.last() != Some(&token) {
                told.push(token);
            }
        }
        let view = debugger.view(branch[step]);
        let mut check = |text: String, expected: Option<bool>| {
            let holds = Condition::parse(&text).unwrap().holds(&view);
            assert_eq!(holds, expected, "`{text}` at step {step}");
            seen += 1;
        };
        let canvas = now.canvas;
        check(format!("step == {step}"), Some(true));
        check(format!("length == {}", canvas.len()), Some(true));
        check("masks < 20".to_owned(), Some(canvas.masks() < 20));
        check(format!("e_token = {} and e_ratio <= 1", canvas.effective()), Some(true));
        check(format!("before_tail = {}", canvas.before_tail()), Some(true));
        let changed = now.before.map(|before| before.len() != canvas.len());
        check("length changes".to_owned(), changed);
        let crosses = now.before.map(|before| (before.masks() < 40) != (canvas.masks() < 40));
        check("masks crosses 40".to_owned(), crosses);
        let filled = made.map_or(0, |made| made.fills().count());
        check(format!("filled == {filled}"), Some(true));
        check("expanded".to_owned(), Some(made.is_some_and(|m| m.expansions().next().is_some())));
        check("fallback".to_owned(), Some(made.is_some_and(|m| m.mode == Mode::Fallback)));
        check("mode == 'grow'".to_owned(), made.map(|made| made.mode == Mode::Grow));
        let stage = Daedal.phase(canvas, &node.state, &node.params).stage;
        check(format!("stage == {stage} and not edited"), Some(true));
        let done = step + 1 == branch.len();
        check("done".to_owned(), Some(done));
        let finish = if done { "complete" } else { "" };
        check(format!("finish == \"{finish}\""), Some(true));
        let least = made.and_then(|m| {
            m.verdicts
                .iter()
                .filter_map(|verdict| match verdict {
                    Verdict::Fill { p, .. } => Some(*p),
                    _ => None,
                })
                .reduce(f32::min)
        });
        check("fill_conf < 0.9".to_owned(), least.map(|least| least < 0.9));
        let fills = pending.map(|pending| pending.fills().count() > 2);
        check("will_fill > 2".to_owned(), fills);
        let eos = |decision: Option<&Decision>| {
            decision.map(|made| made.eos.as_ref().unwrap().confidence > 0.4)
        };
        check("after.eos_conf > 0.4".to_owned(), eos(pending.map(|pending| &**pending)));
        check("eos_conf > 0.4".to_owned(), eos(made.map(|made| &**made)));
        for at in [0, 7, canvas.len() - 1, canvas.len()] {
            let cell = canvas.cells().get(at);
            check(format!("masked[{at}]"), cell.map(|_| canvas.is_masked(at)));
            check(format!("set[{at}] > 5"), cell.map(|cell| cell.filled.unwrap_or(0) > 5));
        }
        // The prediction that the step was decided on, and the one on the canvas it left.
        for (side, sight) in [("", step.checked_sub(1)), ("after.", Some(step))] {
            let prediction = sight.and_then(|sight| predictions[sight].as_deref());
            for at in [0, 7, canvas.len() - 1, canvas.len()] {
                let number = |column| {
                    let value = prediction.and_then(|found| found.number(column, at));
                    value.filter(|value: &f32| value.is_finite())
                };
                let mut check = |text: String, expected| check(format!("{side}{text}"), expected);
                check(format!("conf[{at}] > 0.9"), number(Column::PChoice).map(|p| p > 0.9));
                check(format!("p_eos[{at}] >= 0.01"), number(Column::PEos).map(|p| p >= 0.01));
                check(format!("entropy[{at}] > 1"), number(Column::Entropy).map(|h| h > 1.0));
                let guess = prediction.and_then(|found| found.id(Column::Choice, at));
                check(format!("guess[{at}] == 40"), guess.map(|guess| guess == 40));
            }
            if let Some((sight, earlier)) = sight.and_then(|at| Some((at, at.checked_sub(1)?))) {
                let (sight, earlier) = (here(sight), here(earlier));
                let other = |(slot, token): &(&Slot, &TokenId)| {
                    earlier.guesses.get(*slot).is_some_and(|before| before != *token)
                };
                let flipped = sight.guesses.iter().filter(other).count();
                let known = sight.prediction.is_some();
                check(format!("{side}flipped == {flipped}"), known.then_some(true));
                check(format!("{side}flipped"), known.then_some(flipped > 0));
            }
        }
        for slot in [Slot(3), Slot(12)] {
            let Some(at) = canvas.position(slot) else { continue };
            let known = now.prediction.is_some() || !canvas.is_masked(at);
            let count = flips.get(&slot).map_or(0, |told| told.len() - 1);
            check(format!("after.flips[#{}] == {count}", slot.0), known.then_some(true));
        }
        let ids: Vec<TokenId> = canvas.tokens()[..canvas.tail()]
            .iter()
            .copied()
            .filter(|&id| id != canvas.special().mask)
            .collect();
        let text = debugger.vocabulary.text(&ids);
        check("text contains 'owl'".to_owned(), Some(text.contains("owl")));
    }
    assert!(seen > 1000, "{seen} conditions");
}

/// `next EVENT` goes where a scan of the branch finds it, and `last EVENT` back again.
#[test]
fn jumps_land_where_a_scan_finds_the_event() {
    for (name, recording) in recordings() {
        let mut debugger = replay(&recording);
        let branch = debugger.branch();
        let timeline = debugger.session.timeline().clone();
        let predictions = predictions(&debugger, &branch);
        let all: Vec<HashMap<Slot, TokenId>> = branch
            .iter()
            .zip(&predictions)
            .map(|(&id, found)| guesses(&timeline[id].canvas, found.as_deref()))
            .collect();
        let made = |step: usize| timeline[branch[step]].step().map(|made| made.decision.clone());
        let stage = |step: usize| {
            let node = &timeline[branch[step]];
            Daedal.phase(&node.canvas, &node.state, &node.params).stage
        };
        // Between what the step and the one before were decided on.
        let flip = |step: usize| {
            step > 1
                && all[step - 1].iter().any(|(slot, token)| {
                    all[step - 2].get(slot).is_some_and(|before| before != token)
                })
        };
        let where_: [(&str, Vec<usize>); 5] = [
            ("flip", (0..branch.len()).filter(|&step| flip(step)).collect()),
            (
                "expansion",
                (0..branch.len())
                    .filter(|&step| made(step).is_some_and(|m| m.expansions().next().is_some()))
                    .collect(),
            ),
            (
                "fallback",
                (0..branch.len())
                    .filter(|&step| made(step).is_some_and(|m| m.mode == Mode::Fallback))
                    .collect(),
            ),
            (
                "drop",
                (0..branch.len())
                    .filter(|&step| made(step).is_some_and(|m| !m.dropped.is_empty()))
                    .collect(),
            ),
            ("stage", (1..branch.len()).filter(|&step| stage(step) != stage(step - 1)).collect()),
        ];
        for (event, steps) in where_ {
            debugger.execute(&command("goto start")).unwrap();
            let mut found = Vec::new();
            while debugger.execute(&command(&format!("next {event}"))).is_ok() {
                found.push(debugger.session.node().depth as usize);
            }
            assert_eq!(found, steps, "{name}: next {event}");
            debugger.execute(&command("goto end")).unwrap();
            let mut back: Vec<usize> =
                steps.iter().copied().filter(|&s| s + 1 == branch.len()).collect();
            while debugger.execute(&command(&format!("last {event}"))).is_ok() {
                back.insert(0, debugger.session.node().depth as usize);
            }
            assert_eq!(back, steps, "{name}: last {event}");
        }
        assert_eq!(debugger.session.passes(), 0);
    }
}

/// A replay re-simulates to itself.
#[test]
fn recordings_are_resimulated_without_a_difference() {
    for (name, recording) in recordings() {
        let mut debugger = replay(&recording);
        let steps = debugger.branch().len() - 1;
        debugger.execute(&command("resimulate")).unwrap();
        super::drive::run(&mut debugger);
        let printed = debugger.end_simulation().unwrap();
        let expected = format!("re-simulated {steps} of {steps} steps: 0 different");
        assert!(printed.starts_with(&expected), "{name}: {printed}");
    }
}

/// A query reads what a fill was decided on, live as in the recording of it.
#[test]
fn a_recording_answers_as_the_session_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut driver = super::walk::driver(Some(&path));
    driver.script("step 4; set high_conf_threshold 0.5; step 3; goto start; pin 1; step 3");
    driver.script("undo; continue");
    driver.debugger.session.finish_recording().unwrap();
    let recording = demask::trace::read(&path).unwrap();
    let mut replayed = replay(&recording);
    let at = driver.debugger.session.at();
    replayed.session.go(at);
    let session = &driver.debugger.session;
    let mut fits = 0;
    for subject in ["fills", "positions", "expansions", "refusals", "drops"] {
        for name in ["entropy", "margin", "conf", "p_eos", "flips"] {
            for side in ["", "after."] {
                for bound in [0.0, 0.1, 0.5, 1.0] {
                    let query = format!("{subject} where {side}{name} > {bound}");
                    let live = rows(&driver.debugger, &query);
                    assert_eq!(live, rows(&replayed, &query), "{query}");
                    fits += live.len();
                }
            }
        }
    }
    assert!(fits > 100, "{fits} rows");
    // Every fill has the confidence that it was filled with; where the best token everywhere is the
    // mask, that is another one's, without the mask.
    let found = |query: &str| -> Vec<(NodeId, Option<Slot>)> {
        rows(&driver.debugger, query).iter().map(|row| (row.node, row.slot)).collect()
    };
    assert_eq!(found("fills where conf == p"), found("fills where not stuck"));
    assert_eq!(found("fills where stuck").len(), 1);
    assert!(found("fills").len() > 10);
    // To the last number.
    for id in (0..session.timeline().len()).map(NodeId) {
        let Some(step) = session.timeline()[id].step() else { continue };
        let (live, replayed) = (
            session.prediction(step.prediction).unwrap(),
            replayed.session.prediction(step.prediction).unwrap(),
        );
        for column in Column::ALL {
            for at in 0..live.rows() {
                // What nothing reads is not kept.
                let number =
                    |found: &Prediction| found.number(column, at).filter(|p| p.is_finite());
                if column != Column::PBestUnmask {
                    assert_eq!(number(&live), number(&replayed), "{} at {at}", column.name());
                }
                assert_eq!(live.top_k(at), replayed.top_k(at));
            }
        }
    }
}
