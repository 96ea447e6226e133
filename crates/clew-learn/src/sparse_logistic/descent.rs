//! Coordinate descent for a loss with an L1 penalty: each step minimises the loss's second-order model over
//! the columns that may differ from 0, one after the other (Friedman, Hastie & Tibshirani 2010; the step along
//! the whole of it is halved while it does not descend, Yuan, Ho & Lin 2012). Columns that the strong rule
//! (Tibshirani et al. 2012, section 5) expects to stay 0 are left out, then checked.

use rayon::prelude::*;

use super::newton::Limits;
use crate::check;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::sparse::{Csc, Csr};

/// Columns and rows worked at once.
const COLUMNS: usize = 64;
const ROWS: usize = 16_384;
/// Most rounds over the columns for one step.
const ROUNDS: usize = 50;
/// No shorter share of a step is tried.
const SHORTEST: f64 = 1e-12;

/// Checked data by columns.
pub(super) struct Descent<'a> {
    loss: Loss,
    x: &'a Csr,
    columns: Csc,
    y: &'a [f32],
    weight: &'a [f32],
    /// Sum of the weights.
    total: f64,
    limits: Limits,
}

/// Where a descent is.
pub(super) struct State {
    /// One coefficient per column.
    pub(super) coefficients: Vec<f64>,
    pub(super) intercept: f64,
    /// The largest violation of the optimum's conditions, as a share of the sum of weights.
    pub(super) violation: f64,
    /// The loss's slope in every coefficient, without penalties.
    slopes: Vec<f64>,
    /// The L1 penalty that this is the optimum of; infinite before the first.
    l1: f64,
    /// Each row's decision.
    z: Vec<f64>,
}

/// Slope, curvature, and curvature across with the intercept of one column.
type Local = [f64; 3];

