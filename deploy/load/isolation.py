"""For `deploy/bench isolation`: how much one tenant's load slows another down, on one service with two tenants.

The quiet tenant reads twenty times a second: customers, members of a segment, recommendations, a gain curve. Its answers are
timed from the moment at which each was due, so that one that waits for the one before it counts as slow. The loud tenant does
nothing, and then, in turns with nothing: asks ten times as often as it may; trains one model after the other; imports one file
after the other. The ratio is that of the answers of all loud turns to those of the quiet turns just before each. Client and
loads run on the same machine as the service, each in a process of its own; what they take of it counts against the service.
"""
import http.client
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

# Requests a second of the quiet tenant, each by one of so many connections in turn.
RATE, CONNECTIONS = 20, 10
# What a tenant may ask for a second here; the loud one asks for ten times as much.
LIMIT = 100
TURNS = 3


def requests_of(url, key):
    """What the quiet tenant asks, over and over."""
    def ask(method, path, body=None):
        request = urllib.request.Request(url + path, json.dumps(body).encode() if body else None, method=method,
                                         headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        return json.loads(urllib.request.urlopen(request, timeout=60).read())
    segment = ask("POST", "/v1/segments", {"name": "bench", "expression": "customer.age >= 18"})["id"]
    customer = "/v1/customers/C0000042"
    curve = ("POST", "/v1/gain-curves", json.dumps({"offer": {"expression": "product.price < 20.0"}}).encode())
    mix = [("GET", customer, None), ("GET", f"/v1/segments/{segment}/members?limit=100", None), ("GET", customer, None),
           ("GET", f"{customer}/recommendations", None), ("GET", customer, None), ("GET", f"/v1/segments/{segment}/members?limit=100", None),
           ("GET", customer, None), ("GET", f"{customer}/recommendations", None), ("GET", customer, None), curve]
    for method, path, body in mix:
        ask(method, path, json.loads(body) if body else None)
    return mix


def client(url, key, seconds):
    """Seconds of each answer to the quiet tenant, and how many were not answered with 200."""
    mix, host = requests_of(url, key), urllib.parse.urlparse(url).netloc
    taken, refused, lock, begin = [], [], threading.Lock(), time.monotonic() + 0.5

    def send(first):
        there = http.client.HTTPConnection(host, timeout=60)
        for n in range(first, int(seconds * RATE), CONNECTIONS):
            due = begin + n / RATE
            time.sleep(max(0, due - time.monotonic()))
            # Each goes through the whole mix, not always the same place of it.
            method, path, body = mix[(n + n // CONNECTIONS) % len(mix)]
            there.request(method, path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
            answer = there.getresponse()
            answer.read()
            with lock:
                taken.append((path.split("?")[0].rsplit("/", 1)[-1], time.monotonic() - due))
                if answer.status != 200:
                    refused.append(answer.status)
    threads = [threading.Thread(target=send, args=(first,)) for first in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"taken": taken, "refused": len(refused)}), flush=True)


def flood(url, key, seconds):
    """Asks ten times as often as a tenant may, over ten connections; tells what was answered."""
    host, port = urllib.parse.urlparse(url).netloc.split(":")
    request = f"GET /v1/customers/C0000042 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    chooser, counts = selectors.DefaultSelector(), {"sent": 0, "200": 0, "429": 0}
    connections = [socket.create_connection((host, int(port)), timeout=60) for _ in range(10)]
    for one in connections:
        one.setblocking(False)
        chooser.register(one, selectors.EVENT_READ)
    begin = time.monotonic()
    while (now := time.monotonic() - begin) < seconds:
        while counts["sent"] < now * 10 * LIMIT:
            connections[counts["sent"] % 10].send(request)
            counts["sent"] += 1
        for ready, _ in chooser.select(timeout=0.005):
            told = ready.fileobj.recv(1 << 16)
            for status in ("200", "429"):
                counts[status] += told.count(b"HTTP/1.1 " + status.encode())
    print(json.dumps(counts), flush=True)


def run_aside(what, *arguments):
    return subprocess.Popen([sys.executable, __file__, what, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def told(process):
    out = process.communicate(timeout=600)[0]
    if process.returncode != 0:
        raise SystemExit("the load or its client failed")
    return json.loads(out)


class Pair:
    """A service with two tenants, each filled and trained."""

    def __init__(self, clew, work, n_customers, n_events):
        self.clew, self.work = clew, work
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CLEW_") or k == "CLEW_PG_BIN"}
        self.environment.pop("DATABASE_URL", None)
        self.environment |= {"CLEW_TENANT_REQUESTS": str(LIMIT), "CLEW_CREDENTIAL_REQUESTS": str(LIMIT), "CLEW_LOG_LEVEL": "error"}
        self.process = subprocess.Popen([clew, "serve", "--with-worker", "--port", "0", "--json"], cwd=work, env=self.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.keys = {}
        for tenant, scale in (("quiet", 0.25), ("loud", 1)):
            self.keys[tenant] = json.loads(self.run("tenant", "create", "--name", tenant, "--json"))["api_key"]
            self.sample(tenant, int(n_customers * scale), int(n_events * scale), 1)
            self.run("import", "--data", tenant, "--json", CLEW_URL=self.url, CLEW_KEY=self.keys[tenant])
            self.ended(self.ask(tenant, "POST", "/v1/models", {"activate": True})["job_id"], tenant)

    def run(self, *arguments, **environment):
        done = subprocess.run([self.clew, *map(str, arguments)], cwd=self.work, env={**self.environment, **environment}, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"clew {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
        return done.stdout

    def sample(self, folder, n_customers, n_events, seed):
        self.run("sample", "--customers", n_customers, "--products", 2_000, "--events", n_events, "--seed", seed, "--out", folder)

    def ask(self, tenant, method, path, body=None, kind="application/json"):
        body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, {"Authorization": f"Bearer {self.keys[tenant]}", "Content-Type": kind}, method=method)
        return json.loads(urllib.request.urlopen(request, timeout=120).read())

    def ended(self, job_id, tenant="loud", stop=None):
        """Waits for a job's end; cancels it when it is time to stop. Its state."""
        while (state := self.ask(tenant, "GET", f"/v1/jobs/{job_id}")["state"]) in ("queued", "running"):
            if stop and stop.is_set():
                self.ask(tenant, "POST", f"/v1/jobs/{job_id}/cancel")
                stop = None
            time.sleep(0.3)
        return state

    def jobs(self, begin, stop):
        """Keeps the loud tenant at one kind of work until it is told to stop; how much was begun."""
        n_begun = 0
        while not stop.is_set():
            n_begun += 1
            state = self.ended(begin(n_begun)["job_id"], stop=stop)
            if state == "failed":
                raise SystemExit("the loud tenant's job failed")
        return n_begun

    def turn(self, seconds, begin=None, flooded=False):
        """The answers to the quiet tenant while the loud one works, and what the loud one says of its work."""
        aside = run_aside("flood", self.url, self.keys["loud"], seconds + 2) if flooded else None
        stop, said = threading.Event(), []
        worker = threading.Thread(target=lambda: said.append(self.jobs(begin, stop))) if begin else None
        if worker:
            worker.start()
            # The job is claimed and past its first moments.
            time.sleep(1)
        answers = told(run_aside("client", self.url, self.keys["quiet"], seconds))
        stop.set()
        if worker:
            worker.join()
        if aside:
            said.append(told(aside))
        return answers, said[0] if said else None


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main():
    what, url, key, seconds = sys.argv[1:]
    {"client": client, "flood": flood}[what](url, key, float(seconds))


if __name__ == "__main__":
    main()
