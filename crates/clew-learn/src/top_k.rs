//! Exact best-k: for each row, the columns with the largest inner product.
//!
//! The product is fused with the choice: 12 columns × 32 rows are multiplied in registers and compared there
//! with each row's bar, the score that the k-th best so far has set; only what reaches it is written. Columns
//! come by falling norm, so the bars rise early, and as |x·y| ≤ |x||y| (Cauchy–Schwarz) a group of rows is
//! done as soon as no later column can reach its bars. Both keep the result exact.

use std::cmp::Ordering;

use ndarray::ArrayView2;

use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::simd::{level, tile};
use crate::sparse::Csr;

use packed::{NONE, Packed, norm};

mod packed;

/// Rows of one piece of work: they stay in the cache of a core while all columns pass by.
const ROWS: usize = 512;
/// Pieces that the rows are cut in at least, when there are few.
const PIECES: usize = 8;
/// Tiles that one panel of rows meets before the next panel has its turn.
const TILES: usize = 32;

/// For each row of `rows` (n × d), the `k` columns of `columns` (m × d) with the largest inner product, best
/// first, as (column, score); ties go to the lower column. The columns that `exclude` (n × m) holds for a row
/// are passed over, and so are scores that are NaN or −∞. Errors on shapes that do not fit.
pub fn top_k(
    run: &Run<'_>,
    rows: ArrayView2<'_, f32>,
    columns: ArrayView2<'_, f32>,
    k: usize,
    exclude: Option<&Csr>,
) -> Result<Vec<Vec<(u32, f32)>>> {
    same_length(rows.ncols(), columns.ncols())?;
    if k == 0 {
        return Ok(vec![Vec::new(); rows.nrows()]);
    }
    Columns::new(run, columns)?.top_k(run, rows, k, exclude)
}

/// Columns prepared for many calls of [`top_k`]: sorted and packed once (a copy of m × d numbers).
#[derive(Debug, Clone)]
pub struct Columns {
    packed: Packed,
    m: usize,
    d: usize,
}

impl Columns {
    /// Prepares `columns` (m × d). Errors on 2³² − 1 columns and more.
    pub fn new(run: &Run<'_>, columns: ArrayView2<'_, f32>) -> Result<Columns> {
        let (m, d) = columns.dim();
        if m >= NONE as usize {
            return Err(Error::input(format!("{m} columns"), "use fewer than 2^32 - 1; cut them in parts"));
        }
        run.check()?;
        let columns = columns.as_standard_layout();
        Ok(Columns { packed: Packed::new(run, columns.as_slice().unwrap_or(&[]), m, d), m, d })
    }

    /// As [`top_k`] over these columns.
    pub fn top_k(
        &self,
        run: &Run<'_>,
        rows: ArrayView2<'_, f32>,
        k: usize,
        exclude: Option<&Csr>,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        same_length(rows.ncols(), self.d)?;
        let (n, m) = (rows.nrows(), self.m);
        match exclude {
            Some(exclude) if exclude.n_rows() != n || exclude.n_cols() != m => Err(Error::input(
                format!(
                    "the exclusions are {} × {}, the scores {n} × {m}",
                    exclude.n_rows(),
                    exclude.n_cols()
                ),
                "give one row of exclusions per row",
            )),
            Some(exclude) => {
                self.best(run, rows, k, |row, column| exclude.row(row).0.binary_search(&column).is_ok())
            }
            None => self.best(run, rows, k, |_, _| false),
        }
    }

