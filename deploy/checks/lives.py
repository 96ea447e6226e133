"""For `deploy/contract`: the life of each noun, from its making to its end, on a tenant that has data and a model; so that
what an operation answers when all is well, and when it stands against what is stored, does not hang on what a generator
of requests happens to find."""
import json
import time
import urllib.parse

import wire

PASSWORD = "quatre hérons gris, 7 rue du Bac"
# Waits end after so many seconds.
PATIENCE_S = 120


class Life:
    """Asks as one credential, and keeps what it saw."""

    def __init__(self, service, tenant_id, owner, seen):
        self.service, self.tenant_id, self.owner, self.seen = service, tenant_id, owner, seen

    def see(self, status, label, path=None, body=None, key="", kind="application/json"):
        """The body of an answer that must have this status; None: any. Another ends the life with what was said."""
        method = label.split(" ")[0]
        found, text = wire.ask(self.service.url, method, path or label.split(" ")[1], self.owner if key == "" else key, body, kind)
        self.seen.add((label.split("?")[0], found))
        if status is not None and found != status:
            raise RuntimeError(f"{label}: {found} where {status} was expected: {text.decode()[:400]}")
        return json.loads(text) if text[:1] in (b"{", b"[") else {}

    def until(self, status, label, path, body=None):
        """Asks until this status comes."""
        end = time.monotonic() + PATIENCE_S
        while True:
            if status == self.status(label, path, body):
                return
            if time.monotonic() > end:
                raise RuntimeError(f"{label}: no {status} within {PATIENCE_S} s")
            time.sleep(0.2)

    def status(self, label, path, body=None):
        found = wire.ask(self.service.url, label.split(" ")[0], path, self.owner, body)[0]
        self.seen.add((label, found))
        return found

    def ended(self, job_id):
        """Follows a job to its end."""
        end = time.monotonic() + PATIENCE_S
        while True:
            job = self.see(200, "GET /v1/jobs/{id}", f"/v1/jobs/{job_id}")
            if job["state"] not in ("queued", "running"):
                return job["state"]
            if time.monotonic() > end:
                raise RuntimeError(f"the job {job_id} has not ended within {PATIENCE_S} s")
            time.sleep(0.2)


def at(label, thing):
    """The path of a label with the thing in it."""
    path = label.split(" ")[1]
    return path.replace("{id}", urllib.parse.quote(str(thing), safe=""))


def of_service(life):
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        life.see(200, f"GET {path}", key=None)
    for path in ("/v1/data", "/v1/tenant", "/v1/audit", "/v1/audit/verify", "/v1/columns", "/v1/campaigns", "/v1/retention"):
        life.see(200, f"GET {path}")
    life.see(200, "PATCH /v1/tenant", body={"minimum_support": 20})
    life.see(200, "PUT /v1/retention", body={"audit_days": 365})
    column = "PUT /v1/columns/{table}/{column}"
    life.see(200, column, "/v1/columns/products/title", {"class": "plain"})
    campaign = life.see(200, "GET /v1/campaigns?limit=1")["data"][0]["id"]
    life.see(200, "GET /v1/campaigns/{id}", f"/v1/campaigns/{campaign}")


def of_what_is_written(life):
    """Offers, segments and rules."""
    rule = {"name": "none", "scope": "product", "expression": "product.price > 100000.0", "reason": "dear", "enabled": False}
    for noun, new, part in (("offers", {"name": "all", "expression": "product.price > 0.0"}, "products"),
                            ("segments", {"name": "adults", "expression": "customer.age >= 18"}, "members"), ("rules", rule, None)):
        one = f"/v1/{noun}/{{id}}"
        made = life.see(201, f"POST /v1/{noun}", body=new)["id"]
        life.see(200, f"GET /v1/{noun}")
        life.see(200, f"GET {one}", f"/v1/{noun}/{made}")
        life.see(200, f"PATCH {one}", f"/v1/{noun}/{made}", {"name": "renamed"})
        if part:
            life.see(200, f"GET {one}/{part}", f"/v1/{noun}/{made}/{part}")
        life.see(204, f"DELETE {one}", f"/v1/{noun}/{made}")
    life.see(200, "POST /v1/rules/test", body={"scope": "customer", "expression": "customer.age < 18"})