impl<'a> Descent<'a> {
    pub(super) fn new(
        run: &Run<'_>,
        loss: Loss,
        x: &'a Csr,
        y: &'a [f32],
        weight: &'a [f32],
        limits: Limits,
    ) -> Result<Descent<'a>> {
        if x.n_rows() == 0 || x.n_cols() == 0 {
            let place = format!("{} rows of {} columns", x.n_rows(), x.n_cols());
            return Err(Error::input(place, "give at least one of each"));
        }
        check::outcomes(x.n_rows(), y, weight, loss)?;
        let total = weight.iter().map(|&w| f64::from(w)).sum();
        Ok(Descent { loss, x, columns: Csc::from_csr(run, x)?, y, weight, total, limits })
    }

    /// The optimum without columns, where every path begins.
    pub(super) fn without_columns(&self, run: &Run<'_>, offset: Option<&[f32]>) -> Result<State> {
        check::offsets(self.y.len(), offset)?;
        let base = self.loss.link(check::mean_outcome(self.y, self.weight, self.loss)?);
        let z = match offset {
            Some(offset) => offset.iter().map(|&offset| base + f64::from(offset)).collect(),
            None => vec![base; self.y.len()],
        };
        let n = self.columns.n_cols();
        let mut state = State {
            coefficients: vec![0.0; n],
            intercept: base,
            violation: 0.0,
            slopes: Vec::new(),
            l1: f64::INFINITY,
            z,
        };
        state.violation = self.solve(run, &mut state, &[], 0.0, 0.0, self.limits.tolerance)?;
        self.look_at_all(run, &mut state)?;
        Ok(state)
    }

    /// Moves `state` to the optimum for these penalties, within `tolerance`.
    pub(super) fn advance(
        &self,
        run: &Run<'_>,
        state: &mut State,
        l1: f64,
        l2: f64,
        tolerance: f64,
    ) -> Result<()> {
        // Far from the last penalty the rule would let everything in: then begin with what is half way, and
        // let the check bring the rest.
        let before = if state.l1.is_finite() { state.l1 } else { state.strongest_slope() };
        let bar = (2.0 * l1 - before).max(0.5 * l1);
        let mut inside: Vec<bool> =
            state.coefficients.iter().zip(&state.slopes).map(|(&c, g)| c != 0.0 || g.abs() >= bar).collect();
        loop {
            let set: Vec<u32> =
                (0_u32..).zip(&inside).filter(|(_, inside)| **inside).map(|(j, _)| j).collect();
            let within = self.solve(run, state, &set, l1, l2, tolerance)?;
            self.look_at_all(run, state)?;
            let (mut missed, mut worst) = (false, within);
            for (inside, slope) in inside.iter_mut().zip(&state.slopes) {
                let excess = (slope.abs() - l1) / self.total;
                if !*inside && excess > tolerance {
                    (*inside, missed) = (true, true);
                } else if !*inside {
                    worst = worst.max(excess);
                }
            }
            (state.violation, state.l1) = (worst, l1);
            if !missed {
                return Ok(());
            }
        }
    }

    /// Minimises over the columns of `set` and the intercept; the violation that is left among them.
    fn solve(
        &self,
        run: &Run<'_>,
        state: &mut State,
        set: &[u32],
        l1: f64,
        l2: f64,
        tolerance: f64,
    ) -> Result<f64> {
        let mut loss = self.value(run, &state.z, &[], 0.0)?;
        let mut iteration = 0;
        loop {
            run.check()?;
            let (rows, own) = self.rows(run, &state.z)?;
            let local = self.local(run, set, &rows)?;
            let mut violation = own[0].abs();
            for (&column, local) in set.iter().zip(&local) {
                let c = state.coefficients[column as usize];
                violation = violation.max(gap(c, local[0] + l2 * c, l1));
            }
            violation /= self.total;
            if violation <= tolerance || iteration >= self.limits.max_iterations {
                return Ok(violation);
            }
            iteration += 1;
            let goal = self.total * (0.1 * violation).max(0.3 * tolerance);
            let model = Model { columns: &self.columns, set, local: &local, own, l1, l2, goal };
            let (next, shift) = model.minimise(run, &rows, &state.coefficients)?;
            let step: Vec<f64> =
                set.iter().zip(&next).map(|(&j, next)| next - state.coefficients[j as usize]).collect();
            let mut along = vec![shift; state.z.len()];
            for (&column, &step) in set.iter().zip(&step).filter(|(_, step)| **step != 0.0) {
                let (rows, values) = self.columns.column(column as usize);
                rows.iter().zip(values).for_each(|(&row, &v)| along[row as usize] += step * f64::from(v));
            }
            let price = |share: f64| -> f64 {
                let of = |(&column, &step): (&u32, &f64)| {
                    let c = state.coefficients[column as usize] + share * step;
                    l1 * c.abs() + l2 / 2.0 * c * c
                };
                set.iter().zip(&step).map(of).sum()
            };
            let before = price(0.0);
            let slope = local.iter().zip(&step).map(|(local, step)| local[0] * step).sum::<f64>()
                + own[0] * shift
                + price(1.0)
                - before;
            let mut share = 1.0;
            let next_loss = loop {
                let next_loss = self.value(run, &state.z, &along, share)?;
                let change = next_loss - loss + price(share) - before;
                // Near the bottom the loss cannot show the descent any more: rounding hides it.
                let blind = 1e-12 * loss.abs();
                if change <= 1e-4 * share * slope || (share * slope.abs() <= blind && change <= blind) {
                    break next_loss;
                }
                // Nor can it where numbers overflow.
                if share * slope.abs() <= blind || !slope.is_finite() || share < SHORTEST {
                    return Ok(violation);
                }
                share *= 0.5;
            };
            for ((&column, &next), &step) in set.iter().zip(&next).zip(&step) {
                let c = &mut state.coefficients[column as usize];
                *c = if share == 1.0 { next } else { *c + share * step };
            }
            state.intercept += share * shift;
            state.z.iter_mut().zip(&along).for_each(|(z, step)| *z += share * step);
            loss = next_loss;
        }
    }

    /// Slope and curvature of each row, and their sums.
    fn rows(&self, run: &Run<'_>, z: &[f64]) -> Result<(Vec<[f64; 2]>, [f64; 2])> {
        let parts = map_chunks(run, z.len(), ROWS, |from, to| {
            let of = |row: usize| {
                let (slope, bend) = self.loss.slope_and_curvature(z[row], f64::from(self.y[row]));
                [f64::from(self.weight[row]) * slope, f64::from(self.weight[row]) * bend]
            };
            (from..to).map(of).collect::<Vec<_>>()
        })?;
        let rows = parts.concat();
        let sums = rows.iter().fold([0.0, 0.0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
        Ok((rows, sums))
    }

    fn local(&self, run: &Run<'_>, set: &[u32], rows: &[[f64; 2]]) -> Result<Vec<Local>> {
        let parts = map_chunks(run, set.len(), COLUMNS, |from, to| {
            let of = |&column: &u32| {
                let (places, values) = self.columns.column(column as usize);
                places.iter().zip(values).fold([0.0; 3], |[slope, bend, cross], (&row, &value)| {
                    let (value, row) = (f64::from(value), rows[row as usize]);
                    [slope + row[0] * value, bend + row[1] * value * value, cross + row[1] * value]
                })
            };
            set[from..to].iter().map(of).collect::<Vec<_>>()
        })?;
        Ok(parts.concat())
    }

    /// Brings the slopes of all columns up to date.
    fn look_at_all(&self, run: &Run<'_>, state: &mut State) -> Result<()> {
        let mut slopes = vec![0.0; self.y.len()];
        run.pool.install(|| {
            slopes.par_iter_mut().enumerate().with_min_len(ROWS).for_each(|(row, slope)| {
                *slope = f64::from(self.weight[row]) * self.loss.slope(state.z[row], f64::from(self.y[row]));
            });
        });
        state.slopes = self.x.transposed_times_vector(run, &slopes)?;
        Ok(())
    }

    fn value(&self, run: &Run<'_>, z: &[f64], along: &[f64], share: f64) -> Result<f64> {
        let parts = map_chunks(run, z.len(), ROWS, |from, to| {
            let of = |row: usize| {
                let z = z[row] + along.get(row).map_or(0.0, |step| share * step);
                f64::from(self.weight[row]) * self.loss.value(z, f64::from(self.y[row]))
            };
            (from..to).map(of).sum::<f64>()
        })?;
        Ok(parts.iter().sum())
    }
}

impl State {
    /// The largest slope in size: an L1 penalty of so much keeps every coefficient at 0.
    pub(super) fn strongest_slope(&self) -> f64 {
        self.slopes.iter().fold(0.0, |most, slope| slope.abs().max(most))
    }
}

/// How far a coefficient is from what an optimum asks: slope −l1 × sign where it is not 0, else at most l1.
fn gap(coefficient: f64, slope: f64, l1: f64) -> f64 {
    if coefficient == 0.0 { (slope.abs() - l1).max(0.0) } else { (slope + l1 * coefficient.signum()).abs() }
}

/// The second-order model of the loss about a point, with the penalties.
struct Model<'a> {
    columns: &'a Csc,
    set: &'a [u32],
    local: &'a [Local],
    own: [f64; 2],
    l1: f64,
    l2: f64,
    /// A round that moves no slope by more ends the work.
    goal: f64,
}

