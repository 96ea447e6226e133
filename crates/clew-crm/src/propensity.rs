//! Propensity: the supervised models over features of (customer, offer), nested from a linear one to boosted trees, and their calibration.
use clew_learn::Run;
use clew_learn::calibration::{Platt, sigmoid};
use clew_learn::format::{File, Writer};
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::trees::{BoostedTrees, FittedTrees};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::propensity_expansion::Expansion;
use crate::propensity_network::PropensityNetwork;
use crate::propensity_scan::PropensityScan;
use crate::train_rows::Rows;

/// The nested models, the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Log-odds linear in each feature.
    Linear,
    /// … with bends at quantiles.
    Logistic,
    /// Trees over the features and the logistic model's log-odds, averaged with it.
    BoostedTrees,
    /// … and with a network over the features.
    Network,
}

impl Kind {
    /// All of them, the smallest first.
    pub(crate) const ALL: [Kind; 4] = [Kind::Linear, Kind::Logistic, Kind::BoostedTrees, Kind::Network];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Linear => "linear",
            Kind::Logistic => "logistic",
            Kind::BoostedTrees => "boosted_trees",
            Kind::Network => "network",
        }
    }
}

/// Rows that a linear model is fitted to, at most; trees take all.
const MAX_LINEAR_ROWS: usize = 80_000;
/// Quantiles at which an effect may bend.
const BENDS: [f64; 2] = [0.3, 0.8];
/// Rows scored at a time.
const CHUNK: usize = 2048;

/// A fitted propensity model of one kind, over chosen features.
#[derive(Clone, Debug)]
pub(crate) struct Propensity {
    /// Which one.
    pub(crate) kind: Kind,
    n_features: usize,
    /// Features that the trees may use, as places; all others are not shown to them.
    chosen: Vec<usize>,
    expansion: Expansion,
    logistic: FittedLogistic,
    trees: Option<FittedTrees>,
    network: Option<PropensityNetwork>,
    /// Straightens the log-odds out of time.
    pub(crate) platt: Platt,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    kind: Kind,
    n_features: usize,
    chosen: Vec<usize>,
    expansion: Expansion,
    /// Slope and intercept.
    #[serde(with = "crate::exact::f64s")]
    platt: Vec<f64>,
}

impl Propensity {
    /// Fits one kind to the rows, over the chosen features. Trees start from the logistic model of the same rows, and the network joins
    /// both: what `base` has of that is taken over, the rest is fitted first.
    pub(crate) fn fit(
        run: &Run<'_>,
        kind: Kind,
        rows: &Rows,
        chosen: &[usize],
        base: Option<&Propensity>,
    ) -> Result<Propensity> {
        let mut model = match base.filter(|base| kind > base.kind && base.kind >= Kind::Logistic) {
            Some(base) => Propensity { kind, ..base.clone() },
            None => Propensity::fit_logistic(run, kind, rows, chosen)?,
        };
        if kind >= Kind::BoostedTrees && model.trees.is_none() {
            model.grow(run, rows)?;
        }
        if kind == Kind::Network {
            model.network = PropensityNetwork::fit(run, rows, chosen)?;
            if model.network.is_none() {
                model.kind = Kind::BoostedTrees;
            }
        }
        Ok(model)
    }

    fn fit_logistic(run: &Run<'_>, kind: Kind, rows: &Rows, chosen: &[usize]) -> Result<Propensity> {
        let quantiles: &[f64] = if kind == Kind::Linear { &[] } else { &BENDS };
        let expansion = Expansion::fit(&rows.x, rows.n_features, chosen, quantiles);
        let few = rows.thinned(MAX_LINEAR_ROWS);
        let columns = expansion.transform(&few.x, rows.n_features);
        let total: f64 = few.weight.iter().map(|&w| f64::from(w)).sum();
        let learner = LogisticRegression { l2: total * 1e-4, max_iterations: 20, tolerance: 1e-4 };
        let logistic = learner.fit(run, columns.view(), &few.y, &few.weight, None)?;
        Ok(Propensity {
            kind,
            n_features: rows.n_features,
            chosen: chosen.to_vec(),
            expansion,
            logistic,
            trees: None,
            network: None,
            platt: Platt { slope: 1.0, intercept: 0.0 },
        })
    }

    fn grow(&mut self, run: &Run<'_>, rows: &Rows) -> Result<()> {
        let x = self.tree_columns(run, &rows.x)?;
        let mean_weight = rows.weight.iter().map(|&w| f64::from(w)).sum::<f64>() / rows.n().max(1) as f64;
        let weight: Vec<f32> = rows.weight.iter().map(|&w| w / mean_weight as f32).collect();
        let learner = BoostedTrees {
            n_trees: 300,
            learning_rate: 0.05,
            max_leaves: 16,
            min_leaf_weight: 100.0,
            l2: 10.0,
            max_bins: 63,
            feature_fraction: 0.4,
            ..Default::default()
        };
        self.trees = Some(learner.fit(run, x.view(), &rows.y, &weight, None)?);
        Ok(())
    }

