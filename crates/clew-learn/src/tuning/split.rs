//! The rows that are looked at, and which of their events are kept back.

use rand::Rng;

use super::Tuning;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::sparse::Csr;

const ROWS: u64 = 0x726f_7773_0000_0000;
const PLACES: u64 = 0x706c_6163_0000_0000;

/// Events to fit to and events to judge by, rows numbered anew in an order by hash.
pub(super) struct Parts {
    pub(super) train: Csr,
    /// What each row is to be shown; a row without entries is not judged.
    pub(super) relevant: Csr,
    pub(super) cutoff: Option<i64>,
}

/// Draws rows and splits their events.
pub(super) fn split(
    tuning: &Tuning,
    run: &Run<'_>,
    (n_rows, n_columns): (usize, usize),
    events: &[(u32, u32, f32)],
    times: Option<&[i64]>,
) -> Result<Parts> {
    if n_rows > u32::MAX as usize || n_columns > u32::MAX as usize {
        return Err(Error::input(
            format!("{n_rows} rows of {n_columns} columns"),
            "use at most 2^32 - 1 of each",
        ));
    }
    if let Some(times) = times.filter(|times| times.len() != events.len()) {
        return Err(Error::input(
            format!("{} times for {} events", times.len(), events.len()),
            "give one time per event, or none at all",
        ));
    }
    if let Some(place) = events.iter().position(|&(row, column, value)| {
        row as usize >= n_rows || column as usize >= n_columns || !(value.is_finite() && value >= 0.0)
    }) {
        let (row, column, value) = events[place];
        return Err(Error::input(
            format!("event {place}: row {row}, column {column}, value {value} in {n_rows} × {n_columns}"),
            "use numbers within the matrix and finite values of 0 or more",
        ));
    }
    let place_of = sample(tuning, run, n_rows, events);
    let cutoff = times.and_then(|times| cutoff(times, tuning.validation_share));
    let (mut train, mut later, mut n) = (Vec::new(), Vec::new(), 0);
    for (place, &(row, column, value)) in events.iter().enumerate() {
        let Some(row) = place_of.get(row as usize).copied().filter(|&place| place < u32::MAX) else {
            continue;
        };
        n = n.max(row as usize + 1);
        let kept_back = match (cutoff, times) {
            (Some(cutoff), Some(times)) => times[place] >= cutoff,
            _ => {
                // By the place, so that an event that comes twice does not stand on both sides.
                let key = (u64::from(events[place].0) << 32 | u64::from(column)) ^ PLACES;
                run.rng(key).random::<f64>() < tuning.validation_share
            }
        };
        if kept_back { later.push((row, column, value)) } else { train.push((row, column, value)) }
    }
    if train.is_empty() || later.is_empty() {
        return Err(nothing());
    }
    let train = Csr::from_triplets(n, n_columns, &train)?;
    let later = Csr::from_triplets(n, n_columns, &later)?;
    let relevant = relevant(tuning, &train, &later)?;
    if relevant.n_values() == 0 {
        return Err(nothing());
    }
    Ok(Parts { train, relevant, cutoff })
}

fn nothing() -> Error {
    Error::input(
        "no row has events to fit to and others to judge by",
        "give more events, or keep back another share of them",
    )
}

/// The place 0, 1, … of each row that is drawn, `u32::MAX` for the others; rows without events are none.
fn sample(tuning: &Tuning, run: &Run<'_>, n_rows: usize, events: &[(u32, u32, f32)]) -> Vec<u32> {
    let mut place_of = vec![u32::MAX; n_rows];
    events.iter().for_each(|event| place_of[event.0 as usize] = 0);
    let mut drawn: Vec<(u64, u32)> = (0..n_rows as u32)
        .filter(|&row| place_of[row as usize] == 0)
        .map(|row| (run.rng(u64::from(row) ^ ROWS).random(), row))
        .collect();
    drawn.sort_unstable();
    for (place, &(_, row)) in drawn.iter().enumerate() {
        place_of[row as usize] = if place < tuning.n_rows { place as u32 } else { u32::MAX };
    }
    place_of
}

/// The time from which about `share` of the events happened; `None` where all happened at once.
fn cutoff(times: &[i64], share: f64) -> Option<i64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = ((1.0 - share) * sorted.len() as f64) as usize;
    let (first, wanted) = (*sorted.first()?, *sorted.get(place).or(sorted.last())?);
    if wanted > first { Some(wanted) } else { sorted.into_iter().find(|&time| time > first) }
}

/// What was kept back of the rows that have events to fit to, less what they had already where that is not
/// shown again; at most `n_judged` rows, the first ones by hash.
fn relevant(tuning: &Tuning, train: &Csr, later: &Csr) -> Result<Csr> {
    let (mut triplets, mut n_judged) = (Vec::new(), 0);
    for row in 0..train.n_rows() {
        let seen = train.row(row).0;
        if seen.is_empty() || n_judged == tuning.n_judged {
            continue;
        }
        let before = triplets.len();
        let columns = later.row(row).0.iter();
        triplets.extend(
            columns
                .filter(|column| !(tuning.exclude_seen && seen.binary_search(column).is_ok()))
                .map(|&column| (row as u32, column, 1.0)),
        );
        n_judged += usize::from(triplets.len() > before);
    }
    Csr::from_triplets(train.n_rows(), train.n_cols(), &triplets)
}
