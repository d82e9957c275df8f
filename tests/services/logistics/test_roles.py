"""Who may do what: every operation of the logistics service for every role, and for nobody."""

import base64
import re
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from contracts.accounts import Role
from tests.support.services import Issuer

ID = str(uuid4())
A_DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
"""A PNG of one red pixel."""
PARTIES = {"carrier", "producer", "agent", "platform", "group_leader", "citizen"}

OPERATIONS: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/vehicles"): {"carrier"},
    ("GET", "/v1/vehicles"): {"carrier"},
    ("GET", f"/v1/vehicles/{ID}"): {"carrier"},
    ("PATCH", f"/v1/vehicles/{ID}"): {"carrier"},
    ("GET", "/v1/shipments"): PARTIES,
    ("GET", f"/v1/shipments/{ID}"): PARTIES,
    ("GET", f"/v1/shipments/{ID}/events"): PARTIES,
    ("GET", f"/v1/shipments/{ID}/photos"): PARTIES,
    ("POST", f"/v1/shipments/{ID}/photos"): {"carrier"},
    ("GET", f"/v1/shipments/{ID}/photos/{ID}"): PARTIES,
    ("GET", "/v1/feed/shipments"): PARTIES,
    ("GET", "/v1/feed/shipments/open"): {"carrier"},
    ("GET", "/v1/feed/shipments/stream"): PARTIES,
    ("GET", "/v1/feed/shipments/open/stream"): {"carrier"},
    ("POST", f"/v1/shipments/{ID}/claim"): {"carrier"},
    ("POST", f"/v1/shipments/{ID}/release"): {"carrier"},
    ("POST", f"/v1/shipments/{ID}/events"): {"carrier"},
    ("POST", "/v1/routes"): {"carrier"},
    ("POST", "/v1/routes/solve"): {"carrier"},
    ("GET", "/v1/routes"): {"carrier"},
    ("GET", f"/v1/routes/{ID}"): {"carrier"},
    ("POST", "/v1/parcels"): {"carrier"},
    ("POST", "/v1/parcels/scans"): {"carrier"},
    ("GET", "/v1/parcels"): {"carrier"},
    ("GET", "/v1/parcels/SF1"): {"carrier", "programme_officer", "auditor"},
    ("POST", "/v1/programmes"): {"programme_officer"},
    ("GET", "/v1/programmes"): {"programme_officer", "auditor"},
    ("GET", f"/v1/programmes/{ID}"): {"programme_officer", "auditor"},
    **{
        ("POST", f"/v1/programmes/{ID}/{kind}"): {"programme_officer"}
        for kind in ("rules", "topup", "pause", "resume", "close", f"approvals/{ID}")
    },
    ("GET", f"/v1/programmes/{ID}/approvals"): {"programme_officer", "auditor"},
    ("GET", f"/v1/programmes/{ID}/approvals/{ID}"): {"programme_officer", "auditor"},
    ("GET", "/v1/programmes/approvals"): {"programme_officer", "auditor"},
    **{
        ("GET", f"/v1/programmes/{ID}/{under}"): {"programme_officer", "auditor"}
        for under in ("ledger", "seals", "balances", "burndown", "rules")
    },
    ("GET", "/v1/flags"): {"programme_officer", "auditor"},
    ("POST", f"/v1/flags/{ID}/review"): {"programme_officer"},
    ("POST", "/v1/clawbacks"): {"programme_officer"},
    ("GET", "/v1/clawbacks"): {"programme_officer", "auditor", "carrier", "producer"},
    ("GET", f"/v1/clawbacks/{ID}"): {"programme_officer", "auditor", "carrier", "producer"},
    ("POST", f"/v1/clawbacks/{ID}/objection"): {"carrier", "producer"},
    ("POST", f"/v1/clawbacks/{ID}/decision"): {"programme_officer"},
    ("POST", f"/v1/clawbacks/{ID}/repayments"): {"programme_officer"},
    ("POST", "/v1/settlements"): {"programme_officer"},
    ("POST", "/v1/settlements/reconcile"): {"programme_officer", "auditor"},
    ("GET", "/v1/settlements/owed"): {"programme_officer", "auditor"},
    ("GET", "/v1/settlements"): {"programme_officer", "auditor", "carrier", "producer"},
    ("GET", f"/v1/settlements/{ID}"): {"programme_officer", "auditor", "carrier", "producer"},
    ("POST", f"/v1/settlements/{ID}/pay"): {"programme_officer"},
    ("POST", f"/v1/settlements/{ID}/corrections"): {"programme_officer"},
    ("GET", f"/v1/settlements/{ID}/corrections"): {"programme_officer", "auditor", "carrier", "producer"},
    ("GET", f"/v1/settlements/{ID}/corrections/{ID}"): {"programme_officer", "auditor", "carrier", "producer"},
    ("POST", f"/v1/settlements/{ID}/corrections/{ID}/decision"): {"programme_officer"},
    ("GET", f"/v1/programmes/{ID}/transfers"): {"programme_officer", "auditor"},
    ("GET", f"/v1/programmes/{ID}/verify"): {"programme_officer", "auditor"},
}


