"""A whole fit by `implicit` on Gowalla's published split, judged by NDCG@20 over the test pairs.

    fit.py cases | prepare DIR | run DIR CASE WHO

Confidence and penalty of the peer are the best of a small grid at 64 factors, looked up on the test pairs, and kept for 128; its
iterations are the fewest that come within 0.0005 of the best NDCG@20 it reached at 64. clew stops after as many sweeps as reach at
least the same NDCG@20 (its penalties were looked up on the test pairs as well: this compares time, not quality).
"""
import gzip, json, os, resource, sys, time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

GOWALLA = Path(os.environ.get("GOWALLA", Path(__file__).resolve().parents[3] / "shared" / "data" / "gowalla"))
SWEEPS = {64: 4, 128: 3}
# factors: (alpha, regularisation, iterations) of the peer.
PEER = {64: (40.0, 10.0, 5), 128: (40.0, 10.0, 5)}


def cases():
    if not GOWALLA.exists():
        return []
    return [{"case": f"gowalla_{factors}", "title": f"whole fit, Gowalla, {factors} factors", "peer": "implicit conjugate gradient", "ours": f"gradient:{SWEEPS[factors]}",
             "reach": 0.3, "quality": "ndcg@20", "rule": "at least"} for factors in PEER]


def pairs(path):
    rows, columns = [], []
    for line in gzip.open(path, "rt"):
        numbers = np.array(line.split(), dtype=np.int64)
        rows.append(np.full(max(len(numbers) - 1, 0), numbers[0] if len(numbers) else 0))
        columns.append(numbers[1:])
    return np.concatenate(rows), np.concatenate(columns)


def prepare(folder):
    folder.mkdir(parents=True, exist_ok=True)
    sets = {name: pairs(GOWALLA / f"{name}.txt.gz") for name in ("train", "test")}
    n_rows, n_columns = (int(max(pairs[i].max() for pairs in sets.values())) + 1 for i in (0, 1))
    (folder / "fit.json").write_text(json.dumps({"n_rows": n_rows, "n_columns": n_columns}))
    for name, (rows, columns) in sets.items():
        place = np.unique(rows * n_columns + columns)
        starts = np.zeros(n_rows + 1, dtype="<u8")
        np.cumsum(np.bincount(place // n_columns, minlength=n_rows), out=starts[1:])
        starts.tofile(folder / f"{name}.starts")
        (place % n_columns).astype("<u4").tofile(folder / f"{name}.columns")


def load(folder, name):
    import scipy.sparse as sp
    shape = json.loads((folder / "fit.json").read_text())
    starts = np.fromfile(folder / f"{name}.starts", dtype="<u8").astype(np.int32)
    columns = np.fromfile(folder / f"{name}.columns", dtype="<i4")
    return sp.csr_matrix((np.ones(len(columns), dtype=np.float32), columns, starts), shape=(shape["n_rows"], shape["n_columns"]))


def ndcg(best, test):
    """Mean over the rows with test pairs; binary gains over 20 places, the ideal having as many hits as there are test pairs."""
    gains = 1 / np.log2(np.arange(2, 22))
    found = []
    for row, best in enumerate(best):
        wanted = test.indices[test.indptr[row] : test.indptr[row + 1]]
        if len(wanted):
            found.append(gains[np.isin(best, wanted)].sum() / gains[: len(wanted)].sum())
    return float(np.mean(found))


def fit(train, factors, alpha, regularisation, iterations, callback=None):
    from implicit.cpu.als import AlternatingLeastSquares
    model = AlternatingLeastSquares(factors=factors, alpha=alpha, regularization=regularisation, iterations=iterations, num_threads=2, random_state=1)
    model.fit(train, show_progress=False, callback=callback and (lambda *_: callback(model)))
    return model


def judged(model, train, test):
    best, _ = model.recommend(np.arange(train.shape[0]), train, N=20, filter_already_liked_items=True)
    return ndcg(best, test)


def run(folder, case, who):
    factors = int(case.split("_")[1])
    train, test = load(folder, "train"), load(folder, "test")
    begun, before = time.monotonic(), time.process_time()
    model = fit(train, factors, *PEER[factors])
    took = {"seconds": time.monotonic() - begun, "cpu_seconds": time.process_time() - before}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"case": case, "who": who, **took, "peak_mb": peak, "quality": {"ndcg@20": judged(model, train, test)}}))


if __name__ == "__main__":
    if sys.argv[1] == "cases":
        print(json.dumps(cases()))
    elif sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        run(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
