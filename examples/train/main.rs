//! Trains the embedded model from generated text, on a CPU, from scratch.
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=native" cargo run --release --features train --example train -- \
//!     --run target/train --tokens 40000000 --seed 1 --export target/tiny
//! ```
//!
//! The first call learns the tokenizer, unless the export folder has one. `--resume` continues
//! from the last checkpoint in the run's folder. With `--minutes` instead of `--tokens` the
//! learning rate follows the clock. With `--tokens` the same seed gives the same run, up to the
//! order in which the threads add. Two cores do 10,000 to 22,000 tokens a second.
//!
//! The shipped weights took 44.5 million tokens in three legs: 24 million with the defaults, the
//! rate falling to zero; 3.7 million more with `--mixture 62,10,10,5,13 --muon-rate 0.005
//! --adam-rate 0.00125`; then the rest with `--mixture 60,10,10,5,15`, the spans, the lengthened
//! stories and the visible EOS targets of `batch.rs`, which the first two legs did not have yet.
//! The command above does it in one leg and has not been run to its end.

#![recursion_limit = "256"]

mod batch;
mod kernels;
mod net;
mod optimizer;
mod probe;
mod store;
mod vocabulary;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use batch::{Packed, Source};
use clap::Parser;
use demask::eval::tasks::{MIXTURE, Rng};
use net::{Layout, Losses, Shape, Workspace};
use optimizer::Optimizer;
use store::State;
use vocabulary::Vocabulary;

#[derive(Parser)]
struct Options {
    /// Folder for checkpoints.
    #[arg(long, default_value = "target/train")]
    run: PathBuf,
    /// Folder for the finished model, written at each checkpoint.
    #[arg(long)]
    export: PathBuf,
    /// Train for this many minutes.
    #[arg(long, conflicts_with = "tokens")]
    minutes: Option<f64>,
    /// Train for this many tokens.
    #[arg(long, default_value_t = 40_000_000)]
    tokens: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Continue from the run's checkpoint.
    #[arg(long)]
    resume: bool,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 160)]
    width: usize,
    #[arg(long, default_value_t = 5)]
    layers: usize,
    #[arg(long, default_value_t = 5)]
    heads: usize,
    #[arg(long, default_value_t = 432)]
    hidden: usize,
    /// Entries of the tokenizer, when it must be learned first.
    #[arg(long, default_value_t = 1_152)]
    vocabulary: usize,
    /// Shares of word problems, counting, echo, naming and stories: `72,4,7,5,12`.
    #[arg(long, value_delimiter = ',')]
    mixture: Option<Vec<u32>>,
    /// Tokens in one step.
    #[arg(long, default_value_t = 4_096)]
    batch: usize,
    /// Learning rate of Muon at its height; 0.02 is too high for batches this small.
    #[arg(long, default_value_t = 0.008)]
    muon_rate: f32,
    /// Learning rate of AdamW at its height.
    #[arg(long, default_value_t = 0.002)]
    adam_rate: f32,
    /// Share of the run before the learning rate begins to fall.
    #[arg(long, default_value_t = 0.1)]
    hold: f64,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 3.0)]
    every: f64,
    /// Compare the gradient with finite differences, then stop.
    #[arg(long)]
    check_gradients: bool,
    /// Only measure the exported weights' run state.
    #[arg(long)]
    measure: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.run)?;
    std::fs::create_dir_all(&options.export)?;
    if !options.export.join("tokenizer.json").exists() {
        vocabulary::build(&options.export, options.vocabulary, 1)?;
    }
    let vocabulary = Vocabulary::load(&options.export)?;
    let layout = Layout::new(Shape {
        vocabulary: vocabulary.size,
        width: options.width,
        layers: options.layers,
        heads: options.heads,
        hidden: options.hidden,
    });
    eprintln!("{} entries, {} parameters", vocabulary.size, layout.total);
    if options.check_gradients {
        return check_gradients(&layout, &vocabulary);
    }
    let path = options.run.join("state.safetensors");
    let mut state = if options.resume || options.measure {
        store::load_state(&path, layout.total)?
    } else {
        let weights = initial(&layout, options.seed);
        State {
            average: weights.clone(),
            weights,
            first: vec![0.0; layout.total],
            second: vec![0.0; layout.total],
            step: 0,
            tokens: 0,
            seconds: 0.0,
        }
    };
    if options.measure {
        measure(&layout, &vocabulary, &state, 200);
        return Ok(());
    }
    train(&options, &layout, &vocabulary, &mut state)
}

