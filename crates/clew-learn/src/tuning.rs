//! Choice of rank and regularisation on a validation part of a sub-sample.
