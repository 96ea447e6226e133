//! The ridge regression of columns on columns and the singular vectors, against numpy and scipy (figures made by
//! `figures/recommenders.py`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clew_learn::ease::Ease;
use clew_learn::sparse::Csr;
use clew_learn::svd::RandomisedSvd;
use serde::Deserialize;

mod common;
use common::run;

#[derive(Deserialize)]
struct Figures {
    regularisation: f32,
    rows: usize,
    columns: usize,
    ease: Vec<f32>,
    singular_values: Vec<f32>,
    right: Vec<f32>,
}

fn figures() -> Figures {
    serde_json::from_str(include_str!("figures/recommenders.json")).unwrap()
}

fn matrix(figures: &Figures) -> Csr {
    let cells = (0..(figures.rows * figures.columns) as u32).map(|n| (n, n.wrapping_mul(2_654_435_761)));
    let triplets: Vec<_> = cells
        .filter(|(n, cell)| cell % 5 == 0 || n % 11 == 0)
        .map(|(n, cell)| {
            let columns = figures.columns as u32;
            (n / columns, n % columns, 1.0 + (cell % 3) as f32)
        })
        .collect();
    Csr::from_triplets(figures.rows, figures.columns, &triplets).unwrap()
}

#[test]
fn the_ridge_regression_is_that_of_numpy() {
    let figures = figures();
    let weight: Vec<f32> = (0..figures.rows).map(|row| 1.0 + (row % 3) as f32).collect();
    let ease = Ease { regularisation: figures.regularisation };
    let fitted = run(|run| ease.fit(run, &matrix(&figures), &weight)).unwrap();
    for (place, &expected) in figures.ease.iter().enumerate() {
        let found = fitted.coefficient(place / figures.columns, place % figures.columns);
        assert!((found - expected).abs() < 1e-5, "{place}: {found} against {expected}");
    }
}

#[test]
fn the_singular_vectors_are_those_of_scipy() {
    let figures = figures();
    let svd = RandomisedSvd { n_components: 5, n_rounds: 12, ..Default::default() };
    let matrix = matrix(&figures);
    let sparse = run(|run| svd.fit(run, &matrix)).unwrap();
    let mut dense = ndarray::Array2::<f32>::zeros((figures.rows, figures.columns));
    for row in 0..figures.rows {
        let (columns, values) = matrix.row(row);
        columns.iter().zip(values).for_each(|(&column, &value)| dense[[row, column as usize]] = value);
    }
    for found in [sparse, run(|run| svd.fit_dense(run, dense.view())).unwrap()] {
        for (found, expected) in found.values.iter().zip(&figures.singular_values) {
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} against {expected}");
        }
        for (found, expected) in found.right.iter().zip(&figures.right) {
            assert!((found - expected).abs() < 1e-4, "{found} against {expected}");
        }
    }
}
