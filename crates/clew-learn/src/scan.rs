//! One offer over all rows: scores from stored vectors and their exact gain curve, without a sort.
//!
//! While the vectors stream through the processor once, each score is written and counted in the cell of a
//! histogram that it falls in: how many rows, how much expected outcome. Cells are intervals of the score, so
//! the counts summed from the highest cell down are the gain curve at the borders of the cells, exactly as a
//! full sort would give it. Inside a cell only the volumes asked for are resolved, by sorting the scores of
//! that cell alone.

use half::f16;
use multiversion::multiversion;
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::gain::{Gain, thin};
use crate::run::Run;
use crate::simd::offer::{CELLS, Cells, Plan, Stored, logistic, pass};
use crate::simd::{Level, level};

/// Rows of one piece of work.
const ROWS: usize = 1 << 17;
/// The sample that the range of the scores is taken from: so many blocks of so many rows.
const SAMPLE: (usize, usize) = (64, 64);

/// Stored vectors, n × d row by row; a `Half` may be read in place from a mapped file
/// ([`crate::format::File::shared`] derefs to a slice).
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// Half precision: 11 bits, half the memory and so twice the speed.
    Half(ArrayView2<'a, f16>),
    /// Single precision.
    Single(ArrayView2<'a, f32>),
}

/// What a score says of the outcome that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// The outcome is the score itself.
    #[default]
    Identity,
    /// The outcome is a probability, 1 / (1 + e^−score).
    Logistic,
}

impl Link {
    /// The expected outcome of a score.
    pub fn outcome(self, score: f32) -> f32 {
        match self {
            Link::Identity => score,
            Link::Logistic => logistic(score),
        }
    }
}

/// What is asked of a scan. The score of a row x is `bias` + x · `vector`.
#[derive(Debug, Clone)]
pub struct Scan {
    /// d numbers. A calibration a + b s is `bias` = a and the vector times b.
    pub vector: Vec<f32>,
    /// Added to each product.
    pub bias: f32,
    /// From score to expected outcome.
    pub link: Link,
    /// Volumes (numbers of rows, best first) that the curve shall have a point at; at most n.
    pub volumes: Vec<usize>,
    /// Most points of the curve besides the volumes; at least 2.
    pub max_points: usize,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan { vector: Vec::new(), bias: 0.0, link: Link::Identity, volumes: Vec::new(), max_points: 200 }
    }
}

impl Scan {
    /// Scores all rows into `scores` (made n long; keep it for the next scan, new memory costs time) and
    /// gives the curve of expected outcome against the number of rows taken by falling score. Each point is
    /// what a full sort gives there; rows of equal score form one straight piece. Between the points, straight
    /// lines are within a small part of a percent (the best `max_points` of 4,096, Douglas & Peucker 1973).
    ///
    /// Errors on no rows, lengths that do not fit, volumes above n, and scores that are not finite (naming
    /// the first such row).
    pub fn run(&self, run: &Run<'_>, rows: Rows<'_>, scores: &mut Vec<f32>) -> Result<Gain> {
        match rows {
            Rows::Half(rows) => self.scan(run, rows, scores),
            Rows::Single(rows) => self.scan(run, rows, scores),
        }
    }

    fn scan<T: Stored>(&self, run: &Run<'_>, rows: ArrayView2<'_, T>, scores: &mut Vec<f32>) -> Result<Gain> {
        let (n, d) = rows.dim();
        let rows = self.checked(&rows)?;
        if scores.len() != n {
            // Fresh zeros come from the system untouched: the threads that write them make them real.
            *scores = vec![0.0; n];
        }
        let level = level();
        let (low, high) = self.range(level, rows, n, d);
        let per_unit = CELLS as f32 / (high - low);
        let logistic = self.link == Link::Logistic;
        let plan = Plan { vector: &self.vector, bias: self.bias, logistic, low, per_unit };
        let parts: Vec<Box<Cells>> = run.pool.install(|| {
            rows.par_chunks(ROWS * d)
                .zip(scores.par_chunks_mut(ROWS))
                .map(|(rows, scores)| {
                    run.check()?;
                    let mut cells = Box::new([[0.0; 2]; CELLS]);
                    pass(level, rows, plan, scores, &mut cells);
                    Ok(cells)
                })
                .collect::<Result<_>>()
        })?;
        let mut cells = Box::new([[0.0; 2]; CELLS]);
        for part in &parts {
            for (cell, part) in cells.iter_mut().zip(part.iter()) {
                *cell = [cell[0] + part[0], cell[1] + part[1]];
            }
        }
        // A score that is not finite makes its cell's outcome so, or hides in the first cell or the last.
        self.finite(run, &cells, scores)?;
        self.curve(run, &plan, &cells, scores)
    }

