//! Scores the offers of the shared protocol from files, without server or database: the fast loop in which the method is worked on.
//!
//! `protocol DATA AS_OF OFFERS OUT`: DATA is a folder in clew's layout (`.csv.gz`), AS_OF a day (with `+1` after it, a full training as
//! of that day and one from it a day later), OFFERS `offer_id,expression`,
//! OUT `offer_id,customer_id,propensity`. With `-` for OFFERS only the training's report is printed, with `backtest` that of a
//! backtest up to AS_OF.
#![allow(clippy::print_stdout)]
use std::error::Error;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{DateTime, NaiveDate};
use clew_crm::{
    BacktestParams, ColumnType, EventRow, EventTable, GainRequest, Offer, ProductSet, Records, Report,
    Scorer, Table, TableBuilder, TrainParams, Value,
};
use clew_learn::{Progress, Run, Stop};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn reader(path: &str) -> Outcome<csv::Reader<flate2::read::MultiGzDecoder<std::fs::File>>> {
    Ok(csv::Reader::from_reader(flate2::read::MultiGzDecoder::new(std::fs::File::open(path)?)))
}

fn table(path: &str) -> Outcome<Table> {
    let mut reader = reader(path)?;
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let schema = names.iter().skip(1).map(|name| (name.clone(), ColumnType::Text)).collect();
    let mut table = TableBuilder::new(schema);
    for record in reader.records() {
        let record = record?;
        table.row(&record[0]);
        for (column, cell) in record.iter().skip(1).enumerate() {
            table.set(column, if cell.is_empty() { Value::Null } else { Value::Text(cell) })?;
        }
    }
    Ok(table.finish())
}

fn events(path: &str) -> Outcome<EventTable> {
    let mut table = EventTable::new();
    let mut reader = reader(path)?;
    let names = reader.headers()?.clone();
    let place = |name: &str| names.iter().position(|known| known == name);
    let places = ["product_id", "quantity", "revenue", "campaign_id", "query", "basket_id"].map(place);
    let (kind, customer, at) = (
        place("kind").ok_or("no kind")?,
        place("customer_id").ok_or("no customer_id")?,
        place("occurred_at").ok_or("no occurred_at")?,
    );
    for record in reader.records() {
        let record = record?;
        let [product, quantity, revenue, campaign, query, basket] =
            places.map(|place| place.and_then(|place| record.get(place)).filter(|cell| !cell.is_empty()));
        table.push(&EventRow {
            kind: &record[kind],
            customer: &record[customer],
            at: DateTime::parse_from_rfc3339(&record[at].replace(' ', "T"))?.timestamp(),
            product,
            quantity: quantity.and_then(|cell| cell.parse().ok()),
            revenue: revenue.and_then(|cell| cell.parse().ok()),
            campaign,
            query,
            basket,
        })?;
    }
    Ok(table)
}

/// Prints each new phase with the seconds since the start.
struct Clock(Instant, Mutex<String>);

impl Progress for Clock {
    fn report(&self, phase: &str, share: f64) {
        let Ok(mut last) = self.1.lock() else { return };
        if *last != phase {
            println!("    {:6.1} s {:3.0} % {phase}", self.0.elapsed().as_secs_f64(), share * 100.0);
            phase.clone_into(&mut last);
        }
    }
}

