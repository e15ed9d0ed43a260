//! The embedded model behaves as its card says, on the committed weights.

use std::ops::ControlFlow;

use candle_core::Device;
use demask::{
    eval::card::Card,
    model::{self, Computing, Source},
};

#[test]
fn the_embedded_model_keeps_its_promises() {
    let computing = Computing::on(Device::Cpu);
    let mut model =
        model::load(&Source::Embedded, &computing, &mut |_| ControlFlow::Continue(())).unwrap();
    let card = Card::measure(&mut model, 20, &[], &mut |_| {}).unwrap();
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{card}");
    assert!(card.tail_long - card.tail_short >= 0.6, "the tail signal is weak");
    assert!(card.rank >= 0.9, "stage 1 does not follow the answer's length: {}", card.rank);
    assert!(card.expansions > 0, "nothing expands at the shipped thresholds");
    assert!(card.right >= 0.8, "only {} of the word problems are right", card.right);
    assert!(card.right > card.right_fixed + 0.3, "{} with too short a length", card.right_fixed);
}
