//! Factorisations under the contract.

use clew_learn::als::{Factors, ImplicitAls, Method};
use clew_learn::explicit::{ExplicitAls, FittedExplicit};
use clew_learn::half_factors::HalfFactors;
use clew_learn::prior::{AttributeAls, AttributeFactors};
use clew_learn::sparse::Csr;

use crate::common::with_run;
use crate::harness::keep;

#[test]
fn the_factorisation_keeps_to_it_too() {
    let triplets: Vec<(u32, u32, f32)> = (0..40_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 3_000, n.wrapping_mul(40_503) % 700 * (n % 7) / 7, 1.0))
        .collect();
    let als = ImplicitAls { n_factors: 16, n_sweeps: 4, ..Default::default() };
    let matrix = Csr::from_triplets(3_000, 700, &triplets).unwrap();
    let fit = |n_threads, matrix: &Csr| with_run(n_threads, 5, |run| als.fit(run, matrix, None)).unwrap();
    let once = fit(1, &matrix);
    assert_eq!(once, fit(2, &matrix));
    assert_eq!(once, fit(3, &matrix));
    let other_seed = with_run(2, 6, |run| als.fit(run, &matrix, None)).unwrap();
    assert_ne!(once.columns, other_seed.columns);
    // An event of value 2 is the event twice, in any order.
    let doubled: Vec<_> = triplets.iter().map(|&(r, c, v)| (r, c, 2.0 * v)).collect();
    let repeated: Vec<_> = triplets.iter().chain(triplets.iter().rev()).copied().collect();
    let doubled = Csr::from_triplets(3_000, 700, &doubled).unwrap();
    assert_eq!(doubled, Csr::from_triplets(3_000, 700, &repeated).unwrap());
    // Rows in another order have the same vectors in that order, but for rounding.
    let reversed: Vec<_> = triplets.iter().map(|&(r, c, v)| (2_999 - r, c, v)).collect();
    let reversed = fit(2, &Csr::from_triplets(3_000, 700, &reversed).unwrap());
    for row in 0..3_000 {
        let apart = &once.rows.row(row) - &reversed.rows.row(2_999 - row);
        assert!(apart.iter().all(|v| v.abs() < 1e-2), "row {row}: {apart}");
    }
}

#[test]
fn every_method_of_the_factorisation_keeps_to_it() {
    let triplets: Vec<(u32, u32, f32)> = (0..20_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 2_000, n.wrapping_mul(40_503) % 500 * (n % 7) / 7, 1.0))
        .collect();
    let matrix = Csr::from_triplets(2_000, 500, &triplets).unwrap();
    let methods = [Method::Exact, Method::ConjugateGradient { n_steps: 2 }, Method::Blocks { block: 5 }];
    for method in methods {
        // 20 factors are padded to whole registers.
        let als = ImplicitAls { n_factors: 20, n_sweeps: 3, method, ..Default::default() };
        let fit = |n_threads| with_run(n_threads, 5, |run| als.fit(run, &matrix, None)).unwrap();
        let once = fit(1);
        assert!(once == fit(2) && once == fit(3), "{method:?}");
        let (file, _) = keep(|writer| once.write(writer, "m")).unwrap();
        assert_eq!(once, Factors::read(&file, "m").unwrap());
        let half = with_run(2, 5, |run| once.halved(run)).unwrap();
        let (file, _) = keep(|writer| half.write(writer, "m")).unwrap();
        assert_eq!(half, HalfFactors::read(&file, "m").unwrap());
        let apart = &half.widened().columns - &once.columns;
        assert!(apart.iter().zip(&once.columns).all(|(a, v)| a.abs() <= v.abs() / 2_000.0 + 1e-7));
    }
}

#[test]
fn the_explicit_factorisation_keeps_to_it_too() {
    let triplets: Vec<(u32, u32, f32)> = (0..40_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 3_000, n.wrapping_mul(40_503) % 700, (n % 7) as f32))
        .collect();
    let als = ExplicitAls { n_factors: 8, n_sweeps: 4, ..Default::default() };
    let matrix = |triplets: &[_]| Csr::from_triplets(3_000, 700, triplets).unwrap();
    let fit = |n_threads, seed, matrix: &Csr| {
        with_run(n_threads, seed, |run| als.fit(run, matrix, None, None)).unwrap()
    };
    let once = fit(1, 5, &matrix(&triplets));
    assert_eq!(once, fit(2, 5, &matrix(&triplets)));
    assert_eq!(once, fit(3, 5, &matrix(&triplets)));
    assert_ne!(once.columns, fit(2, 6, &matrix(&triplets)).columns);
    let (file, _) = keep(|writer| once.write(writer, "m")).unwrap();
    assert_eq!(once, FittedExplicit::read(&file, "m").unwrap());
    let reversed: Vec<_> = triplets.iter().rev().map(|&(r, c, v)| (2_999 - r, c, v)).collect();
    let reversed = fit(2, 5, &matrix(&reversed));
    for row in 0..3_000 {
        let apart = once.predict(row, row % 700) - reversed.predict(2_999 - row, row % 700);
        assert!(apart.abs() < 1e-2, "row {row}: {apart}");
    }
}

#[test]
fn the_factorisation_with_attributes_keeps_to_it_too() {
    let triplets: Vec<(u32, u32, f32)> = (0..40_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 3_000, n.wrapping_mul(40_503) % 700 * (n % 7) / 7, 1.0))
        .collect();
    let events = Csr::from_triplets(3_000, 700, &triplets).unwrap();
    let values = |n: u32, n_values: u32| {
        let triplets: Vec<_> =
            (0..n).flat_map(|r| [(r, r % n_values, 0.5), (r, r / 7 % n_values, 0.5)]).collect();
        Csr::from_triplets(n as usize, n_values as usize, &triplets).unwrap()
    };
    let (rows, columns) = (values(3_000, 40), values(700, 15));
    let als = ImplicitAls { n_factors: 16, n_sweeps: 4, ..Default::default() };
    let params = AttributeAls { als, ..Default::default() };
    let fit = |n_threads, seed| {
        with_run(n_threads, seed, |run| params.fit(run, &events, Some(&rows), Some(&columns), None)).unwrap()
    };
    let once = fit(1, 5);
    assert_eq!(once, fit(2, 5));
    assert_eq!(once, fit(3, 5));
    assert_ne!(once.factors.columns, fit(2, 6).factors.columns);
    let (file, _) = keep(|writer| once.write(writer, "m")).unwrap();
    assert_eq!(once, AttributeFactors::read(&file, "m").unwrap());
    let mut short = once;
    short.factors.columns = short.factors.columns.slice(ndarray::s![..699, ..]).to_owned();
    let (file, _) = keep(|writer| short.write(writer, "m")).unwrap();
    assert!(AttributeFactors::read(&file, "m").is_err());
}
