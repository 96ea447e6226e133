"""LightGBM's trees on small data, for tests/figures_trees.rs: decisions, contributions (TreeSHAP) and AUC.

    python tests/figures/trees.py > tests/figures/trees.json
"""
import json

import lightgbm
import numpy as np
import sklearn
from sklearn.metrics import roc_auc_score

SETTINGS = {
    "num_leaves": 8, "learning_rate": 0.3, "lambda_l2": 1.0, "min_sum_hessian_in_leaf": 3.5, "min_data_in_leaf": 1,
    "min_data_in_bin": 1, "max_bin": 255, "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True,
}


def data():
    rng = np.random.default_rng(3)
    x = np.stack([rng.integers(0, levels, 500) for levels in (20, 12, 7, 30)], axis=1).astype(np.float64)
    z = -1 + 0.1 * x[:, 0] - 0.2 * x[:, 1] + 0.5 * (x[:, 2] > 3) * (x[:, 0] > 8)
    y = (rng.random(500) < 1 / (1 + np.exp(-z))).astype(np.float64)
    amount = np.round(z + rng.standard_normal(500), 3)
    x[rng.random(500) < 0.1, 1] = np.nan
    return x, y, amount


def figures(objective, x, y, n_trees=15):
    model = lightgbm.train({**SETTINGS, "objective": objective}, lightgbm.Dataset(x, y, params=SETTINGS), n_trees)
    return {"x": [[None if np.isnan(value) else value for value in row] for row in x.tolist()], "y": y.tolist(),
            "n_trees": n_trees, "decision": model.predict(x, raw_score=True).tolist(),
            "contributions": model.predict(x[:40], pred_contrib=True).tolist()}


x, y, amount = data()
logistic, squared = figures("binary", x, y), figures("regression", x, amount)
logistic["auc"] = roc_auc_score(y, logistic["decision"])
# Of two levels each: no values between those of a leaf, about which two implementations may differ; and few trees,
# since small leaves of such data can be cut in the same way by more than one column.
levels = np.random.default_rng(4).integers(0, 2, (500, 6)).astype(np.float64)
z = levels @ [1.0, -0.7, 0.4, 0.0, 0.9, -0.3] + levels[:, 0] * levels[:, 1]
two_levels = figures("regression", levels, np.round(z + np.random.default_rng(5).standard_normal(500), 3), 4)
print(json.dumps({
    "versions": {"lightgbm": lightgbm.__version__, "scikit_learn": sklearn.__version__, "numpy": np.__version__},
    "logistic": logistic, "squared": squared, "two_levels": two_levels,
}))
