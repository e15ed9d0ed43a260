//! Questions that take passes of their own, compared with a plain loop over the model.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use crate::support::{fake::FakeTexts, load};
use demask::{
    canvas::{SpecialTokens, TokenId},
    debugger::{Debugger, FollowUp, NoHost, parse},
    decode::{Cache, Extras, Recipe},
    model::Loaded,
    predict::{Column, ColumnSet, Prediction, Predictor, Request, Vocabulary},
    session::{Pending, Session},
    trace::{self, Header},
};

/// Tokens of the golden LLaDA.
const LLADA: SpecialTokens = SpecialTokens { mask: 507, eos: 503 };
const PROMPT: [TokenId; 4] = [5, 17, 300, 42];

fn predicted(predictor: &mut dyn Predictor, request: &Request) -> Prediction {
    predictor.predict(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn session(recipe: &str, cache: Cache) -> Session {
    let recipe = Recipe::parse(recipe).unwrap();
    let columns = ColumnSet::of(&[Column::Argmax, Column::PArgmax, Column::TopK]);
    let extras = Extras { columns, top_k: 3, cache, ..Extras::NONE };
    let params = recipe.params(&[]).unwrap();
    Session::new(recipe.strategy, &PROMPT, LLADA, params, extras, None).unwrap()
}

fn debugger(session: Session, live: bool) -> Debugger {
    let texts: Arc<dyn Vocabulary> = Arc::new(FakeTexts);
    Debugger::new(session, texts, Box::new(NoHost), live, 512)
}

/// Makes so many steps, and supplies the prediction of the next.
fn step(session: &mut Session, model: &mut Loaded, steps: usize) {
    for made in 0..=steps {
        if let Pending::Wanted { key, request } = session.pending().clone() {
            let prediction = predicted(&mut *model.predictor, &request);
            session.supply(key, prediction, Duration::ZERO);
        }
        if made < steps {
            session.step().unwrap();
        }
    }
}

/// Asks, and runs the passes that the question wants.
fn ask(debugger: &mut Debugger, model: &mut Loaded, command: &str) -> Vec<String> {
    let reply = debugger.execute(&parse(command).unwrap()).unwrap();
    assert_eq!(reply.follow_ups, [FollowUp::Question]);
    while let Some(pass) = debugger.question_wanted().cloned() {
        debugger.session.await_answer(&pass);
        let prediction = predicted(&mut *model.predictor, &pass.request);
        debugger.session.supply(pass.key, prediction, Duration::ZERO);
    }
    debugger.question_text()
}

/// The distribution at a position of a canvas, token by token: a request of its own for each.
fn alone(model: &mut Loaded, ids: &[TokenId], position: usize, token: TokenId) -> (f32, TokenId) {
    let rows = PROMPT.len()..ids.len();
    let columns = [Column::Argmax, Column::PTarget];
    let mut request = crate::support::request(ids.to_vec(), rows, LLADA, &columns, 0);
    request.targets = vec![(position, token)];
    let prediction = predicted(&mut *model.predictor, &request);
    let p = prediction.number(Column::PTarget, position).unwrap();
    (p, prediction.id(Column::Argmax, position).unwrap())
}

/// Every number of the answer is that of a plain loop: mask a position, call the model.
fn check(recipe: &str, cache: Cache, steps: usize, position: usize) {
    let mut model = load("llada-a");
    let mut session = session(recipe, cache);
    step(&mut session, &mut model, steps);
    if session.canvas().cells()[position].filled == Some(1) {
        // Nothing was unmasked before it.
        return;
    }
    let mut debugger = debugger(session, true);
    let (passes, nfe) = (debugger.session.passes(), debugger.session.node().steps);
    let lines = ask(&mut debugger, &mut model, &format!("influence {position}"));
    let influence = debugger.influence().unwrap();

    let session = &debugger.session;
    let canvas = session.canvas();
    // A mask is asked about here, a token before the step that unmasked it.
    let held = !canvas.is_masked(position);
    let path = session.timeline().path(session.at());
    let node = match canvas.cells()[position].filled {
        Some(step) if held => path[step as usize - 1],
        _ => session.at(),
    };
    let then = session.timeline()[node].canvas.clone();
    let ids = then.ids();
    let (p, argmax) = alone(&mut model, &ids, position, influence.token);
    let whole = influence.whole.unwrap();
    assert_eq!((whole.p, whole.argmax), (p, argmax), "{recipe}");
    let unmasked: Vec<usize> =
        (0..then.len()).filter(|&at| !then.is_masked(at) && at != position).collect();
    assert_eq!(influence.sources.len(), unmasked.len(), "{recipe}");
    assert_eq!(influence.known(), unmasked.len());
    assert!(!unmasked.is_empty());
    for at in unmasked {
        let mut ids = ids.clone();
        ids[PROMPT.len() + at] = LLADA.mask;
        let (without, argmax_without) = alone(&mut model, &ids, position, influence.token);
        let (source, change) = influence.at(then.cells()[at].slot).unwrap();
        let found = source.without.unwrap();
        assert_eq!((found.p, found.argmax), (without, argmax_without), "{recipe} {at}");
        let change = change.unwrap();
        assert_eq!(change.delta, without - p);
        assert_eq!(change.argmax, (argmax_without != argmax).then_some(argmax_without));
    }
    let ranked: Vec<f32> =
        influence.ranked().iter().map(|(_, change)| change.delta.abs()).collect();
    assert!(ranked.is_sorted_by(|a, b| a >= b));
    assert_eq!(lines.len(), 1 + influence.sources.len(), "{lines:?}");
    // The passes are counted, and are none of the run's.
    let whole = usize::from(session.passes() - passes > influence.sources.len());
    assert_eq!(session.passes() - passes, influence.sources.len() + whole);
    assert_eq!(session.node().steps, nfe);
}

#[test]
fn influence_is_that_of_a_plain_loop() {
    let fixed = "low_confidence:gen_length=12,block_length=12,steps=12";
    check(fixed, Cache::None, 5, 11);
    (0..12).step_by(3).for_each(|position| check(fixed, Cache::None, 8, position));
    let blocks = "low_confidence:gen_length=12,block_length=6,steps=12";
    check(blocks, Cache::Dual, 8, 11);
    check(
        "low_confidence:gen_length=12,block_length=12,steps=12,temperature=1,seed=3",
        Cache::None,
        6,
        11,
    );
}

#[test]
fn what_is_asked_of_one_mask_answers_for_the_others() {
    let mut model = load("llada-a");
    let mut session = session("low_confidence:gen_length=12,block_length=12,steps=12", Cache::None);
    step(&mut session, &mut model, 6);
    let masks: Vec<usize> = (0..12).filter(|&at| session.canvas().is_masked(at)).collect();
    let mut debugger = debugger(session, true);
    ask(&mut debugger, &mut model, &format!("influence {}", masks[0]));
    let passes = debugger.session.passes();
    for at in &masks {
        ask(&mut debugger, &mut model, &format!("influence {at}"));
        assert_eq!(debugger.influence().unwrap().known(), 6);
    }
    assert_eq!(debugger.session.passes(), passes);
}

#[test]
fn the_bound_takes_those_unmasked_last_and_says_what_is_left_out() {
    let mut model = load("llada-a");
    let mut session = session("low_confidence:gen_length=12,block_length=12,steps=12", Cache::None);
    step(&mut session, &mut model, 6);
    let at = (0..12).find(|&at| session.canvas().is_masked(at)).unwrap();
    let mut debugger = debugger(session, true);
    let lines = ask(&mut debugger, &mut model, &format!("influence {at} 2"));
    let influence = debugger.influence().unwrap();
    let canvas = debugger.session.canvas();
    let filled = |slot| canvas.cells()[canvas.position(slot).unwrap()].filled.unwrap();
    let steps: Vec<u32> = influence.sources.iter().map(|source| filled(source.slot)).collect();
    assert_eq!((steps.as_slice(), influence.left_out), (&[6, 5][..], 4));
    assert!(lines.last().unwrap().contains("4 tokens unmasked earlier were left out"), "{lines:?}");
    // Where one stands elsewhere, nothing is shown and nothing wanted; back there it is.
    debugger.session.back();
    assert!(debugger.influence().is_none() && debugger.question_wanted().is_none());
    debugger.session.forward();
    assert_eq!(debugger.influence(), Some(influence));
    assert!(debugger.stop_question() && debugger.influence().is_none());
}

#[test]
fn questions_are_answered_again_from_a_recording() {
    let mut model = load("llada-a");
    let mut session = session("low_confidence:gen_length=12,block_length=12,steps=12", Cache::None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    step(&mut session, &mut model, 6);
    let at = (0..12).find(|&at| session.canvas().is_masked(at)).unwrap();
    let mut live = debugger(session, true);
    let facts = model.facts.clone();
    let before = folder.path().join("before.jsonl");
    let save = |debugger: &Debugger, path: &std::path::Path| {
        let session = &debugger.session;
        let header = Header::new(&facts, session.strategy().name(), "", session.extras());
        trace::save(session, path, &header, Arc::new(FakeTexts)).unwrap();
    };
    save(&live, &before);
    let influence = ask(&mut live, &mut model, &format!("influence {at}"));
    let probability = ask(&mut live, &mut model, &format!("probability {at} 77"));
    save(&live, &path);

    let replayed = |path: &std::path::Path| {
        let recording = trace::read(path).unwrap();
        let mut debugger = debugger(recording.session(), false);
        debugger.execute(&parse("goto 6").unwrap()).unwrap();
        debugger
    };
    let mut replay = replayed(&path);
    for (command, expected) in [("influence", &influence), ("probability", &probability)] {
        let token = if command == "probability" { " 77" } else { "" };
        let command = parse(&format!("{command} {at}{token}")).unwrap();
        replay.execute(&command).unwrap();
        assert_eq!(&replay.question_text(), expected);
    }
    let mut bare = replayed(&before);
    let error = bare.execute(&parse(&format!("influence {at}")).unwrap()).unwrap_err().to_string();
    assert!(error.contains("--record"), "{error}");
    bare.execute(&parse(&format!("probability {at} 77")).unwrap()).unwrap();
    let said = bare.question_text();
    assert!(said[0].contains("rank >3"), "{said:?}");
}

/// Every token of the vocabulary: probabilities sum to one, ranks are a permutation, and those on record
/// agree with those asked for.
#[test]
fn probabilities_of_all_tokens_are_a_distribution() {
    let mut model = load("llada-a");
    let mut session = session("low_confidence:gen_length=6,block_length=6,steps=6", Cache::None);
    step(&mut session, &mut model, 2);
    let at = (0..6).find(|&at| session.canvas().is_masked(at)).unwrap();
    let (ids, rows) = (session.canvas().ids(), 4..10);
    let columns = [Column::Argmax, Column::PTarget, Column::TargetRank];
    let mut plain = crate::support::request(ids, rows, LLADA, &columns, 0);
    let (mut sum, mut ranks) = (0.0_f64, Vec::new());
    let vocabulary = model.facts.vocabulary;
    let mut debugger = debugger(session, true);
    for token in 0..vocabulary as TokenId {
        plain.targets = vec![(at, token)];
        let answer = predicted(&mut *model.predictor, &plain);
        let p = answer.number(Column::PTarget, at).unwrap();
        let rank = answer.number(Column::TargetRank, at).unwrap() as usize;
        sum += f64::from(p);
        ranks.push(rank);
        assert_eq!(answer.id(Column::Argmax, at) == Some(token), rank == 1);
        if token % 64 == 0 {
            let said = ask(&mut debugger, &mut model, &format!("probability {at} {token}"));
            assert!(said[0].contains(&format!("· rank {rank} ·")), "{said:?} {rank}");
        }
    }
    ranks.sort_unstable();
    assert!(ranks.into_iter().eq(1..=vocabulary));
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

#[test]
fn what_cannot_be_asked_is_said() {
    let mut model = load("llada-a");
    let mut fresh = session("low_confidence:gen_length=6,block_length=6,steps=6", Cache::None);
    step(&mut fresh, &mut model, 0);
    let check = |debugger: &mut Debugger, command: &str, expected: &str| {
        let error = debugger.execute(&parse(command).unwrap()).unwrap_err().to_string();
        assert!(error.contains(expected), "{command}: {error}");
    };
    let mut debugger = debugger(fresh, true);
    check(&mut debugger, "influence 0", "no token was unmasked before this step");
    check(&mut debugger, "influence 9", "there is no position 9");
    check(&mut debugger, "probability 0 9999", "the model has the tokens 0 to 511");
    debugger.execute(&parse("fill 3 77").unwrap()).unwrap();
    check(&mut debugger, "influence 3", "no token was unmasked before this step");
    check(&mut debugger, "influence 2", "the prediction of this step is not known");
}
