//! Online learners under the contract.

use clew_learn::Error;
use clew_learn::online_logistic::{FittedOnlineLogistic, OnlineLogistic};

use crate::common::{run, with_run};
use crate::harness::{Candidate, Cases, keep, sample, sparse};

pub fn candidates() -> Vec<Candidate> {
    vec![]
}

/// Rows in another order give another model, and a row of weight 2 is one longer step: what is left of the
/// contract for who sees each row once.
#[test]
fn the_online_logistic_keeps_to_what_can_be_kept() {
    let (train, judged) = sample();
    let learn = |n_threads, cases: &Cases| {
        with_run(n_threads, n_threads as u64, |run| {
            let mut model = OnlineLogistic::default().start(6)?;
            model.learn(run, &sparse(&cases.x)?, &cases.y, &cases.weight)?;
            Ok::<_, Error>(model)
        })
    };
    let once = learn(1, &train).unwrap();
    assert_eq!(once, learn(2, &train).unwrap());
    assert_eq!(once, learn(3, &train).unwrap());
    let mut without = train.clone();
    without.weight = (0..5_000).map(|row| (row % 2) as f32).collect();
    let odd = without.select(&(1..5_000).step_by(2).collect::<Vec<_>>());
    assert_eq!(learn(2, &without).unwrap(), learn(2, &odd).unwrap());
    let (file, _) = keep(|writer| once.write(writer, "m")).unwrap();
    let again = FittedOnlineLogistic::read(&file, "m").unwrap();
    let judged = sparse(&judged).unwrap();
    assert_eq!(run(|run| once.predict(run, &judged)), run(|run| again.predict(run, &judged)));
    let mut infinite = train.clone();
    infinite.x[[17, 0]] = f32::INFINITY;
    let mut negative = train.clone();
    negative.weight[17] = -1.0;
    let mut short = train.clone();
    short.weight.pop();
    for (place, cases) in [("17", &infinite), ("17", &negative), ("4999 weights", &short)] {
        match learn(2, cases) {
            Err(Error::Input { place: found, .. }) => assert!(found.contains(place), "'{found}'"),
            other => panic!("'{place}': {other:?}"),
        }
    }
}
