//! The linear family under the contract.

use clew_learn::glm::{Family, FittedGeneralizedLinear, GeneralizedLinear};
use clew_learn::linear::{ElasticNet, FittedLinear, Ridge};
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::sparse_logistic::{FittedSparseLogistic, LogisticPath, SparseLogistic};
use clew_learn::{Result, Run};
use ndarray::Array2;

use crate::harness::{Candidate, Cases, Outcome, keep, sparse};

pub fn candidates() -> Vec<Candidate> {
    let candidate =
        |name, fit, refuses_one_class| Candidate { name, fit, refuses_one_class, tolerance: 1e-5 };
    vec![
        Candidate {
            name: "logistic regression",
            fit: |run, cases, judged| {
                let fit =
                    LogisticRegression::default().fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
                let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
                let reread = FittedLogistic::read(&file, "m")?.predict(judged.view())?;
                Ok(Outcome { predicted: fit.predict(judged.view())?, reread, bytes })
            },
            refuses_one_class: true,
            tolerance: 1e-6,
        },
        candidate("ridge", |run, cases, judged| linear(run, cases, judged, 0.0), false),
        candidate("elastic net", |run, cases, judged| linear(run, cases, judged, 30.0), false),
        candidate("ridge over sparse rows", sparse_ridge, false),
        candidate("sparse logistic regression", |run, cases, judged| logistic(run, cases, judged, 0.0), true),
        candidate("the same with l1", |run, cases, judged| logistic(run, cases, judged, 30.0), true),
        candidate("logistic path", path, true),
        candidate("Poisson regression", |run, cases, judged| log_linear(run, cases, judged, 0.0), false),
        candidate("gamma regression", |run, cases, judged| log_linear(run, cases, judged, 0.5), false),
    ]
}

fn linear(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>, l1: f64) -> Result<Outcome> {
    let fit = if l1 > 0.0 {
        let net = ElasticNet { l1, ..Default::default() };
        net.fit(run, cases.x.view(), &cases.y, &cases.weight)?
    } else {
        Ridge::default().fit(run, cases.x.view(), &cases.y, &cases.weight)?
    };
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let reread = FittedLinear::read(&file, "m")?.predict(judged.view())?;
    Ok(Outcome { predicted: fit.predict(judged.view())?, reread, bytes })
}

fn sparse_ridge(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>) -> Result<Outcome> {
    let fit = Ridge::default().fit_sparse(run, &sparse(&cases.x)?, &cases.y, &cases.weight)?;
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let rows = sparse(judged)?;
    let reread = FittedLinear::read(&file, "m")?.predict_sparse(run, &rows)?;
    Ok(Outcome { predicted: fit.predict_sparse(run, &rows)?, reread, bytes })
}

fn logistic(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>, l1: f64) -> Result<Outcome> {
    let params = SparseLogistic { l1, ..Default::default() };
    kept(run, &params.fit(run, &sparse(&cases.x)?, &cases.y, &cases.weight, None)?, judged)
}

fn path(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>) -> Result<Outcome> {
    let params = LogisticPath { share: 0.8, n_steps: 10, ..Default::default() };
    let steps = params.fit(run, &sparse(&cases.x)?, &cases.y, &cases.weight, None)?;
    kept(run, &steps[6].model, judged)
}

fn kept(run: &Run<'_>, fit: &FittedSparseLogistic, judged: &Array2<f32>) -> Result<Outcome> {
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let rows = sparse(judged)?;
    let reread = FittedSparseLogistic::read(&file, "m")?.predict(run, &rows)?;
    Ok(Outcome { predicted: fit.predict(run, &rows)?, reread, bytes })
}

/// Counts of 0 and 1; or, with something `more`, amounts.
fn log_linear(run: &Run<'_>, cases: &Cases, judged: &Array2<f32>, more: f32) -> Result<Outcome> {
    let family = if more > 0.0 { Family::Gamma } else { Family::Poisson };
    let y: Vec<f32> = cases.y.iter().map(|y| y + more).collect();
    let params = GeneralizedLinear { family, ..Default::default() };
    let fit = params.fit(run, cases.x.view(), &y, &cases.weight, None)?;
    let (file, bytes) = keep(|writer| fit.write(writer, "m"))?;
    let reread = FittedGeneralizedLinear::read(&file, "m")?.predict(judged.view(), None)?;
    Ok(Outcome { predicted: fit.predict(judged.view(), None)?, reread, bytes })
}
