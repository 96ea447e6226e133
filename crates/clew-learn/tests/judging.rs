//! Metrics, gain curves, calibration, sparse rows: answers worked by hand and properties that always hold.

use clew_learn::calibration::{Isotonic, Platt};
use clew_learn::gain::{Gain, interpolate, thin};
use clew_learn::metrics;
use clew_learn::sparse::Csr;
use proptest::prelude::*;

mod common;
use common::run;

#[test]
fn figures_worked_by_hand() {
    let (score, outcome, one) = ([0.9, 0.7, 0.7, 0.1], [1.0, 1.0, 0.0, 0.0], [1.0; 4]);
    // Pairs (buyer, other): 0.9 beats both; 0.7 ties one and beats one: 3.5 of 4.
    assert_eq!(metrics::auc(&score, &outcome, &one).unwrap(), 0.875);
    // Half of the best 25 % … the best row is a buyer: half of the buyers with a quarter of the rows.
    assert_eq!(metrics::share_of_buyers_at(&score, &outcome, &one, 0.25).unwrap(), 0.5);
    assert_eq!(metrics::lift_at(&score, &outcome, &one, 0.25).unwrap(), 2.0);
    // The cut falls into the tie: half of it gives half of its one buyer.
    assert_eq!(metrics::share_of_buyers_at(&score, &outcome, &one, 0.5).unwrap(), 0.75);
    let brier = metrics::brier(&score, &outcome, &one).unwrap();
    assert!((brier - (0.01 + 0.09 + 0.49 + 0.01) / 4.0).abs() < 1e-7);
    let loss = metrics::log_loss(&score, &outcome, &one).unwrap();
    let expected = -(0.9_f64.ln() + 0.7_f64.ln() + 0.3_f64.ln() + 0.9_f64.ln()) / 4.0;
    assert!((loss - expected).abs() < 1e-7);
    assert!((metrics::calibration_ratio(&score, &outcome, &one).unwrap() - 1.2).abs() < 1e-6);
    assert_eq!(metrics::recall(&[3, 1, 2], &[1, 9]), Some(0.5));
    let ndcg = metrics::ndcg(&[3, 1, 2], &[1, 9]).unwrap();
    assert!((ndcg - (1.0 / 3.0_f64.log2()) / (1.0 + 1.0 / 3.0_f64.log2())).abs() < 1e-12);
    assert_eq!(metrics::recall(&[1], &[]), None);
    let bins = metrics::reliability(&score, &outcome, &one, 2).unwrap();
    assert_eq!(bins.len(), 2);
    assert_eq!((bins[0].weight, bins[1].weight), (3.0, 1.0));
    assert!((bins[0].realised - 1.0 / 3.0).abs() < 1e-12 && bins[1].realised == 1.0);
}

#[test]
fn messages_of_metrics_say_what_to_do() {
    let message = |score: &[f32], outcome: &[f32]| {
        metrics::auc(score, outcome, &vec![1.0; score.len()]).unwrap_err().to_string()
    };
    assert_eq!(message(&[], &[]), "there are no rows; give at least one");
    assert_eq!(message(&[0.5, f32::NAN], &[0.0, 1.0]), "row 1 is not finite; drop or fill it");
    assert_eq!(
        message(&[0.5, 0.6], &[1.0, 1.0]),
        "the outcomes are all of one class; judge where some bought and some did not"
    );
}

#[test]
fn isotonic_pools_what_falls() {
    let fit = Isotonic::fit(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 0.0, 1.0], &[1.0, 1.0, 3.0, 1.0]).unwrap();
    // 2 and 3 are pooled: (1 + 0 × 3) / 4.
    assert_eq!(fit.scores, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(fit.values, [0.0, 0.25, 0.25, 1.0]);
    assert_eq!(
        (fit.predict(0.0), fit.predict(2.5), fit.predict(3.5), fit.predict(9.0)),
        (0.0, 0.25, 0.625, 1.0)
    );
}

