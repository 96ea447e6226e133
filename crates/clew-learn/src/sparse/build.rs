//! Sparse matrices built and turned in parallel: values are first dealt out to blocks of rows, then each block
//! is sorted by itself. All pieces are of fixed size and joined in order, so threads do not show in the bits.

use rayon::prelude::*;

use super::Csr;
use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;

/// Row, column, value.
type Cell = (u32, u32, f32);

/// Values that one piece of work deals out.
const CHUNK: usize = 1 << 18;

/// At most so many blocks of rows: few enough that a thread writes to all of them at once from its cache.
const BLOCKS: usize = 256;

pub(super) fn check_size(n_rows: usize, n_cols: usize) -> Result<()> {
    if n_cols > u32::MAX as usize || n_rows > u32::MAX as usize {
        return Err(Error::input(
            format!("a matrix of {n_rows} × {n_cols} is too large"),
            "use at most 2^32 - 1 rows and columns",
        ));
    }
    Ok(())
}

pub(super) fn check_triplet(n_rows: usize, n_cols: usize, place: usize, triplet: Cell) -> Result<()> {
    let (row, column, value) = triplet;
    if row as usize >= n_rows || column as usize >= n_cols {
        return Err(Error::input(
            format!("triplet {place} lies at ({row}, {column}), outside {n_rows} × {n_cols}"),
            "give the matrix its true size",
        ));
    }
    if !value.is_finite() {
        return Err(Error::input(
            format!("triplet {place} at ({row}, {column}) is not finite"),
            "drop or fill it",
        ));
    }
    Ok(())
}

/// Sorts one row's cells by column, adds up those of one place (f64, in the order given) and appends them.
pub(super) fn add_row(
    row: usize,
    cells: &mut [(u32, f32)],
    indices: &mut Vec<u32>,
    values: &mut Vec<f32>,
) -> Result<()> {
    if cells.windows(2).any(|pair| pair[0].0 > pair[1].0) {
        cells.sort_by_key(|&(column, _)| column);
    }
    for same in cells.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(column, first)) = same.first() else { continue };
        let value = if same.len() == 1 {
            first
        } else {
            same.iter().map(|&(_, value)| f64::from(value)).sum::<f64>() as f32
        };
        if !value.is_finite() {
            return Err(Error::input(
                format!("the values at ({row}, {column}) add up beyond what 32 bits hold"),
                "scale the values down",
            ));
        }
        indices.push(column);
        values.push(value);
    }
    Ok(())
}

/// Where the cells come from, piece by piece; the same cells each time.
trait Source: Sync {
    fn n_pieces(&self) -> usize;
    fn n_values(&self) -> usize;
    fn each(&self, piece: usize, take: impl FnMut(Cell)) -> Result<()>;
}

struct Triplets<'a> {
    n_rows: usize,
    n_cols: usize,
    triplets: &'a [Cell],
}

impl Source for Triplets<'_> {
    fn n_pieces(&self) -> usize {
        self.triplets.len().div_ceil(CHUNK)
    }

    fn n_values(&self) -> usize {
        self.triplets.len()
    }

    fn each(&self, piece: usize, mut take: impl FnMut(Cell)) -> Result<()> {
        let from = piece * CHUNK;
        for (place, &triplet) in self.triplets.iter().enumerate().skip(from).take(CHUNK) {
            check_triplet(self.n_rows, self.n_cols, place, triplet)?;
            take(triplet);
        }
        Ok(())
    }
}

struct Turned<'a>(&'a Csr);

impl Turned<'_> {
    /// The first row that starts at or after the piece.
    fn first_row(&self, piece: usize) -> usize {
        self.0.starts[..self.0.n_rows].partition_point(|&start| start < piece * CHUNK)
    }
}

impl Source for Turned<'_> {
    fn n_pieces(&self) -> usize {
        self.0.n_values().div_ceil(CHUNK)
    }

    fn n_values(&self) -> usize {
        self.0.n_values()
    }

    fn each(&self, piece: usize, mut take: impl FnMut(Cell)) -> Result<()> {
        for row in self.first_row(piece)..self.first_row(piece + 1) {
            let (columns, values) = self.0.row(row);
            for (&column, &value) in columns.iter().zip(values) {
                take((column, row as u32, value));
            }
        }
        Ok(())
    }
}

impl Csr {
    /// [`Csr::from_triplets`] on the run's threads: the same matrix, bit for bit. Beside the triplets and the
    /// matrix it holds 12 bytes a triplet for a while.
    pub fn from_triplets_with(
        run: &Run<'_>,
        n_rows: usize,
        n_cols: usize,
        triplets: &[(u32, u32, f32)],
    ) -> Result<Csr> {
        check_size(n_rows, n_cols)?;
        gather(run, n_rows, n_cols, &Triplets { n_rows, n_cols, triplets })
    }

    /// [`Csr::transpose`] on the run's threads: the same matrix, bit for bit. Errors when stopped.
    pub fn transpose_with(&self, run: &Run<'_>) -> Result<Csr> {
        gather(run, self.n_cols, self.n_rows, &Turned(self))
    }
}

