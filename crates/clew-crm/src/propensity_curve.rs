//! Curves that bring features near to a normal distribution, so that none rules a network by its long tail.
use clew_learn::columns::{BLOCK, Bent, Column};
use serde::{Deserialize, Serialize};

/// Quantiles, and where each lies in a standard normal distribution.
const NORMAL: [(f64, f32); 13] = [
    (0.003, -2.748),
    (0.02, -2.054),
    (0.06, -1.555),
    (0.14, -1.080),
    (0.26, -0.643),
    (0.4, -0.253),
    (0.54, 0.100),
    (0.68, 0.468),
    (0.8, 0.842),
    (0.9, 1.282),
    (0.96, 1.751),
    (0.985, 2.170),
    (0.997, 2.748),
];

/// How one feature becomes a column: lines between its quantiles, level beyond them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    /// Place of the feature in a row.
    pub(crate) feature: usize,
    /// Mean and scale, then knots in these units, each with the slope that it adds.
    #[serde(with = "crate::exact::f32s")]
    numbers: Vec<f32>,
}

impl Curve {
    /// Learns the lines from a feature's values; none where it hardly varies.
    pub(crate) fn fit(feature: usize, mut values: Vec<f32>) -> Option<Curve> {
        values.retain(|v| v.is_finite());
        values.sort_by(f32::total_cmp);
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let deviation = (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count).sqrt();
        if values.is_empty() || deviation < 1e-6 {
            return None;
        }
        let (mean, deviation) = (mean as f32, deviation as f32);
        // Where quantiles fall on the same value, it stands for the middle of them.
        let mut points: Vec<(f32, f32, f32)> = Vec::new();
        for (quantile, normal) in NORMAL {
            let value = (values.get((quantile * count) as usize)? - mean) / deviation;
            match points.last_mut() {
                Some((last, sum, n)) if value - *last < 1e-5 => (*sum, *n) = (*sum + normal, *n + 1.0),
                _ => points.push((value, normal, 1.0)),
            }
        }
        // Rare values beyond all quantiles still differ from the rest.
        let top = values.last().map_or(0.0, |&v| ((v - mean) / deviation).min(6.0));
        if points.last().is_some_and(|last| top > last.0 + 1e-5) {
            points.push((top, 3.0, 1.0));
        }
        let mut numbers = vec![mean, deviation];
        let mut slope = 0.0;
        for (at, &(knot, sum, n)) in points.iter().enumerate() {
            let next =
                points.get(at + 1).map_or(0.0, |&(end, end_sum, m)| (end_sum / m - sum / n) / (end - knot));
            numbers.extend([knot, next - slope]);
            slope = next;
        }
        Some(Curve { feature, numbers })
    }

    /// Whether rows of so many features have it.
    pub(crate) fn fits(&self, n_features: usize) -> bool {
        self.feature < n_features && self.numbers.len() >= 2
    }

    /// The feature, and what its values become.
    pub(crate) fn bent(&self) -> Option<(usize, Bent)> {
        let [mean, scale, knots @ ..] = self.numbers.as_slice() else { return None };
        let bends = knots.chunks_exact(2).map(|pair| (pair[0], f64::from(pair[1])));
        Some((
            self.feature,
            Bent { centre: (*mean, *scale), terms: [(0.0, 0.0)].into_iter().chain(bends).collect() },
        ))
    }
}

/// Bends the features of a block into columns, one for each curve.
pub(crate) fn bend(bents: &[(usize, Bent)], features: &[Column], columns: &mut [Column]) {
    for ((feature, bent), column) in bents.iter().zip(columns) {
        let mut sums = [0.0_f64; BLOCK];
        bent.add(&features[*feature], &mut sums);
        column.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent(curve: &Curve, values: &[f32]) -> Vec<f32> {
        let (mut block, mut columns) = ([0.0; BLOCK], [[0.0; BLOCK]]);
        block[..values.len()].copy_from_slice(values);
        bend(&[curve.bent().unwrap()], &[block], &mut columns);
        columns[0][..values.len()].to_vec()
    }

    #[test]
    fn a_long_tail_becomes_nearly_normal_and_keeps_its_order() {
        // Pareto's law with α = 1.
        let values: Vec<f32> = (0..10_000).map(|i| 1.0 / (1.0 - (i as f32 + 0.5) / 10_000.0)).collect();
        let curve = Curve::fit(0, values.clone()).unwrap();
        // Measured from the lowest quantile, where the curve begins.
        let found = bent(&curve, &[values[100], values[5_000], values[8_500], values[9_500]]);
        for (found, normal) in found.iter().zip([-2.326_f32, 0.0, 1.036, 1.645]) {
            assert!((found - (normal + 2.748)).abs() < 0.25, "{found} for {normal}");
        }
        assert!(bent(&curve, &[0.5, 1e9]).windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn what_is_mostly_nothing_still_tells_something_from_nothing() {
        let values: Vec<f32> = (0..1_000).map(|i| if i < 995 { 0.0 } else { 2.0 }).collect();
        let curve = Curve::fit(0, values).unwrap();
        let found = bent(&curve, &[0.0, 2.0, f32::NAN]);
        assert!(found[1] > found[0] + 0.5 && found[2] < found[1], "{found:?}");
        assert_eq!(Curve::fit(0, vec![3.0; 100]), None);
        assert_eq!(Curve::fit(0, vec![f32::NAN; 100]), None);
    }
}
