"""k-means of scikit-learn beside clew's: the same rows, the same starting centres, the same rule for stopping.

    kmeans.py cases | prepare DIR | run DIR CASE WHO
"""

import json
import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "2"

import resource
import time
from pathlib import Path

import numpy as np

N_ROWS, N_COLUMNS, N_CLUSTERS, N_GROUPS = 1_000_000, 64, 200, 300
TOLERANCE, MAX_ITERATIONS = 1e-4, 300

CASES = [
    {
        "case": "lloyd",
        "title": "k-means, 1 M × 64, k = 200, same starting centres, beside Lloyd",
        "peer": "lloyd",
        "ours": "bounded",
        "reach": 0.6,
        "quality": "inertia_per_row",
        "rule": "within 0.01",
    },
    {
        "case": "elkan",
        "title": "k-means, 1 M × 64, k = 200, same starting centres, beside Elkan",
        "peer": "elkan",
        "ours": "bounded",
        "reach": 0.6,
        "quality": "inertia_per_row",
        "rule": "within 0.01",
        "repeats": 1,
    },
]


def prepare(folder):
    """More groups than clusters, of unequal size and width, in space whose directions differ in importance as
    those of learned vectors do; a fifth of the rows belongs to no group."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20_261)
    spread = (1.0 / np.sqrt(1.0 + np.arange(N_COLUMNS) / 8.0)).astype(np.float32)
    middles = rng.standard_normal((N_GROUPS, N_COLUMNS), dtype=np.float32) * spread
    width = rng.uniform(0.4, 0.8, N_GROUPS).astype(np.float32)
    share = rng.gamma(1.0, size=N_GROUPS) + 0.1
    rows = rng.standard_normal((N_ROWS, N_COLUMNS), dtype=np.float32)
    rows *= spread
    group = rng.choice(N_GROUPS, N_ROWS, p=share / share.sum())
    alone = rng.random(N_ROWS) < 0.2
    rows *= np.where(alone, 1.0, width[group])[:, None].astype(np.float32)
    for at in range(0, N_ROWS, 100_000):
        part = slice(at, at + 100_000)
        rows[part] += np.where(alone[part, None], 0.0, middles[group[part]]).astype(np.float32)
    rows.tofile(folder / "rows.f32")
    rows[rng.choice(N_ROWS, N_CLUSTERS, replace=False)].tofile(folder / "centres.f32")
    shape = {
        "n_rows": N_ROWS,
        "n_columns": N_COLUMNS,
        "n_clusters": N_CLUSTERS,
        "tolerance": TOLERANCE,
        "max_iterations": MAX_ITERATIONS,
    }
    (folder / "shape.json").write_text(json.dumps(shape))


def run(folder, case, who):
    from sklearn.cluster import KMeans

    shape = json.loads((folder / "shape.json").read_text())
    width = shape["n_columns"]
    rows = np.fromfile(folder / "rows.f32", dtype=np.float32).reshape(-1, width)
    centres = np.fromfile(folder / "centres.f32", dtype=np.float32).reshape(-1, width)
    means = KMeans(
        shape["n_clusters"],
        init=centres,
        n_init=1,
        max_iter=shape["max_iterations"],
        tol=shape["tolerance"],
        algorithm=who,
    )
    before, begun = os.times(), time.perf_counter()
    means.fit(rows)
    seconds, after = time.perf_counter() - begun, os.times()
    line = {
        "case": case,
        "who": who,
        "seconds": seconds,
        "cpu_seconds": after.user + after.system - before.user - before.system,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "quality": {"inertia_per_row": float(means.inertia_) / len(rows), "iterations": int(means.n_iter_)},
    }
    print(json.dumps(line))


def main(arguments):
    match arguments:
        case ["cases"]:
            print(json.dumps(CASES))
        case ["prepare", folder]:
            prepare(Path(folder))
        case ["run", folder, case, who]:
            run(Path(folder), case, who)
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
