//! Attributes: planted effects are found, none is invented, small groups have no say, cold vectors are the prior
//! means, and the estimator's contract holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::als::ImplicitAls;
use clew_learn::prior::{AttributeAls, AttributeFactors};

mod common;
#[path = "common/planted.rs"]
mod planted;
use common::{run, with_run};
use planted::Planted;

fn als() -> ImplicitAls {
    ImplicitAls {
        n_factors: 8,
        regularisation: 0.05,
        unobserved_weight: 0.05,
        n_sweeps: 8,
        ..Default::default()
    }
}

fn fit(params: &AttributeAls, data: &Planted) -> AttributeFactors {
    run(|run| params.fit(run, &data.train, Some(&data.row_attributes), Some(&data.column_attributes), None))
        .unwrap()
}

fn figures(data: &Planted, found: &clew_learn::als::Factors) -> [f64; 4] {
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
fn probe() {
    for share in [0.5, 0.0] {
        let data = run(|run| planted::planted(run, share));
        for l in [0.02, 0.05, 0.15] {
            let als = ImplicitAls { regularisation: l, ..als() };
            let plain = run(|run| als.fit(run, &data.train, None)).unwrap();
            eprintln!("{share} {l} plain {:.4?}", figures(&data, &plain));
            for e in [0.0, 0.5] {
                for shrinkage in [5.0, 20.0] {
                    for (row_baseline, column_baseline) in
                        [(false, false), (true, false), (false, true), (true, true)]
                    {
                        let found = fit(
                            &AttributeAls {
                                als: als.clone(),
                                weight_exponent: e,
                                shrinkage,
                                row_baseline,
                                column_baseline,
                                ..Default::default()
                            },
                            &data,
                        );
                        eprintln!(
                            "{share} {l} exponent {e} shrinkage {shrinkage} {row_baseline} {column_baseline} {:.4?}",
                            figures(&data, &found.factors)
                        );
                    }
                }
            }
        }
    }
    with_run(1, 1, |_| ());
}
