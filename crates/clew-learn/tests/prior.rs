//! Attributes: planted effects are found, none is invented, small groups have no say, cold vectors are the prior
//! means, and the estimator's contract holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::Error;
use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::prior::{AttributeAls, AttributeFactors};
use clew_learn::sparse::Csr;

mod common;
#[path = "common/planted.rs"]
mod planted;
use common::run;
use planted::{N_ROWS, Planted};

fn als() -> ImplicitAls {
    ImplicitAls {
        n_factors: 8,
        regularisation: 0.02,
        unobserved_weight: 0.05,
        n_sweeps: 8,
        ..Default::default()
    }
}

fn params() -> AttributeAls {
    AttributeAls { als: als(), ..Default::default() }
}

fn fit(params: &AttributeAls, data: &Planted) -> AttributeFactors {
    run(|run| params.fit(run, &data.train, Some(&data.row_attributes), Some(&data.column_attributes), None))
        .unwrap()
}

/// AUC of known rows over known columns they have not seen; of known rows over cold columns; of cold rows over
/// known columns; and of each cold column over known rows.
fn figures(data: &Planted, found: &Factors) -> [f64; 4] {
    let cold = data.cold;
    let seen = |r: usize, c: usize| data.train.row(r).0.binary_search(&(c as u32)).is_ok();
    [
        data.auc(&found.rows, &found.columns, |r| !cold(r), |r, c| !cold(c) && !seen(r, c)),
        data.auc(&found.rows, &found.columns, |r| !cold(r), |_, c| cold(c)),
        data.auc(&found.rows, &found.columns, cold, |_, c| !cold(c)),
        data.auc_of_columns(&found.rows, &found.columns),
    ]
}

#[test]
fn planted_effects_are_found() {
    let data = run(|run| planted::planted(run, 0.5));
    let plain = figures(&data, &run(|run| als().fit(run, &data.train, None)).unwrap());
    let found = figures(&data, &fit(&params(), &data).factors);
    // Known rows and columns no worse; cold columns of a row, cold rows, rows for a cold column far above 0.5.
    assert!(found[0] > plain[0], "{} where {} without attributes", found[0], plain[0]);
    assert!(found[1] > 0.66, "cold columns {}", found[1]);
    assert!(found[2] > 0.82, "cold rows {}", found[2]);
    assert!(found[3] > 0.70, "who takes a cold column {}", found[3]);
}

#[test]
fn none_is_invented() {
    let data = run(|run| planted::planted(run, 0.0));
    let with = |als: &ImplicitAls, baseline: bool| {
        let params = AttributeAls {
            als: als.clone(),
            row_baseline: baseline,
            column_baseline: baseline,
            ..Default::default()
        };
        let found = fit(&params, &data);
        // The penalty that is learned says that there is nothing to hear.
        assert!(found.row_descriptors.as_ref().unwrap().shrinkage() > 1_000.0);
        assert!(found.column_descriptors.as_ref().unwrap().shrinkage() > 50.0);
        figures(&data, &found.factors)
    };
    let strong = ImplicitAls { regularisation: 0.05, ..als() };
    for (als, baseline, noise) in [(als(), true, 0.003), (als(), false, 0.001), (strong, false, 0.001)] {
        let plain = figures(&data, &run(|run| als.fit(run, &data.train, None)).unwrap());
        let found = with(&als, baseline);
        assert!(found[0] > plain[0] - noise, "{} where {} without attributes", found[0], plain[0]);
        assert!((found[1] - 0.5).abs() < 0.06, "cold columns {}", found[1]);
    }
}

