//! A linear filter on the graph of rows and columns (GF-CF; Shen, Wu, Zhang, Shan, Zhang, Letaief, Li 2021, "How
//! powerful is graph convolution for recommendation?"): what goes together, smoothed by the graph's lowest
//! frequencies. Nothing is trained but a subspace, and a new row is scored at once.
//!
//! With R the values over √(row sum × column sum), a row r is scored r RᵀR + w · r D^−½ U Uᵀ D^½: U are the
//! leading right singular vectors of R, D the column sums. RᵀR is kept as each column's nearest neighbours.

use ndarray::Array2;

use crate::dense;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k::best_of;

mod neighbours;
mod subspace;

/// Rows scored at once.
const ROWS: usize = 16;

/// How to filter.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphFilter {
    /// Singular vectors of the smoothing part.
    pub n_factors: usize,
    /// w: how much the smoothing part counts beside the neighbours.
    pub factor_weight: f32,
    /// Neighbours kept per column, the nearest.
    pub n_neighbours: usize,
    /// Rounds of subspace iteration.
    pub n_rounds: usize,
}

impl Default for GraphFilter {
    fn default() -> GraphFilter {
        GraphFilter { n_factors: 256, factor_weight: 0.3, n_neighbours: 400, n_rounds: 4 }
    }
}

/// A fitted filter.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedGraphFilter {
    neighbours: Csr,
    /// D^−½ U, columns × factors.
    inward: Array2<f32>,
    /// w D^½ U, columns × factors.
    outward: Array2<f32>,
}

impl GraphFilter {
    /// Fits to values ≥ 0. Errors on a matrix without values and on values below 0.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr) -> Result<FittedGraphFilter> {
        if rows_by_columns.n_values() == 0 {
            return Err(Error::input("the matrix has no values", "give at least one event"));
        }
        if self.n_factors == 0 || self.n_neighbours == 0 || !(0.0..=1e9).contains(&self.factor_weight) {
            return Err(Error::input(
                format!("a filter of {} factors and {} neighbours", self.n_factors, self.n_neighbours),
                "use 1 or more, and a factor weight of 0 or more",
            ));
        }
        crate::als::check_values(rows_by_columns)?;
        let columns_by_rows = rows_by_columns.transpose();
        let (row_sums, column_sums) = (rows_by_columns.row_sums(), columns_by_rows.row_sums());
        let normal = |row: usize, column: usize, value: f32| {
            let sums = row_sums[row] * column_sums[column];
            if sums > 0.0 { (f64::from(value) / sums.sqrt()) as f32 } else { 0.0 }
        };
        let columns_by_rows = columns_by_rows.map(|column, row, value| normal(row as usize, column, value));
        let rows_by_columns =
            rows_by_columns.clone().map(|row, column, value| normal(row, column as usize, value));
        run.report("finding what goes together", 0.0);
        let neighbours = neighbours::nearest(run, &rows_by_columns, &columns_by_rows, self.n_neighbours)?;
        run.report("finding what goes together", 0.4);
        let n_factors = self.n_factors.min(rows_by_columns.n_cols());
        let vectors = subspace::leading(run, &rows_by_columns, &columns_by_rows, n_factors, self.n_rounds)?;
        run.report("finding what goes together", 1.0);
        let (mut inward, mut outward) = (vectors.clone(), vectors);
        for (column, &sum) in column_sums.iter().enumerate() {
            let root = sum.sqrt();
            let inverse = if root > 0.0 { (1.0 / root) as f32 } else { 0.0 };
            inward.row_mut(column).mapv_inplace(|value| value * inverse);
            outward.row_mut(column).mapv_inplace(|value| value * root as f32 * self.factor_weight);
        }
        Ok(FittedGraphFilter { neighbours, inward, outward })
    }
}

