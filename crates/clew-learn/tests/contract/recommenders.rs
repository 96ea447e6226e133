//! Blends and pairs of columns under the contract.

use std::sync::Arc;

use clew_learn::als::ImplicitAls;
use clew_learn::blend::{Blend, BlendSearch, Member};
use clew_learn::cooccurrence::{Cooccurrence, FittedCooccurrence};
use clew_learn::ease::Ease;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::recommender::{Recommender, top_k};
use clew_learn::sparse::Csr;
use clew_learn::{Error, Result, Run};

use crate::common::{run, with_run};
use crate::harness::keep;

const ROWS: u32 = 900;
const COLUMNS: u32 = 120;

fn triplets() -> Vec<(u32, u32, f32)> {
    let place =
        |n: u32| (n.wrapping_mul(2_654_435_761) % ROWS, n.wrapping_mul(40_503) % COLUMNS * (n % 7) / 7);
    (0..9_000).map(place).map(|(row, column)| (row, column, 1.0)).collect()
}

fn matrix(triplets: &[(u32, u32, f32)]) -> Csr {
    Csr::from_triplets(ROWS as usize, COLUMNS as usize, triplets).unwrap()
}

fn blend(run: &Run<'_>, matrix: &Csr) -> Result<Arc<Blend>> {
    let als = ImplicitAls { n_factors: 8, n_sweeps: 4, ..Default::default() };
    let filter = GraphFilter { n_factors: 4, n_neighbours: 30, ..Default::default() };
    let ease = Ease { regularisation: 5.0 };
    let members = vec![
        (Member::Factors(als.fit(run, matrix, None)?), 0.5),
        (Member::Ease(ease.fit(run, matrix, &vec![1.0; matrix.n_rows()])?), 1.0),
        (Member::GraphFilter(filter.fit(run, matrix)?), 0.7),
    ];
    Ok(Arc::new(Blend::new(members)?))
}

fn scores(run: &Run<'_>, blend: &Arc<Blend>, rows: &Csr) -> Vec<f32> {
    blend.prepare(run).unwrap().scores(run, rows, 0, rows.n_rows()).unwrap()
}

#[test]
fn a_blend_keeps_to_it() {
    let train = matrix(&triplets());
    let fit = |n_threads| with_run(n_threads, 5, |run| blend(run, &train)).unwrap();
    let once = fit(1);
    let scored = |n_threads| with_run(n_threads, 5, |run| scores(run, &once, &train));
    let best = |n_threads| {
        with_run(n_threads, 5, |run| {
            top_k(run, &once.prepare(run).unwrap(), &train, 10, Some(&train)).unwrap()
        })
    };
    for n_threads in [1, 2, 3] {
        assert_eq!(once, fit(n_threads), "{n_threads} threads");
        assert_eq!(scored(1), scored(n_threads), "{n_threads} threads");
        assert_eq!(best(1), best(n_threads), "{n_threads} threads");
    }
    let (file, bytes) = keep(|writer| once.write(writer, "m")).unwrap();
    let again = Arc::new(Blend::read(&file, "m").unwrap());
    assert_eq!(scored(1), run(|run| scores(run, &again, &train)));
    assert_eq!(bytes, keep(|writer| again.write(writer, "m")).unwrap().1);
    // Events twice, in any order, are events of value 2: the same matrix, hence the same scores.
    let doubled: Vec<_> = triplets().iter().map(|&(r, c, v)| (r, c, 2.0 * v)).collect();
    let repeated: Vec<_> = triplets().into_iter().chain(triplets().into_iter().rev()).collect();
    let of = |events: &[_]| run(|run| scores(run, &blend(run, &matrix(events)).unwrap(), &train));
    assert_eq!(of(&doubled), of(&repeated));
}

#[test]
fn weights_of_a_blend_are_the_same_with_any_number_of_threads() {
    let split = |kept: bool| -> Vec<_> {
        let all = triplets().into_iter().enumerate();
        all.filter(|(place, _)| (place % 5 == 0) == kept).map(|(_, triplet)| triplet).collect()
    };
    let (train, wanted) = (matrix(&split(false)), matrix(&split(true)));
    let choose = |n_threads| {
        with_run(n_threads, 5, |run| {
            let ease = Ease { regularisation: 5.0 }.fit(run, &train, &vec![1.0; train.n_rows()])?;
            let filter = GraphFilter { n_neighbours: 30, ..Default::default() }.fit(run, &train)?;
            BlendSearch::default().choose(run, &[&ease, &filter], &train, &wanted)
        })
        .unwrap()
    };
    let once = choose(1);
    assert!(once == choose(2) && once == choose(3));
}

