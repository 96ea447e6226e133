//! Explicit factorisation: ratings as biases and vectors.
