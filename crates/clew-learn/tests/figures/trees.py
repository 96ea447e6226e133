"""LightGBM's trees on small data, for tests/figures_trees.rs: decisions, contributions (TreeSHAP) and AUC.

    python tests/figures/trees.py > tests/figures/trees.json
"""
import json

import lightgbm
import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

SETTINGS = {
    "num_leaves": 8, "learning_rate": 0.3, "lambda_l2": 1.0, "min_sum_hessian_in_leaf": 3.0, "min_data_in_leaf": 1,
    "min_data_in_bin": 1, "max_bin": 255, "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
}
N_TREES = 15


def data():
    rng = np.random.default_rng(3)
    x = np.stack([rng.integers(0, levels, 500) for levels in (20, 12, 7, 30)], axis=1).astype(np.float64)
    z = -1 + 0.1 * x[:, 0] - 0.2 * x[:, 1] + 0.5 * (x[:, 2] > 3) * (x[:, 0] > 8)
    y = (rng.random(500) < 1 / (1 + np.exp(-z))).astype(np.float64)
    amount = np.round(z + rng.standard_normal(500), 3)
    x[rng.random(500) < 0.1, 1] = np.nan
    return x, y, amount


def figures(objective, x, y):
    model = lightgbm.train({**SETTINGS, "objective": objective}, lightgbm.Dataset(x, y, params=SETTINGS), N_TREES)
    return {"y": y.tolist(), "decision": model.predict(x, raw_score=True).tolist(),
            "contributions": model.predict(x[:40], pred_contrib=True).tolist(),
            "trees": model.num_trees()}


x, y, amount = data()
logistic, squared = figures("binary", x, y), figures("regression", x, amount)
logistic["auc"] = roc_auc_score(y, logistic["decision"])
print(json.dumps({
    "versions": {"lightgbm": lightgbm.__version__, "scikit_learn": sklearn.__version__, "numpy": np.__version__},
    "x": [[None if np.isnan(value) else value for value in row] for row in x.tolist()],
    "n_trees": N_TREES, "logistic": logistic, "squared": squared,
}))
