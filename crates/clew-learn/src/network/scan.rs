//! A network laid out for blocks of rows.

use super::{FittedNetwork, Unit};
use crate::columns::{self, BLOCK, Column};

/// A fitted network, ready for blocks: its weights in single precision, the scaling of the columns folded into them.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkScan {
    /// A vector for each hidden unit and the coefficients behind them, as long as there are columns.
    vectors: Vec<f32>,
    /// What is added to each of their products.
    offsets: Vec<f32>,
    /// What each hidden unit counts.
    outputs: Vec<f32>,
    unit: Unit,
}

impl FittedNetwork {
    /// Lays the network out for blocks.
    pub fn scan(&self) -> NetworkScan {
        let (d, h) = (self.shape.d, self.shape.h);
        let parts = self.shape.parts(&self.parameters);
        let (mut vectors, mut offsets) = (Vec::with_capacity(d * (h + 1)), Vec::with_capacity(h + 1));
        for unit in 0..=h {
            let mut offset = parts.offsets.get(unit).copied().unwrap_or(parts.intercept);
            for column in 0..d {
                let weight =
                    if unit < h { parts.weights[column * h + unit] } else { parts.coefficients[column] };
                let (mean, deviation) = (self.scaler.means[column], self.scaler.deviations[column]);
                offset -= mean * weight / deviation;
                vectors.push((weight / deviation) as f32);
            }
            offsets.push(offset as f32);
        }
        let outputs = parts.outputs.iter().map(|&output| output as f32).collect();
        NetworkScan { vectors, offsets, outputs, unit: self.shape.unit }
    }
}

impl NetworkScan {
    /// Columns to work in that [`NetworkScan::decision`] needs.
    pub fn n_work(&self) -> usize {
        self.offsets.len()
    }

    /// z of each row of a block of all columns; `work` is of [`NetworkScan::n_work`] columns, whatever they hold.
    pub fn decision(&self, block: &[Column], work: &mut [Column]) -> Column {
        columns::combine(block, &self.vectors, work);
        for (sums, &offset) in work.iter_mut().zip(&self.offsets) {
            sums.iter_mut().for_each(|sum| *sum += offset);
        }
        let Some((linear, hidden)) = work.split_last_mut() else { return [0.0; BLOCK] };
        for (values, &output) in hidden.iter_mut().zip(&self.outputs) {
            match self.unit {
                Unit::Tanh => columns::tanh(values),
                Unit::Rectified => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            }
            for (z, value) in linear.iter_mut().zip(values.iter()) {
                *z += output * value;
            }
        }
        *linear
    }
}
