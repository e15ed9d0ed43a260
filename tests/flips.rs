//! Flips against brute force: what is reported flips, and nothing nearer does.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::support::{
    Trace,
    fake::SPECIAL,
    play::{params, ready, session},
};
use demask::{
    canvas::{Canvas, Edit, FixedText, Override, SpecialTokens, TokenId},
    decode::{
        self, Affects, AnyStrategy as _, Decision, DecodeError, Extras, Flip, Outcome, ParamKind,
        ParamSpec, Params, Phase, Plan, State, Value, daedal, daedal::Daedal, flips,
    },
    predict::{Column, Data, Prediction},
    session::Pending,
};
use proptest::prelude::*;

/// Prints although the test harness captures output: the counts are what a reader came for.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A step that is to be decided.
struct Case {
    canvas: Canvas,
    state: State,
    params: Params,
    prediction: Prediction,
}

/// What was looked at.
#[derive(Default)]
struct Tally {
    steps: usize,
    flips: usize,
    decisions: usize,
}

impl Case {
    fn outcome(&self, name: &str, value: Value) -> Outcome {
        let mut params = self.params.clone();
        params.set(name, value).expect("in range");
        match Daedal.decide(&self.canvas, &self.state, &params, &self.prediction) {
            Ok(decision) => {
                Outcome::of(&Daedal, &self.canvas, &params, &decision).expect("edits fit")
            }
            Err(_) => Outcome::failed(&self.canvas),
        }
    }

    /// Everything that could be a flip, in order: each whole number up to far beyond the canvas,
    /// or each number a threshold could be compared with, those beside it, and those between.
    fn suspects(&self, spec: &ParamSpec) -> Vec<Value> {
        match spec.kind {
            ParamKind::Int { min, max, .. } => {
                let near = self.canvas.len() as i64 + 80;
                // An expansion by a million positions is legal, but slow.
                let far = if spec.name == "expansion_factor" { 2000 } else { max };
                let far = (1..=20).map(|power| (1 << power).min(far)).chain([far]);
                let all: BTreeSet<i64> = (min..=near).chain(far).collect();
                all.into_iter().map(Value::Int).collect()
            }
            ParamKind::Float { min, max, .. } => {
                let mut compared = self.prediction.numbers(Column::PChoice).unwrap().to_vec();
                let decision =
                    Daedal.decide(&self.canvas, &self.state, &self.params, &self.prediction);
                compared.extend(decision.ok().and_then(|d| d.eos).map(|eos| eos.confidence));
                compared.extend([min as f32, max as f32]);
                compared.retain(|p| p.is_finite());
                compared.sort_by(f32::total_cmp);
                let between: Vec<f32> =
                    compared.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
                let beside = compared.iter().flat_map(|p| [p.next_down(), *p, p.next_up()]);
                let mut all: Vec<f64> = beside.chain(between).map(f64::from).collect();
                all.retain(|value| (min..=max).contains(value));
                all.sort_by(f64::total_cmp);
                all.dedup();
                all.into_iter().map(Value::Float).collect()
            }
            ParamKind::Name { .. } | ParamKind::Tokens | ParamKind::Text { .. } => Vec::new(),
        }
    }

