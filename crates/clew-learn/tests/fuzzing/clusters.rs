//! Clusterers.

use clew_learn::cluster::{ClusterNumber, Distance, FittedKMeans, KMeans, MiniBatchKMeans};
use clew_learn::{Result, Run};
use ndarray::Array2;

use super::entry::{Kept, Target, kept, nothing_kept};
use super::source::{Outcomes, Source};

fn distance(source: &mut Source<'_>) -> Distance {
    if source.one_in(3) { Distance::Cosine } else { Distance::Euclidean }
}

fn labels(run: &Run<'_>, fit: &FittedKMeans, judged: &Array2<f32>) -> Result<Vec<f32>> {
    let labels = fit.predict(run, judged.view())?;
    assert!(labels.iter().all(|&label| (label as usize) < fit.centres.nrows()));
    Ok(labels.iter().map(|&label| label as f32).chain(fit.centres.iter().copied()).collect())
}

fn keep(run: &Run<'_>, fit: &FittedKMeans, judged: Array2<f32>) -> Result<Kept> {
    assert!(fit.inertia.is_finite() && fit.inertia >= 0.0, "inertia {}", fit.inertia);
    kept(
        labels(run, fit, &judged)?,
        |writer| fit.write(writer, "m"),
        move |run, file| labels(run, &FittedKMeans::read(file, "m")?, &judged),
    )
}

pub const TARGETS: &[(&str, Target)] = &[
    ("clusters", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let means = KMeans {
            n_clusters: source.count(3),
            max_iterations: source.up_to(20),
            tolerance: f64::from(source.parameter(1e-4)),
            distance: distance(source),
        };
        keep(run, &means.fit(run, cases.x.view(), &cases.weight)?, cases.judged)
    }),
    ("clusters by batches", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let means = MiniBatchKMeans {
            n_clusters: source.count(3),
            batch_rows: source.up_to(40),
            n_batches: source.up_to(10),
            starved_share: f64::from(source.parameter(0.01)),
            distance: distance(source),
        };
        keep(run, &means.fit(run, cases.x.view(), &cases.weight)?, cases.judged)
    }),
    ("number of clusters", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let number = ClusterNumber {
            candidates: (0..source.up_to(3)).map(|_| source.count(3)).collect(),
            n_pairs: source.up_to(3),
            share: f64::from(source.parameter(0.7)),
            most_rows: source.count(100),
            means: KMeans { max_iterations: 5, ..Default::default() },
            ..Default::default()
        };
        let fit = number.fit(run, cases.x.view(), &cases.weight)?;
        let scores = fit.scores.iter().flat_map(|of| [of.score as f32, of.error as f32]);
        nothing_kept(scores.chain([fit.n_clusters as f32]).collect())
    }),
];
