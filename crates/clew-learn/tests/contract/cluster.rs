//! Clustering under the contract: no outcomes, so checks of its own over the same points.

use clew_learn::cluster::{Distance, FittedKMeans, KMeans, MiniBatchKMeans};
use clew_learn::{Error, Result, Run};
use ndarray::{Array2, Axis, concatenate, s};

use crate::common::{run, with_run};
use crate::harness::{Cases, keep, sample};

type Fit = fn(&Run<'_>, &Array2<f32>, &[f32]) -> Result<FittedKMeans>;

fn clusterers() -> [(&'static str, Fit); 3] {
    [
        ("k-means", |run, x, weight| {
            KMeans { n_clusters: 7, ..Default::default() }.fit(run, x.view(), weight)
        }),
        ("k-means by angle", |run, x, weight| {
            let means = KMeans { n_clusters: 7, distance: Distance::Cosine, ..Default::default() };
            means.fit(run, x.view(), weight)
        }),
        ("k-means by batches", |run, x, weight| {
            let means =
                MiniBatchKMeans { n_clusters: 7, batch_rows: 500, n_batches: 20, ..Default::default() };
            means.fit(run, x.view(), weight)
        }),
    ]
}

#[test]
fn clusters_have_the_same_bits_and_are_read_back() {
    let (train, judged) = sample();
    for (name, fit) in clusterers() {
        let fit = |n_threads| with_run(n_threads, 5, |run| fit(run, &train.x, &train.weight)).unwrap();
        let once = fit(1);
        for n_threads in [1, 2, 3] {
            assert_eq!(once, fit(n_threads), "{name} with {n_threads} threads");
        }
        let (file, _) = keep(|writer| once.write(writer, "m")).unwrap();
        let again = FittedKMeans::read(&file, "m").unwrap();
        let of = |fit: &FittedKMeans| run(|run| fit.predict(run, judged.view())).unwrap();
        assert_eq!(of(&once), of(&again), "{name}");
        let twice = concatenate![Axis(0), train.x, train.x];
        let weight = [train.weight.clone(), train.weight.clone()].concat();
        let double = run(|run| clusterers()[0].1(run, &twice, &weight)).unwrap();
        assert_eq!(double.labels[..5_000], double.labels[5_000..]);
    }
}

#[test]
fn given_the_centres_rows_come_in_any_order_and_weights_count() {
    let (mut train, _) = sample();
    train.weight = (0..5_000).map(|row| [1.0, 2.0, 0.0][row % 3]).collect();
    let starts = train.x.slice(s![..7, ..]).to_owned();
    let fit = |cases: &Cases| {
        let means = KMeans { n_clusters: 7, ..Default::default() };
        run(|run| means.fit_from(run, cases.x.view(), &cases.weight, starts.view())).unwrap()
    };
    let once = fit(&train);
    let reversed = fit(&train.select(&(0..5_000).rev().collect::<Vec<_>>()));
    assert!(once.labels.iter().eq(reversed.labels.iter().rev()));
    let rows: Vec<usize> = (0..5_000).flat_map(|row| vec![row; [1, 2, 0][row % 3]]).collect();
    let mut repeated = train.select(&rows);
    repeated.weight.fill(1.0);
    let repeated = fit(&repeated);
    for (a, b) in once.centres.iter().zip(&repeated.centres) {
        assert!((a - b).abs() < 1e-5, "{a} against {b}");
    }
    assert!((once.inertia / repeated.inertia - 1.0).abs() < 1e-9);
}

#[test]
fn faults_of_rows_to_cluster_are_named() {
    let (train, _) = sample();
    let mut infinite = train.clone();
    infinite.x[[17, 0]] = f32::INFINITY;
    let mut negative = train.clone();
    negative.weight[17] = -1.0;
    let mut short = train.clone();
    short.weight.pop();
    let mut nothing = train.clone();
    nothing.weight.fill(0.0);
    let empty = train.select(&[]);
    let faults = [
        ("17", infinite),
        ("17", negative),
        ("4999 weights", short),
        ("weights are 0", nothing),
        ("0 rows", empty),
    ];
    for (name, fit) in clusterers() {
        for (place, cases) in &faults {
            match run(|run| fit(run, &cases.x, &cases.weight)) {
                Err(Error::Input { place: found, remedy }) => {
                    assert!(found.contains(place) && remedy.len() > 10, "{name}: {found}; {remedy}");
                }
                other => panic!("{name}: {:?} for the fault '{place}'", other.map(|fit| fit.inertia)),
            }
        }
    }
}
