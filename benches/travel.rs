//! What it costs to go about in a long run: 500 steps over 1,024 positions with 8 candidates each,
//! on a screen of 200×60. A frame has 16 ms; a turned knob must not be felt.

use std::{sync::Arc, time::Duration};

use demask::{
    canvas::{SpecialTokens, TokenId},
    debugger::NoHost,
    decode::{AnyStrategy as _, Extras, Params, Value, daedal::Daedal},
    predict::{Column, ColumnSet, Data, ModelFacts, Piece, Prediction, Request, Vocabulary},
    session::{Pending, Session},
    tui::{App, Start, StepSource},
};
use ratatui::{buffer::Buffer, layout::Rect};

#[global_allocator]
static COUNTED: divan::AllocProfiler = divan::AllocProfiler::system();

const LENGTH: i64 = 1024;
const STEPS: usize = 500;
const BLOCK: usize = 64;
const CANDIDATES: usize = 8;
const SPECIAL: SpecialTokens = SpecialTokens { mask: 999, eos: 998 };
const SCREEN: (u16, u16) = (200, 60);

fn main() {
    divan::main();
}

/// A vocabulary of a thousand words.
struct Words;

impl Vocabulary for Words {
    fn piece(&self, id: TokenId) -> Option<Piece> {
        match id {
            999 => Some(Piece::Control("<mask>".to_owned())),
            998 => Some(Piece::Control("<eos>".to_owned())),
            id => Some(Piece::Text(format!(" word{id}"))),
        }
    }

    fn ids(&self) -> Vec<TokenId> {
        (0..1000).collect()
    }
}

/// A number in 0..1 from a hash.
fn unit(step: usize, row: usize, salt: u64) -> f32 {
    let x = (row as u64 ^ ((step as u64) << 24) ^ (salt << 48)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 40) as f32 / (1u64 << 24) as f32
}

/// What a model might say: two masks of the block in work are sure, the others are not.
fn prediction(session: &Session, request: &Request, step: usize) -> Prediction {
    let canvas = session.canvas();
    let rows = canvas.len();
    let open = (0..rows).filter(|&row| canvas.is_masked(row));
    let sure: Vec<usize> = open.take(BLOCK).filter(|row| row % 3 == step % 3).take(2).collect();
    let ids = |salt: u64| -> Vec<TokenId> {
        (0..rows).map(|row| (unit(step / 3, row, salt) * 990.0) as TokenId).collect()
    };
    let numbers =
        |salt: u64| -> Vec<f32> { (0..rows).map(|row| unit(step, row, salt) * 0.85).collect() };
    let argmax = ids(1);
    let mut p = numbers(2);
    sure.iter().for_each(|&row| p[row] = 0.95);
    let columns = request.columns.iter();
    columns.fold(Prediction::new(rows), |prediction, column| {
        let data = match column {
            Column::Argmax | Column::Choice | Column::BestUnmask => Data::Ids(argmax.clone()),
            Column::PArgmax | Column::PChoice | Column::PBestUnmask => Data::Numbers(p.clone()),
            Column::TopK => Data::Ranked(
                (0..rows)
                    .map(|row| {
                        let rival = |k: usize| {
                            (((argmax[row] as usize + k) % 990) as TokenId, p[row] / (k + 1) as f32)
                        };
                        (0..CANDIDATES).map(rival).collect::<Vec<_>>()
                    })
                    .collect(),
            ),
            other => Data::Numbers(numbers(10 + other as u64)),
        };
        prediction.with(column, data)
    })
}

/// A run of so many steps, with some expansions at its beginning.
fn run(steps: usize) -> Session {
    let mut params = Params::defaults(Daedal.params());
    for (name, value) in [
        ("initial_gen_length", LENGTH - 8 * 7),
        ("max_gen_length", LENGTH),
        ("block_length", BLOCK as i64),
        ("expansion_factor", 8),
        ("eos_check_tokens", 1),
    ] {
        params.set(name, Value::Int(value)).expect("in range");
    }
    params.set("eos_confidence_threshold", Value::Float(0.0)).expect("in range");
    let columns = ColumnSet::display();
    let extras = Extras { columns, top_k: CANDIDATES, ..Extras::NONE };
    let prompt: Vec<TokenId> = (0..64).collect();
    let mut session =
        Session::new(&Daedal, &prompt, SPECIAL, params, extras, None).expect("parameters fit");
    for step in 0..=steps {
        if let Pending::Wanted { key, request } = session.pending().clone() {
            let prediction = prediction(&session, &request, step);
            session.supply(key, prediction, Duration::ZERO);
        }
        if step < steps {
            session.step().expect("the run goes on");
        }
    }
    session
}

fn app() -> App {
    let session = run(STEPS);
    assert_eq!(session.canvas().len(), LENGTH as usize);
    let facts = ModelFacts {
        name: "synthetic".to_owned(),
        family: "none".to_owned(),
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        attention: String::new(),
        vocabulary: 1000,
        context: 4096,
        layers: 0,
        special: SPECIAL,
        reading: Default::default(),
    };
    let source = StepSource::Replay("synthetic".to_owned());
    let start = Start::new(session, Arc::new(Words), facts, source, Box::new(NoHost));
    App::new(start, SCREEN.0, SCREEN.1)
}

/// Steps in no order.
fn steps() -> impl Iterator<Item = usize> {
    (0..).map(|n| (unit(n, 7, 1) * STEPS as f32) as usize)
}

/// Bytes kept a step: `max alloc` by 500.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn five_hundred_steps() -> Session {
    run(STEPS)
}

#[divan::bench]
fn go_to_any_step_and_draw(bencher: divan::Bencher) {
    let mut app = app();
    let mut buffer = Buffer::empty(Rect::new(0, 0, SCREEN.0, SCREEN.1));
    let mut steps = steps();
    bencher.bench_local(|| app.frame_at(steps.next(), &mut buffer));
}

#[divan::bench]
fn draw_again(bencher: divan::Bencher) {
    let mut app = app();
    let mut buffer = Buffer::empty(Rect::new(0, 0, SCREEN.0, SCREEN.1));
    app.frame_at(Some(STEPS / 2), &mut buffer);
    bencher.bench_local(|| app.frame_at(None, &mut buffer));
}

#[divan::bench]
fn decide_again_under_another_threshold(bencher: divan::Bencher) {
    let mut session = run(STEPS);
    let middle = session.timeline().branch(session.at())[STEPS / 2];
    session.go(middle);
    let mut steps = steps();
    bencher.bench_local(|| {
        let value = 0.3 + steps.next().unwrap_or(0) as f64 / 1000.0;
        session.set_param("high_conf_threshold", Value::Float(value))
    });
}
