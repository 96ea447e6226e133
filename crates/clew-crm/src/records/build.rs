//! Builds records from tables and events: checks them, recodes ids, sorts events, indexes them by product.
//!
//! Counting sorts over plain columns, no allocation a row; ten million events take a few seconds on one thread.

use std::cmp::Ordering;

use crate::error::Result;
use crate::event::{EventKind, EventTable};
use crate::ids::{Ids, NONE};
use crate::records::check::{check_events, check_table};
use crate::records::order::{canonical, extend, renamed, sorted_codes, take};
use crate::records::{Firsts, Orphans, Records};
use crate::table::Table;

impl Records {
    /// Records of these tables and events. Ids that only events tell of are added with nothing known of them.
    /// Refuses columns of unequal length, codes that were never given, infinite numbers, dates out of 1900 to 2200,
    /// and more than 4,294,967,294 events.
    pub fn new(
        customers: Table,
        products: Table,
        campaigns: Table,
        mut events: EventTable,
    ) -> Result<Records> {
        check_table("customers", &customers)?;
        check_table("products", &products)?;
        check_table("campaigns", &campaigns)?;
        check_events(&events)?;
        let mut customers = canonical(customers);
        let mut products = canonical(products);
        let mut campaigns = canonical(campaigns);

        let at = std::mem::take(&mut events.at);
        let (customer_orphans, n_customer_events) =
            recode_rows(&mut events.customer, &mut events.customers, &at, &mut customers);
        let (product_orphans, n_product_events) =
            recode_rows(&mut events.product, &mut events.products, &at, &mut products);
        let (campaign_orphans, _) =
            recode_rows(&mut events.campaign, &mut events.campaigns, &at, &mut campaigns);
        let query_firsts = recode_by_first(&mut events.query, &mut events.queries, &at);
        recode_by_first(&mut events.basket, &mut events.baskets, &at);
        events.baskets = Ids::new();
        let kind_firsts = recode_kinds(&mut events, &at);
        events.at = at;

        let customer_starts = sort_events(&mut events, customers.len());
        let (product_starts, product_positions) = index(&events, products.len());
        let orphans = Orphans {
            n_customers: customer_orphans.at.len(),
            n_products: product_orphans.at.len(),
            n_campaigns: campaign_orphans.at.len(),
            n_customer_events,
            n_product_events,
        };
        Ok(Records {
            customers,
            products,
            campaigns,
            events,
            customer_starts,
            product_starts,
            product_positions,
            orphans,
            customer_orphans,
            product_orphans,
            campaign_orphans,
            kind_firsts,
            query_firsts,
        })
    }
}

/// Each code's first time, `i64::MAX` for a code without events.
fn firsts(codes: &[u32], at: &[i64], n: usize) -> Vec<i64> {
    let mut firsts = vec![i64::MAX; n];
    for (&code, &at) in codes.iter().zip(at) {
        if let Some(first) = firsts.get_mut(code as usize) {
            *first = at.min(*first);
        }
    }
    firsts
}

/// These codes by first time, then by name; codes without events left out.
fn by_first(ids: &Ids, firsts: &[i64], codes: Vec<u32>) -> Vec<u32> {
    let seen = codes.into_iter().filter(|&code| firsts[code as usize] != i64::MAX).collect();
    let mut order = sorted_codes(ids, seen);
    order.sort_by_key(|&code| firsts[code as usize]);
    order
}

/// Makes `codes` rows of `table`; ids that it lacks are appended by their first time. Gives when each of these was
/// first seen, and how many events speak of them.
fn recode_rows(codes: &mut [u32], ids: &mut Ids, at: &[i64], table: &mut Table) -> (Firsts, usize) {
    let n_declared = table.len();
    let mut place: Vec<u32> = ids.iter().map(|name| table.ids.get(name).unwrap_or(NONE)).collect();
    let unknown: Vec<u32> = (0..ids.len() as u32).filter(|&code| place[code as usize] == NONE).collect();
    let mut orphan_firsts = Vec::new();
    if !unknown.is_empty() {
        let firsts = firsts(codes, at, ids.len());
        for code in by_first(ids, &firsts, unknown) {
            place[code as usize] = table.ids.intern(ids.name(code));
            orphan_firsts.push(firsts[code as usize]);
        }
        table.ids.shrink_to_fit();
        table.columns.iter_mut().for_each(|column| extend(column, orphan_firsts.len()));
    }
    *ids = Ids::new();
    let mut n_events = 0;
    for code in codes.iter_mut().filter(|code| **code != NONE) {
        *code = place[*code as usize];
        n_events += usize::from(*code as usize >= n_declared);
    }
    (Firsts { n_declared, at: orphan_firsts }, n_events)
}