    /// The rows as one slice, once all fits.
    fn checked<'a, T: Stored>(&self, rows: &'a ArrayView2<'_, T>) -> Result<&'a [T]> {
        let (n, d) = rows.dim();
        if n == 0 || d == 0 {
            return Err(Error::input(format!("{n} rows of {d} numbers"), "give at least one of each"));
        }
        if self.vector.len() != d {
            return Err(Error::input(
                format!("rows have {d} numbers, the offer {}", self.vector.len()),
                "use vectors of one factorisation",
            ));
        }
        if let Some(volume) = self.volumes.iter().find(|&&volume| volume > n) {
            return Err(Error::input(
                format!("a volume of {volume} of {n} rows"),
                "ask for at most all rows",
            ));
        }
        if !self.bias.is_finite() || self.vector.iter().any(|value| !value.is_finite()) {
            return Err(Error::input("the offer's vector or bias is not finite", "fit the offer again"));
        }
        rows.as_slice().ok_or_else(|| Error::input("the rows do not lie row by row", "store them so"))
    }

    /// The interval that the cells divide, from a sample; what lies outside goes to the first and last cell.
    fn range<T: Stored>(&self, level: Level, rows: &[T], n: usize, d: usize) -> (f32, f32) {
        let plan = Plan { vector: &self.vector, bias: self.bias, logistic: false, low: 0.0, per_unit: 0.0 };
        let (blocks, size) = (SAMPLE.0, SAMPLE.1.min(n));
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        let mut cells = Box::new([[0.0; 2]; CELLS]);
        for block in 0..blocks {
            let first = (n - size) * block / (blocks - 1);
            let mut scores = vec![0.0; size];
            pass(level, &rows[first * d..(first + size) * d], plan, &mut scores, &mut cells);
            for score in scores.into_iter().filter(|score| score.is_finite()) {
                (low, high) = (low.min(score), high.max(score));
            }
        }
        let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
        // The ends of millions lie beyond those of a sample: by half its width at most, when they are normal.
        let width = (high - low).max(1e-3 * low.abs().max(high.abs())).clamp(1e-30, f32::MAX / 8.0);
        (low - 0.5 * width, high + 0.5 * width)
    }

    fn finite(&self, run: &Run<'_>, cells: &Cells, scores: &[f32]) -> Result<()> {
        let edges_empty = cells[0][0] == 0.0 && cells[CELLS - 1][0] == 0.0;
        if edges_empty && cells.iter().all(|cell| cell[1].is_finite()) {
            return Ok(());
        }
        let fault = run.pool.install(|| {
            scores
                .par_chunks(ROWS)
                .enumerate()
                .find_map_first(|(chunk, scores)| Some(chunk * ROWS + first_not_finite(scores)?))
        });
        match fault {
            Some(row) => {
                Err(Error::input(format!("the score of row {row} is not finite"), "drop or fill its vector"))
            }
            None => Ok(()),
        }
    }

