//! Splits, cross-fitting, intervals, importance and effects: by hand, and that they keep what they promise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::bootstrap::{Bootstrap, Method};
use clew_learn::calibration::{Beta, Calibrator};
use clew_learn::cross_fit::cross_fit;
use clew_learn::importance::PermutationImportance;
use clew_learn::metrics;
use clew_learn::split::{DateSplit, TrainTest, check_apart, folds};
use clew_learn::uplift::{Qini, uplift_at};
use ndarray::Array2;
use rand::Rng;

mod common;
use common::{normal, run, with_run};

#[test]
fn nothing_is_learned_from_days_that_are_judged() {
    let dates: Vec<i64> = (0..100).collect();
    let split = DateSplit { horizon: 10, gap: 2, train_length: Some(30), test_length: 14 };
    let at = split.at(&dates, 60).unwrap();
    assert_eq!((at.train[0], *at.train.last().unwrap()), (18, 48));
    assert_eq!((at.test[0], *at.test.last().unwrap()), (60, 73));
    check_apart(&dates, &at, 10, 2).unwrap();
    let late = check_apart(&dates, &at, 11, 2).unwrap_err().to_string();
    assert!(late.contains("row 48 is known at 61"), "{late}");
    let rolling = split.rolling(&dates, 3, 14).unwrap();
    assert_eq!(rolling.iter().map(|(cutoff, _)| *cutoff).collect::<Vec<_>>(), [58, 72, 86]);
    let judged: Vec<usize> = rolling.iter().flat_map(|(_, split)| split.test.clone()).collect();
    assert_eq!(judged, (58..100).collect::<Vec<_>>());
    assert!(split.at(&dates, 5).unwrap_err().to_string().contains("cutoff 5: 0 rows to learn from"));
    assert!(DateSplit { gap: -1, ..split }.at(&dates, 60).unwrap_err().to_string().contains("gap is -1"));
    assert!(split.rolling(&dates, 9, 14).is_err());
    assert!(split.rolling(&dates, 3, 0).is_err());
    let far = DateSplit { horizon: i64::MAX, gap: i64::MAX, train_length: Some(i64::MAX), test_length: 1 };
    assert!(far.at(&[i64::MIN, i64::MAX], i64::MAX).is_ok_and(|split| split.train == [0]));
}

#[test]
fn groups_stay_together() {
    run(|run| {
        let groups: Vec<u64> = (0..10_000).map(|row| row % 2_500).collect();
        let split = TrainTest::by_group(run, &groups, 0.2).unwrap();
        assert!((1_700..2_300).contains(&split.test.len()), "{}", split.test.len());
        let side = |rows: &[usize], group: u64| rows.iter().any(|&row| groups[row] == group);
        assert!((0..50).all(|group| side(&split.train, group) != side(&split.test, group)));
        let both = TrainTest { train: (0..6_000).collect(), test: (6_000..7_000).collect() };
        let apart = both.without_shared_groups(&groups).unwrap();
        assert!((1_000..2_000).all(|group| !side(&apart.train, group)));
        assert_eq!(apart.train.len(), 4_000);
        assert!(TrainTest::by_group(run, &groups, 1.0).is_err());
        assert!(TrainTest::by_group(run, &[1, 1], 0.5).is_err());
    });
}

#[test]
fn each_row_is_predicted_by_a_model_that_has_not_seen_its_fold() {
    run(|run| {
        let groups: Vec<u64> = (0..300).map(|row| row / 3).collect();
        let folds = folds(run, &groups, 4).unwrap();
        let y: Vec<f32> = (0..300).map(|row| row as f32).collect();
        let predicted = cross_fit(run, &folds, |_, train, held| {
            assert_eq!(train.len() + held.len(), 300);
            assert!(train.iter().all(|&row| folds[row] != folds[held[0]]));
            let mean = train.iter().map(|&row| y[row]).sum::<f32>() / train.len() as f32;
            Ok(vec![mean; held.len()])
        })
        .unwrap();
        for row in 0..300 {
            let others: Vec<f32> = (0..300).filter(|&r| folds[r] != folds[row]).map(|r| y[r]).collect();
            assert!((predicted[row] - others.iter().sum::<f32>() / others.len() as f32).abs() < 1e-2);
        }
        assert!(cross_fit(run, &[1, 1], |_, _, held| Ok(vec![0.0; held.len()])).is_err());
        let few = cross_fit(run, &[0, 1], |_, _, _| Ok(vec![])).unwrap_err().to_string();
        assert!(few.contains("fold 0 has 1 rows and 0 predictions"), "{few}");
    });
}

