//! What was measured, as a table and as JSON.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use super::{
    AgainstEarlier,
    samples::{SampleFigures, Samples, short},
};
use crate::{
    model::{self, Loaded, memory::shown},
    session::{Pending, Session},
};

/// Everything that `--json` prints. Times are in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct BenchReport {
    #[serde(flatten)]
    facts: Measured,
    /// The run, without `--lengths`.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<BenchRun>,
    /// Single passes, with `--lengths`.
    #[serde(skip_serializing_if = "Option::is_none")]
    lengths: Option<Vec<Bare>>,
    /// Most memory held, where the system says.
    pub peak_memory_bytes: Option<u64>,
    /// A signal ended it early.
    pub stopped: bool,
    /// What changed since an earlier report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<AgainstEarlier>,
}

/// What was measured on.
#[derive(Debug, Default, Serialize)]
pub struct Measured {
    version: &'static str,
    model: String,
    family: String,
    layers: usize,
    vocabulary: usize,
    device: String,
    dtype: String,
    /// The widest instructions that products of f32 matrices use on the CPU.
    instructions: String,
    /// Threads that a pass on the CPU uses.
    threads: usize,
    strategy: &'static str,
    prompt_tokens: usize,
    load_ms: f64,
    /// 10⁹ floating-point operations a second in a product of f32 matrices on the same device.
    matmul_gflops: f64,
    /// Floating-point operations of a pass for each position.
    #[serde(skip_serializing_if = "Option::is_none")]
    flops_per_position: Option<u64>,
}

impl Measured {
    /// Of a session that begins, on a model that took so long to load.
    pub fn new(session: &Session, loaded: &Loaded, load: Duration, matmul: f64) -> Self {
        let facts = &loaded.facts;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            model: facts.name.clone(),
            family: facts.family.clone(),
            layers: facts.layers,
            vocabulary: facts.vocabulary,
            device: facts.device.clone(),
            dtype: facts.dtype.clone(),
            instructions: model::instructions(),
            threads: model::threads(),
            strategy: session.strategy().name(),
            prompt_tokens: session.canvas().prompt().len(),
            load_ms: ms(load),
            matmul_gflops: matmul / 1e9,
            flops_per_position: Some(loaded.flops_per_position),
        }
    }
}

/// Samples of the steps of a run, one of each for every step.
#[derive(Debug, Default)]
pub struct Steps {
    /// The layers of the network.
    pub forward: Samples,
    /// The head and the reduction to columns.
    pub head: Samples,
    /// Planning the request and deciding on the answer.
    pub decide: Samples,
    /// Prediction and step, written.
    pub record: Samples,
    /// Drawing a frame of the interface.
    pub draw: Samples,
    /// The step as a whole.
    pub whole: Samples,
    /// Positions of each pass, on both canvases with guidance.
    pub positions: Vec<usize>,
    /// Bytes of all frames.
    pub frame_bytes: usize,
    screen: (u16, u16),
    length: usize,
    tokens: usize,
    finish: Option<&'static str>,
}

impl Steps {
    /// None yet, on a screen of this size.
    pub fn on(screen: (u16, u16)) -> Self {
        Self { screen, ..Self::default() }
    }

    /// What the session came to.
    pub fn finish(&mut self, session: &Session) {
        let canvas = session.canvas();
        self.length = canvas.len();
        self.tokens = (0..canvas.tail()).filter(|&at| !canvas.is_masked(at)).count();
        self.finish = match session.pending() {
            Pending::Done(finish) => Some(finish.name()),
            _ => None,
        };
    }
}

/// A run, in figures.
#[derive(Debug, Serialize)]
struct BenchRun {
    steps: usize,
    /// Predictions asked for, as the literature counts model calls: one a step.
    nfe: usize,
    /// Forward passes that were computed.
    passes: usize,
    /// Length of the generated region at the end.
    length: usize,
    /// Tokens written before the tail of end-of-sequence tokens.
    tokens: usize,
    /// Positions of the largest pass: prompt and canvas, twice with guidance.
    positions: usize,
    /// Why the run ended; null if it was left before.
    finish: Option<&'static str>,
    wall_ms: f64,
    ms_per_step: f64,
    tokens_per_second: f64,
    /// Positions through the model, by the time of the passes alone.
    positions_per_second: f64,
    forward: Option<SampleFigures>,
    head: Option<SampleFigures>,
    decide: Option<SampleFigures>,
    record: Option<SampleFigures>,
    draw: Option<SampleFigures>,
    step: Option<SampleFigures>,
    /// 100 × (decide + record + draw) / (forward + head).
    overhead_percent: f64,
    screen: (u16, u16),
    /// Mean bytes that a terminal would be sent for a frame.
    frame_bytes: f64,
}

