"""Runs one part of the toolbox beside its peer and writes the section of BENCHMARKS.md.

A part P is two programs that print the same line of JSON: `deploy/peers/P.py run DIR CASE WHO` (the peer) and
`crates/clew-learn/benches/P.rs` (clew): {"case", "who", "seconds", "cpu_seconds", "peak_mb", "quality": {…}}. They
take turns; a turn that another process disturbed is repeated; medians are compared.
"""
import json, os, platform, resource, statistics, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "deploy" / "peers"
REPORT = ROOT / "BENCHMARKS.md"
PARTS = ["als", "fit", "sparse_logistic", "trees", "kmeans", "top_k", "offer_scan"]
THREADS = 2
# Share of the machine that others may use during a turn before it counts as disturbed; how often it is then tried, unless one
# takes longer than so many seconds.
DISTURBED, REPEATS, LONG = 0.10, 3, 90
HEAD = """# The toolbox beside its peers

Written by `make bench` (one part: `deploy/bench PART`). Each work is done by clew and by its peer in turns, {threads} threads
each, on the same data; figures are medians, with the processor time behind the wall time, and the ratio is clew / peer.
"to reach" is the ratio that the project set itself; a ratio counts only where the quality is kept: "at least 0.001" is "no more than 0.001 below the peer's".
"""


def environment():
    """The peers' own Python, made on first use. None where it cannot be made (no network)."""
    python = ROOT / "target" / "bench-venv" / "bin" / "python"
    wanted = (PEERS / "requirements.txt").read_text()
    stamp = python.parent.parent / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("  installing the peers into target/bench-venv", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", python.parent.parent]).returncode == 0 and subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", PEERS / "requirements.txt"]).returncode == 0
        if not made:
            return None
        stamp.write_text(wanted)
    return python


def built(part):
    """The path of clew's program for a part. It is built as the tests are: the arithmetic is optimised in full there."""
    out = subprocess.run(["cargo", "bench", "--profile", "dev", "--locked", "-p", "clew-learn", "--bench", part, "--no-run", "--message-format", "json"],
                         cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    messages = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == part)