#[test]
fn the_sigmoid_recovers_the_line_that_made_the_outcomes() {
    // Fractional outcomes that are exactly a sigmoid; the smoothed targets shrink by about 1/n.
    let score: Vec<f32> = (0..2_000).map(|row| row as f32 / 400.0 - 2.5).collect();
    let outcome: Vec<f32> = score.iter().map(|s| 1.0 / (1.0 + (-(2.0 * s - 1.0)).exp())).collect();
    let fit = Platt::fit(&score, &outcome, &vec![1_000.0; 2_000]).unwrap();
    assert!((fit.slope - 2.0).abs() < 1e-3 && (fit.intercept + 1.0).abs() < 1e-3, "{fit:?}");
}

#[test]
fn a_thinned_curve_has_few_points_and_small_error() {
    let n = 100_000;
    let score: Vec<f32> = (0..n).map(|row| 1.0 - row as f32 / n as f32).collect();
    let outcome: Vec<f32> = score.iter().map(|s| s.powi(6)).collect();
    let gain = Gain::new(&score, &outcome, &vec![1.0; n]).unwrap();
    let kept = gain.thin(200, 0.001).unwrap();
    assert!(kept.len() <= 200, "{}", kept.len());
    let pick = |values: &[f64]| kept.iter().map(|&place| values[place]).collect::<Vec<_>>();
    let (volume, reached) = (pick(&gain.volume), pick(&gain.gain));
    let whole = gain.gain.last().unwrap();
    for (&v, &g) in gain.volume.iter().zip(&gain.gain) {
        assert!((interpolate(&volume, &reached, v) - g).abs() <= 0.001 * whole);
    }
    let volume_70 = gain.volume_for_share(0.7);
    assert!((gain.at(volume_70) / whole - 0.7).abs() < 1e-9);
    // ∫ s⁶ from the top reaches 70 % at s with 1 − s⁷ = 0.7.
    assert!((volume_70 / n as f64 - (1.0 - 0.3_f64.powf(1.0 / 7.0))).abs() < 1e-3);
}

#[test]
fn folds_follow_the_group_and_the_seed() {
    let groups: Vec<u64> = (0..3_000).map(|row| row / 3).collect();
    let folds = run(|run| clew_learn::split::folds(run, &groups, 5)).unwrap();
    assert!(folds.chunks(3).all(|group| group[0] == group[1] && group[1] == group[2]));
    for fold in 0..5 {
        let (inside, outside) = clew_learn::split::inside_outside(&folds, fold);
        assert!((450..750).contains(&inside.len()) && inside.len() + outside.len() == 3_000);
    }
}

fn rows() -> impl Strategy<Value = Vec<(f32, bool, f32)>> {
    prop::collection::vec(((0_u8..20).prop_map(|s| f32::from(s) / 20.0), any::<bool>(), 0.1_f32..3.0), 2..200)
}

