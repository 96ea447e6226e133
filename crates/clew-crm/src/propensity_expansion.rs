//! Expansion: raw features to the columns of a linear model: standardised values, then bends at quantiles, so that an effect may level off.
//!
//! A NaN becomes 0 (the mean) in all columns of its feature.
use clew_learn::columns::Bent;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Rows that means and quantiles are read from.
const N_SAMPLE: usize = 50_000;

/// How each feature becomes columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expansion {
    features: Vec<Bend>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bend {
    feature: usize,
    /// Mean, scale, then the knots in standardised units.
    #[serde(with = "crate::exact::f32s")]
    numbers: Vec<f32>,
}

impl Expansion {
    /// Learns means, scales and knots of the chosen features; `quantiles` is empty for a purely linear model.
    pub(crate) fn fit(x: &[f32], n_features: usize, chosen: &[usize], quantiles: &[f64]) -> Expansion {
        let n = x.len() / n_features.max(1);
        let step = n.div_ceil(N_SAMPLE).max(1);
        let features = chosen
            .iter()
            .filter_map(|&feature| {
                let mut values: Vec<f32> = (0..n)
                    .step_by(step)
                    .map(|row| x[row * n_features + feature])
                    .filter(|v| v.is_finite())
                    .collect();
                values.sort_by(f32::total_cmp);
                let count = values.len().max(1) as f64;
                let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
                let deviation =
                    (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count).sqrt();
                if deviation < 1e-6 {
                    return None;
                }
                let standard = |v: f32| (v - mean as f32) / deviation as f32;
                let mut knots: Vec<f32> = quantiles
                    .iter()
                    .filter_map(|q| values.get((q * count) as usize))
                    .map(|&v| standard(v))
                    .collect();
                knots.dedup();
                // A knot at either end bends nothing.
                let (low, high) = (values.first().map(|&v| standard(v)), values.last().map(|&v| standard(v)));
                knots.retain(|&knot| {
                    low.is_none_or(|l| knot > l + 1e-4) && high.is_none_or(|h| knot < h - 1e-4)
                });
                let mut numbers = vec![mean as f32, deviation as f32];
                numbers.extend(knots);
                Some(Bend { feature, numbers })
            })
            .collect();
        Expansion { features }
    }

    /// Columns that a row becomes.
    pub(crate) fn n_columns(&self) -> usize {
        self.features.iter().map(|bend| bend.numbers.len().saturating_sub(1)).sum()
    }

    /// Whether rows of so many features can be expanded.
    pub(crate) fn fits(&self, n_features: usize) -> bool {
        self.features.iter().all(|bend| bend.feature < n_features)
    }

    /// What each feature adds to the sum of a linear model with these coefficients, one for each column.
    pub(crate) fn effects(&self, coefficients: &[f64]) -> Vec<(usize, Bent)> {
        let mut left = coefficients.iter().copied();
        self.features
            .iter()
            .filter_map(|bend| {
                let [mean, scale, knots @ ..] = bend.numbers.as_slice() else { return None };
                let terms = [0.0].iter().chain(knots).copied().zip(left.by_ref()).collect();
                Some((bend.feature, Bent { centre: (*mean, *scale), terms }))
            })
            .collect()
    }

    /// Expands rows.
    pub(crate) fn transform(&self, x: &[f32], n_features: usize) -> Array2<f32> {
        let n = x.len() / n_features.max(1);
        let n_columns = self.n_columns();
        let mut out = Vec::with_capacity(n * n_columns);
        for row in x.chunks_exact(n_features) {
            for bend in &self.features {
                let [mean, scale, knots @ ..] = bend.numbers.as_slice() else { continue };
                // Far beyond what was seen is no farther than far.
                let value = ((row[bend.feature] - mean) / scale).clamp(-6.0, 6.0);
                let value = if value.is_finite() { value } else { 0.0 };
                out.push(value);
                out.extend(knots.iter().map(|&knot| (value - knot).max(0.0)));
            }
        }
        Array2::from_shape_vec((n, n_columns), out).unwrap_or_else(|_| Array2::zeros((0, n_columns)))
    }
}
