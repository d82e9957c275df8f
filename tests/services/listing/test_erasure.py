"""An account that was erased: nothing that leads to its producer is left in the listing service."""

import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text, update

from chassis import importing
from chassis.db import Database
from contracts.accounts import AccountErased, AccountEvent
from contracts.listings import ListingEvent, ListingUpdated, ListingWithdrawn
from services.listing.listings import handlers as listings
from services.listing.listings import service
from services.listing.listings.importing import IMPORTER
from services.listing.listings.models import Listing
from services.listing.producers import handlers as producers
from tests.services.listing.listings.test_api import strawberries
from tests.services.listing.listings.test_service import posted
from tests.support.services import Issuer, told

CANARIES = ("朱集村七组", "张三家的草莓")
ORIGIN = {"adcode": "321323", "village": CANARIES[0], "lon": 118.6912, "lat": 33.7234, "crs": "wgs84"}


async def hear(db: Database, *account_ids: UUID) -> None:
    events = [AccountErased(account_id=each, version=2, role="producer") for each in account_ids]
    async with db.transaction() as session:
        for subscription in (*listings.SUBSCRIPTIONS, *producers.SUBSCRIPTIONS):
            if subscription.topic == AccountEvent.TOPIC:
                await subscription.handle(session, events)


async def kept(db: Database, table: str) -> list[dict[str, Any]]:
    async with db.reading() as session:
        return [dict(row) for row in (await session.execute(text(f"SELECT * FROM {table}"))).mappings()]


async def news(db: Database) -> list[ListingEvent]:
    return [each for each in await told(db) if isinstance(each, (ListingWithdrawn, ListingUpdated))]


async def test_open_listings_are_withdrawn_and_village_point_and_story_are_forgotten(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id, other_id = uuid4(), uuid4()
    for account_id in (producer_id, other_id):
        caller = {**issuer.caller("producer", account_id), "Idempotency-Key": "1"}
        await posted(client, caller, origin=ORIGIN, story=CANARIES[1])
    await hear(db, producer_id)
    rows = {row["producer_id"]: row for row in await kept(db, "listings")}
    mine, others = rows[producer_id], rows[other_id]
    assert (mine["lifecycle"], mine["version"], mine["origin_adcode"]) == ("withdrawn", 2, "321323")
    assert [mine[name] for name in ("origin_village", "origin_lon", "origin_lat", "story")] == [None] * 4
    assert (others["lifecycle"], others["origin_village"], others["story"]) == ("open", *CANARIES)
    (withdrawn,) = await news(db)
    assert (type(withdrawn), withdrawn.listing_id) == (ListingWithdrawn, mine["id"])
    assert (withdrawn.origin.lon, withdrawn.origin.lat) == (None, None)
    assert {row["caller"] for row in await kept(db, "idempotency")} == {str(other_id)}


@pytest.mark.parametrize("lifecycle", ["withdrawn", "expired"])
async def test_of_closed_listings_the_point_is_forgotten_everywhere_and_they_stay_as_they_closed(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, lifecycle: str
) -> None:
    producer_id = uuid4()
    await posted(client, issuer.caller("producer", producer_id), origin=ORIGIN, story=CANARIES[1])
    async with db.transaction() as session:
        await session.execute(update(Listing).values(lifecycle=lifecycle))
    await hear(db, producer_id)
    (updated,) = await news(db)
    assert (type(updated), updated.status, updated.origin.lon) == (ListingUpdated, lifecycle, None)
    (row,) = await kept(db, "listings")
    assert not any(canary in str(row) for canary in CANARIES)


async def test_hearing_of_it_twice_changes_and_tells_nothing_more(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id = uuid4()
    await posted(client, issuer.caller("producer", producer_id), origin=ORIGIN)
    await hear(db, producer_id)
    before = await kept(db, "listings")
    await hear(db, producer_id)
    assert await kept(db, "listings") == before
    assert len(await news(db)) == 1


async def test_however_many_there_are_each_is_told_of_once(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    caller_id = uuid4()
    ids = {(await posted(client, issuer.caller("producer", caller_id)))["id"] for _ in range(5)}
    await hear(db, caller_id, uuid4())
    assert sorted(str(each.listing_id) for each in await news(db)) == sorted(ids)


async def test_consents_of_and_to_it_are_gone(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer_id, agent_id, other_id = uuid4(), uuid4(), uuid4()
    for giver, taker in ((producer_id, agent_id), (other_id, producer_id), (other_id, agent_id)):
        given = await client.post(
            "/v1/consents", json={"agent_id": str(taker)}, headers=issuer.caller("producer", giver)
        )
        assert given.status_code == 201
    await hear(db, producer_id)
    assert [(row["producer_id"], row["agent_id"]) for row in await kept(db, "consents")] == [(other_id, agent_id)]


async def test_what_was_let_in_before_and_comes_after_is_refused(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id, agent_id = uuid4(), uuid4()
    producer, agent = issuer.caller("producer", producer_id), issuer.caller("agent", agent_id)
    await hear(db, producer_id)
    # as another gateway would still let through
    given = await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
    assert given.status_code == 201
    lot = strawberries(origin=ORIGIN, story=CANARIES[1])
    refused = await client.post("/v1/listings", json=lot, headers=producer)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    refused = await client.post("/v1/listings", json=lot | {"producer_id": str(producer_id)}, headers=agent)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/no-consent")
    assert await kept(db, "listings") == []


async def test_an_import_that_began_before_adds_nothing_more_and_says_so_of_each_row(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    producer_id = uuid4()
    keep, batches = IMPORTER._keep, 0

    async def erase_and_keep(*batch: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 2:
            await hear(db, producer_id)
        return await keep(*batch)

    monkeypatch.setattr(IMPORTER, "_keep", erase_and_keep)
    headers = issuer.caller("producer", producer_id) | {"Content-Type": "application/x-ndjson"}
    file = "\n".join([json.dumps(strawberries(origin=ORIGIN, story=CANARIES[1]))] * 5)
    answer = await client.post("/v1/listings/import", content=file, headers=headers)
    told_of = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["problem"]["type"] if "problem" in each else "kept" for each in told_of] == [
        *["kept"] * 2,
        *["/problems/unauthenticated"] * 3,
    ]
    rows = await kept(db, "listings")
    assert [row["lifecycle"] for row in rows] == ["withdrawn"] * 2
    assert not any(canary in str(row) for row in rows for canary in CANARIES)
