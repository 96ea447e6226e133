//! Intervals of any figure by resampling groups.
//!
//! Rows of one customer are not independent; resampling rows would pretend to more data than there is and give
//! intervals that are too narrow. So whole groups are drawn, with replacement (the cluster bootstrap: Davison &
//! Hinkley 1997, section 3.8), and a figure sees how often each row counts, as weights: nothing is copied.

use crate::error::{Error, Result};
use crate::parallel::map_chunks;
use crate::run::Run;

use normal::{cumulative, quantile};
use rand::Rng;
use rand::seq::SliceRandom;

pub(crate) mod normal;

/// How the ends of an interval are taken from the resampled figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Their quantiles.
    Percentile,
    /// Quantiles moved for bias and skewness: "bias-corrected and accelerated" (Efron 1987; Efron & Tibshirani
    /// 1993, section 14.3). Costs up to 200 more figures.
    #[default]
    Bca,
}

/// Draws groups and takes intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How often the groups are drawn, 20 to 1,000,000. Default 1,000.
    pub n_resamples: usize,
    /// How often the interval is to hold the truth, above 0 and below 1. Default 0.9.
    pub level: f64,
    /// How its ends are found. Default BCa.
    pub method: Method,
}

impl Default for Bootstrap {
    fn default() -> Bootstrap {
        Bootstrap { n_resamples: 1_000, level: 0.9, method: Method::Bca }
    }
}

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The figure on the rows as they are.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Resamples on which the figure could be taken; the others (one class only, say) are left out.
    pub n_used: usize,
}

/// Blocks of groups that the acceleration is found by leaving out; with fewer groups each is its own block.
const MOST_BLOCKS: usize = 200;

impl Bootstrap {
    /// The interval of `figure` over rows whose groups are given, one a row. `figure` is called with a weight per
    /// row, how often its group was drawn, from several threads at once; multiply it with the rows' own weights.
    /// The same seed gives the same interval, in any order of the rows.
    ///
    /// Errors on parameters out of range, fewer than two groups, when the figure cannot be taken of the rows as
    /// they are, and when it cannot be taken of half of the resamples.
    pub fn interval(
        &self,
        run: &Run<'_>,
        groups: &[u64],
        figure: impl Fn(&[f32]) -> Result<f64> + Sync,
    ) -> Result<Interval> {
        if !(20..=1_000_000).contains(&self.n_resamples) {
            return Err(Error::input(format!("n_resamples is {}", self.n_resamples), "use 20 to 1,000,000"));
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(Error::input(format!("level is {}", self.level), "use a level above 0 and below 1"));
        }
        let mut known = groups.to_vec();
        known.sort_unstable();
        known.dedup();
        let n_groups = known.len();
        if n_groups < 2 {
            return Err(Error::input(
                format!("{n_groups} groups"),
                "give rows of at least two groups; an interval of one is not known",
            ));
        }
        let positions: Vec<usize> = groups.iter().map(|group| known.partition_point(|k| k < group)).collect();
        let weigh = |count: &[f32]| -> Vec<f32> { positions.iter().map(|&group| count[group]).collect() };
        let take = |count: &[f32]| -> Result<Option<f64>> {
            match figure(&weigh(count)) {
                Ok(value) => Ok(value.is_finite().then_some(value)),
                Err(Error::Stopped) => Err(Error::Stopped),
                Err(_) => Ok(None),
            }
        };
        let value = figure(&vec![1.0; groups.len()])?;
        if !value.is_finite() {
            return Err(Error::input(format!("the figure is {value}"), "judge by a figure that is finite"));
        }
        let drawn = map_chunks(run, self.n_resamples, 1, |resample, _| {
            let mut rng = run.rng(resample as u64 ^ 0x626f_6f74 << 32);
            let mut count = vec![0_f32; n_groups];
            for _ in 0..n_groups {
                count[rng.random_range(0..n_groups)] += 1.0;
            }
            take(&count)
        })?;
        let mut figures: Vec<f64> =
            drawn.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        if figures.len() * 2 < self.n_resamples {
            return Err(Error::input(
                format!("the figure exists for {} of {} resamples", figures.len(), self.n_resamples),
                "give more groups, buyers among them",
            ));
        }
        figures.sort_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.level);
        let (mut low, mut high) = (tail, 1.0 - tail);
        if self.method == Method::Bca {
            let acceleration = acceleration(run, n_groups, take)?;
            let below = figures.partition_point(|&f| f < value) as f64;
            let equal = figures.partition_point(|&f| f <= value) as f64 - below;
            let n = figures.len() as f64;
            let bias = quantile(((below + 0.5 * equal) / n).clamp(0.5 / n, 1.0 - 0.5 / n));
            let moved = |share: f64| {
                let z = bias + quantile(share);
                cumulative(bias + z / (1.0 - acceleration * z).max(1e-3))
            };
            (low, high) = (moved(low), moved(high));
        }
        Ok(Interval {
            value,
            low: of_sorted(&figures, low),
            high: of_sorted(&figures, high),
            n_used: figures.len(),
        })
    }
}

/// Efron's acceleration from leaving out one block of groups after the other (Efron & Tibshirani 1993, equation
/// 14.15).
fn acceleration(
    run: &Run<'_>,
    n_groups: usize,
    take: impl Fn(&[f32]) -> Result<Option<f64>> + Sync,
) -> Result<f64> {
    let n_blocks = n_groups.min(MOST_BLOCKS);
    let mut order: Vec<usize> = (0..n_groups).collect();
    order.shuffle(&mut run.rng(0x6a61_636b << 32));
    let left_out: Vec<f64> = map_chunks(run, n_blocks, 1, |block, _| {
        let mut count = vec![1_f32; n_groups];
        for &group in order.iter().skip(block).step_by(n_blocks) {
            count[group] = 0.0;
        }
        take(&count)
    })?
    .into_iter()
    .collect::<Result<Vec<_>>>()?
    .into_iter()
    .flatten()
    .collect();
    let mean = left_out.iter().sum::<f64>() / left_out.len().max(1) as f64;
    let power = |k: i32| left_out.iter().map(|figure| (mean - figure).powi(k)).sum::<f64>();
    let spread = power(2);
    Ok(if spread > 0.0 { power(3) / (6.0 * spread.powf(1.5)) } else { 0.0 })
}

/// A quantile of sorted values, by a straight line between neighbours.
fn of_sorted(sorted: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64;
    let (left, part) = (at.floor() as usize, at.fract());
    match (sorted.get(left), sorted.get(left + 1)) {
        (Some(low), Some(high)) => low + part * (high - low),
        (Some(only), None) => *only,
        _ => f64::NAN,
    }
}
