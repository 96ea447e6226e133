//! Blends of recommenders: weights chosen on a validation part.
