//! Factorisations and filters of sparse matrices.

use std::sync::Arc;

use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::blend::{Blend, Member};
use clew_learn::ease::{Ease, FittedEase};
use clew_learn::explicit::{ExplicitAls, FittedExplicit, Side};
use clew_learn::graph_filter::{FittedGraphFilter, GraphFilter};
use clew_learn::recommender::{FoldedIn, Recommender, top_k};
use clew_learn::sparse::Csr;
use clew_learn::svd::{RandomisedSvd, Svd};
use clew_learn::{Result, Run};

use super::entry::{Target, kept};
use super::source::Source;

/// What to learn from, and rows of the same columns to score.
fn matrices(source: &mut Source<'_>, negative: bool) -> Result<(Csr, Csr)> {
    let (n, m) = (source.up_to(24), source.up_to(16));
    Ok((source.sparse(n, m, negative)?, source.sparse(3, m, negative)?))
}

fn best(run: &Run<'_>, recommender: &dyn Recommender, rows: &Csr) -> Result<Vec<f32>> {
    let best = top_k(run, recommender, rows, 5, None)?;
    Ok(best.into_iter().flatten().flat_map(|(column, score)| [column as f32, score]).collect())
}

fn als(source: &mut Source<'_>) -> ImplicitAls {
    ImplicitAls {
        n_factors: source.count(4),
        regularisation: source.parameter(0.01),
        frequency_exponent: source.parameter(0.5),
        unobserved_weight: source.parameter(0.1),
        n_sweeps: source.up_to(3),
        start_deviation: source.parameter(0.1),
        ..Default::default()
    }
}

fn graph_filter(source: &mut Source<'_>) -> GraphFilter {
    GraphFilter {
        n_factors: source.count(3),
        factor_weight: source.parameter(0.3),
        n_neighbours: source.count(5),
        n_rounds: source.up_to(3),
        row_exponent: source.parameter(0.5),
        column_exponent: source.parameter(0.5),
        popularity_exponent: source.parameter(0.0),
        ..Default::default()
    }
}

fn side(side: &Side) -> Vec<f32> {
    side.biases.iter().chain(side.vectors.iter()).copied().collect()
}

pub const TARGETS: &[(&str, Target)] = &[
    ("implicit factorisation", |run, source| {
        let (matrix, rows) = matrices(source, false)?;
        let fit = als(source).fit(run, &matrix, None)?;
        kept(
            best(run, &FoldedIn::new(run, &fit)?, &rows)?,
            |writer| fit.write(writer, "m"),
            move |run, file| best(run, &FoldedIn::new(run, &Factors::read(file, "m")?)?, &rows),
        )
    }),
    ("ridge filter", |run, source| {
        let (matrix, rows) = matrices(source, false)?;
        let weight = source.weights(matrix.n_rows());
        let fit = Ease { regularisation: source.parameter(10.0) }.fit(run, &matrix, &weight)?;
        kept(
            best(run, &fit, &rows)?,
            |writer| fit.write(writer, "m"),
            move |run, file| best(run, &FittedEase::read(file, "m")?, &rows),
        )
    }),
    ("graph filter", |run, source| {
        let (matrix, rows) = matrices(source, false)?;
        let fit = graph_filter(source).fit(run, &matrix)?;
        kept(
            best(run, &fit, &rows)?,
            |writer| fit.write(writer, "m"),
            move |run, file| best(run, &FittedGraphFilter::read(file, "m")?, &rows),
        )
    }),
    ("blend", |run, source| {
        let (matrix, rows) = matrices(source, false)?;
        let weight = source.weights(matrix.n_rows());
        let members = vec![
            (Member::Factors(als(source).fit(run, &matrix, None)?), source.parameter(1.0)),
            (Member::Ease(Ease::default().fit(run, &matrix, &weight)?), source.parameter(1.0)),
            (Member::GraphFilter(graph_filter(source).fit(run, &matrix)?), source.parameter(1.0)),
        ];
        let fit = Arc::new(Blend::new(members)?);
        kept(
            best(run, &fit.prepare(run)?, &rows)?,
            |writer| fit.write(writer, "m"),
            move |run, file| best(run, &Arc::new(Blend::read(file, "m")?).prepare(run)?, &rows),
        )
    }),
    ("explicit factorisation", |run, source| {
        let (matrix, rows) = matrices(source, true)?;
        let explicit = ExplicitAls {
            n_factors: source.count(3),
            regularisation: source.parameter(0.1),
            bias_regularisation: source.parameter(0.1),
            frequency_exponent: source.parameter(1.0),
            n_sweeps: source.up_to(3),
            start_deviation: source.parameter(0.1),
            ..Default::default()
        };
        let weights = source.one_in(4).then(|| {
            let weights = source.weights(matrix.n_values());
            Csr::from_parts(matrix.n_cols(), matrix.starts().to_vec(), matrix.indices().to_vec(), weights)
        });
        let fit = explicit.fit(run, &matrix, weights.transpose()?.as_ref(), None)?;
        let predicted = [side(&fit.rows), side(&fit.columns), side(&fit.fold_in(run, &rows, None)?)].concat();
        kept(
            predicted,
            |writer| fit.write(writer, "m"),
            move |run, file| {
                let fit = FittedExplicit::read(file, "m")?;
                Ok([side(&fit.rows), side(&fit.columns), side(&fit.fold_in(run, &rows, None)?)].concat())
            },
        )
    }),
    ("singular values", |run, source| {
        let (matrix, rows) = matrices(source, true)?;
        let svd = RandomisedSvd {
            n_components: source.count(3),
            n_spare: source.count(4),
            n_rounds: source.up_to(3),
            ..Default::default()
        };
        let fit = svd.fit(run, &matrix)?;
        let predicted = fit.transform(run, &rows)?.into_iter().chain(fit.values.clone()).collect();
        kept(
            predicted,
            |writer| fit.write(writer, "m"),
            move |run, file| {
                let fit = Svd::read(file, "m")?;
                Ok(fit.transform(run, &rows)?.into_iter().chain(fit.values.clone()).collect())
            },
        )
    }),
];
