//! Every recommender: fills a checkerboard's withheld diagonal, passes over what is excluded, is the same bits with
//! any number of threads and after saving, names faults; and what only one of them does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use clew_learn::als::ImplicitAls;
use clew_learn::blend::{Blend, BlendSearch, Member};
use clew_learn::ease::Ease;
use clew_learn::format::{File, Writer};
use clew_learn::graph_filter::GraphFilter;
use clew_learn::recommender::{Recommender, judge, top_k};
use clew_learn::sparse::Csr;
use clew_learn::{Result, Run};

mod common;
use common::{run, with_run};

/// A name and the recommender as members of a blend, one or several.
type Way = (&'static str, fn(&Run<'_>, &Csr) -> Result<Vec<Member>>);

fn ways() -> [Way; 5] {
    fn factors(run: &Run<'_>, matrix: &Csr) -> Result<Member> {
        let als = ImplicitAls { n_factors: 4, n_sweeps: 8, ..Default::default() };
        Ok(Member::Factors(als.fit(run, matrix, None)?))
    }
    fn ease(run: &Run<'_>, matrix: &Csr) -> Result<Member> {
        let ease = Ease { regularisation: 5.0 };
        Ok(Member::Ease(ease.fit(run, matrix, &vec![1.0; matrix.n_rows()])?))
    }
    fn neighbours(run: &Run<'_>, matrix: &Csr) -> Result<Member> {
        let filter =
            GraphFilter { n_factors: 0, row_exponent: 0.3, popularity_exponent: 0.1, ..Default::default() };
        Ok(Member::GraphFilter(filter.fit(run, matrix)?))
    }
    fn filter(run: &Run<'_>, matrix: &Csr) -> Result<Member> {
        let filter = GraphFilter { n_factors: 2, n_neighbours: 50, ..Default::default() };
        Ok(Member::GraphFilter(filter.fit(run, matrix)?))
    }
    [
        ("factorisation", |run, matrix| Ok(vec![factors(run, matrix)?])),
        ("ridge regression", |run, matrix| Ok(vec![ease(run, matrix)?])),
        ("neighbours", |run, matrix| Ok(vec![neighbours(run, matrix)?])),
        ("graph filter", |run, matrix| Ok(vec![filter(run, matrix)?])),
        ("blend", |run, matrix| {
            Ok(vec![
                factors(run, matrix)?,
                ease(run, matrix)?,
                neighbours(run, matrix)?,
                filter(run, matrix)?,
            ])
        }),
    ]
}

fn blend(run: &Run<'_>, way: &Way, matrix: &Csr) -> Result<Arc<Blend>> {
    Ok(Arc::new(Blend::new((way.1)(run, matrix)?.into_iter().map(|member| (member, 1.0)).collect())?))
}

/// Black squares of n × n, the diagonal (black too) withheld.
fn checkerboard(n: u32) -> Csr {
    let all = (0..n).flat_map(|row| (0..n).map(move |column| (row, column, 1.0)));
    let shown: Vec<_> = all.filter(|(row, column, _)| (row + column) % 2 == 0 && row != column).collect();
    Csr::from_triplets(n as usize, n as usize, &shown).unwrap()
}

fn scattered(n_rows: u32, n_columns: u32, n: u32) -> Csr {
    let place =
        |n: u32| (n.wrapping_mul(2_654_435_761) % n_rows, n.wrapping_mul(40_503) % n_columns * (n % 7) / 7);
    let triplets: Vec<(u32, u32, f32)> = (0..n).map(place).map(|(row, column)| (row, column, 1.0)).collect();
    Csr::from_triplets(n_rows as usize, n_columns as usize, &triplets).unwrap()
}

#[test]
fn a_withheld_diagonal_is_filled() {
    let matrix = checkerboard(50);
    for way in ways() {
        let best = run(|run| {
            let blend = blend(run, &way, &matrix).unwrap().prepare(run).unwrap();
            top_k(run, &blend, &matrix, 1, Some(&matrix)).unwrap()
        });
        for (row, best) in best.iter().enumerate() {
            assert_eq!(best[0].0, row as u32, "{}", way.0);
        }
    }
}

#[test]
fn what_is_excluded_is_passed_over_and_rows_may_be_new() {
    let matrix = checkerboard(50);
    let new = Csr::from_triplets(2, 50, &[(0, 2, 1.0), (0, 8, 1.0), (1, 3, 1.0)]).unwrap();
    for way in ways() {
        let best = run(|run| {
            let blend = blend(run, &way, &matrix).unwrap().prepare(run).unwrap();
            top_k(run, &blend, &new, 50, Some(&new)).unwrap()
        });
        assert_eq!((best[0].len(), best[1].len()), (48, 49), "{}", way.0);
        for (row, best) in best.iter().enumerate() {
            assert!(best.iter().all(|found| new.row(row).0.binary_search(&found.0).is_err()), "{}", way.0);
            assert!(best.iter().take(23).all(|found| found.0 as usize % 2 == row), "{}: {best:?}", way.0);
        }
    }
}

