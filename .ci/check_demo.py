"""Reads the one line of `clew demo --once --json` on standard input and holds it to what the README promises."""
import json, sys

lines = sys.stdin.read().splitlines()
assert len(lines) == 1, f"expected exactly one line, got {len(lines)}"
demo = json.loads(lines[0])
for key in ("url", "api_key", "tenant_id", "offer_id", "gain_curve", "backtest", "rule", "recommendations", "seconds"):
    assert key in demo, f"{key} is missing"
points = demo["gain_curve"]["points"]
assert 2 <= len(points) <= 201, len(points)
for before, after in zip(points, points[1:]):
    assert before["volume"] < after["volume"], (before, after)
    assert before["expected_buyers"] <= after["expected_buyers"] + 1e-9, (before, after)
for p in points:
    assert p["low"] - 1e-9 <= p["expected_buyers"] <= p["high"] + 1e-9, p
assert points[-1]["expected_buyers"] > 0
assert demo["gain_curve"]["named_volumes"], "no named volumes"
assert len(demo["recommendations"]) == 3, demo["recommendations"]
print("demo:", len(points), "points,", round(points[-1]["expected_buyers"], 1), "buyers expected,", demo["seconds"])
