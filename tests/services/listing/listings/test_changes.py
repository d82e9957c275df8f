"""PATCH, withdrawal and the list of one's own, as the surface's document says."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from chassis.db import Database
from contracts.listings import ListingExpired, ListingUpdated, ListingWithdrawn
from services.listing.listings import service
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer, told

NOW = datetime.now(UTC).replace(microsecond=0)


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


async def patched(
    client: httpx.AsyncClient, lot: dict[str, Any], headers: dict[str, str], **body: Any
) -> httpx.Response:
    match = {"If-Match": f'"{lot["version"]}"'}
    return await client.patch(f"/v1/listings/{lot['id']}", json=body, headers=headers | match)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity_kg", 800.5),
        ("min_price_fen_per_kg", 0),
        ("best_before", at(100)),
        ("available_from", at(1)),
        ("available_until", at(30)),
        ("story", "新的故事"),
        ("story", None),
        ("auto_agree", False),
    ],
    ids=range(8),  # times of now make no names: the workers would not agree on them
)
async def test_each_field_that_may_change_changes_alone_and_is_told(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, field: str, value: Any
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer, story="故事", harvested_at=at(-1))
    answer = await patched(client, lot, producer, **{field: value})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"'), answer.text
    now = answer.json()
    follow = {"version", field} | ({"spoils_at", "shelf_life_source"} if field == "best_before" else set())
    assert {name for name in now if now[name] != lot[name]} == follow
    assert now[field] == value
    last = (await told(db))[-1]
    assert isinstance(last, ListingUpdated)
    assert last.version == 2


async def test_what_is_left_out_stays_and_an_empty_change_is_none(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer, story="故事")
    assert (await patched(client, lot, producer)).json() == lot
    assert len(await told(db)) == 1


async def test_a_declared_date_taken_back_leaves_the_catalogues(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer, best_before=at(100))
    now = (await patched(client, lot, producer, best_before=None)).json()
    assert (now["best_before"], now["shelf_life_source"]) == (None, "catalogue")
    assert datetime.fromisoformat(now["spoils_at"]) == datetime.fromisoformat(now["harvested_at"]) + timedelta(days=2)


async def test_frozen_produce_keeps_its_declared_date(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer, temperature_class="frozen", best_before=at(1000))
    answer = await patched(client, lot, producer, best_before=None)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/best_before")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"available_until": at(-1)}, "#/available_until"),
        ({"best_before": at(-24)}, "#/best_before"),
        ({"available_from": None}, "#/available_from"),
        ({"quantity_kg": None}, "#/quantity_kg"),
        ({"quantity_kg": 0}, "#/quantity_kg"),
        ({"min_price_fen_per_kg": None}, "#/min_price_fen_per_kg"),
        ({"auto_agree": None}, "#/auto_agree"),
        ({"story": "a\0"}, "#/story"),
    ],
)
async def test_a_change_that_cannot_be_names_its_field_and_changes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, change: dict[str, Any], pointer: str
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    answer = await patched(client, lot, producer, **change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await client.get(f"/v1/listings/{lot['id']}", headers=producer)).json() == lot
    assert len(await told(db)) == 1


@pytest.mark.parametrize(
    ("stands", "change", "pointer"),
    [
        ({}, {"available_from": -2}, "#/available_from"),  # before the harvest
        ({}, {"available_from": 47.5}, "#/available_from"),  # strawberries keep two days
        ({"available_until": 20}, {"available_from": 20}, "#/available_from"),
        ({"available_until": 20}, {"available_from": 30, "available_until": 25}, "#/available_until"),
        ({"best_before": 20}, {"available_from": 20}, "#/available_from"),
        ({"best_before": 20}, {"available_from": 30, "best_before": 25}, "#/best_before"),
        ({"best_before": 20}, {"best_before": -2}, "#/best_before"),
        ({"best_before": 100, "available_from": 60}, {"best_before": None}, "#/best_before"),
    ],
)
async def test_of_times_that_do_not_go_together_one_that_was_sent_is_named(
    client: httpx.AsyncClient,
    issuer: Issuer,
    stands: dict[str, float],
    change: dict[str, float | None],
    pointer: str,
) -> None:
    def times(hours: dict[str, float | None]) -> dict[str, str | None]:
        return {name: None if hour is None else at(hour) for name, hour in hours.items()}

    producer = issuer.caller("producer")
    lot = await posted(client, producer, **times({"harvested_at": -1, "available_from": 0, **stands}))
    answer = await patched(client, lot, producer, **times(change))
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


async def test_a_withdrawal_is_told_and_keeps_the_figures(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    await hear(db, supply(lot, 1, remaining_g=700_000, agreed_g=500_000))
    answer = await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=producer)
    now = answer.json()
    assert (now["status"], now["agreed_kg"], now["version"], answer.headers["etag"]) == ("withdrawn", 500, 2, '"2"')
    assert isinstance((await told(db))[-1], ListingWithdrawn)


async def test_of_many_withdrawals_and_changes_at_once_one_withdrawal_is_told(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    path = f"/v1/listings/{lot['id']}"
    answers = await asyncio.gather(
        *(client.post(f"{path}/withdraw", headers=producer) for _ in range(5)),
        *(patched(client, lot, producer, story="x") for _ in range(5)),
    )
    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    events = await told(db)
    assert sum(isinstance(event, ListingWithdrawn) for event in events) == 1
    assert [getattr(event, "version", 0) for event in events] == list(range(1, len(events) + 1))


async def test_an_expired_lot_is_neither_changed_nor_withdrawn_and_stays_to_be_read(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    await age(db, lot["id"], spoils_at=NOW - timedelta(hours=1))
    assert await service.expire_spoiled(db) == 1
    assert isinstance((await told(db))[-1], ListingExpired)
    path = f"/v1/listings/{lot['id']}"
    for answer in (
        await client.post(f"{path}/withdraw", headers=producer | {"Accept-Language": "zh"}),
        await patched(client, lot | {"version": 2}, producer, story="x"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/listing-closed")
    assert (await client.get(path, headers=producer)).json()["status"] == "expired"
    assert (await client.get(f"/v1/board/{lot['id']}")).status_code == 404


async def test_a_lot_that_is_withdrawn_does_not_expire(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=producer)
    await age(db, lot["id"], spoils_at=NOW - timedelta(hours=1))
    assert await service.expire_spoiled(db) == 0


async def test_more_lots_than_a_batch_expire_in_one_run(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "EXPIRY_BATCH", 2)
    producer = issuer.caller("producer")
    for _ in range(5):
        await age(db, (await posted(client, producer))["id"], spoils_at=NOW - timedelta(hours=1))
    assert await service.expire_spoiled(db) == 5


async def test_news_of_a_listing_that_is_not_known_is_passed_over(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    stranger = supply(lot | {"id": "01900000-0000-7000-8000-000000000000"}, 1, remaining_g=0)
    await hear(db, stranger, supply(lot, 1, remaining_g=5))
    assert len(await told(db)) == 1


async def test_own_listings_are_filtered_by_all_that_was_asked(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    berry = await posted(client, producer)
    cabbage = await posted(client, producer, produce="cabbage", origin={"adcode": "110101"})
    await client.post(f"/v1/listings/{cabbage['id']}/withdraw", headers=producer)

    async def found(query: str) -> list[str]:
        answer = await client.get(f"/v1/listings?{query}", headers=producer)
        return [each["id"] for each in answer.json()["items"]]

    assert await found("") == [cabbage["id"], berry["id"]]
    assert (
        await found("produce=cabbage") == await found("status=withdrawn") == await found("adcode=11") == [cabbage["id"]]
    )
    assert await found("produce=cabbage&status=open") == await found("adcode=12") == await found("produce=garlic") == []


async def test_a_withdrawal_with_a_key_is_answered_again_as_it_was(client: httpx.AsyncClient, issuer: Issuer) -> None:
    keyed = issuer.caller("producer") | {"Idempotency-Key": "k"}
    lot = await posted(client, {"Authorization": keyed["Authorization"]})
    first = await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=keyed)
    assert (await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=keyed)).content == first.content


async def test_a_field_that_is_there_and_stays_is_said_not_to_change(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    body = {"grade": "B", "colour": "red"}
    answer = await client.patch(f"/v1/listings/{lot['id']}", json=body, headers=producer | {"If-Match": "*"})
    assert [(each["pointer"], each["detail"]) for each in answer.json()["errors"]] == [
        ("#/grade", "It can't be changed."),
        ("#/colour", "There is no such field."),
    ]
