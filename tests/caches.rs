//! Approximate passes: what they compute, when they are asked for, and that a recording of them
//! says so and opens again.

use std::{ops::ControlFlow, ops::Range, sync::Arc, time::Duration};

use crate::support::{
    fake::{Fake, FakeTexts, SPECIAL},
    load,
    naive::Naive,
};
use demask::{
    canvas::{SpecialTokens, TokenId},
    decode::{Cache, Extras, Params, Recipe, STRATEGIES, Value, strategy},
    predict::{
        Attention, Cached, Column, ColumnSet, ModelFacts, Pass, PredictError, Prediction,
        Predictor, Request,
    },
    session::{NodeId, Pending, Session},
    trace::{self, Header, TraceRecorder},
};
use proptest::prelude::{Strategy as Generator, *};

/// Tokens of the golden LLaDA.
const LLADA: SpecialTokens = SpecialTokens { mask: 507, eos: 503 };

fn pass(ids: &[TokenId]) -> Pass {
    Pass { ids: ids.to_vec(), positions: None, attention: Attention::Full }
}

fn request(ids: &[TokenId], rows: Range<usize>, cached: Option<Cached>) -> Request {
    let columns = [Column::Argmax, Column::PArgmax, Column::PEos, Column::TopK];
    Request { cached, ..crate::support::request(ids.to_vec(), rows, LLADA, &columns, 3) }
}

