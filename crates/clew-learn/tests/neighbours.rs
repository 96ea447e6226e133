//! Nearest neighbours against plain loops, saved and loaded, with any number of threads; faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::neighbours::{FittedNeighbours, Measure, Neighbours};
use ndarray::{Array2, ArrayView1, array};

mod common;
use common::{normal, run, with_run};

const MEASURES: [Measure; 3] = [Measure::Dot, Measure::Cosine, Measure::Euclidean];

fn sample(n: usize, d: usize, stream: u64) -> Array2<f32> {
    run(|run| {
        let mut rng = run.rng(stream);
        Array2::from_shape_simple_fn((n, d), || normal(&mut rng) + 3.0)
    })
}

/// Nearness in double precision, larger is nearer.
fn near(measure: Measure, x: ArrayView1<'_, f32>, y: ArrayView1<'_, f32>) -> f64 {
    let (x, y) = (x.mapv(f64::from), y.mapv(f64::from));
    match measure {
        Measure::Dot => x.dot(&y),
        Measure::Cosine => x.dot(&y) / (x.dot(&x) * y.dot(&y)).sqrt(),
        Measure::Euclidean => -(&x - &y).mapv(|v| v * v).sum().sqrt(),
    }
}

#[test]
fn they_are_what_a_plain_loop_finds() {
    let (known, asked, k) = (sample(700, 10, 1), sample(70, 10, 2), 9);
    for measure in MEASURES {
        let fitted = run(|run| Neighbours { measure }.fit(run, known.view())).unwrap();
        let found = run(|run| fitted.nearest(run, asked.view(), k)).unwrap();
        for (row, found) in found.iter().enumerate() {
            let mut plain: Vec<(u32, f64)> =
                (0..700).map(|c| (c as u32, near(measure, asked.row(row), known.row(c)))).collect();
            plain.sort_by(|a, b| b.1.total_cmp(&a.1));
            for (found, plain) in found.iter().zip(&plain) {
                let value = if measure == Measure::Euclidean { -found.1 } else { found.1 };
                assert!((f64::from(value) - plain.1).abs() < 1e-5 * plain.1.abs(), "{measure:?}");
                assert_eq!(found.0, plain.0, "{measure:?} row {row}");
            }
        }
    }
}

#[test]
fn a_row_is_not_its_own_neighbour_but_its_twin_is() {
    let mut x = sample(300, 6, 3);
    let twin = x.row(17).to_owned();
    x.row_mut(250).assign(&twin);
    for measure in [Measure::Cosine, Measure::Euclidean] {
        let fitted = run(|run| Neighbours { measure }.fit(run, x.view())).unwrap();
        let found = run(|run| fitted.of_all(run, 5)).unwrap();
        assert!(found.iter().enumerate().all(|(row, near)| near.iter().all(|n| n.0 as usize != row)));
        assert_eq!((found[17][0].0, found[250][0].0), (250, 17), "{measure:?}");
    }
}

#[test]
fn distances_are_exact_far_from_the_origin_and_among_equals() {
    // Steps of 1 in a hundred thousand, and more equal rows than there are spare candidates.
    let x = Array2::from_shape_fn((200, 3), |(row, k)| {
        let step = if row < 100 { row as f32 } else { 150.0 };
        100_000.0 + if k == 0 { step } else { 0.0 }
    });
    let fitted = run(|run| Neighbours { measure: Measure::Euclidean }.fit(run, x.view())).unwrap();
    let found = run(|run| fitted.of_all(run, 4)).unwrap();
    assert_eq!(found[50], vec![(49, 1.0), (51, 1.0), (48, 2.0), (52, 2.0)]);
    assert_eq!(found[0], vec![(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)]);
    assert_eq!(found[150], vec![(100, 0.0), (101, 0.0), (102, 0.0), (103, 0.0)]);
    assert_eq!(found[100], vec![(101, 0.0), (102, 0.0), (103, 0.0), (104, 0.0)]);
}

#[test]
fn saved_and_loaded_and_on_any_number_of_threads_they_are_equal() {
    let x = sample(1_000, 7, 5);
    for measure in MEASURES {
        let once = |threads| {
            with_run(threads, 1, |run| Neighbours { measure }.fit(run, x.view())?.of_all(run, 6)).unwrap()
        };
        let expected = once(1);
        assert!(once(2) == expected && once(3) == expected);
        let mut writer = Writer::new();
        run(|run| Neighbours { measure }.fit(run, x.view())).unwrap().write(&mut writer, "near").unwrap();
        let file = File::open(Arc::new(writer.finish())).unwrap();
        let again = run(|run| FittedNeighbours::read(run, &file, "near")?.of_all(run, 6)).unwrap();
        assert!(again == expected);
    }
}

#[test]
fn faults_are_refused_with_a_place_and_a_remedy() {
    let fit = |x: &Array2<f32>, measure| run(|run| Neighbours { measure }.fit(run, x.view()));
    for measure in MEASURES {
        let error = fit(&array![[1.0, 2.0], [f32::NAN, 0.0]], measure).unwrap_err().to_string();
        assert_eq!(error, "row 1 is not finite in column 0; drop or fill it");
        assert!(fit(&Array2::zeros((0, 2)), measure).is_err());
        let fitted = fit(&array![[1.0, 2.0], [0.0, 0.0]], measure).unwrap();
        assert!(run(|run| fitted.nearest(run, Array2::zeros((1, 3)).view(), 1)).is_err());
        assert_eq!(run(|run| fitted.nearest(run, array![[0.0, 0.0]].view(), 9)).unwrap()[0].len(), 2);
        assert_eq!(run(|run| fitted.of_all(run, 0)).unwrap(), vec![vec![]; 2]);
    }
    // By distance the first row is too far from the rows' mean, too.
    for (measure, row) in [(Measure::Dot, 1), (Measure::Euclidean, 0)] {
        let error = fit(&array![[0.0, 0.0], [3e30, 2.0]], measure).unwrap_err().to_string();
        assert_eq!(error, format!("row {row} is too long to measure; scale the columns"));
        let fitted = fit(&array![[1.0, 2.0], [0.0, 0.0]], measure).unwrap();
        assert!(run(|run| fitted.nearest(run, array![[3e30, 2.0]].view(), 1)).is_err());
    }
    let mut writer = Writer::new();
    writer.json("near.shape", &(Measure::Dot, 3, 5)).unwrap();
    writer.section("near.rows", &[1.0_f32; 14]).unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert!(run(|run| FittedNeighbours::read(run, &file, "near")).is_err());
}
