//! Poisson and gamma regression with the log link.