/// Passes over the prompt and so many masks.
#[derive(Debug, Serialize)]
pub struct Bare {
    masks: u32,
    positions: usize,
    /// Positions by the median pass.
    positions_per_second: f64,
    forward: SampleFigures,
    head: SampleFigures,
    pass: SampleFigures,
}

impl Bare {
    /// The figures of forward, head and both; `None` if nothing was measured.
    pub fn of(masks: u32, positions: usize, samples: [&Samples; 3]) -> Option<Self> {
        let [forward, head, pass] = samples.map(Samples::figures);
        let (forward, head, pass) = (forward?, head?, pass?);
        let positions_per_second = rate(positions as f64, pass.p50 / 1e3);
        Some(Self { masks, positions, positions_per_second, forward, head, pass })
    }
}

impl BenchReport {
    /// The report of a run.
    pub fn of_run(facts: Measured, steps: Steps) -> Self {
        let count = steps.whole.len();
        let pass = (steps.forward.total() + steps.head.total()).as_secs_f64();
        let overhead = steps.decide.total() + steps.record.total() + steps.draw.total();
        let wall = steps.whole.total().as_secs_f64();
        let run = BenchRun {
            steps: count,
            nfe: count,
            passes: steps.positions.len(),
            length: steps.length,
            tokens: steps.tokens,
            positions: steps.positions.iter().copied().max().unwrap_or_default(),
            finish: steps.finish,
            wall_ms: wall * 1e3,
            ms_per_step: wall * 1e3 / count.max(1) as f64,
            tokens_per_second: rate(steps.tokens as f64, wall),
            positions_per_second: rate(steps.positions.iter().sum::<usize>() as f64, pass),
            forward: steps.forward.figures(),
            head: steps.head.figures(),
            decide: steps.decide.figures(),
            record: steps.record.figures(),
            draw: steps.draw.figures(),
            step: steps.whole.figures(),
            overhead_percent: 100.0 * rate(overhead.as_secs_f64(), pass),
            screen: steps.screen,
            frame_bytes: steps.frame_bytes as f64 / count.max(1) as f64,
        };
        Self { facts, run: Some(run), ..Self::default() }
    }

    /// The report of single passes.
    pub fn of_lengths(facts: Measured, lengths: Vec<Bare>) -> Self {
        Self { facts, lengths: Some(lengths), ..Self::default() }
    }

