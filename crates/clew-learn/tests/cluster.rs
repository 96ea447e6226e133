//! k-means on clusters that are plain to see.

use clew_learn::cluster::KMeans;
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
    assert_eq!(message, "row 4 is not finite; drop or fill it");
}
