//! Which rows are alike: the same points by angle and by distance. Run with
//! `cargo run -p clew-learn --example neighbours`.
#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use clew_learn::neighbours::{Measure, Neighbours};
use clew_learn::{Run, Silent, Stop};
use ndarray::array;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let run = Run { pool: &pool, seed: 1, progress: &Silent, stop: &Stop::new() };
    // Purchases of coffee and tea: two small coffee drinkers, a big one, two tea drinkers.
    let names = ["a little coffee", "some coffee", "much coffee", "a little tea", "much tea"];
    let x = array![[1.0_f32, 0.1], [2.0, 0.3], [20.0, 2.0], [0.1, 1.0], [3.0, 18.0]];
    for measure in [Measure::Cosine, Measure::Euclidean] {
        println!("\nnearest by {measure:?}:");
        let found = Neighbours { measure }.fit(&run, x.view())?.of_all(&run, 2)?;
        for (name, near) in names.iter().zip(found) {
            let near: Vec<String> =
                near.iter().map(|&(row, value)| format!("{} ({value:.2})", names[row as usize])).collect();
            println!("  {name:16} {}", near.join(", "));
        }
    }
    println!("\nThe angle asks what is bought and forgets how much; the distance asks mostly how much.");
    Ok(())
}
