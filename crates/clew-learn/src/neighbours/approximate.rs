//! Nearest neighbours of rows, approximate: a graph of small worlds (Malkov, Yashunin, "Efficient and robust
//! approximate nearest neighbor search using hierarchical navigable small world graphs", 2018) proposes, exact
//! arithmetic decides. Only with the feature `approximate`.
//!
//! A row that the graph does not propose is missed, so look at the recall on your own rows; what is found
//! carries the very numbers of [`super::FittedNeighbours`], in its order. Many equal rows are the graph's weak
//! spot: they are each other's neighbours and lead nowhere else.

use ndarray::{Array2, ArrayView2, Axis};

use super::{Measure, centre_of, normalised, sort};
use crate::check::{self, Missing};
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::parallel::map_chunks;
use crate::run::Run;
use crate::top_k;

use graph::Graph;
use place::{Places, is_zero};

mod graph;
mod place;

/// Approximate nearest-neighbour search by one [`Measure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApproximateNeighbours {
    /// How near two rows are.
    pub measure: Measure,
    /// Links of a row in the graph's upper layers, 2..=1024 (twice as many in the lowest): more find more,
    /// and take more memory.
    pub connectivity: usize,
    /// Candidates kept while a row is linked, 1..=65536: more make a better graph, slower.
    pub expansion_build: usize,
    /// Candidates kept while neighbours are searched, 1..=65536, and at least k: more find more, slower.
    pub expansion_search: usize,
}

impl Default for ApproximateNeighbours {
    fn default() -> Self {
        Self { measure: Measure::default(), connectivity: 16, expansion_build: 128, expansion_search: 128 }
    }
}

/// Rows in a graph; made by [`ApproximateNeighbours::fit`].
#[derive(Debug)]
pub struct FittedApproximate {
    parameters: ApproximateNeighbours,
    /// The rows as they were given.
    rows: Array2<f32>,
    /// The rows at length 1, by cosine only.
    units: Option<Array2<f32>>,
    places: Places,
    graph: Graph,
}

/// Rows searched by one piece of work.
const ROWS: usize = 64;

impl ApproximateNeighbours {
    /// Links the rows of `x` (n × d, n below 2³² − 1) into a graph. One after the other on one thread: the
    /// graph depends on the order, and so the same rows give the same graph with any number of threads.
    /// Errors on no rows or columns, on numbers that are not finite, and on parameters out of range.
    pub fn fit(&self, run: &Run<'_>, x: ArrayView2<'_, f32>) -> Result<FittedApproximate> {
        self.check()?;
        check::matrix(x, Missing::Refused, "row")?;
        if x.nrows() >= u32::MAX as usize {
            return Err(Error::input(format!("{} rows", x.nrows()), "use fewer than 2^32 - 1; sample them"));
        }
        let rows = x.as_standard_layout().into_owned();
        let places = Places::new(self.measure, rows.view(), centre_of(self.measure, rows.view()));
        let graph = Graph::build(run, self, rows.view(), &places)?;
        let units = (self.measure == Measure::Cosine).then(|| normalised(rows.view()));
        Ok(FittedApproximate { parameters: *self, rows, units, places, graph })
    }

    fn check(&self) -> Result<()> {
        let ranges = [
            ("connectivity", self.connectivity, 2, 1 << 10),
            ("expansion_build", self.expansion_build, 1, 1 << 16),
            ("expansion_search", self.expansion_search, 1, 1 << 16),
        ];
        match ranges.into_iter().find(|&(_, value, low, high)| value < low || value > high) {
            Some((name, value, low, high)) => {
                Err(Error::input(format!("{name} is {value}"), format!("use {low} to {high}")))
            }
            None => Ok(()),
        }
    }
}

impl FittedApproximate {
    /// Of the known rows, `k` near ones for each row of `x` (any number × d), nearest first, as (row, measure);
    /// of equally near ones the lower row. Each row gets as many as [`super::FittedNeighbours::nearest`] would give
    /// it. Errors as there, and on a `k` of 0.
    pub fn nearest(&self, run: &Run<'_>, x: ArrayView2<'_, f32>, k: usize) -> Result<Vec<Vec<(u32, f32)>>> {
        check::same_columns(x.ncols(), self.rows.ncols())?;
        if x.nrows() == 0 {
            return Ok(Vec::new());
        }
        check::matrix(x, Missing::Refused, "row")?;
        self.search(run, x, k, |_| None)
    }

