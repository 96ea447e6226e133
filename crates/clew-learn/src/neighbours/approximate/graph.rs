//! The graph itself, kept by `usearch`: built on one thread, searched by as many as there are turns.

use std::sync::{Condvar, Mutex, PoisonError};

use ndarray::{ArrayView1, ArrayView2, Axis};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::ApproximateNeighbours;
use super::place::Places;
use crate::error::{Error, Result};
use crate::neighbours::Measure;
use crate::run::Run;

/// Rows linked between two looks at the stop flag.
const ROWS: usize = 1024;

pub(super) struct Graph {
    index: Index,
    /// Searches that may begin now: the library has a place to work for each, and refuses one more.
    free: Mutex<usize>,
    freed: Condvar,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("rows", &self.index.size()).finish_non_exhaustive()
    }
}

/// What the library says, mostly that memory is short.
fn refused(what: &str, error: impl std::fmt::Display) -> Error {
    Error::input(format!("{what}: {error}"), "use fewer rows, or less connectivity and expansion")
}

impl Graph {
    pub(super) fn build(
        run: &Run<'_>,
        parameters: &ApproximateNeighbours,
        rows: ArrayView2<'_, f32>,
        places: &Places,
    ) -> Result<Graph> {
        let n = rows.nrows();
        let metric = if parameters.measure == Measure::Euclidean { MetricKind::L2sq } else { MetricKind::IP };
        let options = IndexOptions {
            dimensions: places.width(),
            metric,
            quantization: ScalarKind::F32,
            connectivity: parameters.connectivity,
            expansion_add: parameters.expansion_build,
            expansion_search: parameters.expansion_search,
            multi: false,
        };
        let index = Index::new(&options).map_err(|error| refused("the graph", error))?;
        // A row's layer is drawn by the thread that adds it: with one there is one sequence.
        let reserve = |threads| {
            let reserved = index.reserve_capacity_and_threads(n, threads);
            reserved.map_err(|error| refused(&format!("a graph of {n} rows"), error))
        };
        reserve(1)?;
        for from in (0..n).step_by(ROWS) {
            run.check()?;
            let to = (from + ROWS).min(n);
            let places = places.known(rows.slice_axis(Axis(0), (from..to).into()), from)?;
            for (row, place) in (from..).zip(places.rows()) {
                let added = index.add(row as u64, place.as_slice().unwrap_or(&[]));
                added.map_err(|error| refused(&format!("row {row}"), error))?;
            }
            run.report("linking neighbours", to as f64 / n as f64);
        }
        let threads = run.pool.current_num_threads().max(1);
        reserve(threads)?;
        Ok(Graph { index, free: Mutex::new(threads), freed: Condvar::new() })
    }

    /// Waits until a search may begin. Who has a turn waits for nobody else, so turns come round.
    pub(super) fn turn(&self) -> Turn<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Turn(self)
    }
}

/// The right to search on this thread.
pub(super) struct Turn<'a>(&'a Graph);

impl Turn<'_> {
    /// About the nearest `wanted` rows and more, in no order that matters.
    pub(super) fn propose(&self, place: ArrayView1<'_, f32>, wanted: usize) -> Result<Vec<u32>> {
        let index = &self.0.index;
        let candidates = wanted.max(index.expansion_search()).min(index.size());
        let found = index.search(place.to_slice().unwrap_or(&[]), candidates);
        let found = found.map_err(|error| refused("a search", error))?;
        Ok(found.keys.into_iter().map(|row| row as u32).collect())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