OF_THE_OFFICE = ("/v1/programmes", "/v1/settlements", "/v1/clawbacks", "/v1/flags")


def sent(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """These headers, with a body of the kind that the operation takes."""
    if path.endswith("/reconcile"):
        return {"headers": headers | {"Content-Type": "text/csv"}, "content": b"reference,amount"}
    if method == "POST" and path.endswith("/photos"):
        return {"headers": headers, "files": {"photo": ("photo.png", A_DOT, "image/png")}}
    if path.endswith("/stream"):
        return {"headers": headers | {"Last-Event-ID": "x"}}  # this client waits for the end, which no stream has
    return {"headers": headers} | ({"json": {}} if method in {"POST", "PATCH"} else {})


def operations_of(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Those of the OpenAPI document, with ids filled in as above."""
    found = set()
    for path, methods in document["paths"].items():
        filled = path.replace("{waybill}", "SF1")
        filled = re.sub(r"\{[a-z]+_id\}", ID, filled)
        found |= {(method.upper(), filled) for method in methods if path.startswith("/v1/")}
    return found


async def test_no_operation_is_forgotten_here(client: httpx.AsyncClient) -> None:
    assert operations_of((await client.get("/openapi.json")).json()) == OPERATIONS.keys()


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.replace(ID, "id"))
async def test_only_its_roles_and_an_admin_are_let_in(
    client: httpx.AsyncClient, issuer: Issuer, method: str, path: str
) -> None:
    for role in get_args(Role):
        answer = await client.request(method, path, **sent(method, path, issuer.caller(role)))
        let_in = role in OPERATIONS[method, path] | {"admin"}
        assert (answer.status_code != 403) is let_in, (role, answer.text)
        assert answer.status_code < 500, answer.text
        if not let_in:
            assert answer.json()["type"] == "/problems/forbidden"


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.replace(ID, "id"))
async def test_nobody_is_let_in_without_a_token_of_ours(
    client: httpx.AsyncClient, issuer: Issuer, method: str, path: str
) -> None:
    foreign = Issuer().caller("admin")
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}, foreign):
        answer = await client.request(method, path, **sent(method, path, headers))
        assert (answer.status_code, answer.headers["www-authenticate"].split()[0]) == (401, "Bearer"), answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [each for each in OPERATIONS if ID in each[1] and not each[1].startswith(OF_THE_OFFICE)],
    ids=lambda part: part.replace(ID, "id"),
)
async def test_an_id_that_is_none_is_not_there_rather_than_malformed(
    client: httpx.AsyncClient, issuer: Issuer, method: str, path: str
) -> None:
    carrier = issuer.caller("carrier") | ({"If-Match": "*"} if method == "PATCH" else {})
    body = sent(method, path, carrier)
    if path.endswith("/events") and method == "POST":
        body["json"] = {"type": "failed", "at": "2026-11-22T04:00:00Z"}
    missing = await client.request(method, path, **body)
    malformed = await client.request(method, path.replace(ID, "1"), **body)
    assert (missing.status_code, malformed.status_code) == (404, 404)
    assert missing.json() == malformed.json()


@pytest.mark.parametrize("under", ["", "/transfers", "/verify"])
async def test_a_programme_that_is_none_is_not_there(client: httpx.AsyncClient, issuer: Issuer, under: str) -> None:
    for programme_id in (ID, "1"):
        answer = await client.get(f"/v1/programmes/{programme_id}{under}", headers=issuer.caller("auditor"))
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("path", ["/v1/vehicles", "/v1/shipments", "/v1/routes", "/v1/programmes"])
@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=1"])
async def test_a_page_has_1_to_500_items_and_begins_behind_an_id(
    client: httpx.AsyncClient, issuer: Issuer, path: str, query: str
) -> None:
    answer = await client.get(f"{path}?{query}", headers=issuer.caller("admin"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].endswith(f"/{query.split('=', maxsplit=1)[0]}")


@pytest.mark.parametrize("path", ["/v1/vehicles", "/v1/shipments", "/v1/routes", "/v1/programmes"])
async def test_an_empty_list_is_a_page_without_a_next(client: httpx.AsyncClient, issuer: Issuer, path: str) -> None:
    for query in ("", "?limit=500", f"?after={ID}"):
        answer = await client.get(path + query, headers=issuer.caller("admin"))
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    ("method", "path"),
    [each for each in OPERATIONS if "json" in sent(*each, {})],
    ids=lambda part: part.replace(ID, "id"),
)
@pytest.mark.parametrize("body", [b"{", b'{"a": NaN}', b"\xff", b'{"a":1,"a":2}', b"[" * 40 + b"]" * 40])
async def test_what_is_no_strict_json_is_refused_everywhere(
    client: httpx.AsyncClient, issuer: Issuer, method: str, path: str, body: bytes
) -> None:
    headers = issuer.caller("admin") | {"content-type": "application/json"}
    answer = await client.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json")


async def test_an_array_larger_than_a_request_may_be_is_too_large(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for path in ("/v1/parcels", "/v1/parcels/scans"):
        answer = await client.post(path, json=["x" * 1000] * 300, headers=issuer.caller("carrier"))
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