    /// The best `k` of each row, passing over what `hidden` (row, column) says.
    pub(crate) fn best(
        &self,
        run: &Run<'_>,
        rows: ArrayView2<'_, f32>,
        k: usize,
        hidden: impl Fn(usize, u32) -> bool + Sync + Send,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let n = rows.nrows();
        if k == 0 {
            return Ok(vec![Vec::new(); n]);
        }
        let rows = rows.as_standard_layout();
        let rows = rows.as_slice().unwrap_or(&[]);
        let piece = n.div_ceil(PIECES).next_multiple_of(tile::LANES).min(ROWS);
        let parts = map_chunks(run, n, piece, |from, to| {
            let mut panels: Vec<Panel> = (from..to)
                .step_by(tile::LANES)
                .map(|first| Panel::new(self, rows, first, (first + tile::LANES).min(to), k, &hidden))
                .collect();
            let mut hits = tile::Hits::new();
            let mut first = 0;
            while first < self.packed.n_tiles() && panels.iter().any(|panel| !panel.done) {
                let last = (first + TILES).min(self.packed.n_tiles());
                for panel in panels.iter_mut().filter(|panel| !panel.done) {
                    panel.meet(&self.packed, first..last, &mut hits, &hidden);
                }
                first = last;
            }
            panels.into_iter().flat_map(Panel::finish).collect::<Vec<_>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }
}

fn same_length(rows: usize, columns: usize) -> Result<()> {
    if rows == columns {
        return Ok(());
    }
    Err(Error::input(
        format!("rows have {rows} numbers, columns {columns}"),
        "use vectors of one factorisation",
    ))
}

/// 32 rows, packed dimension by dimension, with their bars.
struct Panel {
    first: usize,
    values: Vec<[f32; tile::LANES]>,
    bars: [f32; tile::LANES],
    /// Norms of the rows, for the bound.
    norms: [f64; tile::LANES],
    /// Allows for the rounding of a sum of d products: 1 + d ε.
    slack: f64,
    best: Vec<Best>,
    done: bool,
}

impl Panel {
    fn new(
        columns: &Columns,
        rows: &[f32],
        first: usize,
        end: usize,
        k: usize,
        hidden: impl Fn(usize, u32) -> bool,
    ) -> Panel {
        let d = columns.d;
        let mut panel = Panel {
            first,
            values: vec![[0.0; tile::LANES]; d],
            // A bar that nothing reaches, for the lanes without a row.
            bars: [f32::INFINITY; tile::LANES],
            norms: [0.0; tile::LANES],
            slack: 1.0 + d as f64 * f64::from(f32::EPSILON),
            best: Vec::with_capacity(end - first),
            done: false,
        };
        for (lane, row) in (first..end).enumerate() {
            let vector = &rows[row * d..(row + 1) * d];
            for (slot, &value) in panel.values.iter_mut().zip(vector) {
                slot[lane] = value;
            }
            panel.norms[lane] = norm(vector);
            let mut best = Best::new(k);
            if panel.norms[lane] == 0.0 {
                // All its scores are equal; the lowest columns are known without a product.
                let known = (0..columns.m as u32).filter(|column| !columns.packed.broken.contains(column));
                let lowest = known.filter(|&column| !hidden(row, column)).take(k);
                best.candidates.extend(lowest.map(|column| (column, 0.0)));
            } else {
                panel.bars[lane] = best.bar.0;
            }
            panel.best.push(best);
        }
        panel
    }

    /// Offers a range of tiles to the rows; done when no column from here on can reach any bar.
    fn meet(
        &mut self,
        packed: &Packed,
        tiles: std::ops::Range<usize>,
        hits: &mut tile::Hits,
        hidden: impl Fn(usize, u32) -> bool,
    ) {
        // The smallest norm that a column needs to reach a bar.
        let needed = self.bars.iter().zip(&self.norms).fold(f64::INFINITY, |needed, (&bar, &norm)| {
            // What is beyond the largest number is infinite, so that bar is no higher than this number.
            let reach = (f64::from(bar.min(f32::MAX)) - f64::from(f32::MIN_POSITIVE)) / (norm * self.slack);
            if norm == 0.0 { needed } else { needed.min(reach) }
        });
        let level = level();
        for at in tiles {
            if packed.norms[at] < needed {
                self.done = true;
                return;
            }
            if !tile::score(level, packed.tile(at), &self.values, &self.bars, hits) {
                continue;
            }
            for ((&column, scores), &mask) in packed.order[at].iter().zip(&hits.scores).zip(&hits.masks) {
                let mut left = if column == NONE { 0 } else { mask };
                while left != 0 {
                    let lane = left.trailing_zeros() as usize;
                    left &= left - 1;
                    let best = &mut self.best[lane];
                    let candidate = (column, scores[lane]);
                    if order(&candidate, &(best.bar.1, best.bar.0)).is_lt()
                        && !hidden(self.first + lane, column)
                    {
                        best.push(candidate);
                        self.bars[lane] = best.bar.0;
                    }
                }
            }
        }
    }

    fn finish(self) -> impl Iterator<Item = Vec<(u32, f32)>> {
        self.best.into_iter().map(Best::finish)
    }
}

/// The best `k` of one row of scores (place = column), best first, ties to the lower column; NaN and −∞ are
/// never among them.
pub fn best_of(scores: &[f32], k: usize) -> Vec<(u32, f32)> {
    let mut best = Best::new(k);
    if k == 0 {
        return Vec::new();
    }
    for (column, &score) in scores.iter().enumerate() {
        // Columns come in rising order, so an equal score would not be better.
        if score > best.bar.0 || (score == best.bar.0 && best.bar.1 == NONE) {
            best.push((column as u32, score));
        }
    }
    best.finish()
}

/// Falling score, then rising column.
pub(crate) fn order(a: &(u32, f32), b: &(u32, f32)) -> Ordering {
    b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0))
}

/// Candidates of one row: cut back to the best k whenever there are twice as many.
#[derive(Debug)]
struct Best {
    /// At least 1.
    k: usize,
    /// What a newcomer must come before: the k-th of the last cut (score, column).
    bar: (f32, u32),
    candidates: Vec<(u32, f32)>,
}

impl Best {
    fn new(k: usize) -> Best {
        Best { k, bar: (f32::MIN, NONE), candidates: Vec::new() }
    }

    fn push(&mut self, candidate: (u32, f32)) {
        self.candidates.push(candidate);
        if self.candidates.len() >= self.k.saturating_mul(2).max(32) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.candidates.len() > self.k {
            let (_, &mut (column, score), _) = self.candidates.select_nth_unstable_by(self.k - 1, order);
            self.bar = (score, column);
            self.candidates.truncate(self.k);
        }
    }

    fn finish(mut self) -> Vec<(u32, f32)> {
        self.cut();
        self.candidates.sort_unstable_by(order);
        self.candidates
    }
}