/// Customers with five equal rows each: intervals over customers hold the truth as often as they say, intervals
/// over rows much less often.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let (mut over_groups, mut over_rows) = (0, 0);
    for seed in 0..200 {
        with_run(2, seed, |run| {
            let mut rng = run.rng(9);
            let values: Vec<f32> = (0..60).flat_map(|_| [normal(&mut rng).exp(); 5]).collect();
            let mean = |weight: &[f32]| {
                let sum: f32 = values.iter().zip(weight).map(|(v, w)| v * w).sum();
                Ok(f64::from(sum / weight.iter().sum::<f32>()))
            };
            let truth = 0.5_f64.exp();
            let bootstrap = Bootstrap { n_resamples: 400, level: 0.8, method: Method::Bca };
            let holds = |groups: &[u64]| {
                let interval = bootstrap.interval(run, groups, mean).unwrap();
                assert!(interval.low <= interval.value && interval.value <= interval.high);
                i32::from(interval.low <= truth && truth <= interval.high)
            };
            over_groups += holds(&(0..300).map(|row| row / 5).collect::<Vec<_>>());
            over_rows += holds(&(0..300).collect::<Vec<_>>());
        });
    }
    assert!((140..=176).contains(&over_groups), "{over_groups} of 200");
    assert!(over_rows < 120, "{over_rows} of 200");
}

