//! Trees see what an additive model cannot, the additive model can be read: who buys, from three columns, one of
//! them a name. `cargo run -p clew-learn --example trees`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use clew_learn::additive::{AdditiveModel, Place};
use clew_learn::trees::{BoostedTrees, Validation};
use clew_learn::{Run, Silent, Stop, contributions, metrics};
use ndarray::{Array2, s};
use rand::Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    let mut rng = run.rng(0);
    let n = 60_000;
    // Recency in weeks, visits, and a shop: shops 3 and 7 sell well, and visits count only if they are recent.
    let mut x = Array2::from_shape_simple_fn((n, 3), || rng.random::<f32>());
    x.column_mut(0).mapv_inplace(|share| share * 30.0);
    x.column_mut(1).mapv_inplace(|share| (share * share * 12.0).floor());
    x.column_mut(2).mapv_inplace(|share| (share * 10.0).floor());
    let mut y = Vec::with_capacity(n);
    for row in x.rows() {
        let visits = if row[0] < 6.0 { 0.3 * row[1] } else { 0.0 };
        let shop = if [3.0, 7.0].contains(&row[2]) { 1.2 } else { 0.0 };
        let z = -2.5 - 0.06 * row[0] + visits + shop;
        y.push(f32::from(u8::from(rng.random::<f32>() < 1.0 / (1.0 + (-z).exp()))));
    }
    let weight = vec![1.0; n];
    // Rows stand in the order of their dates: the latest judge, those before them say when to stop.
    let (learn, stop) = (40_000, 50_000);
    let part =
        Validation { x: x.slice(s![learn..stop, ..]), y: &y[learn..stop], weight: &weight[learn..stop] };
    let train = (x.slice(s![..learn, ..]), &y[..learn], &weight[..learn]);
    let judged = x.slice(s![stop.., ..]);

    let additive = AdditiveModel { categories: vec![2], ..Default::default() };
    let additive = additive.fit(&run, train.0, train.1, train.2, Some(part))?;
    let trees = BoostedTrees { categories: vec![2], monotone: vec![(1, true)], ..Default::default() };
    let trees = trees.fit(&run, train.0, train.1, train.2, Some(part))?;
    println!("AUC on the latest rows:");
    for (name, p) in [("additive", additive.predict(&run, judged)?), ("trees", trees.predict(&run, judged)?)]
    {
        let auc = metrics::auc(&p, &y[stop..], &weight[stop..]).unwrap_or(f64::NAN);
        println!("  {name:9} {auc:.4}");
    }
    println!("the additive model's table of shops (log-odds):");
    for step in additive.table(2) {
        if let Place::Category(shop) = step.place {
            println!("  shop {shop}: {:+.2} ({:.0} % of rows)", step.value, 100.0 * step.share);
        }
    }
    let first = judged.slice(s![..1, ..]);
    let why = contributions::trees(&run, first, &trees)?;
    println!("why the trees say what they do of row {:?}:", first.row(0).to_vec());
    println!("  an average row {:+.2}", why.base);
    for (name, value) in ["recency", "visits", "shop"].iter().zip(why.values.row(0)) {
        println!("  {name:8} {value:+.2}");
    }
    println!("  together {:+.2} = {:+.2}", why.decisions()[0], trees.decision(&run, first)?[0]);
    Ok(())
}