fn train(
    options: &Options,
    layout: &Layout,
    vocabulary: &Vocabulary,
    state: &mut State,
) -> Result<()> {
    let path = options.run.join("state.safetensors");
    let mut optimizer = Optimizer {
        muon_rate: options.muon_rate,
        adam_rate: options.adam_rate,
        first: std::mem::take(&mut state.first),
        second: std::mem::take(&mut state.second),
    };
    let shares = match &options.mixture {
        Some(shares) => shares.as_slice().try_into().context("--mixture wants five numbers")?,
        None => MIXTURE,
    };
    let mut source = Source::new(vocabulary, options.seed.wrapping_add(state.step), shares);
    let mut spaces: Vec<(Workspace, Vec<f32>)> =
        (0..options.threads).map(|_| (Workspace::default(), vec![0.0; layout.total])).collect();
    let begun = Instant::now();
    let before = state.seconds;
    let (mut losses, mut reported, mut since) = (Losses::default(), Instant::now(), 0u64);
    let mut saved = Instant::now();
    loop {
        let progress = match options.minutes {
            Some(minutes) => state.seconds / (minutes * 60.0),
            None => state.tokens as f64 / options.tokens as f64,
        };
        if progress >= 1.0 {
            break;
        }
        let warm = ((state.step + 1) as f64 / 100.0).min(1.0);
        let fall =
            if progress < options.hold { 1.0 } else { (1.0 - progress) / (1.0 - options.hold) };
        let rate = (warm * fall.max(0.01)) as f32;

        let pieces = source.batch(options.batch, 1_024);
        let tokens: usize = pieces.iter().map(|p| p.input.len()).sum();
        losses.add(&gradients(layout, &state.weights, &pieces, &mut spaces));
        let (first, others) = spaces.split_at_mut(1);
        let grad = &mut first[0].1;
        for (_, other) in others {
            kernels::add(grad, other, 1.0);
        }
        state.step += 1;
        optimizer.step(layout, &mut state.weights, grad, rate, state.step, options.threads);
        let keep = (1.0 - 1.0 / state.step.min(400) as f32).min(0.9975);
        for (a, &w) in state.average.iter_mut().zip(&state.weights) {
            *a = keep * *a + (1.0 - keep) * w;
        }
        state.tokens += tokens as u64;
        since += tokens as u64;
        state.seconds = before + begun.elapsed().as_secs_f64();

        let quiet = reported.elapsed().as_secs_f64();
        if quiet > 20.0 {
            eprintln!(
                "{:5.1}% step {:6} {:6.2} M tokens {:6.0}/s rate {:.2} | number {:.3} copy {:.3} text {:.3} eos {:.3}",
                100.0 * progress,
                state.step,
                state.tokens as f64 / 1e6,
                since as f64 / quiet,
                rate,
                losses.mean(0),
                losses.mean(1),
                losses.mean(2),
                losses.mean(3),
            );
            (losses, reported, since) = (Losses::default(), Instant::now(), 0);
        }
        if saved.elapsed().as_secs_f64() > options.every * 60.0 {
            checkpoint(options, layout, vocabulary, state, &optimizer, &path)?;
            measure(layout, vocabulary, state, 32);
            saved = Instant::now();
        }
    }
    checkpoint(options, layout, vocabulary, state, &optimizer, &path)?;
    measure(layout, vocabulary, state, 100);
    Ok(())
}

/// One gradient over all pieces, which the threads take from a queue.
fn gradients(
    layout: &Layout,
    weights: &[f32],
    pieces: &[Packed],
    spaces: &mut [(Workspace, Vec<f32>)],
) -> Losses {
    let total: f32 = pieces.iter().flat_map(|p| &p.targets).map(|t| t.2).sum::<f32>().max(1.0);
    let queue = Mutex::new(pieces.iter());
    std::thread::scope(|scope| {
        let handles: Vec<_> = spaces
            .iter_mut()
            .map(|(space, grad)| {
                let queue = &queue;
                scope.spawn(move || {
                    grad.fill(0.0);
                    let mut losses = Losses::default();
                    loop {
                        let piece = queue.lock().expect("no thread panics holding it").next();
                        let Some(piece) = piece else { return losses };
                        losses.add(&space.train(layout, weights, piece, total, grad));
                    }
                })
            })
            .collect();
        let mut losses = Losses::default();
        for handle in handles {
            losses.add(&handle.join().expect("a worker does not panic"));
        }
        losses
    })
}

