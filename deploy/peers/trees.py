"""Boosted trees beside LightGBM: 1 M rows × 30 features (a twentieth missing), 200 trees, 31 and 63 leaves, 255
bins, logistic loss, the same settings on both sides; AUC on 250 k rows of their own.

`cases` | `prepare DIR` | `run DIR CASE lightgbm`
"""
import json, resource, sys, time
from pathlib import Path

import numpy as np

N_TRAIN, N_TEST, N_FEATURES = 1_000_000, 250_000, 30
# What both programs use; min_leaf_weight is LightGBM's min_sum_hessian_in_leaf.
SETTINGS = {"n_trees": 200, "learning_rate": 0.1, "max_bins": 255, "min_leaf_weight": 5.0, "l2": 1.0}
LEAVES = {"leaves_31": 31, "leaves_63": 63}


def prepare(folder):
    rng = np.random.default_rng(31)
    n = N_TRAIN + N_TEST
    x = rng.standard_normal((n, N_FEATURES), dtype=np.float32)
    # Of all kinds: heavy tails, counts, a few levels; then lines, bends, steps and interactions.
    x[:, 5:10] = np.exp(x[:, 5:10])
    x[:, 10:15] = np.floor(np.abs(x[:, 10:15]) * 4)
    x[:, 15:18] = np.rint(x[:, 15:18])
    z = (-1.5 + 0.8 * x[:, 0] + 0.6 * x[:, 1] * x[:, 2] + 0.5 * np.sin(3 * x[:, 3]) + 0.4 * (x[:, 4] > 0.5)
         + 0.3 * np.minimum(x[:, 5], 4) * (x[:, 10] < 3) - 0.2 * np.log(x[:, 6]) + 0.1 * x[:, 11]
         + 0.3 * x[:, 15] * x[:, 1] + 0.2 * np.abs(x[:, 20]) + 0.1 * x[:, 21:26].sum(axis=1))
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.float32)
    x[rng.random((n, N_FEATURES), dtype=np.float32) < 0.05] = np.nan
    x.tofile(folder / "x.f32")
    y.tofile(folder / "y.f32")
    shape = {"n_train": N_TRAIN, "n_test": N_TEST, "n_features": N_FEATURES, "settings": SETTINGS, "leaves": LEAVES}
    (folder / "trees.json").write_text(json.dumps(shape))


def auc(score, y):
    from scipy.stats import rankdata
    rank, buyers = rankdata(score), y > 0.5
    n_buyers = buyers.sum()
    return float((rank[buyers].sum() - n_buyers * (n_buyers + 1) / 2) / (n_buyers * (len(y) - n_buyers)))


def run(folder, case, who):
    import lightgbm

    x = np.fromfile(folder / "x.f32", dtype=np.float32).reshape(-1, N_FEATURES)
    y = np.fromfile(folder / "y.f32", dtype=np.float32)
    settings = {
        "objective": "binary", "num_leaves": LEAVES[case], "learning_rate": SETTINGS["learning_rate"],
        "max_bin": SETTINGS["max_bins"], "min_sum_hessian_in_leaf": SETTINGS["min_leaf_weight"], "min_data_in_leaf": 1,
        "lambda_l2": SETTINGS["l2"], "num_threads": 2, "verbosity": -1, "seed": 1,
    }
    if who == "lightgbm_quantised":
        settings["use_quantized_grad"] = True
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    data = lightgbm.Dataset(x[:N_TRAIN], label=y[:N_TRAIN], params=settings)
    model = lightgbm.train(settings, data, num_boost_round=SETTINGS["n_trees"])
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    quality = {"auc": auc(model.predict(x[N_TRAIN:], num_threads=2), y[N_TRAIN:])}
    print(json.dumps({
        "case": case, "who": who, "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "quality": quality,
    }))


def cases():
    titles = {"leaves_31": "boosted trees, 1 M × 30, 200 trees of 31 leaves", "leaves_63": "the same with 63 leaves"}
    return [{"case": case, "title": titles[case], "peer": "lightgbm", "ours": "clew", "reach": 1.0,
             "quality": "auc", "rule": "at least 0.001"} for case in LEAVES]


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "cases":
        print(json.dumps(cases()))
    elif what == "prepare":
        prepare(Path(rest[0]))
    else:
        run(Path(rest[0]), rest[1], rest[2])
