//! Each column's nearest columns, by the product of the weighted matrix with itself.

use crate::error::Result;
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;
use crate::top_k::order;

/// Columns that one task takes.
const COLUMNS: usize = 64;

/// The `n_neighbours` largest entries of each row of `columns_by_rows` × `rows_by_columns`, the diagonal left
/// out; ties go to the lower column.
pub(super) fn nearest(
    run: &Run<'_>,
    columns_by_rows: &Csr,
    rows_by_columns: &Csr,
    n_neighbours: usize,
) -> Result<Csr> {
    let m = columns_by_rows.n_rows();
    let parts = map_chunks(run, m, COLUMNS, |from, to| {
        let mut sums = vec![0.0_f32; m];
        let mut touched: Vec<u32> = Vec::new();
        let mut found: Vec<Vec<(u32, f32)>> = Vec::with_capacity(to - from);
        for column in from..to {
            let (rows, values) = columns_by_rows.row(column);
            for (&row, &value) in rows.iter().zip(values) {
                let (others, weights) = rows_by_columns.row(row as usize);
                for (&other, &weight) in others.iter().zip(weights) {
                    let sum = &mut sums[other as usize];
                    if *sum == 0.0 {
                        touched.push(other);
                    }
                    *sum += value * weight;
                }
            }
            let mut near: Vec<(u32, f32)> = Vec::with_capacity(touched.len());
            for other in touched.drain(..) {
                let sum = std::mem::take(&mut sums[other as usize]);
                // A product too small for f32 can be touched twice; the second time it is taken already.
                if other as usize != column && sum > 0.0 {
                    near.push((other, sum));
                }
            }
            if near.len() > n_neighbours {
                near.select_nth_unstable_by(n_neighbours, order);
                near.truncate(n_neighbours);
            }
            near.sort_unstable_by_key(|near| near.0);
            near.shrink_to_fit();
            found.push(near);
        }
        found
    })?;
    let (mut starts, mut indices, mut strengths) = (vec![0], Vec::new(), Vec::new());
    for near in parts.into_iter().flatten() {
        indices.extend(near.iter().map(|near| near.0));
        strengths.extend(near.iter().map(|near| near.1));
        starts.push(indices.len());
    }
    Csr::from_parts(m, starts, indices, strengths)
}
