//! A network with one hidden layer, started from a logistic regression.
