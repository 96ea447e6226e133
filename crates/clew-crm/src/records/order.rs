//! Puts a table into its canonical order: rows by id, columns by name, values of a column by themselves.
//!
//! So the same data from a folder, from a snapshot, or in another order of rows gives the same codes, and with
//! them the same model to the last bit.

use crate::column::{Column, NULL_BOOL, NULL_DATE};
use crate::ids::{Ids, NONE};
use crate::table::Table;

/// The table with rows sorted by id, columns by name, and each column's values sorted, the unused left out.
pub(super) fn canonical(table: Table) -> Table {
    let Table { ids, names, columns } = table;
    let order = (!ids_sorted(&ids)).then(|| sorted_codes(&ids, (0..ids.len() as u32).collect()));
    let mut named: Vec<(String, Column)> = names.into_iter().zip(columns).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let (names, columns) = named
        .into_iter()
        .map(|(name, column)| {
            let column = match &order {
                Some(order) => permuted(column, order),
                None => column,
            };
            (name, sorted_values(column))
        })
        .unzip();
    let ids = match &order {
        Some(order) => renamed(&ids, order),
        None => ids,
    };
    Table { ids, names, columns }
}

/// Adds `n` rows of nulls.
pub(super) fn extend(column: &mut Column, n: usize) {
    let len = column.len() + n;
    match column {
        Column::Number(values) => resize(values, len, f64::NAN),
        Column::Category { codes, .. } => resize(codes, len, NONE),
        Column::Tags { starts, codes, .. } => resize(starts, len + 1, codes.len() as u32),
        Column::Bool(values) => resize(values, len, NULL_BOOL),
        Column::Date(values) => resize(values, len, NULL_DATE),
    }
}

fn resize<T: Clone>(values: &mut Vec<T>, len: usize, null: T) {
    values.reserve_exact(len.saturating_sub(values.len()));
    values.resize(len, null);
}

/// These codes in the order of their strings.
pub(super) fn sorted_codes(ids: &Ids, codes: Vec<u32>) -> Vec<u32> {
    // The first eight bytes decide nearly always, without a jump into the arena.
    let mut keyed: Vec<(u64, u32)> = codes.into_iter().map(|code| (prefix(ids.name(code)), code)).collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| ids.name(a.1).cmp(ids.name(b.1))));
    keyed.into_iter().map(|(_, code)| code).collect()
}

/// The strings of these codes, numbered in this order.
pub(super) fn renamed(ids: &Ids, order: &[u32]) -> Ids {
    let mut renamed = Ids::with_capacity(order.len());
    order.iter().for_each(|&code| {
        renamed.intern(ids.name(code));
    });
    renamed.shrink_to_fit();
    renamed
}

fn prefix(name: &str) -> u64 {
    let mut bytes = [0u8; 8];
    let n = name.len().min(8);
    bytes[..n].copy_from_slice(&name.as_bytes()[..n]);
    u64::from_be_bytes(bytes)
}

fn ids_sorted(ids: &Ids) -> bool {
    (1..ids.len() as u32).all(|code| ids.name(code - 1) < ids.name(code))
}

fn permuted(column: Column, order: &[u32]) -> Column {
    match column {
        Column::Number(values) => Column::Number(take(&values, order)),
        Column::Category { codes, values } => Column::Category { codes: take(&codes, order), values },
        Column::Bool(values) => Column::Bool(take(&values, order)),
        Column::Date(values) => Column::Date(take(&values, order)),
        Column::Tags { starts, codes, values } => {
            let mut new_starts = Vec::with_capacity(order.len() + 1);
            let mut new_codes = Vec::with_capacity(codes.len());
            new_starts.push(0);
            for &row in order {
                let row = row as usize;
                new_codes.extend_from_slice(&codes[starts[row] as usize..starts[row + 1] as usize]);
                new_starts.push(new_codes.len() as u32);
            }
            Column::Tags { starts: new_starts, codes: new_codes, values }
        }
    }
}

/// `values` in that order.
pub(super) fn take<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|&row| values[row as usize]).collect()
}

fn sorted_values(column: Column) -> Column {
    match column {
        Column::Category { mut codes, values } => {
            let values = sort_values(&mut codes, values);
            Column::Category { codes, values }
        }
        Column::Tags { starts, mut codes, values } => {
            let values = sort_values(&mut codes, values);
            for bounds in starts.windows(2) {
                codes[bounds[0] as usize..bounds[1] as usize].sort_unstable();
            }
            Column::Tags { starts, codes, values }
        }
        other => other,
    }
}

fn sort_values(codes: &mut [u32], values: Ids) -> Ids {
    let mut used = vec![false; values.len()];
    codes.iter().filter(|&&code| code != NONE).for_each(|&code| used[code as usize] = true);
    if used.iter().all(|&used| used) && ids_sorted(&values) {
        return values;
    }
    let order = sorted_codes(&values, (0..values.len() as u32).filter(|&code| used[code as usize]).collect());
    let mut place = vec![NONE; values.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u32);
    codes.iter_mut().filter(|code| **code != NONE).for_each(|code| *code = place[*code as usize]);
    renamed(&values, &order)
}
