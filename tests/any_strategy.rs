//! Properties of every strategy, for any parameters and any predictions.

use std::ops::ControlFlow;

use crate::support::fake::{Fake, SPECIAL};
use demask::{
    canvas::{Canvas, Edit, FixedText, Override, Slot, TokenId},
    decode::{
        Affects, AnyStrategy, Decision, DecodeError, Extras, Outcome, ParamKind, ParamSpec, Params,
        Plan, STRATEGIES, State, TokenList, Value, Verdict, flips,
    },
    predict::{Column, Prediction, Predictor},
};
use proptest::prelude::{Strategy as Generator, *};

const EXTRAS: Extras = Extras::NONE;

/// The tokens that strategies need: what stands for two masks, deletes, and inserts.
const NEEDED: [(&str, TokenId); 3] =
    [("expand_token_id", 7), ("delete_token_id", 7), ("split_token_id", 6)];

/// The token that a strategy needs as this parameter.
fn needed(name: &str) -> Option<Value> {
    let (_, token) = NEEDED.iter().find(|(needed, _)| *needed == name)?;
    Some(Value::Tokens(TokenList::of(&[*token]).unwrap()))
}

/// The defaults of a strategy, and the tokens that it needs.
fn defaults(strategy: &dyn AnyStrategy) -> Params {
    let mut params = Params::defaults(strategy.params());
    for spec in strategy.params() {
        if let Some(token) = needed(spec.name) {
            params.set(spec.name, token).unwrap();
        }
    }
    params
}

/// A number below `n` for a parameter; each its own.
fn roll(seed: u64, salt: usize, n: u64) -> u64 {
    let mut x = seed ^ (salt as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) % n.max(1)
}

/// Lengths and blocks that divide, whatever the strategy calls them; else anything in range.
fn value(spec: &ParamSpec, seed: u64, salt: usize) -> Value {
    match (spec.name, spec.kind) {
        ("gen_length" | "max_new_tokens", _) => Value::Int(8 * (1 + roll(seed, salt, 5) as i64)),
        ("block_length", _) => Value::Int(1 << roll(seed, salt, 4)),
        ("steps", _) => Value::Int(40),
        ("vocab_size", _) => Value::Int(10),
        (_, ParamKind::Int { min, max, .. }) => {
            Value::Int(min + roll(seed, salt, (max - min).min(40) as u64 + 1) as i64)
        }
        (_, ParamKind::Float { min, max, .. }) => {
            let share = roll(seed, salt, 1 << 20) as f64 / (1 << 20) as f64;
            Value::Float(f64::from((min + (max.min(1.0) - min) * share) as f32))
        }
        (_, ParamKind::Name { options, .. }) => {
            Value::Name(options[roll(seed, salt, options.len() as u64) as usize])
        }
        (_, ParamKind::Text { default, .. }) => Value::Name(default),
        (name, ParamKind::Tokens) => {
            let any = || spec.parse("").unwrap_or(Value::Tokens(Default::default()));
            needed(name).unwrap_or_else(any)
        }
    }
}

/// A strategy with parameters.
#[derive(Clone)]
struct Case {
    strategy: &'static dyn AnyStrategy,
    params: Params,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let params: Vec<String> =
            self.params.iter().map(|(spec, value)| format!("{}={value}", spec.name)).collect();
        write!(f, "{}:{}", self.strategy.name(), params.join(","))
    }
}

fn cases() -> impl Generator<Value = Case> {
    (0..STRATEGIES.len(), any::<u64>()).prop_map(|(at, seed)| {
        let strategy = STRATEGIES[at];
        let mut params = Params::defaults(strategy.params());
        for (salt, spec) in strategy.params().iter().enumerate() {
            params.set(spec.name, value(spec, seed, salt)).unwrap();
        }
        Case { strategy, params }
    })
}

/// What the fake model answers; `None` where the run is over.
fn predicted(case: &Case, canvas: &Canvas, state: &State, step: u32) -> Option<Prediction> {
    match case.strategy.plan(canvas, state, &case.params, step, EXTRAS) {
        Ok(Plan::Predict(request)) => {
            let prompt = canvas.prompt().len();
            assert_eq!(request.rows.end, prompt + canvas.len());
            assert_eq!(request.pass.ids.len(), request.rows.end + canvas.suffix().len());
            let prediction = Fake.predict(&request, &mut |_| ControlFlow::Continue(())).unwrap();
            Some(prediction.behind(request.rows.start - prompt))
        }
        Ok(Plan::Done(_)) => None,
        Err(error) => panic!("{case:?}: {error}"),
    }
}

