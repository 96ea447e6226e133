//! The toolbox of statistical learning: sparse matrices, factorisation, linear models, calibration, gain curves, metrics, splits.
