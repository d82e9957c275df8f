"""Who may do what with listings and consents: every role on every route, and nobody with another's id."""

from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.accounts import Role
from tests.services.listing.listings.test_api import strawberries
from tests.services.listing.listings.test_service import posted
from tests.services.listing.photos.test_api import picture
from tests.support.services import Issuer, told

SELLERS = {"producer", "agent", "admin"}
ID = "01900000-0000-7000-8000-000000000000"
ROUTES: list[tuple[str, str, set[str]]] = [
    ("POST", "/v1/listings", SELLERS),
    ("POST", "/v1/listings/import", SELLERS),
    ("GET", "/v1/listings", SELLERS),
    ("GET", f"/v1/listings/{ID}", SELLERS),
    ("PATCH", f"/v1/listings/{ID}", SELLERS),
    ("POST", f"/v1/listings/{ID}/withdraw", SELLERS),
    ("POST", f"/v1/listings/{ID}/photos", SELLERS),
    ("GET", f"/v1/listings/{ID}/photos", SELLERS),
    ("GET", f"/v1/listings/{ID}/photos/{ID}", SELLERS),
    ("DELETE", f"/v1/listings/{ID}/photos/{ID}", SELLERS),
    ("GET", "/v1/backlog", {"supervisor", "admin"}),
    ("GET", "/v1/backlog/lots", {"supervisor", "admin"}),
    ("GET", "/v1/backlog/trend", {"supervisor", "admin"}),
    ("POST", "/v1/consents", {"producer", "admin"}),
    ("GET", "/v1/consents", SELLERS),
    ("DELETE", f"/v1/consents/{ID}", {"producer", "admin"}),
]


def body_for(method: str, path: str) -> dict[str, Any]:
    if path.endswith("/photos"):
        return {"files": {"photo": picture()}}
    if method == "POST" and path == "/v1/listings":
        return {"json": strawberries()}
    return {"json": {"agent_id": ID} if path == "/v1/consents" else {"story": "x"}}


@pytest.mark.parametrize(("method", "path", "may"), ROUTES, ids=[f"{method} {path}" for method, path, _ in ROUTES])
async def test_every_role_may_what_the_surface_says_and_nobody_without_a_token(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, method: str, path: str, may: set[str]
) -> None:
    body = {} if method in {"GET", "DELETE"} else body_for(method, path)
    nobody = await client.request(method, path, **body)
    assert (nobody.status_code, nobody.json()["type"]) == (401, "/problems/unauthenticated")
    for role in get_args(Role):
        answer = await client.request(method, path, **body, headers=issuer.caller(role) | {"If-Match": "1"})
        assert (answer.status_code == 403) == (role not in may), (role, answer.text)
        assert answer.status_code < 500
        if role not in may:
            assert answer.json()["type"] == "/problems/forbidden"
    refused = len(get_args(Role)) - len(may)
    assert refused > 0
    assert len(await told(db)) == (2 if (method, path) == ("POST", "/v1/listings") else 0), "producer and admin alone"


@pytest.mark.parametrize("role", ["producer", "agent"])
@pytest.mark.parametrize(
    ("method", "suffix", "body"), [("GET", "", None), ("PATCH", "", {"story": "x"}), ("POST", "/withdraw", {})]
)
async def test_another_persons_listing_answers_as_a_missing_one(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, role: Role, method: str, suffix: str, body: Any
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    stranger = issuer.caller(role) | {"If-Match": "1"}
    answers = [
        await client.request(method, f"/v1/listings/{each}{suffix}", json=body, headers=stranger)
        for each in (lot["id"], uuid4(), "not-an-id")
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    assert len(await told(db)) == 1


async def test_lists_hold_ones_own_alone_and_an_admins_everyones(client: httpx.AsyncClient, issuer: Issuer) -> None:
    one, other = issuer.caller("producer"), issuer.caller("producer")
    mine, theirs = await posted(client, one), await posted(client, other)

    async def seen(headers: dict[str, str]) -> set[str]:
        return {each["id"] for each in (await client.get("/v1/listings", headers=headers)).json()["items"]}

    assert await seen(one) == {mine["id"]}
    assert await seen(other) == {theirs["id"]}
    assert await seen(issuer.caller("agent")) == set()
    assert await seen(issuer.caller("admin")) == {mine["id"], theirs["id"]}


async def test_an_admin_may_read_change_and_withdraw_anyones(client: httpx.AsyncClient, issuer: Issuer) -> None:
    lot, admin = await posted(client, issuer.caller("producer")), issuer.caller("admin")
    path = f"/v1/listings/{lot['id']}"
    assert (await client.get(path, headers=admin)).json() == lot
    changed = await client.patch(path, json={"story": "x"}, headers=admin | {"If-Match": "1"})
    assert (changed.status_code, changed.json()["producer_id"]) == (200, lot["producer_id"])
    assert (await client.post(f"{path}/withdraw", headers=admin)).json()["status"] == "withdrawn"


@pytest.mark.parametrize(
    "field",
    [
        *("id", "status", "remaining_kg", "held_kg", "agreed_kg", "spoils_at", "shelf_life_source", "version"),
        *("created_at", "on_market", "supply_version", "lifecycle"),
    ],
)
async def test_what_the_server_alone_decides_is_refused_in_a_body(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, field: str
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    created = await client.post("/v1/listings", json=strawberries(**{field: 1}), headers=producer)
    changed = await client.patch(f"/v1/listings/{lot['id']}", json={field: 1}, headers=producer | {"If-Match": "1"})
    for answer in (created, changed):
        assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [f"#/{field}"])
    assert len(await told(db)) == 1


@pytest.mark.parametrize("field", ["producer_id", "produce", "grade", "origin", "temperature_class", "harvested_at"])
async def test_what_a_lot_is_cannot_be_changed_afterwards(
    client: httpx.AsyncClient, issuer: Issuer, field: str
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    headers = producer | {"If-Match": "1"}
    answer = await client.patch(f"/v1/listings/{lot['id']}", json={field: lot[field]}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")
