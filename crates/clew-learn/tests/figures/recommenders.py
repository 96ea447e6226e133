"""Reference figures for tests/figures_recommenders.rs: EASE in closed form and a truncated SVD, by numpy and scipy.

python recommenders.py > recommenders.json
"""
import json
import numpy as np, scipy, scipy.sparse.linalg

rows, columns, regularisation = 60, 17, 3.5
# The same cells in Rust: a multiplicative hash of their number.
cells = [(n * 2654435761) % 2**32 for n in range(rows * columns)]
x = np.array([1.0 + cell % 3 if cell % 5 == 0 or n % 11 == 0 else 0.0 for n, cell in enumerate(cells)]).reshape(rows, columns)
weight = 1.0 + np.arange(rows) % 3
inverse = np.linalg.inv(x.T @ np.diag(weight) @ x + regularisation * np.eye(columns))
ease = -inverse / np.diag(inverse)
np.fill_diagonal(ease, 0.0)
left, values, right = scipy.sparse.linalg.svds(scipy.sparse.csr_matrix(x), k=5)
order = np.argsort(-values)
right = right[order].T
right *= np.sign(right[np.abs(right).argmax(0), np.arange(5)])
print(json.dumps({
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
    "regularisation": regularisation, "rows": rows, "columns": columns,
    "ease": ease.ravel().tolist(),
    "singular_values": values[order].tolist(), "right": right.ravel().tolist(),
}))