/// Numbers codes anew by their first time, so that a number tells nothing of what came later.
fn recode_by_first(codes: &mut [u32], ids: &mut Ids, at: &[i64]) -> Firsts {
    if ids.is_empty() {
        return Firsts::default();
    }
    let firsts = firsts(codes, at, ids.len());
    let order = by_first(ids, &firsts, (0..ids.len() as u32).collect());
    let mut place = vec![NONE; ids.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u32);
    codes.iter_mut().filter(|code| **code != NONE).for_each(|code| *code = place[*code as usize]);
    *ids = renamed(ids, &order);
    Firsts { n_declared: 0, at: order.iter().map(|&code| firsts[code as usize]).collect() }
}

/// The same for the custom kinds; the well-known ones keep their codes.
fn recode_kinds(events: &mut EventTable, at: &[i64]) -> Firsts {
    let n_declared = EventKind::NAMES.len();
    let mut firsts = vec![i64::MAX; events.kinds.len()];
    for (&kind, &at) in events.kind.iter().zip(at) {
        firsts[usize::from(kind)] = at.min(firsts[usize::from(kind)]);
    }
    let custom = (n_declared as u32..events.kinds.len() as u32).collect();
    let custom = by_first(&events.kinds, &firsts, custom);
    let order: Vec<u32> = (0..n_declared as u32).chain(custom.iter().copied()).collect();
    let mut place = vec![0u8; events.kinds.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u8);
    events.kind.iter_mut().for_each(|kind| *kind = place[usize::from(*kind)]);
    events.kinds = renamed(&events.kinds, &order);
    events.kind_weights = take(&events.kind_weights, &order);
    Firsts { n_declared, at: custom.iter().map(|&code| firsts[code as usize]).collect() }
}

/// Sorts events by customer, then time, then their other fields; gives where each customer's start.
fn sort_events(events: &mut EventTable, n_customers: usize) -> Vec<u32> {
    let (starts, mut order) = counting_sort(&events.customer, n_customers);
    let mut keyed: Vec<(i64, u32)> = Vec::new();
    for bounds in starts.windows(2) {
        let run = &mut order[bounds[0] as usize..bounds[1] as usize];
        keyed.clear();
        keyed.extend(run.iter().map(|&i| (events.at[i as usize], i)));
        let less = |a: &(i64, u32), b: &(i64, u32)| {
            a.0.cmp(&b.0).then_with(|| compare_fields(events, a.1 as usize, b.1 as usize)).then(a.1.cmp(&b.1))
        };
        if !keyed.is_sorted_by(|a, b| less(a, b) != Ordering::Greater) {
            keyed.sort_unstable_by(less);
        }
        run.iter_mut().zip(&keyed).for_each(|(place, key)| *place = key.1);
    }
    // One column at a time, so that only one is held twice.
    events.kind = take(&events.kind, &order);
    events.customer = take(&events.customer, &order);
    events.product = take(&events.product, &order);
    events.at = take(&events.at, &order);
    events.quantity = take(&events.quantity, &order);
    events.revenue = take(&events.revenue, &order);
    events.campaign = take(&events.campaign, &order);
    events.query = take(&events.query, &order);
    events.basket = take(&events.basket, &order);
    starts
}

fn compare_fields(events: &EventTable, a: usize, b: usize) -> Ordering {
    (events.kind[a].cmp(&events.kind[b]))
        .then_with(|| events.product[a].cmp(&events.product[b]))
        .then_with(|| events.campaign[a].cmp(&events.campaign[b]))
        .then_with(|| events.query[a].cmp(&events.query[b]))
        .then_with(|| events.basket[a].cmp(&events.basket[b]))
        .then_with(|| events.quantity[a].total_cmp(&events.quantity[b]))
        .then_with(|| events.revenue[a].total_cmp(&events.revenue[b]))
}

/// Positions of events by product, then time; events without a product left out.
fn index(events: &EventTable, n_products: usize) -> (Vec<u32>, Vec<u32>) {
    let (starts, mut positions) = counting_sort(&events.product, n_products);
    let mut keyed: Vec<(i64, u32)> = Vec::new();
    for bounds in starts.windows(2) {
        let run = &mut positions[bounds[0] as usize..bounds[1] as usize];
        keyed.clear();
        keyed.extend(run.iter().map(|&i| (events.at[i as usize], i)));
        keyed.sort_unstable();
        run.iter_mut().zip(&keyed).for_each(|(place, key)| *place = key.1);
    }
    (starts, positions)
}

/// Positions by code, each code's in their order, and where each code's start; codes beyond `n` are left out.
fn counting_sort(codes: &[u32], n: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; n + 1];
    for &code in codes {
        if (code as usize) < n {
            starts[code as usize + 1] += 1;
        }
    }
    for code in 0..n {
        starts[code + 1] += starts[code];
    }
    let mut next = starts.clone();
    let mut positions = vec![0u32; starts.last().map_or(0, |&end| end as usize)];
    for (i, &code) in codes.iter().enumerate() {
        if let Some(next) =
            (code as usize).checked_add(1).filter(|&c| c <= n).and_then(|c| next.get_mut(c - 1))
        {
            positions[*next as usize] = i as u32;
            *next += 1;
        }
    }
    (starts, positions)
}