    /// The model laid out for blocks of raw features.
    pub(crate) fn scan(&self) -> Result<PropensityScan> {
        let columns: Vec<usize> = self.chosen.iter().copied().chain([self.n_features]).collect();
        Ok(PropensityScan {
            n_features: self.n_features,
            intercept: self.logistic.intercept,
            effects: self.expansion.effects(&self.logistic.coefficients),
            trees: self.trees.as_ref().map(|trees| trees.scan(&columns)).transpose()?,
            network: self.network.as_ref().map(PropensityNetwork::scan),
        })
    }

    /// Chosen features and the logistic log-odds, a row each.
    fn tree_columns(&self, run: &Run<'_>, x: &[f32]) -> Result<Array2<f32>> {
        let n_columns = self.chosen.len() + 1;
        let scan = self.scan()?;
        let odds = self.each_chunk(run, x, |part| scan.each_row(part, |block| Ok(scan.linear(block))))?;
        let mut flat = Vec::with_capacity(odds.len() * n_columns);
        for (row, odds) in x.chunks_exact(self.n_features).zip(odds) {
            flat.extend(self.chosen.iter().map(|&feature| row[feature]));
            flat.push(odds);
        }
        Ok(Array2::from_shape_vec((flat.len() / n_columns, n_columns), flat)
            .unwrap_or_else(|_| Array2::zeros((0, n_columns))))
    }

    /// Log-odds of rows of raw features, before calibration.
    pub(crate) fn decision(&self, run: &Run<'_>, x: &[f32]) -> Result<Vec<f32>> {
        let scan = self.scan()?;
        self.each_chunk(run, x, |part| scan.each_row(part, |block| scan.decision(block)))
    }

    fn each_chunk(
        &self,
        run: &Run<'_>,
        x: &[f32],
        answer: impl Fn(&[f32]) -> Result<Vec<f32>> + Sync,
    ) -> Result<Vec<f32>> {
        let parts: Vec<Vec<f32>> = run.pool.install(|| {
            x.par_chunks(CHUNK * self.n_features)
                .map(|part| {
                    run.check()?;
                    answer(part)
                })
                .collect::<Result<Vec<_>>>()
        })?;
        Ok(parts.concat())
    }

    /// Calibrated log-odds.
    pub(crate) fn straightened(&self, decision: f32) -> f64 {
        self.platt.slope * f64::from(decision) + self.platt.intercept
    }

    /// Calibrated propensities.
    pub(crate) fn calibrated(&self, decisions: &[f32]) -> Vec<f32> {
        decisions.iter().map(|&z| sigmoid(self.straightened(z)) as f32).collect()
    }

    /// Numbers in a row.
    pub(crate) fn n_features(&self) -> usize {
        self.n_features
    }

    /// Whether the model is of rows of so many features, and its parts of one another.
    pub(crate) fn fits(&self, n_features: usize) -> bool {
        self.n_features == n_features
            && self.chosen.iter().all(|&feature| feature < n_features)
            && self.expansion.fits(n_features)
            && self.expansion.n_columns() == self.logistic.coefficients.len()
            && self.network.as_ref().is_none_or(|network| network.fits(n_features))
    }

    /// Adds the model to a file.
    pub(crate) fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.json(
            &format!("{name}.propensity"),
            &Saved {
                kind: self.kind,
                n_features: self.n_features,
                chosen: self.chosen.clone(),
                expansion: self.expansion.clone(),
                platt: vec![self.platt.slope, self.platt.intercept],
            },
        )?;
        self.logistic.write(writer, &format!("{name}.logistic"))?;
        if let Some(trees) = &self.trees {
            trees.write(writer, &format!("{name}.trees"))?;
        }
        if let Some(network) = &self.network {
            network.write(writer, &format!("{name}.network"))?;
        }
        Ok(())
    }

    /// Reads back what [`Propensity::write`] wrote.
    pub(crate) fn read(file: &File, name: &str) -> Result<Propensity> {
        let saved: Saved = file.json(&format!("{name}.propensity"))?;
        let trees = (saved.kind >= Kind::BoostedTrees)
            .then(|| FittedTrees::read(file, &format!("{name}.trees")))
            .transpose()?;
        let network = (saved.kind == Kind::Network)
            .then(|| PropensityNetwork::read(file, &format!("{name}.network")))
            .transpose()?;
        Ok(Propensity {
            kind: saved.kind,
            n_features: saved.n_features,
            chosen: saved.chosen,
            expansion: saved.expansion,
            logistic: FittedLogistic::read(file, &format!("{name}.logistic"))?,
            trees,
            network,
            platt: match saved.platt.as_slice() {
                &[slope, intercept] => Platt { slope, intercept },
                _ => Platt { slope: 1.0, intercept: 0.0 },
            },
        })
    }
}