    /// Checks one parameter; what is wrong, in words. `thorough` scans for missed flips.
    fn check(&self, spec: &ParamSpec, thorough: bool, tally: &mut Tally) -> Result<(), String> {
        let name = spec.name;
        let present = self.params.get(name).expect("a declared name");
        let now = self.outcome(name, present);
        let found = flips(&Daedal, &self.canvas, &self.state, &self.params, name, &self.prediction)
            .map(|found| found.expect("DAEDAL knows where to look"));
        let failed = now == Outcome::failed(&self.canvas)
            && Daedal.decide(&self.canvas, &self.state, &self.params, &self.prediction).is_err();
        let found = match found {
            Err(_) if failed => return Ok(()),
            found => found.map_err(|error| format!("{name} = {present}: {error}"))?,
        };
        let rounded = match present {
            Value::Float(value) => f64::from(value as f32),
            other => other.as_f64(),
        };
        for (flip, up) in [(&found.down, false), (&found.up, true)] {
            let fault = |what: &str| Err(format!("{name} = {present}, {flip:?}: {what}"));
            let outward = |value: f64| if up { value > rounded } else { value < rounded };
            if let Some(Flip { at, last, outcome }) = flip {
                tally.flips += 1;
                tally.decisions += 2;
                if !outward(at.as_f64()) {
                    return fault("on the wrong side");
                }
                if neighbour(*last, up) != *at {
                    return fault("not neighbours");
                }
                if self.outcome(name, *at) != *outcome || *outcome == now {
                    return fault("the outcome there is not another");
                }
                if self.outcome(name, *last) != now {
                    return fault("the outcome before it is not the present one");
                }
                if now.difference(outcome).is_empty() {
                    return fault("no words for it");
                }
            }
            if !thorough {
                continue;
            }
            let limit = flip.as_ref().map(|flip| flip.at.as_f64());
            let nearer = |value: f64| match limit {
                None => true,
                Some(limit) if up => value < limit,
                Some(limit) => value > limit,
            };
            for value in self.suspects(spec) {
                if outward(value.as_f64()) && nearer(value.as_f64()) {
                    tally.decisions += 1;
                    if self.outcome(name, value) != now {
                        return fault(&format!("{value} flips already"));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_all(&self, thorough: bool, tally: &mut Tally) -> Result<(), String> {
        tally.steps += 1;
        let decide = |spec: &&ParamSpec| spec.affects == Affects::Decide;
        Daedal.params().iter().filter(decide).try_for_each(|spec| self.check(spec, thorough, tally))
    }
}

fn neighbour(value: Value, up: bool) -> Value {
    match (value, up) {
        (Value::Int(value), true) => Value::Int(value + 1),
        (Value::Int(value), false) => Value::Int(value - 1),
        (Value::Float(value), true) => Value::Float(f64::from((value as f32).next_up())),
        (Value::Float(value), false) => Value::Float(f64::from((value as f32).next_down())),
        (other, _) => other,
    }
}

#[test]
fn flips_of_recorded_steps_are_exact_and_nearest() {
    let (mut all, mut scanned, mut number) = (Tally::default(), Tally::default(), 0);
    for trace in Trace::all() {
        for (index, step) in trace.steps.iter().enumerate() {
            let case = Case {
                canvas: step.canvas(&trace),
                state: trace.state(index),
                params: trace.params(),
                prediction: step.prediction(),
            };
            number += 1;
            let thorough = number % 43 == 0 || step.stage == 1;
            let tally = if thorough { &mut scanned } else { &mut all };
            if let Err(fault) = case.check_all(thorough, tally) {
                panic!("{} step {index}: {fault}", trace.name);
            }
        }
    }
    say(&format!(
        "flips of recorded steps: {} in {} steps flip where they say; {} in {} more steps are the \
         nearest, by {} decisions",
        all.flips, all.steps, scanned.flips, scanned.steps, scanned.decisions
    ));
    assert!(scanned.steps > 100 && all.flips > 1000);
}

/// Small canvases where everything happens: ties, masks predicted, here and there or everywhere,
/// a NaN, missing columns, a cursor anywhere, blocks nearly done, thresholds that equal
/// probabilities.
fn any_case() -> impl Strategy<Value = Case> {
    let token =
        |mask: u32| prop_oneof![mask => Just(SPECIAL.mask), 2 => Just(SPECIAL.eos), 2 => 0..3u32];
    let p = || prop_oneof![2 => (0..=4u8).prop_map(|quarter| f32::from(quarter) / 4.0), 1 => 0.0..1.0f32];
    let row = (token(6), token(2), token(2), [p(), p(), p()], token(1));
    let threshold =
        || prop_oneof![(0..=8u8).prop_map(|quarter| f64::from(quarter) / 4.0), 0.0..2.0f64];
    let nan = prop::option::weighted(0.5, (0..3usize, 0..16usize));
    let stuck = prop::bool::weighted(0.3);
    let written = prop::option::of((0..16usize, 0..12usize));
    (
        prop::collection::vec(row, 0..16),
        (prop_oneof![1 => Just(1u8), 3 => Just(2u8)], 0..18usize, prop::bool::weighted(0.8)),
        (1..24i64, 0..7i64, 1..30i64, 1..24i64),
        (threshold(), threshold(), threshold(), threshold()),
        (nan, stuck, written),
    )
        .prop_map(
            |(mut rows, (stage, cursor, unmask), counts, thresholds, (nan, stuck, written))| {
                if let Some((column, at)) = nan
                    && let Some(row) = rows.get_mut(at)
                {
                    row.3[column] = f32::NAN;
                }
                for (at, row) in rows.iter_mut().enumerate() {
                    if stuck {
                        row.2 = SPECIAL.mask;
                    }
                    if written.is_some_and(|(from, n)| (from..from + n).contains(&at)) {
                        row.0 = 1;
                    }
                }
                let mut params = Params::defaults(Daedal.params());
                for (name, value) in [
                    ("block_length", Value::Int(counts.0)),
                    ("expansion_factor", Value::Int(counts.1)),
                    ("max_gen_length", Value::Int(counts.2)),
                    ("eos_check_tokens", Value::Int(counts.3)),
                    ("high_conf_threshold", Value::Float(thresholds.0)),
                    ("low_conf_threshold", Value::Float(thresholds.1)),
                    ("eos_confidence_threshold", Value::Float(thresholds.2)),
                    ("expand_eos_confidence_threshold", Value::Float(thresholds.3)),
                ] {
                    params.set(name, value).unwrap();
                }
                let ids = |get: fn(&Row) -> TokenId| Data::Ids(rows.iter().map(get).collect());
                let numbers = |get: fn(&Row) -> f32| Data::Numbers(rows.iter().map(get).collect());
                let tokens: Vec<TokenId> = rows.iter().map(|row| row.0).collect();
                let mut prediction = Prediction::new(rows.len())
                    .with(Column::Argmax, ids(|row| row.1))
                    .with(Column::Choice, ids(|row| row.2))
                    .with(Column::PChoice, numbers(|row| row.3[0]))
                    .with(Column::PEos, numbers(|row| row.3[1]));
                if unmask {
                    prediction = prediction
                        .with(Column::BestUnmask, ids(|row| row.4))
                        .with(Column::PBestUnmask, numbers(|row| row.3[2]));
                }
                Case {
                    canvas: Canvas::holding(vec![1, 2], &tokens, SPECIAL),
                    state: State::Daedal(daedal::State { stage, cursor, stagnant: false }),
                    params,
                    prediction,
                }
            },
        )
}

/// Held, argmax, choice, their probabilities (choice, EOS, without the mask), best without the mask.
type Row = (TokenId, TokenId, TokenId, [f32; 3], TokenId);

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        writeln!(f, "{:?} {:?}", self.canvas.tokens(), self.state)?;
        for (spec, value) in self.params.iter().filter(|(spec, _)| spec.affects == Affects::Decide)
        {
            writeln!(f, "{} = {value}", spec.name)?;
        }
        writeln!(f, "{:?}", self.prediction)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn flips_of_any_step_are_exact_and_nearest(case in any_case()) {
        let checked = case.check_all(true, &mut Tally::default());
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }

    /// The same where a person asked something of positions.
    #[test]
    fn flips_under_wishes_are_exact_and_nearest(
        mut case in any_case(),
        asked in prop::collection::vec((0..16usize, prop::bool::ANY, prop::option::of(prop::bool::ANY)), 1..4),
    ) {
        let slots: Vec<_> = case.canvas.cells().iter().map(|cell| cell.slot).collect();
        let edits: Vec<Edit> = asked
            .into_iter()
            .filter_map(|(at, pinned, expand)| {
                Some(Edit::Override { slot: *slots.get(at)?, overridden: Override { pinned, expand } })
            })
            .collect();
        case.canvas = case.canvas.apply(&edits, 1).unwrap().canvas;
        let checked = case.check_all(true, &mut Tally::default());
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn flips_along_any_run_are_exact_and_nearest(params in params(), stride in 1usize..5) {
        let mut session = session(params, &[1, 2]);
        for step in 0..24 {
            if !ready(&mut session) { break }
            let Pending::Decided { prediction, .. } = session.pending() else { unreachable!() };
            if step % stride == 0 {
                let case = Case {
                    canvas: session.canvas().clone(),
                    state: session.state().clone(),
                    params: session.params().clone(),
                    prediction: (**prediction).clone(),
                };
                let checked = case.check_all(true, &mut Tally::default());
                prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
            }
            session.step().unwrap();
        }
    }
}

/// A position that a person wants expanded makes a wider block undecidable, as any other does, where
/// its confidence is unknown.
#[test]
fn a_wish_does_not_hide_an_unknown_confidence() {
    let canvas = Canvas::masked(vec![1], 3, SPECIAL);
    let slot = canvas.cells()[2].slot;
    let overridden = Override { pinned: false, expand: Some(true) };
    let canvas = canvas.apply(&[Edit::Override { slot, overridden }], 1).unwrap().canvas;
    let prediction = Prediction::new(3)
        .with(Column::Argmax, Data::Ids(vec![3, 4, 5]))
        .with(Column::Choice, Data::Ids(vec![3, 4, 5]))
        .with(Column::PChoice, Data::Numbers(vec![0.5, 0.25, f32::NAN]))
        .with(Column::PEos, Data::Numbers(vec![0.0; 3]));
    let mut params = Params::defaults(Daedal.params());
    params.set("block_length", Value::Int(2)).unwrap();
    let state = State::Daedal(daedal::State { stage: 2, cursor: 0, stagnant: false });
    let case = Case { canvas, state, params, prediction };
    assert_eq!(case.check_all(true, &mut Tally::default()), Ok(()));
}

#[test]
fn what_no_decision_reads_never_flips() {
    let canvas = Canvas::masked(vec![1], 2, SPECIAL);
    let prediction = Prediction::new(2)
        .with(Column::Argmax, Data::Ids(vec![3, 4]))
        .with(Column::Choice, Data::Ids(vec![3, 4]))
        .with(Column::PChoice, Data::Numbers(vec![0.5, 0.25]))
        .with(Column::PEos, Data::Numbers(vec![0.0, 0.0]));
    let state = State::Daedal(daedal::State { stage: 2, cursor: 0, stagnant: false });
    let params = Params::defaults(Daedal.params());
    let find = |name: &str| {
        let found = flips(&Daedal, &canvas, &state, &params, name, &prediction)?;
        Ok::<_, DecodeError>(found.expect("DAEDAL knows where to look"))
    };
    for name in ["temperature", "cfg_scale", "seed", "initial_gen_length"] {
        assert_eq!(find(name).unwrap(), Default::default(), "{name}");
    }
    assert!(find("no_such_name").is_err());
    // The best is filled anyway; under 0.25 the other one is, too.
    let high = find("high_conf_threshold").unwrap();
    assert_eq!(high.up, None);
    let down = high.down.unwrap();
    assert_eq!(down.last, Value::Float(0.25));
    assert_eq!(down.at, Value::Float(f64::from(0.25_f32.next_down())));
    assert_eq!(down.outcome.fills, [(0, 3), (1, 4)]);
}

#[test]
fn where_nothing_can_be_decided_is_another_outcome() {
    let canvas = Canvas::masked(vec![1], 4, SPECIAL);
    let p = Data::Numbers(vec![0.5; 4]);
    let masks = Data::Ids(vec![SPECIAL.mask; 4]);
    let prediction = Prediction::new(4)
        .with(Column::Argmax, masks.clone())
        .with(Column::Choice, masks)
        .with(Column::PChoice, p.clone())
        .with(Column::PEos, p)
        .with(Column::BestUnmask, Data::Ids(vec![3; 4]))
        .with(Column::PBestUnmask, Data::Numbers(vec![0.9, 0.1, f32::NAN, 0.5]));
    let state = State::Daedal(daedal::State { stage: 2, cursor: 0, stagnant: false });
    let mut params = Params::defaults(Daedal.params());
    params.set("block_length", Value::Int(2)).unwrap();
    let name = "block_length";
    let found = flips(&Daedal, &canvas, &state, &params, name, &prediction).unwrap();
    let up = found.unwrap().up.unwrap();
    assert_eq!((up.last, up.at), (Value::Int(2), Value::Int(3)));
    assert_eq!(up.outcome, Outcome::failed(&canvas));
    params.set(name, Value::Int(3)).unwrap();
    assert!(flips(&Daedal, &canvas, &state, &params, name, &prediction).is_err());
}

/// DAEDAL, counting how often it decides.
struct Counting(AtomicUsize);

impl decode::AnyStrategy for Counting {
    fn name(&self) -> &'static str {
        Daedal.name()
    }

    fn params(&self) -> &'static [ParamSpec] {
        Daedal.params()
    }

    fn start(
        &self,
        text: &FixedText,
        special: SpecialTokens,
        params: &Params,
    ) -> Result<(Canvas, State), DecodeError> {
        Daedal.start(text, special, params)
    }

    fn plan(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        step: u32,
        extras: Extras,
    ) -> Result<Plan, DecodeError> {
        Daedal.plan(canvas, state, params, step, extras)
    }

    fn decide(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Decision, DecodeError> {
        self.0.fetch_add(1, Relaxed);
        Daedal.decide(canvas, state, params, prediction)
    }

    fn breaks(
        &self,
        name: &str,
        canvas: &Canvas,
        state: &State,
        params: &Params,
        prediction: &Prediction,
    ) -> Result<Option<Vec<Value>>, DecodeError> {
        Daedal.breaks(name, canvas, state, params, prediction)
    }

    fn edited(
        &self,
        canvas: &Canvas,
        state: &State,
        params: &Params,
    ) -> Result<State, DecodeError> {
        Daedal.edited(canvas, state, params)
    }

    fn phase(&self, canvas: &Canvas, state: &State, params: &Params) -> Phase {
        Daedal.phase(canvas, state, params)
    }
}

#[test]
fn all_flips_of_a_long_canvas_take_few_decisions() {
    const LENGTH: usize = 1024;
    let up: Vec<f32> = (0..LENGTH).map(|at| at as f32 / LENGTH as f32).collect();
    let down: Vec<f32> = up.iter().rev().copied().collect();
    let mixed: Vec<f32> = (0..LENGTH).map(|at| (at * 389 % LENGTH) as f32 / 1024.0).collect();
    // The EOS confidence crosses the threshold again and again.
    let waves: Vec<f32> = (0..LENGTH).map(|at| if at / 40 % 2 == 0 { 0.0 } else { 1.0 }).collect();
    let mut most = 0;
    for (p, stage, block, high, max) in [&up, &down, &mixed, &waves]
        .into_iter()
        .flat_map(|p| [(p, 1), (p, 2)])
        .flat_map(|(p, stage)| [1, 32, 1024].map(|block| (p, stage, block)))
        .flat_map(|(p, stage, block)| [0.5, 0.9, 2.0].map(|high| (p, stage, block, high)))
        .flat_map(|(p, stage, block, high)| {
            [8, 1024, 1030, 2048].map(|max| (p, stage, block, high, max))
        })
    {
        let (mask, eos) = (vec![SPECIAL.mask; LENGTH], vec![SPECIAL.eos; LENGTH]);
        let prediction = Prediction::new(LENGTH)
            .with(Column::Argmax, Data::Ids(eos))
            .with(Column::Choice, Data::Ids(vec![1; LENGTH]))
            .with(Column::PChoice, Data::Numbers(p.clone()))
            .with(Column::PEos, Data::Numbers(p.clone()));
        let canvas = Canvas::holding(vec![1], &mask, SPECIAL);
        let state = State::Daedal(daedal::State { stage, cursor: 0, stagnant: false });
        let mut params = Params::defaults(Daedal.params());
        params.set("block_length", Value::Int(block)).unwrap();
        params.set("max_gen_length", Value::Int(max)).unwrap();
        params.set("high_conf_threshold", Value::Float(high)).unwrap();
        let counting = Counting(AtomicUsize::new(0));
        for spec in Daedal.params().iter().filter(|spec| spec.affects == Affects::Decide) {
            flips(&counting, &canvas, &state, &params, spec.name, &prediction).unwrap();
        }
        most = most.max(counting.0.into_inner());
    }
    say(&format!("flips of a canvas of {LENGTH} positions: at most {most} decisions a step"));
    assert!(most <= 40, "{most} decisions");
}
