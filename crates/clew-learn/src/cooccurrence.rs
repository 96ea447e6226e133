//! Columns that come together in rows more often than chance would have it: counts of pairs, support,
//! confidence, lift, and a guard against pairs that are few by chance (Dunning 1993).

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::Csr;

/// Columns that one task counts, with one row of counts over all columns as its memory.
const CHUNK: usize = 64;

/// What puts one pair of a column before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PairOrder {
    /// How sure it is that they belong together: Dunning's ratio. Neither the rare nor the popular rule.
    #[default]
    Ratio,
    /// How many times likelier the one makes the other. Rare columns come first; raise `least_together`.
    Lift,
    /// How likely the other is, given the one. Popular columns come first.
    Confidence,
}

/// How to count pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cooccurrence {
    /// Least weight of rows that hold both columns, for the pair to be kept.
    pub least_together: f64,
    /// Least log-likelihood ratio G² of the pair against independence. Under independence G² follows χ² with
    /// one degree of freedom, so 10.83 lets one pair in a thousand pass by chance. Pairs that come together
    /// less often than by chance are never kept.
    pub least_ratio: f64,
    /// At most so many pairs of each column, the first by `order`.
    pub per_column: usize,
    /// Which come first.
    pub order: PairOrder,
    /// Rows with more columns than this are left out altogether: they cost the square of their length, and a
    /// row that holds everything says nothing of pairs.
    pub longest_row: usize,
}

impl Default for Cooccurrence {
    fn default() -> Cooccurrence {
        Cooccurrence {
            least_together: 3.0,
            least_ratio: 10.83,
            per_column: 20,
            order: PairOrder::Ratio,
            longest_row: 1_000,
        }
    }
}

/// One column seen from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The other column.
    pub column: u32,
    /// Weight of the rows that hold both.
    pub together: f64,
    /// Share of all rows that hold both, 0..=1.
    pub support: f64,
    /// Share of the rows with the one that hold the other too, 0..=1.
    pub confidence: f64,
    /// The confidence over the other's share of all rows: 1 is independence.
    pub lift: f64,
    /// Log-likelihood ratio G² against independence (Dunning 1993, section 5).
    pub ratio: f64,
}

/// The pairs kept.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedCooccurrence {
    /// Weight of the rows counted.
    pub n_rows: f64,
    /// Weight of the rows that hold each column.
    pub counts: Vec<f64>,
    /// Rows left out for their length.
    pub n_left_out: usize,
    starts: Vec<u64>,
    columns: Vec<u32>,
    together: Vec<f64>,
}

impl Cooccurrence {
    /// Counts over the rows of `rows` (rows × columns), each `weight` times (≥ 0). A row holds a column when
    /// its value there is above 0. Memory: one number a column for each thread, and what is kept. Errors on
    /// negative weights, weights that are all 0 and thresholds out of range.
    pub fn fit(&self, run: &Run<'_>, rows: &Csr, weight: &[f32]) -> Result<FittedCooccurrence> {
        self.check(rows, weight)?;
        let counted = |row: usize| rows.row(row).0.len() <= self.longest_row;
        let columns = rows.transpose_with(run)?;
        let n_rows: f64 =
            (0..rows.n_rows()).filter(|&row| counted(row)).map(|row| f64::from(weight[row])).sum();
        let holders = |column: usize| {
            let (rows, values) = columns.row(column);
            let held =
                rows.iter().zip(values).filter(|(row, value)| **value > 0.0 && counted(**row as usize));
            held.map(|(&row, _)| row as usize)
        };
        let counts: Vec<f64> = map_chunks(run, rows.n_cols(), CHUNK, |from, to| {
            let count = |column| holders(column).map(|row| f64::from(weight[row])).sum();
            (from..to).map(count).collect::<Vec<f64>>()
        })?
        .concat();
        let kept = map_chunks(run, rows.n_cols(), CHUNK, |from, to| {
            let mut sums = vec![0.0_f64; rows.n_cols()];
            let mut met = Vec::new();
            let of = |column: usize| {
                for row in holders(column) {
                    let (others, values) = rows.row(row);
                    for (&other, _) in others.iter().zip(values).filter(|(_, value)| **value > 0.0) {
                        if sums[other as usize] == 0.0 {
                            met.push(other);
                        }
                        sums[other as usize] += f64::from(weight[row]);
                    }
                }
                let mut pairs: Vec<Pair> = Vec::new();
                for other in met.drain(..) {
                    let together = std::mem::take(&mut sums[other as usize]);
                    if other as usize != column && together >= self.least_together && together > 0.0 {
                        pairs.push(pair(other, together, counts[column], counts[other as usize], n_rows));
                    }
                }
                pairs.retain(|pair| pair.lift > 1.0 && pair.ratio >= self.least_ratio);
                self.first(pairs)
            };
            (from..to).map(of).collect::<Vec<Vec<Pair>>>()
        })?;
        let n_left_out = (0..rows.n_rows()).filter(|&row| !counted(row)).count();
        let mut fitted = FittedCooccurrence {
            n_rows,
            counts,
            n_left_out,
            starts: vec![0],
            columns: Vec::new(),
            together: Vec::new(),
        };
        for pairs in kept.into_iter().flatten() {
            for pair in pairs {
                fitted.columns.push(pair.column);
                fitted.together.push(pair.together);
            }
            fitted.starts.push(fitted.columns.len() as u64);
        }
        Ok(fitted)
    }

