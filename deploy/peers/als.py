"""One sweep of implicit alternating least squares by `implicit`: conjugate gradient (its default) and Cholesky.

    als.py cases | prepare DIR | run DIR CASE WHO

Its model, with one confidence c for all events, is Σ_S c (1 − s)² + Σ_rest s² + λ (Σ|x|² + Σ|y|²). With t = c / (c − 1),
a = c − 1 and all vectors divided by √t that is t² × [Σ_S a (1 − s)² + Σ_all s² + λ/t (Σ|x|² + Σ|y|²)], up to a constant:
clew's loss with the value a, unobserved weight 1, exponent 0 and regularisation λ/t. The quality is that bracket after
the sweeps, over what vectors of 0 have (a × the number of events); both start from the same random columns.
"""
import gzip, json, os, resource, sys, time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

CONFIDENCE, LAMBDA = 11.0, 2.0
SWEEPS = {"gowalla": 3, "large": 2}
GOWALLA = Path(os.environ.get("GOWALLA", Path(__file__).resolve().parents[3] / "shared" / "data" / "gowalla")) / "train.txt.gz"
LARGE = (1_000_000, 200_000, 30_000_000)


def cases():
    # Two steps of clew's preconditioned gradients do what three of the peer's do; on the large set three.
    sets = ([("gowalla", "Gowalla", 3)] if GOWALLA.exists() else []) + [("large", "1 M × 200 k × 30 M", 1)]
    found = []
    for data, title, repeats in sets:
        for factors in (64, 128):
            gradient = "gradient:3" if data == "large" else "gradient:2"
            for solver, ours, reach, name in (("cg", gradient, 0.4, "conjugate gradient"), ("cholesky", "exact", 0.15, "Cholesky")):
                found.append({"case": f"{data}_{factors}_{solver}", "title": f"sweep, {title}, {factors} factors, {name}", "peer": f"implicit {name}",
                              "ours": ours, "reach": reach, "quality": "loss", "rule": "at most 0.0002", "repeats": repeats})
    found[0]["scaling"] = True
    return found


def keep(folder, name, n_rows, n_columns, rows, columns):
    """Pairs, each once, as compressed rows, with random first columns of 128 factors."""
    place = np.unique(rows.astype(np.int64) * n_columns + columns)
    rows, columns = np.divmod(place, n_columns)
    starts = np.zeros(n_rows + 1, dtype="<u8")
    np.cumsum(np.bincount(rows, minlength=n_rows), out=starts[1:])
    starts.tofile(folder / f"{name}.starts")
    columns.astype("<u4").tofile(folder / f"{name}.columns")
    first = np.random.default_rng(2).standard_normal((n_columns, 128), dtype=np.float32)
    (first * np.float32(0.1 / np.sqrt(128))).astype("<f4").tofile(folder / f"{name}.first")
    shape = {"n_rows": n_rows, "n_columns": n_columns, "n_values": int(len(place)), "confidence": CONFIDENCE, "regularisation": LAMBDA, "n_sweeps": SWEEPS[name]}
    (folder / f"{name}.json").write_text(json.dumps(shape))


def gowalla():
    rows, columns = [], []
    for line in gzip.open(GOWALLA, "rt"):
        numbers = np.array(line.split(), dtype=np.int64)
        rows.append(np.full(len(numbers) - 1, numbers[0]))
        columns.append(numbers[1:])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    return int(rows.max()) + 1, int(columns.max()) + 1, rows, columns


def synthetic(n_rows, n_columns, n):
    """Rows of log-normal activity; popularity falls with the rank to the power 0.8; half of the events are in a taste of the row's
    own (one of 100), so that there is something to learn."""
    rng = np.random.default_rng(1)
    n = int(n * 1.12)  # Some pairs come twice.
    activity = rng.lognormal(0.0, 1.0, n_rows)
    rows = np.repeat(np.arange(n_rows), rng.poisson(activity * (n / activity.sum())))
    # The rank under a density ~ rank^-0.8, by inversion.
    share = rng.random(len(rows), dtype=np.float32)
    rank = np.minimum((n_columns * (share * share) * (share * share) * share).astype(np.int32), n_columns - 1)
    taste = rng.integers(0, 100, n_rows)[rows]
    own = rng.random(len(rows), dtype=np.float32) < 0.5
    rank = np.where(own, np.minimum(rank // 100 * 100 + taste, n_columns - 1), rank)
    shuffle = rng.permutation(n_columns)
    return n_rows, n_columns, rows, shuffle[rank]


def prepare(folder):
    folder.mkdir(parents=True, exist_ok=True)
    if GOWALLA.exists() and not (folder / "gowalla.json").exists():
        keep(folder, "gowalla", *gowalla())
    if not (folder / "large.json").exists():
        keep(folder, "large", *synthetic(*LARGE))


def load(folder, name):
    import scipy.sparse as sp
    shape = json.loads((folder / f"{name}.json").read_text())
    starts = np.fromfile(folder / f"{name}.starts", dtype="<u8").astype(np.int32)
    columns = np.fromfile(folder / f"{name}.columns", dtype="<i4")
    values = np.full(len(columns), shape["confidence"], dtype=np.float32)
    return shape, sp.csr_matrix((values, columns, starts), shape=(shape["n_rows"], shape["n_columns"]))


def loss(shape, matrix, rows, columns):
    """The bracket above for implicit's vectors, over that of vectors of 0."""
    t = shape["confidence"] / (shape["confidence"] - 1)
    a, penalty = shape["confidence"] - 1, shape["regularisation"] / t
    total = float(np.sum((rows.T @ rows).astype(np.float64) * (columns.T @ columns))) / t**2
    total += penalty * float(np.sum(np.square(rows), dtype=np.float64) + np.sum(np.square(columns), dtype=np.float64)) / t
    owner = np.repeat(np.arange(shape["n_rows"], dtype=np.int32), np.diff(matrix.indptr))
    for start in range(0, len(owner), 1_000_000):
        part = slice(start, start + 1_000_000)
        scores = np.einsum("ij,ij->i", rows[owner[part]], columns[matrix.indices[part]]) / t
        total += a * float(np.sum(np.square(1 - scores.astype(np.float64))))
    return total / (a * len(owner))


def run(folder, case, who):
    from implicit.cpu.als import AlternatingLeastSquares
    name, factors, solver = case.split("_")
    shape, matrix = load(folder, name)
    t = shape["confidence"] / (shape["confidence"] - 1)
    model = AlternatingLeastSquares(factors=int(factors), regularization=shape["regularisation"], use_cg=solver == "cg",
                                    iterations=shape["n_sweeps"], num_threads=2, random_state=1)
    first = np.fromfile(folder / f"{name}.first", dtype="<f4").reshape(shape["n_columns"], 128)[:, : int(factors)]
    model.item_factors = np.ascontiguousarray(first * np.float32(np.sqrt(t)))
    begun, before, marks = time.monotonic(), time.process_time(), []
    # What comes before the first sweep (transposing, random rows) is not part of a sweep: it is taken from the first mark.
    model.fit(matrix, show_progress=False, callback=lambda i, seconds, _: marks.append((seconds, time.process_time())))
    seconds = sum(mark[0] for mark in marks) / len(marks)
    cpu = (marks[-1][1] - marks[0][1]) / (len(marks) - 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    quality = {"loss": loss(shape, matrix, model.user_factors, model.item_factors)}
    print(json.dumps({"case": case, "who": who, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak, "quality": quality}))


if __name__ == "__main__":
    if sys.argv[1] == "cases":
        print(json.dumps(cases()))
    elif sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        run(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
