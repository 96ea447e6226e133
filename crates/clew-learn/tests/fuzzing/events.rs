//! What is learned of events beside vectors: attributes, the choice of a factorisation.

use clew_learn::als::ImplicitAls;
use clew_learn::prior::{AttributeAls, AttributeFactors};
use clew_learn::tuning::{Figure, Tuned, Tuning};
use clew_learn::{Result, Run};

use super::entry::{Target, kept};
use super::source::Source;

fn als(source: &mut Source<'_>) -> ImplicitAls {
    ImplicitAls {
        n_factors: source.up_to(4),
        regularisation: source.parameter(0.01),
        frequency_exponent: source.parameter(0.5),
        unobserved_weight: source.parameter(0.1),
        n_sweeps: source.up_to(3),
        ..Default::default()
    }
}

fn figures(tuned: &Tuned) -> Vec<f32> {
    let p = &tuned.params;
    let trials = tuned.trials.iter().flat_map(|trial| [trial.ndcg, trial.recall, trial.standard_error]);
    let chosen = [p.n_factors as f32, p.regularisation, p.unobserved_weight, p.frequency_exponent];
    trials.map(|figure| figure as f32).chain(chosen).collect()
}

pub const TARGETS: &[(&str, Target)] = &[
    ("factorisation with attributes", |run, source| {
        let (n, m, values) = (source.up_to(24), source.up_to(16), source.up_to(6));
        let events = source.sparse(n, m, false)?;
        // One attribute row too many now and then.
        let wrong = usize::from(source.one_in(16));
        let (of_rows, of_columns) = (source.sparse(n + wrong, values, true)?, source.sparse(m, 3, true)?);
        let (rows, attributes) = (source.sparse(3, m, false)?, source.sparse(3, values, true)?);
        let params = AttributeAls {
            als: als(source),
            shrinkage: source.parameter(1.0),
            half_weight: source.parameter(3.0),
            minimum_support: source.count(2) as u32,
            minimum_column_support: source.count(1) as u32,
            row_baseline: source.one_in(2),
            column_baseline: source.one_in(2),
            n_steps: source.up_to(8),
        };
        let of_rows = (!source.one_in(4)).then_some(&of_rows);
        let of_columns = (!source.one_in(4)).then_some(&of_columns);
        let mut fit = params.fit(run, &events, of_rows, of_columns, None)?;
        if source.one_in(3) {
            fit = params.fit(run, &events, of_rows, of_columns, Some(&fit))?;
        }
        let of = move |run: &Run<'_>, fit: &AttributeFactors| -> Result<Vec<f32>> {
            let (cold, warm) = (fit.cold_rows(run, &attributes)?, fit.fold_in(run, &rows, &attributes)?);
            let known = fit.factors.rows.iter().chain(&fit.factors.columns);
            Ok(known.chain(&cold).chain(&warm).copied().collect())
        };
        kept(
            of(run, &fit)?,
            |writer| fit.write(writer, "m"),
            move |run, file| of(run, &AttributeFactors::read(file, "m")?),
        )
    }),
    ("choice of a factorisation", |run, source| {
        let (n, m) = (1 + source.up_to(23), 1 + source.up_to(15));
        let mood = source.mood();
        let events: Vec<_> = (0..source.up_to(4 * (n + m)))
            .map(|_| {
                let value = source.number(mood);
                let value = if source.one_in(64) { value } else { value.abs() };
                (source.up_to(n - 1) as u32, source.up_to(m - 1) as u32, value)
            })
            .collect();
        let hard = [i64::MIN, i64::MAX, 0, -1];
        let wild = source.one_in(4);
        let times: Vec<i64> = (0..events.len() + usize::from(source.one_in(16)))
            .map(|_| if wild && source.one_in(8) { hard[source.up_to(3)] } else { source.up_to(60) as i64 })
            .collect();
        let tuning = Tuning {
            n_factors: (0..source.up_to(2)).map(|_| source.up_to(4)).collect(),
            regularisations: vec![0.01, source.parameter(0.1)],
            unobserved_weights: vec![source.parameter(0.1)],
            frequency_exponents: vec![source.parameter(0.5)],
            figure: if source.one_in(2) { Figure::Ndcg } else { Figure::Recall },
            k: source.count(5),
            exclude_seen: source.one_in(2),
            validation_share: f64::from(source.parameter(0.3)),
            n_rows: source.count(20),
            n_judged: source.count(10),
            n_sweeps: source.up_to(2),
            n_fits: source.up_to(5),
        };
        let times = (!source.one_in(3)).then_some(times.as_slice());
        let fit = tuning.choose(run, &als(source), (n, m), &events, times)?;
        kept(
            figures(&fit),
            |writer| fit.write(writer, "m"),
            |_, file| {
                let fit = Tuned::read(file, "m")?;
                fit.best();
                Ok(figures(&fit))
            },
        )
    }),
];
