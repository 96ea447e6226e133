"""Optimum of the explicit factorisation's documented loss on small data, by L-BFGS from many starts.

    python explicit.py > explicit.json
"""

import json

import numpy
import scipy
from scipy.optimize import minimize

N_ROWS, N_COLUMNS, D = 30, 20, 2


def unpack(x):
    parts = numpy.split(x, numpy.cumsum([N_ROWS, N_COLUMNS, N_ROWS * D]))
    return parts[0], parts[1], parts[2].reshape(N_ROWS, D), parts[3].reshape(N_COLUMNS, D)


def loss(x, rows, columns, y, w, mean, l_vector, l_bias, exponent):
    """The loss and its gradient."""
    a, b, p, q = unpack(x)
    f = numpy.bincount(rows, w, N_ROWS) ** exponent
    g = numpy.bincount(columns, w, N_COLUMNS) ** exponent
    error = y - mean - a[rows] - b[columns] - (p[rows] * q[columns]).sum(1)
    value = (w * error**2).sum() + l_bias * ((f * a**2).sum() + (g * b**2).sum())
    value += l_vector * ((f * (p**2).sum(1)).sum() + (g * (q**2).sum(1)).sum())
    slope = -2 * w * error
    ga = numpy.bincount(rows, slope, N_ROWS) + 2 * l_bias * f * a
    gb = numpy.bincount(columns, slope, N_COLUMNS) + 2 * l_bias * g * b
    gp, gq = 2 * l_vector * f[:, None] * p, 2 * l_vector * g[:, None] * q
    numpy.add.at(gp, rows, slope[:, None] * q[columns])
    numpy.add.at(gq, columns, slope[:, None] * p[rows])
    return value, numpy.concatenate([ga, gb, gp.ravel(), gq.ravel()])


def main():
    rng = numpy.random.default_rng(1)
    places = numpy.sort(rng.choice(N_ROWS * N_COLUMNS, 260, replace=False))
    rows, columns = places // N_COLUMNS, places % N_COLUMNS
    truth = (rng.normal(size=(N_ROWS, D)) @ rng.normal(size=(D, N_COLUMNS)))[rows, columns]
    truth += 3 + 0.5 * rng.normal(size=N_ROWS)[rows] + 0.7 * rng.normal(size=N_COLUMNS)[columns]
    y = numpy.round(truth + 0.3 * rng.normal(size=len(places)), 2)
    w = rng.integers(1, 4, len(places)).astype(float)
    mean = (w * y).sum() / w.sum()
    cases = []
    for weight, l_vector, l_bias, exponent in [(w, 0.05, 0.02, 1.0), (w * 0 + 1, 0.3, 0.1, 0.5)]:
        mean = (weight * y).sum() / weight.sum()
        arguments = (rows, columns, y, weight, mean, l_vector, l_bias, exponent)
        best = None
        for _ in range(40):
            start = rng.normal(size=(N_ROWS + N_COLUMNS) * (D + 1)) * 0.5
            found = minimize(
                loss, start, arguments, jac=True, method="L-BFGS-B",
                options={"maxiter": 20000, "maxfun": 50000, "ftol": 1e-15, "gtol": 1e-9},
            )
            if best is None or found.fun < best.fun:
                best = found
        a, b, p, q = unpack(best.x)
        cases.append({
            "weight": weight.tolist(),
            "regularisation": l_vector,
            "bias_regularisation": l_bias,
            "frequency_exponent": exponent,
            "loss": float(best.fun),
            "row_biases": a.round(7).tolist(),
            "column_biases": b.round(7).tolist(),
            "scores": (mean + a[:, None] + b + p @ q.T).round(7).tolist(),
        })
    print(json.dumps({
        "versions": {"numpy": numpy.__version__, "scipy": scipy.__version__},
        "n_factors": D,
        "rows": rows.tolist(),
        "columns": columns.tolist(),
        "y": y.tolist(),
        "cases": cases,
    }))


main()