fn checkpoint(
    options: &Options,
    layout: &Layout,
    vocabulary: &Vocabulary,
    state: &mut State,
    optimizer: &Optimizer,
    path: &std::path::Path,
) -> Result<()> {
    let copy = State {
        weights: state.weights.clone(),
        average: state.average.clone(),
        first: optimizer.first.clone(),
        second: optimizer.second.clone(),
        ..*state
    };
    store::save_state(path, &copy)?;
    store::export(&options.export, layout, &state.average, vocabulary)
}

fn measure(layout: &Layout, vocabulary: &Vocabulary, state: &State, count: usize) {
    let (right, sample) = probe::word_problems(layout, &state.average, vocabulary, count, 8);
    let mut report = format!("--- word problems right {:.0} %", 100.0 * right);
    for window in [16, 32] {
        let (long, short) = probe::tail(layout, &state.average, vocabulary, count, window);
        let (all, words) = probe::stage_one(layout, &state.average, vocabulary, count, window);
        report += &format!(
            " | W {window}: tail {long:.2} / {short:.2}, rank {all:.3}, word problems {words:.3}"
        );
    }
    eprintln!("{report}\n    wrong: {sample}");
}

/// Normal weights: 0.02 for the embedding, 1/sqrt(inputs) for the matrices, zero for the
/// matrices that write to the residual stream, one for the norms.
fn initial(layout: &Layout, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed, 3);
    let mut weights = vec![0f32; layout.total];
    for entry in &layout.entries {
        let part = &mut weights[entry.at..][..entry.len()];
        if entry.columns == 0 {
            part.fill(1.0);
            continue;
        }
        let deviation = match entry.name.as_str() {
            name if name.contains("wte") => 0.02,
            name if name.contains("attn_out") || name.contains("ff_out") => 0.0,
            _ => 0.6 / (entry.columns as f64).sqrt(),
        };
        for x in part {
            let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
            *x = (deviation * radius * (std::f64::consts::TAU * rng.unit()).cos()) as f32;
        }
    }
    weights
}

/// How far the gradient check moves, as a distance in weights: short enough that the loss is
/// nearly straight, long enough that f32 shows the difference.
const STEP: f64 = 0.005;

fn check_gradients(layout: &Layout, vocabulary: &Vocabulary) -> Result<()> {
    let mut rng = Rng::new(9, 9);
    let mut weights = initial(layout, 5);
    for w in &mut weights {
        *w += 0.1 * (rng.unit() as f32 - 0.5);
    }
    let pieces = Source::new(vocabulary, 2, MIXTURE).batch(400, 300);
    let total: f32 = pieces.iter().flat_map(|p| &p.targets).map(|t| t.2).sum();
    let mut space = Workspace::default();
    let mut loss = |weights: &[f32], grad: &mut [f32]| -> f64 {
        pieces
            .iter()
            .map(|piece| {
                let l = space.train(layout, weights, piece, total, grad);
                (l.by_kind[0].0
                    + f64::from(batch::COPY_WEIGHT) * l.by_kind[1].0
                    + l.by_kind[2].0
                    + f64::from(batch::EOS_WEIGHT) * l.by_kind[3].0)
                    / f64::from(total)
            })
            .sum()
    };
    let mut grad = vec![0f32; layout.total];
    loss(&weights, &mut grad);
    let mut scratch = vec![0f32; layout.total];
    for entry in &layout.entries {
        // Along the gradient itself the difference is large enough for f32.
        let part = entry.at..entry.at + entry.len();
        let norm: f64 =
            grad[part.clone()].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        let step = STEP / norm.max(1e-9);
        let mut shifted = |sign: f64| {
            let mut moved = weights.clone();
            for i in part.clone() {
                moved[i] += (sign * step * f64::from(grad[i])) as f32;
            }
            loss(&moved, &mut scratch)
        };
        let measured = (shifted(1.0) - shifted(-1.0)) / (2.0 * STEP);
        println!(
            "{:55} {:.6} {:.6} {}",
            entry.name,
            norm,
            measured,
            if (norm - measured).abs() < 0.02 * norm + 1e-5 { "ok" } else { "DIFFERS" }
        );
    }
    Ok(())
}
