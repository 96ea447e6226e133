//! Additive models on binned features: each feature a step function, so that a prediction is a sum of table
//! look-ups.