def machine_busy():
    """Seconds that all processors have worked since the start, for anybody."""
    fields = [int(f) for f in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def own_busy():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def turn(command):
    """One run of one program: its line, repeated where others used the machine."""
    env = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "MKL_NUM_THREADS": str(THREADS)}
    calmest = None
    for _ in range(REPEATS):
        busy, own, uptime = machine_busy(), own_busy(), float(Path("/proc/uptime").read_text().split()[0])
        done = subprocess.run([str(c) for c in command], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
        wall = float(Path("/proc/uptime").read_text().split()[0]) - uptime
        others = max(0.0, (machine_busy() - busy) - (own_busy() - own)) / max(wall * os.cpu_count(), 1e-9)
        line = next(line for line in reversed(done.stdout.decode().splitlines()) if line.startswith("{"))
        result = {**json.loads(line), "others": others}
        if calmest is None or others < calmest["others"]:
            calmest = result
        if others <= DISTURBED or wall > LONG:
            break
    return calmest


def kept(rule, ours, peer):
    """Whether our quality is as good as the rule demands: "at least", "at most" or "within", and a margin behind it."""
    *words, last = rule.split()
    margin = float(last) if last[0].isdigit() else 1e-9
    word = " ".join(words if last[0].isdigit() else [*words, last])
    return {"at least": ours >= peer - margin, "at most": ours <= peer + margin, "within": abs(ours - peer) <= margin}[word]


def median(turns, field):
    return statistics.median(t[field] for t in turns)


def measured(part, case, work, python, program):
    peer, ours = [], []
    for _ in range(case.get("repeats", 3)):
        peer.append(turn([python, PEERS / f"{part}.py", "run", work, case["case"], case["peer"]]))
        ours.append(turn([program, work, case["case"], case["ours"]]))
    ratio, cpu = (median(ours, f) / max(median(peer, f), 1e-9) for f in ("seconds", "cpu_seconds"))
    quality, rule = case["quality"], case["rule"]
    q_ours, q_peer = (statistics.median(t["quality"][quality] for t in turns) for turns in (ours, peer))
    fair = kept(rule, q_ours, q_peer)
    reach = case.get("reach")
    verdict = "" if reach is None else "reached" if ratio <= reach and fair else "**not reached**"
    said = lambda turns: f"{median(turns, 'seconds'):.2f} s ({median(turns, 'cpu_seconds'):.2f} s), {median(turns, 'peak_mb'):,.0f} MB"
    also = "; ".join(f"{k} {v:.4g}" for k, v in ours[-1]["quality"].items() if k != quality and isinstance(v, (int, float)))
    heavier = median(ours, "peak_mb") > 1.02 * median(peer, "peak_mb")
    verdict += "; more memory than the peer" if heavier else ""
    loud = max(t["others"] for t in peer + ours)
    row = [case["title"], f"{ours[-1]['who']}: {said(ours)}", f"{peer[-1]['who']}: {said(peer)}", f"**{ratio:.2f}** ({cpu:.2f})", f"≤ {reach}" if reach is not None else "",
           f"{quality} {q_ours:.6g} / {q_peer:.6g} ({rule}{'' if fair else ': NOT kept'})" + (f"; {also}" if also else ""), verdict + (f" (others used {loud:.0%})" if loud > DISTURBED else "")]
    print(f"  {case['title']}: ratio {ratio:.2f} (processor {cpu:.2f}), to reach {reach}; {row[5]} {row[6]}", flush=True)
    return row


def compare(part, work, only=None):
    """Measures one part and replaces its section of the report; of one case (`deploy/bench PART:CASE`), its row in it."""
    python = environment()
    if python is None:
        return print("  left out: the peers could not be installed")
    program = built(part)
    cases = json.loads(subprocess.run([python, PEERS / f"{part}.py", "cases"], check=True, stdout=subprocess.PIPE).stdout)
    if not cases:
        return print("  left out: the part's data is not here")
    if only and only not in [case["case"] for case in cases]:
        raise SystemExit(f"no such case of {part}: {only}; there are {', '.join(case['case'] for case in cases)}")
    subprocess.run([python, PEERS / f"{part}.py", "prepare", work], check=True)
    if only:
        row = measured(part, next(case for case in cases if case["case"] == only), work, python, program)
        lines = ["| " + " | ".join(row) + " |" if line.startswith(f"| {row[0]} |") else line for line in sections().get(part, "").splitlines()]
        return write(part, "\n".join(lines) + "\n")
    rows = [measured(part, case, work, python, program) for case in cases]
    lines = [f"## {part}", "", f"`deploy/bench {part}` on {machine()}; {versions(python)}.", "",
             "| work | clew: wall (processor), peak | peer: wall (processor), peak | ratio wall (processor) | to reach | quality, clew / peer | |", "|---|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    if any(case.get("scaling") for case in cases):
        done = subprocess.run([program, work, "scaling"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
        lines += ["", "Growth:", ""] + [f"- {line}" for line in done.splitlines() if line.strip()]
    write(part, "\n".join(lines) + "\n")


def machine():
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores"


def versions(python):
    rustc = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE).stdout.decode().split()[1]
    ask = "import importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in ('implicit', 'lightgbm', 'numpy', 'scikit-learn', 'scipy')))"
    return f"rustc {rustc}; {subprocess.run([python, '-c', ask], stdout=subprocess.PIPE).stdout.decode().strip()}"


def sections():
    """The report's sections by part."""
    text = REPORT.read_text() if REPORT.exists() else ""
    return {piece.split("\n", 1)[0].strip(): "## " + piece for piece in text.split("\n## ")[1:]}


def write(part, section):
    """Replaces one section, in the order of the parts; the others stay as they were measured."""
    known = {**sections(), part: section}
    body = "\n".join(known[name].rstrip("\n") + "\n" for name in PARTS if name in known)
    REPORT.write_text(HEAD.format(threads=THREADS) + "\n" + body)
