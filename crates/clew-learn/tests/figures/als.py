"""Figures of `implicit` for the implicit factorisation; writes als.json beside this file.

implicit's model, with one confidence c for all events: Σ_S c (1 − s)² + Σ_rest s² + λ (Σ|x|² + Σ|y|²). With t = c / (c − 1),
a = c − 1 and all vectors divided by √t this is, up to a constant and the factor t², clew's loss with value a, unobserved weight 1,
exponent 0 and regularisation λ / t. The loss below is clew's, of implicit's vectors so divided.
"""
import json, os
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import implicit
import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

N_ROWS, N_COLUMNS, FACTORS, C, LAMBDA, SWEEPS = 60, 40, 8, 6.0, 1.5, 10


def loss(matrix, rows, columns):
    t = C / (C - 1)
    rows, columns = rows.astype(np.float64) / np.sqrt(t), columns.astype(np.float64) / np.sqrt(t)
    scores, seen = rows @ columns.T, matrix.toarray() > 0
    fit = (C - 1) * np.square(1 - scores)[seen].sum() + np.square(scores).sum()
    return float(fit + LAMBDA / t * (np.square(rows).sum() + np.square(columns).sum()))


rng = np.random.default_rng(1)
taste, kind = rng.integers(0, 4, N_ROWS), rng.integers(0, 4, N_COLUMNS)
seen = rng.random((N_ROWS, N_COLUMNS)) < np.where(taste[:, None] == kind[None, :], 0.5, 0.08)
matrix = sp.csr_matrix(seen.astype(np.float32) * C)
first = (rng.standard_normal((N_COLUMNS, FACTORS)) * 0.1).round(4).astype(np.float32)
losses, fold_in = {}, None
for name, use_cg in (("cholesky", False), ("conjugate_gradient", True)):
    model = AlternatingLeastSquares(factors=FACTORS, regularization=LAMBDA, use_cg=use_cg, iterations=SWEEPS, num_threads=1, random_state=1)
    model.item_factors = first * np.float32(np.sqrt(C / (C - 1)))
    each = []
    model.fit(matrix, show_progress=False, callback=lambda *_: each.append(loss(matrix, model.user_factors, model.item_factors)))
    losses[name] = each
    if not use_cg:
        folded = model.recalculate_user(np.arange(5), matrix[:5])
        scores = (folded.astype(np.float64) @ model.item_factors.T.astype(np.float64)) / (C / (C - 1))
figures = {
    "versions": {"implicit": implicit.__version__, "numpy": np.__version__},
    "n_rows": N_ROWS, "n_columns": N_COLUMNS, "n_factors": FACTORS, "confidence": C, "regularisation": LAMBDA, "n_sweeps": SWEEPS,
    "pairs": np.argwhere(seen).tolist(), "first": [[round(float(v), 4) for v in row] for row in first], "losses": losses,
    "fold_in_scores": scores.round(6).tolist(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(figures) + "\n")