#[test]
fn values_of_a_few_have_no_descriptor() {
    let data = run(|run| planted::planted(run, 0.5));
    let known: Vec<u32> = (0..N_ROWS as u32).filter(|&r| !(data.cold)(r as usize)).collect();
    // One value of 19 rows with events (and of a cold one beside), one of 20.
    let mut triplets: Vec<_> = known[..19].iter().map(|&r| (r, 0, 1.0)).collect();
    triplets.push((3, 0, 1.0));
    triplets.extend(known[100..120].iter().map(|&r| (r, 1, 1.0)));
    let attributes = Csr::from_triplets(N_ROWS, 2, &triplets).unwrap();
    let params = AttributeAls { minimum_support: 20, ..params() };
    let found = run(|run| params.fit(run, &data.train, Some(&attributes), None, None)).unwrap();
    let descriptors = found.row_descriptors.as_ref().unwrap();
    assert!(descriptors.of(0).is_none() && descriptors.of(1).is_some() && descriptors.of(2).is_none());
    assert_eq!((descriptors.support(0), descriptors.support(1)), (0, 20));
    let asked = Csr::from_triplets(3, 2, &[(0, 0, 1.0), (2, 1, 1.0)]).unwrap();
    let means = run(|run| found.cold_rows(run, &asked)).unwrap();
    assert_eq!(means.row(0), means.row(1), "a value of a few counts as absent");
    assert_eq!(means.row(1), descriptors.baseline());
    assert_ne!(means.row(2), descriptors.baseline());
    assert_eq!(found.factors.rows.row(3), descriptors.baseline());
}

#[test]
fn cold_vectors_are_the_means_and_known_rows_fold_in_to_themselves() {
    let data = run(|run| planted::planted(run, 0.5));
    let found = fit(&params(), &data);
    let folded = run(|run| found.fold_in(run, &data.train, &data.row_attributes)).unwrap();
    let apart = &folded - &found.factors.rows;
    assert!(apart.iter().all(|apart| apart.abs() < 1e-4));
    let rows = run(|run| found.cold_rows(run, &data.row_attributes)).unwrap();
    let columns = run(|run| found.cold_columns(run, &data.column_attributes)).unwrap();
    assert_eq!(rows.row(13), found.factors.rows.row(13));
    assert_eq!(columns.row(13), found.factors.columns.row(13));
    assert_ne!(rows.row(14), found.factors.rows.row(14));
    // Without attributes it is the plain factorisation.
    let plain = run(|run| als().fit(run, &data.train, None)).unwrap();
    let bare = run(|run| params().fit(run, &data.train, None, None, None)).unwrap();
    assert_eq!(bare.factors, plain);
    // A warm start goes on: one sweep from there is as good as all of them.
    let one = AttributeAls { als: ImplicitAls { n_sweeps: 1, ..als() }, ..params() };
    let (r, c) = (Some(&data.row_attributes), Some(&data.column_attributes));
    let warm = run(|run| one.fit(run, &data.train, r, c, Some(&found))).unwrap();
    assert!(figures(&data, &warm.factors)[0] > figures(&data, &found.factors)[0] - 0.005);
}

#[test]
fn faults_are_refused_with_a_place() {
    let data = run(|run| planted::planted(run, 0.5));
    let fails =
        |params: AttributeAls, rows: Option<&Csr>, columns: Option<&Csr>, word: &str| match run(|run| {
            params.fit(run, &data.train, rows, columns, None)
        }) {
            Err(Error::Input { place, remedy }) => {
                assert!(place.contains(word) && remedy.len() > 10, "'{place}' for '{word}'");
            }
            other => panic!("{word}: {:?}", other.map(|_| ())),
        };
    let short = Csr::from_triplets(7, 2, &[]).unwrap();
    fails(params(), Some(&short), None, "attributes of 7 rows");
    fails(params(), None, Some(&short), "attributes of 7 columns");
    fails(AttributeAls { shrinkage: 0.0, ..params() }, None, None, "shrinkage");
    fails(AttributeAls { half_weight: f32::NAN, ..params() }, None, None, "half weight");
    fails(AttributeAls { n_steps: 0, ..params() }, None, None, "steps");
    let wild: Vec<_> = (0..N_ROWS as u32).map(|r| (r, r % 2, 1e30)).collect();
    let wild = Csr::from_triplets(N_ROWS, 2, &wild).unwrap();
    fails(params(), Some(&wild), None, "row 0 has the attribute amount");
    let found = run(|run| params().fit(run, &data.train, None, None, None)).unwrap();
    assert!(run(|run| found.fold_in(run, &data.train, &short)).is_err());
}
