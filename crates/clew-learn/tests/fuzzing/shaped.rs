//! Estimators whose shape is learned too: step functions and a hidden layer.

use clew_learn::additive::{AdditiveModel, FittedAdditive};
use clew_learn::loss::Loss;
use clew_learn::network::{FittedNetwork, Network};

use super::entry::{Target, kept};
use super::source::Outcomes;

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
];
