"""What schemathesis must know of clew's API beside the document, for `deploy/contract`.

A schema says which requests are well formed; it cannot say that a cursor must come from the service, that an expression
must be one of clew's language, or that of two fields one must be given. Where schemathesis means to send a good request,
such fields get a good value here, so that it may insist on its being taken. Requests that are meant to be wrong go out
as they were made.
"""
import json
import os
import uuid

import schemathesis

PRODUCTS = 'product.price < 20.0'
CUSTOMERS = 'customer.age >= 18'
# Rules that leave enough for every other request.
RULES = {"product": 'product.price > 1000.0', "customer": 'customer.age < 10'}
KEY_ID = os.environ["CONTRACT_KEY_ID"]
SEEN = open(os.environ["CONTRACT_SEEN"], "a", encoding="utf-8")


def mended(value, name=""):
    """A body, with what no schema can say said rightly."""
    if isinstance(value, list):
        return [mended(one, name) for one in value]
    if name == "segment" and isinstance(value, str):
        return CUSTOMERS
    if not isinstance(value, dict):
        return value
    value = {key: mended(one, key) for key, one in value.items()}
    given = {key for key, one in value.items() if one is not None}
    if "scope" in given:
        value["expression"] = RULES.get(value["scope"], PRODUCTS)
    elif name == "segment":
        value["expression"] = CUSTOMERS
    elif "expression" in given:
        value["expression"] = PRODUCTS
    if "filter" in given:
        value["filter"] = PRODUCTS
    if "product_ids" in given:
        value["product_ids"] = ["P0000000", "P0000001"]
        # Either is what the offer is made of.
        value.pop("expression", None)
    if "url" in given:
        # Public, and by HTTPS.
        value["url"] = "https://hooks.example.com/clew"
    if "password" in given or "new_password" in given:
        # Of one's own, and not made of common words; which are, no schema says.
        value["password" if "password" in given else "new_password"] = "quatre hérons gris, 7 rue du Bac"
    if "kind" in given:
        # A tenant has so many kinds of its own and no more.
        value["kind"] = "view"
    if "occurred_at" in given:
        value["occurred_at"] = "2026-10-01T12:00:00Z"
    if "expires_at" in given:
        value["expires_at"] = "2036-11-22T00:00:00Z"
    return value


def body_of(label, body, table):
    body = mended(body, "segment" if "/segments" in label else "")
    if not isinstance(body, dict):
        return body
    given = {key for key, one in body.items() if one is not None}
    if label == "POST /v1/gain-curves":
        # Either is the offer; an offer that is kept is known to the service alone.
        body.pop("offer_id", None)
        body["offer"] = body.get("offer") or {}
        if not body["offer"].get("product_ids"):
            body["offer"]["expression"] = PRODUCTS
        body["rules"] = [rule for rule in body.get("rules") or [] if isinstance(rule, dict)]
    if label == "PATCH /v1/rules/{id}" and "scope" not in given:
        # What it is about stays, which the request does not say.
        body.pop("expression", None)
    if label == "PATCH /v1/offers/{id}":
        # Of the two, it has one and one only, which the request does not say.
        body = {key: one for key, one in body.items() if key not in ("expression", "product_ids")}
    if label == "POST /v1/offers" and not given & {"expression", "product_ids"}:
        body["expression"] = PRODUCTS
    if label == "PUT /v1/models/schedule" and "every_days" not in given:
        # Days, or at drift, or both.
        body["at_drift"] = True
    if label.startswith("PUT /v1/columns/") and body.get("learn"):
        # Only of such columns is it a question.
        body["class"] = "sensitive"
    if label.startswith("PUT /v1/columns/") and table == "products":
        # Products are no persons.
        body.update({"class": "plain", "learn": False})
    if label == "POST /v1/tenants" and body.get("currency"):
        # One that there is.
        body["currency"] = "EUR"
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    # The key that the run is made with stays: without it all that follows were 401.
    if "/v1/keys/{id}" in label and (case.path_parameters or {}).get("id") == KEY_ID:
        case.path_parameters["id"] = str(uuid.uuid4())
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A key of idempotency is one request's; the generator sends the same one with another.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    query = case.query or {}
    query.pop("cursor", None)
    for name, expression in (("filter", PRODUCTS), ("expression", PRODUCTS), ("segment", CUSTOMERS)):
        if name in query:
            query[name] = expression
    # An offer that is kept is known to the service alone.
    query.pop("offer_id", None)
    if "mapping" in query:
        query["mapping"] = '{"customer_id":"household_id"}'
    if label == "POST /v1/imports" and not case.body:
        # A file of nothing is none.
        case.body = "customer_id\nc-20817\n"
    if isinstance(case.body, (dict, list)):
        case.body = body_of(label, case.body, (case.path_parameters or {}).get("table"))


@schemathesis.hook
def after_call(context, case, response):
    SEEN.write(json.dumps([case.operation.label, response.status_code]) + "\n")
    SEEN.flush()


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()


@schemathesis.serializer("application/vnd.apache.parquet")
def parquet(context, value):
    """Files of Parquet are tried by the parsers' tests; here anything goes out under that name."""
    return value if isinstance(value, bytes) else str(value).encode()
