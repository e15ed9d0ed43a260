//! Measures the embedded model on held-out problems and prints its card.
//!
//! ```text
//! cargo run --release --example model_card -- [PROBLEMS OF EACH KIND] [NAME=VALUE …] [DIR]
//! ```

use std::{io::IsTerminal, ops::ControlFlow, path::Path};

use anyhow::Result;
use candle_core::Device;
use demask::{
    decode::{Params, Value, daedal},
    eval::card::Card,
    model::{self, Computing, ModelSource},
};

fn main() -> Result<()> {
    let (mut each, mut changes, mut source) = (100, Vec::new(), ModelSource::Embedded);
    let specs = Params::defaults(daedal::SPECS);
    for argument in std::env::args().skip(1) {
        if let Some((name, value)) = argument.split_once('=') {
            let spec = specs.spec(name)?;
            changes.push((spec.name, spec.parse(value)?));
        } else if Path::new(&argument).is_dir() {
            source = ModelSource::Folder(argument.into());
        } else {
            each = argument.parse()?;
        }
    }
    let changes: Vec<(&str, Value)> = changes;
    let computing = Computing::on(Device::Cpu);
    let mut model = model::load(&source, &computing, &mut |_| ControlFlow::Continue(()))?;
    let shown = std::io::stderr().is_terminal();
    let card = Card::measure(&mut model, each, &changes, &mut |share| {
        if shown {
            eprint!("\r{:3.0} %", 100.0 * share);
        }
    })?;
    if shown {
        eprintln!();
    }
    print!("{card}");
    Ok(())
}
