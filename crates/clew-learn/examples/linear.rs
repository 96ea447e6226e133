//! What penalties do: fifty columns of which three matter, too few rows to tell by eye.
//!
//! `cargo run --profile dev -p clew-learn --example linear`
#![allow(clippy::print_stdout, reason = "an example prints what it finds")]

use clew_learn::glm::{Family, GeneralizedLinear};
use clew_learn::linear::{ElasticNet, FittedLinear, Ridge};
use clew_learn::metrics;
use clew_learn::{Result, Run, Silent, Stop};
use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};

const TRUTH: [f32; 3] = [1.0, -0.7, 0.4];

fn main() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .build()
        .map_err(|error| clew_learn::Error::input(error.to_string(), "give the process threads"))?;
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let (x, y) = cases(&run, 120, 1);
    let (new, new_y) = cases(&run, 5_000, 2);
    let weight = vec![1.0; 120];

    println!("penalty          off by on its own rows   on new rows   columns in use");
    let say = |name: &str, model: &FittedLinear| -> Result<()> {
        let (own, out) = (off(&model.predict(x.view())?, &y), off(&model.predict(new.view())?, &new_y));
        let used = model.coefficients.iter().filter(|c| c.abs() > 0.0).count();
        println!("{name:<16} {own:>22.2} {out:>13.2} {used:>16}");
        Ok(())
    };
    for l2 in [0.0, 30.0, 300.0] {
        say(&format!("l2 = {l2}"), &Ridge { l2 }.fit(&run, x.view(), &y, &weight)?)?;
    }
    let steps = ElasticNet::default().fit_path(&run, x.view(), &y, &weight, 5, 0.03)?;
    for step in &steps {
        say(&format!("l1 = {:.1}", step.l1), &step.model)?;
    }

    // Counts over unequal times: the offset says how long each row was watched.
    let days: Vec<f32> = (0..5_000).map(|row| [7.0, 28.0][row % 2]).collect();
    let mut rng = run.rng(3);
    let counts: Vec<f32> = new
        .rows()
        .into_iter()
        .zip(&days)
        .map(|(row, days)| {
            Poisson::new(0.05 * days * (0.5 * row[0]).exp()).map_or(0.0, |p| p.sample(&mut rng))
        })
        .collect();
    let offset: Vec<f32> = days.iter().map(|days| days.ln()).collect();
    let weight = vec![1.0; 5_000];
    let params = GeneralizedLinear { family: Family::Poisson, l2: 1.0, ..Default::default() };
    println!("\ncounts             a day where all is 0   effect of column 0   deviance");
    for (name, offset) in [("with the days", Some(offset.as_slice())), ("without", None)] {
        let fit = params.fit(&run, new.view(), &counts, &weight, offset)?;
        let predicted = fit.predict(new.view(), offset)?;
        let deviance = metrics::deviance(params.family.loss(), &predicted, &counts, &weight)?;
        let (rate, effect) = (fit.intercept.exp(), fit.coefficients[0]);
        println!("{name:<18} {rate:>20.3} {effect:>20.3} {deviance:>10.3}");
    }
    println!("(the truth: 0.050 and 0.500; without the days the rate is that of a row, not of a day)");
    Ok(())
}

/// Rows of fifty columns and outcomes of the first three, with noise.
fn cases(run: &Run<'_>, n: usize, stream: u64) -> (Array2<f32>, Vec<f32>) {
    let mut rng = run.rng(stream);
    let mut draw = || rng.sample::<f32, _>(StandardNormal);
    let x = Array2::from_shape_simple_fn((n, 50), &mut draw);
    let y = x
        .rows()
        .into_iter()
        .map(|row| row.iter().zip(TRUTH).map(|(value, c)| value * c).sum::<f32>() + draw())
        .collect();
    (x, y)
}

/// Root of the mean squared error.
fn off(predicted: &[f32], y: &[f32]) -> f64 {
    let squares = predicted.iter().zip(y).map(|(p, y)| f64::from(p - y).powi(2));
    (squares.sum::<f64>() / y.len() as f64).sqrt()
}
