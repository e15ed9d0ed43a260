//! What it costs to hold two long runs against each other: 2,000 steps over up to 2,048 positions
//! that part early, grow at other places and write other tokens.

use std::{collections::HashMap, sync::Arc};

use demask::{
    canvas::{Edit, SpecialTokens, TokenId},
    compare::{ComparedBy, RunPath, differing, trajectories},
    decode::{AnyStrategy as _, Decision, Extras, Growth, Mode, Params, Value, daedal::Daedal},
    predict::Key,
    session::{NodeOrigin, Session, Step, Timeline, Timing},
};

#[global_allocator]
static COUNTED: divan::AllocProfiler = divan::AllocProfiler::system();

const STEPS: usize = 2000;
const START: i64 = 1024;
const MOST_POSITIONS: usize = 2048;
const SPECIAL: SpecialTokens = SpecialTokens { mask: 999, eos: 998 };

fn main() {
    divan::main();
}

fn hash(step: usize, salt: u64) -> usize {
    let x = (step as u64 ^ (salt << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) as usize
}

/// A run that writes a token a step somewhere, and makes room every eighth step while it may.
fn run(salt: u64) -> Session {
    let mut params = Params::defaults(Daedal.params());
    for (name, value) in [("initial_gen_length", START), ("max_gen_length", MOST_POSITIONS as i64)]
    {
        params.set(name, Value::Int(value)).expect("in range");
    }
    let prompt: Vec<TokenId> = (0..64).collect();
    let (canvas, state) = Daedal.start(&(&prompt).into(), SPECIAL, &params).expect("a start");
    let (mut canvas, params) = (Arc::new(canvas), Arc::new(params));
    let mut timeline = Timeline::default();
    let mut at = timeline.add_root(canvas.clone(), state.clone(), params.clone());
    for step in 1..=STEPS {
        // The first hundred are the same in every run.
        let salt = if step > 100 { salt } else { 0 };
        let from = hash(step, salt) % canvas.len();
        let open = |&position: &usize| canvas.is_masked(position);
        let around = (from..canvas.len()).chain(0..from);
        let Some(position) = around.into_iter().find(open) else { break };
        let slot = canvas.cells()[position].slot;
        let edit = match step % 8 == 0 && canvas.len() + 7 <= MOST_POSITIONS {
            true => Edit::Expand { slot, n: 8 },
            false => Edit::Fill { slot, token: (hash(step, salt + 9) % 900) as TokenId },
        };
        canvas = Arc::new(canvas.apply(&[edit], step as u32).expect("it fits").canvas);
        let decision = Decision {
            mode: Mode::HighConf,
            edits: vec![edit],
            verdicts: Vec::new().into(),
            dropped: Vec::new(),
            eos: None,
            growth: Growth::Stays,
            next: state.clone(),
        };
        let made = Step {
            prediction: Key(step as u128),
            decision: Arc::new(decision),
            timing: Timing::default(),
        };
        let made = NodeOrigin::Step(Arc::new(made));
        at = timeline.add(at, canvas.clone(), state.clone(), params.clone(), made);
    }
    Session::over(&Daedal, Extras::NONE, timeline, at, HashMap::new())
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn hold_two_thousand_steps_against_each_other(bencher: divan::Bencher) {
    let (one, two) = (run(1), run(2));
    bencher.bench_local(|| {
        let mut differing = 0;
        let found = trajectories(RunPath::here(&one), RunPath::here(&two), |pair| {
            differing += usize::from(pair.differs());
        });
        (found.fills, differing)
    });
}

#[divan::bench]
fn mark_what_differs_at_the_end(bencher: divan::Bencher) {
    let (one, two) = (run(1), run(2));
    bencher.bench_local(|| differing(one.canvas(), two.canvas(), ComparedBy::Tokens));
}
