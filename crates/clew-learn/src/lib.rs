//! The toolbox of statistical learning, in the spirit of scikit-learn: plain parameters in, a fitted value out.
//!
//! ```
//! use clew_learn::logistic::LogisticRegression;
//! use clew_learn::{Run, Silent, Stop};
//! use ndarray::array;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
//! let run = Run { pool: &pool, seed: 7, progress: &Silent, stop: &Stop::new() };
//! let (x, y, weight) = (array![[0.0_f32], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0], [1.0; 4]);
//! let fit = LogisticRegression { l2: 0.5, ..Default::default() }.fit(&run, x.view(), &y, &weight, None)?;
//! let probability = fit.predict(x.view())?;
//! assert!(probability[0] < 0.5 && probability[3] > 0.5);
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! | for | modules |
//! |---|---|
//! | data | [`sparse`] matrices by rows and columns, [`design`] matrices, [`binning`], [`hashing`], [`scaling`], [`target_encoding`], model files ([`mod@format`]) |
//! | factorisation and recommending | implicit [`als`] (exact, conjugate gradients, blocks; warm start, fold-in, [`half_factors`]), attributes as its [`prior`], its [`tuning`], [`explicit`], [`ease`], [`graph_filter`], [`svd`]; [`recommender`] is what they have in common, [`blend`] mixes them |
//! | supervised | [`linear`] (ridge, elastic net), [`logistic`], [`sparse_logistic`] (L1, L2, paths), [`glm`] (Poisson, gamma), [`trees`], [`additive`], [`network`]; their one [`loss`] |
//! | unsupervised | [`cluster`], [`neighbours`], [`cooccurrence`] |
//! | online | [`online_logistic`], [`online_factors`] |
//! | judging | [`metrics`], [`gain`], [`uplift`], [`bootstrap`], [`calibration`], [`split`], [`cross_fit`], [`importance`], [`contributions`] |
//! | answering fast | [`top_k`], [`scan`], blocks of [`columns`] |
//!
//! Start with the [`guide`] on leakage and over-fitting, and with the programs in `examples/`.
//!
//! # What every estimator keeps to
//!
//! - Parameters are a struct with public fields and a `Default`, checked first thing in `fit`; unfitted and
//!   fitted are two types. A matrix is n × p of f32, outcomes and weights are one f32 a row, sums are f64.
//! - The same seed gives the same bits with any number of threads: work is cut in chunks of fixed size and
//!   summed in chunk order. Rows may come in any order (up to rounding), and a weight of 2 is the row twice.
//! - What a fit cannot use is an [`Error`] with its place and the remedy, never a panic: NaN, infinities, nothing,
//!   one class, negative weights, ragged lengths. Duplicate entries of a sparse matrix add up.
//! - What is fitted can be saved and loaded, equal to the bit, in a checksummed, versioned container.
//! - No I/O, no clock, no global thread pool and no global randomness: all of these arrive in a [`run::Run`].
//!
//! `tests/contract` holds them to it, `tests/properties.rs` and `tests/fuzz.rs` try to break it.

pub mod additive;
pub mod als;
pub mod binning;
pub mod blend;
pub mod bootstrap;
pub mod calibration;
pub mod cluster;
pub mod columns;
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
