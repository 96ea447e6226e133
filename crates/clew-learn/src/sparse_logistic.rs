//! Logistic regression on sparse rows, with L1 and L2 penalties and paths of them.
