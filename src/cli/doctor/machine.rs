//! The program itself, the processor, devices and memory.

use super::CheckLine;
use crate::model::{
    self,
    memory::{Memory, shown},
};

/// Version, build and processor.
pub fn program() -> Vec<CheckLine> {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    let build = format!("{profile} for {arch} {os}");
    let built = [(cfg!(feature = "cuda"), "cuda"), (cfg!(feature = "metal"), "metal")];
    let features: Vec<&str> = built.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let has = instructions();
    let (have, lack): (Vec<_>, Vec<_>) = has.iter().partition(|(_, there)| *there);
    let names =
        |list: Vec<&(&str, bool)>| list.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    let says = format!(
        "{cores} cores, {} threads for a pass; {}{}",
        model::threads(),
        names(have),
        if lack.is_empty() { String::new() } else { format!(" (not {})", names(lack)) },
    );
    // AVX-512 is a gain; without the others products of matrices take several times as long.
    let quick = has.iter().all(|(name, there)| *there || *name == "avx512f");
    vec![
        CheckLine::ok("program", "version", concat!("demask ", env!("CARGO_PKG_VERSION"))),
        CheckLine::ok("program", "build", build)
            .or_missing(profile == "release", "Slower than need be. Build with --release"),
        CheckLine::ok("program", "features", features),
        CheckLine::ok("program", "processor", says)
            .or_missing(quick, "Forward passes are slow on this processor"),
    ]
}

/// Instructions that products of matrices make use of, found when the program runs.
#[cfg(target_arch = "x86_64")]
fn instructions() -> Vec<(&'static str, bool)> {
    use std::arch::is_x86_feature_detected;
    vec![
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ]
}

/// Instructions that products of matrices make use of, found when the program runs.
#[cfg(target_arch = "aarch64")]
fn instructions() -> Vec<(&'static str, bool)> {
    vec![("neon", std::arch::is_aarch64_feature_detected!("neon"))]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instructions() -> Vec<(&'static str, bool)> {
    Vec::new()
}

/// What can be computed on.
pub fn devices() -> Vec<CheckLine> {
    let found = model::available();
    found.into_iter().map(|device| {
        let check = |says: &str| CheckLine::ok("devices", device.name.clone(), says);
        match device.fault {
            None => check("can be computed on"),
            Some(_) if !device.built_in => {
                let feature = device.name.split(':').next().unwrap_or_default();
                let advice = format!("With such a device, build with --features {feature}");
                check("not built in").or_missing(false, advice)
            }
            Some(fault) => check(&fault).wrong(
                "--device auto would take it. Look at the driver (nvidia-smi), or give --device cpu",
            ),
        }
    })
    .collect()
}

/// Says how much memory there is, and how much of it is free.
pub fn memory() -> CheckLine {
    let says = match Memory::here() {
        Some(memory) => {
            let (total, left) = (shown(memory.total), shown(memory.available));
            format!("{total}, of which {left} can be had now")
        }
        None => "this system is not asked".to_owned(),
    };
    CheckLine::ok("devices", "memory", says)
}
