//! Tenants cut down to few buyers: the same backtest on a chance draw of customers, to see how the model does with little.
use std::sync::Arc;

use clew_learn::Run;
use rand::seq::index::sample;

use crate::backtest::{BacktestParams, backtest_with};
use crate::column::{ColumnType, ColumnView, NULL_BOOL, NULL_DATE};
use crate::error::{Error, Result};
use crate::event::{EventRow, EventTable};
use crate::ids::NONE;
use crate::records::Records;
use crate::report::{BandFigures, OfferFigures, ShrunkFigures};
use crate::table::{Table, TableBuilder, Value};

const STREAM: u64 = 0x5a11;

/// Draws `n_tenants` tenants of `n_buyers` buyers from the records and backtests each; launches are left out. A tenant too small to train
/// on is counted as refused. Errors when the records have fewer buyers than asked for, and as [`backtest`](crate::backtest()) does otherwise.
pub fn backtest_shrunk(
    run: &Run<'_>,
    records: &Records,
    params: &BacktestParams,
    n_buyers: usize,
    n_tenants: usize,
) -> Result<ShrunkFigures> {
    let history = records.history(params.as_of);
    let buyers: Vec<u32> = history
        .active_customers()
        .into_iter()
        .filter(|&customer| {
            let events = history.events_of(customer);
            (0..events.len()).any(|i| events.is_purchase(i))
        })
        .collect();
    if buyers.len() < n_buyers {
        return Err(Error::NotEnoughData {
            have: buyers.len() as u64,
            need: n_buyers as u64,
            what: "buyers to cut down".to_owned(),
        });
    }
    let mut figures = ShrunkFigures { n_buyers, n_tenants, ..ShrunkFigures::default() };
    let mut lines: Vec<OfferFigures> = Vec::new();
    let (mut auc, mut frequent, mut predicted, mut realised, mut n_judged) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for tenant in 0..n_tenants {
        run.report("cutting down", tenant as f64 / n_tenants.max(1) as f64);
        let stream = STREAM + ((n_buyers as u64) << 16) + tenant as u64;
        let mut places = sample(&mut run.rng(stream), buyers.len(), n_buyers).into_vec();
        places.sort_unstable();
        let kept: Vec<u32> = places.into_iter().map(|place| buyers[place]).collect();
        let small = Arc::new(cut_down(records, &kept)?);
        let asked = BacktestParams { launches: Some(Vec::new()), ..params.clone() };
        let (report, trained) = match backtest_with(&run.with_stream(stream), &small, &asked) {
            Ok(done) => done,
            Err(Error::NotEnoughData { .. } | Error::Nothing { .. }) => {
                figures.n_refused += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let of = |name: &str| {
            report.methods.iter().find(|method| method.name == name).map(|method| method.all.auc)
        };
        if let (Some(clew), Some(most_frequent)) = (of("clew"), of("most_frequent")) {
            auc += clew;
            frequent += most_frequent;
            n_judged += 1.0;
            if clew > most_frequent {
                figures.n_better += 1;
            } else if trained
                .iter()
                .any(|said| said.warnings.iter().any(|w| w.starts_with("not better than")))
            {
                figures.n_said_not_better += 1;
            }
        }
        predicted += report.offers.iter().map(|offer| offer.expected_buyers).sum::<f64>();
        realised += report.offers.iter().map(|offer| offer.n_buyers as f64).sum::<f64>();
        lines.extend(report.offers);
    }
    figures.band = BandFigures::of(&lines, |_| true);
    if n_judged > 0.0 {
        figures.auc = auc / n_judged;
        figures.auc_most_frequent = frequent / n_judged;
    }
    figures.calibration = (realised > 0.0).then(|| predicted / realised);
    Ok(figures)
}

/// The records of some customers: all products and campaigns, and the events of those customers.
fn cut_down(records: &Records, customers: &[u32]) -> Result<Records> {
    let all = &records.events;
    let mut events = EventTable::new();
    let name = |table: &Table, code: u32| (code != NONE).then(|| table.ids.name(code).to_owned());
    for &customer in customers {
        let (from, to) = records.run_of(customer);
        for i in from..to {
            let number = |value: f32| (!value.is_nan()).then_some(value);
            // A basket's own name is gone; its code ties the lines of one together as well.
            let basket = (all.basket[i] != NONE).then(|| all.basket[i].to_string());
            events.push(&EventRow {
                kind: all.kinds.name(u32::from(all.kind[i])),
                customer: records.customers().ids.name(customer),
                at: all.at[i],
                product: name(records.products(), all.product[i]).as_deref(),
                quantity: number(all.quantity[i]),
                revenue: number(all.revenue[i]),
                campaign: name(records.campaigns(), all.campaign[i]).as_deref(),
                query: (all.query[i] != NONE).then(|| all.queries.name(all.query[i])),
                basket: basket.as_deref(),
            })?;
        }
    }
    for (kind, &weight) in all.kinds.iter().zip(&all.kind_weights) {
        events.set_kind_weight(kind, weight)?;
    }
    Records::new(
        rows_of(records.customers(), customers)?,
        records.products().clone(),
        records.campaigns().clone(),
        events,
    )
}

/// Some rows of a table.
fn rows_of(table: &Table, rows: &[u32]) -> Result<Table> {
    let view = table.view();
    let columns: Vec<(&str, ColumnView<'_>)> = view.columns().collect();
    let schema: Vec<(String, ColumnType)> =
        columns.iter().map(|(name, column)| ((*name).to_owned(), column.column_type())).collect();
    let mut few = TableBuilder::new(schema);
    for &row in rows {
        few.row(view.id(row));
        for (at, (_, column)) in columns.iter().enumerate() {
            let row = row as usize;
            match column {
                ColumnView::Number(values) => few.set(at, Value::Number(values[row]))?,
                ColumnView::Category { codes, values } if codes[row] != NONE => {
                    few.set(at, Value::Text(values.name(codes[row])))?;
                }
                ColumnView::Tags { starts, codes, values } => {
                    let tags: Vec<&str> = codes[starts[row] as usize..starts[row + 1] as usize]
                        .iter()
                        .map(|&code| values.name(code))
                        .collect();
                    few.set(at, Value::Tags(&tags))?;
                }
                ColumnView::Bool(values) if values[row] != NULL_BOOL => {
                    few.set(at, Value::Bool(values[row] == 1))?
                }
                ColumnView::Date(days) if days[row] != NULL_DATE => few.set(at, Value::Date(days[row]))?,
                _ => few.set(at, Value::Null)?,
            }
        }
    }
    Ok(few.finish())
}