proptest! {
    #[test]
    fn a_gain_curve_rises_and_ends_at_all_buyers(rows in rows()) {
        let score: Vec<f32> = rows.iter().map(|row| row.0).collect();
        let outcome: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.1))).collect();
        let weight: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let gain = Gain::new(&score, &outcome, &weight).unwrap();
        prop_assert!(gain.gain.windows(2).all(|pair| pair[1] >= pair[0]));
        prop_assert!(gain.volume.windows(2).all(|pair| pair[1] > pair[0]));
        let buyers: f64 = rows.iter().map(|row| if row.1 { f64::from(row.2) } else { 0.0 }).sum();
        prop_assert!((gain.gain.last().unwrap() - buyers).abs() < 1e-9 * buyers.max(1.0));
        prop_assert_eq!(gain.at(0.0), 0.0);
        let kept = gain.thin(200, 0.0).unwrap();
        prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(*kept.last().unwrap(), gain.volume.len() - 1);
    }

    #[test]
    fn one_score_for_all_lies_on_the_diagonal(rows in rows(), share in 0.01_f64..1.0) {
        let outcome: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.1))).collect();
        let weight: Vec<f32> = rows.iter().map(|row| row.2).collect();
        prop_assume!(outcome.iter().any(|&y| y > 0.0) && outcome.iter().any(|&y| y < 1.0));
        let score = vec![0.5; rows.len()];
        prop_assert!((metrics::auc(&score, &outcome, &weight).unwrap() - 0.5).abs() < 1e-9);
        prop_assert!((metrics::lift_at(&score, &outcome, &weight, share).unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn auc_is_the_share_of_pairs_in_order(rows in rows()) {
        let score: Vec<f32> = rows.iter().map(|row| row.0).collect();
        let outcome: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.1))).collect();
        let weight: Vec<f32> = rows.iter().map(|row| row.2).collect();
        prop_assume!(outcome.iter().any(|&y| y > 0.0) && outcome.iter().any(|&y| y < 1.0));
        let (mut right, mut pairs) = (0.0, 0.0);
        for a in rows.iter().filter(|row| row.1) {
            for b in rows.iter().filter(|row| !row.1) {
                let w = f64::from(a.2) * f64::from(b.2);
                pairs += w;
                right += w * if a.0 > b.0 { 1.0 } else if a.0 == b.0 { 0.5 } else { 0.0 };
            }
        }
        prop_assert!((metrics::auc(&score, &outcome, &weight).unwrap() - right / pairs).abs() < 1e-9);
    }

    #[test]
    fn isotonic_values_never_fall_and_keep_the_mean(rows in rows()) {
        let score: Vec<f32> = rows.iter().map(|row| row.0).collect();
        let outcome: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.1))).collect();
        let weight: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let fit = Isotonic::fit(&score, &outcome, &weight).unwrap();
        prop_assert!(fit.values.windows(2).all(|pair| pair[1] >= pair[0]));
        prop_assert!(fit.scores.windows(2).all(|pair| pair[1] > pair[0]));
        let mean = |values: &dyn Fn(usize) -> f64| -> f64 {
            (0..rows.len()).map(|row| f64::from(weight[row]) * values(row)).sum()
        };
        let fitted = mean(&|row| f64::from(fit.predict(score[row])));
        let realised = mean(&|row| f64::from(outcome[row]));
        prop_assert!((fitted - realised).abs() < 1e-4 * realised.max(1.0));
    }

    #[test]
    fn thinning_keeps_within_its_tolerance(steps in prop::collection::vec(0.0_f64..1.0, 2..300)) {
        let x: Vec<f64> = (0..steps.len()).map(|place| place as f64).collect();
        let y: Vec<f64> = steps.iter().scan(0.0, |sum, step| { *sum += step; Some(*sum) }).collect();
        let kept = thin(&x, &y, usize::MAX, 0.01).unwrap();
        let pick = |values: &[f64]| kept.iter().map(|&place| values[place]).collect::<Vec<_>>();
        let (kx, ky) = (pick(&x), pick(&y));
        for (&at, &value) in x.iter().zip(&y) {
            prop_assert!((interpolate(&kx, &ky, at) - value).abs() <= 0.01 * y[y.len() - 1] + 1e-9);
        }
    }

    #[test]
    fn sparse_rows_are_sorted_summed_and_turn_back(
        triplets in prop::collection::vec((0_u32..8, 0_u32..9, -2.0_f32..2.0), 0..120)
    ) {
        let matrix = Csr::from_triplets(8, 9, &triplets).unwrap();
        prop_assert_eq!(matrix.transpose().transpose(), matrix.clone());
        for row in 0..8_usize {
            let (columns, values) = matrix.row(row);
            prop_assert!(columns.windows(2).all(|pair| pair[0] < pair[1]));
            for (&column, &value) in columns.iter().zip(values) {
                let sum: f32 = triplets.iter().filter(|t| t.0 as usize == row && t.1 == column).map(|t| t.2).sum();
                prop_assert!((sum - value).abs() < 1e-5);
            }
        }
        let parts = Csr::from_parts(
            9, matrix.starts().to_vec(), matrix.indices().to_vec(), matrix.values().to_vec());
        prop_assert_eq!(parts.unwrap(), matrix);
    }
}

#[test]
fn triplets_outside_or_not_finite_are_named() {
    let error = |triplets: &[(u32, u32, f32)]| Csr::from_triplets(2, 2, triplets).unwrap_err().to_string();
    assert_eq!(
        error(&[(0, 0, 1.0), (0, 2, 1.0)]),
        "triplet 1 lies at (0, 2), outside 2 × 2; give the matrix its true size"
    );
    assert_eq!(error(&[(1, 1, f32::NAN)]), "triplet 0 at (1, 1) is not finite; drop or fill it");
}