impl Model<'_> {
    /// The coefficients of `set` that minimise it, and the change of the intercept.
    fn minimise(&self, run: &Run<'_>, rows: &[[f64; 2]], at: &[f64]) -> Result<(Vec<f64>, f64)> {
        let mut next: Vec<f64> = self.set.iter().map(|&column| at[column as usize]).collect();
        // Curvature of each row, and that times how far the step has moved its decision, without the
        // intercept: what the intercept adds is known from each column's sum across.
        let mut moved: Vec<[f64; 2]> = rows.iter().map(|&[_, curvature]| [curvature, 0.0]).collect();
        let (mut shift, mut across) = (0.0, 0.0);
        let work: Vec<usize> = (0..self.set.len())
            .filter(|&k| next[k] != 0.0 || self.local[k][0].abs() > self.l1)
            .filter(|&k| self.local[k][1] + self.l2 > 0.0)
            .collect();
        for _ in 0..ROUNDS {
            run.check()?;
            let pull = self.own[0] + across + shift * self.own[1];
            if self.own[1] > 0.0 {
                shift -= pull / self.own[1];
            }
            let mut largest = pull.abs();
            for &k in &work {
                let [slope, bend, cross] = self.local[k];
                let (places, values) = self.columns.column(self.set[k] as usize);
                let dot: f64 =
                    places.iter().zip(values).map(|(&row, &v)| f64::from(v) * moved[row as usize][1]).sum();
                let (was, bend) = (next[k], bend + self.l2);
                let free = was * bend - (slope + dot + shift * cross + self.l2 * was);
                let now = free.signum() * (free.abs() - self.l1).max(0.0) / bend;
                let change = now - was;
                if change != 0.0 {
                    next[k] = now;
                    across += cross * change;
                    largest = largest.max(change.abs() * bend);
                    for (&row, &v) in places.iter().zip(values) {
                        let row = &mut moved[row as usize];
                        row[1] += row[0] * f64::from(v) * change;
                    }
                }
            }
            if largest <= self.goal {
                break;
            }
        }
        Ok((next, shift))
    }
}
