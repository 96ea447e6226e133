//! One offer over 18 M rows of 64 factors in half precision with its gain curve, against the peer of
//! `deploy/peers/offer_scan.py` and against the memory: plain sums over the same bytes take turns with it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends on a fault")]

use std::time::Instant;

use clew_learn::Run;
use clew_learn::gain::Gain;
use clew_learn::scan::{Link, Rows, Scan};
use half::f16;
use multiversion::multiversion;
use ndarray::ArrayView2;
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde_json::json;

#[path = "common/mod.rs"]
mod common;

const CHUNK: usize = 250_000;

fn main() {
    let (folder, case, who) = common::arguments();
    let shape = common::json_file(&folder, "shape.json");
    let size = |name: &str| shape[name].as_u64().unwrap() as usize;
    let (n, d, repeats) = (size("rows"), size("factors"), size("repeats"));
    let (scale, bias) = (shape["scale"].as_f64().unwrap() as f32, shape["bias"].as_f64().unwrap() as f32);
    let volumes: Vec<usize> =
        shape["volumes"].as_array().unwrap().iter().map(|volume| volume.as_u64().unwrap() as usize).collect();
    common::with_run(7, |run| {
        let mut rng = run.rng(u64::MAX);
        let vector: Vec<f32> = (0..d).map(|_| rng.sample(StandardNormal)).collect();
        let (rows, exact) = made(run, n, scale, &vector, bias);
        let scan = Scan { vector, bias, link: Link::Logistic, volumes: volumes.clone(), max_points: 200 };
        let view = Rows::Half(ArrayView2::from_shape((n, d), &rows).unwrap());
        let mut scores = Vec::new();
        let (mut curve, first) = common::timed(|| scan.run(run, view, &mut scores).unwrap());
        let (mut scans, mut sums) = (Vec::new(), Vec::new());
        let mut cpu = 0.0;
        for _ in 0..repeats {
            let (again, took) = common::timed(|| scan.run(run, view, &mut scores).unwrap());
            curve = again;
            scans.push(took.seconds);
            cpu += took.cpu_seconds;
            let begun = Instant::now();
            std::hint::black_box(summed(run, bytemuck::cast_slice(&rows)));
            sums.push(begun.elapsed().as_secs_f64());
        }
        let bytes = (2 * n * d) as f64;
        let gbs = |seconds: f64| 1e-9 * bytes / seconds;
        let took = common::Took { seconds: median(&mut scans), cpu_seconds: cpu / repeats as f64 };
        let quality = json!({
            "buyers_error": error(&scores, &exact, &volumes, &curve),
            "first_seconds": first.seconds,
            "points": curve.volume.len(),
            "gb_per_second": gbs(took.seconds),
            "memory_gb_per_second": gbs(median(&mut sums)),
            "share_of_memory": gbs(took.seconds) / gbs(median(&mut sums)),
            "share_of_memory_at_best": scans.iter().copied().map(gbs).fold(0.0, f64::max)
                / sums.iter().copied().map(gbs).fold(0.0, f64::max),
        });
        common::say(&case, who.as_deref().unwrap_or("clew"), took, &quality);
    });
}

/// The rows in half precision, and each row's score in single precision before they were rounded.
fn made(run: &Run<'_>, n: usize, scale: f32, vector: &[f32], bias: f32) -> (Vec<f16>, Vec<f32>) {
    let d = vector.len();
    let (mut rows, mut exact) = (vec![f16::ZERO; n * d], vec![0.0_f32; n]);
    run.pool.install(|| {
        let chunks = rows.par_chunks_mut(CHUNK * d).zip(exact.par_chunks_mut(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (rows, exact))| {
            let mut rng = run.rng(chunk as u64);
            for (row, exact) in rows.chunks_mut(d).zip(exact) {
                *exact = bias;
                for (slot, weight) in row.iter_mut().zip(vector) {
                    let value = scale * rng.sample::<f32, _>(StandardNormal);
                    *slot = f16::from_f32(value);
                    *exact += value * weight;
                }
            }
        });
    });
    (rows, exact)
}

/// The largest relative error of expected buyers at a volume: of those that the best rows by half precision
/// truly bring, and of those that the curve promises, against the best by single precision.
fn error(scores: &[f32], exact: &[f32], volumes: &[usize], curve: &Gain) -> f64 {
    let outcomes: Vec<f32> = exact.iter().map(|&score| Link::Logistic.outcome(score)).collect();
    let ones = vec![1.0; exact.len()];
    let best = Gain::new(exact, &outcomes, &ones).unwrap();
    let chosen = Gain::new(scores, &outcomes, &ones).unwrap();
    let errors = volumes.iter().flat_map(|&volume| {
        let truth = best.at(volume as f64);
        [chosen.at(volume as f64), curve.at(volume as f64)].map(|gain| (gain / truth - 1.0).abs())
    });
    errors.fold(0.0, f64::max)
}

/// A plain sum over all memory, by both threads.
fn summed(run: &Run<'_>, memory: &[u64]) -> u64 {
    run.pool.install(|| memory.par_chunks(1 << 20).map(sum).reduce(|| 0, u64::wrapping_add))
}

#[multiversion(targets("x86_64+avx512f", "x86_64+avx2", "aarch64+neon"))]
fn sum(memory: &[u64]) -> u64 {
    let mut sums = [0_u64; 64];
    for part in memory.as_chunks::<64>().0 {
        for (sum, &value) in sums.iter_mut().zip(part) {
            *sum = sum.wrapping_add(value);
        }
    }
    sums.iter().fold(0, |all, &sum| all.wrapping_add(sum))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
