"""Posting, reading, changing and withdrawing listings, as a producer's phone does it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from contracts.listings import ListingPublished
from tests.support.services import Issuer, told


def strawberries(**changes: Any) -> dict[str, Any]:
    """A lot of strawberries from Siyang, as it would be posted."""
    return {
        "produce": "strawberry",
        "quantity_kg": 1200,
        "min_price_fen_per_kg": 1600,
        "origin": {"adcode": "321323", "lon": 118.69, "lat": 33.72},
        **changes,
    }


async def test_a_posted_listing_is_there_and_was_told(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer = issuer.caller("producer")
    answer = await client.post("/v1/listings", json=strawberries(), headers=producer)
    assert answer.status_code == 201, answer.text
    listing = answer.json()
    assert listing["remaining_kg"] == 1200
    assert listing["status"] == "open"
    assert answer.headers["etag"] == '"1"'
    assert (await client.get(f"/v1/listings/{listing['id']}", headers=producer)).json() == listing
    (event,) = await told(db)
    assert isinstance(event, ListingPublished)
    assert event.quantity_g == 1_200_000


async def test_defaults_are_those_of_the_surface(client: httpx.AsyncClient, issuer: Issuer) -> None:
    before = datetime.now(UTC)
    answer = await client.post("/v1/listings", json=strawberries(), headers=issuer.caller("producer"))
    listing = answer.json()
    available_from = datetime.fromisoformat(listing["available_from"])
    assert before - timedelta(seconds=5) <= available_from <= datetime.now(UTC) + timedelta(seconds=5)
    assert listing["harvested_at"] == listing["available_from"]
    assert (listing["grade"], listing["temperature_class"]) == ("B", "chilled")
    assert listing["shelf_life_source"] == "catalogue"
    assert listing["divisible"] is True
    assert listing["auto_agree"] is True


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"produce": "unobtainium"}, "#/produce"),
        ({"origin": {"adcode": "999999"}}, "#/origin/adcode"),
        ({"quantity_kg": -1}, "#/quantity_kg"),
        ({"quantity_kg": 0.0001}, "#/quantity_kg"),
        ({"quantity_kg": "12"}, "#/quantity_kg"),
        ({"quantity_kg": 10_000_001}, "#/quantity_kg"),
        ({"min_price_fen_per_kg": 1_000_001}, "#/min_price_fen_per_kg"),
        ({"min_price_fen_per_kg": 1.5}, "#/min_price_fen_per_kg"),
        ({"harvested_at": "2099-01-02T00:00:00Z", "available_from": "2099-01-01T00:00:00Z"}, "#/harvested_at"),
        ({"best_before": "2020-01-01T00:00:00Z"}, "#/best_before"),
        ({"available_from": "2099-01-02T00:00:00Z", "available_until": "2099-01-01T00:00:00Z"}, "#/available_until"),
        ({"temperature_class": "frozen"}, "#/best_before"),
        ({"surprise": 1}, "#/surprise"),
        ({"variety": "a\0b"}, "#/variety"),
        ({"origin": {"adcode": "321323", "lon": 118.69}}, "#/origin"),
    ],
)
async def test_bad_input_is_named_in_both_languages_and_changes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, changes: dict[str, Any], pointer: str
) -> None:
    producer = issuer.caller("producer")
    details = []
    for language in ("zh-CN", "en"):
        answer = await client.post(
            "/v1/listings", json=strawberries(**changes), headers=producer | {"Accept-Language": language}
        )
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        details.append(error["detail"])
    assert details[0] != details[1]
    assert await told(db) == []
    assert (await client.get("/v1/listings", headers=producer)).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"quantity_kg": NaN}', b"\xff\xfe", b"[" * 40 + b"]" * 40, b'{"grade": "A", "grade": "B"}'],
    ids=["broken", "NaN", "not UTF-8", "too deep", "a name twice"],
)
async def test_what_is_no_json_is_malformed(client: httpx.AsyncClient, issuer: Issuer, body: bytes) -> None:
    headers = issuer.caller("producer") | {"Content-Type": "application/json"}
    answer = await client.post("/v1/listings", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json")


async def test_a_body_over_the_limit_is_too_large(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await client.post(
        "/v1/listings", json=strawberries(story="x" * 300_000), headers=issuer.caller("producer")
    )
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


async def test_a_change_needs_the_version_that_was_read(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    listing = (await client.post("/v1/listings", json=strawberries(), headers=producer)).json()
    path, change = f"/v1/listings/{listing['id']}", {"min_price_fen_per_kg": 1500}
    assert (await client.patch(path, json=change, headers=producer)).status_code == 428
    changed = await client.patch(path, json=change, headers=producer | {"If-Match": '"1"'})
    assert changed.status_code == 200
    assert (changed.json()["min_price_fen_per_kg"], changed.json()["version"]) == (1500, 2)
    stale = await client.patch(path, json=change, headers=producer | {"If-Match": "1"})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")


async def test_someone_elses_listing_answers_as_a_missing_one(client: httpx.AsyncClient, issuer: Issuer) -> None:
    listing = (await client.post("/v1/listings", json=strawberries(), headers=issuer.caller("producer"))).json()
    stranger = issuer.caller("producer")
    for method, path in (("GET", ""), ("POST", "/withdraw")):
        theirs = await client.request(method, f"/v1/listings/{listing['id']}{path}", headers=stranger)
        missing = await client.request(method, f"/v1/listings/{uuid4()}{path}", headers=stranger)
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()


async def test_one_farmer_one_key_is_one_listing_and_two_farmers_two(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    one, other = issuer.caller("producer"), issuer.caller("producer")
    key = {"Idempotency-Key": "morning-post"}
    first = await client.post("/v1/listings", json=strawberries(), headers=one | key)
    again = await client.post("/v1/listings", json=strawberries(), headers=one | key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    theirs = await client.post("/v1/listings", json=strawberries(), headers=other | key)
    assert theirs.json()["id"] != first.json()["id"]
    reused = await client.post("/v1/listings", json=strawberries(grade="A"), headers=one | key)
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(await told(db)) == 2
