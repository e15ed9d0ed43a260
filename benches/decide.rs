//! What deciding costs, and finding every flip of a step: both run at each key press, so they
//! must not be felt. A canvas of 1,024 positions, a tenth of them written.

use demask::{
    canvas::{Canvas, SpecialTokens, TokenId},
    decode::{Affects, AnyStrategy as _, Params, State, Value, daedal, daedal::Daedal, flips},
    predict::{Column, Data, Prediction},
};

const LENGTH: usize = 1024;
const SPECIAL: SpecialTokens = SpecialTokens { mask: 99, eos: 98 };
const BLOCKS: [i64; 2] = [32, 1024];

fn main() {
    divan::main();
}

/// A number in 0..1 for each position, from a hash.
fn unit(position: usize, salt: u64) -> f32 {
    let x = (position as u64 ^ (salt << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 40) as f32 / (1u64 << 24) as f32
}

fn step(block: i64) -> (Canvas, State, Params, Prediction) {
    let ids = |salt: u64| -> Vec<TokenId> {
        (0..LENGTH).map(|at| (unit(at, salt) * 100.0) as TokenId).collect()
    };
    let numbers = |salt: u64| Data::Numbers((0..LENGTH).map(|at| unit(at, salt)).collect());
    let tokens: Vec<TokenId> =
        ids(1).into_iter().map(|id| if id < 10 { id } else { SPECIAL.mask }).collect();
    let prediction = Prediction::new(LENGTH)
        .with(Column::Argmax, Data::Ids(ids(2)))
        .with(Column::Choice, Data::Ids(ids(2)))
        .with(Column::PChoice, numbers(3))
        .with(Column::PEos, numbers(4))
        .with(Column::BestUnmask, Data::Ids(ids(5)))
        .with(Column::PBestUnmask, numbers(6));
    let mut params = Params::defaults(Daedal.params());
    params.set("block_length", Value::Int(block)).expect("in range");
    let state = State::Daedal(daedal::State { stage: 2, cursor: 0, stagnant: false });
    (Canvas::holding(vec![1; 64], &tokens, SPECIAL), state, params, prediction)
}

#[divan::bench(args = BLOCKS)]
fn decide(bencher: divan::Bencher, block: i64) {
    let (canvas, state, params, prediction) = step(block);
    bencher.bench(|| Daedal.decide(&canvas, &state, &params, &prediction));
}

#[divan::bench(args = BLOCKS)]
fn all_flips_of_a_step(bencher: divan::Bencher, block: i64) {
    let (canvas, state, params, prediction) = step(block);
    bencher.bench(|| {
        let specs = Daedal.params().iter();
        specs
            .filter(|spec| spec.affects == Affects::Decide)
            .map(|spec| flips(&Daedal, &canvas, &state, &params, spec.name, &prediction))
            .collect::<Result<Vec<_>, _>>()
    });
}
