//! A factorisation moved by a stream.

use clew_learn::als::ImplicitAls;
use clew_learn::online_factors::{FittedOnlineFactors, OnlineFactors};

use super::entry::{Target, kept};

fn vectors(fit: &FittedOnlineFactors) -> Vec<f32> {
    let rows = fit.vectors(&(0..40).collect::<Vec<_>>());
    rows.iter().chain(&fit.columns()).copied().collect()
}

pub const TARGETS: &[(&str, Target)] = &[("online factorisation", |run, source| {
    let (n, m) = (source.up_to(24), source.up_to(16));
    let matrix = source.sparse(n, m, false)?;
    let als = ImplicitAls {
        n_factors: source.up_to(4),
        regularisation: source.parameter(0.01),
        unobserved_weight: source.parameter(0.1),
        n_sweeps: source.up_to(2),
        ..Default::default()
    };
    let online = OnlineFactors {
        most_rows: source.count(10),
        most_columns: source.count(30),
        memory: f64::from(source.parameter(20.0)),
        refresh_events: source.count(5) as u64,
    };
    let mut fit = online.start(run, &als.fit(run, &matrix, None)?, &matrix)?;
    for _ in 0..source.up_to(3) {
        let mood = source.mood();
        let events: Vec<_> = (0..source.up_to(30))
            .map(|_| (source.up_to(39) as u32, source.up_to(20) as u32, source.number(mood).abs()))
            .collect();
        fit.update(run, &events)?;
    }
    // What was read back must also go on without a panic.
    kept(
        vectors(&fit),
        |writer| fit.write(writer, "m"),
        |run, file| {
            let mut fit = FittedOnlineFactors::read(file, "m")?;
            let found = vectors(&fit);
            fit.update(run, &[(3, 1, 1.0), (1_000, 2, 1.0), (3, 0, 2.0)]).ok();
            Ok(found)
        },
    )
})];