fn predicted(predictor: &mut dyn Predictor, request: &Request) -> Prediction {
    predictor.predict(request, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// A prompt of four tokens, six masks and two tokens behind them, and the same with two more
/// tokens written.
fn canvases() -> ([TokenId; 12], [TokenId; 12]) {
    let mask = LLADA.mask;
    let before = [5, 17, 300, 42, mask, mask, mask, mask, mask, mask, 9, 503];
    let mut after = before;
    (after[5], after[7]) = (77, 401);
    (before, after)
}

fn close(a: &Prediction, b: &Prediction, tolerance: f32) {
    assert_eq!(a.ids(Column::Argmax), b.ids(Column::Argmax));
    for column in [Column::PArgmax, Column::PEos] {
        let pairs = a.numbers(column).unwrap().iter().zip(b.numbers(column).unwrap());
        pairs.for_each(|(a, b)| assert!((a - b).abs() <= tolerance, "{column:?}: {a} and {b}"));
    }
}

#[test]
fn a_window_over_everything_is_the_exact_pass() {
    let mut model = load("llada-a");
    let (before, after) = canvases();
    let cached = Cached { from: pass(&before), window: 0..12 };
    let exact = predicted(&mut *model.predictor, &request(&after, 4..12, None));
    let window = predicted(&mut *model.predictor, &request(&after, 4..12, Some(cached)));
    close(&exact, &window, 1e-6);
}

#[test]
fn a_window_against_its_own_canvas_is_the_exact_pass() {
    let mut model = load("llada-a");
    let (_, after) = canvases();
    let exact = predicted(&mut *model.predictor, &request(&after, 4..12, None));
    for window in [4..8, 4..12, 6..7, 0..3] {
        let cached = Cached { from: pass(&after), window };
        let ours = predicted(&mut *model.predictor, &request(&after, 4..12, Some(cached)));
        close(&exact, &ours, 1e-6);
    }
}

/// Softmax of logits: the best token and its probability.
fn best(logits: &[f64]) -> (TokenId, f64) {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let all: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
    let at = logits.iter().position(|&logit| logit == top).unwrap();
    (at as TokenId, 1.0 / all)
}

/// Prefix and dual windows against plain loops: the full pass of the earlier canvas, then the
/// window with keys and values of that pass outside it. Rows outside keep that pass's answer.
#[test]
fn windows_compute_what_the_reference_describes() {
    let naive = Naive::read("llada-a");
    let mut model = load("llada-a");
    let (before, after) = canvases();
    let (full, kept) = naive.run(&before, 0..12, None);
    for window in [4..12, 4..8, 5..6] {
        let (fresh, _) = naive.run(&after, window.clone(), Some(&kept));
        if window.contains(&7) {
            let cached = Cached { from: pass(&before), window: window.clone() };
            let ours = predicted(&mut *model.predictor, &request(&after, 4..12, Some(cached)));
            let exact = predicted(&mut *model.predictor, &request(&after, 4..12, None));
            let numbers = |from: &Prediction| from.numbers(Column::PArgmax).unwrap().to_vec();
            assert_ne!(numbers(&ours), numbers(&exact), "the case shows nothing");
            for position in 4..12 {
                let row = position - 4;
                let logits = match window.contains(&position) {
                    true => &fresh[position - window.start],
                    false => &full[position],
                };
                let (token, p) = best(logits);
                assert_eq!(ours.id(Column::Argmax, row), Some(token));
                let found = ours.number(Column::PArgmax, row).unwrap();
                assert!((f64::from(found) - p).abs() < 1e-5, "{position}: {found} and {p}");
                assert_eq!(ours.top_k(row)[0].0, token);
            }
        } else {
            // What has changed outside the window cannot be left out.
            let cached = Cached { from: pass(&before), window };
            let asked = request(&after, 4..12, Some(cached));
            let answer = model.predictor.predict(&asked, &mut |_| ControlFlow::Continue(()));
            assert!(matches!(answer, Err(PredictError::Unsupported(_))));
        }
    }
}

#[test]
fn the_answer_depends_on_the_request_alone() {
    let (before, after) = canvases();
    let cached = |window| {
        let cached = Cached { from: pass(&before), window };
        request(&after, 4..12, Some(cached))
    };
    let bits = |from: &Prediction| -> Vec<u32> {
        from.numbers(Column::PArgmax).unwrap().iter().map(|p| p.to_bits()).collect()
    };
    // Nothing is kept; all of it is; something else was run in between.
    let mut model = load("llada-a");
    let alone = predicted(&mut *model.predictor, &cached(4..8));
    let again = predicted(&mut *model.predictor, &cached(4..8));
    for ids in [&after, &before, &after] {
        predicted(&mut *model.predictor, &request(ids, 4..12, None));
    }
    predicted(&mut *model.predictor, &request(&[5; 12], 4..12, None));
    predicted(&mut *model.predictor, &request(&[6; 12], 4..12, None));
    predicted(&mut *model.predictor, &cached(4..12));
    let later = predicted(&mut *model.predictor, &cached(4..8));
    assert_eq!(bits(&alone), bits(&again));
    assert_eq!(bits(&alone), bits(&later));
    // Other columns and rows of it are read anew.
    let other = Request { columns: ColumnSet::of(&[Column::Entropy]), ..cached(4..8) };
    assert!(predicted(&mut *model.predictor, &other).numbers(Column::Entropy).is_ok());
}

#[test]
fn a_cancelled_pass_leaves_the_predictor_usable() {
    let (before, after) = canvases();
    let asked = request(&after, 4..12, Some(Cached { from: pass(&before), window: 4..8 }));
    let expected = predicted(&mut *load("llada-a").predictor, &asked);
    let mut steps = 0;
    let mut count = |_| {
        steps += 1;
        ControlFlow::Continue(())
    };
    load("llada-a").predictor.predict(&asked, &mut count).unwrap();
    assert!(steps >= 6, "a full pass and a window, with their heads: {steps}");
    for stop in 0..steps {
        let mut model = load("llada-a");
        let mut left = stop;
        let cancelled = model.predictor.predict(&asked, &mut |_| match left {
            0 => ControlFlow::Break(()),
            _ => {
                left -= 1;
                ControlFlow::Continue(())
            }
        });
        assert!(matches!(cancelled, Err(PredictError::Cancelled)), "at {stop}");
        assert_eq!(predicted(&mut *model.predictor, &asked), expected, "cancelled at {stop}");
    }
}

#[test]
fn what_cannot_be_left_out_is_refused() {
    let (before, after) = canvases();
    let cached = |window| Some(Cached { from: pass(&before), window });
    let whole = request(&after, 4..12, cached(4..12));
    let refused = [
        Request { shift: true, ..whole.clone() },
        Request { earlier: Some(pass(&before)), ..whole.clone() },
        Request { shadow: Some(0..2), ..whole.clone() },
        Request { cached: cached(4..13), ..whole.clone() },
        Request { cached: cached(4..4), ..whole.clone() },
        Request {
            cached: Some(Cached { from: pass(&before[..11]), window: 4..11 }),
            ..whole.clone()
        },
    ];
    let mut model = load("llada-a");
    for request in refused {
        let answer = model.predictor.predict(&request, &mut |_| ControlFlow::Continue(()));
        assert!(matches!(answer, Err(PredictError::Unsupported(_))), "{request:?}");
    }
}

#[test]
fn only_what_is_left_out_changes_a_key() {
    let (before, after) = canvases();
    let exact = request(&after, 4..12, None);
    let window = |window| request(&after, 4..12, Some(Cached { from: pass(&before), window }));
    let keys = [exact.key(), window(4..12).key(), window(4..8).key(), window(5..8).key()];
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key));
    }
    let other = Cached { from: pass(&after), window: 4..12 };
    assert!(!keys.contains(&request(&after, 4..12, Some(other)).key()));
}

