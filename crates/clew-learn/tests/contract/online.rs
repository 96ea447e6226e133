//! Online learners under the contract.

use clew_learn::Error;
use clew_learn::als::ImplicitAls;
use clew_learn::online_factors::{FittedOnlineFactors, OnlineFactors};
use clew_learn::online_logistic::{FittedOnlineLogistic, OnlineLogistic};
use clew_learn::sparse::Csr;

use crate::common::{run, with_run};
use crate::harness::{Candidate, Cases, keep, sample, sparse};
use crate::recommenders::named;

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

/// As the online logistic; the vectors move with each event in turn, so its order matters, threads do not.
#[test]
fn the_online_factorisation_keeps_to_what_can_be_kept() {
    let place = |n: u32| (n.wrapping_mul(2_654_435_761) % 300, n.wrapping_mul(40_503) % 80 * (n % 7) / 7);
    let events: Vec<_> = (0..5_000).map(place).map(|(row, column)| (row, column, 1.0)).collect();
    let (early, late) = events.split_at(3_000);
    let matrix = Csr::from_triplets(300, 80, early).unwrap();
    let als = ImplicitAls { n_factors: 8, n_sweeps: 4, ..Default::default() };
    let online = OnlineFactors { most_rows: 250, refresh_events: 700, ..Default::default() };
    let learn = |n_threads, late: &[(u32, u32, f32)]| {
        with_run(n_threads, 5, |run| {
            let mut fit = online.start(run, &als.fit(run, &matrix, None)?, &matrix)?;
            fit.update(run, late)?;
            Ok::<_, Error>(fit)
        })
    };
    let once = learn(1, late).unwrap();
    assert!(once == learn(2, late).unwrap() && once == learn(3, late).unwrap());
    // An event of value 0 is no event, as a row of weight 0 is no row.
    let zeros: Vec<_> = late.iter().flat_map(|&event| [event, (event.0, event.1, 0.0)]).collect();
    assert_eq!(once, learn(2, &zeros).unwrap());
    let (file, bytes) = keep(|writer| once.write(writer, "m")).unwrap();
    let again = FittedOnlineFactors::read(&file, "m").unwrap();
    assert_eq!(once, again);
    assert_eq!(bytes, keep(|writer| again.write(writer, "m")).unwrap().1);
    for (place, event) in [
        ("event 17", (3, 4, -1.0)),
        ("event 17", (3, 4, f32::NAN)),
        ("event 17", (3, 4, f32::INFINITY)),
        ("column 1000000", (3, 1_000_000, 1.0)),
    ] {
        let mut wrong = late.to_vec();
        wrong[17] = event;
        named(place, learn(2, &wrong));
    }
    let other = Csr::from_triplets(299, 80, &[(0, 0, 1.0)]).unwrap();
    named("299", run(|run| online.start(run, &als.fit(run, &matrix, None)?, &other)));
}