def of_rows(life):
    """Customers, one of them erased, and products."""
    for noun in ("customers", "products"):
        one, path = f"/v1/{noun}/{{id}}", f"/v1/{noun}/lives-1"
        life.see(201, f"PUT {one}", path, {})
        life.see(200, f"PUT {one}", path, {})
        life.see(200, f"GET {one}", path)
        life.see(200, f"PATCH {one}", path, {})
    life.see(204, "DELETE /v1/products/{id}", "/v1/products/lives-1")
    life.see(200, "GET /v1/customers/{id}/data", "/v1/customers/lives-1/data")
    receipt = life.see(202, "DELETE /v1/customers/{id}", "/v1/customers/lives-1")
    life.see(200, "GET /v1/erasures")
    life.see(200, "GET /v1/erasures/{id}", f"/v1/erasures/{receipt['id']}")
    life.see(409, "PUT /v1/customers/{id}", "/v1/customers/lives-1", {})


def of_data(life):
    """What is sent."""
    life.see(202, "POST /v1/events", body={"events": [{"kind": "view", "customer_id": "C0000001", "product_id": "P0000001"}]})
    imported = life.see(202, "POST /v1/imports?entity=customers", body=b"customer_id\n\n", kind="text/csv")
    life.ended(imported["job_id"])
    life.see(200, "GET /v1/imports")
    for path in ("/v1/imports/{id}", "/v1/imports/{id}/rejected"):
        life.see(200, f"GET {path}", path.replace("{id}", imported["id"]))


def of_models(life, model_id):
    """A training that is cancelled, and what the model answers that is there."""
    cancelled = life.see(202, "POST /v1/models", body={})
    one = cancelled["id"]
    # It waits for its worker or learns for seconds: neither is it ready at once.
    for label in ("GET /v1/models/{id}/report", "POST /v1/models/{id}/activate"):
        life.see(409, label, at(label, one))
    life.see(200, "GET /v1/jobs/{id}/events", f"/v1/jobs/{cancelled['job_id']}/events")
    life.see(200, "POST /v1/jobs/{id}/cancel", f"/v1/jobs/{cancelled['job_id']}/cancel")
    life.ended(cancelled["job_id"])
    life.see(200, "GET /v1/jobs")
    life.see(200, "GET /v1/models")
    for label in ("GET /v1/models/{id}", "GET /v1/models/{id}/report", "POST /v1/models/{id}/activate"):
        life.see(200, label, at(label, model_id))
    life.see(200, "POST /v1/models/estimate", body={})
    life.status("DELETE /v1/models/schedule", "/v1/models/schedule")
    for method, status in (("GET", 404), ("DELETE", 404), ("PUT", 200), ("GET", 200), ("DELETE", 204)):
        life.see(status, f"{method} /v1/models/schedule", body={"every_days": 7} if method == "PUT" else None)
    life.see(200, "POST /v1/gain-curves", body={"offer": {"expression": "product.price > 0.0"}})
    recommended = "GET /v1/customers/{id}/recommendations"
    life.see(200, recommended, at(recommended, "C0000001"))
    life.see(200, "POST /v1/recommendations", body={"customer_ids": ["C0000001"]})


def of_campaigns(life):
    """The report of a campaign that was sent."""
    report = "GET /v1/campaigns/{id}/report"
    for row in life.see(200, "GET /v1/campaigns?limit=1000")["data"]:
        if life.status(report, at(report, row["id"])) == 200:
            return
    raise RuntimeError(f"{report}: 200 of no campaign")


def of_keys(life):
    made = life.see(201, "POST /v1/keys", body={"name": "lives", "right": "reader"})["id"]
    life.see(200, "GET /v1/keys")
    life.see(200, "GET /v1/keys/{id}", f"/v1/keys/{made}")
    for status in (201, 409):
        life.see(status, "POST /v1/keys/{id}/rotate", f"/v1/keys/{made}/rotate", {"overlap_seconds": 0})
    life.see(204, "DELETE /v1/keys/{id}", f"/v1/keys/{made}")


def of_tenants(life, operator):
    made = life.see(201, "POST /v1/tenants", body={"name": "Another"}, key=operator)["id"]
    life.see(200, "GET /v1/tenants", key=operator)
    life.see(200, "GET /v1/tenants/{id}", f"/v1/tenants/{made}", key=operator)


