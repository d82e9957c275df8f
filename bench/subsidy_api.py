"""Subsidy postings through the API: with 64 connections against the same with 16.

One carrier's parcels, one a request, all of one programme, so that every request waits for the same fund. `duijie serve
logistics` answers at its own port; the figure is the rate over 64 connections by that over 16, which must not fall: a
hot row gets worse with each connection that waits for it. Afterwards the chain is walked, and each parcel that was
answered for is reserved.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bench.events import match_event
from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.house import Client, House, house
from bench.load import closed_loop, post
from bench.servers import postgres
from chassis.db import Database
from contracts.matches import MatchAgreed
from duijie.postgres import EmbeddedPostgres
from services.logistics.shipments.handlers import on_matches

BARS = (
    Bar(
        "subsidy_api",
        "subsidy postings through the API, 64 connections",
        "the same, 16 connections",
        "parcels/s",
        0.90,
        1.0,
        "more",
    ),
)
RATE_FEN = 200
FEW, MANY = 16, 64


class Office:
    """A programme with money for all, and a carrier with a match to send."""

    def __init__(self, at: House, url: str, budget: int) -> None:
        self.url = url
        self.carrier, self.officer = at.caller("carrier"), at.caller("programme_officer")
        self.match = match_event(MatchAgreed, "agreed", 10**9)
        self._budget = budget
        self.programme = ""

    async def open(self, server: EmbeddedPostgres) -> None:
        db = Database(server.url("logistics"), source="/duijie/logistics")
        async with db.transaction() as session:
            await on_matches(session, [self.match])
        await db.close()
        await asyncio.to_thread(self._claim)

    def _claim(self) -> None:
        now = datetime.now(UTC)
        body = {
            "name": "bench",
            "funder": "bench",
            "kind": "courier_parcel",
            "budget_fen": self._budget * RATE_FEN,
            "rate_fen": RATE_FEN,
            "starts_at": (now - timedelta(hours=1)).isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat(),
        }
        with Client(self.url) as client:
            self.programme = client.must(201, "POST", "/v1/programmes", self.officer, body)["id"]
            (mine,) = client.must(200, "GET", "/v1/shipments?status=open", self.carrier)["items"]
            client.must(200, "POST", f"/v1/shipments/{mine['id']}/claim", self.carrier)

    def requests(self, count: int) -> list[bytes]:
        parcels = [
            {"waybill": uuid4().hex, "match_id": str(self.match.match_id), "weight_g": 1, "recipient_adcode": "320102"}
            for _ in range(count)
        ]
        return [post(self.url, "/v1/parcels", self.carrier, [each]) for each in parcels]

    def audit(self, parcels: int) -> None:
        with Client(self.url) as client:
            money = client.must(200, "GET", f"/v1/programmes/{self.programme}", self.officer)
            assert money["parcels"]["reserved"] == parcels, f"{money['parcels']}, and {parcels} were sent"
            assert money["reserved_fen"] == parcels * RATE_FEN
            assert client.must(200, "GET", f"/v1/programmes/{self.programme}/verify", self.officer)["ok"]


async def run(office: Office, count: int, connections: int, pids: tuple[int, ...]) -> Measured:
    requests = office.requests(count)
    watch = Stopwatch(*pids)
    answers = await closed_loop(office.url, requests, connections)
    measured = watch.stop(count)
    assert answers.statuses == {200: count}, f"{answers.statuses}: {answers.odd}"
    return measured


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(3_000, 300)
    async with postgres("gateway", "listing", "matching", "logistics") as server:
        with house(server) as at, at.running("serve", "logistics") as api:
            office = Office(at, api.url, 100 * count)
            await office.open(server)
            pids = (api.pid,)
            sent = 0

            async def side(connections: int) -> Measured:
                nonlocal sent
                sent += count
                return await run(office, count, connections, pids)

            sides = await interleave(plan.repeats, lambda _: side(MANY), lambda _: side(FEW))
            await asyncio.to_thread(office.audit, sent)
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
