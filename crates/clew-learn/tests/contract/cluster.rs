//! Clustering under the contract.

use clew_learn::cluster::KMeans;
use ndarray::{Axis, concatenate};

use crate::common::{run, with_run};
use crate::harness::sample;

#[test]
fn clusters_keep_to_it_too() {
    let (train, _) = sample();
    let means = KMeans { n_clusters: 7, ..Default::default() };
    let fit =
        |n_threads| with_run(n_threads, 5, |run| means.fit(run, train.x.view(), &train.weight)).unwrap();
    assert_eq!(fit(1), fit(2));
    let twice = concatenate![Axis(0), train.x, train.x];
    let weight = [train.weight.clone(), train.weight.clone()].concat();
    let double = run(|run| means.fit(run, twice.view(), &weight)).unwrap();
    assert_eq!(double.labels[..5_000], double.labels[5_000..]);
}
