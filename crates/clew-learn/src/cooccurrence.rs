//! What occurs together: counts, lift and support of pairs of columns.
