//! The toolbox of statistical learning: sparse matrices, factorisation, linear models, trees, calibration,
//! gain curves, metrics, splits.
//!
//! It knows nothing of marketing, does no I/O, and touches no clock, no global thread pool and no global
//! randomness: all of these arrive in a [`run::Run`]. Every estimator gives the same bits for the same seed,
//! whatever the number of threads: work is cut in chunks of fixed size and summed in chunk order.

pub mod als;
pub mod calibration;
pub mod cluster;
pub mod design;
pub mod error;
pub mod format;
pub mod gain;
pub mod graph_filter;
pub mod logistic;
pub mod metrics;
pub mod run;
pub mod scaling;
pub mod sparse;
pub mod split;
pub mod top_k;
pub mod trees;

mod dense;
mod gramian;
mod parallel;

pub use error::{Error, Result};
pub use run::{Part, Progress, Run, Silent, Stop};
