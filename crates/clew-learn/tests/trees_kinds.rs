//! Boosted trees with categories, monotone features and other losses; damaged files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::format::{File, Writer};
use clew_learn::loss::Loss;
use clew_learn::metrics;
use clew_learn::trees::{BoostedTrees, FittedTrees};
use ndarray::{Array2, s};
use rand::Rng;

mod common;
use common::{cases, run, with_run};

fn params() -> BoostedTrees {
    BoostedTrees { n_trees: 60, learning_rate: 0.1, feature_fraction: 1.0, ..Default::default() }
}

#[test]
fn a_category_is_a_name_not_an_amount() {
    let n = 12_000;
    // 60 categories whose shares of buyers have nothing to do with their numbers.
    let x = Array2::from_shape_fn((n, 1), |(row, _)| ((row * 7) % 60) as f32 - 30.0);
    let share = |value: f32| ((value as i64 * 37).rem_euclid(60)) as f32 / 80.0 + 0.1;
    let y: Vec<f32> = with_run(1, 3, |run| {
        let mut rng = run.rng(1);
        x.column(0).iter().map(|&value| f32::from(u8::from(rng.random::<f32>() < share(value)))).collect()
    });
    let weight = vec![1.0; n];
    run(|run| {
        let few = BoostedTrees { n_trees: 20, max_leaves: 4, ..params() };
        let fit = |trees: &BoostedTrees| {
            let fit = trees.fit(run, x.slice(s![..9_000, ..]), &y[..9_000], &weight[..9_000], None).unwrap();
            let p = fit.predict(run, x.slice(s![9_000.., ..])).unwrap();
            (metrics::log_loss(&p, &y[9_000..], &weight[9_000..]).unwrap(), fit)
        };
        let (named, trees) = fit(&BoostedTrees { categories: vec![0], ..few.clone() });
        let (as_amount, _) = fit(&few);
        assert!(named < as_amount - 0.01, "{named} against {as_amount}");
        // One never seen goes with the missing ones.
        let strange = Array2::from_shape_vec((3, 1), vec![f32::NAN, 99.0, -0.5]).unwrap();
        let p = trees.predict(run, strange.view()).unwrap();
        assert!(p[0] == p[1] && p[1] == p[2], "{p:?}");
    });
}

#[test]
fn few_categories_are_parted_one_by_one() {
    let x = Array2::from_shape_fn((300, 1), |(row, _)| (row % 3) as f32);
    let y: Vec<f32> = (0..300).map(|row| f32::from(u8::from(row % 3 == 1 && row % 5 > 0))).collect();
    let trees = BoostedTrees { categories: vec![0], max_leaves: 2, min_leaf_weight: 0.1, ..params() };
    let p = run(|run| trees.fit(run, x.view(), &y, &[1.0; 300], None)?.predict(run, x.view())).unwrap();
    assert!(p[1] > 0.6 && p[0] < 0.05 && p[0] == p[2], "{:?}", &p[..3]);
}

#[test]
fn a_monotone_feature_never_turns() {
    let (x, y) = cases(6_000, 4, 5);
    let free = BoostedTrees { min_leaf_weight: 1.0, l2: 0.1, ..params() };
    let bound = BoostedTrees { monotone: vec![(0, true), (1, false)], ..free.clone() };
    let weight = vec![1.0; 6_000];
    run(|run| {
        // Along a line through each of 40 rows, all else held.
        let turns = |trees: &BoostedTrees, feature: usize, sign: f32| {
            let fit = trees.fit(run, x.view(), &y, &weight, None).unwrap();
            let mut n_turns = 0;
            for row in 0..40 {
                let line = Array2::from_shape_fn((80, 4), |(step, column)| {
                    if column == feature { step as f32 * 0.1 - 4.0 } else { x[[row, column]] }
                });
                let z = fit.decision(run, line.view()).unwrap();
                n_turns += z.windows(2).filter(|pair| sign * (pair[1] - pair[0]) < -1e-6).count();
            }
            n_turns
        };
        assert!(turns(&free, 0, 1.0) > 0 && turns(&free, 1, -1.0) > 0);
        assert_eq!((turns(&bound, 0, 1.0), turns(&bound, 1, -1.0)), (0, 0));
        let p = bound.fit(run, x.view(), &y, &weight, None).unwrap().predict(run, x.view()).unwrap();
        assert!(metrics::auc(&p, &y, &weight).unwrap() > 0.7);
    });
}

