//! Parameters are looked at first, before any data: each fault is named, with its remedy, on data that is empty.

use clew_learn::additive::AdditiveModel;
use clew_learn::als::{Factors, ImplicitAls};
use clew_learn::bootstrap::Bootstrap;
use clew_learn::cluster::{KMeans, MiniBatchKMeans};
use clew_learn::cooccurrence::Cooccurrence;
use clew_learn::ease::Ease;
use clew_learn::explicit::ExplicitAls;
use clew_learn::glm::GeneralizedLinear;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::linear::{ElasticNet, Ridge};
use clew_learn::logistic::LogisticRegression;
use clew_learn::network::Network;
use clew_learn::online_factors::OnlineFactors;
use clew_learn::online_logistic::OnlineLogistic;
use clew_learn::sparse::Csr;
use clew_learn::sparse_logistic::SparseLogistic;
use clew_learn::svd::RandomisedSvd;
use clew_learn::target_encoding::TargetEncoder;
use clew_learn::trees::BoostedTrees;
use clew_learn::{Error, Result, Run};
use ndarray::Array2;

use crate::common::run;

type Fault = (&'static str, fn(&Run<'_>, &Array2<f32>, &Csr) -> Result<()>);

const FAULTS: &[Fault] = &[
    ("factors", |run, _, x| ImplicitAls { n_factors: 0, ..Default::default() }.fit(run, x, None).map(drop)),
    ("regularisation", |run, _, x| {
        ImplicitAls { regularisation: f32::NAN, ..Default::default() }.fit(run, x, None).map(drop)
    }),
    ("exponent", |run, _, x| {
        ExplicitAls { frequency_exponent: -1.0, ..Default::default() }.fit(run, x, None, None).map(drop)
    }),
    ("regularisation", |run, _, x| Ease { regularisation: -1.0 }.fit(run, x, &[]).map(drop)),
    ("neighbour", |run, _, x| GraphFilter { n_neighbours: 0, ..Default::default() }.fit(run, x).map(drop)),
    ("components", |run, _, x| RandomisedSvd { n_components: 0, ..Default::default() }.fit(run, x).map(drop)),
    ("l1", |run, _, x| {
        SparseLogistic { l1: f64::NAN, ..Default::default() }.fit(run, x, &[], &[], None).map(drop)
    }),
    ("l2", |run, x, _| {
        LogisticRegression { l2: -1.0, ..Default::default() }.fit(run, x.view(), &[], &[], None).map(drop)
    }),
    ("l2", |run, x, _| Ridge { l2: f64::INFINITY }.fit(run, x.view(), &[], &[]).map(drop)),
    ("l1", |run, x, _| ElasticNet { l1: -1.0, ..Default::default() }.fit(run, x.view(), &[], &[]).map(drop)),
    ("tolerance", |run, x, _| {
        let model = GeneralizedLinear { tolerance: f64::NAN, ..Default::default() };
        model.fit(run, x.view(), &[], &[], None).map(drop)
    }),
    ("learning rate", |run, x, _| {
        let trees = BoostedTrees { learning_rate: 0.0, ..Default::default() };
        trees.fit(run, x.view(), &[], &[], None).map(drop)
    }),
    ("smoothness", |run, x, _| additive(run, x, AdditiveModel { smoothness: -1.0, ..Default::default() })),
    ("shrinkage", |run, x, _| additive(run, x, AdditiveModel { shrinkage: f64::NAN, ..Default::default() })),
    ("rounds", |run, x, _| additive(run, x, AdditiveModel { max_sweeps: 0, ..Default::default() })),
    ("bins", |run, x, _| additive(run, x, AdditiveModel { max_bins: 1, ..Default::default() })),
    ("hidden units", |run, x, _| network(run, x, Network { n_hidden: 0, ..Default::default() })),
    ("decay", |run, x, _| network(run, x, Network { decay: f64::INFINITY, ..Default::default() })),
    ("share", |run, x, _| network(run, x, Network { validation_share: 1.0, ..Default::default() })),
    ("patience", |run, x, _| network(run, x, Network { patience: 0, ..Default::default() })),
    ("rate", |_, _, _| OnlineLogistic { rate: 0.0, ..Default::default() }.start(0).map(drop)),
    ("smoothing", |_, _, _| OnlineLogistic { smoothing: f64::NAN, ..Default::default() }.start(0).map(drop)),
    ("l1", |_, _, _| OnlineLogistic { l1: -1.0, ..Default::default() }.start(0).map(drop)),
    ("memory", |run, _, x| online(run, x, OnlineFactors { memory: f64::NAN, ..Default::default() })),
    ("rows", |run, _, x| online(run, x, OnlineFactors { most_rows: 0, ..Default::default() })),
    ("refresh", |run, _, x| online(run, x, OnlineFactors { refresh_events: 0, ..Default::default() })),
    ("thresholds", |run, _, x| {
        Cooccurrence { least_together: f64::NAN, ..Default::default() }.fit(run, x, &[]).map(drop)
    }),
    ("clusters", |run, x, _| {
        KMeans { n_clusters: 0, ..Default::default() }.fit(run, x.view(), &[]).map(drop)
    }),
    ("tolerance", |run, x, _| {
        KMeans { tolerance: f64::NAN, ..Default::default() }.fit(run, x.view(), &[]).map(drop)
    }),
    ("batches", |run, x, _| {
        MiniBatchKMeans { n_batches: 0, ..Default::default() }.fit(run, x.view(), &[]).map(drop)
    }),
    ("prior_weight", |run, _, _| {
        let encoder = TargetEncoder { prior_weight: f64::NAN, ..Default::default() };
        encoder.fit(run, &[], 0, &[], &[], &[]).map(drop)
    }),
    ("level", |run, _, _| {
        Bootstrap { level: 2.0, ..Default::default() }.interval(run, &[], |_| Ok(0.0)).map(drop)
    }),
];

fn additive(run: &Run<'_>, x: &Array2<f32>, model: AdditiveModel) -> Result<()> {
    model.fit(run, x.view(), &[], &[], None).map(drop)
}

fn network(run: &Run<'_>, x: &Array2<f32>, network: Network) -> Result<()> {
    network.fit(run, x.view(), &[], &[], None).map(drop)
}

/// From vectors that do not fit the matrix, which is looked at later.
fn online(run: &Run<'_>, x: &Csr, online: OnlineFactors) -> Result<()> {
    let nothing = || Array2::zeros((0, 0));
    let factors = Factors { rows: nothing(), columns: nothing(), params: ImplicitAls::default() };
    online.start(run, &factors, x).map(drop)
}

#[test]
fn a_bad_parameter_is_named_before_the_data_is_looked_at() {
    let (x, sparse) = (Array2::zeros((0, 3)), Csr::from_triplets(0, 3, &[]).unwrap());
    for (word, fit) in FAULTS {
        match run(|run| fit(run, &x, &sparse)) {
            Err(Error::Input { place, remedy }) => {
                assert!(
                    place.contains(word) || remedy.contains(word),
                    "'{place}; {remedy}' does not say '{word}'"
                );
            }
            other => panic!("{word}: {other:?}"),
        }
    }
}
