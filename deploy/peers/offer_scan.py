"""One offer over 18 M customers of 64 factors: numpy's product in single precision and np.sort of the scores.

Nothing is stored: each program makes its customers by seed (normal, single precision 4.6 GB here, half precision there).
"""
import json, os, resource, statistics, sys, threading, time
from pathlib import Path

THREADS = 2
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(THREADS)
import numpy as np

SHAPE = {"rows": 18_000_000, "factors": 64, "scale": 0.2, "bias": -6.0, "repeats": 7,
         "volumes": [10_000, 100_000, 500_000, 1_000_000, 5_000_000]}


def prepare(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shape.json").write_text(json.dumps(SHAPE))


def run(folder, case, who):
    shape = json.loads((folder / "shape.json").read_text())
    n, d, chunk = shape["rows"], shape["factors"], 250_000
    x = np.empty((n, d), dtype=np.float32)

    def fill(part):
        for at in range(part * chunk, n, THREADS * chunk):
            rng = np.random.default_rng((7, at))
            rng.standard_normal(out=x[at:at + chunk], dtype=np.float32)
            x[at:at + chunk] *= shape["scale"]

    threads = [threading.Thread(target=fill, args=(part,)) for part in range(THREADS)]
    [t.start() for t in threads], [t.join() for t in threads]
    vector = np.random.default_rng(8).standard_normal(d, dtype=np.float32)
    times, products = [], []
    cpu = time.process_time()
    for _ in range(shape["repeats"]):
        begun = time.perf_counter()
        scores = x @ vector
        products.append(time.perf_counter() - begun)
        np.sort(scores)
        times.append(time.perf_counter() - begun)
    cpu = (time.process_time() - cpu) / shape["repeats"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"case": case, "who": who, "seconds": statistics.median(times), "cpu_seconds": cpu, "peak_mb": peak,
                      "quality": {"buyers_error": 0.0, "product_seconds": statistics.median(products)}}))


def cases():
    print(json.dumps([{"case": "offer", "title": "one offer over 18 M × 64 factors with its gain curve",
                       "peer": "numpy", "ours": "clew", "reach": 0.35, "quality": "buyers_error", "rule": "within 0.001",
                       "repeats": 2}]))


if __name__ == "__main__":
    if sys.argv[1] == "cases":
        cases()
    elif sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        run(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
