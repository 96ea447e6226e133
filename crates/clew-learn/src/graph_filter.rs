//! A linear filter on the graph of rows and columns (GF-CF; Shen, Wu, Zhang, Shan, Zhang, Letaief, Li 2021, "How
//! powerful is graph convolution for recommendation?"): what goes together, smoothed by the graph's lowest
//! frequencies. Nothing is trained but a subspace, and a new row is scored at once.
//!
//! With R the values over (row sum)^α (column sum)^β, D the column sums, U the leading right singular vectors of
//! R and σ₁ its largest singular value, a row r is scored r D^−γ RᵀR D^γ + w σ₁² r D^−½ U Uᵀ D^½. RᵀR is kept as
//! each column's nearest neighbours, without the diagonal. The paper has α = β = ½ and γ = 0, where σ₁ = 1: that
//! punishes long rows and popular columns fully. Less of it often orders better; α, β and γ are then chosen on
//! rows kept aside.

use ndarray::{Array2, s};

use crate::als::check_values;
use crate::check;
use crate::dense;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::recommender::Recommender;
use crate::run::{Part, Run};
use crate::sparse::Csr;
use crate::svd::{Operand, RandomisedSvd};

mod neighbours;

/// How popularity comes back in after smoothing.
const SMOOTHING_EXPONENT: f64 = 0.5;

/// How to filter. The default is the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphFilter {
    /// Singular vectors of the smoothing part; 0 for neighbours alone.
    pub n_factors: usize,
    /// w: how much the smoothing part counts beside the neighbours.
    pub factor_weight: f32,
    /// Neighbours kept per column, the nearest.
    pub n_neighbours: usize,
    /// Rounds of subspace iteration.
    pub n_rounds: usize,
    /// α in 0..=1: how much the events of long rows are discounted.
    pub row_exponent: f32,
    /// β in 0..=1: how much those of popular columns are.
    pub column_exponent: f32,
    /// γ in −1..=1: how much of the popularity comes back where columns are recommended, taken from where they
    /// recommend.
    pub popularity_exponent: f32,
}

impl Default for GraphFilter {
    fn default() -> GraphFilter {
        GraphFilter {
            n_factors: 256,
            factor_weight: 0.3,
            n_neighbours: 400,
            n_rounds: 4,
            row_exponent: 0.5,
            column_exponent: 0.5,
            popularity_exponent: 0.0,
        }
    }
}

/// A fitted filter.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedGraphFilter {
    neighbours: Csr,
    /// D^−½ U, columns × factors.
    inward: Array2<f32>,
    /// w σ₁² D^½ U, columns × factors.
    outward: Array2<f32>,
}

impl GraphFilter {
    /// Fits to values ≥ 0. Errors on a matrix without values, on values below 0 and on parameters out of range.
    pub fn fit(&self, run: &Run<'_>, rows_by_columns: &Csr) -> Result<FittedGraphFilter> {
        self.check()?;
        if rows_by_columns.n_values() == 0 {
            return Err(Error::input("the matrix has no values", "give at least one event"));
        }
        check_values(rows_by_columns)?;
        let columns_by_rows = rows_by_columns.transpose();
        let (row_sums, column_sums) = (rows_by_columns.row_sums(), columns_by_rows.row_sums());
        let rows = powers(&row_sums, -f64::from(self.row_exponent));
        let (beta, gamma) = (f64::from(self.column_exponent), f64::from(self.popularity_exponent));
        let (own, other) = (powers(&column_sums, -beta - gamma), powers(&column_sums, gamma - beta));
        run.report("finding what goes together", 0.0);
        let neighbours = neighbours::nearest(
            run,
            &columns_by_rows.clone().map(|column, row, value| value * own[column] * rows[row as usize]),
            &rows_by_columns.clone().map(|row, column, value| value * rows[row] * other[column as usize]),
            self.n_neighbours,
        )?;
        run.report("finding what goes together", 0.4);
        let m = column_sums.len();
        let n_factors = self.n_factors.min(m);
        if n_factors == 0 {
            let none = || Array2::zeros((m, 0));
            return Ok(FittedGraphFilter { neighbours, inward: none(), outward: none() });
        }
        let both = powers(&column_sums, -beta);
        let matrix =
            rows_by_columns.clone().map(|row, column, value| value * rows[row] * both[column as usize]);
        let transposed = columns_by_rows.map(|column, row, value| value * both[column] * rows[row as usize]);
        let operand = Operand::Sparse(&matrix, &transposed);
        let svd = RandomisedSvd { n_components: n_factors, n_spare: 16, n_rounds: self.n_rounds };
        let vectors = svd.right(&run.with_progress(&Part::new(run.progress, 0.4, 1.0)), &operand)?;
        let strongest = operand.times(run, vectors.slice(s![.., ..1]))?;
        let square: f64 = strongest.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        let scale = (f64::from(self.factor_weight) * square) as f32;
        let (mut inward, mut outward) = (vectors.clone(), vectors);
        let less = powers(&column_sums, -SMOOTHING_EXPONENT);
        let more = powers(&column_sums, SMOOTHING_EXPONENT);
        for column in 0..m {
            inward.row_mut(column).mapv_inplace(|value| value * less[column]);
            outward.row_mut(column).mapv_inplace(|value| value * more[column] * scale);
        }
        check::finite("the filter's numbers", inward.iter().chain(&outward))?;
        Ok(FittedGraphFilter { neighbours, inward, outward })
    }

