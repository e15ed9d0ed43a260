//! What a forward pass of the embedded model costs, dense and quantised, and what the reduction of
//! its logits does. For other models and whole runs there is `demask bench`.

use std::ops::ControlFlow;

use candle_core::Device;
use demask::{
    canvas::SpecialTokens,
    model::{self, Computing, Loaded, ModelSource},
    predict::{Attention, Column, ColumnSet, Pass, Request},
};

const LENGTHS: [usize; 2] = [64, 512];

fn main() {
    divan::main();
}

fn load(quantize: Option<&str>) -> Loaded {
    let quantize = quantize.map(|name| name.parse().expect("a known type"));
    let computing = Computing { quantize, ..Computing::on(Device::Cpu) };
    model::load(&ModelSource::Embedded, &computing, &mut |_| ControlFlow::Continue(()))
        .expect("it is in the binary")
}

/// A canvas of masks behind a short prompt; all of them reduced.
fn request(special: SpecialTokens, length: usize) -> Request {
    let prompt = 16;
    Request {
        pass: Pass {
            ids: [vec![1; prompt], vec![special.mask; length]].concat(),
            positions: None,
            attention: Attention::Full,
        },
        guidance: None,
        rows: prompt..prompt + length,
        shift: false,
        sampling: None,
        suppressed: Vec::new(),
        lowered: Vec::new(),
        begin_suppressed: Vec::new(),
        filters: None,
        score: None,
        earlier: None,
        shadow: None,
        credits: None,
        alternatives: None,
        targets: Vec::new(),
        cached: None,
        special,
        columns: ColumnSet::of(&[Column::Argmax, Column::PChoice, Column::PEos, Column::TopK]),
        top_k: 8,
    }
}

fn pass(bencher: divan::Bencher, quantize: Option<&str>, length: usize) {
    let mut loaded = load(quantize);
    let request = request(loaded.facts.special, length);
    bencher.bench_local(|| {
        loaded.predictor.predict(&request, &mut |_| ControlFlow::Continue(())).expect("it runs")
    });
}

#[divan::bench(args = LENGTHS)]
fn dense(bencher: divan::Bencher, length: usize) {
    pass(bencher, None, length);
}

#[divan::bench(args = LENGTHS)]
fn quantized_q8_0(bencher: divan::Bencher, length: usize) {
    pass(bencher, Some("q8_0"), length);
}
