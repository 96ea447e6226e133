//! Factorisation that reads a stream once.