fn extras(cache: Cache) -> Extras {
    let columns = ColumnSet::display();
    Extras { columns, top_k: 2, cache, ..Extras::NONE }
}

/// A session of the fake model.
fn session(recipe: &str, cache: Cache) -> Session {
    let recipe = Recipe::parse(recipe).unwrap();
    let params = recipe.params(&[]).unwrap();
    Session::new(recipe.strategy, &[1, 2, 3], SPECIAL, params, extras(cache), None).unwrap()
}

/// What the pending pass leaves out, as a window of the pass.
fn window(session: &Session) -> Option<Range<usize>> {
    session.exact_pass().ok().map(|exact| exact.cached.window)
}

/// Makes a step with the fake model; false if the run is over.
fn step(session: &mut Session) -> bool {
    if let Pending::Wanted { key, request } = session.pending().clone() {
        let expected = session.exact_pass().ok().map(|exact| exact.cached);
        assert_eq!(request.cached, expected);
        session.supply(key, predicted(&mut Fake, &request), Duration::ZERO);
    }
    session.step().is_ok()
}

#[test]
fn the_first_pass_of_a_block_is_full_and_later_ones_are_windows() {
    for (cache, ends) in [(Cache::Prefix, [23, 23]), (Cache::Dual, [13, 23])] {
        let mut session = session("low_confidence:gen_length=20,block_length=10,steps=10", cache);
        for (block, end) in ends.into_iter().enumerate() {
            let from = session.canvas().ids();
            for at in 0..5 {
                let cached = session.exact_pass().ok().map(|exact| exact.cached);
                let expected = Cached { from: pass(&from), window: 3 + 10 * block..end };
                assert_eq!(cached, (at > 0).then_some(expected), "{cache:?} {block} {at}");
                assert!(step(&mut session));
            }
        }
        assert!(!step(&mut session));
    }
}

#[test]
fn an_edit_and_another_length_begin_with_a_full_pass() {
    use demask::canvas::Edit;
    let mut session = session("low_confidence:gen_length=20,block_length=10,steps=10", Cache::Dual);
    step(&mut session);
    assert_eq!(window(&session), Some(3..13));
    let slot = session.canvas().cells()[15].slot;
    session.edit(&[Edit::Fill { slot, token: 4 }]).unwrap();
    assert_eq!(window(&session), None);
    let edited = session.canvas().ids();
    step(&mut session);
    assert_eq!(session.exact_pass().unwrap().cached.from.ids, edited);
    session.edit(&[Edit::Truncate { length: 15 }]).unwrap();
    assert_eq!(window(&session), None);
    // Going back to before the edits asks for what was asked for then.
    (0..3).for_each(|_| assert!(session.back()));
    assert_eq!(window(&session), Some(3..13));
    assert!(matches!(session.pending(), Pending::Wanted { .. }));
    // A block of another width is another block.
    session.set_param("block_length", Value::Int(5)).unwrap();
    assert_eq!(window(&session), None);
}

