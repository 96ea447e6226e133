"""Clusters by scikit-learn on small data, from given centres, into cluster.json beside this script."""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

rng = np.random.default_rng(5)
middles = 2.0 * rng.standard_normal((6, 4))
group = rng.integers(0, 6, 400)
rows = np.round(middles[group] + rng.standard_normal((400, 4)), 3).astype(np.float32)
weight = rng.integers(1, 4, 400)
cases = []
for k in (2, 5, 9, 24):
    starts = rows[rng.choice(400, k, replace=False)]
    means = KMeans(k, init=starts, n_init=1, tol=0.0, max_iter=500).fit(rows, sample_weight=weight)
    cases.append(
        {
            "starts": starts.tolist(),
            "inertia": float(means.inertia_),
            "labels": means.labels_.tolist(),
            "adjusted_rand": adjusted_rand_score(group, means.labels_),
        }
    )
figures = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "rows": rows.tolist(),
    "weight": weight.tolist(),
    "group": group.tolist(),
    "cases": cases,
    # Its own starts, best of 50: what ours must not be worse than from the best of as many.
    "best_of_50": float(KMeans(6, n_init=50, random_state=0, tol=0.0).fit(rows, sample_weight=weight).inertia_),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(figures) + "\n")
