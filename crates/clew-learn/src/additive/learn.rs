//! The learning: one feature after the other takes a Newton step, round after round, until nothing is gained.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::AdditiveModel;
use super::fitted::FittedAdditive;
use super::step::{Penalty, Sums};
use crate::binning::{Bins, FittedBinning, Packed};
use crate::error::Result;
use crate::loss::Loss;
use crate::parallel::sum_chunks;
use crate::run::Run;
use crate::trees::Validation;

const CHUNK: usize = 16_384;
/// How often a step that does not lower the objective is halved.
const HALVINGS: usize = 12;
/// Multiples of the smoothness that a validation part is asked about.
const PATH: [f64; 4] = [64.0, 16.0, 4.0, 1.0];

/// The data of a fit and how far it is.
struct Learner<'a> {
    run: &'a Run<'a>,
    params: &'a AdditiveModel,
    columns: Vec<Vec<u8>>,
    is_category: Vec<bool>,
    y: &'a [f32],
    weight: &'a [f32],
    scores: Vec<f64>,
    base: f64,
    tables: Vec<Vec<f64>>,
}

pub(super) fn fit(
    run: &Run<'_>,
    params: &AdditiveModel,
    (x, y, weight): (ArrayView2<'_, f32>, &[f32], &[f32]),
    binning: FittedBinning,
    base: f64,
    validation: Option<Validation<'_>>,
) -> Result<FittedAdditive> {
    let columns = Packed::new(run, &binning, x)?.columns(run, x.ncols());
    let mut learner = Learner {
        run,
        params,
        is_category: binning.features().iter().map(|bins| matches!(bins, Bins::Categories(_))).collect(),
        y,
        weight,
        scores: vec![base; y.len()],
        base,
        tables: binning.features().iter().map(|bins| vec![0.0; bins.n_bins()]).collect(),
        columns,
    };
    let shares = learner.shares()?;
    let Some(part) = validation else {
        learner.descend(params.smoothness)?;
        return Ok(FittedAdditive::new(params.loss, learner.base, binning, &learner.tables, shares));
    };
    let mut best: Option<(f64, FittedAdditive)> = None;
    for factor in PATH {
        learner.descend(factor * params.smoothness)?;
        let fitted =
            FittedAdditive::new(params.loss, learner.base, binning.clone(), &learner.tables, shares.clone());
        let loss = validation_loss(run, params.loss, &fitted, part)?;
        if best.as_ref().is_some_and(|best| loss >= best.0) {
            break;
        }
        best = Some((loss, fitted));
    }
    match best {
        Some((_, fitted)) => Ok(fitted),
        None => Ok(FittedAdditive::new(params.loss, learner.base, binning, &learner.tables, shares)),
    }
}

fn validation_loss(run: &Run<'_>, loss: Loss, fitted: &FittedAdditive, part: Validation<'_>) -> Result<f64> {
    let decisions = fitted.decision(run, part.x)?;
    let sums = sum_chunks(run, decisions.len(), CHUNK, 1, |from, to, sum| {
        for ((&z, &y), &w) in decisions[from..to].iter().zip(&part.y[from..to]).zip(&part.weight[from..to]) {
            sum[0] += f64::from(w) * loss.value(f64::from(z), f64::from(y));
        }
    })?;
    Ok(sums[0])
}

/// A step of the base and of one feature's bins.
struct Pending {
    feature: usize,
    base: f64,
    table: Vec<f64>,
    /// How much of the step base and table have taken.
    taken: f64,
    /// How much of it the scores are behind.
    owed: f64,
}

impl Learner<'_> {
    /// The share of the weight in each bin of each feature.
    fn shares(&self) -> Result<Vec<Vec<f64>>> {
        self.columns
            .iter()
            .zip(&self.tables)
            .map(|(column, table)| {
                let mut sums = sum_chunks(self.run, column.len(), CHUNK, table.len(), |from, to, sum| {
                    for row in from..to {
                        sum[usize::from(column[row])] += f64::from(self.weight[row]);
                    }
                })?;
                let whole: f64 = sums.iter().sum();
                sums.iter_mut().for_each(|sum| *sum /= whole);
                Ok(sums)
            })
            .collect()
    }

    fn penalty(&self, feature: usize, smoothness: f64) -> Penalty {
        let smoothness = if self.is_category[feature] { 0.0 } else { smoothness };
        Penalty { smoothness, shrinkage: self.params.shrinkage }
    }

    /// Minimises the objective from where the tables are.
    fn descend(&mut self, smoothness: f64) -> Result<()> {
        let n_features = self.tables.len();
        let nothing = vec![0.0; self.tables[0].len()];
        let mut pending = Pending { feature: 0, base: 0.0, table: nothing, taken: 1.0, owed: 1.0 };
        let penalties = |learner: &Self| -> f64 {
            let of = |(feature, table): (usize, &Vec<f64>)| learner.penalty(feature, smoothness).of(table);
            learner.tables.iter().enumerate().map(of).sum()
        };
        let mut last = f64::INFINITY;
        let mut at_start = f64::INFINITY;
        for sweep in 0..=self.params.max_sweeps {
            self.run.report("learning tables", sweep as f64 / (self.params.max_sweeps + 1) as f64);
            for feature in 0..n_features {
                let (mut loss, mut sums) = self.advance(&pending, feature)?;
                let mut objective = loss + penalties(self);
                for _ in 0..HALVINGS {
                    if objective <= last + 1e-10 * last.abs() {
                        break;
                    }
                    self.take_back_half(&mut pending);
                    (loss, sums) = self.advance(&pending, feature)?;
                    objective = loss + penalties(self);
                }
                last = objective;
                if feature == 0 {
                    // The last step of the last round is judged here; no round begins after it.
                    if sweep == self.params.max_sweeps
                        || at_start - objective <= self.params.tolerance * objective.abs()
                    {
                        return Ok(());
                    }
                    at_start = objective;
                }
                pending = self.step(feature, smoothness, sums);
            }
        }
        Ok(())
    }

    /// Newton's step of the base, and after it of one feature's table. The tables have it at once, the scores
    /// at the next [`Learner::advance`].
    fn step(&mut self, feature: usize, smoothness: f64, mut sums: Box<Sums>) -> Pending {
        let whole = sums.iter().fold([0.0; 2], |sum, bin| [sum[0] + bin[0], sum[1] + bin[1]]);
        let base = if whole[1] > 0.0 { -whole[0] / whole[1] } else { 0.0 };
        sums.iter_mut().for_each(|bin| bin[0] += bin[1] * base);
        let penalty = self.penalty(feature, smoothness);
        let table = &mut self.tables[feature];
        let step = penalty.step(table, &sums[..table.len()]);
        table.iter_mut().zip(&step).for_each(|(table, step)| *table += step);
        self.base += base;
        Pending { feature, base, table: step, taken: 1.0, owed: 1.0 }
    }

    /// Takes half of what was taken of the last step back.
    fn take_back_half(&mut self, pending: &mut Pending) {
        pending.taken *= 0.5;
        pending.owed = -pending.taken;
        self.base += pending.owed * pending.base;
        let table = &mut self.tables[pending.feature];
        table.iter_mut().zip(&pending.table).for_each(|(table, step)| *table += pending.owed * step);
    }

    /// Lets the scores take what they are behind; gives the loss there, and slopes and curvatures in the bins
    /// of `feature`.
    fn advance(&mut self, pending: &Pending, feature: usize) -> Result<(f64, Box<Sums>)> {
        let (loss, columns, y, weight) = (self.params.loss, &self.columns, self.y, self.weight);
        let mut steps = [0.0; 256];
        for (slot, step) in steps.iter_mut().zip(&pending.table) {
            *slot = pending.owed * (pending.base + step);
        }
        let (moved, next) = (&columns[pending.feature], &columns[feature]);
        let parts: Vec<(f64, Box<Sums>)> = self.run.pool.install(|| {
            self.scores
                .par_chunks_mut(CHUNK)
                .enumerate()
                .map(|(chunk, scores)| {
                    let mut sums = Box::new([[0.0; 2]; 256]);
                    let mut sum = 0.0;
                    for (row, score) in (chunk * CHUNK..).zip(scores) {
                        *score += steps[usize::from(moved[row])];
                        let w = f64::from(weight[row]);
                        let [value, slope, curvature] = terms(loss, *score, f64::from(y[row]));
                        sum += w * value;
                        let bin = &mut sums[usize::from(next[row])];
                        *bin = [bin[0] + w * slope, bin[1] + w * curvature];
                    }
                    (sum, sums)
                })
                .collect()
        });
        self.run.check()?;
        let mut whole = (0.0, Box::new([[0.0; 2]; 256]));
        for (sum, sums) in parts {
            whole.0 += sum;
            for (bin, part) in whole.1.iter_mut().zip(sums.iter()) {
                *bin = [bin[0] + part[0], bin[1] + part[1]];
            }
        }
        Ok(whole)
    }
}

/// Value, slope and curvature of the loss; for the logistic one with one exponential.
#[inline(always)]
fn terms(loss: Loss, z: f64, y: f64) -> [f64; 3] {
    if loss != Loss::Logistic {
        return [loss.value(z, y), loss.slope(z, y), loss.curvature(z, y)];
    }
    let e = (-z.abs()).exp();
    let small = e / (1.0 + e);
    let mean = if z >= 0.0 { 1.0 - small } else { small };
    [z.max(0.0) + e.ln_1p() - y * z, mean - y, small * (1.0 - small)]
}
