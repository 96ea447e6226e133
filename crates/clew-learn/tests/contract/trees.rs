//! Trees and additive models under the contract.

use clew_learn::additive::{AdditiveModel, FittedAdditive};
use clew_learn::loss::Loss;
use clew_learn::trees::{BoostedTrees, FittedTrees};
use clew_learn::{Result, Run};
use ndarray::Array2;

use crate::harness::{Candidate, Cases, Outcome, keep};

pub fn candidates() -> Vec<Candidate> {
    let candidate =
        |name, fit, loss| Candidate { name, fit, refuses_one_class: loss == Loss::Logistic, tolerance: 1e-4 };
    vec![
        candidate(
            "boosted trees",
            |run, cases, judged| trees(run, cases, judged, Loss::Logistic),
            Loss::Logistic,
        ),
        candidate(
            "squared trees",
            |run, cases, judged| trees(run, cases, judged, Loss::Squared),
            Loss::Squared,
        ),
        candidate(
            "Poisson trees",
            |run, cases, judged| trees(run, cases, judged, Loss::Poisson),
            Loss::Poisson,
        ),
        candidate("gamma trees", |run, cases, judged| trees(run, cases, judged, Loss::Gamma), Loss::Gamma),
        candidate(
            "trees of categories",
            |run, cases, judged| {
                let categories = BoostedTrees { categories: vec![1], ..params(Loss::Logistic) };
                fit_trees(run, &categories, &named(cases), &named_columns(judged), &cases.y)
            },
            Loss::Logistic,
        ),
        candidate(
            "monotone trees",
            |run, cases, judged| {
                let monotone =
                    BoostedTrees { monotone: vec![(0, true), (1, false)], ..params(Loss::Logistic) };
                fit_trees(run, &monotone, cases, judged, &cases.y)
            },
            Loss::Logistic,
        ),
        candidate(
            "additive model",
            |run, cases, judged| additive(run, cases, judged, Loss::Logistic),
            Loss::Logistic,
        ),
        candidate(
            "Poisson additive model",
            |run, cases, judged| additive(run, cases, judged, Loss::Poisson),
            Loss::Poisson,
        ),
        candidate(
            "squared additive model",
            |run, cases, judged| additive(run, cases, judged, Loss::Squared),
            Loss::Squared,
        ),
    ]
}

fn params(loss: Loss) -> BoostedTrees {
    BoostedTrees { loss, n_trees: 20, learning_rate: 0.2, ..Default::default() }
}

/// Gamma takes no zeros: 0 and 1 become 1 and 2.
fn outcomes(cases: &Cases, loss: Loss) -> Vec<f32> {
    cases.y.iter().map(|&y| if loss == Loss::Gamma { y + 1.0 } else { y }).collect()
}

fn named_columns(x: &Array2<f32>) -> Array2<f32> {
    let mut x = x.clone();
    x.column_mut(1).mapv_inplace(|value| (value * 3.0).round());
    x
}

fn named(cases: &Cases) -> Cases {
    Cases { x: named_columns(&cases.x), ..cases.clone() }
}

fn trees(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>, loss: Loss) -> Result<Outcome> {
    fit_trees(run, &params(loss), cases, judged, &outcomes(cases, loss))
}

fn fit_trees(
    run: &Run<'_>,
    trees: &BoostedTrees,
    cases: &Cases,
    judged: &Array2<f32>,
    y: &[f32],
) -> Result<Outcome> {
    let fit = trees.fit(run, cases.x.view(), y, &cases.weight, None)?;
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let reread = FittedTrees::read(&file, "m")?.predict(run, judged.view())?;
    Ok(Outcome { predicted: fit.predict(run, judged.view())?, reread, bytes })
}

fn additive(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>, loss: Loss) -> Result<Outcome> {
    let model = AdditiveModel { loss, ..Default::default() };
    let fit = model.fit(run, cases.x.view(), &outcomes(cases, loss), &cases.weight, None)?;
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let reread = FittedAdditive::read(&file, "m")?.predict(run, judged.view())?;
    Ok(Outcome { predicted: fit.predict(run, judged.view())?, reread, bytes })
}
