"""Makes linear.json beside it: what scikit-learn finds for linear models on small data, to tight tolerances.

Every penalty is stated as this crate's: for the loss that is a sum over weighted rows.
"""
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, GammaRegressor, LogisticRegression, PoissonRegressor, Ridge

rng = np.random.default_rng(12)
n, p = 150, 8
x = rng.normal(size=(n, p)) + 0.6 * rng.normal(size=(n, 1))
x[rng.random((n, p)) < 0.4] = 0.0
# What is kept is what f32 holds, so that both see the same numbers.
x = np.round(x, 3).astype(np.float32).astype(np.float64)
weight = rng.integers(1, 4, size=n).astype(np.float64)
effect = np.array([1.0, -0.8, 0.5, 0.0, 0.0, 0.3, 0.0, -0.2])
z = x @ effect - 0.3
amount = np.round(2.0 + z + rng.normal(size=n), 3).astype(np.float32).astype(np.float64)
binary = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.float64)
exposure = rng.integers(1, 6, size=n).astype(np.float64)
count = rng.poisson(exposure * np.exp(0.6 * z)).astype(np.float64)
spend = np.maximum(0.01, np.round(rng.gamma(2.0, 0.5 * np.exp(0.5 * z)), 3)).astype(np.float32).astype(np.float64)
total = weight.sum()


def found(model, **penalties):
    return {**penalties, "intercept": float(np.ravel(model.intercept_)[0]), "coefficients": np.ravel(model.coef_).tolist()}


def logistic(l1, l2):
    c, share = 1 / (l1 + l2), l1 / (l1 + l2)
    solver = "newton-cholesky" if l1 == 0 else "saga"
    model = LogisticRegression(C=c, l1_ratio=share, solver=solver, tol=1e-13, max_iter=1_000_000, random_state=1)
    return found(model.fit(x, binary, sample_weight=weight), l1=l1, l2=l2)


def net(l1, l2):
    model = ElasticNet(alpha=(l1 + l2) / total, l1_ratio=l1 / (l1 + l2), tol=1e-14, max_iter=1_000_000)
    return found(model.fit(x, amount, sample_weight=weight), l1=l1, l2=l2)


def log_linear(kind, l2, y, w):
    model = kind(alpha=l2 / w.sum(), tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    return found(model.fit(x, y, sample_weight=w), l2=l2)


figures = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "x": x.tolist(), "weight": weight.tolist(), "amount": amount.tolist(), "binary": binary.tolist(),
    "exposure": exposure.tolist(), "count": count.tolist(), "spend": spend.tolist(),
    "ridge": [found(Ridge(alpha=a, tol=1e-14, solver="cholesky").fit(x, amount, sample_weight=weight), l2=a) for a in (0.1, 5.0, 500.0)],
    "elastic_net": [net(20.0, 0.0), net(40.0, 10.0), net(1.0, 30.0)],
    "logistic": [logistic(0.0, 2.0), logistic(4.0, 0.0), logistic(12.0, 0.0), logistic(6.0, 3.0)],
    "poisson": [log_linear(PoissonRegressor, 3.0, count, weight)],
    # A count over its exposure, weighted with the exposure, is the count with the exposure's logarithm as offset.
    "poisson_exposure": [log_linear(PoissonRegressor, 3.0, count / exposure, weight * exposure)],
    "gamma": [log_linear(GammaRegressor, 3.0, spend, weight)],
}
(Path(__file__).parent / "linear.json").write_text(json.dumps(figures) + "\n")
