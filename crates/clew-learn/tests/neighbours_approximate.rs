//! Approximate neighbours beside the exact ones: recall, the same numbers, any number of threads, saved and
//! loaded; faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::neighbours::approximate::{ApproximateNeighbours, FittedApproximate};
use clew_learn::neighbours::{Measure, Neighbours};
use ndarray::{Array2, array};
use rand::Rng;

mod common;
use common::{normal, run, with_run};

const MEASURES: [Measure; 3] = [Measure::Dot, Measure::Cosine, Measure::Euclidean];

fn near(measure: Measure) -> ApproximateNeighbours {
    ApproximateNeighbours { measure, ..Default::default() }
}

/// Rows about 100 centres, the same centres for every stream.
fn clustered(n: usize, d: usize, stream: u64) -> Array2<f32> {
    run(|run| {
        let mut rng = run.rng(1);
        let centres = Array2::from_shape_simple_fn((100, d), || 2.0 * normal(&mut rng));
        let mut rng = run.rng(stream);
        let mut x = Array2::from_shape_simple_fn((n, d), || normal(&mut rng));
        x.rows_mut().into_iter().for_each(|mut row| row += &centres.row(rng.random_range(0..100)));
        x
    })
}

#[test]
fn it_finds_most_of_the_nearest_with_the_exact_numbers() {
    let (known, asked) = (clustered(20_000, 32, 2), clustered(400, 32, 3));
    for measure in MEASURES {
        let exact = run(|run| Neighbours { measure }.fit(run, known.view())?.nearest(run, asked.view(), 10));
        let found = run(|run| near(measure).fit(run, known.view())?.nearest(run, asked.view(), 10)).unwrap();
        let mut hits = 0;
        for (exact, found) in exact.unwrap().iter().zip(&found) {
            assert_eq!(found.len(), 10);
            let same: Vec<_> = found.iter().filter(|found| exact.iter().any(|e| e.0 == found.0)).collect();
            assert!(same.iter().all(|found| exact.contains(found)), "{measure:?}: {exact:?} {found:?}");
            hits += same.len();
        }
        let recall = hits as f64 / 4_000.0;
        assert!(recall >= 0.95, "{measure:?}: recall {recall}");
    }
}

#[test]
fn saved_and_loaded_and_on_any_number_of_threads_they_are_equal() {
    let x = clustered(1_500, 7, 4);
    for measure in MEASURES {
        let fit = |n| with_run(n, 1, |run| near(measure).fit(run, x.view())).unwrap();
        let all = |n, fitted: &FittedApproximate| with_run(n, 1, |run| fitted.of_all(run, 6)).unwrap();
        let once = fit(1);
        let expected = all(1, &once);
        // One turn for three threads, and three for one.
        assert!(all(3, &once) == expected && all(2, &fit(2)) == expected && all(1, &fit(3)) == expected);
        assert!(expected.iter().enumerate().all(|(row, near)| near.iter().all(|n| n.0 as usize != row)));
        let mut writer = Writer::new();
        once.write(&mut writer, "near").unwrap();
        let file = File::open(Arc::new(writer.finish())).unwrap();
        let again = run(|run| FittedApproximate::read(run, &file, "near")).unwrap();
        assert!(all(2, &again) == expected && again.n_rows() == 1_500);
    }
}

#[test]
fn of_few_rows_and_to_zeros_it_finds_what_is_exact() {
    let mut x = clustered(50, 4, 5);
    x.row_mut(3).fill(0.0);
    for measure in MEASURES {
        let exact = run(|run| Neighbours { measure }.fit(run, x.view())).unwrap();
        let fitted = run(|run| near(measure).fit(run, x.view())).unwrap();
        for k in [1, 60] {
            let of = (run(|run| exact.of_all(run, k)).unwrap(), run(|run| fitted.of_all(run, k)).unwrap());
            assert_eq!(of.0, of.1, "{measure:?}");
            // The same rows, column by column in memory.
            let turned = x.t().as_standard_layout().into_owned();
            let of = run(|run| fitted.nearest(run, turned.t(), k)).unwrap();
            assert_eq!(of, run(|run| exact.nearest(run, x.view(), k)).unwrap(), "{measure:?}");
        }
    }
}

#[test]
fn faults_are_refused_with_a_place_and_a_remedy() {
    let fit = |x: &Array2<f32>, measure| run(|run| near(measure).fit(run, x.view()));
    let good = array![[1.0, 2.0], [0.0, 0.0]];
    for measure in MEASURES {
        let error = fit(&array![[1.0, 2.0], [f32::NAN, 0.0]], measure).unwrap_err().to_string();
        assert_eq!(error, "row 1 is not finite in column 0; drop or fill it");
        assert!(fit(&Array2::zeros((0, 2)), measure).is_err());
        let fitted = fit(&good, measure).unwrap();
        assert!(run(|run| fitted.nearest(run, Array2::zeros((1, 3)).view(), 1)).is_err());
        assert!(run(|run| fitted.nearest(run, array![[f32::INFINITY, 0.0]].view(), 1)).is_err());
        let error = run(|run| fitted.of_all(run, 0)).unwrap_err().to_string();
        assert_eq!(error, "0 neighbours are asked for; ask for at least one");
        assert!(run(|run| fitted.nearest(run, Array2::zeros((0, 2)).view(), 1)).unwrap().is_empty());
    }
    assert!(fit(&array![[3e30, 2.0], [0.0, 0.0]], Measure::Euclidean).is_err());
    let error = fit(&array![[0.0, 0.0], [3e30, 2.0]], Measure::Dot).unwrap_err().to_string();
    assert_eq!(error, "row 1 is too long to measure; scale the columns");
    let fitted = fit(&good, Measure::Dot).unwrap();
    assert!(run(|run| fitted.nearest(run, array![[3e30, 2.0]].view(), 1)).is_err());
    for wrong in [
        ApproximateNeighbours { connectivity: 1, ..Default::default() },
        ApproximateNeighbours { expansion_build: 0, ..Default::default() },
        ApproximateNeighbours { expansion_search: usize::MAX, ..Default::default() },
    ] {
        assert!(run(|run| wrong.fit(run, good.view())).unwrap_err().to_string().contains("use "));
    }
    let mut writer = Writer::new();
    writer.json("near.graph", &near(Measure::Dot)).unwrap();
    writer.json("near.shape", &(Measure::Dot, 3, 5)).unwrap();
    writer.section("near.rows", &[1.0_f32; 14]).unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert!(run(|run| FittedApproximate::read(run, &file, "near")).is_err());
}