    /// The curve at the borders of the cells, thinned, and at the volumes.
    fn curve(&self, run: &Run<'_>, plan: &Plan<'_>, cells: &Cells, scores: &[f32]) -> Result<Gain> {
        let mut borders = Gain { volume: vec![0.0], gain: vec![0.0] };
        let (mut volume, mut gain) = (0.0, 0.0);
        // Cells that hold a volume asked for, with what lies above: (cell, volume and gain above it).
        let mut opened: Vec<(u32, f64, f64)> = Vec::new();
        for (place, &[count, sum]) in cells.iter().enumerate().rev().filter(|(_, cell)| cell[0] > 0.0) {
            let inside = |&asked: &usize| asked as f64 > volume && (asked as f64) < volume + count;
            if self.volumes.iter().any(inside) {
                opened.push((place as u32, volume, gain));
            }
            (volume, gain) = (volume + count, gain + sum);
            borders.volume.push(volume);
            borders.gain.push(gain);
        }
        let kept = thin(&borders.volume, &borders.gain, self.max_points.max(2), 0.0)?;
        let mut points: Vec<(f64, f64)> =
            kept.into_iter().map(|place| (borders.volume[place], borders.gain[place])).collect();
        for &asked in &self.volumes {
            if let Ok(place) = borders.volume.binary_search_by(|volume| volume.total_cmp(&(asked as f64))) {
                points.push((borders.volume[place], borders.gain[place]));
            }
        }
        let inside = opened_scores(run, plan, &opened, scores)?;
        for (&(_, above, gain), mut scores) in opened.iter().zip(inside) {
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            let asked = self.volumes.iter().map(|&asked| asked as f64 - above);
            let asked = asked.filter(|&asked| asked > 0.0 && asked < scores.len() as f64);
            points.extend(asked.map(|asked| (above + asked, gain + taken(plan, &scores, asked as usize))));
        }
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by_key(|point| point.0);
        let (volume, gain) = points.into_iter().unzip();
        Ok(Gain { volume, gain })
    }
}

/// The outcome of the first `count` of falling scores; of equal scores at the cut, their share.
fn taken(plan: &Plan<'_>, scores: &[f32], count: usize) -> f64 {
    let sum = |scores: &[f32]| scores.iter().map(|&score| f64::from(plan.outcome(score))).sum::<f64>();
    let Some(&at) = scores.get(count.saturating_sub(1)) else { return 0.0 };
    let first = scores.partition_point(|&score| score > at);
    sum(&scores[..first]) + (count - first) as f64 * f64::from(plan.outcome(at))
}

/// The scores of each opened cell.
fn opened_scores(
    run: &Run<'_>,
    plan: &Plan<'_>,
    opened: &[(u32, f64, f64)],
    scores: &[f32],
) -> Result<Vec<Vec<f32>>> {
    let mut found = vec![Vec::new(); opened.len()];
    if opened.is_empty() {
        return Ok(found);
    }
    let cells: Vec<u32> = opened.iter().map(|&(cell, ..)| cell).collect();
    let parts: Vec<Vec<(usize, f32)>> = run.pool.install(|| {
        scores
            .par_chunks(ROWS)
            .map(|scores| {
                run.check()?;
                Ok(in_cells(plan, &cells, scores))
            })
            .collect::<Result<_>>()
    })?;
    for (place, score) in parts.into_iter().flatten() {
        found[place].push(score);
    }
    Ok(found)
}

/// The scores that lie in one of `cells`, with the place of the cell.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn in_cells<'p>(plan: &'p Plan<'p>, cells: &[u32], scores: &[f32]) -> Vec<(usize, f32)> {
    let mut found = Vec::new();
    for block in scores.chunks(64) {
        let mut places = [u32::MAX; 64];
        for (place, &score) in places.iter_mut().zip(block) {
            *place = plan.cell(score);
        }
        for (at, &cell) in cells.iter().enumerate() {
            if places.iter().fold(false, |any, &place| any | (place == cell)) {
                let inside = places.iter().zip(block).filter(|(place, _)| **place == cell);
                found.extend(inside.map(|(_, &score)| (at, score)));
            }
        }
    }
    found
}

fn first_not_finite(scores: &[f32]) -> Option<usize> {
    // Whole blocks first: written without a way out, so that it becomes vector instructions.
    let fine = |block: &[f32]| block.iter().fold(true, |fine, score| fine & score.is_finite());
    let block = scores.chunks(64).position(|block| !fine(block))?;
    let place = scores.iter().skip(block * 64).position(|score| !score.is_finite())?;
    Some(block * 64 + place)
}
