//! What every estimator keeps to: same seed same bits, one thread as two, rows in any order, weight 2 is the
//! row twice, faults refused with place and remedy, saved and loaded equal.

use std::sync::Arc;

use clew_learn::calibration::{Isotonic, Platt};
use clew_learn::cluster::KMeans;
use clew_learn::format::{File, Writer};
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::scaling::StandardScaler;
use clew_learn::trees::{BoostedTrees, FittedTrees};
use clew_learn::{Error, Result, Run};
use ndarray::{Array2, Axis, concatenate};

mod common;
use common::{cases, run, with_run};

#[derive(Clone)]
struct Cases {
    x: Array2<f32>,
    y: Vec<f32>,
    weight: Vec<f32>,
}

impl Cases {
    fn column(&self) -> Vec<f32> {
        self.x.column(0).to_vec()
    }

    fn select(&self, rows: &[usize]) -> Cases {
        Cases {
            x: self.x.select(Axis(0), rows),
            y: rows.iter().map(|&row| self.y[row]).collect(),
            weight: rows.iter().map(|&row| self.weight[row]).collect(),
        }
    }
}

/// Predictions for `judged` of a model fitted to `cases`; those of the model read back; the model's bytes.
struct Outcome {
    predicted: Vec<f32>,
    reread: Vec<f32>,
    bytes: Vec<u8>,
}

