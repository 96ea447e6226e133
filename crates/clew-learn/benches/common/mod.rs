//! What the benchmarks share: time on the wall and on the processor, peak memory, raw data files, and the one
//! line of JSON that each program prints (the peers in `deploy/peers` print the same).
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "each benchmark uses its part; it ends on a fault"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use bytemuck::Pod;
use clew_learn::{Run, Silent, Stop};
use serde_json::{Value, json};

/// Runs `work` on two threads, as the peers do.
pub fn with_run<T>(seed: u64, work: impl FnOnce(&Run<'_>) -> T) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    work(&Run { pool: &pool, seed, progress: &Silent, stop: &Stop::new() })
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    pub seconds: f64,
    pub cpu_seconds: f64,
}

/// Times one piece of work: the wall clock, and the processor time of all threads of this process.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (begun, before) = (Instant::now(), cpu_seconds());
    let result = work();
    (result, Took { seconds: begun.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - before })
}

/// User and system time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of the process's line, counted after the name's closing bracket, in ticks of 10 ms.
    let line = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = line.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Most memory that this process has held, in MB.
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Prints the result line.
pub fn say(case: &str, who: &str, took: Took, quality: &Value) {
    let line = json!({
        "case": case, "who": who, "seconds": took.seconds, "cpu_seconds": took.cpu_seconds,
        "peak_mb": peak_mb(), "quality": quality,
    });
    println!("{line}");
}

/// A raw little-endian file of numbers.
pub fn raw<T: Pod>(folder: &Path, name: &str) -> Vec<T> {
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
}

/// A JSON file.
pub fn json_file(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The arguments after the program's name: folder, case, variant (when given). Cargo's own `--bench` is left out.
pub fn arguments() -> (PathBuf, String, Option<String>) {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| panic!("usage: DIR CASE [WHO]")));
    (folder, arguments.next().unwrap_or_default(), arguments.next())
}
