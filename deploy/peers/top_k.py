"""Top 20 of 500,000 columns for 10,000 rows of 64 factors: `implicit`'s blocked top-k, two threads.

Cases: `gaussian` (every column as long as the other: nothing can be left out) and `popular` (lengths fall as they do
in a fitted factorisation, log-normal with a deviation of 0.7; directions gather around 200 centres).
"""
import json, os, resource, sys, time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # implicit runs its own threads, each with a product of its own
import numpy as np

ROWS, COLUMNS, FACTORS, K, THREADS = 10_000, 500_000, 64, 20, 2
CASES = {"gaussian": "Gaussian factors", "popular": "lengths as in a fitted model"}


def prepare(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        rng = np.random.default_rng(7)
        rows = rng.standard_normal((ROWS, FACTORS), dtype=np.float32)
        columns = rng.standard_normal((COLUMNS, FACTORS), dtype=np.float32)
        if case == "popular":
            centres = rng.standard_normal((200, FACTORS), dtype=np.float32)
            rows += centres[rng.integers(200, size=ROWS)]
            columns += centres[rng.integers(200, size=COLUMNS)]
            columns *= np.exp(0.7 * rng.standard_normal((COLUMNS, 1), dtype=np.float32)) / 8
        rows.tofile(folder / f"{case}_rows.f32")
        columns.tofile(folder / f"{case}_columns.f32")
    shape = {"rows": ROWS, "columns": COLUMNS, "factors": FACTORS, "k": K}
    (folder / "shape.json").write_text(json.dumps(shape))


def run(folder, case, who):
    from implicit.cpu.topk import topk
    rows = np.fromfile(folder / f"{case}_rows.f32", dtype=np.float32).reshape(-1, FACTORS)
    columns = np.fromfile(folder / f"{case}_columns.f32", dtype=np.float32).reshape(-1, FACTORS)
    wall, cpu = time.perf_counter(), time.process_time()
    topk(columns, rows, K, num_threads=THREADS)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    gflops = 2e-9 * ROWS * COLUMNS * FACTORS / seconds
    print(json.dumps({"case": case, "who": who, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak,
                      "quality": {"exact": 1.0, "gflops": gflops}}))


def cases():
    print(json.dumps([{"case": case, "title": f"top {K} of {COLUMNS:,} for {ROWS:,} rows, {FACTORS} factors: {title}",
                       "peer": "implicit", "ours": "clew", "reach": 0.5, "quality": "exact", "rule": "at least", "repeats": 2}
                      for case, title in CASES.items()]))


if __name__ == "__main__":
    if sys.argv[1] == "cases":
        cases()
    elif sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        run(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
