//! Categories, hashing, target encoding: what each does by hand, and that none of it leaks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use clew_learn::design::{Design, DesignBuilder, Kind, MISSING};
use clew_learn::hashing::FeatureHasher;
use clew_learn::metrics;
use clew_learn::split::folds;
use clew_learn::target_encoding::TargetEncoder;
use ndarray::array;

mod common;

use common::{run, with_run};

fn small() -> Design {
    DesignBuilder::new()
        .number("age", vec![31.0, f32::NAN, 47.0])
        .and_then(|d| d.text("city", &[Some("Lille"), None, Some("Arras")]))
        .and_then(|d| d.category("tier", &[0, 1, MISSING], vec!["base".into(), "gold".into()]))
        .and_then(DesignBuilder::finish)
        .unwrap()
}

#[test]
fn a_design_keeps_categories_beside_numbers() {
    let design = small();
    assert_eq!(design.categories(), [1, 2]);
    assert_eq!(design.kinds()[1], Kind::Category(vec!["Arras".into(), "Lille".into()]));
    assert_eq!((design.value(0, 1), design.value(1, 1), design.value(0, 0)), (Some("Lille"), None, None));
    assert_eq!(design.codes(2).unwrap(), [0, 1, MISSING]);
    let hot = design.one_hot().unwrap();
    assert_eq!(hot.names(), ["age", "city=Arras", "city=Lille", "tier=base", "tier=gold"]);
    assert_eq!(hot.data().row(2), array![47.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(design.select_rows(&[2, 0]).unwrap().value(1, 1), Some("Lille"));
}

#[test]
fn new_rows_are_coded_as_learned() {
    let later = DesignBuilder::new()
        .text("city", &[Some("Paris"), Some("Lille"), None])
        .and_then(|d| d.number("age", vec![20.0, 21.0, 22.0]))
        .and_then(|d| d.category("tier", &[0, 0, 1], vec!["gold".into(), "base".into()]))
        .and_then(DesignBuilder::finish)
        .unwrap();
    let aligned = later.aligned_to(&small()).unwrap();
    assert_eq!(aligned.names(), small().names());
    assert_eq!(aligned.codes(1).unwrap(), [MISSING, 1, MISSING]);
    assert_eq!(aligned.codes(2).unwrap(), [1, 1, 0]);
    let few = DesignBuilder::new().number("age", vec![1.0]).and_then(DesignBuilder::finish).unwrap();
    assert!(few.aligned_to(&small()).unwrap_err().to_string().contains("no column 'city'"));
    assert!(small().aligned_to(&small().one_hot().unwrap()).is_err());
}

#[test]
fn a_faulty_column_is_refused() {
    let begin = || DesignBuilder::new().number("age", vec![1.0, 2.0]).unwrap();
    let says = |result: clew_learn::Result<DesignBuilder>, part: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    says(begin().number("age", vec![1.0, 2.0]), "two columns are named 'age'");
    says(begin().number("sum", vec![1.0]), "1 rows where 'age' has 2");
    says(begin().number("sum", vec![1.0, f32::INFINITY]), "row 1 of column 'sum'");
    says(begin().category("tier", &[0, 1], vec!["base".into()]), "row 1 of category 'tier'");
    says(begin().category("tier", &[0, 0], vec!["a".into(), "a".into()]), "names a value twice");
    assert!(DesignBuilder::new().finish().is_err());
}

#[test]
fn the_hash_is_the_same_for_ever() {
    let hasher = FeatureHasher { n_columns: 1_000, seed: 3 };
    let found: Vec<_> =
        ["", "a", "city=Lille", "été"].iter().map(|name| hasher.column(name.as_bytes())).collect();
    // Worked out by another program from the description.
    assert_eq!(found, [(635, -1.0), (300, 1.0), (568, 1.0), (192, -1.0)]);
}

#[test]
fn features_collide_as_often_as_documented_and_cancel() {
    let hasher = FeatureHasher { n_columns: 1 << 12, seed: 0 };
    let names: Vec<String> = (0..2_000).map(|n| format!("f{n}")).collect();
    let mut count = vec![0_u32; 1 << 12];
    for name in &names {
        count[hasher.column(name.as_bytes()).0 as usize] += 1;
    }
    let meeting: u32 = count.iter().filter(|&&count| count > 1).sum();
    let rate = hasher.collision_rate(2_000);
    assert!((f64::from(meeting) / 2_000.0 - rate).abs() < 0.03, "{meeting} of 2,000, {rate} expected");
    assert!((FeatureHasher::default().collision_rate(10_500) - 0.01).abs() < 1e-3);
    // Two rows that share half of their features: over many seeds the inner product is right on average.
    let mut sum = 0.0;
    for seed in 0..200 {
        run(|run| {
            let mut rows = FeatureHasher { n_columns: 256, seed }.rows().unwrap();
            rows.push(names[..100].iter().map(|name| (name.as_str(), 1.0))).unwrap();
            rows.push(names[50..150].iter().map(|name| (name.as_str(), 1.0))).unwrap();
            let matrix = rows.finish(run).unwrap();
            let gram = matrix.times(
                run,
                matrix
                    .transpose()
                    .select_rows(&(0..256).collect::<Vec<_>>())
                    .map(|t| {
                        let mut dense = ndarray::Array2::zeros((256, 2));
                        for column in 0..256 {
                            for (&row, &value) in t.row(column).0.iter().zip(t.row(column).1) {
                                dense[[column, row as usize]] = value;
                            }
                        }
                        dense
                    })
                    .unwrap()
                    .view(),
            );
            sum += f64::from(gram.unwrap()[[0, 1]]);
        });
    }
    assert!((sum / 200.0 - 50.0).abs() < 2.0, "{}", sum / 200.0);
    let mut rows = hasher.rows().unwrap();
    assert!(rows.push([("a", 1.0), ("b", f32::NAN)]).unwrap_err().to_string().contains("row 0"));
    rows.push([("a", 1.0), ("a", 1.0)]).unwrap();
    let matrix = run(|run| rows.finish(run)).unwrap();
    assert_eq!((matrix.n_rows(), matrix.values()[0].abs()), (1, 2.0));
    assert!(FeatureHasher { n_columns: 0, seed: 0 }.rows().is_err());
}

#[test]
fn target_encoding_shrinks_and_never_sees_its_own_outcome() {
    run(|run| {
        let values = [0, 0, 1, 1, 1, MISSING];
        let y = [1.0, 0.0, 1.0, 1.0, 1.0, 0.0];
        let groups: Vec<u64> = (0..6).collect();
        let encoder = TargetEncoder { prior_weight: 2.0, n_folds: 3 };
        let (fitted, inside) = encoder.fit(run, &values, 3, &y, &[1.0; 6], &groups).unwrap();
        let mean = 4.0 / 6.0;
        let expected = [(1.0 + 2.0 * mean) / 4.0, (3.0 + 2.0 * mean) / 5.0, mean, mean, mean];
        for (found, expected) in fitted.transform(&[0, 1, 2, MISSING, 77]).into_iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 1e-7);
        }
        // By hand for one row: only the rows of other folds.
        let folds = folds(run, &groups, 3).unwrap();
        let (mut sum, mut n, mut of_value, mut n_value) = (0.0, 0.0, 0.0, 0.0);
        for row in (0..6).filter(|&row| folds[row] != folds[2]) {
            (sum, n) = (sum + f64::from(y[row]), n + 1.0);
            if values[row] == 1 {
                (of_value, n_value) = (of_value + f64::from(y[row]), n_value + 1.0);
            }
        }
        let expected = if n_value > 0.0 { (of_value + 2.0 * sum / n) / (n_value + 2.0) } else { sum / n };
        assert!((f64::from(inside[2]) - expected).abs() < 1e-7);
    });
}

