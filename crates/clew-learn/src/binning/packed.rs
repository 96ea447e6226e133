//! A matrix in bins, laid out twice: row by row for sums over many features at once, column by column for
//! going through one feature.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::FittedBinning;
use crate::error::Result;
use crate::run::Run;

/// Features whose bins stand side by side: a quarter of a cache line, and their sums (16 × 256 × 8 bytes) stay
/// in the first-level cache.
pub(crate) const PACK: usize = 16;
const CHUNK: usize = 4_096;

/// The bins of a matrix.
#[derive(Debug)]
pub(crate) struct Packed {
    /// `n_packs` in each row; places without a feature hold 0.
    pub(crate) rows: Vec<[u8; PACK]>,
    pub(crate) n_packs: usize,
}

impl Packed {
    /// Bins `x`, whose columns were checked.
    pub(crate) fn new(run: &Run<'_>, binning: &FittedBinning, x: ArrayView2<'_, f32>) -> Result<Packed> {
        let n_packs = x.ncols().div_ceil(PACK).max(1);
        let mut rows = vec![[0_u8; PACK]; x.nrows() * n_packs];
        run.pool.install(|| {
            rows.par_chunks_mut(CHUNK * n_packs).enumerate().try_for_each(|(chunk, packs)| {
                run.check()?;
                for (place, packs) in packs.chunks_exact_mut(n_packs).enumerate() {
                    let values = x.row(chunk * CHUNK + place);
                    let bytes = packs.as_flattened_mut().iter_mut();
                    for ((byte, &value), bins) in bytes.zip(values).zip(binning.features()) {
                        *byte = bins.bin(value);
                    }
                }
                Ok(())
            })
        })?;
        Ok(Packed { rows, n_packs })
    }

    /// The bins of one row, feature by feature.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        self.rows[row * self.n_packs..(row + 1) * self.n_packs].as_flattened()
    }

    /// The bins once more, a vector for each of the `n_features` columns.
    pub(crate) fn columns(&self, run: &Run<'_>, n_features: usize) -> Vec<Vec<u8>> {
        let n_packs = self.n_packs;
        let column = |feature: usize| -> Vec<u8> {
            self.rows.iter().skip(feature / PACK).step_by(n_packs).map(|pack| pack[feature % PACK]).collect()
        };
        run.pool.install(|| (0..n_features).into_par_iter().map(column).collect())
    }
}