#[test]
fn intervals_keep_to_the_contract() {
    let (x, y) = common::cases(600, 2, 3);
    let score = x.column(0).to_vec();
    let groups: Vec<u64> = (0..600).map(|row| row / 2).collect();
    let interval = |n_threads, seed, method| {
        with_run(n_threads, seed, |run| {
            Bootstrap { n_resamples: 200, level: 0.9, method }
                .interval(run, &groups, |weight| metrics::auc(&score, &y, weight))
        })
        .unwrap()
    };
    for method in [Method::Percentile, Method::Bca] {
        let once = interval(1, 5, method);
        assert_eq!(once, interval(3, 5, method));
        assert_ne!(once.low, interval(1, 6, method).low);
        assert!(once.low < once.value && once.value < once.high && once.high - once.low < 0.15);
    }
    run(|run| {
        let says = |bootstrap: Bootstrap, groups: &[u64], part: &str| {
            let error = bootstrap.interval(run, groups, |_| Ok(1.0)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        says(Bootstrap { level: 1.0, ..Default::default() }, &groups, "level");
        says(Bootstrap { n_resamples: 3, ..Default::default() }, &groups, "n_resamples");
        says(Bootstrap::default(), &[4, 4], "1 groups");
        // One buyer: a resample without it has one class; half of them are left or the interval is refused.
        let lone: Vec<f32> = (0..600).map(|row| f32::from(u8::from(row == 7))).collect();
        let found = Bootstrap::default().interval(run, &groups, |w| metrics::auc(&score, &lone, w)).unwrap();
        assert!((550..720).contains(&found.n_used), "{}", found.n_used);
        let constant = Bootstrap::default().interval(run, &groups, |_| Ok(2.0)).unwrap();
        assert_eq!((constant.low, constant.high), (2.0, 2.0));
    });
}

#[test]
fn columns_that_say_the_same_are_shuffled_together() {
    run(|run| {
        let mut rng = run.rng(1);
        let mut x = Array2::from_shape_simple_fn((2_000, 4), || normal(&mut rng));
        let (left, mut right) = x.view_mut().split_at(ndarray::Axis(1), 1);
        right.column_mut(0).assign(&left.column(0));
        let figure = |changed: ndarray::ArrayView2<'_, f32>| {
            let wrong: f32 = changed
                .rows()
                .into_iter()
                .zip(x.rows())
                .map(|(c, x)| (0.5 * (c[0] + c[1]) + 0.3 * c[2] - x[0] - 0.3 * x[2]).powi(2))
                .sum();
            Ok(-f64::from(wrong) / 2_000.0)
        };
        let groups = [vec![0], vec![1], vec![0, 1], vec![2], vec![3]];
        let found = PermutationImportance::default().measure(run, x.view(), &groups, figure).unwrap();
        // Shuffled alone each copy costs 2 × 0.25; both together 2.
        for (importance, expected) in found.iter().zip([0.5, 0.5, 2.0, 0.18, 0.0]) {
            assert!((importance.mean - expected).abs() < 0.1 * expected + 1e-6, "{importance:?}");
            assert_eq!(importance.losses.len(), 5);
        }
        assert!(PermutationImportance { n_repeats: 0 }.measure(run, x.view(), &groups, figure).is_err());
        assert!(PermutationImportance::default().measure(run, x.view(), &[vec![4]], figure).is_err());
    });
}

#[test]
fn effects_worked_by_hand() {
    let score = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
    let treated = [true, false, true, false, true, false, true, false];
    let outcome = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    let qini = Qini::new(&score, &outcome, &treated, &[1.0; 8]).unwrap();
    assert_eq!(qini.volume, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!(qini.caused, [0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 2.0 - 4.0 / 3.0, 1.0]);
    assert_eq!(qini.at(4.0), 2.0);
    let under = (0.5 + 1.0 + 1.5 + 2.0 + 2.0 + 1.5 + 5.0 / 6.0 + 5.0 / 6.0) / 8.0;
    assert!((qini.area() - (under - 0.5)).abs() < 1e-12);
    assert!((qini.coefficient().unwrap() - (under - 0.5) / (0.5 * 0.75)).abs() < 1e-12);
    let best = uplift_at(&score, &outcome, &treated, &[1.0; 8], 0.5, 0.8).unwrap();
    assert_eq!((best.n_treated, best.n_holdout, best.uplift), (2.0, 2.0, 1.0));
    assert!(best.low > 0.0 && best.low < 0.5 && best.high <= 1.0);
    // Scores that order nothing: one straight piece, no area.
    let flat = Qini::new(&[0.0; 8], &outcome, &treated, &[1.0; 8]).unwrap();
    assert_eq!((flat.volume.len(), flat.area()), (2, 0.0));
    assert!(
        Qini::new(&score, &outcome, &[true; 8], &[1.0; 8]).unwrap_err().to_string().contains("0 held out")
    );
    assert!(uplift_at(&score, &outcome, &treated, &[1.0; 8], 0.1, 0.8).is_err());
    assert!(uplift_at(&score, &outcome, &treated, &[1.0; 8], 0.0, 0.8).is_err());
}

#[test]
fn the_interval_of_an_effect_holds_the_truth() {
    let mut held = 0;
    for seed in 0..400 {
        with_run(1, seed, |run| {
            let mut rng = run.rng(2);
            let treated: Vec<bool> = (0..600).map(|_| rng.random::<f32>() < 0.8).collect();
            let outcome: Vec<f32> = treated
                .iter()
                .map(|&treated| f32::from(u8::from(rng.random::<f32>() < if treated { 0.06 } else { 0.03 })))
                .collect();
            let found = uplift_at(&[0.0; 600], &outcome, &treated, &[1.0; 600], 1.0, 0.8).unwrap();
            held += i32::from(found.low <= 0.03 && 0.03 <= found.high);
        });
    }
    assert!((300..=350).contains(&held), "{held} of 400");
}

/// A score that says who reacts: the curve rises above the line by as much as was planted.
#[test]
fn a_planted_effect_is_found() {
    run(|run| {
        let mut rng = run.rng(4);
        let n = 40_000;
        let score: Vec<f32> = (0..n).map(|_| rng.random()).collect();
        let treated: Vec<bool> = (0..n).map(|_| rng.random::<bool>()).collect();
        // The effect is 0.2 for the upper half and nothing below.
        let outcome: Vec<f32> = (0..n)
            .map(|row| {
                let effect = if treated[row] && score[row] > 0.5 { 0.2 } else { 0.0 };
                f32::from(u8::from(rng.random::<f32>() < 0.1 + effect))
            })
            .collect();
        let qini = Qini::new(&score, &outcome, &treated, &vec![1.0; n]).unwrap();
        // Caused: 0.2 of the treated of the best half, 2,000; half of it lies above the line at the middle.
        assert!((qini.at(20_000.0) - 2_000.0).abs() < 150.0, "{}", qini.at(20_000.0));
        assert!((qini.area() - 500.0).abs() < 60.0, "{}", qini.area());
        let best = uplift_at(&score, &outcome, &treated, &vec![1.0; n], 0.5, 0.9).unwrap();
        let worst = uplift_at(
            &score.iter().map(|s| -s).collect::<Vec<_>>(),
            &outcome,
            &treated,
            &vec![1.0; n],
            0.5,
            0.9,
        )
        .unwrap();
        assert!((best.uplift - 0.2).abs() < 0.02 && worst.uplift.abs() < 0.02);
    });
}

#[test]
fn the_calibration_that_fits_is_chosen() {
    run(|run| {
        let mut rng = run.rng(5);
        let score: Vec<f32> = (0..6_000).map(|_| rng.random_range(0.001_f32..0.999)).collect();
        let groups: Vec<u64> = (0..6_000).collect();
        let one = vec![1.0; 6_000];
        let mut outcomes = |truth: &dyn Fn(f32) -> f32| -> Vec<f32> {
            score.iter().map(|&s| f32::from(u8::from(rng.random::<f32>() < truth(s)))).collect()
        };
        // A step is of neither family: only the rising steps follow it.
        let y = outcomes(&|s| if s > 0.6 { 0.8 } else { 0.1 });
        let chosen = Calibrator::choose(run, &score, &y, &one, &groups, 5).unwrap();
        assert!(matches!(chosen.calibrator, Calibrator::Isotonic(_)), "{chosen:?}");
        // What is calibrated already stays: beta holds the identity.
        let y = outcomes(&|s| s);
        let chosen = Calibrator::choose(run, &score, &y, &one, &groups, 5).unwrap();
        assert!(chosen.log_losses[1] < chosen.log_losses[2], "{chosen:?}");
        for at in [0.05, 0.3, 0.7, 0.95] {
            assert!((chosen.calibrator.predict(at) - at).abs() < 0.03, "{chosen:?}");
        }
        // A falling score has no place in the family: the factors stay at 0 and the mean is left.
        let y = outcomes(&|s| 1.0 - s);
        let beta = Beta::fit(&score, &y, &one).unwrap();
        assert!(beta.a >= 0.0 && beta.b >= 0.0 && (beta.predict(0.5) - 0.5).abs() < 0.05, "{beta:?}");
        assert!(Beta::fit(&[0.5, 1.5], &[0.0, 1.0], &[1.0; 2]).unwrap_err().to_string().contains("row 1"));
    });
}
