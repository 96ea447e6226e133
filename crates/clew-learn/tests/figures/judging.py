"""What scikit-learn and scipy say of small data: metrics, calibration, target encoding, importance, intervals.

Run by hand; writes judging.json beside itself, which the test tests/figures_judging.rs reads.
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import TargetEncoder

rng = np.random.default_rng(3)
n = 400
# Multiples of 1/64: many ties, and exact in 32 bits.
score = np.clip(np.round(rng.beta(2, 4, n) * 64), 1, 63) / 64
y = (rng.random(n) < score**1.5).astype(float)
weight = rng.integers(0, 4, n).astype(float)
ones = np.ones(n)
counts = rng.poisson(1 + 2 * score).astype(float)
amounts = np.round(rng.gamma(2, 1 + score) * 64 + 1) / 64
relevance = rng.integers(0, 4, n).astype(float)

result = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__,
                 "python": platform.python_version()},
    "score": score.tolist(), "y": y.tolist(), "weight": weight.tolist(), "counts": counts.tolist(),
    "amounts": amounts.tolist(), "relevance": relevance.tolist(),
}

def both(name, f):
    result[name] = [f(ones), f(weight)]

both("auc", lambda w: metrics.roc_auc_score(y, score, sample_weight=w))
both("average_precision", lambda w: metrics.average_precision_score(y, score, sample_weight=w))
both("log_loss", lambda w: metrics.log_loss(y, score, sample_weight=w))
both("brier", lambda w: metrics.brier_score_loss(y, score, sample_weight=w))
both("poisson_deviance", lambda w: metrics.mean_poisson_deviance(counts, 1 + 2 * score, sample_weight=w))
both("gamma_deviance", lambda w: metrics.mean_gamma_deviance(amounts, 1 + 2 * score, sample_weight=w))
both("squared_deviance", lambda w: metrics.mean_squared_error(counts, 1 + 2 * score, sample_weight=w))
result["ndcg"] = [[k, metrics.ndcg_score([relevance], [score], k=k)] for k in (1, 5, 20, n)]

at = (np.arange(65) / 64).tolist()
result["at"] = at
both("isotonic", lambda w: IsotonicRegression(out_of_bounds="clip").fit(score, y, sample_weight=w).predict(at).tolist())

logs = np.column_stack([np.log(score), -np.log1p(-score)])
def beta(w):
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(logs, y, sample_weight=w)
    a, b = fit.coef_[0]
    assert a > 0 and b > 0, (a, b)
    return [a, b, fit.intercept_[0]]
both("beta", beta)

codes = rng.integers(0, 12, n)
encoder = TargetEncoder(target_type="continuous", smooth=20.0).fit(codes.reshape(-1, 1), y)
result["target_encoding"] = {"codes": codes.tolist(), "smooth": 20.0, "encodings": encoder.encodings_[0].tolist(),
                             "mean": float(encoder.target_mean_)}

x = np.round(rng.normal(size=(n, 3)) * 64) / 64
target = np.round((2 * x[:, 0] + x[:, 1] + 0.5 * rng.normal(size=n)) * 64) / 64
linear = LinearRegression().fit(x, target)
importance = permutation_importance(linear, x, target, n_repeats=300, random_state=1, scoring="r2")
result["importance"] = {"x": x.tolist(), "target": target.tolist(), "intercept": linear.intercept_,
                        "coefficients": linear.coef_.tolist(), "mean": importance.importances_mean.tolist(),
                        "deviation": importance.importances_std.tolist()}

skewed = np.round(rng.exponential(1, 60) * 1024) / 1024
intervals = {}
for method in ("percentile", "BCa"):
    found = scipy.stats.bootstrap((skewed,), np.mean, confidence_level=0.9, n_resamples=50_000, method=method, rng=rng)
    intervals[method.lower()] = [found.confidence_interval.low, found.confidence_interval.high]
result["bootstrap"] = {"values": skewed.tolist(), "level": 0.9, **intervals}

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, indent=None) + "\n")
