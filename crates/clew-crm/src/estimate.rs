//! Estimate: what a training will need, beforehand: seconds, memory and disk, phase by phase, and whether that is within a limit.
//!
//! Each phase has a cost in work units that grows as the code does: events for passes over the history, events × rank² and rows × rank³
//! for a sweep of the factorisation (Hu, Koren, Volinsky 2008, §4), offers × customers for the windows, rows × features for the fits. What a
//! unit takes was measured once on a reference machine (`Costs::REFERENCE`); how fast *this* machine is beside it, [`Speed::probe`] finds
//! in a fraction of a second by doing a little of the same work.
use clew_learn::Run;
use clew_learn::als::ImplicitAls;
use clew_learn::sparse::Csr;
use clew_learn::trees::BoostedTrees;
use ndarray::Array2;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate_costs::{Costs, Work};
use crate::feature_taste::MAX_GROUP_CUSTOMERS;
use crate::history::History;
use crate::train_params::TrainParams;

/// How much there is to learn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Customers with an event before the date.
    pub n_customers: u64,
    /// Products of the catalogue.
    pub n_products: u64,
    /// Events before the date.
    pub n_events: u64,
    /// Days from the first event to the date.
    pub n_days: u32,
}

impl Counts {
    /// Counts what a history shows; a pass over the customers, not over the events.
    pub fn of(history: &History<'_>) -> Counts {
        let n_days = history.first_event().map_or(0, |first| (history.as_of() - first).max(0) / 86_400 + 1);
        Counts {
            n_customers: history.active_customers().len() as u64,
            n_products: history.n_products() as u64,
            n_events: history.n_events() as u64,
            n_days: u32::try_from(n_days).unwrap_or(u32::MAX),
        }
    }
}

/// How fast this machine is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Threads that a training has.
    pub n_threads: usize,
    /// Arithmetic beside one thread of the reference machine, all threads together.
    pub arithmetic: f64,
    /// The same of work that waits for memory and is done by one thread.
    pub single: f64,
}

/// Rows and columns of the probe's matrix, and its values a row.
const PROBE: (usize, usize, usize) = (6_000, 3_000, 16);
/// Rows and features of the probe's trees.
const PROBE_TREES: (usize, usize) = (20_000, 24);

impl Speed {
    /// The reference machine itself, with so many threads.
    pub fn reference(n_threads: usize) -> Speed {
        Speed { n_threads, arithmetic: n_threads.max(1) as f64, single: 1.0 }
    }

    /// Measures the machine by a small factorisation and a few trees on the run's threads, and a sort on one: about a tenth of a second.
    /// `clock` tells the seconds since any fixed moment. Errors when the run is stopped.
    pub fn probe(run: &Run<'_>, clock: &dyn Fn() -> f64) -> Result<Speed> {
        let mut rng = run.rng(0xe571);
        let (n_rows, n_columns, n_values) = PROBE;
        let triplets: Vec<(u32, u32, f32)> = (0..n_rows as u32)
            .flat_map(|row| (0..n_values).map(move |_| row))
            .map(|row| (row, rng.random_range(0..n_columns as u32), 1.0))
            .collect();
        let began = clock();
        let matrix = Csr::from_triplets(n_rows, n_columns, &triplets)?;
        let single = clock() - began;
        let (n_rows, n_features) = PROBE_TREES;
        let x = Array2::from_shape_fn((n_rows, n_features), |_| rng.random::<f32>());
        let y: Vec<f32> = (0..n_rows).map(|row| f32::from(u8::from(x[[row, 0]] > 0.5))).collect();
        let began = clock();
        ImplicitAls { n_factors: 32, n_sweeps: 2, ..ImplicitAls::default() }.fit(run, &matrix, None)?;
        BoostedTrees { n_trees: 8, max_leaves: 16, max_bins: 63, ..BoostedTrees::default() }.fit(
            run,
            x.view(),
            &y,
            &vec![1.0; n_rows],
            None,
        )?;
        let together = clock() - began;
        Ok(Speed {
            n_threads: run.pool.current_num_threads(),
            arithmetic: Costs::PROBE_ARITHMETIC / together.max(1e-4),
            single: Costs::PROBE_SINGLE / single.max(1e-5),
        })
    }
}