    fn check(&self, rows: &Csr, weight: &[f32]) -> Result<()> {
        let sound = self.least_together >= 0.0 && self.least_ratio >= 0.0 && self.per_column > 0;
        if !sound || self.longest_row < 2 {
            return Err(Error::input(
                format!(
                    "pairs of {} rows at least, a ratio of {}, {} a column, rows of {} at most",
                    self.least_together, self.least_ratio, self.per_column, self.longest_row
                ),
                "use thresholds of 0 or more, one pair a column or more, rows of 2 or more",
            ));
        }
        if rows.n_rows() == 0 || rows.n_cols() == 0 {
            return Err(Error::input(
                format!("{} rows of {} columns", rows.n_rows(), rows.n_cols()),
                "give at least one of each",
            ));
        }
        check::weights(rows.n_rows(), weight)?;
        if weight.iter().all(|&weight| weight == 0.0) {
            return Err(Error::input("all weights are 0", "give at least one row a weight"));
        }
        Ok(())
    }

    /// The first by the order, ties to the lower column.
    fn first(&self, mut pairs: Vec<Pair>) -> Vec<Pair> {
        let key = |pair: &Pair| match self.order {
            PairOrder::Ratio => pair.ratio,
            PairOrder::Lift => pair.lift,
            PairOrder::Confidence => pair.confidence,
        };
        pairs.sort_by(|a, b| key(b).total_cmp(&key(a)).then(a.column.cmp(&b.column)));
        pairs.truncate(self.per_column);
        pairs
    }
}

impl FittedCooccurrence {
    /// The pairs kept of a column, first first; none for a column that is not known.
    pub fn pairs(&self, column: usize) -> impl Iterator<Item = Pair> {
        let span = match (self.starts.get(column), self.starts.get(column + 1)) {
            (Some(&from), Some(&to)) => from as usize..to as usize,
            _ => 0..0,
        };
        span.map(move |at| {
            let other = self.columns[at];
            pair(other, self.together[at], self.counts[column], self.counts[other as usize], self.n_rows)
        })
    }

    /// Adds the pairs to a file, under `name`: `.total` and `.counts` and `.together` (f64), `.shape` (u64: rows
    /// left out), `.starts` (u64), `.columns` (u32).
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.total"), &[self.n_rows])?;
        writer.section(&format!("{name}.shape"), &[self.n_left_out as u64])?;
        writer.section(&format!("{name}.counts"), &self.counts)?;
        writer.section(&format!("{name}.starts"), &self.starts)?;
        writer.section(&format!("{name}.columns"), &self.columns)?;
        writer.section(&format!("{name}.together"), &self.together)
    }

    /// Reads back what [`FittedCooccurrence::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedCooccurrence> {
        let wrong = || Error::format(format!("the pairs '{name}' do not fit together"), "count again");
        let (&[n_rows], &[n_left_out]) =
            (file.view::<f64>(&format!("{name}.total"))?, file.view::<u64>(&format!("{name}.shape"))?)
        else {
            return Err(wrong());
        };
        let fitted = FittedCooccurrence {
            n_rows,
            counts: file.view::<f64>(&format!("{name}.counts"))?.to_vec(),
            n_left_out: n_left_out as usize,
            starts: file.view::<u64>(&format!("{name}.starts"))?.to_vec(),
            columns: file.view::<u32>(&format!("{name}.columns"))?.to_vec(),
            together: file.view::<f64>(&format!("{name}.together"))?.to_vec(),
        };
        let n = fitted.columns.len();
        let sound = fitted.starts.len() == fitted.counts.len() + 1
            && fitted.starts.first() == Some(&0)
            && fitted.starts.last() == Some(&(n as u64))
            && fitted.starts.windows(2).all(|pair| pair[0] <= pair[1])
            && fitted.together.len() == n
            && fitted.columns.iter().all(|&column| (column as usize) < fitted.counts.len())
            && (fitted.counts.iter().chain(&fitted.together).chain([&n_rows]))
                .all(|v| v.is_finite() && *v >= 0.0);
        if sound { Ok(fitted) } else { Err(wrong()) }
    }
}

/// The figures of a pair: `one` and `other` are the weights of the rows that hold each.
fn pair(column: u32, together: f64, one: f64, other: f64, n_rows: f64) -> Pair {
    // k ln(k n / (row sum × column sum)) of each cell of the table of both; an empty cell adds nothing.
    let cell = |k: f64, a: f64, b: f64| if k > 0.0 { k * (k * n_rows / (a * b)).ln() } else { 0.0 };
    let ratio = cell(together, one, other)
        + cell(one - together, one, n_rows - other)
        + cell(other - together, n_rows - one, other)
        + cell(n_rows - one - other + together, n_rows - one, n_rows - other);
    Pair {
        column,
        together,
        support: together / n_rows,
        confidence: together / one,
        lift: together * n_rows / (one * other),
        ratio: (2.0 * ratio).max(0.0),
    }
}