#[test]
fn counts_amounts_and_differences_come_out_at_their_means() {
    let n = 8_000;
    let x = Array2::from_shape_fn((n, 1), |(row, _)| (row % 8) as f32);
    let mean = |row: usize| (0.8 * (row % 8) as f32 - 2.0).exp();
    let y: Vec<f32> = (0..n).map(|row| mean(row) * if row / 8 % 2 == 0 { 0.5 } else { 1.5 }).collect();
    for loss in [Loss::Squared, Loss::Poisson, Loss::Gamma] {
        let trees = BoostedTrees { loss, n_trees: 200, l2: 0.0, min_leaf_weight: 0.0, ..params() };
        let p = run(|run| trees.fit(run, x.view(), &y, &vec![1.0; n], None)?.predict(run, x.view())).unwrap();
        for (row, p) in p.into_iter().enumerate().take(8) {
            assert!(
                (p - mean(row)).abs() < 1e-3 * (1.0 + mean(row)),
                "{loss:?}, {row}: {p} against {}",
                mean(row)
            );
        }
    }
}

#[test]
fn one_outlier_does_not_blur_the_rest() {
    let n = 4_000;
    let x = Array2::from_shape_fn((n, 1), |(row, _)| (row % 4) as f32);
    let mut y: Vec<f32> = (0..n).map(|row| 0.001 * (row % 4) as f32).collect();
    let mut x = x;
    x[[17, 0]] = 9.0;
    y[17] = 1e6;
    let trees = BoostedTrees {
        loss: Loss::Squared,
        learning_rate: 1.0,
        l2: 0.0,
        min_leaf_weight: 0.5,
        n_trees: 20,
        ..params()
    };
    let p = run(|run| trees.fit(run, x.view(), &y, &vec![1.0; n], None)?.predict(run, x.view())).unwrap();
    for row in (0..4).chain([17]) {
        assert!((p[row] - y[row]).abs() < 1e-5 + 1e-5 * y[row], "row {row}: {} against {}", p[row], y[row]);
    }
}

/// A file of one tree with one cut, in which one number may be another.
fn file(nodes: [[u32; 7]; 3], starts: &[u64]) -> File {
    let mut writer = Writer::new();
    writer.section("m.nodes", nodes.as_flattened()).unwrap();
    writer.section("m.starts", starts).unwrap();
    writer.section::<u64>("m.groups", &[]).unwrap();
    writer.section("m.base", &[0.0_f64]).unwrap();
    writer.json("m.loss", &Loss::Logistic).unwrap();
    writer.section::<f32>("m.bins", &[]).unwrap();
    writer.section("m.bins_from", &[0_u64, 0]).unwrap();
    writer.section("m.bins_kind", &[0_u8]).unwrap();
    File::open(Arc::new(writer.finish())).unwrap()
}

#[test]
fn trees_that_lead_in_circles_or_outside_are_refused() {
    let leaf = [u32::MAX, 0, 0, 0, 0, 0, 0];
    let cut = [0, 0, 1, 2, 0, 0, 0];
    assert!(FittedTrees::read(&file([cut, leaf, leaf], &[0, 3]), "m").is_ok());
    let nan = f32::NAN.to_bits();
    let wrong = [
        ([[0, 0, 0, 1, 0, 0, 0], leaf, leaf], vec![0, 3]), // its own child
        ([[0, 0, 1, 1, 0, 0, 0], leaf, leaf], vec![0, 3]), // one child twice
        ([[0, 0, 1, 3, 0, 0, 0], leaf, leaf], vec![0, 3]), // outside
        ([[1, 0, 1, 2, 0, 0, 0], leaf, leaf], vec![0, 3]), // no such feature
        ([[0, 0, 1, 2, 2, 0, 0], leaf, leaf], vec![0, 3]), // no such group
        ([cut, [u32::MAX, 0, 0, 0, 0, nan, 0], leaf], vec![0, 3]),
        ([cut, leaf, leaf], vec![0, 2]),
        ([cut, leaf, leaf], vec![0, 3, 2, 3]),
        ([cut, leaf, leaf], vec![0, 0, 3]),
        ([cut, leaf, leaf], vec![]),
    ];
    for (nodes, starts) in wrong {
        assert!(FittedTrees::read(&file(nodes, &starts), "m").is_err(), "{nodes:?} {starts:?}");
    }
}
