//! Exact best-k by blocked products: for each row, the columns with the largest inner product.

use std::cmp::Ordering;

use ndarray::ArrayView2;

use crate::dense;
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;

const ROWS: usize = 64;
const COLUMNS: usize = 1_024;

/// For each row of `rows` (n × d), the `k` columns of `columns` (m × d) with the largest inner product, best
/// first, as (column, score); ties go to the lower column. The columns that `exclude` (n × m) holds for a row
/// are passed over. Errors on shapes that do not fit.
pub fn top_k(
    run: &Run<'_>,
    rows: ArrayView2<'_, f32>,
    columns: ArrayView2<'_, f32>,
    k: usize,
    exclude: Option<&Csr>,
) -> Result<Vec<Vec<(u32, f32)>>> {
    let (n, m, d) = (rows.nrows(), columns.nrows(), rows.ncols());
    if columns.ncols() != d {
        return Err(Error::input(
            format!("rows have {d} numbers, columns {}", columns.ncols()),
            "use vectors of one factorisation",
        ));
    }
    if let Some(exclude) = exclude.filter(|exclude| exclude.n_rows() != n || exclude.n_cols() != m) {
        return Err(Error::input(
            format!("the exclusions are {} × {}, the scores {n} × {m}", exclude.n_rows(), exclude.n_cols()),
            "give one row of exclusions per row",
        ));
    }
    let (rows, columns) = (rows.as_standard_layout(), columns.as_standard_layout());
    let (rows, columns) = (rows.as_slice().unwrap_or(&[]), columns.as_slice().unwrap_or(&[]));
    let parts = map_chunks(run, n, ROWS, |from, to| {
        let block = &rows[from * d..to * d];
        let mut scores = vec![0.0_f32; (to - from) * COLUMNS.min(m)];
        let mut best: Vec<Best> = (from..to).map(|_| Best::new(k)).collect();
        let mut start = 0;
        while start < m {
            let end = (start + COLUMNS).min(m);
            let width = end - start;
            let scores = &mut scores[..(to - from) * width];
            dense::products(scores, block, &columns[start * d..end * d], to - from, d, width);
            for (place, best) in best.iter_mut().enumerate() {
                let scores = &mut scores[place * width..(place + 1) * width];
                if let Some(exclude) = exclude {
                    let (hidden, _) = exclude.row(from + place);
                    let first = hidden.partition_point(|&column| (column as usize) < start);
                    for &column in hidden[first..].iter().take_while(|&&column| (column as usize) < end) {
                        scores[column as usize - start] = f32::NAN;
                    }
                }
                best.offer(start as u32, scores);
            }
            start = end;
        }
        best.into_iter().map(Best::finish).collect::<Vec<_>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// The best `k` of one row of scores (place = column), best first, ties to the lower column; NaN is never
/// among them.
pub fn best_of(scores: &[f32], k: usize) -> Vec<(u32, f32)> {
    let mut best = Best::new(k);
    best.offer(0, scores);
    best.finish()
}

/// Falling score, then rising column.
pub(crate) fn order(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0))
}

/// Candidates of one row: cut back to the best k whenever there are twice as many.
struct Best {
    k: usize,
    /// What a newcomer must beat; columns come in rising order, so an equal score is not enough.
    bar: f32,
    candidates: Vec<(u32, f32)>,
}

impl Best {
    fn new(k: usize) -> Best {
        Best { k, bar: f32::NEG_INFINITY, candidates: Vec::new() }
    }

    fn offer(&mut self, start: u32, scores: &[f32]) {
        if self.k == 0 {
            return;
        }
        for (place, &score) in scores.iter().enumerate() {
            if score > self.bar {
                self.candidates.push((start + place as u32, score));
                if self.candidates.len() >= 2 * self.k.max(16) {
                    self.cut();
                }
            }
        }
    }

    fn cut(&mut self) {
        if self.candidates.len() > self.k {
            self.candidates.select_nth_unstable_by(self.k - 1, order);
            self.candidates.truncate(self.k);
            self.bar = self.candidates.last().map_or(f32::NEG_INFINITY, |last| last.1);
        }
    }

    fn finish(mut self) -> Vec<(u32, f32)> {
        self.cut();
        self.candidates.sort_unstable_by(order);
        self.candidates
    }
}
