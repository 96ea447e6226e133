//! Judging a model honestly: train before a date, judge after it, by customer, with intervals; calibrate on
//! predictions for unseen rows; say which columns matter. `cargo run -p clew-learn --example judge`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example prints, and ends on a fault")]

use clew_learn::bootstrap::Bootstrap;
use clew_learn::calibration::Calibrator;
use clew_learn::cross_fit::cross_fit;
use clew_learn::importance::PermutationImportance;
use clew_learn::logistic::LogisticRegression;
use clew_learn::metrics;
use clew_learn::split::{DateSplit, folds};
use clew_learn::uplift::{Qini, uplift_at};
use clew_learn::{Result, Run, Silent, Stop};
use ndarray::{Array2, Axis};
use rand::Rng;

fn main() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let mut rng = run.rng(0);

    // Two thousand customers, one row a month each: recency, frequency, and a column that says nothing.
    let (n_customers, n_months) = (2_000_u64, 8_i64);
    let habit: Vec<f32> = (0..n_customers).map(|_| rng.random_range(-2.0..2.0)).collect();
    let (mut x, mut y, mut customers, mut dates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for month in 0..n_months {
        for customer in 0..n_customers {
            let habit = habit[customer as usize];
            let mut noisy = |spread: f32| habit + spread * rng.random_range(-1.0..1.0_f32);
            x.extend([noisy(1.5), noisy(2.5), noisy(1.0) - habit]);
            let z = -2.0 + 1.2 * habit;
            y.push(f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-z).exp()))));
            customers.push(customer);
            dates.push(30 * month);
        }
    }
    let n = y.len();
    let x = Array2::from_shape_vec((n, 3), x).unwrap();
    let pick = |of: &[f32], rows: &[usize]| -> Vec<f32> { rows.iter().map(|&row| of[row]).collect() };
    let groups = |rows: &[usize]| -> Vec<u64> { rows.iter().map(|&row| customers[row]).collect() };

    // An outcome takes 30 days to be known: the row of the month before the cutoff is known just in time.
    let split = DateSplit { horizon: 30, gap: 0, train_length: None, test_length: 30 };
    println!("cutoff  rows learned from / judged     AUC (90 % interval over customers)");
    for cutoff in [150, 180, 210] {
        let part = split.at(&dates, cutoff)?;
        let (train, test) = (&part.train, &part.test);
        let (outcomes, one) = (pick(&y, train), vec![1.0; train.len()]);
        let logistic = LogisticRegression::default();
        let model = logistic.fit(&run, x.select(Axis(0), train).view(), &outcomes, &one, None)?;
        let judged = x.select(Axis(0), test);
        let (scores, bought) = (model.predict(judged.view())?, pick(&y, test));
        let interval =
            Bootstrap { n_resamples: 300, ..Default::default() }
                .interval(&run, &groups(test), |weight| metrics::auc(&scores, &bought, weight))?;
        println!(
            "day {cutoff:>3}  {:>6} / {:<6}                {:.3} ({:.3} to {:.3})",
            train.len(),
            test.len(),
            interval.value,
            interval.low,
            interval.high
        );
        if cutoff < 30 * (n_months - 1) {
            continue; // The rest is shown once, for the last month.
        }

        // Calibrate on predictions for rows that were not learned from, folds by customer.
        let folds = folds(&run, &groups(train), 5)?;
        let unseen = cross_fit(&run, &folds, |run, inner, held| {
            let rows = |of: &[usize]| -> Vec<usize> { of.iter().map(|&place| train[place]).collect() };
            let (inner, held) = (rows(inner), rows(held));
            let one = vec![1.0; inner.len()];
            let fit = logistic.fit(run, x.select(Axis(0), &inner).view(), &pick(&y, &inner), &one, None)?;
            fit.predict(x.select(Axis(0), &held).view())
        })?;
        let chosen = Calibrator::choose(&run, &unseen, &outcomes, &one, &groups(train), 5)?;
        let [platt, beta, isotonic, as_is] = chosen.log_losses;
        println!(
            "\nlog loss: sigmoid {platt:.4}, beta {beta:.4}, isotonic {isotonic:.4}, as it came {as_is:.4}"
        );
        let p: Vec<f32> = scores.iter().map(|&p| chosen.calibrator.predict(p)).collect();
        println!("predicted  realised  rows");
        for bin in metrics::reliability(&p, &bought, &vec![1.0; p.len()], 5)? {
            println!("{:>9.3}  {:>8.3}  {:>4}", bin.predicted, bin.realised, bin.weight);
        }

        // The first two columns say much the same: alone each seems to matter less than both together.
        let columns = [vec![0], vec![1], vec![0, 1], vec![2]];
        let found = PermutationImportance::default().measure(&run, judged.view(), &columns, |x| {
            metrics::auc(&model.predict(x)?, &bought, &vec![1.0; bought.len()])
        })?;
        println!("\ncolumns  AUC lost when shuffled");
        for (columns, importance) in columns.iter().zip(found) {
            println!("{:<8} {:.3} ± {:.3}", format!("{columns:?}"), importance.mean, importance.deviation);
        }

        // A message that works on those who buy rarely: appetite and effect are two different orders.
        let treated: Vec<bool> = test.iter().map(|_| rng.random::<f32>() < 0.7).collect();
        let outcome: Vec<f32> = (0..test.len())
            .map(|row| {
                let effect = if treated[row] && scores[row] < 0.15 { 0.15 } else { 0.0 };
                f32::from(u8::from(rng.random::<f32>() < scores[row] + effect))
            })
            .collect();
        let one = vec![1.0; outcome.len()];
        let reversed: Vec<f32> = scores.iter().map(|score| -score).collect();
        println!("\norder               caused in the best half (80 % interval)   Qini coefficient");
        for (name, order) in [("appetite first", &scores), ("appetite last", &reversed)] {
            let half = uplift_at(order, &outcome, &treated, &one, 0.5, 0.8)?;
            let qini = Qini::new(order, &outcome, &treated, &one)?;
            println!(
                "{name:<18} {:>6.3} ({:.3} to {:.3}) of each treated         {:.2}",
                half.uplift,
                half.low,
                half.high,
                qini.coefficient().unwrap_or(f64::NAN)
            );
        }
    }
    Ok(())
}
