"""An account that was erased: nothing that leads to its producer is left in the listing service."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text, update

from chassis import importing
from chassis.db import Database, WriteSession
from contracts.accounts import AccountErased, AccountEvent
from contracts.listings import ListingEvent, ListingUpdated, ListingWithdrawn
from services.listing import worker
from services.listing.listings import service
from services.listing.listings.importing import IMPORTER
from services.listing.listings.models import Listing
from tests.services.listing.listings.test_api import strawberries
from tests.services.listing.listings.test_service import posted
from tests.services.logistics.test_roles import A_DOT
from tests.support.services import Issuer, told

CANARIES = ("朱集村七组", "张三家的草莓")
ORIGIN = {"adcode": "321323", "village": CANARIES[0], "lon": 118.6912, "lat": 33.7234, "crs": "wgs84"}


class Killed(BaseException):
    """What no work goes on after."""


async def hear(db: Database, *account_ids: UUID) -> None:
    events = [AccountErased(account_id=each, version=2, role="producer") for each in account_ids]
    async with db.transaction() as session:
        for subscription in worker.SUBSCRIPTIONS:
            if subscription.topic == AccountEvent.TOPIC:
                await subscription.handle(session, events)


async def hear_and_forget(db: Database, *account_ids: UUID) -> None:
    """The news comes, and the worker's job has run."""
    await hear(db, *account_ids)
    await worker.forget_erased(db)


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
    await hear_and_forget(db, producer_id)
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
    await hear_and_forget(db, producer_id)
    (updated,) = await news(db)
    assert (type(updated), updated.status, updated.origin.lon) == (ListingUpdated, lifecycle, None)
    (row,) = await kept(db, "listings")
    assert not any(canary in str(row) for canary in CANARIES)