struct Candidate {
    name: &'static str,
    fit: fn(&Run<'_>, &Cases, &Array2<f32>) -> Result<Outcome>,
    /// Whether outcomes of one class are refused; what has no outcomes cannot.
    refuses_one_class: bool,
    /// How far predictions may move where only rounding differs.
    tolerance: f32,
}

fn keep(write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<(File, Vec<u8>)> {
    let mut writer = Writer::new();
    write(&mut writer)?;
    let bytes = writer.finish();
    Ok((File::open(Arc::new(bytes.clone()))?, bytes))
}

fn candidates() -> Vec<Candidate> {
    vec![
        Candidate {
            name: "logistic regression",
            fit: |run, cases, judged| {
                let fit =
                    LogisticRegression::default().fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread = FittedLogistic::read(&file, "m")?.predict(judged.view())?;
                Ok(Outcome { predicted: fit.predict(judged.view())?, reread, bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        Candidate {
            name: "boosted trees",
            fit: |run, cases, judged| {
                let trees = BoostedTrees { n_trees: 20, learning_rate: 0.2, ..Default::default() };
                let fit = trees.fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread = FittedTrees::read(&file, "m")?.predict(run, judged.view())?;
                Ok(Outcome { predicted: fit.predict(run, judged.view())?, reread, bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-4,
        },
        Candidate {
            name: "sigmoid",
            fit: |_, cases, judged| {
                let fit = Platt::fit(&cases.column(), &cases.y, &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Platt::read(&file, "m")?;
                let of = |fit: Platt| judged.column(0).iter().map(|&score| fit.predict(score)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        Candidate {
            name: "isotonic regression",
            fit: |_, cases, judged| {
                let fit = Isotonic::fit(&cases.column(), &cases.y, &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let again = Isotonic::read(&file, "m")?;
                let of = |fit: Isotonic| judged.column(0).iter().map(|&score| fit.predict(score)).collect();
                Ok(Outcome { predicted: of(fit), reread: of(again), bytes })
            },
            refuses_one_class: false,
            tolerance: 1e-6,
        },
        Candidate {
            name: "scaler",
            fit: |run, cases, judged| {
                let fit = StandardScaler::fit(run, cases.x.view(), &cases.weight)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread =
                    StandardScaler::read(&file, "m")?.transform(judged.view())?.into_iter().collect();
                Ok(Outcome { predicted: fit.transform(judged.view())?.into_iter().collect(), reread, bytes })
            },
            refuses_one_class: false,
            tolerance: 1e-6,
        },
    ]
}

fn sample() -> (Cases, Array2<f32>) {
    let (x, y) = cases(5_000, 6, 11);
    let weight = (0..5_000).map(|row| 1.0 + (row % 3) as f32).collect();
    (Cases { x, y, weight }, cases(500, 6, 12).0)
}

fn assert_near(name: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{name}");
    for (row, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance, "{name}: row {row}: {a} against {b}");
    }
}

#[test]
fn same_seed_same_bits_with_any_number_of_threads() {
    let (train, judged) = sample();
    for candidate in candidates() {
        let fit = |n_threads| with_run(n_threads, 5, |run| (candidate.fit)(run, &train, &judged)).unwrap();
        let once = fit(1);
        for n_threads in [1, 2, 3] {
            let again = fit(n_threads);
            assert_eq!(once.bytes, again.bytes, "{} with {n_threads} threads", candidate.name);
            assert_eq!(once.predicted, again.predicted, "{} with {n_threads} threads", candidate.name);
        }
    }
}

#[test]
fn rows_come_in_any_order() {
    let (train, judged) = sample();
    let reversed = train.select(&(0..train.y.len()).rev().collect::<Vec<_>>());
    for candidate in candidates() {
        let a = run(|run| (candidate.fit)(run, &train, &judged)).unwrap();
        let b = run(|run| (candidate.fit)(run, &reversed, &judged)).unwrap();
        assert_near(candidate.name, &a.predicted, &b.predicted, candidate.tolerance);
    }
}

#[test]
fn weight_two_is_the_row_twice_and_weight_zero_is_no_row() {
    let (mut train, judged) = sample();
    train.weight = (0..train.y.len()).map(|row| [1.0, 2.0, 0.0][row % 3]).collect();
    let ones: Vec<usize> = (0..train.y.len()).filter(|row| row % 3 == 0).collect();
    let twos: Vec<usize> = (0..train.y.len()).filter(|row| row % 3 == 1).collect();
    let mut repeated = train.select(&[ones, twos.clone(), twos].concat());
    repeated.weight = vec![1.0; repeated.y.len()];
    for candidate in candidates() {
        let a = run(|run| (candidate.fit)(run, &train, &judged)).unwrap();
        let b = run(|run| (candidate.fit)(run, &repeated, &judged)).unwrap();
        assert_near(candidate.name, &a.predicted, &b.predicted, candidate.tolerance);
    }
}

#[test]
fn saved_and_loaded_they_are_equal() {
    let (train, judged) = sample();
    for candidate in candidates() {
        let outcome = run(|run| (candidate.fit)(run, &train, &judged)).unwrap();
        assert_eq!(outcome.predicted, outcome.reread, "{}", candidate.name);
    }
}

#[test]
fn bad_input_is_refused_with_a_place_and_a_remedy() {
    let (train, judged) = sample();
    let mut infinite = train.clone();
    infinite.x[[17, 0]] = f32::INFINITY;
    let mut negative = train.clone();
    negative.weight[17] = -1.0;
    let mut one_class = train.clone();
    one_class.y.fill(0.0);
    let mut short = train.clone();
    short.weight.pop();
    let empty = train.select(&[]);
    for candidate in candidates() {
        let faults = [("17", &infinite), ("17", &negative), ("4999 weights", &short), ("", &empty)];
        let one_class = candidate.refuses_one_class.then_some(("one class", &one_class));
        for (place, cases) in faults.into_iter().chain(one_class) {
            let name = candidate.name;
            match run(|run| (candidate.fit)(run, cases, &judged)) {
                Err(Error::Input { place: found, remedy }) => {
                    assert!(found.contains(place), "{name}: '{found}' does not say '{place}'");
                    assert!(remedy.len() > 10, "{name}: '{remedy}'");
                }
                Err(error) => panic!("{name}: {error}"),
                Ok(_) => panic!("{name} took input with the fault '{place}'"),
            }
        }
    }
}

#[test]
fn clusters_keep_to_it_too() {
    let (train, _) = sample();
    let means = KMeans { n_clusters: 7, ..Default::default() };
    let fit =
        |n_threads| with_run(n_threads, 5, |run| means.fit(run, train.x.view(), &train.weight)).unwrap();
    assert_eq!(fit(1), fit(2));
    let twice = concatenate![Axis(0), train.x, train.x];
    let weight = [train.weight.clone(), train.weight.clone()].concat();
    let double = run(|run| means.fit(run, twice.view(), &weight)).unwrap();
    assert_eq!(double.labels[..5_000], double.labels[5_000..]);
}

#[test]
fn the_factorisation_keeps_to_it_too() {
    use clew_learn::als::ImplicitAls;
    use clew_learn::sparse::Csr;
    let triplets: Vec<(u32, u32, f32)> = (0..40_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) % 3_000, n.wrapping_mul(40_503) % 700 * (n % 7) / 7, 1.0))
        .collect();
    let als = ImplicitAls { n_factors: 16, n_sweeps: 4, ..Default::default() };
    let matrix = Csr::from_triplets(3_000, 700, &triplets).unwrap();
    let fit = |n_threads, matrix: &Csr| with_run(n_threads, 5, |run| als.fit(run, matrix, None)).unwrap();
    let once = fit(1, &matrix);
    assert_eq!(once, fit(2, &matrix));
    assert_eq!(once, fit(3, &matrix));
    let other_seed = with_run(2, 6, |run| als.fit(run, &matrix, None)).unwrap();
    assert_ne!(once.columns, other_seed.columns);
    // An event of value 2 is the event twice, in any order.
    let doubled: Vec<_> = triplets.iter().map(|&(r, c, v)| (r, c, 2.0 * v)).collect();
    let repeated: Vec<_> = triplets.iter().chain(triplets.iter().rev()).copied().collect();
    let doubled = Csr::from_triplets(3_000, 700, &doubled).unwrap();
    assert_eq!(doubled, Csr::from_triplets(3_000, 700, &repeated).unwrap());
    // Rows in another order have the same vectors in that order, but for rounding.
    let reversed: Vec<_> = triplets.iter().map(|&(r, c, v)| (2_999 - r, c, v)).collect();
    let reversed = fit(2, &Csr::from_triplets(3_000, 700, &reversed).unwrap());
    for row in 0..3_000 {
        let apart = &once.rows.row(row) - &reversed.rows.row(2_999 - row);
        assert!(apart.iter().all(|v| v.abs() < 1e-2), "row {row}: {apart}");
    }
}