/// What one phase will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseEstimate {
    /// What is done.
    pub name: String,
    /// Seconds by the clock.
    pub seconds: f64,
}

/// What a training will need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What it was estimated from.
    pub counts: Counts,
    /// The machine that it is for.
    pub speed: Speed,
    /// Seconds by the clock, reading the records not included.
    pub seconds: f64,
    /// Memory at the peak, the records in memory included.
    pub memory_bytes: u64,
    /// Size of the model file.
    pub disk_bytes: u64,
    /// The seconds, phase by phase.
    pub phases: Vec<PhaseEstimate>,
}

/// What a training may need at most; what is not given is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Seconds by the clock.
    pub seconds: Option<f64>,
    /// Memory at the peak.
    pub memory_bytes: Option<u64>,
    /// Size of the model file.
    pub disk_bytes: Option<u64>,
}

/// What a training will need. `warm` says that it starts from a model of an earlier day ([`crate::train_from()`]).
pub fn estimate(counts: &Counts, params: &TrainParams, speed: &Speed, warm: bool) -> Estimate {
    let work = Work::of(counts, params, warm, MAX_GROUP_CUSTOMERS as u64);
    let phases: Vec<PhaseEstimate> = Costs::REFERENCE
        .phases(&work)
        .into_iter()
        .map(|(name, single, together)| PhaseEstimate {
            name: name.to_owned(),
            seconds: single / speed.single.max(1e-6) + together / speed.arithmetic.max(1e-6),
        })
        .collect();
    Estimate {
        counts: *counts,
        speed: *speed,
        seconds: phases.iter().map(|phase| phase.seconds).sum(),
        memory_bytes: work.memory_bytes(speed.n_threads),
        disk_bytes: work.disk_bytes(),
        phases,
    }
}

impl Estimate {
    /// Errors with the figure and the limit when any of them is over it.
    pub fn check(&self, limit: &Limit) -> Result<()> {
        let over = |what: &str, needs: String, allowed: String| {
            Err(Error::input(
                format!("the training would need about {needs} of {what}, {allowed} are allowed"),
                "raise the limit, or learn from fewer customers or days",
            ))
        };
        if let Some(allowed) = limit.seconds.filter(|&allowed| self.seconds > allowed) {
            return over("time", format!("{:.0} s", self.seconds), format!("{allowed:.0} s"));
        }
        let mb = |bytes: u64| format!("{} MB", bytes.div_ceil(1_000_000));
        if let Some(allowed) = limit.memory_bytes.filter(|&allowed| self.memory_bytes > allowed) {
            return over("memory", mb(self.memory_bytes), mb(allowed));
        }
        if let Some(allowed) = limit.disk_bytes.filter(|&allowed| self.disk_bytes > allowed) {
            return over("disk", mb(self.disk_bytes), mb(allowed));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { n_customers: 1_000, n_products: 500, n_events: 40_000, n_days: 300 };

    #[test]
    fn grows_with_the_data_and_shrinks_with_the_machine() {
        let params = TrainParams::new(0);
        let of = |n: u64, threads: usize| {
            let counts =
                Counts { n_customers: COUNTS.n_customers * n, n_events: COUNTS.n_events * n, ..COUNTS };
            estimate(&counts, &params, &Speed::reference(threads), false)
        };
        assert!(of(1_000, 2).seconds > 1.5 * of(10, 2).seconds);
        // What a training holds whatever the size (the rows it learns from) is the larger part of a small tenant's.
        assert!(of(1_000, 2).memory_bytes > 2 * of(10, 2).memory_bytes);
        assert!(of(1_000, 4).seconds < of(1_000, 2).seconds);
        assert!(estimate(&COUNTS, &params, &Speed::reference(2), true).seconds < of(1, 2).seconds);
    }

    #[test]
    fn refuses_with_the_figure() {
        let found = estimate(&COUNTS, &TrainParams::new(0), &Speed::reference(2), false);
        assert!(found.check(&Limit::default()).is_ok());
        let limit = Limit { memory_bytes: Some(1_000_000), ..Limit::default() };
        let message = found.check(&limit).map_err(|error| error.to_string()).unwrap_err();
        assert!(message.contains("MB of memory, 1 MB are allowed"), "{message}");
        let limit = Limit { seconds: Some(0.01), ..Limit::default() };
        assert!(found.check(&limit).is_err());
    }
}
