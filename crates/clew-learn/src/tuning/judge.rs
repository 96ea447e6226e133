//! How well vectors rank what was kept back.

use ndarray::{Array2, Axis};

use super::split::Parts;
use super::{Figure, Tuning};
use crate::error::Result;
use crate::metrics;
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k::top_k;

/// The judged rows and what they had already.
pub(super) struct Judge<'a> {
    tuning: &'a Tuning,
    relevant: &'a Csr,
    rows: Vec<usize>,
    seen: Option<Csr>,
}

/// What the judged rows say.
pub(super) struct Verdict {
    pub(super) ndcg: f64,
    pub(super) recall: f64,
    /// The figure that decides, row by row.
    rows: Vec<f64>,
}

impl Verdict {
    pub(super) fn figure(&self) -> f64 {
        mean_and_error(self.rows.iter().copied()).0
    }

    pub(super) fn standard_error(&self) -> f64 {
        mean_and_error(self.rows.iter().copied()).1
    }

    /// Whether the gain over another is more than the gain's own standard error over the same rows.
    pub(super) fn surely_above(&self, other: &Verdict) -> bool {
        let (gain, error) = mean_and_error(self.rows.iter().zip(&other.rows).map(|(a, b)| a - b));
        gain > error
    }
}

fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / n;
    let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0).max(1.0) / n).sqrt())
}

impl<'a> Judge<'a> {
    pub(super) fn new(tuning: &'a Tuning, parts: &'a Parts) -> Result<Judge<'a>> {
        let relevant = &parts.relevant;
        let rows: Vec<usize> =
            (0..relevant.n_rows()).filter(|&row| !relevant.row(row).0.is_empty()).collect();
        let seen = tuning.exclude_seen.then(|| {
            let triplets: Vec<_> = rows
                .iter()
                .enumerate()
                .flat_map(|(place, &row)| {
                    parts.train.row(row).0.iter().map(move |&column| (place as u32, column, 1.0))
                })
                .collect();
            Csr::from_triplets(rows.len(), relevant.n_cols(), &triplets)
        });
        Ok(Judge { tuning, relevant, rows, seen: seen.transpose()? })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn judge(&self, run: &Run<'_>, rows: &Array2<f32>, columns: &Array2<f32>) -> Result<Verdict> {
        let rows = rows.select(Axis(0), &self.rows);
        let best = top_k(run, rows.view(), columns.view(), self.tuning.k, self.seen.as_ref())?;
        let n = self.rows.len() as f64;
        let mut verdict = Verdict { ndcg: 0.0, recall: 0.0, rows: Vec::with_capacity(self.rows.len()) };
        for (best, &row) in best.iter().zip(&self.rows) {
            let shown: Vec<u32> = best.iter().map(|best| best.0).collect();
            let relevant = self.relevant.row(row).0;
            let gained = metrics::ndcg(&shown, relevant).unwrap_or(0.0);
            let found = metrics::recall(&shown, relevant).unwrap_or(0.0);
            verdict.ndcg += gained / n;
            verdict.recall += found / n;
            verdict.rows.push(if self.tuning.figure == Figure::Ndcg { gained } else { found });
        }
        Ok(verdict)
    }
}
