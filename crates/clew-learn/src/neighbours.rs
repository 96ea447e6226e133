//! Nearest neighbours of rows, exact, by the fused blocked product of [`crate::top_k`].

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::top_k::Columns;

#[cfg(feature = "approximate")]
pub mod approximate;

/// How near two rows x and y are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Inner product x · y; the largest is nearest.
    Dot,
    /// Cosine of the angle, x · y / (|x| |y|); the largest is nearest. A row of zeros is at a right angle (0)
    /// to every other.
    #[default]
    Cosine,
    /// Distance |x − y|; the smallest is nearest.
    Euclidean,
}

/// Nearest-neighbour search by one [`Measure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// How near two rows are.
    pub measure: Measure,
}

/// Rows prepared for searches; made by [`Neighbours::fit`].
#[derive(Debug, Clone)]
pub struct FittedNeighbours {
    measure: Measure,
    /// The rows as they were given.
    rows: Array2<f32>,
    /// What is subtracted before distances are estimated, which keeps their rounding small.
    centre: Vec<f32>,
    columns: Columns,
    /// The largest |y| of the rows once centred.
    longest: f64,
}

/// Candidates of a row beyond the k asked for; they settle the order where an estimate cannot.
const SPARE: usize = 16;
/// Rows whose distances one piece of work settles.
const ROWS: usize = 256;

impl Neighbours {
    /// Prepares the rows of `x` (n × d, n below 2³² − 1). Errors on no rows or columns, on numbers that are
    /// not finite and, but by cosine, on rows whose squared length nears what 32 bits hold.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<FittedNeighbours> {
        check::matrix(x, Missing::Refused, "row")?;
        let rows = x.as_standard_layout().into_owned();
        let centre = centre_of(self.measure, rows.view());
        let prepared = prepared(self.measure, rows.view(), &centre, Side::Known)?;
        let longest = (0..rows.nrows()).map(|row| length(&rows, row, &centre)).fold(0.0, f64::max);
        let columns = Columns::new(run, prepared.view())?;
        Ok(FittedNeighbours { measure: self.measure, rows, centre, columns, longest })
    }
}

impl FittedNeighbours {
    /// The `k` nearest of the known rows for each row of `x` (any number × d), nearest first, as (row,
    /// measure); of equally near ones the lower row. Errors as [`Neighbours::fit`], and on another d.
    ///
    /// The order by distance is exact: products only propose candidates, whose distances are then computed
    /// from the differences in double precision; where the rounding of the products leaves a doubt, all rows
    /// are gone through. By dot and cosine the order is that of the products in single precision.
    pub fn nearest(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, k: usize) -> Result<Vec<Vec<(u32, f32)>>> {
        check::same_columns(x.ncols(), self.rows.ncols())?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        check::matrix(x, Missing::Refused, "row")?;
        self.search(run, x, k, |_, _| false)
    }

    /// The `k` nearest others of each known row: as [`FittedNeighbours::nearest`], without the row itself.
    pub fn of_all(&self, run: &Run<'_>, k: usize) -> Result<Vec<Vec<(u32, f32)>>> {
        self.search(run, self.rows.view(), k, |row, column| row == column as usize)
    }

