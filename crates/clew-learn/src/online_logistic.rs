//! Logistic regression that reads a stream once.
