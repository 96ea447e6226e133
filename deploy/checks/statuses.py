"""For `deploy/contract`: makes happen, once for each operation of the document, what a generator of requests does not by
itself (a key too low, too many requests, a database that is away, a tenant that is full), and tells which of the
documented statuses were seen."""
import http.client
import http.server
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.parse
import uuid

# Documented, and not to be seen from outside, with the reason.
FAULT = "500 is a fault of the service"
FREE = "409 of what is made anew, where nothing that is there can stand against it"
# Those that make something to which no other of its kind can be in the way: two of one name are two.
MAKES_FREELY = {f"POST /v1/{noun}" for noun in
                ("events", "imports", "keys", "members/{id}/invitation", "models", "offers", "rules", "segments", "tenants")}


def left_out(label, status):
    """Why an answer cannot be asked for; none when it can."""
    return FAULT if status == 500 else FREE if status == 409 and label in MAKES_FREELY else None


def connection(url, timeout=40):
    return http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=timeout)


def ask(url, method, path, key=None, body=None, kind="application/json"):
    """Status and body of one request; a body that is not bytes goes as JSON."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = kind
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    there = connection(url)
    try:
        there.request(method, path, body, headers)
        answer = there.getresponse()
        # A stream of events goes on; that it began is enough.
        stream = answer.getheader("content-type", "").startswith("text/event-stream")
        return answer.status, b"" if stream else answer.read()
    finally:
        there.close()


def address(path, operation):
    """Its address, with ids that nothing has and what its query must have."""
    def known(match):
        parameter = next(p for p in operation["parameters"] if p["name"] == match[1])
        return str(uuid.uuid4()) if parameter["schema"].get("format") == "uuid" else parameter["schema"].get("enum", ["x" * 600])[0]
    required = [p for p in operation.get("parameters", []) if p["in"] == "query" and p.get("required")]
    query = urllib.parse.urlencode({p["name"]: p["schema"].get("enum", [p.get("example")])[0] for p in required})
    return re.sub(r"\{(\w+)\}", known, path) + ("?" + query if query else "")


def sample(operation):
    """The media type and the example of its body; neither where it has none."""
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        shown = media["example"]
        return kind, shown.encode() if isinstance(shown, str) else json.dumps(shown).encode()
    return None, None


def too_low(operation, keys):
    """A key that may not."""
    rights = {right for requirement in operation["security"] for right in requirement}
    if rights == {"operator"}:
        return keys["owner"]
    return keys["operator"] if "reader" in rights and "ingest" in rights else keys["reader" if "ingest" in rights else "ingest"]


def each(operations, service, keys, seen):
    """What one request each brings about on a service as it should be."""
    for method, path, operation in operations:
        label, there = f"{method} {path}", address(path, operation)
        kind, body = sample(operation)
        rights = {right for requirement in operation.get("security", []) for right in requirement}
        key = keys["operator" if rights == {"operator"} else "owner"] if rights else None
        tried = [(there, key, body, kind)]
        if rights:
            tried += [(there, None, body, kind), (there, too_low(operation, keys), body, kind)]
            tried += [(there + ("&" if "?" in there else "?") + "nonsense=1", key, body, kind)]
        if body is not None:
            tried += [(there, key, b"{", kind), (there, key, body, "image/png"), (there, key, b'"' + b" " * (3 << 20) + b'"', kind)]
        for there_now, key_now, body_now, kind_now in tried:
            try:
                seen.add((label, ask(service.url, method, there_now, key_now, body_now, kind_now)[0]))
            except (ConnectionError, http.client.HTTPException):
                # Refused before all of it was sent, and closed: the answer is asked for by its head alone.
                seen.add((label, head_alone(service.url, method, there_now, key_now, kind_now, len(body_now))))


def live(service, seen):
    """The lives of a webhook, a job and two members, each from its beginning to its end."""
    def tried(method, label, path=None, body=None, key=service.owner, kind="application/json"):
        status, text = ask(service.url, method, path or label, key, body, kind)
        seen.add((f"{method} {label}", status))
        return json.loads(text) if text else {}

    hook = "/v1/webhooks/{id}"
    # A tenant has so many and no more; those of the run before make room.
    for row in json.loads(ask(service.url, "GET", "/v1/webhooks", service.owner)[1])["data"]:
        tried("DELETE", hook, hook.replace("{id}", row["id"]))
    one = hook.replace("{id}", tried("POST", "/v1/webhooks", body={"url": receiver()})["id"])
    tried("GET", hook, one)
    tried("PATCH", hook, one, {"enabled": True})
    tried("POST", f"{hook}/rotate", f"{one}/rotate", {"overlap_seconds": 0})
    tried("POST", f"{hook}/test", f"{one}/test")
    replay = "/v1/deliveries/{id}/replay"
    # Taken by the receiver within a minute, it is told once more; while that is still being tried, not again.
    for _ in range(60):
        rows = tried("GET", f"{hook}/deliveries", f"{one}/deliveries")["data"]
        if rows and rows[0]["state"] != "pending":
            break
        time.sleep(1)
    for _ in range(20):
        tried("POST", replay, replay.replace("{id}", rows[0]["id"]))
    tried("DELETE", hook, one)

    job = "/v1/jobs/{id}"
    model = tried("POST", "/v1/models", body={})
    one = job.replace("{id}", model["job_id"])
    report = "/v1/models/{id}/report"
    seen.add((f"GET {report}", ask(service.url, "GET", report.replace("{id}", model["id"]), service.owner)[0]))
    tried("GET", job, one)
    seen.add((f"GET {job}/events", ask(service.url, "GET", f"{one}/events", service.owner)[0]))
    tried("POST", f"{job}/cancel", f"{one}/cancel")

    member = "/v1/members/{id}"
    people = []
    for name in ("anna", "bruno"):
        invited = tried("POST", "/v1/members", body={"email": f"{name}@example.com", "name": name.title(), "right": "owner"})
        signed = tried("POST", "/v1/sign-in/invitation", key=None,
                       body={"invitation": invited["invitation"], "password": "quatre hérons gris, 7 rue du Bac"})
        people.append((member.replace("{id}", invited["id"]), signed["access_token"]))
    (one, token), (other, _) = people
    tried("GET", member, one)
    tried("PUT", "/v1/password", key=token, body={"current_password": "quatre hérons gris, 7 rue du Bac", "new_password": "huit mésanges bleues, 3 rue du Four"})
    tried("POST", "/v1/sign-out", key=token)
    tried("POST", f"{member}/invitation", f"{one}/invitation")
    tried("DELETE", member, one)
    # Other owners may be there from the run before; the last one stays one.
    for row in tried("GET", "/v1/members").get("data", []):
        if not other.endswith(row["id"]):
            tried("DELETE", member, member.replace("{id}", row["id"]))
    tried("PATCH", member, other, {"right": "reader"})
    tried("DELETE", member, other)


class Taken(http.server.BaseHTTPRequestHandler):
    """Takes whatever it is told, a little slowly."""

    def do_POST(self):
        time.sleep(0.3)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *said):
        pass


def receiver():
    """The address of a receiver of webhooks on this machine, which ends with this process."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def head_alone(url, method, path, key, kind, n_bytes):
    """The status of an answer to a request whose body is told to be so long and does not come."""
    there = connection(url)
    try:
        there.putrequest(method, path)
        if key:
            there.putheader("Authorization", f"Bearer {key}")
        there.putheader("Content-Type", kind)
        there.putheader("Content-Length", str(n_bytes))
        there.endheaders()
        return there.getresponse().status
    finally:
        there.close()


