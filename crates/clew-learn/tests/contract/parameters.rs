//! Parameters are looked at first, before any data: each fault is named, with its remedy, on data that is empty.

use clew_learn::als::ImplicitAls;
use clew_learn::bootstrap::Bootstrap;
use clew_learn::cluster::{KMeans, MiniBatchKMeans};
use clew_learn::ease::Ease;
use clew_learn::explicit::ExplicitAls;
use clew_learn::glm::GeneralizedLinear;
use clew_learn::graph_filter::GraphFilter;
use clew_learn::linear::{ElasticNet, Ridge};
use clew_learn::logistic::LogisticRegression;
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
