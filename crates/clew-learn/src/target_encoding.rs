//! Target encoding: a category as the mean outcome of others, out of fold and shrunk.
