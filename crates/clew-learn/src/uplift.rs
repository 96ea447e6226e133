//! Effect: what the treatment caused, treated rows against a holdout left untreated by chance.
//!
//! Nothing here holds without that chance: who was treated must not depend on what would have happened anyway.
//! Weights count rows: weight 2 is the row twice.

use crate::bootstrap::normal::quantile;
use crate::error::{Error, Result};
use crate::gain::interpolate;
use crate::metrics;

/// A Qini curve (Radcliffe 2007, "Using Control Groups to Target on Predicted Lift"): after the best `volume[i]`
/// rows by score, `caused[i]` outcomes were caused by the treatment. Starts at (0, 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Qini {
    /// Rows (treated and held out) taken so far.
    pub volume: Vec<f64>,
    /// Outcomes among the treated so far, minus those among the holdout scaled to as many rows:
    /// R_t − R_h × N_t / N_h. Where nobody is held out yet, R_t.
    pub caused: Vec<f64>,
    /// Treated rows in all.
    pub n_treated: f64,
    /// Rows held out in all.
    pub n_holdout: f64,
}

/// The effect among some rows, with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uplift {
    /// Treated rows.
    pub n_treated: f64,
    /// Rows held out.
    pub n_holdout: f64,
    /// Outcomes among the treated.
    pub buyers_treated: f64,
    /// Outcomes among the holdout.
    pub buyers_holdout: f64,
    /// Share of outcomes among the treated minus that among the holdout.
    pub uplift: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// Sums over rows: N_t, R_t, N_h, R_h.
type Arms = [f64; 4];

/// Groups of equal score, best first.
fn arms(score: &[f32], outcome: &[f32], treated: &[bool], weight: &[f32]) -> Result<Vec<Arms>> {
    metrics::check(score, outcome, weight)?;
    if treated.len() != score.len() {
        return Err(Error::input(
            format!("{} rows, {} marks of treatment", score.len(), treated.len()),
            "say of each row whether it was treated",
        ));
    }
    metrics::classes(outcome)?;
    let mut order: Vec<usize> = (0..score.len()).collect();
    // Within equal scores the order of the rows must not show in the last digit.
    order.sort_unstable_by(|&a, &b| {
        score[b]
            .total_cmp(&score[a])
            .then(outcome[a].total_cmp(&outcome[b]))
            .then(weight[a].total_cmp(&weight[b]))
    });
    let mut groups: Vec<Arms> = Vec::new();
    let mut last = f32::NAN;
    for row in order {
        let (w, gain) = (f64::from(weight[row]), f64::from(weight[row]) * f64::from(outcome[row]));
        if score[row] != last || groups.is_empty() {
            groups.push([0.0; 4]);
        }
        last = score[row];
        if let Some(group) = groups.last_mut() {
            let arm = if treated[row] { 0 } else { 2 };
            group[arm] += w;
            group[arm + 1] += gain;
        }
    }
    let all = groups.iter().fold([0.0; 4], add);
    if all[0] <= 0.0 || all[2] <= 0.0 {
        return Err(Error::input(
            format!("{} rows treated, {} held out", all[0], all[2]),
            "an effect needs both; keep a holdout",
        ));
    }
    Ok(groups)
}

fn add(sum: Arms, group: &Arms) -> Arms {
    std::array::from_fn(|k| sum[k] + group[k])
}

impl Qini {
    /// The curve of 0/1 outcomes with rows taken by falling score; rows of equal score form one straight piece.
    /// Errors on lengths that differ, NaN, and without treated or without held-out rows.
    pub fn new(score: &[f32], outcome: &[f32], treated: &[bool], weight: &[f32]) -> Result<Qini> {
        let groups = arms(score, outcome, treated, weight)?;
        let (mut volume, mut caused, mut sum) = (vec![0.0], vec![0.0], [0.0; 4]);
        for group in &groups {
            sum = add(sum, group);
            let [n_treated, treated, n_holdout, holdout] = sum;
            volume.push(n_treated + n_holdout);
            caused.push(treated - if n_holdout > 0.0 { holdout * n_treated / n_holdout } else { 0.0 });
        }
        Ok(Qini { volume, caused, n_treated: sum[0], n_holdout: sum[2] })
    }

