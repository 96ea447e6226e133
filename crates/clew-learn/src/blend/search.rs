//! The choice of a blend's weights on events that were kept aside.

use std::cmp::Ordering;

use crate::als::check_values;
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::recommender::{Judged, Recommender, check_wanted, hide};
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k::best_of;

/// Rows scored at once.
const ROWS: usize = 32;
/// Rows judged at once.
const JUDGED: usize = 256;
/// Weights tried beside the best recommender's own, 1.
const WEIGHTS: [f32; 12] = [0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0];

/// How to choose weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlendSearch {
    /// How many of the best columns are judged.
    pub k: usize,
    /// Columns of each recommender that take part in a row: its best ones.
    pub n_candidates: usize,
    /// Most rounds over all weights; it ends sooner when none changes.
    pub n_rounds: usize,
    /// Whether the columns that a row holds are passed over.
    pub exclude_held: bool,
}

impl Default for BlendSearch {
    fn default() -> BlendSearch {
        BlendSearch { k: 20, n_candidates: 100, n_rounds: 4, exclude_held: true }
    }
}

/// What was chosen and how everything did.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// A weight for each recommender, 0 for those that do not help; the best one alone has 1.
    pub weights: Vec<f32>,
    /// Each recommender by itself.
    pub alone: Vec<Judged>,
    /// All with their weights.
    pub together: Judged,
}

/// What one row's judging needs: candidates with every recommender's score, and which are wanted.
struct Row {
    columns: Vec<u32>,
    /// Candidates × recommenders.
    scores: Vec<f32>,
    wanted: Vec<bool>,
    n_wanted: usize,
}

impl BlendSearch {
    /// Chooses weights for `members`, which must know nothing of `wanted`: their best columns for `rows` are
    /// judged by what `wanted` (of the same shape) holds for the same rows. By coordinate search from the best
    /// recommender alone: a weight is changed where the NDCG rises. Errors where nothing is wanted.
    pub fn choose(
        &self,
        run: &Run<'_>,
        members: &[&dyn Recommender],
        rows: &Csr,
        wanted: &Csr,
    ) -> Result<Choice> {
        let fits = members.iter().all(|member| member.n_columns() == rows.n_cols());
        if members.is_empty() || !fits || self.k == 0 || self.n_candidates < self.k {
            return Err(Error::input(
                format!("{} recommenders, {} candidates, best {}", members.len(), self.n_candidates, self.k),
                "give recommenders of the rows' columns, and at least as many candidates as are judged",
            ));
        }
        check_wanted(rows, wanted)?;
        check_values(rows)?;
        let kept = self.gather(run, members, rows, wanted)?;
        if kept.is_empty() {
            return Err(Error::input("nothing was kept aside", "keep some events of some rows aside"));
        }
        let n = members.len();
        let only =
            |member: usize| (0..n).map(|other| f32::from(u8::from(other == member))).collect::<Vec<_>>();
        let alone: Vec<Judged> =
            (0..n).map(|member| self.judge(run, &kept, &only(member))).collect::<Result<_>>()?;
        let best =
            (0..n).fold(0, |best, member| if alone[member].ndcg > alone[best].ndcg { member } else { best });
        let (mut weights, mut together) = (only(best), alone[best]);
        for _ in 0..self.n_rounds {
            let before = together.ndcg;
            for member in (0..n).filter(|&member| member != best) {
                for weight in WEIGHTS {
                    let mut tried = weights.clone();
                    tried[member] = weight;
                    let judged = self.judge(run, &kept, &tried)?;
                    if judged.ndcg > together.ndcg {
                        (weights, together) = (tried, judged);
                    }
                }
            }
            if together.ndcg <= before {
                break;
            }
        }
        Ok(Choice { weights, alone, together })
    }

    /// Candidates of every row that has something wanted.
    fn gather(
        &self,
        run: &Run<'_>,
        members: &[&dyn Recommender],
        rows: &Csr,
        wanted: &Csr,
    ) -> Result<Vec<Row>> {
        let m = rows.n_cols();
        let parts = map_chunks(run, rows.n_rows(), ROWS, |from, to| {
            let mut scored = Vec::with_capacity(members.len());
            for member in members {
                let mut scores = member.scores(run, rows, from, to)?;
                for (scores, row) in scores.chunks_exact_mut(m).zip(from..to) {
                    let scale = super::one_over_spread(scores, rows.row(row).0);
                    scores.iter_mut().for_each(|score| *score *= scale);
                    hide(scores, self.exclude_held.then_some(rows), row);
                }
                scored.push(scores);
            }
            let rows = (from..to).filter(|&row| !wanted.row(row).0.is_empty()).map(|row| {
                let span = (row - from) * m..(row - from + 1) * m;
                let of_row: Vec<&[f32]> = scored.iter().map(|scores| &scores[span.clone()]).collect();
                let mut columns: Vec<u32> = of_row
                    .iter()
                    .flat_map(|scores| best_of(scores, self.n_candidates))
                    .map(|best| best.0)
                    .collect();
                columns.sort_unstable();
                columns.dedup();
                let wanted = wanted.row(row).0;
                Row {
                    scores: columns
                        .iter()
                        .flat_map(|&column| of_row.iter().map(move |scores| scores[column as usize]))
                        .collect(),
                    wanted: columns.iter().map(|column| wanted.binary_search(column).is_ok()).collect(),
                    n_wanted: wanted.len(),
                    columns,
                }
            });
            Ok(rows.collect::<Vec<_>>())
        })?;
        let parts: Vec<_> = parts.into_iter().collect::<Result<_>>()?;
        Ok(parts.into_iter().flatten().collect())
    }

    fn judge(&self, run: &Run<'_>, rows: &[Row], weights: &[f32]) -> Result<Judged> {
        let parts = map_chunks(run, rows.len(), JUDGED, |from, to| {
            rows[from..to].iter().map(|row| self.judge_row(row, weights)).collect::<Vec<_>>()
        })?;
        Ok(Judged::mean(parts.into_iter().flatten()))
    }

    /// Recall and NDCG, as in [`crate::metrics`].
    fn judge_row(&self, row: &Row, weights: &[f32]) -> (f64, f64) {
        let sums = row.scores.chunks_exact(weights.len());
        let mut order: Vec<(f32, usize)> = sums
            .map(|scores| scores.iter().zip(weights).map(|(&score, &weight)| weight * score).sum::<f32>())
            .zip(0..row.columns.len())
            .collect();
        // Candidates rise by column, so equal scores go to the lower one.
        let falling = |a: &(f32, usize), b: &(f32, usize)| {
            b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1))
        };
        if order.len() > self.k {
            order.select_nth_unstable_by(self.k, falling);
            order.truncate(self.k);
        }
        order.sort_unstable_by(falling);
        let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
        let hits = || order.iter().enumerate().filter(|(_, (_, candidate))| row.wanted[*candidate]);
        let ideal: f64 = (0..row.n_wanted.min(self.k)).map(gain).sum();
        let found: f64 = hits().map(|(place, _)| gain(place)).sum();
        (hits().count() as f64 / row.n_wanted as f64, found / ideal)
    }
}