#[test]
fn faults_of_a_blend_are_named() {
    let member = |n_columns: usize| {
        let matrix = Csr::from_triplets(4, n_columns, &[(0, 0, 1.0), (1, 1, 1.0), (2, 0, 1.0)]).unwrap();
        Member::Ease(run(|run| Ease::default().fit(run, &matrix, &[1.0; 4])).unwrap())
    };
    let faults = [
        ("nothing", vec![]),
        ("nothing", vec![(member(3), 0.0)]),
        ("recommender 1", vec![(member(3), 1.0), (member(3), -1.0)]),
        ("recommender 0", vec![(member(3), f32::NAN)]),
        ("recommender 1", vec![(member(3), 1.0), (member(4), 1.0)]),
    ];
    for (place, members) in faults {
        named(place, Blend::new(members));
    }
    let blend = Arc::new(Blend::new(vec![(member(3), 1.0)]).unwrap());
    let other = Csr::from_triplets(2, 5, &[(0, 4, 1.0)]).unwrap();
    named("columns", run(|run| top_k(run, &blend.prepare(run)?, &other, 2, None)));
}

#[test]
fn pairs_of_columns_keep_to_it() {
    let train = matrix(&triplets());
    let weight: Vec<f32> = (0..ROWS).map(|row| [1.0, 2.0, 0.0][row as usize % 3]).collect();
    let pairs = Cooccurrence { least_together: 1.0, least_ratio: 0.0, ..Default::default() };
    let fit = |n_threads, matrix: &Csr, weight: &[f32]| {
        with_run(n_threads, 5, |run| pairs.fit(run, matrix, weight)).unwrap()
    };
    let once = fit(1, &train, &weight);
    assert!(once == fit(2, &train, &weight) && once == fit(3, &train, &weight));
    assert!((0..COLUMNS as usize).any(|column| once.pairs(column).next().is_some()));
    let (file, bytes) = keep(|writer| once.write(writer, "m")).unwrap();
    let again = FittedCooccurrence::read(&file, "m").unwrap();
    assert_eq!(once, again);
    assert_eq!(bytes, keep(|writer| again.write(writer, "m")).unwrap().1);
    // Whole weights add up exactly, so rows in another order and rows of weight 2 twice give the same bits.
    let reversed: Vec<_> = triplets().into_iter().map(|(r, c, v)| (ROWS - 1 - r, c, v)).collect();
    let of_reversed: Vec<f32> = weight.iter().rev().copied().collect();
    assert_eq!(once, fit(2, &matrix(&reversed), &of_reversed));
    let mut repeated = Vec::new();
    let mut n = 0;
    for row in 0..train.n_rows() {
        for _ in 0..[1, 2, 0][row % 3] {
            repeated.extend(train.row(row).0.iter().map(|&column| (n, column, 1.0)));
            n += 1;
        }
    }
    let repeated = Csr::from_triplets(n as usize, COLUMNS as usize, &repeated).unwrap();
    assert_eq!(once, fit(2, &repeated, &vec![1.0; n as usize]));
}

#[test]
fn faults_of_pairs_are_named() {
    let train = matrix(&triplets());
    let ones = vec![1.0; ROWS as usize];
    let mut negative = ones.clone();
    negative[17] = -1.0;
    let mut infinite = ones.clone();
    infinite[17] = f32::INFINITY;
    let zeros = vec![0.0; ROWS as usize];
    let none = Csr::from_triplets(0, 3, &[]).unwrap();
    let faults: [(&str, &Csr, &[f32]); 5] = [
        ("17", &train, &negative),
        ("17", &train, &infinite),
        ("899 weights", &train, &ones[1..]),
        ("weights are 0", &train, &zeros),
        ("0 rows", &none, &[]),
    ];
    for (place, rows, weight) in faults {
        named(place, run(|run| Cooccurrence::default().fit(run, rows, weight)));
    }
}

pub fn named<T>(place: &str, found: Result<T>) {
    match found {
        Err(Error::Input { place: found, remedy }) => {
            assert!(found.contains(place), "'{found}' does not say '{place}'");
            assert!(remedy.len() > 10, "'{remedy}'");
        }
        Err(error) => panic!("'{place}': {error}"),
        Ok(_) => panic!("taken with the fault '{place}'"),
    }
}