/// The text that a run starts with.
fn texts() -> impl Generator<Value = FixedText> {
    let tokens = |most| prop::collection::vec(0u32..11, 0..most);
    let hole = (1usize..12, tokens(4));
    let with_holes = (tokens(6), prop::collection::vec(hole, 1..4)).prop_map(|(prompt, holes)| {
        let text = holes.into_iter().flat_map(|(hole, text)| {
            std::iter::repeat_n(None, hole).chain(text.into_iter().map(Some))
        });
        FixedText::with_holes(&prompt, text).unwrap()
    });
    let alone = tokens(6).prop_map(|prompt| FixedText::from(&prompt));
    let before = (tokens(6), tokens(4))
        .prop_map(|(prompt, suffix)| FixedText::from(&prompt).with_suffix(suffix));
    prop_oneof![2 => alone, 1 => before, 2 => with_holes]
}

/// The start of a run, with every fifth position pinned if asked for. Parameters that do not go
/// together have none, and neither has text behind what is generated block after block.
fn start(case: &mut Case, text: &FixedText, pins: bool) -> Option<(Canvas, State)> {
    case.params.take_length(text).unwrap();
    let (canvas, state) = match case.strategy.start(text, SPECIAL, &case.params) {
        Ok(start) => start,
        Err(DecodeError::Unfit(_)) => return None,
        Err(error) => panic!("{case:?}: {error}"),
    };
    if !pins {
        return Some((canvas, state));
    }
    let pin = |cell: &demask::canvas::Cell| Edit::Override {
        slot: cell.slot,
        overridden: Override { pinned: true, expand: None },
    };
    let edits: Vec<Edit> = canvas.cells().iter().step_by(5).map(pin).collect();
    let canvas = canvas.apply(&edits, 0).unwrap().canvas;
    let state = case.strategy.edited(&canvas, &state, &case.params).unwrap();
    Some((canvas, state))
}

fn token(canvas: &Canvas, slot: Slot) -> Option<TokenId> {
    canvas.position(slot).map(|at| canvas.cells()[at].token)
}

/// What a step may do to a canvas.
fn check(case: &Case, decision: &Decision, before: &Canvas, after: &Canvas) {
    assert_eq!(decision.verdicts.len(), before.len(), "{case:?}");
    assert!(after.is_surrounded_as(before), "{case:?}");
    let given = |canvas: &Canvas| -> Vec<(Slot, TokenId)> {
        let given = canvas.cells().iter().filter(|cell| cell.is_given());
        given.map(|cell| (cell.slot, cell.token)).collect()
    };
    assert_eq!(given(after), given(before), "{case:?}: given text changed");
    for (cell, verdict) in before.cells().iter().zip(&decision.verdicts) {
        let now = token(after, cell.slot);
        let written = cell.token != SPECIAL.mask;
        let gone = decision.dropped.iter().any(|drop| drop.slot == cell.slot);
        let remasked = decision.edits.contains(&Edit::Remask { slot: cell.slot });
        assert_eq!(matches!(verdict, Verdict::Remask { .. }), remasked, "{case:?}");
        let deleted = case.strategy.changes_tokens() && matches!(verdict, Verdict::Delete { .. });
        match now {
            None => assert!(gone || deleted || !written, "{case:?}: {cell:?} vanished"),
            Some(SPECIAL_MASK) if written => {
                assert!(remasked && case.strategy.changes_tokens(), "{case:?}: {cell:?} remasked");
            }
            Some(token) if written && token != cell.token => {
                let replaced = Edit::Replace { slot: cell.slot, token };
                let may = case.strategy.changes_tokens() && decision.edits.contains(&replaced);
                assert!(may, "{case:?}: {cell:?} replaced by {token}");
            }
            Some(_) if written => {}
            Some(SPECIAL_MASK) => assert!(!remasked),
            Some(token) => {
                let filled = Edit::Fill { slot: cell.slot, token };
                assert!(decision.edits.contains(&filled), "{case:?}: {cell:?}");
            }
        }
        if cell.overridden.pinned {
            assert_eq!(now, Some(cell.token), "{case:?}: a pinned position changed");
        }
    }
}