#[test]
fn same_seed_same_bits_with_any_number_of_threads_and_after_saving() {
    let matrix = scattered(700, 300, 9_000);
    for way in ways() {
        let fit = |n_threads| with_run(n_threads, 3, |run| blend(run, &way, &matrix)).unwrap();
        let once = fit(1);
        assert_eq!(once, fit(2), "{}", way.0);
        assert_eq!(once, fit(3), "{}", way.0);
        let mut writer = Writer::new();
        once.write(&mut writer, "blend").unwrap();
        let file = File::open(Arc::new(writer.finish())).unwrap();
        let again = Arc::new(Blend::read(&file, "blend").unwrap());
        let best = |n_threads, blend: &Arc<Blend>| {
            with_run(n_threads, 3, |run| top_k(run, &blend.prepare(run)?, &matrix, 9, Some(&matrix))).unwrap()
        };
        assert_eq!(best(1, &once), best(2, &again), "{}", way.0);
    }
}

#[test]
fn faults_are_named() {
    let empty = Csr::from_triplets(3, 4, &[]).unwrap();
    let negative = Csr::from_triplets(2, 2, &[(0, 1, 1.0), (1, 0, -1.0)]).unwrap();
    let matrix = checkerboard(10);
    for way in ways() {
        let refused = |matrix: &Csr| run(|run| (way.1)(run, matrix)).unwrap_err().to_string();
        assert!(refused(&empty).contains("no values"), "{}", refused(&empty));
        assert!(refused(&negative).contains("row 1, column 0"), "{}", refused(&negative));
        let message = run(|run| {
            let blend = blend(run, &way, &matrix).unwrap().prepare(run).unwrap();
            top_k(run, &blend, &empty, 1, None).unwrap_err().to_string()
        });
        assert!(message.contains("4 columns where 10"), "{}: {message}", way.0);
    }
    let wide = Csr::from_triplets(1, 20_001, &[(0, 0, 1.0)]).unwrap();
    let message = run(|run| Ease::default().fit(run, &wide, &[1.0])).unwrap_err().to_string();
    assert!(message.contains("20001 columns") && message.contains("graph filter"), "{message}");
    let message = run(|run| Ease::default().fit(run, &matrix, &[-1.0; 10])).unwrap_err().to_string();
    assert!(message.contains("row 0 has the weight -1"), "{message}");
    assert!(Blend::new(Vec::new()).is_err());
}

#[test]
fn many_columns_are_solved_as_few_are() {
    // Across several blocks of the sweep: the coefficients fulfil the normal equations, column by column.
    let (n_rows, m, lambda) = (900, 300, 20.0);
    let matrix = scattered(n_rows as u32, m as u32, 20_000);
    let fitted = run(|run| Ease { regularisation: lambda }.fit(run, &matrix, &vec![1.0; n_rows])).unwrap();
    let mut gramian = vec![0.0_f64; m * m];
    for row in 0..n_rows {
        let (columns, values) = matrix.row(row);
        for (&i, &a) in columns.iter().zip(values) {
            for (&j, &b) in columns.iter().zip(values) {
                gramian[i as usize * m + j as usize] += f64::from(a) * f64::from(b);
            }
        }
    }
    for to in 0..m {
        assert_eq!(fitted.coefficient(to, to), 0.0);
        for from in (0..m).filter(|&from| from != to) {
            // The gradient of the loss by B(from, to).
            let pulled: f64 =
                (0..m).map(|k| gramian[from * m + k] * f64::from(fitted.coefficient(k, to))).sum();
            let left = pulled + f64::from(lambda * fitted.coefficient(from, to)) - gramian[from * m + to];
            assert!(left.abs() < 1e-3, "{from} to {to}: {left}");
        }
    }
}

#[test]
fn a_blend_orders_what_was_kept_aside_at_least_as_well_as_its_best_member() {
    // Two blocks of rows with different tastes; every fifth cell is kept aside.
    let cells = (0..40_000_u32).map(|n| n.wrapping_mul(2_654_435_761) >> 7);
    let cells =
        cells.map(|n| (n % 400, (n / 400) % 60 + if (n / 24_000) % 10 < 8 { (n % 2) * 60 } else { 0 }));
    let (kept, aside): (Vec<_>, Vec<_>) = cells
        .filter(|(row, column)| (row * 7 + column * 3) % 4 != 0)
        .map(|(row, column)| (row, column, 1.0))
        .partition(|(row, column, _)| (row * 13 + column) % 5 != 0);
    let kept = Csr::from_triplets(400, 120, &kept).unwrap();
    let aside = Csr::from_triplets(400, 120, &aside).unwrap();
    run(|run| {
        let fitted: Vec<_> =
            ways()[..4].iter().map(|way| blend(run, way, &kept).unwrap().prepare(run).unwrap()).collect();
        let members: Vec<&dyn Recommender> = fitted.iter().map(|member| member as &dyn Recommender).collect();
        let choice = BlendSearch::default().choose(run, &members, &kept, &aside).unwrap();
        for (alone, member) in choice.alone.iter().zip(&members) {
            assert!(choice.together.ndcg >= alone.ndcg);
            // Judged from the candidates alone, a recommender does as it does over all columns.
            let all = judge(run, *member, &kept, &aside, 20, true).unwrap();
            assert!((alone.ndcg - all.ndcg).abs() < 1e-9 && (alone.recall - all.recall).abs() < 1e-9);
        }
        assert!(choice.weights.contains(&1.0));
        assert_eq!(choice, BlendSearch::default().choose(run, &members, &kept, &aside).unwrap());
        assert!(
            BlendSearch::default()
                .choose(run, &members, &kept, &Csr::from_triplets(400, 120, &[]).unwrap())
                .is_err()
        );
    });
}
