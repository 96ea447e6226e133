//! What scores the columns of a row from the columns that the row holds already, and the best of them.
//!
//! Every recommender of this crate is one: [`FoldedIn`] (implicit factorisation), [`crate::ease::FittedEase`],
//! [`crate::graph_filter::FittedGraphFilter`] and their [`crate::blend::Blend`]. Nothing is kept per row, so rows
//! that come later are scored as those that were learned from.

use ndarray::ArrayView2;

use crate::als::{Factors, Solver, check_values};
use crate::check;
use crate::dense;
use crate::error::{Error, Result};
use crate::metrics;
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k::best_of;

/// Rows scored at once.
const ROWS: usize = 32;

/// Scores columns for rows.
pub trait Recommender: Sync {
    /// Number of columns, those of the matrix that was learned from.
    fn n_columns(&self) -> usize;

    /// Scores of all columns for the rows `from..to` of `rows` (any rows × the known columns), row by row: larger is
    /// better. Scores of one row compare with each other, not with another row's. Called in parallel, for few rows
    /// at a time; the caller has seen to the shapes.
    fn scores(&self, run: &Run<'_>, rows: &Csr, from: usize, to: usize) -> Result<Vec<f32>>;
}

/// The `k` columns with the best scores for each of `rows` (any rows × the known columns), best first, ties to
/// the lower column. The columns that `exclude` (of the same shape) holds for a row are passed over. Errors on
/// another number of columns, on values below 0 and on exclusions of another shape.
pub fn top_k(
    run: &Run<'_>,
    recommender: &dyn Recommender,
    rows: &Csr,
    k: usize,
    exclude: Option<&Csr>,
) -> Result<Vec<Vec<(u32, f32)>>> {
    let m = recommender.n_columns();
    check::same_columns(rows.n_cols(), m)?;
    check_values(rows)?;
    if let Some(exclude) = exclude.filter(|e| e.n_rows() != rows.n_rows() || e.n_cols() != m) {
        return Err(Error::input(
            format!(
                "the exclusions are {} × {}, the rows {} × {m}",
                exclude.n_rows(),
                exclude.n_cols(),
                rows.n_rows()
            ),
            "give one row of exclusions per row",
        ));
    }
    let parts = map_chunks(run, rows.n_rows(), ROWS, |from, to| {
        let mut scores = recommender.scores(run, rows, from, to)?;
        check::finite("the scores", scores.iter())?;
        let best = scores.chunks_exact_mut(m.max(1)).zip(from..to).map(|(scores, row)| {
            hide(scores, exclude, row);
            best_of(scores, k)
        });
        Ok(best.collect::<Vec<_>>())
    })?;
    let parts: Vec<_> = parts.into_iter().collect::<Result<_>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// Marks one row's exclusions, so that they are never among the best.
pub(crate) fn hide(scores: &mut [f32], exclude: Option<&Csr>, row: usize) {
    let hidden = exclude.map_or(&[][..], |exclude| exclude.row(row).0);
    hidden.iter().for_each(|&column| scores[column as usize] = f32::NAN);
}

/// An implicit factorisation as a recommender: a row's vector is found from its values, then multiplied with
/// all columns' vectors.
#[derive(Debug)]
pub struct FoldedIn {
    solver: Solver,
}

impl FoldedIn {
    /// Prepares the columns' vectors once.
    pub fn new(run: &Run<'_>, factors: &Factors) -> Result<FoldedIn> {
        Ok(FoldedIn { solver: factors.row_solver(run)? })
    }

    /// The columns' vectors, n_columns × n_factors.
    pub fn columns(&self) -> ArrayView2<'_, f32> {
        self.solver.other()
    }
}

impl Recommender for FoldedIn {
    fn n_columns(&self) -> usize {
        self.solver.other().nrows()
    }

    fn scores(&self, run: &Run<'_>, rows: &Csr, from: usize, to: usize) -> Result<Vec<f32>> {
        let vectors = self.solver.solve(run, &rows.slice_rows(from..to)?)?;
        let columns = self.solver.other();
        let ((m, d), columns) = (columns.dim(), columns.as_standard_layout());
        let mut scores = vec![0.0_f32; (to - from) * m];
        let (vectors, columns) = (vectors.as_slice().unwrap_or(&[]), columns.as_slice().unwrap_or(&[]));
        dense::products(&mut scores, vectors, columns, to - from, d, m);
        Ok(scores)
    }
}

/// How well the best `k` columns of some rows hold what was kept aside from them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Judged {
    /// Mean over rows of the share of the wanted columns that are among the best.
    pub recall: f64,
    /// Mean over rows of the normalised discounted cumulative gain.
    pub ndcg: f64,
    /// Rows with something wanted.
    pub n_rows: usize,
}

impl Judged {
    pub(crate) fn mean(each: impl Iterator<Item = (f64, f64)>) -> Judged {
        let mut sum = Judged::default();
        for (recall, ndcg) in each {
            sum.recall += recall;
            sum.ndcg += ndcg;
            sum.n_rows += 1;
        }
        let n = sum.n_rows.max(1) as f64;
        Judged { recall: sum.recall / n, ndcg: sum.ndcg / n, n_rows: sum.n_rows }
    }
}

/// Judges the best `k` columns of `rows` by `wanted` (of the same shape, what was kept aside); the columns that a
/// row holds are passed over where `exclude_held`. Errors as [`top_k`].
pub fn judge(
    run: &Run<'_>,
    recommender: &dyn Recommender,
    rows: &Csr,
    wanted: &Csr,
    k: usize,
    exclude_held: bool,
) -> Result<Judged> {
    check_wanted(rows, wanted)?;
    let best = top_k(run, recommender, rows, k, exclude_held.then_some(rows))?;
    Ok(Judged::mean(best.iter().enumerate().filter_map(|(row, best)| {
        let best: Vec<u32> = best.iter().map(|best| best.0).collect();
        let wanted = wanted.row(row).0;
        metrics::recall(&best, wanted).zip(metrics::ndcg(&best, wanted))
    })))
}

pub(crate) fn check_wanted(rows: &Csr, wanted: &Csr) -> Result<()> {
    if (rows.n_rows(), rows.n_cols()) == (wanted.n_rows(), wanted.n_cols()) {
        return Ok(());
    }
    Err(Error::input(
        format!(
            "{} × {} kept aside from {} × {}",
            wanted.n_rows(),
            wanted.n_cols(),
            rows.n_rows(),
            rows.n_cols()
        ),
        "number rows and columns the same in both",
    ))
}