async def test_hearing_of_it_twice_changes_and_tells_nothing_more(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id = uuid4()
    await posted(client, issuer.caller("producer", producer_id), origin=ORIGIN)
    await hear_and_forget(db, producer_id)
    before = await kept(db, "listings")
    await hear_and_forget(db, producer_id)
    assert await kept(db, "listings") == before
    assert len(await news(db)) == 1


async def test_however_many_there_are_each_is_told_of_once(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    caller_id = uuid4()
    ids = {(await posted(client, issuer.caller("producer", caller_id)))["id"] for _ in range(5)}
    await hear_and_forget(db, caller_id, uuid4())
    assert sorted(str(each.listing_id) for each in await news(db)) == sorted(ids)


async def test_the_news_itself_changes_no_listing_and_who_is_killed_is_gone_on_for(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FORGET_BATCH", 2)
    producer_id = uuid4()
    for _ in range(5):
        await posted(client, issuer.caller("producer", producer_id), origin=ORIGIN, story=CANARIES[1])
    await hear(db, producer_id)
    assert {row["lifecycle"] for row in await kept(db, "listings")} == {"open"}
    forget, batches = service.forget_some, 0

    async def dies_on_the_way(session: WriteSession, *where: Any) -> UUID | None:
        nonlocal batches
        batches += 1
        last = await forget(session, *where)
        if batches == 2:
            raise Killed
        return last

    monkeypatch.setattr(service, "forget_some", dies_on_the_way)
    with pytest.raises(Killed):
        await worker.forget_erased(db)
    assert sorted(row["lifecycle"] for row in await kept(db, "listings")) == [*["open"] * 3, *["withdrawn"] * 2]
    await asyncio.gather(worker.forget_erased(db), worker.forget_erased(db))
    rows = await kept(db, "listings")
    assert [(row["lifecycle"], row["version"], row["story"]) for row in rows] == [("withdrawn", 2, None)] * 5
    assert len(await news(db)) == 5
    assert batches == 4, "what was forgotten is not looked at again"


async def test_an_agent_or_admin_writes_nothing_more_for_it_before_it_is_forgotten(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    """An agent's request may have read the consent just before; an admin needs none."""
    producer_id = uuid4()
    lot = await posted(client, issuer.caller("producer", producer_id), origin=ORIGIN)
    await hear(db, producer_id)
    admin = issuer.caller("admin") | {"If-Match": "*"}
    changed = await client.patch(f"/v1/listings/{lot['id']}", json={"story": CANARIES[1]}, headers=admin)
    assert (changed.status_code, changed.json()["type"]) == (409, "/problems/listing-closed")
    files = {"photo": ("photo.png", A_DOT, "image/png")}
    shown = await client.post(f"/v1/listings/{lot['id']}/photos", files=files, headers=issuer.caller("admin"))
    assert (shown.status_code, shown.json()["type"]) == (409, "/problems/listing-closed")
    agent = {"agent_id": str(producer_id)}
    given = await client.post("/v1/consents", json=agent, headers=issuer.caller("producer"))
    assert [each["pointer"] for each in given.json()["errors"]] == ["#/agent_id"]
    assert await kept(db, "consents") == []


async def test_of_many_who_write_while_it_is_erased_nothing_is_left(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id = uuid4()
    caller = issuer.caller("producer", producer_id)
    lots = [await posted(client, caller, origin=ORIGIN) for _ in range(10)]

    async def write(lot: dict[str, Any]) -> None:
        body = strawberries(origin=ORIGIN, story=CANARIES[1])
        await client.post("/v1/listings", json=body, headers=caller)
        told = {"story": CANARIES[1]}
        await client.patch(f"/v1/listings/{lot['id']}", json=told, headers=caller | {"If-Match": "*"})

    async def erase() -> None:
        await asyncio.sleep(0.01)
        await hear_and_forget(db, producer_id)

    await asyncio.gather(erase(), *(write(lot) for lot in lots))
    rows = await kept(db, "listings")
    assert {row["lifecycle"] for row in rows} == {"withdrawn"}
    assert not any(canary in str(row) for row in rows for canary in CANARIES)


async def test_consents_of_and_to_it_are_gone(client: httpx.AsyncClient, issuer: Issuer, db: Database) -> None:
    producer_id, agent_id, other_id = uuid4(), uuid4(), uuid4()
    for giver, taker in ((producer_id, agent_id), (other_id, producer_id), (other_id, agent_id)):
        given = await client.post(
            "/v1/consents", json={"agent_id": str(taker)}, headers=issuer.caller("producer", giver)
        )
        assert given.status_code == 201
    await hear_and_forget(db, producer_id)
    assert [(row["producer_id"], row["agent_id"]) for row in await kept(db, "consents")] == [(other_id, agent_id)]


async def test_what_was_let_in_before_and_comes_after_is_refused(
    client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    producer_id, agent_id = uuid4(), uuid4()
    producer, agent = issuer.caller("producer", producer_id), issuer.caller("agent", agent_id)
    await hear_and_forget(db, producer_id)
    # as another gateway would still let through
    refused = await client.post("/v1/consents", json={"agent_id": str(agent_id)}, headers=producer)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
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
    keep, erasing = IMPORTER._keep, list[asyncio.Task[None]]()

    async def erase_and_keep(*batch: Any) -> Any:
        if not erasing:  # it has to wait for this batch, and is heard of before the next
            erasing.append(asyncio.create_task(hear_and_forget(db, producer_id)))
            await asyncio.sleep(0.1)
        return await keep(*batch)

    monkeypatch.setattr(IMPORTER, "_keep", erase_and_keep)
    headers = issuer.caller("producer", producer_id) | {"Content-Type": "application/x-ndjson"}
    file = "\n".join([json.dumps(strawberries(origin=ORIGIN, story=CANARIES[1]))] * 5)
    answer = await client.post(
        "/v1/listings/import", content=file, headers=headers | {"Idempotency-Key": "13800138000.csv"}
    )
    await asyncio.gather(*erasing)
    await worker.forget_erased(db)
    told_of = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["problem"]["type"] if "problem" in each else "kept" for each in told_of] == [
        *["kept"] * 2,
        *["/problems/unauthenticated"] * 3,
    ]
    rows = await kept(db, "listings")
    assert [row["lifecycle"] for row in rows] == ["withdrawn"] * 2
    assert not any(canary in str(row) for row in rows for canary in CANARIES)
    assert await kept(db, "imports") == [], "no later batch notes it again"
