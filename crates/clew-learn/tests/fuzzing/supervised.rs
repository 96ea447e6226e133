//! Estimators that learn from outcomes.

use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::trees::{BoostedTrees, FittedTrees, Validation};

use super::entry::{Target, kept};
use super::source::Outcomes;

pub const TARGETS: &[(&str, Target)] = &[
    ("logistic regression", |run, source| {
        let cases = source.cases(Outcomes::Classes);
        let logistic = LogisticRegression {
            l2: f64::from(source.parameter(1.0)),
            tolerance: f64::from(source.parameter(1e-6)),
            max_iterations: source.up_to(60),
        };
        let n = source.up_to(cases.y.len());
        let offset = source.one_in(4).then(|| source.matrix(n, 1).into_raw_vec_and_offset().0);
        let fit = logistic.fit(run, cases.x.view(), &cases.y, &cases.weight, offset.as_deref())?;
        let judged = cases.judged;
        kept(
            fit.predict(judged.view())?,
            |writer| fit.write(writer, "m"),
            move |_, file| FittedLogistic::read(file, "m")?.predict(judged.view()),
        )
    }),
    ("boosted trees", |run, source| {
        let cases = source.cases(Outcomes::Classes);
        let trees = BoostedTrees {
            n_trees: source.up_to(6),
            learning_rate: f64::from(source.parameter(0.3)),
            max_leaves: source.count(8),
            min_leaf_weight: f64::from(source.parameter(1.0)),
            max_bins: source.count(16),
            feature_fraction: f64::from(source.parameter(1.0)),
            l2: f64::from(source.parameter(1.0)),
            patience: source.up_to(3),
            ..Default::default()
        };
        let other = source.cases(Outcomes::Classes);
        let part = Validation { x: other.x.view(), y: &other.y, weight: &other.weight };
        let part = source.one_in(4).then_some(part);
        let fit = trees.fit(run, cases.x.view(), &cases.y, &cases.weight, part)?;
        let judged = cases.judged;
        kept(
            fit.predict(run, judged.view())?,
            |writer| fit.write(writer, "m"),
            move |run, file| FittedTrees::read(file, "m")?.predict(run, judged.view()),
        )
    }),
];
