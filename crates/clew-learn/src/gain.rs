//! Cumulative gain curves: what is reached against how many are contacted, best first.

use crate::error::{Error, Result};
use crate::metrics;

/// A cumulative curve of gains: after the best `volume[i]` rows, `gain[i]` is reached. Starts at (0, 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    /// Rows (or weight) taken so far; rises.
    pub volume: Vec<f64>,
    /// Sum of outcomes (or propensities) so far; does not fall.
    pub gain: Vec<f64>,
}

impl Gain {
    /// The curve of `outcome` (realised 0/1, a propensity, or any value ≥ 0) with rows taken by falling
    /// `score`. Rows of equal score form one straight piece, so the curve does not depend on their order.
    pub fn new(score: &[f32], outcome: &[f32], weight: &[f32]) -> Result<Gain> {
        metrics::check(score, outcome, weight)?;
        let groups = metrics::groups(score, outcome, weight);
        let mut curve = Gain { volume: vec![0.0], gain: vec![0.0] };
        let (mut volume, mut gain) = (0.0, 0.0);
        for (w, g) in groups {
            volume += w;
            gain += g;
            curve.volume.push(volume);
            curve.gain.push(gain);
        }
        Ok(curve)
    }

    /// The gain at a volume, by straight lines between the points; held at the ends.
    pub fn at(&self, volume: f64) -> f64 {
        interpolate(&self.volume, &self.gain, volume)
    }

    /// The smallest volume that reaches `share` (0..=1) of the whole gain.
    pub fn volume_for_share(&self, share: f64) -> f64 {
        let whole = self.gain.last().copied().unwrap_or(0.0);
        let wanted = share.clamp(0.0, 1.0) * whole;
        let place = self.gain.partition_point(|&gain| gain < wanted);
        match (place.checked_sub(1), self.gain.get(place)) {
            (None, _) | (_, None) => self.volume.first().copied().unwrap_or(0.0),
            (Some(before), Some(&gain)) => {
                let part = (wanted - self.gain[before]) / (gain - self.gain[before]);
                self.volume[before] + part * (self.volume[place] - self.volume[before])
            }
        }
    }

    /// Positions of at most `max_points` points, the first and the last among them, such that straight lines
    /// between them stay within `tolerance` × the whole gain of the full curve (Douglas & Peucker 1973,
    /// vertical distance). When the limit is reached first, the worst places have been served first.
    pub fn thin(&self, max_points: usize, tolerance: f64) -> Result<Vec<usize>> {
        thin(&self.volume, &self.gain, max_points, tolerance)
    }
}

/// Straight lines between the points (x rising), held at the ends.
pub fn interpolate(x: &[f64], y: &[f64], at: f64) -> f64 {
    let place = x.partition_point(|&x| x < at);
    match (place.checked_sub(1), x.get(place)) {
        (None, _) => y.first().copied().unwrap_or(0.0),
        (_, None) => y.last().copied().unwrap_or(0.0),
        (Some(before), Some(&right)) => {
            let part = (at - x[before]) / (right - x[before]);
            y[before] + part * (y[place] - y[before])
        }
    }
}

/// As [`Gain::thin`], for any curve: positions to keep so that no point of `y` is further than `tolerance` ×
/// (largest |y|) from the straight lines between the kept ones.
pub fn thin(x: &[f64], y: &[f64], max_points: usize, tolerance: f64) -> Result<Vec<usize>> {
    if x.len() != y.len() || x.is_empty() {
        return Err(Error::input(
            format!("a curve of {} by {} values", x.len(), y.len()),
            "give one y for each x",
        ));
    }
    let last = x.len() - 1;
    if last == 0 || max_points < 2 {
        return Ok(if last == 0 { vec![0] } else { vec![0, last] });
    }
    let allowed = tolerance.max(0.0) * y.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let worst = |from: usize, to: usize| -> Span {
        let slope = if x[to] > x[from] { (y[to] - y[from]) / (x[to] - x[from]) } else { 0.0 };
        let mut span = Span { from, to, at: from, error: 0.0 };
        for place in from + 1..to {
            let error = (y[from] + slope * (x[place] - x[from]) - y[place]).abs();
            if error > span.error {
                (span.at, span.error) = (place, error);
            }
        }
        span
    };
    let mut kept = vec![0, last];
    let mut open = vec![worst(0, last)];
    while kept.len() < max_points {
        let Some(next) =
            (0..open.len()).max_by(|&a, &b| open[a].error.total_cmp(&open[b].error).then(b.cmp(&a)))
        else {
            break;
        };
        if open[next].error <= allowed {
            break;
        }
        let span = open.swap_remove(next);
        kept.push(span.at);
        open.push(worst(span.from, span.at));
        open.push(worst(span.at, span.to));
    }
    kept.sort_unstable();
    Ok(kept)
}

/// A piece between two kept points, with its worst point.
struct Span {
    from: usize,
    to: usize,
    at: usize,
    error: f64,
}