impl FittedGraphFilter {
    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.neighbours.n_cols()
    }

    /// The columns that go together with one, in rising order, and how strongly: Σ over rows of both values over
    /// (row sum × √(both column sums)), so that popularity alone does not make a neighbour.
    pub fn neighbours(&self, column: usize) -> (&[u32], &[f32]) {
        self.neighbours.row(column)
    }

    /// The `k` best columns of each of `rows` (any rows × the known columns), as [`crate::top_k::top_k`].
    pub fn top_k(
        &self,
        run: &Run<'_>,
        rows: &Csr,
        k: usize,
        exclude: Option<&Csr>,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let m = self.n_columns();
        if rows.n_cols() != m || exclude.is_some_and(|e| e.n_rows() != rows.n_rows() || e.n_cols() != m) {
            return Err(Error::input(
                format!("rows of {} columns where {m} were learned", rows.n_cols()),
                "number the columns as in training, exclusions too",
            ));
        }
        let parts = map_chunks(run, rows.n_rows(), ROWS, |from, to| {
            let mut scores = self.scores(rows, from, to);
            scores
                .chunks_exact_mut(m)
                .enumerate()
                .map(|(place, scores)| {
                    let hidden = exclude.map_or(&[][..], |exclude| exclude.row(from + place).0);
                    hidden.iter().for_each(|&column| scores[column as usize] = f32::NAN);
                    best_of(scores, k)
                })
                .collect::<Vec<_>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Scores of all columns for the rows from..to, row by row.
    fn scores(&self, rows: &Csr, from: usize, to: usize) -> Vec<f32> {
        let (m, d) = self.outward.dim();
        let (inward, outward) =
            (self.inward.as_slice().unwrap_or(&[]), self.outward.as_slice().unwrap_or(&[]));
        let mut summed = vec![0.0_f32; (to - from) * d];
        for (row, sum) in (from..to).zip(summed.chunks_exact_mut(d)) {
            let (columns, values) = rows.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                let vector = &inward[column as usize * d..(column as usize + 1) * d];
                sum.iter_mut().zip(vector).for_each(|(sum, &u)| *sum += value * u);
            }
        }
        let mut scores = vec![0.0_f32; (to - from) * m];
        dense::products(&mut scores, &summed, outward, to - from, d, m);
        for (row, scores) in (from..to).zip(scores.chunks_exact_mut(m)) {
            let (columns, values) = rows.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                let (near, strengths) = self.neighbours.row(column as usize);
                for (&other, &strength) in near.iter().zip(strengths) {
                    scores[other as usize] += value * strength;
                }
            }
        }
        scores
    }

    /// Adds the filter to a model file, under names that start with `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let starts: Vec<u64> = self.neighbours.starts().iter().map(|&start| start as u64).collect();
        writer.section(&format!("{name}.starts"), &starts)?;
        writer.section(&format!("{name}.indices"), self.neighbours.indices())?;
        writer.section(&format!("{name}.strengths"), self.neighbours.values())?;
        writer.section(&format!("{name}.inward"), self.inward.as_slice().unwrap_or(&[]))?;
        writer.section(&format!("{name}.outward"), self.outward.as_slice().unwrap_or(&[]))
    }

    /// Reads back what [`FittedGraphFilter::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedGraphFilter> {
        let wrong = || Error::format(format!("the filter '{name}' does not fit together"), "train again");
        let starts: Vec<usize> =
            file.view::<u64>(&format!("{name}.starts"))?.iter().map(|&start| start as usize).collect();
        let m = starts.len().checked_sub(1).filter(|&m| m > 0).ok_or_else(wrong)?;
        let indices = file.view::<u32>(&format!("{name}.indices"))?.to_vec();
        let strengths = file.view::<f32>(&format!("{name}.strengths"))?.to_vec();
        let vectors = |part: &str| {
            let values = file.view::<f32>(&format!("{name}.{part}"))?;
            Array2::from_shape_vec((m, values.len() / m), values.to_vec()).map_err(|_| wrong())
        };
        let (inward, outward) = (vectors("inward")?, vectors("outward")?);
        if inward.dim() != outward.dim() {
            return Err(wrong());
        }
        let neighbours = Csr::from_parts(m, starts, indices, strengths).map_err(|_| wrong())?;
        Ok(FittedGraphFilter { neighbours, inward, outward })
    }
}
