//! Bins: from numbers to small integers, by quantiles.
