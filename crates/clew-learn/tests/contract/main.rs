//! What every estimator keeps to: same seed same bits, one thread as two, rows in any order, weight 2 is the
//! row twice, faults refused with place and remedy, saved and loaded equal. Each family lists its estimators
//! in a file of its own.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use clew_learn::Error;

#[path = "../common/mod.rs"]
mod common;

mod cluster;
mod factorisation;
mod harness;
mod judging;
mod linear;
mod network;
mod online;
mod parameters;
mod recommenders;
mod trees;

use common::{run, with_run};
use harness::{Candidate, assert_near, sample};

fn candidates() -> Vec<Candidate> {
    let families: [fn() -> Vec<Candidate>; 5] =
        [linear::candidates, trees::candidates, judging::candidates, network::candidates, online::candidates];
    families.into_iter().flat_map(|family| family()).collect()
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