def of_members(life):
    """Two owners: one signs in, changes the password, signs out and is removed; the other stays the last one."""
    member, people = "/v1/members/{id}", []
    for name in ("anna", "bruno"):
        new = {"email": f"{name}@example.com", "name": name.title(), "right": "owner"}
        invited = life.see(201, "POST /v1/members", body=new)
        life.see(409, "POST /v1/members", body=new)
        signed = life.see(200, "POST /v1/sign-in/invitation", key=None, body={"invitation": invited["invitation"], "password": PASSWORD})
        people.append((f"/v1/members/{invited['id']}", signed))
    (one, signed), (other, _) = people
    life.see(200, "GET /v1/members")
    life.see(200, f"GET {member}", one)
    life.see(401, "POST /v1/sign-in", key=None, body={"email": "nobody@example.com", "password": PASSWORD})
    account = {"email": "anna@example.com", "password": PASSWORD, "tenant_id": life.tenant_id}
    signed = life.see(200, "POST /v1/sign-in", key=None, body=account)
    for status in (200, 401):
        life.see(status, "POST /v1/sign-in/refresh", key=None, body={"refresh_token": signed["refresh_token"]})
    life.see(401, "POST /v1/sign-in/invitation", key=None, body={"invitation": "none", "password": PASSWORD})
    token = life.see(200, "POST /v1/sign-in", key=None, body=account)["access_token"]
    change = {"current_password": PASSWORD, "new_password": "huit mésanges bleues, 3 rue du Four"}
    for key, status in ((life.owner, 409), (token, 204)):
        life.see(status, "PUT /v1/password", body=change, key=key)
        life.see(status, "POST /v1/sign-out", key=key)
    life.see(201, f"POST {member}/invitation", f"{one}/invitation")
    life.see(204, f"DELETE {member}", one)
    life.see(409, f"PATCH {member}", other, {"right": "reader"})
    life.see(200, f"PATCH {member}", other, {"name": "Bruno Blanc"})
    life.see(409, f"DELETE {member}", other)


def answer_of_provider(life):
    """What a page sends to the service when its provider has signed somebody in."""
    begun = life.see(200, "POST /v1/sign-in/openid", key=None)
    back = urllib.parse.parse_qs(urllib.parse.urlparse(wire.sent_to(begun["authorization_url"])).query)
    return {"attempt": begun["attempt"], "code": back["code"][0], "state": back["state"][0]}


def of_openid(life):
    """Somebody is invited, and signs in with an account elsewhere; somebody else had not begun."""
    life.see(200, "GET /v1/sign-in/openid", key=None)
    life.see(201, "POST /v1/members", body={"email": "eloise@example.com", "right": "reader"})
    life.see(200, "POST /v1/sign-in/openid/session", key=None, body=answer_of_provider(life))
    life.see(401, "POST /v1/sign-in/openid/session", key=None, body={"attempt": "none", "code": "none", "state": "none"})


def of_webhooks(life):
    hook, url = "/v1/webhooks/{id}", wire.receiver()
    made = life.see(201, "POST /v1/webhooks", body={"url": url})["id"]
    one = f"/v1/webhooks/{made}"
    life.see(200, "GET /v1/webhooks")
    life.see(200, f"GET {hook}", one)
    life.see(200, f"PATCH {hook}", one, {"enabled": True})
    life.see(200, f"POST {hook}/rotate", f"{one}/rotate", {"overlap_seconds": 0})
    told = life.see(200, f"POST {hook}/test", f"{one}/test")["id"]
    # Taken by the receiver, it is told once more; while that is still being tried, not again.
    replay = "POST /v1/deliveries/{id}/replay"
    life.until(200, replay, at(replay, told))
    life.until(409, replay, at(replay, told))
    life.see(200, f"GET {hook}/deliveries", f"{one}/deliveries")
    others = []
    while len(others) < 1000:
        status, text = wire.ask(life.service.url, "POST", "/v1/webhooks", life.owner, {"url": url})
        life.seen.add(("POST /v1/webhooks", status))
        if status != 201:
            break
        others.append(json.loads(text)["id"])
    for row in [made, *others]:
        life.see(204, f"DELETE {hook}", f"/v1/webhooks/{row}")


def all_of(life, model_id, operator):
    """Every life by its name."""
    return {"service": lambda: of_service(life), "offers, segments, rules": lambda: of_what_is_written(life),
            "customers, products": lambda: of_rows(life), "data": lambda: of_data(life), "models": lambda: of_models(life, model_id),
            "campaigns": lambda: of_campaigns(life), "keys": lambda: of_keys(life), "tenants": lambda: of_tenants(life, operator),
            "members": lambda: of_members(life), "accounts elsewhere": lambda: of_openid(life), "webhooks": lambda: of_webhooks(life)}
