"""A feed page of 100 items that is sealed, against FastAPI that returns fixed bytes of that size.

`duijie serve matching` answers at its own port; its feeds were filled before. Each reader has an account of its own and
turns the sealed pages of its feed, from the first on and then again, so that a page is asked for many times under one
token: all but the first come from memory (`chassis/sealed.py`). The peer knows no caller and no page, only bytes. Both
sides send as many, over as many connections that are kept; afterwards each page is what the database holds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.house import Client, House, end, house, ready_url, spawn
from bench.load import closed_loop, get
from bench.servers import folder, postgres
from chassis.db import Database
from contracts.listings import Place
from duijie.postgres import EmbeddedPostgres
from services.matching.feed.models import FEED
from services.matching.feed.schemas import Consents, MatchOut
from services.matching.feed.service import Note, note_all

BARS = (
    Bar(
        "feed_page",
        "feed page of 100, already sealed",
        "FastAPI returning fixed bytes of that size",
        "pages/s",
        0.50,
        0.90,
        "more",
    ),
)
PAGE = 100
READERS = 20
PAGES = 5
"""Sealed pages of each reader."""
CONNECTIONS = 16


class Feeds:
    """The filled feeds, and what each page of them has to be."""

    def __init__(self, at: House) -> None:
        self._accounts = [uuid4() for _ in range(READERS)]
        self._callers = [at.caller("platform", account) for account in self._accounts]
        self.pages: dict[tuple[UUID, int], bytes] = {}

    async def fill(self, server: EmbeddedPostgres) -> None:
        db = Database(server.url("matching"), source="/duijie/matching")
        for _ in range(PAGES):
            async with db.transaction() as session:
                await note_all(session, [Note("match.agreed", a_match(), self._accounts) for _ in range(PAGE)])
            while await FEED.append_batch(db):
                pass
        for account in self._accounts:
            for after in range(0, PAGES * PAGE, PAGE):
                page = await FEED.page(db, account, after, PAGE)
                assert len(json.loads(page.body)["items"]) == PAGE
                self.pages[account, after] = page.body
        await db.close()

    def requests(self, url: str, count: int) -> list[bytes]:
        """Of all readers, each its next page."""
        turns = [(number % READERS, number // READERS % PAGES * PAGE) for number in range(count)]
        return [get(url, path_of(after), self._callers[reader]) for reader, after in turns]

    def audit(self, url: str) -> None:
        with Client(url) as client:
            for account, caller in zip(self._accounts, self._callers, strict=True):
                for after in range(0, PAGES * PAGE, PAGE):
                    assert client.must(200, "GET", path_of(after), caller) == json.loads(self.pages[account, after])


def a_match() -> MatchOut:
    """Of the usual size."""
    place = Place(adcode="321323", lon=118.69, lat=33.72)
    now = datetime.now(UTC)
    return MatchOut(
        id=uuid4(),
        listing_id=uuid4(),
        order_id=uuid4(),
        producer_id=uuid4(),
        buyer_id=uuid4(),
        produce="strawberry",
        quantity_kg=480_000,
        price_fen_per_kg=1830,
        freight_fen_per_kg=62,
        delivered_price_fen_per_kg=1892,
        amount_fen=878_400,
        distance_km=341.2,
        arrives_at=now + timedelta(hours=10),
        remaining_life_h=61.5,
        status="agreed",
        reason=None,
        words=None,
        consents=Consents(producer=True, buyer=True),
        agree_by=None,
        round_id=uuid4(),
        origin=place,
        destination=place,
        version=1,
        created_at=now,
    )


def path_of(after: int) -> str:
    return f"/v1/feed/matches?after={after}&limit={PAGE}"


async def run(requests: list[bytes], url: str, pids: tuple[int, ...]) -> Measured:
    watch = Stopwatch(*pids)
    answers = await closed_loop(url, requests, CONNECTIONS)
    measured = watch.stop(len(requests))
    assert answers.statuses == {200: len(requests)}, f"{answers.statuses}: {answers.odd}"
    return measured


async def program(plan: Plan) -> Sequence[Outcome]:
    count = plan.pick(3_000, 200)
    async with postgres("matching") as server:
        with house(server) as at, at.running("serve", "matching") as api, folder() as place:
            feeds = Feeds(at)
            await feeds.fill(server)
            fixed = place / "page.json"
            fixed.write_bytes(next(iter(feeds.pages.values())))
            peer = spawn([sys.executable, "-m", "bench.fixed", str(fixed)], at.environment)
            try:
                there = ready_url(peer)
                ours, theirs = feeds.requests(api.url, count), feeds.requests(there, count)
                sides = await interleave(
                    plan.repeats,
                    lambda _: run(ours, api.url, (api.pid, server.pid)),
                    lambda _: run(theirs, there, (peer.pid,)),
                )
            finally:
                end(peer)
            await asyncio.to_thread(feeds.audit, api.url)
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
