//! The choice of rank and penalties: planted ranks are found, times are kept to, the table says what was tried,
//! and on real data the choice does better than where it started.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use clew_learn::Error;
use clew_learn::als::ImplicitAls;
use clew_learn::format::{File, Writer};
use clew_learn::top_k::top_k;
use clew_learn::tuning::{Tuned, Tuning};
use rand::Rng;

mod common;
#[path = "common/gowalla.rs"]
mod gowalla;
use common::{run, with_run};

const SHAPE: (usize, usize) = (1_500, 400);

/// Each row takes 24 columns, nine in ten of one of the two kinds it belongs to, of `n_kinds`.
fn planted(n_kinds: u32) -> Vec<(u32, u32, f32)> {
    with_run(1, 3, |run| {
        let mut rng = run.rng(1);
        let mut events = vec![];
        for row in 0..SHAPE.0 as u32 {
            let kinds = [rng.random_range(0..n_kinds), rng.random_range(0..n_kinds)];
            for _ in 0..24 {
                let any = rng.random_range(0..SHAPE.1 as u32);
                let kind = kinds[rng.random_range(0..2_usize)];
                let column = if rng.random::<f32>() < 0.9 { any / n_kinds * n_kinds + kind } else { any };
                events.push((row, column.min(SHAPE.1 as u32 - 1), 1.0));
            }
        }
        events
    })
}

fn tuning() -> Tuning {
    Tuning { n_factors: vec![2, 4, 8, 16, 32, 64], n_sweeps: 3, n_fits: 60, ..Default::default() }
}

fn choose(tuning: &Tuning, events: &[(u32, u32, f32)], times: Option<&[i64]>) -> Tuned {
    run(|run| tuning.choose(run, &ImplicitAls::default(), SHAPE, events, times)).unwrap()
}

#[test]
fn planted_ranks_are_found() {
    for (n_kinds, fitting) in [(5, 4..=8), (20, 16..=32)] {
        let tuned = choose(&tuning(), &planted(n_kinds), None);
        assert!(fitting.contains(&tuned.params.n_factors), "{n_kinds} kinds: {:?}", tuned.params);
        let (first, best) = (tuned.trials[0], *tuned.best().unwrap());
        assert!(best.ndcg > first.ndcg + 3.0 * best.standard_error);
        assert_eq!((tuned.n_rows, tuned.cutoff), (1_500, None));
        assert!(tuned.n_judged <= 1_500 && tuned.trials.len() <= 60);
    }
}

#[test]
fn what_came_later_decides_and_the_order_of_events_does_not() {
    // The first 18 events of a row happen on the days 0 to 17, the last 6 on the days 18 to 23.
    let events = planted(5);
    let times: Vec<i64> = (0..events.len()).map(|place| (place % 24) as i64).collect();
    let tuning = Tuning { n_factors: vec![8], validation_share: 0.25, n_fits: 5, ..tuning() };
    let tuned = choose(&tuning, &events, Some(&times));
    assert_eq!(tuned.cutoff, Some(18));
    let (mut turned, mut turned_times) = (events.clone(), times.clone());
    turned.reverse();
    turned_times.reverse();
    let again = choose(&tuning, &turned, Some(&turned_times));
    assert_eq!(tuned, again);
    // Behaviour that is another after the cutoff is not found: the figures are about the later events.
    let changed: Vec<_> = events
        .iter()
        .zip(&times)
        .map(|(&(r, c, v), &time)| (r, if time < 18 { c } else { (c * 7 + r * 13) % 400 }, v))
        .collect();
    let chance = choose(&tuning, &changed, Some(&times)).trials[0].ndcg;
    assert!(tuned.trials[0].ndcg > 2.0 * chance, "{} against {chance}", tuned.trials[0].ndcg);
    // All at once: times say nothing, and events are left out by chance.
    assert_eq!(choose(&tuning, &events, Some(&vec![3; events.len()])).cutoff, None);
}

#[test]
fn the_budget_holds_and_the_bits_do_not_depend_on_the_threads() {
    let events = planted(5);
    let tuning = Tuning { n_factors: vec![4, 8], n_rows: 700, n_judged: 200, n_fits: 7, ..tuning() };
    let choose = |n_threads, seed| {
        with_run(n_threads, seed, |run| {
            tuning.choose(run, &ImplicitAls::default(), SHAPE, &events, None).unwrap()
        })
    };
    let tuned = choose(1, 5);
    assert_eq!((tuned.trials.len(), tuned.n_rows, tuned.n_judged), (7, 700, 200));
    assert_eq!(tuned, choose(2, 5));
    assert_eq!(tuned, choose(3, 5));
    assert_ne!(tuned.trials, choose(2, 6).trials);
    let mut writer = Writer::new();
    tuned.write(&mut writer, "m").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert_eq!(tuned, Tuned::read(&file, "m").unwrap());
}

#[test]
fn faults_are_refused_with_a_place() {
    let events = planted(5);
    let fails =
        |tuning: Tuning, base: ImplicitAls, events: &[(u32, u32, f32)], times, word: &str| match run(|run| {
            tuning.choose(run, &base, SHAPE, events, times)
        }) {
            Err(Error::Input { place, remedy }) => {
                assert!(place.contains(word) && remedy.len() > 10, "'{place}' for '{word}'");
            }
            other => panic!("{word}: {other:?}"),
        };
    let base = ImplicitAls::default();
    fails(tuning(), base.clone(), &[], None, "no row");
    fails(tuning(), base.clone(), &events, Some(&[1, 2]), "2 times");
    fails(tuning(), base.clone(), &[(0, 1, 1.0), (0, 400, 1.0)], None, "event 1");
    fails(tuning(), base.clone(), &[(0, 1, f32::NAN)], None, "event 0");
    fails(Tuning { validation_share: f64::NAN, ..tuning() }, base.clone(), &events, None, "NaN");
    fails(Tuning { n_fits: 0, ..tuning() }, base.clone(), &events, None, "0 ");
    fails(Tuning { n_factors: vec![8, 0], ..tuning() }, base.clone(), &events, None, "0 factors");
    fails(Tuning { regularisations: vec![-1.0], ..tuning() }, base, &events, None, "penalties");
}

#[test]
fn on_check_ins_the_choice_does_better_than_the_defaults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gowalla");
    if !folder.exists() {
        eprintln!("skipped: there is no {}", folder.display());
        return;
    }
    let data = gowalla::Gowalla::read(&folder).every(8);
    let train = &data.train;
    let events: Vec<(u32, u32, f32)> = (0..train.n_rows())
        .flat_map(|row| train.row(row).0.iter().map(move |&column| (row as u32, column, 1.0)))
        .collect();
    let tuning = Tuning { n_factors: vec![32, 64], n_sweeps: 2, n_fits: 12, ..Default::default() };
    let base = ImplicitAls { n_sweeps: 6, ..Default::default() };
    let shape = (train.n_rows(), train.n_cols());
    let tuned = run(|run| tuning.choose(run, &base, shape, &events, None)).unwrap();
    let test = |als: &ImplicitAls| {
        let best = run(|run| {
            let factors = als.fit(run, train, None).unwrap();
            top_k(run, factors.rows.view(), factors.columns.view(), 20, Some(train)).unwrap()
        });
        data.judge(&best)
    };
    let (chosen, default) = (test(&tuned.params), test(&base));
    assert!(chosen.1 > default.1, "{chosen:?} with {:?}, {default:?} by default", tuned.params);
}