/// A category of 500 values and outcomes by chance: encoded with its own outcome it seems to predict; out of fold
/// it does not, also when the rows of a group share their outcome.
#[test]
fn out_of_fold_noise_stays_noise() {
    let n = 4_000_usize;
    let groups: Vec<u64> = (0..n as u64).map(|row| row / 4).collect();
    with_run(2, 3, |run| {
        let mut rng = run.rng(0);
        let values: Vec<u32> = groups.iter().map(|_| rand::Rng::random_range(&mut rng, 0..500)).collect();
        let shared: Vec<f32> =
            (0..n / 4).map(|_| f32::from(u8::from(rand::Rng::random::<f32>(&mut rng) < 0.3))).collect();
        let y: Vec<f32> = groups.iter().map(|&group| shared[group as usize]).collect();
        let one = vec![1.0; n];
        let values: Vec<u32> =
            (0..n).map(|row| if row % 4 == 0 { values[row] } else { values[row - row % 4] }).collect();
        let (fitted, inside) = TargetEncoder::default().fit(run, &values, 500, &y, &one, &groups).unwrap();
        let leaked = metrics::auc(&fitted.transform(&values), &y, &one).unwrap();
        let honest = metrics::auc(&inside, &y, &one).unwrap();
        assert!(leaked > 0.75, "{leaked}");
        assert!((0.4..0.56).contains(&honest), "{honest}");
    });
}

#[test]
fn target_encoding_refuses_what_it_cannot_use() {
    run(|run| {
        let fit = |encoder: TargetEncoder, values: &[u32], y: &[f32], weight: &[f32], groups: &[u64]| {
            encoder.fit(run, values, 2, y, weight, groups).unwrap_err().to_string()
        };
        let plain = TargetEncoder::default();
        let (one, groups) = ([1.0; 2], [1, 2]);
        assert!(
            fit(TargetEncoder { prior_weight: -1.0, ..plain }, &[0, 1], &one, &one, &groups)
                .contains("prior_weight")
        );
        assert!(fit(TargetEncoder { n_folds: 1, ..plain }, &[0, 1], &one, &one, &groups).contains("n_folds"));
        assert!(fit(plain, &[0, 2], &one, &one, &groups).contains("row 1 has the value 2"));
        assert!(fit(plain, &[0, 1], &[1.0, f32::NAN], &one, &groups).contains("row 1"));
        assert!(fit(plain, &[0, 1], &one, &[0.0; 2], &groups).contains("weights are 0"));
        assert!(fit(plain, &[0, 1], &one, &one, &[5, 5]).contains("holds all the weight"));
        assert!(fit(plain, &[0, 1], &one, &one, &[5]).contains("1 groups"));
        assert!(fit(plain, &[], &[], &[], &[]).contains("weights are 0"));
    });
}
