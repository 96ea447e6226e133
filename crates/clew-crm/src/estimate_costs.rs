//! Costs: how much work a training is, and what a unit of each work took on the reference machine.
use crate::estimate::Counts;
use crate::feature_taste::WARM_SWEEPS_SHARE;
use crate::train_customers::{MAX_JUDGED, max_rows, n_at_once};
use crate::train_params::TrainParams;

/// The work of a training in units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    customers: f64,
    products: f64,
    events: f64,
    /// Customers whose features are made, and the events of theirs.
    sample: f64,
    sampled_events: f64,
    windows: f64,
    cold_windows: f64,
    offers: f64,
    rows: f64,
    factors: f64,
    group_factors: f64,
    /// Values of the two matrices that are factorised.
    values: f64,
    group_values: f64,
    group_customers: f64,
    sweeps: f64,
    /// Rows that are scored to be judged.
    scored: f64,
    warm: bool,
}

/// What a unit took on the reference machine, seconds of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// An event passed over by one thread.
    event: f64,
    /// A value of a matrix × rank², in a sweep.
    value: f64,
    /// A row or column of a matrix × rank³, in a sweep.
    solve: f64,
    /// An offer in a window.
    offer: f64,
    /// A customer of an offer in a window.
    pair: f64,
    /// A row that a model is fitted to.
    row: f64,
    /// A row scored.
    scored: f64,
}

/// Values of the matrix an event makes, repeated purchases being one value.
const VALUES_PER_EVENT: f64 = 0.5;
/// Values of the matrix of groups for one of products.
const GROUPS_PER_VALUE: f64 = 4.0;
/// Sweeps of a factorisation that starts from nothing.
const SWEEPS: f64 = 6.0;

impl Work {
    /// The work of a training.
    pub(crate) fn of(counts: &Counts, params: &TrainParams, warm: bool, group_customers: u64) -> Work {
        let customers = counts.n_customers as f64;
        // The customers of one cutoff: those learned from and those judged on.
        let n_customers = usize::try_from(counts.n_customers).unwrap_or(usize::MAX);
        let n_learned = n_at_once(n_customers, params);
        let sample = customers.min((n_learned + if n_learned < n_customers { MAX_JUDGED } else { 0 }) as f64);
        let events = counts.n_events as f64;
        let share = if customers > 0.0 { sample / customers } else { 1.0 };
        let n_days = f64::from(counts.n_days);
        let horizon = f64::from(params.horizon_days.max(1));
        let windows = ((n_days - horizon.max(28.0)) / horizon).floor().clamp(0.0, params.n_cutoffs as f64);
        let few = customers.min(group_customers as f64);
        let warm_sweeps = (SWEEPS * WARM_SWEEPS_SHARE).ceil();
        let cold_windows = if warm { 0.0 } else { windows.min(3.0) };
        let windows = if warm { windows.min(1.0) } else { windows };
        let sweeps = if warm {
            2.0 * warm_sweeps
        } else {
            // From nothing once for each head, then from the window before; the last is today.
            2.0 * SWEEPS + (windows + cold_windows - 1.0).max(0.0) * warm_sweeps
        };
        Work {
            customers,
            products: counts.n_products as f64,
            events,
            sample,
            sampled_events: events * share,
            windows,
            cold_windows,
            offers: params.n_offers as f64,
            rows: if warm { 0.0 } else { max_rows(n_customers, params) as f64 * 4.0 / 3.0 },
            factors: params.n_factors as f64,
            group_factors: params.n_group_factors as f64,
            values: events * VALUES_PER_EVENT,
            group_values: events * VALUES_PER_EVENT * GROUPS_PER_VALUE * few / customers.max(1.0),
            group_customers: few,
            sweeps,
            // Offers judged in a window, in three windows of a full training, and launches in three.
            scored: sample.min(5_000.0) * if warm { 120.0 } else { windows.min(3.0) * (120.0 + 60.0) },
            warm,
        }
    }

    /// Memory at the peak, of reading or of learning: the records, the matrices both ways, the factors, a window's state on each thread, and the rows.
    pub(crate) fn memory_bytes(&self, n_threads: usize) -> u64 {
        let tables = self.customers * 140.0 + self.products * 160.0;
        // Reading holds the columns and what sorts them; afterwards the columns are left.
        let reading = self.events * 76.0 + tables;
        let records = self.events * 41.0 + tables;
        let lines = self.events * 11.0 + self.customers * 110.0;
        let matrices = 20.0 * self.values.max(self.group_values);
        let factors = 4.0 * (self.factors * 3.0 + self.group_factors) * (self.customers + self.products);
        let state = self.sampled_events * 60.0 + self.products * 12.0 * (self.factors + self.group_factors);
        let offers = self.sample * 160.0 * n_threads as f64;
        let rows = self.rows * 1_300.0 + self.scored * 8.0;
        let training = records + (lines + matrices + factors).max(state + offers + rows);
        (60e6 + training.max(reading)) as u64
    }

    /// Size of the model file: factors of products and groups, of today and of the last cutoff; ids; trees and report.
    pub(crate) fn disk_bytes(&self) -> u64 {
        (2e6 + self.products * (2.0 * 4.0 * (self.factors + 1.0) + 16.0)) as u64
    }
}

impl Costs {
    /// Two virtual cores of a 2.8 GHz server of 2023 with AVX2.
    pub(crate) const REFERENCE: Costs = Costs {
        event: 4.0e-8,
        value: 4.0e-11,
        solve: 2.5e-11,
        offer: 2.0e-3,
        pair: 0.5e-7,
        row: 4.2e-5,
        scored: 0.6e-5,
    };
    /// Seconds of one thread that the arithmetic of the probe took there.
    pub(crate) const PROBE_ARITHMETIC: f64 = 0.068;
    /// Seconds that the single-threaded part of the probe took there.
    pub(crate) const PROBE_SINGLE: f64 = 0.0017;

    /// Name, seconds of one thread that no other helps, and seconds of one thread that all share, of each phase.
    pub(crate) fn phases(&self, work: &Work) -> Vec<(&'static str, f64, f64)> {
        let cube = |n: f64, rank: f64| n * rank.powi(3);
        let by_product = work.values * work.factors.powi(2) * 2.0 * self.value
            + cube(work.customers + work.products, work.factors) * self.solve;
        let by_group = work.group_values * work.group_factors.powi(2) * 2.0 * self.value
            + cube(work.group_customers, work.group_factors) * self.solve;
        let passes = work.windows + work.cold_windows + 1.0;
        // Practised on and judged; launches are some dozens.
        let offers = work.offers * (2.0 * work.windows) + 60.0 * work.cold_windows;
        let scored = work.scored;
        let mut phases = vec![
            ("reading the history", work.events * self.event * passes, 0.0),
            ("factorising", work.events * self.event * passes, (by_product + by_group) * work.sweeps),
            (
                "learning from past windows",
                work.sampled_events * self.event * passes,
                offers * (self.offer + work.sample * self.pair) * if work.warm { 0.5 } else { 1.0 },
            ),
        ];
        if !work.warm {
            phases.push(("fitting", 0.0, work.rows * self.row));
        }
        phases.push(("judging", 0.0, scored * self.scored));
        phases
    }
}
