"""For `deploy/contract`: makes happen, for each operation of the document, every status that it documents (a key too low,
too many requests, a database that is away or broken, a tenant that is full; see also lives.py), and tells which of them
were seen. What cannot happen where the document says it of all operations alike is left out, by name and told."""
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lives
import wire

# A tenant of one megabyte is full with these.
FILLING = b"customer_id,note\n" + b"".join(b"c%d,%s\n" % (i, os.urandom(48).hex().encode()) for i in range(20_000))


# Documented, and not to be seen from outside, with the reason.
FAULT = "500 of what asks nothing that could fail"
FREE = "409 of what is made anew, where nothing that is there can stand against it"
FAULTLESS = {f"GET {path}" for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")}
# These ask neither the database nor the objects; a provider that is away is 503.
FAULTLESS |= {"GET /v1/sign-in/openid", "POST /v1/sign-in/openid"}
# Those that make something to which no other of its kind can be in the way: two of one name are two.
MAKES_FREELY = {f"POST /v1/{noun}" for noun in
                ("events", "imports", "keys", "members/{id}/invitation", "models", "offers", "rules", "segments", "tenants")}


def left_out(label, status):
    """Why an answer cannot be asked for; none when it can."""
    return FAULT if status == 500 and label in FAULTLESS else FREE if status == 409 and label in MAKES_FREELY else None


def address(path, operation, own="x" * 600):
    """Its address, with ids that nothing has and what its query must have. No row can have this id of a tenant's own."""
    def known(match):
        parameter = next(p for p in operation["parameters"] if p["name"] == match[1])
        return str(uuid.uuid4()) if parameter["schema"].get("format") == "uuid" else parameter["schema"].get("enum", [own])[0]
    required = [p for p in operation.get("parameters", []) if p["in"] == "query" and p.get("required")]
    query = urllib.parse.urlencode({p["name"]: p["schema"].get("enum", [p.get("example")])[0] for p in required})
    return re.sub(r"\{(\w+)\}", known, path) + ("?" + query if query else "")


def sample(operation):
    """The media type and the example of its body; neither where it has none."""
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        return kind, media["example"].encode() if isinstance(media["example"], str) else media["example"]
    return None, None


def rights_of(operation):
    return {right for requirement in operation.get("security", []) for right in requirement}


def too_low(rights, keys):
    """A key that may not."""
    if rights == {"operator"}:
        return keys["owner"]
    return keys["operator"] if "reader" in rights and "ingest" in rights else keys["reader" if "ingest" in rights else "ingest"]


class Asked:
    """A service whose operations are asked with the examples of the document; or with other bodies where an example
    would be refused before what is to be seen."""

    def __init__(self, service, seen):
        self.service, self.seen, self.bodies = service, seen, {}
        self.keys = {right: service.key("--tenant", service.tenant_id, "--right", right) for right in ("reader", "ingest")}
        self.keys |= {"owner": service.owner, "operator": service.key("--operator")}

    def key_for(self, operation):
        rights = rights_of(operation)
        return self.keys["operator" if rights == {"operator"} else "owner"] if rights else None

    def once(self, method, path, operation):
        """The status of one request."""
        kind, body = sample(operation)
        body = self.bodies.get(f"{method} {path}", body)
        found = wire.ask(self.service.url, method, address(path, operation), self.key_for(operation), body, kind)[0]
        self.seen.add((f"{method} {path}", found))
        return found

    def until(self, status, operations, n_tries):
        """Asks all operations that document a status and have not been seen to say so, at the same time, each until it
        comes: the service may wait for seconds before it says so. How many never said so."""
        def tried(one):
            return any(self.once(*one) == status for _ in range(n_tries))
        wanted = [one for one in operations if str(status) in one[2]["responses"]
                  and (f"{one[0]} {one[1]}", status) not in self.seen and not left_out(f"{one[0]} {one[1]}", status)]
        with ThreadPoolExecutor(max_workers=len(wanted)) as all_at_once:
            return sum(not found for found in all_at_once.map(tried, wanted))

    def each(self, operations):
        """What is wrong with one request each on a service that is well."""
        for method, path, operation in operations:
            # A path that cannot be is refused before query and body are looked at.
            label, there, could_be = f"{method} {path}", address(path, operation), address(path, operation, "c1")
            kind, body = sample(operation)
            rights, key = rights_of(operation), self.key_for(operation)
            tried = []
            if rights:
                tried += [(there, None, body, kind), (there, too_low(rights, self.keys), body, kind)]
                tried += [(could_be + ("&" if "?" in there else "?") + "nonsense=1", key, body, kind)]
            if "{" in path:
                tried += [(there, key, body, kind)]
            if body is not None:
                wrong = [] if path == "/v1/imports" else [(could_be, key, b"{", kind), (could_be, key, b"3", kind)]
                tried += [*wrong, (could_be, key, body, "image/png")]
                self.seen.add((label, wire.head_alone(self.service.url, method, could_be, key, kind, 1 << 40)))
            for there_now, key_now, body_now, kind_now in tried:
                self.seen.add((label, wire.ask(self.service.url, method, there_now, key_now, body_now, kind_now)[0]))

    def sessions(self):
        """Gives the open operations tokens and an invitation that are this service's."""
        life = lives.Life(self.service, self.service.tenant_id, self.service.owner, self.seen)
        first, second = (life.see(201, "POST /v1/members", body={"email": f"{name}@example.com", "right": "owner"})["invitation"]
                         for name in ("claire", "denis"))
        taken = {"invitation": first, "password": lives.PASSWORD}
        signed = life.see(200, "POST /v1/sign-in/invitation", key=None, body=taken)
        self.bodies = {"POST /v1/sign-in/refresh": {"refresh_token": signed["refresh_token"]},
                       "POST /v1/sign-in/invitation": {**taken, "invitation": second},
                       "POST /v1/sign-in/openid/session": lives.answer_of_provider(life)}


class Stages:
    """Parts of the work, each with a line that says how long it took; one that breaks off does not end the others."""

    def __init__(self):
        self.good = True

    def run(self, name, work):
        begun, said = time.monotonic(), ""
        try:
            said = work() or ""
        except (RuntimeError, OSError, ValueError, KeyError, IndexError, subprocess.SubprocessError) as error:
            self.good, said = False, f"BROKE OFF: {type(error).__name__}: {error}"
        print(f"  {name}: {time.monotonic() - begun:.1f} s{'; ' if said else ''}{said}", flush=True)


def provoke(operations, service, model_id, start, openid, seen):
    """Adds the pairs of operation and status that it saw; whether all went as it should. `start` starts another service
    with settings of its own; `openid` are those of a provider."""
    stages = Stages()
    first = Asked(service, seen)
    pausing = threading.Thread(target=lambda: stages.run("a file that pauses", lambda: paused(service, seen)))
    pausing.start()
    life = lives.Life(service, service.tenant_id, service.owner, seen)
    for name, live in lives.all_of(life, model_id, first.keys["operator"]).items():
        stages.run(f"life of {name}", live)
    stages.run("what is wrong with a request", lambda: first.each(operations))
    stages.run("too many requests", lambda: narrow(start, operations, seen))
    stages.run("a tenant with little and with too much, a database that is broken and away", lambda: full(stages, start, openid, operations, seen))
    pausing.join()
    return stages.good


def paused(service, seen):
    """A file whose body stops on its way, for which the service waits half a minute; and one that breaks off."""
    for rest in ("Transfer-Encoding: chunked\r\n\r\nthis is no chunk\r\n", "Content-Length: 100\r\n\r\ncustomer_id\n"):
        seen.add(("POST /v1/imports", wire.broken(service.url, "/v1/imports?entity=customers", service.owner, rest)))


def unseen(n_unseen, status):
    return f"{n_unseen} operations did not answer {status}" if n_unseen else ""


def narrow(start, operations, seen):
    """A service that takes a request a second, and has no OpenID provider."""
    service = start("narrow", CLEW_TENANT_REQUESTS="1", CLEW_CREDENTIAL_REQUESTS="1")
    try:
        asked = Asked(service, seen)
        asked.once("POST", "/v1/sign-in/openid", {})
        return unseen(asked.until(429, operations, 4), 429)
    finally:
        service.stop()


def full(stages, start, openid, operations, seen):
    """A service whose tenant has nothing, then more than it may; then a database without its tables, and then none."""
    service = start("full", CLEW_TENANT_FILES="1", **openid)
    try:
        asked = Asked(service, seen)
        life = lives.Life(service, service.tenant_id, service.owner, seen)
        stages.run("a tenant without a model", lambda: untrained(life))
        life.see(202, "POST /v1/imports?entity=customers", body=FILLING, kind="text/csv")
        stages.run("a full tenant", lambda: unseen(asked.until(507, operations, 2), 507))
        asked.sessions()
        database(service, "alter schema public rename to hidden")
        stages.run("a broken database", lambda: unseen(asked.until(500, operations, 2), 500))
        away(service)
        stages.run("no database", lambda: unseen(asked.until(503, operations, 2), 503))
    finally:
        service.stop()


def untrained(life):
    """A campaign and a customer are known, and no model."""
    life.see(409, "POST /v1/models/estimate", body={})
    for table, rows in (("customers", b"customer_id\nc1\n"), ("products", b"product_id,price\np1,3.5\n"), ("campaigns", b"campaign_id,sent_at\nM1,2026-01-01\n")):
        imported = life.see(202, f"POST /v1/imports?entity={table}", body=rows, kind="text/csv")
        life.ended(imported["job_id"])
    life.see(409, "GET /v1/campaigns/{id}/report", "/v1/campaigns/M1/report")
    life.see(409, "POST /v1/gain-curves", body={"offer": {"product_ids": ["p1"]}})
    life.see(409, "POST /v1/recommendations", body={"customer_ids": ["c1"]})
    life.see(409, "GET /v1/customers/{id}/recommendations", "/v1/customers/c1/recommendations")


def postmaster(service):
    """The service's own Postgres, by the file that it writes itself: the folder of its data, its id, that of its socket."""
    data = service.folder / ".clew" / "postgres" / "data"
    lines = (data / "postmaster.pid").read_text().splitlines()
    return data, int(lines[0]), lines[4]


def database(service, statement):
    """Does something to the service's own database that only its owner could."""
    _, process, socket_dir = postmaster(service)
    psql = Path(os.readlink(f"/proc/{process}/exe")).with_name("psql")
    done = subprocess.run([psql, "-h", socket_dir, "-U", "clew", "-d", "clew", "-qc", statement], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"psql: {done.stderr[-500:]}")


def away(service):
    """Takes the service's own Postgres away, by the id that it wrote itself; without its data it is not started again."""
    data, process, _ = postmaster(service)
    data.rename(data.with_name("away"))
    os.kill(process, signal.SIGKILL)
    time.sleep(1)


def told(operations, pairs):
    """Prints what was seen of what is documented; whether nothing is missing and nothing was undocumented."""
    documented = {(f"{method} {path}", int(status)) for method, path, operation in operations for status in operation["responses"]}
    wanted = {pair for pair in documented if not left_out(*pair)}
    labels = {label for label, _ in documented}
    # 405 is the answer to methods that a path does not have, which belongs to no operation.
    other = {pair for pair in pairs if pair[0] in labels and pair not in documented and pair[1] != 405}
    missing = sorted(wanted - pairs)
    for label, status in missing:
        print(f"  not seen: {status} of {label}")
    for label, status in sorted(other):
        print(f"  not documented: {status} of {label}")
    statuses = sorted({status for _, status in pairs & documented})
    print(f"statuses: {len(wanted & pairs)} of {len(wanted)} documented answers seen ({', '.join(map(str, statuses))})", flush=True)
    for why in (FAULT, FREE):
        print(f"  left out {sum(left_out(*pair) == why for pair in documented)}: {why}", flush=True)
    return not missing and not other
