//! The toolbox of statistical learning: sparse matrices, factorisation, linear models, trees, calibration,
//! gain curves, metrics, splits.
//!
//! It knows nothing of marketing, does no I/O, and touches no clock, no global thread pool and no global
//! randomness: all of these arrive in a [`run::Run`]. Every estimator gives the same bits for the same seed,
//! whatever the number of threads: work is cut in chunks of fixed size and summed in chunk order.

pub mod additive;
pub mod als;
pub mod binning;
pub mod blend;
pub mod bootstrap;
pub mod calibration;
pub mod cluster;
pub mod contributions;
pub mod cooccurrence;
pub mod cross_fit;
pub mod design;
pub mod ease;
pub mod error;
pub mod explicit;
pub mod format;
pub mod gain;
pub mod glm;
pub mod graph_filter;
#[doc = include_str!("../GUIDE.md")]
pub mod guide {}
pub mod half_factors;
pub mod hashing;
pub mod importance;
pub mod linear;
pub mod logistic;
pub mod loss;
pub mod metrics;
pub mod neighbours;
pub mod network;
pub mod online_factors;
pub mod online_logistic;
pub mod prior;
pub mod recommender;
pub mod run;
pub mod scaling;
pub mod scan;
pub mod sparse;
pub mod sparse_logistic;
pub mod split;
pub mod svd;
pub mod target_encoding;
pub mod top_k;
pub mod trees;
pub mod tuning;
pub mod uplift;

mod check;
mod dense;
mod gramian;
mod parallel;
mod simd;

pub use error::{Error, Result};
pub use run::{Part, Progress, Run, Silent, Stop};