    fn search(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        k: usize,
        hidden: impl Fn(usize, u32) -> bool + Sync + Send,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let asked = prepared(self.measure, x, &self.centre, Side::Asked)?;
        if self.measure != Measure::Euclidean {
            return self.columns.best(run, asked.view(), k, hidden);
        }
        let proposed = self.columns.best(run, asked.view(), k.saturating_add(SPARE), &hidden)?;
        let parts = map_chunks(run, x.nrows(), ROWS, |from, to| {
            (from..to).map(|row| self.settled(x, row, k, &proposed[row], &hidden)).collect::<Vec<_>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// The nearest k of one row by distances from differences, proposed by x · y − |y|² / 2.
    fn settled(
        &self,
        x: ArrayView2<'_, f32>,
        row: usize,
        k: usize,
        proposed: &[(u32, f32)],
        hidden: impl Fn(usize, u32) -> bool,
    ) -> Vec<(u32, f32)> {
        let squared = |column: u32| -> f64 {
            let pairs = x.row(row).into_iter().zip(self.rows.row(column as usize));
            pairs.map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
        };
        let mut found: Vec<(u32, f64)> =
            proposed.iter().map(|&(column, _)| (column, squared(column))).collect();
        sort(&mut found);
        // |x − y|² = |x|² − 2 s with s the score: rows that were not proposed have at most the last score,
        // and what rounding moved it by is below d + 4 units in the last place of the largest term.
        let asked = length(&x, row, &self.centre);
        let unit = f64::from(f32::EPSILON) * (self.centre.len() + 4) as f64;
        let doubt = 2.0 * unit * (asked + self.longest).powi(2);
        let others = proposed.last().map_or(0.0, |last| asked * asked - 2.0 * f64::from(last.1));
        let all = proposed.len() < k.saturating_add(SPARE);
        if !all && found.get(k.saturating_sub(1)).is_none_or(|kth| kth.1 >= others - doubt) {
            let columns = (0..self.rows.nrows() as u32).filter(|&column| !hidden(row, column));
            found = columns.map(|column| (column, squared(column))).collect();
            sort(&mut found);
        }
        found.into_iter().take(k).map(|(column, squared)| (column, squared.sqrt() as f32)).collect()
    }

    /// Rows that are known.
    pub fn n_rows(&self) -> usize {
        self.rows.nrows()
    }

    /// Adds the rows and the measure to a file, as sections beginning with `name`.
    pub fn write(&self, file: &mut Writer, name: &str) -> Result<()> {
        write_rows(file, name, self.measure, self.rows.view())
    }

    /// Reads what [`FittedNeighbours::write`] has written and prepares it again.
    pub fn read(run: &Run<'_>, file: &File, name: &str) -> Result<FittedNeighbours> {
        let (measure, rows) = read_rows(file, name)?;
        Neighbours { measure }.fit(run, rows)
    }
}

/// What is subtracted from rows: their mean by distance, nothing by products.
fn centre_of(measure: Measure, rows: ArrayView2<'_, f32>) -> Vec<f32> {
    if measure != Measure::Euclidean {
        return vec![0.0; rows.ncols()];
    }
    let mean = |column: ndarray::ArrayView1<'_, f32>| {
        (column.iter().map(|&x| f64::from(x)).sum::<f64>() / column.len() as f64) as f32
    };
    rows.columns().into_iter().map(mean).collect()
}

/// Rows at length 1; a row of zeros stays one.
fn normalised(x: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut x = x.as_standard_layout().into_owned();
    for mut row in x.rows_mut() {
        let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.mapv_inplace(|x| (f64::from(x) / norm) as f32);
        }
    }
    x
}

fn write_rows(file: &mut Writer, name: &str, measure: Measure, rows: ArrayView2<'_, f32>) -> Result<()> {
    file.json(&format!("{name}.shape"), &(measure, rows.nrows(), rows.ncols()))?;
    file.section(&format!("{name}.rows"), rows.as_slice().unwrap_or(&[]))
}

fn read_rows<'a>(file: &'a File, name: &str) -> Result<(Measure, ArrayView2<'a, f32>)> {
    let (measure, n, d): (Measure, usize, usize) = file.json(&format!("{name}.shape"))?;
    let values = file.view::<f32>(&format!("{name}.rows"))?;
    let rows = ArrayView2::from_shape((n, d), values).map_err(|_| {
        Error::format(format!("'{name}' has {} numbers for {n} rows of {d}", values.len()), "fit it again")
    })?;
    if n.checked_mul(d) != Some(values.len()) {
        return Err(Error::format(format!("'{name}' has numbers left over"), "fit it again"));
    }
    Ok((measure, rows))
}

/// Rising distance, then rising row.
fn sort(found: &mut [(u32, f64)]) {
    found.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
}

/// |x − centre| of one row.
fn length<S: ndarray::Data<Elem = f32>>(
    x: &ndarray::ArrayBase<S, ndarray::Ix2>,
    row: usize,
    centre: &[f32],
) -> f64 {
    let pairs = x.row(row).into_iter().zip(centre);
    pairs.map(|(&x, &c)| f64::from(x - c).powi(2)).sum::<f64>().sqrt()
}

/// Which side of the product rows are prepared for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Known,
    Asked,
}

/// No product of two rows, nor a part of its sum, is then beyond what 32 bits hold (Cauchy and Schwarz).
fn measurable(row: usize, squared: f64) -> Result<()> {
    if squared > f64::from(f32::MAX) / 4.0 {
        return Err(Error::input(format!("row {row} is too long to measure"), "scale the columns"));
    }
    Ok(())
}

/// Refuses rows, the first of which is row `from`, that are too long for inner products.
fn products_fit(x: ArrayView2<'_, f32>, from: usize) -> Result<()> {
    let squared = |row: ArrayView1<'_, f32>| row.iter().map(|&x| f64::from(x).powi(2)).sum();
    x.rows().into_iter().enumerate().try_for_each(|(row, x)| measurable(from + row, squared(x)))
}

/// Rows whose inner products order as the measure does. By distance they get one number more: with 1 on the
/// asked side and −|y|² / 2 on the known one the product is (|x|² − |x − y|²) / 2.
fn prepared(measure: Measure, x: ArrayView2<'_, f32>, centre: &[f32], side: Side) -> Result<Array2<f32>> {
    let (n, d) = x.dim();
    let ready = match measure {
        Measure::Dot => {
            products_fit(x, 0)?;
            x.to_owned()
        }
        Measure::Cosine => normalised(x),
        Measure::Euclidean => {
            let mut ready = Array2::zeros((n, d + 1));
            for (row, (mut ready, x)) in ready.rows_mut().into_iter().zip(x.rows()).enumerate() {
                let mut squared = 0.0;
                for ((slot, &x), &c) in ready.iter_mut().zip(x).zip(centre) {
                    *slot = x - c;
                    squared += f64::from(*slot).powi(2);
                }
                measurable(row, squared)?;
                ready[d] = if side == Side::Known { (-0.5 * squared) as f32 } else { 1.0 };
            }
            ready
        }
    };
    Ok(ready)
}
