//! The network among the propensity models: features bent to a common shape, then a hidden layer beside the linear part.
use clew_learn::columns::{BLOCK, Bent, Column};
use clew_learn::format::{File, Writer};
use clew_learn::network::{Batches, FittedNetwork, Network, NetworkScan, Unit};
use clew_learn::{Run, Silent};
use ndarray::Array2;
use rayon::prelude::*;

use crate::error::Result;
use crate::propensity_curve::{Curve, bend};
use crate::train_rows::Rows;

/// Rows that the network is fitted to, at most.
const MAX_ROWS: usize = 240_000;
/// Units of a hidden layer.
const N_HIDDEN: usize = 16;
/// Networks that are averaged.
const N_TWINS: usize = 2;
/// Rows that quantiles are read from.
const N_SAMPLE: usize = 50_000;

/// A fitted network over features brought near to a normal distribution.
#[derive(Clone, Debug)]
pub(crate) struct PropensityNetwork {
    curves: Vec<Curve>,
    /// Of different chance starts, averaged.
    networks: Vec<FittedNetwork>,
}

impl PropensityNetwork {
    /// Fits the network to the rows, over the chosen features; none where no feature varies.
    pub(crate) fn fit(run: &Run<'_>, rows: &Rows, chosen: &[usize]) -> Result<Option<PropensityNetwork>> {
        let step = rows.n().div_ceil(N_SAMPLE).max(1);
        let values = |feature: usize| -> Vec<f32> {
            (0..rows.n()).step_by(step).map(|row| rows.x[row * rows.n_features + feature]).collect()
        };
        let curves: Vec<Curve> =
            chosen.iter().filter_map(|&feature| Curve::fit(feature, values(feature))).collect();
        if curves.is_empty() {
            return Ok(None);
        }
        let few = rows.thinned(MAX_ROWS);
        let mean_weight = few.weight.iter().map(|&w| f64::from(w)).sum::<f64>() / few.n().max(1) as f64;
        let weight: Vec<f32> = few.weight.iter().map(|&w| w / mean_weight as f32).collect();
        let bents: Vec<(usize, Bent)> = curves.iter().filter_map(Curve::bent).collect();
        let mut x = vec![0.0; few.n() * bents.len()];
        let mut features = vec![[0.0; BLOCK]; rows.n_features];
        let mut columns = vec![[0.0; BLOCK]; bents.len()];
        let parts = few.x.chunks(BLOCK * rows.n_features.max(1)).zip(x.chunks_mut(BLOCK * bents.len()));
        for (from, to) in parts {
            clew_learn::columns::gather(from.chunks_exact(rows.n_features.max(1)), &mut features);
            bend(&bents, &features, &mut columns);
            for (lane, row) in to.chunks_exact_mut(bents.len()).enumerate() {
                row.iter_mut().zip(&columns).for_each(|(value, column)| *value = column[lane]);
            }
        }
        let x = Array2::from_shape_vec((few.n(), bents.len()), x)
            .unwrap_or_else(|_| Array2::zeros((0, bents.len())));
        let learner = Network { n_hidden: N_HIDDEN, unit: Unit::Rectified, ..Network::default() };
        let networks = run.pool.install(|| {
            (0..N_TWINS as u64)
                .into_par_iter()
                .map(|twin| {
                    let run = run.with_stream(twin).with_progress(&Silent);
                    learner.fit_by_batches(&run, x.view(), &few.y, &weight, &Batches::default())
                })
                .collect::<clew_learn::Result<Vec<_>>>()
        })?;
        Ok(Some(PropensityNetwork { curves, networks }))
    }

    /// The network laid out for blocks of raw features.
    pub(crate) fn scan(&self) -> PropensityNetworkScan {
        PropensityNetworkScan {
            bents: self.curves.iter().filter_map(Curve::bent).collect(),
            networks: self.networks.iter().map(FittedNetwork::scan).collect(),
        }
    }

    /// Whether the network is of rows of so many features, and its parts of one another.
    pub(crate) fn fits(&self, n_features: usize) -> bool {
        self.curves.iter().all(|curve| curve.fits(n_features))
            && self.networks.iter().all(|network| network.n_columns() == self.curves.len())
    }

    /// Adds the network to a file.
    pub(crate) fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.json(&format!("{name}.curves"), &self.curves)?;
        for (twin, network) in self.networks.iter().enumerate() {
            network.write(writer, &format!("{name}.{twin}"))?;
        }
        Ok(())
    }

    /// Reads back what [`PropensityNetwork::write`] wrote.
    pub(crate) fn read(file: &File, name: &str) -> Result<PropensityNetwork> {
        Ok(PropensityNetwork {
            curves: file.json(&format!("{name}.curves"))?,
            networks: (0..N_TWINS)
                .map(|twin| FittedNetwork::read(file, &format!("{name}.{twin}")))
                .collect::<clew_learn::Result<Vec<_>>>()?,
        })
    }
}

/// A network ready for blocks of raw features.
pub(crate) struct PropensityNetworkScan {
    bents: Vec<(usize, Bent)>,
    networks: Vec<NetworkScan>,
}

impl PropensityNetworkScan {
    /// Columns to work in that [`PropensityNetworkScan::decision`] needs.
    pub(crate) fn n_work(&self) -> usize {
        self.bents.len() + self.networks.iter().map(NetworkScan::n_work).max().unwrap_or_default()
    }

    /// Log-odds before calibration, of a block of raw features.
    pub(crate) fn decision(&self, features: &[Column], work: &mut [Column]) -> Column {
        let (columns, work) = work.split_at_mut(self.bents.len());
        bend(&self.bents, features, columns);
        let mut mean = [0.0; BLOCK];
        for network in &self.networks {
            let z = network.decision(columns, work);
            mean.iter_mut().zip(z).for_each(|(mean, z)| *mean += z / self.networks.len() as f32);
        }
        mean
    }
}
