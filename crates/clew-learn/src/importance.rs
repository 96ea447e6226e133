//! Permutation importance.