    /// As [`FittedApproximate::nearest`] for each known row, without the row itself.
    pub fn of_all(&self, run: &Run<'_>, k: usize) -> Result<Vec<Vec<(u32, f32)>>> {
        self.search(run, self.rows.view(), k, |row| Some(row as u32))
    }

    fn search(
        &self,
        run: &Run<'_>,
        x: ArrayView2<'_, f32>,
        k: usize,
        hidden: impl Fn(usize) -> Option<u32> + Sync + Send,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        if k == 0 {
            return Err(Error::input("0 neighbours are asked for", "ask for at least one"));
        }
        let n = self.rows.nrows();
        let parts = map_chunks(run, x.nrows(), ROWS, |from, to| {
            let asked = x.slice_axis(Axis(0), (from..to).into());
            let places = self.places.asked(asked, from)?;
            let compared = match self.units {
                Some(_) => normalised(asked),
                None => asked.as_standard_layout().into_owned(),
            };
            let turn = self.graph.turn();
            let mut found = Vec::with_capacity(to - from);
            for (row, (place, compared)) in places.rows().into_iter().zip(compared.rows()).enumerate() {
                let hidden = hidden(from + row);
                let wanted = k.saturating_add(usize::from(hidden.is_some())).min(n);
                let compared = compared.as_slice().unwrap_or(&[]);
                // To a row of zeros all are equally near; the lowest are known without a graph.
                let zeros = self.parameters.measure != Measure::Euclidean && is_zero(compared);
                let proposed = if zeros { Vec::new() } else { turn.propose(place, wanted)? };
                // A part of the graph that no link leads to may hold the rest.
                let proposed = if proposed.len() < wanted { (0..n as u32).collect() } else { proposed };
                found.push(self.settled(compared, &proposed, hidden, k));
            }
            Ok(found)
        })?;
        Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The nearest k of what was proposed for one row, by the arithmetic of the exact search.
    fn settled(&self, asked: &[f32], proposed: &[u32], hidden: Option<u32>, k: usize) -> Vec<(u32, f32)> {
        let proposed = proposed.iter().copied().filter(|&row| Some(row) != hidden);
        let known = self.units.as_ref().unwrap_or(&self.rows);
        let of = |row: u32| known.row(row as usize).to_slice().unwrap_or(&[]);
        if self.parameters.measure == Measure::Euclidean {
            let mut found: Vec<(u32, f64)> =
                proposed.map(|row| (row, place::squared_distance(asked, of(row)))).collect();
            sort(&mut found);
            return found.into_iter().take(k).map(|(row, squared)| (row, squared.sqrt() as f32)).collect();
        }
        let scored = proposed.map(|row| (row, place::product(asked, of(row))));
        let mut found: Vec<(u32, f32)> = scored.filter(|(_, score)| *score > f32::NEG_INFINITY).collect();
        found.sort_unstable_by(top_k::order);
        found.truncate(k);
        found
    }

    /// Rows that are known.
    pub fn n_rows(&self) -> usize {
        self.rows.nrows()
    }

    /// Adds the rows and the parameters to a file, as sections beginning with `name`. The graph is not kept:
    /// reading the library's own bytes would trust a file with its memory, and the rows give it again.
    pub fn write(&self, file: &mut Writer, name: &str) -> Result<()> {
        file.json(&format!("{name}.graph"), &self.parameters)?;
        super::write_rows(file, name, self.parameters.measure, self.rows.view())
    }

    /// Reads what [`FittedApproximate::write`] has written and links the rows again, which takes as long as
    /// the fit did. [`super::FittedNeighbours::read`] reads the same file for the exact search.
    pub fn read(run: &Run<'_>, file: &File, name: &str) -> Result<FittedApproximate> {
        let parameters: ApproximateNeighbours = file.json(&format!("{name}.graph"))?;
        let (measure, rows) = super::read_rows(file, name)?;
        if measure != parameters.measure {
            return Err(Error::format(format!("'{name}' has two measures"), "fit it again"));
        }
        parameters.fit(run, rows)
    }
}
