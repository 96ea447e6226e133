//! The additive model: what it must find, how its tables read, and that explanations are exact.

use clew_learn::additive::{AdditiveModel, Place};
use clew_learn::loss::Loss;
use clew_learn::metrics;
use clew_learn::trees::Validation;
use ndarray::{Array2, s};
use rand::Rng;

mod common;
use common::{run, with_run};

/// A bend, a step, a category and noise; one in ten values of the step's column is missing.
fn bent(n: usize, seed: u64) -> (Array2<f32>, Vec<f32>) {
    with_run(1, seed, |run| {
        let mut rng = run.rng(1);
        let mut x = Array2::from_shape_simple_fn((n, 4), || rng.random::<f32>() * 4.0 - 2.0);
        x.column_mut(2).mapv_inplace(f32::round);
        let mut y = Vec::new();
        for mut row in x.rows_mut() {
            let z = -1.0 - row[0] * row[0]
                + if row[1] > 0.5 { 1.5 } else { 0.0 }
                + [0.5, -1.0, 0.0, 2.0, 0.3][(row[2] + 2.0) as usize];
            y.push(f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-z).exp()))));
            if rng.random::<f32>() < 0.1 {
                row[1] = f32::NAN;
            }
        }
        (x, y)
    })
}

#[test]
fn it_finds_bends_steps_and_categories_that_no_line_has() {
    let (x, y) = bent(40_000, 1);
    let weight = vec![1.0; 40_000];
    let model = AdditiveModel { categories: vec![2], ..Default::default() };
    run(|run| {
        let train = x.slice(s![..30_000, ..]);
        let fit = model.fit(run, train, &y[..30_000], &weight[..30_000], None).unwrap();
        let effect = |feature: usize, value: f32| {
            let mut row = Array2::zeros((1, 4));
            row[[0, feature]] = value;
            fit.contributions(row.view()).unwrap().values[[0, feature]]
        };
        for (value, truth) in [(0.5, -0.25), (1.0, -1.0), (1.5, -2.25), (-1.5, -2.25)] {
            assert!(
                (effect(0, value) - effect(0, 0.0) - truth).abs() < 0.2,
                "{value}: {}",
                effect(0, value) - effect(0, 0.0)
            );
        }
        assert!((effect(1, 1.0) - effect(1, -1.0) - 1.5).abs() < 0.2);
        assert!((effect(2, 1.0) - effect(2, -1.0) - 3.0).abs() < 0.25);
        let importance = fit.importance();
        assert!(importance[3] < 0.1 && importance[..3].iter().all(|&mean| mean > 0.3), "{importance:?}");
        let p = fit.predict(run, x.slice(s![30_000.., ..])).unwrap();
        let ratio = metrics::calibration_ratio(&p, &y[30_000..], &weight[30_000..]).unwrap();
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    });
}

#[test]
fn a_row_is_the_base_and_one_step_of_each_table() {
    let (x, y) = bent(3_000, 2);
    let model = AdditiveModel { categories: vec![2], ..Default::default() };
    run(|run| {
        let fit = model.fit(run, x.view(), &y, &[1.0; 3_000], None).unwrap();
        let tables: Vec<_> = (0..4).map(|feature| fit.table(feature)).collect();
        for table in &tables {
            let mean: f64 = table.iter().map(|step| f64::from(step.value) * f64::from(step.share)).sum();
            assert!(mean.abs() < 1e-5 && table[0].place == Place::Missing, "{mean}");
        }
        let decisions = fit.decision(run, x.view()).unwrap();
        let contributions = fit.contributions(x.view()).unwrap();
        for (row, z) in x.rows().into_iter().zip(decisions).take(50) {
            let holds = |place: Place, value: f32| match place {
                Place::Missing => value.is_nan(),
                Place::Between(above, up_to) => value > above && value <= up_to,
                Place::Category(category) => value == category,
            };
            let read = |(table, &value): (&Vec<clew_learn::additive::Step>, &f32)| {
                let steps: Vec<_> = table.iter().filter(|step| holds(step.place, value)).collect();
                assert_eq!(steps.len(), 1, "{value}");
                f64::from(steps[0].value)
            };
            let sum = fit.base() + tables.iter().zip(row).map(read).sum::<f64>();
            assert!((sum - f64::from(z)).abs() < 1e-6, "{sum} against {z}");
        }
        for (sum, z) in contributions.decisions().into_iter().zip(fit.decision(run, x.view()).unwrap()) {
            assert!((sum - f64::from(z)).abs() < 1e-6);
        }
        assert!(fit.table(4).is_empty());
    });
}

#[test]
fn the_validation_part_chooses_the_smoothness() {
    let (x, _) = bent(2_000, 3);
    // Outcomes by chance: the smoothest is the best there is.
    let y: Vec<f32> = with_run(1, 9, |run| {
        let mut rng = run.rng(2);
        (0..2_000).map(|_| f32::from(u8::from(rng.random::<f32>() < 0.3))).collect()
    });
    let weight = vec![1.0; 2_000];
    let model = AdditiveModel { smoothness: 0.1, shrinkage: 0.01, ..Default::default() };
    run(|run| {
        let train = x.slice(s![..1_000, ..]);
        let part = Validation { x: x.slice(s![1_000.., ..]), y: &y[1_000..], weight: &weight[1_000..] };
        let free = model.fit(run, train, &y[..1_000], &weight[..1_000], None).unwrap();
        let held = model.fit(run, train, &y[..1_000], &weight[..1_000], Some(part)).unwrap();
        let loss = |fit: &clew_learn::additive::FittedAdditive| {
            metrics::log_loss(&fit.predict(run, part.x).unwrap(), part.y, part.weight).unwrap()
        };
        assert!(loss(&held) < loss(&free) - 0.005, "{} against {}", loss(&held), loss(&free));
    });
}

#[test]
fn counts_and_amounts_are_learned_on_their_own_scale() {
    let n = 20_000;
    let x = Array2::from_shape_fn((n, 1), |(row, _)| (row % 10) as f32);
    let mean = |row: usize| (0.3 * (row % 10) as f32 - 1.0).exp();
    for loss in [Loss::Poisson, Loss::Gamma] {
        // Half of the rows at half the mean, half at one and a half times.
        let y: Vec<f32> = (0..n).map(|row| mean(row) * if row / 10 % 2 == 0 { 0.5 } else { 1.5 }).collect();
        let model = AdditiveModel { loss, smoothness: 0.0, shrinkage: 0.0, ..Default::default() };
        let p = run(|run| model.fit(run, x.view(), &y, &vec![1.0; n], None)?.predict(run, x.view())).unwrap();
        for (row, p) in p.into_iter().enumerate().take(10) {
            assert!((p / mean(row) - 1.0).abs() < 1e-3, "{loss:?}, row {row}: {p} against {}", mean(row));
        }
    }
}
