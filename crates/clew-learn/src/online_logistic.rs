//! Logistic regression that sees each row once: FTRL-proximal with a step of its own for every column
//! (McMahan et al. 2013, "Ad click prediction: a view from the trenches", algorithm 1).
//!
//! Memory is two numbers per column, whatever the number of rows; `hashing` turns names into so many columns.
//! Rows are learned one after the other on the caller's thread, so the same stream gives the same model,
//! however it is cut into batches.

use crate::check;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::loss::{Loss, sigmoid};
use crate::run::Run;
use crate::sparse::Csr;

/// Rows learned or predicted between two looks at the stop flag.
const ROWS: usize = 8_192;

/// How to learn from a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineLogistic {
    /// Length of the steps (α in the paper), above 0; steps shrink as 1 / √(sum of squared slopes).
    pub rate: f64,
    /// Keeps the first steps of a column short (β in the paper), above 0.
    pub smoothing: f64,
    /// A column stays at exactly 0 until its summed slopes exceed this. The intercept is free of penalties.
    pub l1: f64,
    /// Pulls coefficients towards 0.
    pub l2: f64,
}

impl Default for OnlineLogistic {
    fn default() -> OnlineLogistic {
        OnlineLogistic { rate: 0.1, smoothing: 1.0, l1: 0.0, l2: 1.0 }
    }
}

/// A logistic regression that goes on learning.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedOnlineLogistic {
    params: OnlineLogistic,
    /// Per column, then the intercept: summed slopes, less what they have already moved (z in the paper).
    slopes: Vec<f64>,
    /// Likewise: sum of squared slopes (n in the paper).
    squares: Vec<f64>,
    /// Sum of the weights learned.
    total: f64,
}

impl OnlineLogistic {
    /// A model of `n_columns` that knows nothing and predicts ½.
    pub fn start(&self, n_columns: usize) -> Result<FittedOnlineLogistic> {
        self.start_from(0.0, &vec![0.0; n_columns], 0.0)
    }

    /// Goes on from a fitted model. `squares` is what each column and the intercept are taken to have seen as
    /// their sum of squared slopes: 0 lets the first rows move the model much; a quarter of the number of
    /// rows it was fitted to is about what columns of ones that most rows have would have seen. Errors on
    /// numbers that are not finite or below 0 where they may not be.
    pub fn start_from(
        &self,
        intercept: f64,
        coefficients: &[f64],
        squares: f64,
    ) -> Result<FittedOnlineLogistic> {
        self.check()?;
        check::penalty("squares", squares)?;
        if coefficients.is_empty() || coefficients.len() >= u32::MAX as usize {
            let place = format!("{} columns", coefficients.len());
            return Err(Error::input(place, "give at least one and fewer than 2^32 - 1"));
        }
        if let Some(column) = coefficients.iter().chain([&intercept]).position(|value| !value.is_finite()) {
            let place = format!("coefficient {column} is not finite");
            return Err(Error::input(place, "start from a model that was fitted"));
        }
        let n = coefficients.len();
        let mut model = FittedOnlineLogistic {
            params: self.clone(),
            slopes: Vec::with_capacity(n + 1),
            squares: vec![squares; n + 1],
            total: 0.0,
        };
        // The summed slopes that have this coefficient as their answer.
        let inverse = |c: f64, l1: f64, l2: f64| {
            if c == 0.0 { 0.0 } else { -(self.steepness(squares) + l2) * c - l1 * c.signum() }
        };
        model.slopes.extend(coefficients.iter().map(|&c| inverse(c, self.l1, self.l2)));
        model.slopes.push(inverse(intercept, 0.0, 0.0));
        Ok(model)
    }

    fn check(&self) -> Result<()> {
        check::penalty("l1", self.l1)?;
        check::penalty("l2", self.l2)?;
        let above = |value: f64| value.is_finite() && value > 0.0;
        if above(self.rate) && above(self.smoothing) {
            return Ok(());
        }
        let place = format!("a rate of {} and a smoothing of {}", self.rate, self.smoothing);
        Err(Error::input(place, "use finite numbers above 0"))
    }

    fn steepness(&self, squares: f64) -> f64 {
        (self.smoothing + squares.sqrt()) / self.rate
    }

    /// The coefficient that answers summed slopes.
    fn coefficient(&self, slope: f64, squares: f64, l1: f64, l2: f64) -> f64 {
        if slope.abs() <= l1 { 0.0 } else { (l1 * slope.signum() - slope) / (self.steepness(squares) + l2) }
    }
}