#[test]
fn what_cannot_be_cut_down_is_not() {
    for recipe in [
        "low_confidence:gen_length=20,block_length=10,steps=10,cfg_scale=1",
        "dream:gen_length=20",
        "wino:gen_length=20,block_length=10",
    ] {
        let mut session = session(recipe, Cache::Dual);
        for _ in 0..4 {
            assert_eq!(window(&session), None, "{recipe}");
            assert!(session.exact_pass().is_err());
            step(&mut session);
        }
    }
    // Stage 1 of DAEDAL has no block.
    let mut session = session("daedal:initial_gen_length=16,max_gen_length=60", Cache::Dual);
    while session.phase().stage == 1 && step(&mut session) {
        if session.phase().stage == 1 {
            assert_eq!(window(&session), None);
        }
    }
}

/// A run of the golden LLaDA with a branch, recorded.
#[test]
fn a_recording_says_what_was_left_out_and_is_decided_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut model = load("llada-a");
    let (strategy, extras) = (strategy("threshold").unwrap(), extras(Cache::Dual));
    let mut params = Params::defaults(strategy.params());
    params.set("gen_length", Value::Int(24)).unwrap();
    params.set("block_length", Value::Int(8)).unwrap();
    let header = Header::new(&model.facts, strategy.name(), "", extras);
    let recorder = TraceRecorder::create(&path, &header, model.tokenizer.clone()).unwrap();
    let recorder = Some(Box::new(recorder) as Box<dyn demask::session::Recorder>);
    let mut live = Session::new(strategy, &[5, 17, 300], LLADA, params, extras, recorder).unwrap();
    let mut approximate = 0;
    loop {
        if let Pending::Wanted { key, request } = live.pending().clone() {
            approximate += usize::from(request.cached.is_some());
            live.supply(key, predicted(&mut *model.predictor, &request), Duration::ZERO);
        }
        // The exact pass beside the first approximate one goes on record too.
        if let Ok(exact) = live.exact_pass()
            && approximate == 1
        {
            live.await_exact(&exact);
            let prediction = predicted(&mut *model.predictor, &exact.request);
            live.supply(exact.key, prediction, Duration::ZERO);
        }
        if live.step().is_err() {
            break;
        }
    }
    live.finish_recording().unwrap();
    assert!(approximate > 3, "{approximate} approximate passes");

    let saved = folder.path().join("saved.jsonl");
    trace::save(&live, &saved, &header, model.tokenizer.clone()).unwrap();
    for path in [&path, &saved] {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(r#""cache":"dual""#));
        assert_eq!(text.matches(r#""cached":{"from":""#).count(), approximate, "{path:?}");
        let recording = trace::read(path).unwrap();
        // Decisions that come out differently would be noticed here.
        assert!(recording.notices.is_empty(), "{:?}", recording.notices);
        let mut replay = recording.session();
        replay.go(recording.recorded.end);
        assert_eq!(replay.extras().cache, Cache::Dual);
        assert_eq!(replay.canvas().ids(), live.canvas().ids());
        while replay.back() {}
        let steps = live.timeline().path(live.at()).len() - 1;
        for at in 0..steps {
            let Pending::Decided { key, decision, .. } = replay.pending().clone() else {
                panic!("step {at} is not known: {:?}", replay.pending())
            };
            let next = replay.node().next.unwrap();
            let made = replay.timeline()[next].step().unwrap();
            assert_eq!((key, &*decision), (made.prediction, &*made.decision));
            replay.step().unwrap();
        }
        assert_eq!(replay.timeline().len(), live.timeline().len());
    }
    let recorded = trace::read(&path).unwrap().session();
    let known = (0..recorded.timeline().len()).map(NodeId).any(|node| {
        let mut session = trace::read(&path).unwrap().session();
        session.go(node);
        session.exact_pass().is_ok_and(|exact| session.prediction(exact.key).is_some())
    });
    assert!(known, "the exact pass is not on record");
}

#[test]
fn a_cache_of_a_later_format_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut live = session("threshold:gen_length=8,block_length=4", Cache::Dual);
    step(&mut live);
    let facts = ModelFacts { special: SPECIAL, ..load("llada-a").facts };
    let header = Header::new(&facts, "threshold", "", extras(Cache::Dual));
    trace::save(&live, &path, &header, Arc::new(FakeTexts)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (first, _) = first.rsplit_once(r#","sum""#).unwrap();
    let first = first.replace(r#""cache":"dual""#, r#""cache":"sliding""#);
    std::fs::write(&path, format!("{first}}}\n{rest}")).unwrap();
    let recording = trace::read(&path).unwrap();
    assert!(recording.notices.iter().any(|notice| notice.contains("sliding")));
    assert_eq!(recording.session().extras().cache, Cache::None);
}

fn cases() -> impl Generator<Value = (usize, usize, i64, i64, f64)> {
    (0..STRATEGIES.len(), 1..3usize, 1..40i64, 1..16i64, 0.0..1.2f64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Runs with windows end, keep the prompt and never write the mask; a window is never asked
    /// for over a canvas that has changed outside of it.
    #[test]
    fn runs_with_windows_keep_their_promises(
        (at, cache, length, block, threshold) in cases(),
        prompt in prop::collection::vec(0u32..12, 0..6),
    ) {
        let (strategy, cache) = (STRATEGIES[at], Cache::ALL[cache]);
        let mut params = Params::defaults(strategy.params());
        for (name, value) in [
            ("gen_length", Value::Int(length)),
            ("initial_gen_length", Value::Int(length)),
            ("max_gen_length", Value::Int(60)),
            ("block_length", Value::Int(block)),
            ("steps", Value::Int(length)),
            ("threshold", Value::Float(threshold)),
            ("low_conf_threshold", Value::Float(threshold)),
            ("high_conf_threshold", Value::Float(threshold)),
        ] {
            // Each strategy has some of them.
            let _ = params.set(name, value);
        }
        let started = Session::new(strategy, &prompt, SPECIAL, params, extras(cache), None);
        let Ok(mut session) = started else { return Ok(()) };
        let mut steps = 0;
        loop {
            if let Pending::Wanted { key, request } = session.pending().clone() {
                if let Some(cached) = &request.cached {
                    let (now, from) = (&request.pass.ids, &cached.from.ids);
                    prop_assert_eq!(now.len(), from.len());
                    let differs = (0..now.len()).filter(|&at| now[at] != from[at]);
                    for at in differs {
                        prop_assert!(cached.window.contains(&at));
                    }
                    prop_assert!(cached.window.start >= prompt.len());
                }
                session.supply(key, predicted(&mut Fake, &request), Duration::ZERO);
            }
            let before = session.canvas().clone();
            if session.step().is_err() {
                break;
            }
            for cell in session.canvas().cells() {
                let was = before.cells().iter().find(|other| other.slot == cell.slot);
                let written = was.is_some_and(|was| was.token != SPECIAL.mask);
                let masked = cell.token == SPECIAL.mask;
                prop_assert!(!(written && masked) || strategy.changes_tokens());
            }
            steps += 1;
            prop_assert!(steps < 4000, "the run does not end");
        }
        prop_assert!(matches!(session.pending(), Pending::Done(_)), "{:?}", session.pending());
        prop_assert_eq!(session.canvas().prompt(), &prompt[..]);
    }
}
