"""A whole round of a market: read, build, solve, prove, write; against OR-tools over the same arcs, and again after a
small change.

The market stands in PostgreSQL with every listing and order free. Ours is `rounds.service`: what the timer and
`POST /v1/rounds` call, solvers apart. The peer, `SimpleMinCostFlow`, is given the finished network of all compatible
pairs as arrays; it reads, proves and writes nothing. All lots can leave tomorrow, so that the same pairs are compatible
in each repeat. The plan is worth the peer's optimum, or the run has no figure.

Then 1 % of the listings and of the orders come anew, and the timer's next round is measured against the cold one of the
same repeat. A cold clearing of that same moment has to come to the same value.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from bench.harness import Bar, Measured, Outcome, Plan, Side, Stopwatch, interleave, main
from bench.servers import postgres
from bench.solve import cost_by_ortools, network_of, quicker_way_round, seconds_of
from bench.worlds import bids, lots
from chassis.cursors import EPOCH
from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.candidates import all_arcs
from services.matching.optimiser.clear import clear
from services.matching.optimiser.flow import Network
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.policy import POLICY_1
from services.matching.rounds import service, snapshot
from services.matching.rounds.models import Round
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.snapshot import instant_of, us_of

PRODUCE = "cabbage"
COUNTY = "321323"
SOMEBODY = UUID(int=1)
SIZES = {"200k": (5_000, (5.0, 8.0)), "1M": (12_000, (5.0, 8.0))}
"""Listings, as many orders, and within how many hours they want it: that many pairs are compatible."""
CHANGED = 100  # one of so many


def bars(size: str) -> tuple[Bar, Bar]:
    first = size == next(iter(SIZES))
    cold = Bar(
        "round" if first else f"round_{size}",
        f"a whole round, {size} arcs: read, build, solve, prove, write",
        "OR-tools SimpleMinCostFlow, build and solve of the same arcs",
        "s",
        6.0,
        1.0 if first else 0.5,
        "less",
    )
    again = Bar(
        "rematch" if first else f"rematch_{size}",
        f"the round after 1 % of {size} arcs' market changed",
        "the cold round of the same market",
        "s",
        0.15,
        0.05,
        "less",
    )
    return cold, again


BARS = tuple(bar for size in SIZES for bar in bars(size))


@dataclass(slots=True)
class Stall:
    """A market in PostgreSQL that is set up anew for each repeat."""

    server: EmbeddedPostgres
    db: Database
    pool: SolverPool
    lots: list[Listing]
    bids: list[Order]
    newcomers: tuple[list[Listing], list[Order]]

    async def cold(self) -> tuple[Round, Measured]:
        """Everything free, then one round."""
        async with self._connection() as connection:
            await _empty(connection)
            await _fill(connection, self.lots, self.bids)
        watch = Stopwatch(os.getpid())
        (cleared,) = await service.clear_now(self.db, self.pool, PRODUCE)
        return cleared, watch.stop(1)

    async def change(self) -> None:
        """The newcomers come."""
        async with self._connection() as connection:
            await _fill(connection, *self.newcomers)

    async def again(self) -> tuple[Round, Measured]:
        """The timer's next round."""
        assert (await snapshot.take(self.db, PRODUCE)).changed, "what changed is known"
        watch = Stopwatch(os.getpid())
        cleared = await service.clear_changed(self.db, self.pool, PRODUCE)
        assert cleared is not None, "the market had changed"
        return cleared, watch.stop(1)

    async def value_mfen(self) -> int:
        """What a cold clearing would come to now."""
        seen = await snapshot.take(self.db, PRODUCE)
        return clear(seen.market, POLICY_1, seen.now_us).value_mfen

    async def network(self) -> tuple[Network, int]:
        """The flow problem of all compatible pairs, and its optimal cost."""
        async with self._connection() as connection:
            await _empty(connection)
            await _fill(connection, self.lots, self.bids)
        seen = await snapshot.take(self.db, PRODUCE)
        instance = Instance.of(seen.market, POLICY_1, seen.now_us)
        arcs = all_arcs(instance, 10**8)
        assert arcs is not None
        print(f"{len(arcs):,} arcs, {len(self.lots):,} x {len(self.bids):,}", flush=True)
        return network_of(instance, arcs)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.server.superuser_dsn("matching"), ssl=False)
        try:
            yield connection
        finally:
            await connection.close()


KEPT = ("alembic_version", "policies", "policy_periods", "policy_starts")


async def _empty(connection: asyncpg.Connection) -> None:
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ($1)", list(KEPT)
    )
    await connection.execute(f"TRUNCATE {', '.join(row['tablename'] for row in tables)}")


