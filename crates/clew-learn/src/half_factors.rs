//! Factors in half precision: stored as 16-bit floats, widened on the fly.
