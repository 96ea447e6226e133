//! Clusterers.

use clew_learn::cluster::KMeans;

use super::entry::{Target, kept};
use super::source::Outcomes;

pub const TARGETS: &[(&str, Target)] = &[("clusters", |run, source| {
    let cases = source.cases(Outcomes::Any);
    let means = KMeans {
        n_clusters: source.count(3),
        max_iterations: source.up_to(20),
        tolerance: f64::from(source.parameter(1e-4)),
        ..Default::default()
    };
    let fit = means.fit(run, cases.x.view(), &cases.weight)?;
    assert!(fit.inertia.is_finite() && fit.inertia >= 0.0, "inertia {}", fit.inertia);
    let labels = fit.predict(run, cases.judged.view())?;
    assert!(labels.iter().all(|&label| (label as usize) < fit.centres.nrows()));
    let predicted = labels.iter().map(|&label| label as f32).chain(fit.centres.iter().copied()).collect();
    let again: Vec<f32> = Vec::clone(&predicted);
    kept(predicted, |_| Ok(()), move |_, _| Ok(again.clone()))
})];