async def _fill(connection: asyncpg.Connection, listings: Sequence[Listing], orders: Sequence[Order]) -> None:
    for table, rows in (("supply", map(_supply, listings)), ("orders", map(_order, orders))):
        records = list(rows)
        await connection.copy_records_to_table(
            table, columns=list(records[0]), records=[list(each.values()) for each in records]
        )
    rows = [UUID(each.id) for each in [*listings, *orders]]
    await connection.execute(
        "INSERT INTO market_changes (produce, row_id) SELECT $1, unnest($2::uuid[])", PRODUCE, rows
    )
    await connection.execute("VACUUM ANALYZE")


def _supply(lot: Listing) -> dict[str, Any]:
    return {
        "listing_id": UUID(lot.id),
        "producer_id": SOMEBODY,
        "listing_version": 1,
        "version": 1,
        "terms": 1,
        "status": "open",
        "produce": PRODUCE,
        "grade": lot.grade,
        "listed_g": lot.quantity_g,
        "quantity_g": lot.quantity_g,
        "held_g": 0,
        "agreed_g": 0,
        "min_price_fen_per_kg": lot.floor_fen_per_kg,
        "origin_adcode": COUNTY,
        "origin_lon": lot.lon,
        "origin_lat": lot.lat,
        "temperature_class": lot.temperature_class,
        "available_from": instant_of(lot.available_from_us),
        "available_until": None,
        "spoils_at": instant_of(lot.spoils_at_us),
        "divisible": True,
        "auto_agree": True,
    }


def _order(bid: Order) -> dict[str, Any]:
    return {
        "id": UUID(bid.id),
        "buyer_id": SOMEBODY,
        "lifecycle": "open",
        "version": 1,
        "terms": 1,
        "produce": PRODUCE,
        "min_grade": bid.min_grade,
        "min_fill_g": 0,
        "quantity_g": bid.wanted_g,
        "held_g": 0,
        "agreed_g": 0,
        "max_price_fen_per_kg": bid.ceiling_fen_per_kg,
        "price_basis": "delivered",
        "kind": "bulk",
        "destination_adcode": COUNTY,
        "destination_lon": bid.lon,
        "destination_lat": bid.lat,
        "deliver_from": EPOCH,
        "deliver_by": instant_of(bid.deliver_by_us),
        "min_remaining_life_h": 24,
        "listing_id": None,
        "auto_agree": True,
        "reference": None,
    }


async def measured(plan: Plan, size: str, server: EmbeddedPostgres, db: Database, pool: SolverPool) -> list[Outcome]:
    rows, due_h = (60, (8.0, 30.0)) if plan.smoke else SIZES[size]
    tomorrow_us = us_of(datetime.now(UTC) + timedelta(days=1))
    few = max(1, rows // CHANGED)
    newcomers = lots(few, tomorrow_us, seed=3), bids(few, tomorrow_us, 4, due_h)
    stall = Stall(server, db, pool, lots(rows, tomorrow_us, 1), bids(rows, tomorrow_us, 2, due_h), newcomers)
    network, cost = await stall.network()
    assert cost_by_ortools(network) == cost, "both find the same optimum"
    network = quicker_way_round(network)
    best_mfen = await stall.value_mfen()
    changed = Side(), Side()

    async def ours(number: int) -> Measured:
        cleared, cold = await stall.cold()
        assert cleared.value_mfen == best_mfen
        assert cleared.certified_gap == 0
        await stall.change()
        expected_mfen = await stall.value_mfen() if number < 0 else None
        following, again = await stall.again()
        assert expected_mfen in {None, following.value_mfen}, "as a cold clearing would"
        print(f"cold {cold.seconds:.2f} s, {cleared.matches:,} matches; after the change {again.seconds:.2f} s")
        if number >= 0:
            changed[0].add(again.seconds)
            changed[1].add(cold.seconds)
        return cold

    async def peer(_: int) -> Measured:
        watch = Stopwatch(os.getpid())
        await asyncio.to_thread(partial(cost_by_ortools, network))
        return watch.stop(1)

    sides = map(seconds_of, await interleave(plan.repeats, ours, peer))
    cold_bar, again_bar = bars(size)
    return [Outcome(cold_bar, *sides), Outcome(again_bar, *changed)]


async def program(plan: Plan) -> list[Outcome]:
    async with postgres("matching") as server:
        db, pool = Database(server.url("matching"), source="/duijie/matching"), SolverPool(workers=2, timeout_s=600)
        await pool.start()
        try:
            return [outcome for size in SIZES for outcome in await measured(plan, size, server, db, pool)]
        finally:
            await pool.stop()
            await db.close()


if __name__ == "__main__":
    main(program)
