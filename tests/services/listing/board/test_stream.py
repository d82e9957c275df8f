"""The live counter of one open lot: what it shows, when it tells, and how it ends."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from chassis.db import Database
from services.listing.app import create_listing_app
from services.listing.board import service
from tests.services.listing.listings.test_service import age, hear, posted, supply
from tests.support.services import Issuer, kept_app
from tests.support.sse import Listener

NOBODYS = "01900000-0000-7000-8000-00000000dead"


@pytest.fixture
def app(db: Database, issuer: Issuer) -> FastAPI:
    return kept_app(create_listing_app, db, issuer.keys)


def stream_of(listing: dict[str, Any]) -> str:
    return f"/v1/board/{listing['id']}/stream"


async def test_the_first_event_is_the_present_and_each_change_makes_one_more(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    spoils_at = datetime.now(UTC) + timedelta(hours=30)
    lot = await posted(client, issuer.caller("producer"), best_before=spoils_at.isoformat())
    async with Listener(app, stream_of(lot)) as stream:
        assert (stream.status, stream.answer["cache-control"]) == (200, "no-store")
        first = await stream.next()
        assert (first.name, first.id) == ("lot", "1.0")
        assert first.json() == {
            "status": "open",
            "remaining_kg": 1200,
            "sold_kg": 0,
            "hours_left": 30.0,
            "spoils_at": spoils_at.isoformat().replace("+00:00", "Z"),
        }
        await hear(db, supply(lot, 1, remaining_g=700_500, held_g=0, agreed_g=499_500))
        event = await stream.next()
        assert (event.id, event.json()["remaining_kg"], event.json()["sold_kg"]) == ("1.1", 700.5, 499.5)
        await hear(db, supply(lot, 2, remaining_g=700_500, held_g=0, agreed_g=499_500))
        await asyncio.sleep(0.5)
        assert stream.events.empty(), "to the eye nothing has changed"
        await hear(db, supply(lot, 3, remaining_g=0, agreed_g=1_200_000))
        assert (await stream.next()).json()["status"] == "sold_out"


async def test_it_ends_when_the_lot_is_closed_and_the_last_event_says_so(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    producer = issuer.caller("producer")
    lot = await posted(client, producer)
    async with Listener(app, stream_of(lot)) as stream:
        await stream.next()
        await client.post(f"/v1/listings/{lot['id']}/withdraw", headers=producer)
        assert (await stream.next()).json()["status"] == "withdrawn"
        await stream.until_over()
    assert stream.whole
    async with Listener(app, stream_of(lot)) as again:
        pass
    assert again.status == 404


async def test_one_look_serves_all_who_watch_all_lots(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer = issuer.caller("producer")
    lots = [await posted(client, producer) for _ in range(3)]
    looks: list[str] = []
    at_once = db.at_once

    def counted() -> Any:
        looks.append("one statement")
        return at_once()

    monkeypatch.setattr(db, "at_once", counted)
    streams = [Listener(app, stream_of(lot)) for lot in lots for _ in range(5)]
    for stream in streams:
        await stream.__aenter__()
        await stream.next()
    looks.clear()
    await asyncio.sleep(1)
    assert 2 <= len(looks) <= 6
    await hear(db, *[supply(lot, 1, remaining_g=1_000) for lot in lots])
    assert [(await stream.next()).json()["remaining_kg"] for stream in streams] == [1] * 15
    for stream in streams:
        await stream.hang_up()


async def test_it_shows_nothing_of_the_producer_and_needs_no_token(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer
) -> None:
    lot = await posted(client, issuer.caller("producer"))
    async with Listener(app, stream_of(lot)) as stream:
        assert list((await stream.next()).json()) == ["status", "remaining_kg", "sold_kg", "hours_left", "spoils_at"]


@pytest.mark.parametrize("listing_id", [NOBODYS, "not-an-id"])
async def test_a_lot_that_is_not_there_has_no_stream(app: FastAPI, listing_id: str) -> None:
    async with Listener(app, f"/v1/board/{listing_id}/stream") as refused:
        pass
    assert (refused.status, json.loads(refused.body)["type"]) == (404, "/problems/not-found")


async def test_those_who_need_not_say_who_they_are_have_a_bound_of_their_own(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WATCHERS_MAX", 1)
    lot = await posted(client, issuer.caller("producer"))
    async with Listener(app, stream_of(lot)):
        async with Listener(app, stream_of(lot), {"Accept-Language": "zh"}) as refused:
            pass
        told = json.loads(refused.body)
        assert (refused.status, told["type"], told["title"]) == (503, "/problems/streams-full", "长连接已满")


async def test_a_lot_that_spoils_ends_when_that_is_noticed(
    app: FastAPI, client: httpx.AsyncClient, issuer: Issuer, db: Database
) -> None:
    from services.listing.listings.service import expire_spoiled

    lot = await posted(client, issuer.caller("producer"))
    async with Listener(app, stream_of(lot)) as stream:
        await stream.next()
        await age(db, lot["id"], spoils_at=datetime.now(UTC) - timedelta(seconds=1))
        await expire_spoiled(db)
        while (event := (await stream.next()).json())["status"] == "open":
            assert event["hours_left"] == 0
        assert event["status"] == "expired"
        await stream.until_over()
