//! What records are refused for: tables and events whose columns do not fit together.

use crate::column::Column;
use crate::error::{Error, Result};
use crate::event::{EventKind, EventTable};
use crate::ids::{Ids, NONE};
use crate::table::Table;

/// 1900-01-01: an event dated earlier is a mistake.
const EARLIEST: i64 = -2_208_988_800;
/// 2200-01-01: an event dated at or after it is a mistake, most often of milliseconds taken for seconds.
const LATEST: i64 = 7_258_118_400;

pub(super) fn check_table(what: &str, table: &Table) -> Result<()> {
    if table.names.len() != table.columns.len() {
        let (names, columns) = (table.names.len(), table.columns.len());
        return Err(Error::input(
            format!("the {what} have {names} column names for {columns} columns"),
            "give each column one name",
        ));
    }
    for (name, column) in table.names.iter().zip(&table.columns) {
        if column.len() != table.len() {
            return Err(Error::input(
                format!("column '{name}' of the {what} has {} rows, not {}", column.len(), table.len()),
                "give each id one row in each column",
            ));
        }
        let fits = match column {
            Column::Number(values) => {
                if let Some(row) = values.iter().position(|value| value.is_infinite()) {
                    return Err(Error::input(
                        format!("column '{name}' of the {what} is infinite in row {}", row + 1),
                        "correct the value or leave the cell empty",
                    ));
                }
                true
            }
            Column::Category { codes, values } => coded(codes, values, true),
            Column::Tags { starts, codes, values } => {
                coded(codes, values, false)
                    && starts.first().is_none_or(|&first| first == 0)
                    && starts.is_sorted()
                    && starts.last().map_or(0, |&last| last as usize) == codes.len()
            }
            Column::Bool(_) | Column::Date(_) => true,
        };
        if !fits {
            return Err(Error::input(
                format!("column '{name}' of the {what} holds a code that was never given"),
                "intern each value before use",
            ));
        }
    }
    Ok(())
}

pub(super) fn check_events(events: &EventTable) -> Result<()> {
    let n = events.len();
    let lengths = [
        events.kind.len(),
        events.customer.len(),
        events.product.len(),
        events.quantity.len(),
        events.revenue.len(),
        events.campaign.len(),
        events.query.len(),
        events.basket.len(),
    ];
    if lengths.iter().any(|&length| length != n) || events.kinds.len() != events.kind_weights.len() {
        return Err(Error::input(
            "the events' columns differ in length",
            "give each event one entry in each",
        ));
    }
    if n >= NONE as usize {
        return Err(Error::input(
            format!("{n} events are too many"),
            "at most 4,294,967,294 fit; drop the oldest",
        ));
    }
    if !(coded(&events.customer, &events.customers, false)
        && coded(&events.product, &events.products, true)
        && coded(&events.campaign, &events.campaigns, true)
        && coded(&events.query, &events.queries, true)
        && coded(&events.basket, &events.baskets, true)
        && events.kind.iter().all(|&kind| usize::from(kind) < events.kinds.len())
        && events.kinds.len() <= 256
        && events.kinds.iter().take(EventKind::NAMES.len()).eq(EventKind::NAMES))
    {
        return Err(Error::input("an event holds a code that was never given", "intern each id before use"));
    }
    if let Some(i) = events.at.iter().position(|&at| !(EARLIEST..LATEST).contains(&at)) {
        return Err(Error::input(
            format!("event {} is dated {} s after 1970, outside 1900 to 2200", i + 1, events.at[i]),
            "give seconds, not milliseconds, or drop the event",
        ));
    }
    for (name, values) in [("quantity", &events.quantity), ("revenue", &events.revenue)] {
        if let Some(i) = values.iter().position(|value| value.is_infinite()) {
            return Err(Error::input(
                format!("the {name} of event {} is infinite", i + 1),
                "correct the value or leave the cell empty",
            ));
        }
    }
    Ok(())
}

fn coded(codes: &[u32], ids: &Ids, nullable: bool) -> bool {
    codes.iter().all(|&code| (code as usize) < ids.len() || (nullable && code == NONE))
}