def until(status, operations, service, keys, seen, n_tries):
    """Asks for each operation that documents a status until it comes."""
    for method, path, operation in operations:
        if str(status) not in operation["responses"]:
            continue
        kind, body = sample(operation)
        rights = {right for requirement in operation.get("security", []) for right in requirement}
        key = keys["operator" if rights == {"operator"} else "owner"] if rights else None
        for _ in range(n_tries):
            found = ask(service.url, method, address(path, operation), key, body, kind)[0]
            seen.add((f"{method} {path}", found))
            if found == status:
                break


def keys_of(service):
    keys = {right: service.key("--tenant", service.tenant_id, "--right", right) for right in ("reader", "marketer", "ingest")}
    return {**keys, "owner": service.owner, "operator": service.key("--operator")}


def provoke(operations, service, start):
    """The pairs of operation and status that it saw. `start` starts another service with settings of its own."""
    seen = set()
    each(operations, service, keys_of(service), seen)
    live(service, seen)
    narrow = start("narrow", CLEW_TENANT_REQUESTS="1", CLEW_CREDENTIAL_REQUESTS="1", CLEW_IMPORT_MAX="1")
    try:
        until(429, operations, narrow, keys_of(narrow), seen, 12)
        time.sleep(3)
        seen.add(("POST /v1/imports", flood(narrow, 2 << 20)))
    finally:
        narrow.stop()
    full = start("full", CLEW_TENANT_FILES="1")
    try:
        untrained(full, seen)
        rows = b"customer_id,note\n" + b"".join(b"c%d,%s\n" % (i, os.urandom(48).hex().encode()) for i in range(20_000))
        ask(full.url, "POST", "/v1/imports?entity=customers", full.owner, rows, "text/csv")
        until(507, operations, full, keys_of(full), seen, 2)
        paused(full, seen)
        keys = keys_of(full)
        away(full)
        until(503, operations, full, keys, seen, 3)
    finally:
        full.stop()
    return seen


