//! What it costs to open long recordings and to go about in them. Each is opened in a process of its
//! own, so that its peak of memory is its own.
//!
//!     cargo run --release --example long_trace -- long.jsonl
//!     cargo bench --bench traces -- long.jsonl

use std::{
    env,
    error::Error,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use demask_core::{session::NodeId, trace};

/// Jumps that are timed.
const JUMPS: usize = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--open", file] => open(Path::new(file)),
        ["--verify", file] => verify(Path::new(file)),
        files => {
            println!("{}, {} cores", machine(), std::thread::available_parallelism()?);
            let shipped = "../../recordings/stage-2-expansions.jsonl";
            let files = if files.is_empty() { &[shipped] } else { files };
            for file in files {
                let bytes = Path::new(file).metadata()?.len();
                println!("{file}: {:.1} MB", bytes as f64 / 1e6);
                for task in ["--open", "--verify"] {
                    Command::new(env::current_exe()?).args([task, file]).status()?;
                }
            }
            Ok(())
        }
    }
}

fn open(file: &Path) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let recording = trace::read(file)?;
    let mut session = recording.session();
    let took = began.elapsed();
    let nodes = session.timeline().len();
    println!(
        "  opened in {:.2} s ({} on the processor), {} nodes; peak {} MB",
        took.as_secs_f64(),
        processor_time(),
        nodes,
        peak().unwrap_or(0) / 1000
    );
    let mut at = 1_usize;
    let mut times: Vec<Duration> = (0..JUMPS)
        .map(|_| {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let began = Instant::now();
            session.go(NodeId((at >> 33) % nodes));
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "  {JUMPS} jumps: median {:.2} ms, 95 % below {:.2} ms, longest {:.2} ms; peak {} MB",
        times[JUMPS / 2].as_secs_f64() * 1e3,
        times[JUMPS * 95 / 100].as_secs_f64() * 1e3,
        times[JUMPS - 1].as_secs_f64() * 1e3,
        peak().unwrap_or(0) / 1000
    );
    Ok(())
}

fn verify(file: &Path) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let (_, verified) = trace::verify(file)?;
    println!(
        "  verified in {:.2} s ({} on the processor): {} steps, {} decisions, {} differ; peak {} MB",
        began.elapsed().as_secs_f64(),
        processor_time(),
        verified.steps,
        verified.decisions,
        verified.differing,
        peak().unwrap_or(0) / 1000
    );
    Ok(())
}

/// The most memory that this process has had, kB; `None` where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The time that the processor has spent on this process and on the system for it, in words: on a
/// machine that others use, the time on the clock says little. A tick has 10 ms, as on Linux.
fn processor_time() -> String {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let mut ticks = behind_name.split_whitespace().skip(11).map(|it| it.parse().unwrap_or(0));
    let (own, system): (u64, u64) = (ticks.next().unwrap_or(0), ticks.next().unwrap_or(0));
    format!("{:.2} s + {:.2} s", own as f64 / 100.0, system as f64 / 100.0)
}

/// The processor's name and the instruction set that this was compiled for.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name"));
    let name = name.and_then(|line| line.split(':').nth(1)).unwrap_or("unknown processor").trim();
    let features = if cfg!(target_feature = "avx2") { "AVX2" } else { "no AVX2" };
    format!("{name}, {} ({features})", env::consts::ARCH)
}
