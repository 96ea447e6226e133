"""The AUC of scikit-learn's MLP on small data, several seeds, into network.json beside this script."""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore")
rng = np.random.default_rng(3)
x = np.round(rng.standard_normal((2_000, 4)), 2).astype(np.float32)
z = -1.0 + x[:, 0] - 0.5 * x[:, 1] + 0.8 * x[:, 0] * x[:, 3]
y = (rng.random(2_000) < 1.0 / (1.0 + np.exp(-z))).astype(int)
figures = {
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "n_train": 1_000,
    "x": [[round(float(value), 2) for value in row] for row in x],
    "y": y.tolist(),
    "auc": {},
}
for solver, more in (("adam", {"early_stopping": True}), ("adam", {}), ("lbfgs", {"alpha": 1.0})):
    found = []
    for seed in range(5):
        mlp = MLPClassifier((16,), solver=solver, random_state=seed, **more).fit(x[:1_000], y[:1_000])
        found.append(roc_auc_score(y[1_000:], mlp.predict_proba(x[1_000:])[:, 1]))
    figures["auc"][" ".join([solver, *more])] = found
Path(__file__).with_suffix(".json").write_text(json.dumps(figures) + "\n")
print(figures["auc"])