/// A block of rows, finished: how long each row is, the columns, the values.
type Block = (Vec<usize>, Vec<u32>, Vec<f32>);

fn gather(run: &Run<'_>, n_rows: usize, n_cols: usize, source: &impl Source) -> Result<Csr> {
    let mut shift = 0;
    while n_rows.saturating_sub(1) >> shift >= BLOCKS {
        shift += 1;
    }
    let n_blocks = if n_rows == 0 { 0 } else { ((n_rows - 1) >> shift) + 1 };
    let n_pieces = source.n_pieces();
    let counts: Vec<Vec<usize>> = map_chunks(run, n_pieces, 1, |piece, _| {
        let mut counts = vec![0_usize; n_blocks];
        source.each(piece, |(row, ..)| counts[row as usize >> shift] += 1)?;
        Ok(counts)
    })?
    .into_iter()
    .collect::<Result<_>>()?;

    // Every (block, piece) has its own stretch of the buffer, blocks first: pieces write side by side.
    let mut cells: Vec<Cell> = vec![(0, 0, 0.0); source.n_values()];
    let mut rest = cells.as_mut_slice();
    let mut stretches: Vec<Vec<&mut [Cell]>> = (0..n_pieces).map(|_| Vec::with_capacity(n_blocks)).collect();
    for block in 0..n_blocks {
        for (piece, counts) in stretches.iter_mut().zip(&counts) {
            let (stretch, after) = rest.split_at_mut(counts[block]);
            piece.push(stretch);
            rest = after;
        }
    }
    run.pool.install(|| {
        stretches.into_par_iter().enumerate().try_for_each(|(piece, mut stretches)| {
            run.check()?;
            let mut at = vec![0_usize; n_blocks];
            source.each(piece, |cell| {
                let block = cell.0 as usize >> shift;
                stretches[block][at[block]] = cell;
                at[block] += 1;
            })
        })
    })?;

    let mut rest = cells.as_mut_slice();
    let mut blocks: Vec<(usize, &mut [Cell])> = Vec::with_capacity(n_blocks);
    for block in 0..n_blocks {
        let (own, after) = rest.split_at_mut(counts.iter().map(|counts| counts[block]).sum());
        blocks.push((block << shift, own));
        rest = after;
    }
    let blocks: Vec<Block> = run.pool.install(|| {
        blocks
            .into_par_iter()
            .map(|(first, cells)| {
                run.check()?;
                finish(first, (n_rows - first).min(1 << shift), cells)
            })
            .collect::<Result<_>>()
    })?;
    drop(cells);
    Ok(join(run, n_rows, n_cols, &blocks))
}

/// Sorts the cells of the rows `first..first + n` by row, then each row.
fn finish(first: usize, n: usize, cells: &[Cell]) -> Result<Block> {
    let mut ends = vec![0_usize; n];
    for &(row, ..) in cells {
        ends[row as usize - first] += 1;
    }
    let mut before = 0;
    for end in &mut ends {
        before += *end;
        *end = before - *end;
    }
    let mut sorted = vec![(0_u32, 0_f32); cells.len()];
    for &(row, column, value) in cells {
        let at = &mut ends[row as usize - first];
        sorted[*at] = (column, value);
        *at += 1;
    }
    let (mut lengths, mut from) = (Vec::with_capacity(n), 0);
    let (mut indices, mut values) = (Vec::with_capacity(cells.len()), Vec::with_capacity(cells.len()));
    for (row, &end) in ends.iter().enumerate() {
        let before = indices.len();
        add_row(first + row, &mut sorted[from..end], &mut indices, &mut values)?;
        lengths.push(indices.len() - before);
        from = end;
    }
    Ok((lengths, indices, values))
}

fn join(run: &Run<'_>, n_rows: usize, n_cols: usize, blocks: &[Block]) -> Csr {
    let mut starts = Vec::with_capacity(n_rows + 1);
    let mut end = 0;
    starts.push(end);
    for length in blocks.iter().flat_map(|(lengths, ..)| lengths) {
        end += length;
        starts.push(end);
    }
    let (mut indices, mut values) = (vec![0_u32; end], vec![0_f32; end]);
    let (mut to_indices, mut to_values) = (indices.as_mut_slice(), values.as_mut_slice());
    let mut copies = Vec::with_capacity(blocks.len());
    for (_, from_indices, from_values) in blocks {
        let (i, rest_i) = to_indices.split_at_mut(from_indices.len());
        let (v, rest_v) = to_values.split_at_mut(from_values.len());
        copies.push((i, from_indices, v, from_values));
        (to_indices, to_values) = (rest_i, rest_v);
    }
    run.pool.install(|| {
        copies.into_par_iter().for_each(|(i, from_indices, v, from_values)| {
            i.copy_from_slice(from_indices);
            v.copy_from_slice(from_values);
        });
    });
    Csr { n_rows, n_cols, starts, indices, values }
}
