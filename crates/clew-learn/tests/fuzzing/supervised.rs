//! Estimators that learn from outcomes.

use clew_learn::glm::{Family, FittedGeneralizedLinear, GeneralizedLinear};
use clew_learn::linear::{ElasticNet, FittedLinear, Ridge};
use clew_learn::logistic::{FittedLogistic, LogisticRegression};
use clew_learn::loss::Loss;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::{FittedSparseLogistic, SparseLogistic};
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
        let loss = [Loss::Logistic, Loss::Squared, Loss::Poisson, Loss::Gamma][source.up_to(3)];
        let outcomes = if loss == Loss::Logistic { Outcomes::Classes } else { Outcomes::Amounts };
        let cases = source.cases(outcomes);
        let trees = BoostedTrees {
            loss,
            categories: if source.one_in(4) { vec![source.up_to(3)] } else { vec![] },
            monotone: if source.one_in(4) { vec![(source.up_to(3), source.one_in(2))] } else { vec![] },
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
        let other = source.cases(outcomes);
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
    ("ridge regression", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let ridge = Ridge { l2: f64::from(source.parameter(1.0)), ..Default::default() };
        let fit = ridge.fit(run, cases.x.view(), &cases.y, &cases.weight)?;
        let judged = cases.judged;
        kept(
            fit.predict(judged.view())?,
            |writer| fit.write(writer, "m"),
            move |_, file| FittedLinear::read(file, "m")?.predict(judged.view()),
        )
    }),
    ("elastic net", |run, source| {
        let cases = source.cases(Outcomes::Any);
        let net = ElasticNet {
            l1: f64::from(source.parameter(0.1)),
            l2: f64::from(source.parameter(0.1)),
            max_iterations: source.up_to(60),
            tolerance: f64::from(source.parameter(1e-6)),
        };
        let fit = net.fit(run, cases.x.view(), &cases.y, &cases.weight)?;
        let judged = cases.judged;
        kept(
            fit.predict(judged.view())?,
            |writer| fit.write(writer, "m"),
            move |_, file| FittedLinear::read(file, "m")?.predict(judged.view()),
        )
    }),
    ("counts and amounts", |run, source| {
        let cases = source.cases(Outcomes::Amounts);
        let model = GeneralizedLinear {
            family: if source.one_in(2) { Family::Poisson } else { Family::Gamma },
            l2: f64::from(source.parameter(1.0)),
            max_iterations: source.up_to(60),
            tolerance: f64::from(source.parameter(1e-6)),
        };
        let mut offsets = |n: usize| source.matrix(n, 1).into_raw_vec_and_offset().0;
        let (seen, unseen) = (offsets(cases.y.len()), offsets(cases.judged.nrows()));
        let given = source.one_in(2);
        let fit =
            model.fit(run, cases.x.view(), &cases.y, &cases.weight, given.then_some(seen.as_slice()))?;
        let judged = cases.judged;
        let of = move |fit: &FittedGeneralizedLinear| {
            fit.predict(judged.view(), given.then_some(unseen.as_slice()))
        };
        kept(
            of(&fit)?,
            |writer| fit.write(writer, "m"),
            move |_, file| of(&FittedGeneralizedLinear::read(file, "m")?),
        )
    }),
    ("sparse logistic regression", |run, source| {
        let (n, m) = (source.up_to(40), source.up_to(8));
        let (x, y, weight) =
            (source.sparse(n, m, true)?, source.outcomes(n, Outcomes::Classes), source.weights(n));
        let judged: Csr = source.sparse(4, m, true)?;
        let logistic = SparseLogistic {
            l1: f64::from(source.parameter(0.0)),
            l2: f64::from(source.parameter(1.0)),
            max_iterations: source.up_to(60),
            tolerance: f64::from(source.parameter(1e-6)),
        };
        let fit = logistic.fit(run, &x, &y, &weight, None)?;
        kept(
            fit.predict(run, &judged)?,
            |writer| fit.write(writer, "m"),
            move |run, file| FittedSparseLogistic::read(file, "m")?.predict(run, &judged),
        )
    }),
];
