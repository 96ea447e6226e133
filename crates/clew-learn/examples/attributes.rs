//! Planted attributes: a tenth of the columns and of the rows has no events. Factorises with and without
//! attributes and prints how well each ranks what is known and what is cold, and what the descriptors say.
//!
//! `cargo run -p clew-learn --example attributes`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]

use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::prior::AttributeAls;

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/planted.rs"]
mod planted;

use planted::Planted;

fn say(who: &str, data: &Planted, found: &Factors) {
    let cold = data.cold;
    let seen = |r: usize, c: usize| data.train.row(r).0.binary_search(&(c as u32)).is_ok();
    let known = data.auc(&found.rows, &found.columns, |r| !cold(r), |r, c| !cold(c) && !seen(r, c));
    let cold_rows = data.auc(&found.rows, &found.columns, cold, |_, c| !cold(c));
    let cold_columns = data.auc_of_columns(&found.rows, &found.columns);
    println!("{who:<22} known {known:.3}   cold rows {cold_rows:.3}   cold columns {cold_columns:.3}");
}

fn main() {
    let als = ImplicitAls {
        n_factors: 8,
        regularisation: 0.02,
        unobserved_weight: 0.05,
        n_sweeps: 8,
        ..Default::default()
    };
    let with = AttributeAls { als: als.clone(), ..Default::default() };
    for (share, title) in [(0.5, "half of the taste comes from an attribute"), (0.0, "none of it does")] {
        println!("AUC, {title}:");
        common::run(|run| {
            let data = planted::planted(run, share);
            say("without attributes", &data, &als.fit(run, &data.train, None).unwrap());
            let (rows, columns) = (&data.row_attributes, &data.column_attributes);
            let found = with.fit(run, &data.train, Some(rows), Some(columns), None).unwrap();
            say("with attributes", &data, &found.factors);
            let descriptors = found.row_descriptors.unwrap();
            println!("  learned penalty of the rows' descriptors: {:.1} rows", descriptors.shrinkage());
            for value in 0..3 {
                let length = descriptors.of(value).map_or(0.0, |vector| vector.dot(&vector).sqrt());
                println!("  value {value}: {} rows, length {length:.3}", descriptors.support(value));
            }
        });
    }
}
