"""What happens to listings without their producer: supply is heard of, lots spoil."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from chassis.db import Database, WriteSession
from contracts.listings import ListingExpired, ListingUpdated
from contracts.supply import RemainingChanged
from services.listing.listings import handlers, service
from services.listing.listings.models import Listing, Spell
from services.listing.worker import SUBSCRIPTIONS
from tests.services.listing.listings.test_api import strawberries
from tests.support.services import Issuer, told


async def posted(client: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/listings", json=strawberries(**changes), headers=headers)
    assert answer.status_code == 201, answer.text
    listing: dict[str, Any] = answer.json()
    return listing


def supply(listing: dict[str, Any], version: int, **figures: int) -> RemainingChanged:
    return RemainingChanged(
        **{
            "listing_id": listing["id"],
            "version": version,
            "listing_version": 1,
            "quantity_g": 1_200_000,
            "remaining_g": 1_200_000,
            "held_g": 0,
            "agreed_g": 0,
            **figures,
        }
    )


async def hear(db: Database, *news: RemainingChanged) -> None:
    async with db.transaction() as session:
        for subscription in SUBSCRIPTIONS:
            if subscription.topic == RemainingChanged.TOPIC:
                await subscription.handle(session, news)


async def test_sold_out_is_nothing_left_and_nothing_held_and_a_release_reopens(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    path = f"/v1/listings/{listing['id']}"
    await hear(db, supply(listing, 1, remaining_g=0, held_g=1_200_000))
    assert (await client.get(path, headers=producer)).json()["status"] == "open"
    await hear(db, supply(listing, 2, remaining_g=0, agreed_g=1_200_000))
    sold = (await client.get(path, headers=producer)).json()
    assert (sold["status"], sold["agreed_kg"], sold["version"]) == ("sold_out", 1200, 1)
    await hear(db, supply(listing, 3, remaining_g=200_000, agreed_g=1_000_000))
    assert (await client.get(path, headers=producer)).json()["status"] == "open"
    of_status = {
        status: len((await client.get(f"/v1/listings?status={status}", headers=producer)).json()["items"])
        for status in ("open", "sold_out", "withdrawn", "expired")
    }
    assert of_status == {"open": 1, "sold_out": 0, "withdrawn": 0, "expired": 0}


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
async def test_news_of_supply_that_comes_late_changes_nothing(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, order: tuple[int, ...]
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    for version in order:
        await hear(db, supply(listing, version, remaining_g=version * 1000))
    now = (await client.get(f"/v1/listings/{listing['id']}", headers=producer)).json()
    assert now["remaining_kg"] == 3


async def test_a_clamped_quantity_comes_back_as_a_new_version(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    path = f"/v1/listings/{listing['id']}"
    lowered = await client.patch(path, json={"quantity_kg": 100}, headers=producer | {"If-Match": "1"})
    assert (lowered.json()["quantity_kg"], lowered.json()["version"]) == (100, 2)
    stale = supply(listing, 1, quantity_g=1_200_000, agreed_g=300_000, remaining_g=900_000)
    await hear(db, stale)
    assert (await client.get(path, headers=producer)).json()["quantity_kg"] == 100  # a newer wish is on its way
    clamped = supply(listing, 2, listing_version=2, quantity_g=300_000, agreed_g=300_000, remaining_g=0)
    await hear(db, clamped)
    now = (await client.get(path, headers=producer)).json()
    assert (now["quantity_kg"], now["version"], now["status"]) == (300, 3, "sold_out")
    last = (await told(db))[-1]
    assert isinstance(last, ListingUpdated)
    assert (last.quantity_g, last.version) == (300_000, 3)


async def age(db: Database, listing_id: str, **times: datetime) -> None:
    async with db.transaction() as session:
        await session.execute(update(Listing).where(Listing.id == UUID(listing_id)).values(**times))


async def test_a_lot_expires_by_the_databases_clock_once(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    spoiled, closed, fresh = [await posted(client, producer) for _ in range(3)]
    a_moment_ago = datetime.now(UTC) - timedelta(seconds=5)
    await age(db, spoiled["id"], spoils_at=a_moment_ago)
    await age(db, closed["id"], available_until=a_moment_ago)
    counts = await asyncio.gather(*(service.expire_spoiled(db) for _ in range(4)))
    assert sum(counts) == 2
    expired = [event for event in await told(db) if isinstance(event, ListingExpired)]
    assert {str(event.listing_id) for event in expired} == {spoiled["id"], closed["id"]}
    statuses = {
        each["id"]: each["status"] for each in (await client.get("/v1/listings", headers=producer)).json()["items"]
    }
    assert statuses == {spoiled["id"]: "expired", closed["id"]: "expired", fresh["id"]: "open"}


async def test_a_closed_listing_takes_no_change_and_a_withdrawal_is_the_same_twice(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    path = f"/v1/listings/{listing['id']}"
    first = await client.post(f"{path}/withdraw", headers=producer)
    assert (first.status_code, first.json()["status"], first.json()["version"]) == (200, "withdrawn", 2)
    assert (await client.post(f"{path}/withdraw", headers=producer)).json() == first.json()
    assert len(await told(db)) == 2
    refused = await client.patch(path, json={"story": "x"}, headers=producer | {"If-Match": "2"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/listing-closed")


async def test_of_two_changes_of_one_version_one_is_taken(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    path, match = f"/v1/listings/{listing['id']}", producer | {"If-Match": "1"}
    answers = await asyncio.gather(
        *(client.patch(path, json={"min_price_fen_per_kg": price}, headers=match) for price in range(1000, 1008))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert len(await told(db)) == 2


async def test_own_listings_page_newest_first_without_gap(client: httpx.AsyncClient, issuer: Issuer) -> None:
    producer = issuer.caller("producer")
    ids = [(await posted(client, producer))["id"] for _ in range(7)]
    seen: list[str] = []
    after = None
    while True:
        query = "?limit=3" + (f"&after={after}" if after else "")
        page = (await client.get(f"/v1/listings{query}", headers=producer)).json()
        seen += [each["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids[::-1]


async def test_listings_hear_of_supply_whoever_else_does(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer = issuer.caller("producer")
    listing = await posted(client, producer)
    noted: list[Spell] = []

    async def note(_session: WriteSession, spells: Sequence[Spell]) -> None:
        noted.extend(spells)

    for version, subscriptions in ((1, handlers.SUBSCRIPTIONS), (2, handlers.subscriptions(note))):
        (on_supply,) = [each for each in subscriptions if each.topic == RemainingChanged.TOPIC]
        async with db.transaction() as session:
            await on_supply.handle(session, [supply(listing, version, remaining_g=version * 1000)])
        read = (await client.get(f"/v1/listings/{listing['id']}", headers=producer)).json()
        assert read["remaining_kg"] == version
    assert [spell.remaining_g for spell in noted] == [1000]
