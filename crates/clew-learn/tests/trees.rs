//! Boosted trees: what they must find, what they must refuse, and where they must stop.

use clew_learn::metrics;
use clew_learn::trees::{BoostedTrees, Validation};
use ndarray::{Array2, s};

mod common;
use common::{cases, run};

fn params() -> BoostedTrees {
    BoostedTrees { n_trees: 60, learning_rate: 0.1, ..Default::default() }
}

#[test]
fn one_cut_is_found_where_the_outcomes_change() {
    // 100 rows a side, shares 0.1 and 0.9: the leaf values of one Newton step from 0 are -1.6 and 1.6.
    let x = Array2::from_shape_fn((200, 1), |(row, _)| row as f32);
    let y: Vec<f32> = (0..200).map(|row| f32::from(u8::from((row % 10 == 5) != (row >= 100)))).collect();
    let trees = BoostedTrees {
        n_trees: 1,
        learning_rate: 1.0,
        max_leaves: 2,
        min_leaf_weight: 1.0,
        l2: 0.0,
        feature_fraction: 1.0,
        ..Default::default()
    };
    let fit = run(|run| trees.fit(run, x.view(), &y, &[1.0; 200], None)).unwrap();
    let z = run(|run| fit.decision(run, x.view())).unwrap();
    assert!(z[..100].iter().all(|&z| (z + 1.6).abs() < 1e-6), "{:?}", &z[..3]);
    assert!(z[100..].iter().all(|&z| (z - 1.6).abs() < 1e-6), "{:?}", &z[100..103]);
    assert_eq!(fit.importance(), [1.0]);
}

#[test]
fn they_see_the_interaction_that_a_line_cannot() {
    let (x, y) = cases(20_000, 6, 1);
    let (train, test) = (x.slice(s![..15_000, ..]), x.slice(s![15_000.., ..]));
    let weight = vec![1.0; 20_000];
    run(|run| {
        let fit = params().fit(run, train, &y[..15_000], &weight[..15_000], None).unwrap();
        let line = clew_learn::logistic::LogisticRegression::default()
            .fit(run, train, &y[..15_000], &weight[..15_000], None)
            .unwrap();
        let p = fit.predict(run, test).unwrap();
        let auc = metrics::auc(&p, &y[15_000..], &weight[15_000..]).unwrap();
        let line_auc = metrics::auc(&line.predict(test).unwrap(), &y[15_000..], &weight[15_000..]).unwrap();
        assert!(auc > line_auc + 0.02, "{auc} against {line_auc}");
        let ratio = metrics::calibration_ratio(&p, &y[15_000..], &weight[15_000..]).unwrap();
        assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
        let importance = fit.importance();
        assert!(importance[0] > importance[2] && importance[5] > importance[2], "{importance:?}");
    });
}

#[test]
fn missing_values_say_something_of_their_own() {
    let n = 4_000;
    let (mut x, _) = cases(n, 2, 2);
    let y: Vec<f32> = (0..n).map(|row| f32::from(u8::from(row % 4 == 0 && row % 12 != 0))).collect();
    for row in (0..n).step_by(4) {
        x[[row, 1]] = f32::NAN;
    }
    run(|run| {
        let fit = params().fit(run, x.view(), &y, &vec![1.0; n], None).unwrap();
        let p = fit.predict(run, x.view()).unwrap();
        let auc = metrics::auc(&p, &y, &vec![1.0; n]).unwrap();
        assert!(auc > 0.95, "{auc}");
    });
}

#[test]
fn a_column_that_is_missing_throughout_or_constant_does_nothing() {
    let (x, y) = cases(2_000, 3, 8);
    let mut wide = Array2::from_elem((2_000, 5), f32::NAN);
    wide.slice_mut(s![.., ..3]).assign(&x);
    wide.slice_mut(s![.., 4]).fill(3.0);
    run(|run| {
        let all = BoostedTrees { feature_fraction: 1.0, ..params() };
        let narrow = all.fit(run, x.view(), &y, &[1.0; 2_000], None).unwrap();
        let wide_fit = all.fit(run, wide.view(), &y, &[1.0; 2_000], None).unwrap();
        assert_eq!(narrow.predict(run, x.view()).unwrap(), wide_fit.predict(run, wide.view()).unwrap());
        assert_eq!(wide_fit.importance()[3..], [0.0, 0.0]);
    });
}

#[test]
fn they_stop_where_the_validation_part_says() {
    let (x, y) = cases(3_000, 8, 3);
    let weight = vec![1.0; 3_000];
    let eager =
        BoostedTrees { n_trees: 400, learning_rate: 0.3, min_leaf_weight: 0.5, patience: 10, ..params() };
    let validation = Validation { x: x.slice(s![2_000.., ..]), y: &y[2_000..], weight: &weight[2_000..] };
    run(|run| {
        let train = x.slice(s![..2_000, ..]);
        let stopped = eager.fit(run, train, &y[..2_000], &weight[..2_000], Some(validation)).unwrap();
        let whole = eager.fit(run, train, &y[..2_000], &weight[..2_000], None).unwrap();
        assert!(stopped.n_trees() < 100 && whole.n_trees() == 400);
        let loss = |fit: &clew_learn::trees::FittedTrees| {
            metrics::log_loss(&fit.predict(run, validation.x).unwrap(), validation.y, validation.weight)
                .unwrap()
        };
        assert!(loss(&stopped) < loss(&whole));
        // Stopping is choosing a length: asked for that many trees, the same trees grow.
        let same = BoostedTrees { n_trees: stopped.n_trees(), ..eager.clone() };
        assert_eq!(same.fit(run, train, &y[..2_000], &weight[..2_000], None).unwrap(), stopped);
    });
}

#[test]
fn faults_are_named_with_their_place() {
    let (mut x, y) = cases(50, 3, 6);
    let fit = |x: &Array2<f32>, y: &[f32]| {
        run(|run| params().fit(run, x.view(), y, &[1.0; 50], None)).unwrap_err().to_string()
    };
    assert_eq!(
        fit(&x, &[1.0; 50]),
        "the outcomes are all of one class; train where some bought and some did not"
    );
    x[[7, 1]] = f32::INFINITY;
    assert_eq!(fit(&x, &y), "row 7 is not finite in column 1; drop it or mark it missing");
}