    /// The table, in 80 columns.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        if let Some(run) = &self.run {
            self.run(&mut text, run);
        }
        if let Some(lengths) = &self.lengths {
            self.lengths(&mut text, lengths);
        }
        if let Some(against) = &self.against {
            let _ = write!(text, "\n{}", against.text());
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn head(&self, text: &mut String) {
        let Measured { model, family, device, dtype, strategy, .. } = &self.facts;
        let layers = self.facts.layers;
        let _ = writeln!(text, "{model} ({family}, {layers} layers, {dtype}) on {device}");
        let _ = write!(text, "{strategy}, prompt of {} tokens", self.facts.prompt_tokens);
        if device == "cpu" {
            let _ = write!(text, ", {} threads, {}", self.facts.threads, self.facts.instructions);
        }
        let _ = write!(text, "\nload {} ms", short(self.facts.load_ms));
        if let Some(peak) = self.peak_memory_bytes {
            let _ = write!(text, ", most memory {}", shown(peak));
        }
        let gflops = short(self.facts.matmul_gflops);
        let _ = writeln!(text, ", f32 products {gflops} GFLOP/s\n");
    }

    fn run(&self, text: &mut String, run: &BenchRun) {
        let titles = ["min", "p50", "p90", "p99", "max", "mean", "total", "share"];
        let _ = write!(text, "{:<8}", "ms");
        for title in titles {
            let _ = write!(text, "{title:>9}");
        }
        text.push('\n');
        let parts = [
            ("forward", run.forward),
            ("head", run.head),
            ("decide", run.decide),
            ("record", run.record),
            ("draw", run.draw),
            ("step", run.step),
        ];
        for (name, figures) in parts {
            let Some(f) = figures else { continue };
            let _ = write!(text, "{name:<8}");
            for number in [f.min, f.p50, f.p90, f.p99, f.max, f.mean, f.total] {
                let _ = write!(text, "{:>9}", short(number));
            }
            let _ = writeln!(text, "{:>7.1} %", 100.0 * rate(f.total, run.wall_ms));
        }
        let end = run.finish.unwrap_or("left before its end");
        let _ = writeln!(
            text,
            "\n{} steps (NFE {}, passes {}) to length {}, {} tokens; {end}",
            run.steps, run.nfe, run.passes, run.length, run.tokens
        );
        let _ = writeln!(
            text,
            "{} ms a step, {} tokens/s, {} positions/s (at most {} a pass)",
            short(run.ms_per_step),
            short(run.tokens_per_second),
            short(run.positions_per_second),
            run.positions
        );
        let _ = writeln!(
            text,
            "decide + record + draw: {} % of forward + head; a frame of {}×{}: {}",
            short(run.overhead_percent),
            run.screen.0,
            run.screen.1,
            shown(run.frame_bytes as u64)
        );
        let facts = &self.facts;
        let positions = run.positions_per_second;
        if let Some(limit) = of_limit(facts.flops_per_position, positions, facts.matmul_gflops) {
            let _ = writeln!(text, "{limit}");
        }
    }

    fn lengths(&self, text: &mut String, lengths: &[Bare]) {
        let titles = ["masks", "positions", "forward", "head", "pass", "min", "max", "positions/s"];
        for (title, width) in titles.into_iter().zip(WIDTHS) {
            let _ = write!(text, "{title:>width$}");
        }
        text.push_str("   limit\n");
        for bare in lengths {
            let cells = [
                bare.masks.to_string(),
                bare.positions.to_string(),
                short(bare.forward.p50),
                short(bare.head.p50),
                short(bare.pass.p50),
                short(bare.pass.min),
                short(bare.pass.max),
                short(bare.positions_per_second),
            ];
            for (cell, width) in cells.into_iter().zip(WIDTHS) {
                let _ = write!(text, "{cell:>width$}");
            }
            if let Some(limit) = self.limit(bare.positions_per_second) {
                let _ = write!(text, "{limit:>8}");
            }
            text.push('\n');
        }
        if let Some(bare) = lengths.first() {
            let _ = writeln!(
                text,
                "\nms; forward, head and pass are medians of {}; limit: that of f32 products",
                bare.pass.n
            );
        }
    }

    fn limit(&self, positions_per_second: f64) -> Option<String> {
        percent(self.facts.flops_per_position, positions_per_second, self.facts.matmul_gflops)
    }
}

/// Widths of the columns of `--lengths`.
const WIDTHS: [usize; 8] = [7, 10, 9, 8, 8, 8, 8, 12];

/// How near the passes come to what the device does in products of matrices, in words; `None` if
/// nobody knows how many operations a position takes.
pub fn of_limit(flops: Option<u64>, positions_per_second: f64, gflops: f64) -> Option<String> {
    percent(flops, positions_per_second, gflops).map(|share| share + " of the matmul limit")
}

fn percent(flops: Option<u64>, positions_per_second: f64, gflops: f64) -> Option<String> {
    let percent = 100.0 * rate(flops? as f64 * positions_per_second, gflops * 1e9);
    Some(format!("{percent:.0} %"))
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// `amount` by `by`; 0 by nothing.
fn rate(amount: f64, by: f64) -> f64 {
    if by > 0.0 { amount / by } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_told_where_it_is_known() {
        assert_eq!(of_limit(None, 1000.0, 100.0), None);
        let half = of_limit(Some(50_000_000), 1000.0, 100.0);
        assert_eq!(half.as_deref(), Some("50 % of the matmul limit"));
        assert_eq!(of_limit(Some(1), 1.0, 0.0).as_deref(), Some("0 % of the matmul limit"));
    }

    #[test]
    fn a_report_of_nothing_is_whole() {
        let report = BenchReport::of_run(Measured::default(), Steps::default());
        assert!(report.text().contains("0 steps"));
        let report = BenchReport::of_lengths(Measured::default(), Vec::new());
        assert!(!report.text().contains("NaN"));
    }
}
