//! Temperature: reproducible noise with the distribution it should have.

use std::{collections::HashMap, ops::ControlFlow};

use crate::support::load;
use demask::{
    canvas::{Slot, SpecialTokens, TokenId},
    decode::{AnyStrategy, Extras, Params, Value, daedal::Daedal},
    model::Loaded,
    predict::{Column, ColumnSet, Request, Sampling},
    session::{Pending, Session},
};

fn request(special: SpecialTokens, sampling: Option<Sampling>) -> Request {
    let ids: Vec<TokenId> = [5, 9, 40, 77].into_iter().chain([special.mask; 12]).collect();
    let rows = 4..ids.len();
    let columns = [Column::Argmax, Column::Choice, Column::PChoice, Column::PArgmax, Column::TopK];
    Request { sampling, ..crate::support::request(ids, rows, special, &columns, 4) }
}

fn sampling(temperature: f64, seed: u64, step: u32) -> Option<Sampling> {
    Some(Sampling { temperature, seed, step, slots: (0..12).map(Slot).collect() })
}

fn choices(model: &mut Loaded, sampling: Option<Sampling>) -> Vec<TokenId> {
    let request = request(model.facts.special, sampling);
    let go_on = &mut |_| ControlFlow::Continue(());
    let prediction = model.predictor.predict(&request, go_on).unwrap();
    prediction.ids(Column::Choice).unwrap().to_vec()
}

#[test]
fn a_small_temperature_is_no_temperature() {
    let mut model = load("llada-a");
    let greedy = choices(&mut model, None);
    for seed in 0..20 {
        assert_eq!(choices(&mut model, sampling(1e-6, seed, 1)), greedy);
    }
    assert_ne!(choices(&mut model, sampling(2.0, 1, 1)), greedy);
}

#[test]
fn noise_depends_on_seed_step_and_slot_alone() {
    let mut model = load("llada-a");
    let first = choices(&mut model, sampling(1.5, 3, 7));
    assert_eq!(choices(&mut model, sampling(1.5, 3, 7)), first);
    assert_ne!(choices(&mut model, sampling(1.5, 4, 7)), first);
    assert_ne!(choices(&mut model, sampling(1.5, 3, 8)), first);
    let mut moved = sampling(1.5, 3, 7).unwrap();
    moved.slots = (100..112).map(Slot).collect();
    assert_ne!(choices(&mut model, Some(moved)), first);
}

/// At temperature 1 the argmax of logits with Gumbel noise is a draw from the softmax: over many
/// seeds each token comes as often as its probability says.
#[test]
fn choices_come_as_often_as_their_probability() {
    let mut model = load("llada-a");
    let plain = request(model.facts.special, None);
    let prediction = model.predictor.predict(&plain, &mut |_| ControlFlow::Continue(())).unwrap();
    let draws = 3000;
    let mut seen: Vec<HashMap<TokenId, f64>> = vec![HashMap::new(); 12];
    for seed in 0..draws {
        for (row, id) in choices(&mut model, sampling(1.0, seed, 1)).into_iter().enumerate() {
            *seen[row].entry(id).or_default() += 1.0;
        }
    }
    let mut checked = 0;
    for (row, seen) in seen.iter().enumerate() {
        for &(id, p) in prediction.top_k(row) {
            let (p, n) = (f64::from(p), draws as f64);
            let expected = n * p;
            let deviation = (n * p * (1.0 - p)).sqrt().max(1.0);
            let found = seen.get(&id).copied().unwrap_or(0.0);
            assert!(
                (found - expected).abs() < 5.0 * deviation,
                "row {row} token {id}: {found} of {expected:.0} expected"
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 48);
}

fn run(model: &mut Loaded, seed: i64, temperature: f64) -> Vec<TokenId> {
    let mut params = Params::defaults(Daedal.params());
    for (name, value) in [
        ("temperature", Value::Float(temperature)),
        ("seed", Value::Int(seed)),
        ("initial_gen_length", Value::Int(16)),
        ("max_gen_length", Value::Int(40)),
        ("block_length", Value::Int(16)),
        ("eos_check_tokens", Value::Int(8)),
    ] {
        params.set(name, value).unwrap();
    }
    let extras = Extras::NONE;
    let mut session =
        Session::new(&Daedal, &[7, 8, 9], model.facts.special, params, extras, None).unwrap();
    loop {
        match session.pending().clone() {
            Pending::Wanted { key, request } => {
                // Stage 1 reads the plain argmax: no noise there.
                let stage = session.phase().stage;
                assert_eq!(request.sampling.is_some(), stage == 2 && temperature > 0.0);
                let go_on = &mut |_| ControlFlow::Continue(());
                let prediction = model.predictor.predict(&request, go_on).unwrap();
                session.supply(key, prediction, std::time::Duration::ZERO);
            }
            Pending::Decided { .. } => {
                session.step().unwrap();
            }
            Pending::Done(_) => return session.canvas().tokens(),
            Pending::Failed(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_seed_is_a_run() {
    let mut model = load("llada-a");
    let first = run(&mut model, 11, 1.0);
    assert_eq!(run(&mut model, 11, 1.0), first);
    assert_ne!(run(&mut model, 12, 1.0), first);
    assert_eq!(run(&mut model, 1, 1e-7), run(&mut model, 2, 0.0));
}

/// The shadow of a mask stands where the mask stands and sees the same: it must predict the same,
/// through all layers. What is asked of the canvas itself does not change.
#[test]
fn the_shadow_of_a_mask_is_the_mask() {
    let mut model = load("llada-a");
    let special = model.facts.special;
    let mut ask = |shadow: Option<std::ops::Range<usize>>| {
        let mut request = request(special, None);
        // Something is written.
        request.pass.ids[4 + 3] = 21;
        request.pass.ids[4 + 7] = 33;
        request.shadow = shadow;
        request.columns =
            ColumnSet::of(&[Column::Choice, Column::PChoice, Column::PCurrent, Column::PShadow]);
        let go_on = &mut |_| ControlFlow::Continue(());
        let prediction = model.predictor.predict(&request, go_on).unwrap();
        (request.key(), prediction)
    };
    let (key, plain) = ask(None);
    assert!(plain.numbers(Column::PShadow).is_err());
    for at in [0, 5, 11] {
        let (other, shadowed) = ask(Some(at..at + 1));
        assert_ne!(key, other);
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{at}: {a} {b}");
        let seen = shadowed.numbers(Column::PShadow).unwrap();
        close(seen[at], plain.number(Column::PCurrent, at).unwrap());
        assert!(seen.iter().enumerate().all(|(row, p)| p.is_nan() == (row != at)));
    }
    let (_, shadowed) = ask(Some(2..10));
    assert_eq!(shadowed.ids(Column::Choice), plain.ids(Column::Choice));
    for row in 0..12 {
        let p = |prediction: &demask::predict::Prediction| {
            prediction.number(Column::PChoice, row).unwrap()
        };
        assert!((p(&shadowed) - p(&plain)).abs() < 1e-5);
    }
    // The token of a written position is less sure where it is not seen.
    let (seen, unseen) = (plain.number(Column::PCurrent, 3), shadowed.number(Column::PShadow, 3));
    assert_ne!(seen, unseen);
}