    /// Outcomes caused by treating the treated among the best `volume` rows, by straight lines.
    pub fn at(&self, volume: f64) -> f64 {
        interpolate(&self.volume, &self.caused, volume)
    }

    /// The area between the curve and the straight line to its end, over volumes as shares: outcomes caused more,
    /// on average over all volumes, than by taking as many rows by chance. 0 for scores that order nothing.
    pub fn area(&self) -> f64 {
        let whole = self.volume.last().copied().unwrap_or(0.0);
        let pieces = self.volume.windows(2).zip(self.caused.windows(2));
        let under: f64 = pieces.map(|(v, c)| 0.5 * (v[1] - v[0]) * (c[0] + c[1])).sum();
        under / whole - 0.5 * self.caused.last().copied().unwrap_or(0.0)
    }

    /// The Qini coefficient q₀ (Radcliffe 2007): [`Qini::area`] over the same area of the best order there could be
    /// when nobody is put off, every treated row with an effect first. 0 is chance, 1 is perfect; below 0 the
    /// order is worse than chance. `None` when the treatment caused nothing in all, or every outcome.
    pub fn coefficient(&self) -> Option<f64> {
        let caused = self.caused.last().copied().unwrap_or(0.0);
        let share = caused / self.n_treated;
        (share > 0.0 && share < 1.0).then(|| self.area() / (0.5 * caused * (1.0 - share)))
    }
}

/// The effect among the best `share` (above 0, up to 1) of the rows by score, with an interval that holds the truth
/// about `level` of the time: Agresti & Caffo 2000 (one outcome of each kind added to each arm, then the normal
/// interval), which keeps its promise also with few outcomes. A group of equal scores that the cut falls into
/// gives its part of the way. Errors as [`Qini::new`], and when an arm is empty at that volume.
pub fn uplift_at(
    score: &[f32],
    outcome: &[f32],
    treated: &[bool],
    weight: &[f32],
    share: f64,
    level: f64,
) -> Result<Uplift> {
    if !(share > 0.0 && share <= 1.0) {
        return Err(Error::input(format!("a share of {share}"), "use a share above 0 and up to 1"));
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::input(format!("a level of {level}"), "use a level above 0 and below 1"));
    }
    let groups = arms(score, outcome, treated, weight)?;
    let mut left = share * groups.iter().map(|group| group[0] + group[2]).sum::<f64>();
    let mut sum = [0.0; 4];
    for group in &groups {
        let n = group[0] + group[2];
        if n >= left {
            let part = if n > 0.0 { left / n } else { 0.0 };
            sum = add(sum, &group.map(|value| part * value));
            break;
        }
        sum = add(sum, group);
        left -= n;
    }
    let [n_treated, buyers_treated, n_holdout, buyers_holdout] = sum;
    if n_treated <= 0.0 || n_holdout <= 0.0 {
        return Err(Error::input(
            format!("{n_treated} rows treated and {n_holdout} held out in the best {share}"),
            "judge at a volume that has both",
        ));
    }
    let adjusted = |buyers: f64, n: f64| {
        let p = (buyers + 1.0) / (n + 2.0);
        (p, p * (1.0 - p) / (n + 2.0))
    };
    let ((p, p_variance), (q, q_variance)) =
        (adjusted(buyers_treated, n_treated), adjusted(buyers_holdout, n_holdout));
    let half = quantile(0.5 + 0.5 * level) * (p_variance + q_variance).sqrt();
    Ok(Uplift {
        n_treated,
        n_holdout,
        buyers_treated,
        buyers_holdout,
        uplift: buyers_treated / n_treated - buyers_holdout / n_holdout,
        low: (p - q - half).max(-1.0),
        high: (p - q + half).min(1.0),
    })
}