    fn check(&self) -> Result<()> {
        let parts = self.n_neighbours > 0 && (-1e9..=1e9).contains(&self.factor_weight);
        let exponents = (0.0..=1.0).contains(&self.row_exponent)
            && (0.0..=1.0).contains(&self.column_exponent)
            && (-1.0..=1.0).contains(&self.popularity_exponent);
        if parts && exponents {
            return Ok(());
        }
        Err(Error::input(
            format!(
                "a filter of {} neighbours and exponents {}, {}, {}",
                self.n_neighbours, self.row_exponent, self.column_exponent, self.popularity_exponent
            ),
            "use 1 neighbour or more, a finite factor weight, exponents of 0 to 1, of popularity -1 to 1",
        ))
    }
}

/// Each sum to a power; 0 for a sum of 0.
fn powers(sums: &[f64], exponent: f64) -> Vec<f32> {
    sums.iter().map(|&sum| if sum > 0.0 { sum.powf(exponent) as f32 } else { 0.0 }).collect()
}

impl FittedGraphFilter {
    /// The columns that go together with one, in rising order, and how strongly: its row of D^−γ RᵀR D^γ.
    pub fn neighbours(&self, column: usize) -> (&[u32], &[f32]) {
        self.neighbours.row(column)
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
        let finite = inward.iter().chain(&outward).all(|value| value.is_finite());
        if inward.dim() != outward.dim() || !finite {
            return Err(wrong());
        }
        let neighbours = Csr::from_parts(m, starts, indices, strengths).map_err(|_| wrong())?;
        Ok(FittedGraphFilter { neighbours, inward, outward })
    }
}

impl Recommender for FittedGraphFilter {
    fn n_columns(&self) -> usize {
        self.neighbours.n_cols()
    }

    fn scores(&self, _run: &Run<'_>, rows: &Csr, from: usize, to: usize) -> Result<Vec<f32>> {
        let (m, d) = self.outward.dim();
        let (inward, outward) =
            (self.inward.as_slice().unwrap_or(&[]), self.outward.as_slice().unwrap_or(&[]));
        let mut scores = vec![0.0_f32; (to - from) * m];
        if d > 0 {
            let mut summed = vec![0.0_f32; (to - from) * d];
            for (row, sum) in (from..to).zip(summed.chunks_exact_mut(d)) {
                let (columns, values) = rows.row(row);
                for (&column, &value) in columns.iter().zip(values) {
                    let vector = &inward[column as usize * d..(column as usize + 1) * d];
                    sum.iter_mut().zip(vector).for_each(|(sum, &u)| *sum += value * u);
                }
            }
            dense::products(&mut scores, &summed, outward, to - from, d, m);
        }
        for (row, scores) in (from..to).zip(scores.chunks_exact_mut(m)) {
            let (columns, values) = rows.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                let (near, strengths) = self.neighbours.row(column as usize);
                for (&other, &strength) in near.iter().zip(strengths) {
                    scores[other as usize] += value * strength;
                }
            }
        }
        Ok(scores)
    }
}
