//! Randomised singular value decomposition (Halko, Martinsson, Tropp 2011).
