//! k-means on clusters that are plain to see, and held to Lloyd's rounds by the book.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::cluster::{ClusterNumber, Distance, FittedKMeans, KMeans, MiniBatchKMeans, adjusted_rand};
use clew_learn::format::{File, Writer};
use ndarray::Array2;

mod common;
use common::{normal, run};

fn islands(n: usize, k: usize) -> Array2<f32> {
    run(|run| {
        let mut rng = run.rng(3);
        Array2::from_shape_fn((n, 4), |(row, column)| {
            let centre = if column == row % k % 4 { 10.0 * (1 + row % k / 4) as f32 } else { 0.0 };
            centre + 0.3 * normal(&mut rng)
        })
    })
}

#[test]
fn it_finds_the_islands() {
    let x = islands(1_200, 6);
    let found = run(|run| {
        let fit = KMeans { n_clusters: 6, ..Default::default() }.fit(run, x.view(), &[1.0; 1_200]).unwrap();
        assert_eq!(fit.predict(run, x.view()).unwrap(), fit.labels);
        fit
    });
    for row in 6..1_200 {
        assert_eq!(found.labels[row], found.labels[row % 6], "row {row}");
    }
    let mut distinct = found.labels[..6].to_vec();
    distinct.sort_unstable();
    assert_eq!(distinct, [0, 1, 2, 3, 4, 5]);
    assert!((found.inertia / (1_200.0 * 4.0 * 0.09) - 1.0).abs() < 0.1, "{}", found.inertia);
}

#[test]
fn fewer_distinct_rows_give_fewer_clusters() {
    let x = Array2::from_shape_fn((30, 2), |(row, _)| (row % 3) as f32);
    let fit =
        run(|run| KMeans { n_clusters: 8, ..Default::default() }.fit(run, x.view(), &[1.0; 30])).unwrap();
    assert_eq!(fit.centres.nrows(), 3);
    assert!(fit.inertia.abs() < 1e-9);
}

#[test]
fn rows_without_weight_do_not_pull() {
    let mut x = islands(400, 2);
    x.row_mut(7).fill(1_000.0);
    let mut weight = vec![1.0; 400];
    weight[7] = 0.0;
    let fit = run(|run| KMeans { n_clusters: 2, ..Default::default() }.fit(run, x.view(), &weight)).unwrap();
    assert!(fit.centres.iter().all(|value| value.abs() < 11.0), "{}", fit.centres);
}

#[test]
fn faults_are_named() {
    let mut x = islands(10, 2);
    x[[4, 1]] = f32::NAN;
    let message = run(|run| KMeans::default().fit(run, x.view(), &[1.0; 10])).unwrap_err().to_string();
    assert_eq!(message, "row 4 is not finite in column 1; drop or fill it");
}

/// Lloyd's rounds as they are written in books, in f64, for the bounds to be held to.
fn by_the_book(x: &Array2<f32>, weight: &[f32], starts: &Array2<f32>) -> (Vec<u32>, usize) {
    let mut centres = starts.clone();
    for round in 1.. {
        let square = |a: f32, b: f32| (f64::from(a) - f64::from(b)).powi(2);
        let labels: Vec<u32> = (x.rows().into_iter())
            .map(|row| {
                let to = |centre: usize| -> f64 {
                    row.iter().zip(centres.row(centre)).map(|(&a, &b)| square(a, b)).sum()
                };
                (0..centres.nrows()).min_by(|&a, &b| to(a).total_cmp(&to(b))).unwrap() as u32
            })
            .collect();
        let mut sums = Array2::<f64>::zeros(centres.dim());
        let mut totals = vec![0.0; centres.nrows()];
        for ((row, &label), &weight) in x.rows().into_iter().zip(&labels).zip(weight) {
            sums.row_mut(label as usize)
                .zip_mut_with(&row, |sum, &v| *sum += f64::from(weight) * f64::from(v));
            totals[label as usize] += f64::from(weight);
        }
        let next = Array2::from_shape_fn(centres.dim(), |(k, d)| (sums[[k, d]] / totals[k]) as f32);
        if next == centres {
            return (labels, round);
        }
        centres = next;
    }
    unreachable!()
}

#[test]
fn bounds_change_nothing() {
    // Far from 0, whole numbers (so that sums are exact and ties are many), odd sizes.
    for (n, d, k) in [(3_000, 3, 37), (2_000, 21, 300), (1_500, 64, 16), (900, 1, 5)] {
        let x = run(|run| {
            let mut rng = run.rng(9);
            Array2::from_shape_simple_fn((n, d), || (1_000.0 + 4.0 * normal(&mut rng)).round())
        });
        let weight: Vec<f32> = (0..n).map(|row| 1.0 + (row % 3) as f32).collect();
        let mut starts = Array2::zeros((0, d));
        for row in x.rows() {
            if starts.nrows() < k && !starts.rows().into_iter().any(|known| known == row) {
                starts.push_row(row).unwrap();
            }
        }
        let means = KMeans { n_clusters: k, tolerance: 0.0, max_iterations: 1_000, ..Default::default() };
        let fit = run(|run| means.fit_from(run, x.view(), &weight, starts.view())).unwrap();
        let (labels, rounds) = by_the_book(&x, &weight, &starts);
        assert_eq!(fit.labels, labels, "{n} × {d}, {k}");
        assert_eq!(fit.n_iterations, rounds, "{n} × {d}, {k}");
    }
}