const SPECIAL_MASK: TokenId = SPECIAL.mask;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Prompt, suffix and given text stay; a token stays unless the strategy says that it changes tokens; the mask is
    /// never chosen; pinned positions stay; deciding is a function; a run ends.
    #[test]
    fn runs_keep_their_promises(
        mut case in cases(),
        text in texts(),
        pins in any::<bool>(),
    ) {
        let Some((mut canvas, mut state)) = start(&mut case, &text, pins) else { return Ok(()) };
        let mut step = 1;
        while let Some(prediction) = predicted(&case, &canvas, &state, step) {
            let decide = || case.strategy.decide(&canvas, &state, &case.params, &prediction);
            let decision = decide().unwrap_or_else(|error| panic!("{case:?}: {error}"));
            // As text, since a confidence that is not known is unequal to itself.
            prop_assert_eq!(format!("{:?}", decide().unwrap()), format!("{:?}", decision));
            let after = canvas.apply(&decision.edits, step).unwrap().canvas;
            check(&case, &decision, &canvas, &after);
            let text = serde_json::to_string(&decision.next).unwrap();
            let read: State = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &decision.next);
            (canvas, state) = (after, decision.next);
            step += 1;
            prop_assert!(step < 4000, "the run does not end: {:?}", case);
        }
        prop_assert_eq!((canvas.prompt(), canvas.suffix()), (text.prompt(), text.suffix()));
    }

    /// What a strategy says about numbers with fractions is exact: at a flip the step comes out
    /// differently, at its neighbour it does not, and among many values nearer by none does.
    #[test]
    fn flips_are_exact(mut case in cases(), text in texts(), steps in 1usize..12) {
        let Some((mut canvas, mut state)) = start(&mut case, &text, false) else { return Ok(()) };
        for step in 1..=steps as u32 {
            let Some(prediction) = predicted(&case, &canvas, &state, step) else { break };
            for spec in case.strategy.params() {
                exact(&case, spec.name, &canvas, &state, &prediction);
            }
            let decision = case.strategy.decide(&canvas, &state, &case.params, &prediction).unwrap();
            canvas = canvas.apply(&decision.edits, step).unwrap().canvas;
            state = decision.next;
        }
    }
}

fn exact(case: &Case, name: &str, canvas: &Canvas, state: &State, prediction: &Prediction) {
    let Ok(Value::Float(present)) = case.params.get(name) else { return };
    let spec = case.params.spec(name).unwrap();
    let (min, max) = spec.bounds().unwrap();
    if spec.affects != Affects::Decide {
        return;
    }
    let outcome = |value: f64| {
        let mut params = case.params.clone();
        params.set(name, Value::Float(value)).unwrap();
        let decision = case.strategy.decide(canvas, state, &params, prediction).unwrap();
        Outcome::of(case.strategy, canvas, &params, &decision).unwrap()
    };
    let now = outcome(present);
    let found = flips(case.strategy, canvas, state, &case.params, name, prediction).unwrap();
    // Where it is not known, nothing is claimed.
    let Some(found) = found else { return };
    for (flip, end) in [(found.down, min), (found.up, max)] {
        let last = match &flip {
            Some(flip) => {
                assert_ne!(outcome(flip.at.as_f64()), now, "{case:?} {name} {flip:?}");
                flip.last.as_f64()
            }
            None => end,
        };
        for part in 0..=40 {
            let value = f64::from((present + (last - present) * f64::from(part) / 40.0) as f32);
            let value = value.clamp(present.min(last), present.max(last));
            assert_eq!(outcome(value), now, "{case:?} {name} {value} of {present} to {last}");
        }
    }
}

#[test]
fn every_strategy_asks_for_what_it_reads() {
    for &strategy in STRATEGIES {
        let mut case = Case { strategy, params: defaults(strategy) };
        let start = start(&mut case, &(&[1]).into(), false);
        let (canvas, state) = start.expect("defaults go together");
        let prediction = predicted(&case, &canvas, &state, 1).expect("a first pass");
        assert!(strategy.decide(&canvas, &state, &case.params, &prediction).is_ok());
        assert!(prediction.numbers(Column::PChoice).is_ok(), "{}", strategy.name());
    }
}

/// A strategy either takes text behind what it generates, or says by name why not.
#[test]
fn every_strategy_takes_a_suffix_or_says_why_not() {
    let before = FixedText::from(&[1]).with_suffix([2]);
    let holes = FixedText::with_holes(&[1], [None, Some(2), None]).unwrap();
    for &strategy in STRATEGIES {
        let appends = ["joint_threshold", "sdar", "indel"].contains(&strategy.name());
        for text in [&before, &holes] {
            let mut params = defaults(strategy);
            params.take_length(text).unwrap();
            match strategy.start(text, SPECIAL, &params) {
                Ok((canvas, _)) => {
                    assert!(!appends, "{strategy:?}");
                    assert_eq!(canvas.generated(), text.masks().unwrap_or(canvas.len()));
                    assert_eq!(canvas.suffix(), text.suffix());
                }
                Err(error) => {
                    assert!(appends, "{strategy:?}: {error}");
                    assert!(error.to_string().starts_with(strategy.name()), "{error}");
                }
            }
        }
    }
}
