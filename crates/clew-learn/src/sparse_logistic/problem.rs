//! A loss over sparse rows: value, slopes and curvature, summed by chunks of rows.

use rayon::prelude::*;

use crate::check;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;

/// At most so many chunks: each holds one number per column while it adds up.
const CHUNKS: usize = 16;
/// Rows of which a value and a slope are computed at once.
const ROWS: usize = 16_384;

/// Checked data. Columns are renumbered by falling frequency, so that those that most rows touch lie together
/// in the nearest cache; coefficients are these columns first, the intercept last.
pub(crate) struct Problem<'a> {
    loss: Loss,
    x: &'a Csr,
    /// The renumbered column of each value.
    columns: Vec<u32>,
    /// The original column of each renumbered one.
    order: Vec<u32>,
    y: &'a [f32],
    weight: &'a [f32],
    offset: Option<&'a [f32]>,
    /// Rows per chunk.
    chunk: usize,
    /// Sum of the weights.
    pub(crate) total: f64,
    /// The decision whose prediction is the mean outcome: where to start.
    pub(crate) base: f64,
}

/// What a step is made from: first derivatives, the rows' second ones, and the diagonal of the columns'.
pub(crate) struct Derivatives {
    pub(crate) slopes: Vec<f64>,
    pub(crate) diagonal: Vec<f64>,
    pub(crate) curvature: Vec<f64>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(
        run: &Run<'_>,
        loss: Loss,
        x: &'a Csr,
        y: &'a [f32],
        weight: &'a [f32],
        offset: Option<&'a [f32]>,
    ) -> Result<Problem<'a>> {
        if x.n_rows() == 0 || x.n_cols() == 0 {
            return Err(Error::input(
                format!("{} rows of {} columns", x.n_rows(), x.n_cols()),
                "give at least one of each",
            ));
        }
        check::outcomes(x.n_rows(), y, weight, loss)?;
        check::offsets(x.n_rows(), offset)?;
        let base = loss.link(check::mean_outcome(y, weight, loss)?);
        let total = weight.iter().map(|&w| f64::from(w)).sum();
        let (order, columns) = renumber(run, x)?;
        // Where columns outnumber the values of a chunk, emptying and adding up the chunks would cost most.
        let n_chunks = (x.n_values() / (2 * x.n_cols())).clamp(1, CHUNKS);
        let chunk = x.n_rows().div_ceil(n_chunks).max(1_024);
        Ok(Problem { loss, x, columns, order, y, weight, offset, chunk, total, base })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.x.n_rows()
    }

    /// Number of coefficients, the intercept included.
    pub(crate) fn n_coefficients(&self) -> usize {
        self.x.n_cols() + 1
    }

    /// Coefficients of the columns as they were given, without the intercept.
    pub(crate) fn original(&self, at: &[f64]) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.order.len()];
        for (&column, &value) in self.order.iter().zip(at) {
            coefficients[column as usize] = value;
        }
        coefficients
    }

    /// `at` times each row, the intercept's part included; with `offset` on top of the rows' offsets.
    pub(crate) fn decisions(&self, run: &Run<'_>, at: &[f64], offset: bool) -> Result<Vec<f64>> {
        let offsets = self.offset.filter(|_| offset);
        let last = self.x.n_cols();
        let mut z = vec![0.0; self.n_rows()];
        run.pool.install(|| {
            z.par_chunks_mut(ROWS).enumerate().try_for_each(|(part, z)| {
                run.check()?;
                for (row, z) in (part * ROWS..).zip(z) {
                    let (columns, values) = self.row(row);
                    *z = at[last] + offsets.map_or(0.0, |offset| f64::from(offset[row]));
                    for (&column, &value) in columns.iter().zip(values) {
                        *z += f64::from(value) * at[column as usize];
                    }
                }
                Ok(())
            })
        })?;
        Ok(z)
    }

    /// The loss at decisions `z + share × step`, without penalties.
    pub(crate) fn value(&self, run: &Run<'_>, z: &[f64], step: &[f64], share: f64) -> Result<f64> {
        let parts = map_chunks(run, self.n_rows(), ROWS, |from, to| {
            (from..to)
                .map(|row| {
                    let z = z[row] + share * step[row];
                    f64::from(self.weight[row]) * self.loss.value(z, f64::from(self.y[row]))
                })
                .sum::<f64>()
        })?;
        Ok(parts.iter().sum())
    }

    /// The derivatives at decisions `z`, without penalties.
    pub(crate) fn derivatives(&self, run: &Run<'_>, z: &[f64]) -> Result<Derivatives> {
        let rows = map_chunks(run, self.n_rows(), ROWS, |from, to| {
            (from..to)
                .map(|row| {
                    let (y, w) = (f64::from(self.y[row]), f64::from(self.weight[row]));
                    let (slope, curvature) = self.loss.slope_and_curvature(z[row], y);
                    [w * slope, w * curvature]
                })
                .collect::<Vec<_>>()
        })?
        .concat();
        let add = |total: &mut [f64; 2], part: &[f64; 2]| {
            total[0] += part[0];
            total[1] += part[1];
        };
        let sums = self.gather(run, &vec![[0.0; 2]; self.n_coefficients()], add, |row, sums, own| {
            let [slope, curvature] = rows[row];
            let (columns, values) = self.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                let value = f64::from(value);
                let sum = &mut sums[column as usize];
                sum[0] += slope * value;
                sum[1] += curvature * value * value;
            }
            own[0] += slope;
            own[1] += curvature;
        })?;
        let curvature = rows.into_iter().map(|[_, curvature]| curvature).collect();
        let (slopes, diagonal) = sums.into_iter().map(|[slope, bend]| (slope, bend)).unzip();
        Ok(Derivatives { slopes, diagonal, curvature })
    }

    /// The second derivatives, with the rows' `curvature`, times `direction`.
    pub(crate) fn curvature_along(
        &self,
        run: &Run<'_>,
        curvature: &[f64],
        direction: &[f64],
    ) -> Result<Vec<f64>> {
        // Direction and sum of a column lie side by side: one look-up fetches both.
        let start: Vec<[f64; 2]> = direction.iter().map(|&value| [value, 0.0]).collect();
        let add = |total: &mut [f64; 2], part: &[f64; 2]| total[1] += part[1];
        let sums = self.gather(run, &start, add, |row, sums, own| {
            let (columns, values) = self.row(row);
            let mut along = own[0];
            for (&column, &value) in columns.iter().zip(values) {
                along += f64::from(value) * sums[column as usize][0];
            }
            let scale = curvature[row] * along;
            for (&column, &value) in columns.iter().zip(values) {
                sums[column as usize][1] += scale * f64::from(value);
            }
            own[1] += scale;
        })?;
        Ok(sums.into_iter().map(|[_, sum]| sum).collect())
    }

    /// Lets each chunk of rows add to sums of its own, one per coefficient, that begin as `start`; then adds
    /// the chunks up in their order. `work` is given the row, the columns' sums and the intercept's.
    fn gather(
        &self,
        run: &Run<'_>,
        start: &[[f64; 2]],
        add: impl Fn(&mut [f64; 2], &[f64; 2]) + Sync,
        work: impl Fn(usize, &mut [[f64; 2]], &mut [f64; 2]) + Sync,
    ) -> Result<Vec<[f64; 2]>> {
        let parts = map_chunks(run, self.n_rows(), self.chunk, |from, to| {
            let mut sums = start.to_vec();
            if let [sums @ .., own] = sums.as_mut_slice() {
                (from..to).for_each(|row| work(row, sums, own));
            }
            sums
        })?;
        let mut parts = parts.into_iter();
        let mut sums = parts.next().unwrap_or_default();
        let parts: Vec<_> = parts.collect();
        run.pool.install(|| {
            sums.par_chunks_mut(ROWS).enumerate().for_each(|(block, sums)| {
                for part in &parts {
                    sums.iter_mut().zip(&part[block * ROWS..]).for_each(|(total, part)| add(total, part));
                }
            });
        });
        Ok(sums)
    }

    fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let (from, to) = (self.x.starts()[row], self.x.starts()[row + 1]);
        (&self.columns[from..to], &self.x.values()[from..to])
    }
}

/// The columns by falling number of values (equal ones in their order), and the new column of each value.
fn renumber(run: &Run<'_>, x: &Csr) -> Result<(Vec<u32>, Vec<u32>)> {
    let mut count = vec![0_u32; x.n_cols()];
    for &column in x.indices() {
        count[column as usize] = count[column as usize].saturating_add(1);
    }
    let mut order: Vec<u32> = (0..x.n_cols() as u32).collect();
    order.sort_by_key(|&column| std::cmp::Reverse(count[column as usize]));
    let mut place = vec![0_u32; x.n_cols()];
    for (new, &old) in order.iter().enumerate() {
        place[old as usize] = new as u32;
    }
    run.check()?;
    let columns = run.pool.install(|| x.indices().par_iter().map(|&old| place[old as usize]).collect());
    Ok((order, columns))
}