impl FittedOnlineLogistic {
    /// Learns from the rows of `x` in their order, with `y` in 0..=1 and `weight` ≥ 0; may be called again and
    /// again. Returns the weighted mean log loss of each row's prediction as it was before the row was learned
    /// (progressive validation: an honest figure, since no row was seen before; 0 where all weights are).
    /// On an input error nothing has been learned; a run that is stopped keeps what it learned so far.
    pub fn learn(&mut self, run: &Run<'_>, x: &Csr, y: &[f32], weight: &[f32]) -> Result<f64> {
        check::same_columns(x.n_cols(), self.n_columns())?;
        check::outcomes(x.n_rows(), y, weight, Loss::Logistic)?;
        let (mut loss, mut seen) = (0.0, 0.0);
        for (row, (&y, &weight)) in y.iter().zip(weight).enumerate() {
            if row % ROWS == 0 {
                run.check()?;
                run.report("learning from the stream", row as f64 / x.n_rows() as f64);
            }
            if weight > 0.0 {
                let (y, weight) = (f64::from(y), f64::from(weight));
                let z = self.learn_row(x.row(row), y, weight);
                loss += weight * Loss::Logistic.value(z, y);
                seen += weight;
                self.total += weight;
            }
        }
        run.report("learning from the stream", 1.0);
        Ok(if seen > 0.0 { loss / seen } else { 0.0 })
    }

    /// The log-odds before the row was learned.
    fn learn_row(&mut self, (columns, values): (&[u32], &[f32]), y: f64, weight: f64) -> f64 {
        let last = self.n_columns();
        let z = self.decision_of(columns, values);
        let slope = weight * (sigmoid(z) - y);
        let mut learn = |place: usize, slope: f64, l1: f64, l2: f64| {
            let (sum, squares) = (&mut self.slopes[place], &mut self.squares[place]);
            let now = self.params.coefficient(*sum, *squares, l1, l2);
            let more = *squares + slope * slope;
            *sum += slope - (more.sqrt() - squares.sqrt()) / self.params.rate * now;
            *squares = more;
        };
        let (l1, l2) = (self.params.l1, self.params.l2);
        for (&column, &value) in columns.iter().zip(values) {
            learn(column as usize, slope * f64::from(value), l1, l2);
        }
        learn(last, slope, 0.0, 0.0);
        z
    }

    fn decision_of(&self, columns: &[u32], values: &[f32]) -> f64 {
        let products = columns.iter().zip(values).map(|(&c, &v)| self.coefficient(c as usize) * f64::from(v));
        self.intercept() + products.sum::<f64>()
    }

    fn coefficient(&self, column: usize) -> f64 {
        let (slope, squares) = (self.slopes[column], self.squares[column]);
        self.params.coefficient(slope, squares, self.params.l1, self.params.l2)
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.slopes.len() - 1
    }

    /// Sum of the weights of all rows learned.
    pub fn weight_seen(&self) -> f64 {
        self.total
    }

    /// Log-odds where every column is 0.
    pub fn intercept(&self) -> f64 {
        let last = self.n_columns();
        self.params.coefficient(self.slopes[last], self.squares[last], 0.0, 0.0)
    }

    /// Change of the log-odds for one unit of each column.
    pub fn coefficients(&self) -> Vec<f64> {
        (0..self.n_columns()).map(|column| self.coefficient(column)).collect()
    }

    /// The log-odds of each row of `x`.
    pub fn decision(&self, run: &Run<'_>, x: &Csr) -> Result<Vec<f32>> {
        self.each(run, x, |z| z as f32)
    }

    /// The probability of each row of `x`.
    pub fn predict(&self, run: &Run<'_>, x: &Csr) -> Result<Vec<f32>> {
        self.each(run, x, |z| sigmoid(z) as f32)
    }

    fn each(&self, run: &Run<'_>, x: &Csr, of: impl Fn(f64) -> f32 + Sync + Send) -> Result<Vec<f32>> {
        check::same_columns(x.n_cols(), self.n_columns())?;
        let parts = crate::parallel::map_chunks(run, x.n_rows(), ROWS, |from, to| {
            let row = |row: usize| {
                let (columns, values) = x.row(row);
                of(self.decision_of(columns, values))
            };
            (from..to).map(row).collect::<Vec<_>>()
        })?;
        Ok(parts.concat())
    }

    /// Adds the model to a file, with all that it needs to go on learning: `<name>.params` (rate, smoothing,
    /// l1, l2, weight seen), `<name>.slopes` and `<name>.squares`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let OnlineLogistic { rate, smoothing, l1, l2 } = self.params;
        writer.section(&format!("{name}.params"), &[rate, smoothing, l1, l2, self.total])?;
        writer.section(&format!("{name}.slopes"), &self.slopes)?;
        writer.section(&format!("{name}.squares"), &self.squares)
    }

    /// Reads back what [`FittedOnlineLogistic::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedOnlineLogistic> {
        let slopes = file.view::<f64>(&format!("{name}.slopes"))?.to_vec();
        let squares = file.view::<f64>(&format!("{name}.squares"))?.to_vec();
        let sound = slopes.len() == squares.len()
            && slopes.len() > 1
            && slopes.iter().all(|slope| slope.is_finite())
            && squares.iter().all(|square| square.is_finite() && *square >= 0.0);
        match file.view::<f64>(&format!("{name}.params"))? {
            &[rate, smoothing, l1, l2, total] if sound && total.is_finite() && total >= 0.0 => {
                let params = OnlineLogistic { rate, smoothing, l1, l2 };
                params.check().map_err(|error| Error::format(error.to_string(), "train again"))?;
                Ok(FittedOnlineLogistic { params, slopes, squares, total })
            }
            _ => {
                Err(Error::format(format!("the online model '{name}' does not fit together"), "train again"))
            }
        }
    }
}