fn show(report: &Report) {
    for c in &report.candidates {
        println!(
            "  {:20} train auc {:.4} ll {:.4} | auc {:.4} new {:.4} ll {:.4} {}",
            c.name,
            c.auc_training,
            c.log_loss_training,
            c.auc,
            c.auc_new,
            c.log_loss,
            if c.chosen { "chosen" } else { "" }
        );
    }
    for (what, methods) in [("warm", &report.methods), ("cold", &report.cold_methods)] {
        for m in methods {
            println!(
                "  {what} {:14} auc {:.4} / {:.4}  lift10 {:.2} / {:.2}  b10 {:.3}  ll {:?} cal {:?}",
                m.name,
                m.all.auc,
                m.new.auc,
                m.all.lift_10,
                m.new.lift_10,
                m.all.buyers_10,
                m.all.log_loss,
                m.all.calibration
            );
        }
    }
    let (expected, bought) =
        report.offers.iter().fold((0.0, 0), |sum, o| (sum.0 + o.expected_buyers, sum.1 + o.n_buyers));
    println!("  expected {expected:.0} realised {bought}; offers judged {}", report.offers.len());
    println!(
        "  coverage {:?} spread {:.3} warnings {:?}",
        report.band_coverage, report.band_spread, report.warnings
    );
    for c in &report.cutoffs {
        for (what, figures, band) in
            [("warm", Some(&c.warm), c.warm_band), ("cold", c.cold.as_ref(), c.cold_band)]
        {
            let Some(f) = figures else { continue };
            println!(
                "  {} {what} auc {:.4} b10 {:.3} ll {:.4} cal {:.3} inside {}/{} under {} over {}",
                c.judged_from,
                f.auc,
                f.buyers_10,
                f.log_loss.unwrap_or_default(),
                f.calibration.unwrap_or_default(),
                band.n_inside,
                band.n_pairs,
                band.n_under,
                band.n_over
            );
        }
    }
    println!("  warm {:?}\n  cold {:?}", report.warm_band, report.cold_band);
    for f in &report.features {
        println!("    {:.4} {}", f.auc, f.name);
    }
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, data, as_of, offers, out] = args.as_slice() else { return Err("DATA AS_OF OFFERS OUT".into()) };
    let clock = Instant::now();
    let records = Arc::new(Records::new(
        table(&format!("{data}/customers.csv.gz"))?,
        table(&format!("{data}/products.csv.gz"))?,
        table(&format!("{data}/campaigns.csv.gz"))?,
        events(&format!("{data}/events.csv.gz"))?,
    )?);
    println!("read {} events in {:.1} s", records.n_events(), clock.elapsed().as_secs_f64());
    let (as_of, later) = as_of.split_once('+').unwrap_or((as_of, "0"));
    let later = later.parse::<i64>()? * 86_400;
    let as_of =
        NaiveDate::parse_from_str(as_of, "%Y-%m-%d")?.and_hms_opt(0, 0, 0).ok_or("no midnight")?.and_utc();
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let stop = Stop::new();
    let clock = Instant::now();
    let progress = Clock(clock, Mutex::default());
    let run = Run { pool: &pool, seed: 1, progress: &progress, stop: &stop };
    if offers == "backtest" {
        let asked = BacktestParams { n_cutoffs: 4, ..BacktestParams::new(as_of.timestamp(), 28) };
        let report = clew_crm::backtest(&run, &records, &asked)?;
        println!("backtest in {:.1} s", clock.elapsed().as_secs_f64());
        show(&report);
        for o in &report.offers {
            println!(
                "PAIR\t{}\t{}\t{}\t{}\t{:.2}\t{:.2}\t{:.2}\t{}",
                o.judged_from, o.cold, o.name, o.n_customers, o.expected_buyers, o.low, o.high, o.n_buyers
            );
        }
        return Ok(());
    }
    let mut model = clew_crm::train(&run, &records, &TrainParams::new(as_of.timestamp()))?;
    let as_of = as_of.timestamp() + later;
    if later > 0 {
        println!("trained in {:.1} s", clock.elapsed().as_secs_f64());
        model = clew_crm::train_from(&run, &records, &TrainParams::new(as_of), &model)?;
    }
    let report = &model.report;
    println!(
        "trained in {:.1} s on {} rows of {} offers",
        clock.elapsed().as_secs_f64(),
        report.data.n_rows,
        report.data.n_offers
    );
    show(report);
    if offers == "-" {
        return Ok(());
    }
    let clock = Instant::now();
    let scorer = Scorer::new(&run, Arc::new(model), Arc::clone(&records), as_of)?;
    println!("scorer in {:.2} s", clock.elapsed().as_secs_f64());
    let clock = Instant::now();
    let everything = ProductSet::new(records.n_products(), (0..records.n_products() as u32).step_by(7));
    for _ in 0..3 {
        let clock = Instant::now();
        let curve = scorer.gain_curve(&run, &GainRequest::new(&everything))?;
        println!("gain curve in {:.3} s: {}", clock.elapsed().as_secs_f64(), curve.sentence);
    }
    let mut file = BufWriter::new(std::fs::File::create(out)?);
    writeln!(file, "offer_id,customer_id,propensity")?;
    let customers = records.customers().view();
    let mut n = 0;
    for record in csv::Reader::from_path(offers)?.records() {
        let record = record?;
        let products = Offer::by_expression(&record[0], &record[1]).resolve(&records)?;
        for (&customer, p) in scorer.customers().iter().zip(scorer.propensities(&run, &products)?) {
            writeln!(file, "{},{},{p}", &record[0], customers.id(customer))?;
        }
        n += 1;
    }
    println!("{n} offers in {:.2} s", clock.elapsed().as_secs_f64());
    Ok(())
}