#[test]
fn the_angle_alone_counts_under_the_cosine() {
    let x = islands(800, 4);
    let scaled = Array2::from_shape_fn(x.dim(), |(row, column)| x[[row, column]] * (1 + row % 9) as f32);
    let means = KMeans { n_clusters: 4, distance: Distance::Cosine, ..Default::default() };
    let (a, b) = run(|run| {
        (means.fit(run, x.view(), &[1.0; 800]).unwrap(), means.fit(run, scaled.view(), &[1.0; 800]).unwrap())
    });
    assert!(adjusted_rand(&a.labels, &b.labels).unwrap() > 0.999);
    for centre in a.centres.rows() {
        assert!((centre.dot(&centre) - 1.0).abs() < 1e-5);
    }
    assert!(a.inertia > 0.0 && a.inertia < 10.0, "{}", a.inertia);
    let mut still = x.clone();
    still.row_mut(3).fill(0.0);
    let message = run(|run| means.fit(run, still.view(), &[1.0; 800])).unwrap_err().to_string();
    assert_eq!(message, "row 3 has length 0 and so no direction; drop it, or cluster by distance");
}

#[test]
fn batches_come_near_to_rounds() {
    let x = islands(6_000, 12);
    let weight = vec![1.0; 6_000];
    let whole = KMeans { n_clusters: 12, ..Default::default() };
    let batches = MiniBatchKMeans { n_clusters: 12, batch_rows: 256, n_batches: 60, ..Default::default() };
    let (whole, batches) =
        run(|run| (whole.fit(run, x.view(), &weight).unwrap(), batches.fit(run, x.view(), &weight).unwrap()));
    assert!(batches.inertia < 1.1 * whole.inertia, "{} against {}", batches.inertia, whole.inertia);
    assert_eq!(run(|run| batches.predict(run, x.view())).unwrap(), batches.labels);
}

#[test]
fn the_number_of_clusters_is_the_stable_one() {
    let x = islands(900, 5);
    let number = ClusterNumber { candidates: (2..=8).collect(), n_pairs: 6, ..Default::default() };
    let found = run(|run| number.fit(run, x.view(), &[1.0; 900])).unwrap();
    assert_eq!(found.n_clusters, 5, "{:?}", found.scores);
    assert_eq!(found.scores.len(), 7);
    assert!(found.scores.iter().all(|tried| tried.score <= 1.0 && tried.error >= 0.0));
    let message = run(|run| ClusterNumber { candidates: vec![1], ..number }.fit(run, x.view(), &[1.0; 900]));
    assert!(message.unwrap_err().to_string().contains("candidates [1]"));
}

#[test]
fn agreement_of_clusterings() {
    assert_eq!(adjusted_rand(&[0, 0, 1, 1], &[7, 7, 3, 3]).unwrap(), 1.0);
    // scikit-learn gives the same.
    assert!((adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]).unwrap() - 0.571_428_571_428_571_4).abs() < 1e-15);
    assert!(adjusted_rand(&[0], &[0]).is_err());
    assert!(adjusted_rand(&[0, 1], &[0]).is_err());
}

#[test]
fn an_empty_cluster_moves_to_the_row_that_is_served_worst() {
    let x = ndarray::array![[0.0_f32], [1.0], [10.0], [30.0]];
    let starts = ndarray::array![[0.5_f32], [1_000.0]];
    let means = KMeans { n_clusters: 2, tolerance: 0.0, ..Default::default() };
    let fit = run(|run| means.fit_from(run, x.view(), &[1.0; 4], starts.view())).unwrap();
    assert_eq!(fit.labels, [0, 0, 0, 1]);
    assert_eq!(fit.n_wanted, 2);
}

#[test]
fn what_is_saved_is_read_back() {
    let x = islands(300, 3);
    let fit =
        run(|run| KMeans { n_clusters: 3, ..Default::default() }.fit(run, x.view(), &[1.0; 300])).unwrap();
    let mut writer = Writer::new();
    fit.write(&mut writer, "c").unwrap();
    let file = File::open(std::sync::Arc::new(writer.finish())).unwrap();
    assert_eq!(FittedKMeans::read(&file, "c").unwrap(), fit);
    let mut wrong = fit.clone();
    wrong.labels[5] = 3;
    let mut writer = Writer::new();
    wrong.write(&mut writer, "c").unwrap();
    let file = File::open(std::sync::Arc::new(writer.finish())).unwrap();
    assert!(FittedKMeans::read(&file, "c").unwrap_err().to_string().contains("do not fit together"));
}

#[test]
fn sums_that_overflow_are_refused() {
    let x = Array2::from_shape_fn((40, 3), |(row, column)| 1e30 * (row * 3 + column) as f32);
    let message = run(|run| KMeans::default().fit(run, x.view(), &[1.0; 40])).unwrap_err().to_string();
    assert_eq!(message, "the squared distances overflow; scale the columns down");
}
