//! The optimum of the documented loss, as L-BFGS finds it from many starts; `figures/explicit.json` was made
//! once by `figures/explicit.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::explicit::ExplicitAls;
use clew_learn::sparse::Csr;
use serde_json::Value;

mod common;
use common::run;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn the_optimum_is_found() {
    let figures: Value = serde_json::from_str(include_str!("figures/explicit.json")).unwrap();
    let (rows, columns, y) =
        (numbers(&figures["rows"]), numbers(&figures["columns"]), numbers(&figures["y"]));
    let matrix = |values: &[f64]| {
        let triplets: Vec<_> =
            (0..y.len()).map(|n| (rows[n] as u32, columns[n] as u32, values[n] as f32)).collect();
        Csr::from_triplets(30, 20, &triplets).unwrap()
    };
    for case in figures["cases"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap() as f32;
        let als = ExplicitAls {
            n_factors: 2,
            regularisation: number("regularisation"),
            bias_regularisation: number("bias_regularisation"),
            frequency_exponent: number("frequency_exponent"),
            n_sweeps: 2_000,
            start_deviation: 1.0,
        };
        let weights = matrix(&numbers(&case["weight"]));
        let found = run(|run| als.fit(run, &matrix(&y), Some(&weights), None)).unwrap();
        let near = |what: &str, a: f32, b: f64| {
            assert!((f64::from(a) - b).abs() < 1e-4, "{what}: {a} against {b}");
        };
        for (row, scores) in case["scores"].as_array().unwrap().iter().enumerate() {
            near("row bias", found.rows.biases[row], numbers(&case["row_biases"])[row]);
            for (column, &score) in numbers(scores).iter().enumerate() {
                near(&format!("row {row}, column {column}"), found.predict(row, column), score);
            }
        }
        for (column, &bias) in numbers(&case["column_biases"]).iter().enumerate() {
            near("column bias", found.columns.biases[column], bias);
        }
    }
}