def flood(service, n_bytes):
    """The status of an import of so many bytes, which need not all be taken."""
    host, port = urllib.parse.urlparse(service.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as there:
        head = (f"POST /v1/imports?entity=customers HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {service.owner}\r\n"
                f"Content-Type: text/csv\r\nContent-Length: {n_bytes}\r\n\r\n")
        there.sendall(head.encode())
        try:
            for _ in range(n_bytes >> 16):
                there.sendall(b"c" * (1 << 16))
        except ConnectionError:
            pass
        said = there.recv(64).split(b" ")
        return int(said[1]) if len(said) > 1 else 0


def untrained(service, seen):
    """A campaign is known, and no model."""
    ask(service.url, "POST", "/v1/imports?entity=campaigns", service.owner, b"campaign_id,sent_at\nM1,2026-01-01\n", "text/csv")
    report = "/v1/campaigns/M1/report?" + urllib.parse.urlencode({"expression": "product.price > 0.0"})
    for _ in range(60):
        status = ask(service.url, "GET", report, service.owner)[0]
        seen.add(("GET /v1/campaigns/{id}/report", status))
        if status == 409:
            break
        time.sleep(0.5)


def paused(service, seen):
    """An import whose body stops on its way, for which the service waits half a minute; and one that breaks off."""
    host, port = urllib.parse.urlparse(service.url).netloc.split(":")
    for rest in ("Content-Length: 100\r\n\r\ncustomer_id\n", "Transfer-Encoding: chunked\r\n\r\nthis is no chunk\r\n"):
        with socket.create_connection((host, int(port)), timeout=90) as there:
            head = (f"POST /v1/imports?entity=customers HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {service.owner}\r\n"
                    "Content-Type: text/csv\r\n")
            there.sendall((head + rest).encode())
            said = there.recv(64).split(b" ")
            seen.add(("POST /v1/imports", int(said[1]) if len(said) > 1 else 0))


def away(service):
    """Takes the service's own Postgres away, by the id that it wrote itself; without its data it is not started again."""
    data = service.folder / ".clew" / "postgres" / "data"
    postgres = int((data / "postmaster.pid").read_text().split()[0])
    data.rename(data.with_name("away"))
    os.kill(postgres, signal.SIGKILL)
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
        print(f"  left out {sum(1 for pair in documented if left_out(*pair) == why)}: {why}", flush=True)
    return not missing and not other
