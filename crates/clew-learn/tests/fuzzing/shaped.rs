//! Step functions, a hidden layer, a stream's regression, and pairs.

use clew_learn::additive::{AdditiveModel, FittedAdditive};
use clew_learn::cooccurrence::{Cooccurrence, FittedCooccurrence, PairOrder};
use clew_learn::loss::Loss;
use clew_learn::network::{FittedNetwork, Network};
use clew_learn::online_logistic::{FittedOnlineLogistic, OnlineLogistic};

use super::entry::{Target, kept};
use super::source::Outcomes;

fn pairs(fit: &FittedCooccurrence, n_columns: usize) -> Vec<f32> {
    (0..n_columns).flat_map(|column| fit.pairs(column)).map(|pair| pair.column as f32).collect()
}

pub const TARGETS: &[(&str, Target)] = &[
    ("additive model", |run, source| {
        let loss = [Loss::Logistic, Loss::Squared, Loss::Poisson, Loss::Gamma][source.up_to(3)];
        let outcomes = if loss == Loss::Logistic { Outcomes::Classes } else { Outcomes::Amounts };
        let cases = source.cases(outcomes);
        let model = AdditiveModel {
            loss,
            max_bins: source.count(16),
            categories: if source.one_in(4) { vec![source.up_to(3)] } else { vec![] },
            smoothness: f64::from(source.parameter(20.0)),
            shrinkage: f64::from(source.parameter(1.0)),
            max_sweeps: source.up_to(10),
            tolerance: f64::from(source.parameter(1e-6)),
        };
        let fit = model.fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
        let judged = cases.judged;
        kept(
            fit.predict(run, judged.view())?,
            |writer| fit.write(writer, "m"),
            move |run, file| FittedAdditive::read(file, "m")?.predict(run, judged.view()),
        )
    }),
    ("network", |run, source| {
        let loss = [Loss::Logistic, Loss::Squared, Loss::Poisson, Loss::Gamma][source.up_to(3)];
        let outcomes = if loss == Loss::Logistic { Outcomes::Classes } else { Outcomes::Amounts };
        let cases = source.cases(outcomes);
        let network = Network {
            loss,
            unit: clew_learn::network::Unit::Tanh,
            n_hidden: source.count(5),
            l2: f64::from(source.parameter(1.0)),
            decay: f64::from(source.parameter(1.0)),
            max_iterations: source.up_to(10),
            patience: source.up_to(5),
            validation_share: f64::from(source.parameter(0.3)),
            least_gain: f64::from(source.parameter(0.5)),
        };
        let fit = network.fit(run, cases.x.view(), &cases.y, &cases.weight, None)?;
        let judged = cases.judged;
        kept(
            fit.predict(run, judged.view())?,
            |writer| fit.write(writer, "m"),
            move |run, file| FittedNetwork::read(file, "m")?.predict(run, judged.view()),
        )
    }),
    ("online logistic regression", |run, source| {
        let m = source.up_to(8);
        let params = OnlineLogistic {
            rate: f64::from(source.parameter(0.1)),
            smoothing: f64::from(source.parameter(1.0)),
            l1: f64::from(source.parameter(0.0)),
            l2: f64::from(source.parameter(1.0)),
        };
        let mut fit = params.start(m)?;
        for _ in 0..source.up_to(3) {
            let n = source.up_to(20);
            let (x, y) = (source.sparse(n, m, true)?, source.outcomes(n, Outcomes::Classes));
            let weight = source.weights(n);
            assert!(!fit.learn(run, &x, &y, &weight)?.is_nan(), "the loss of a batch");
        }
        let judged = source.sparse(4, m, true)?;
        kept(
            fit.predict(run, &judged)?,
            |writer| fit.write(writer, "m"),
            move |run, file| FittedOnlineLogistic::read(file, "m")?.predict(run, &judged),
        )
    }),
    ("co-occurrence", |run, source| {
        let (n, m) = (source.up_to(24), source.up_to(8));
        let (rows, weight) = (source.sparse(n, m, false)?, source.weights(n));
        let params = Cooccurrence {
            least_together: f64::from(source.parameter(1.0)),
            least_ratio: f64::from(source.parameter(0.5)),
            per_column: source.count(5),
            order: [PairOrder::Ratio, PairOrder::Lift, PairOrder::Confidence][source.up_to(2)],
            longest_row: source.count(8),
        };
        let fit = params.fit(run, &rows, &weight)?;
        kept(
            pairs(&fit, m),
            |writer| fit.write(writer, "m"),
            move |_, file| Ok(pairs(&FittedCooccurrence::read(file, "m")?, m)),
        )
    }),
];
