"""A page of the backlog where 100,000 lots are open, against what PostgreSQL needs to add the same lots up.

Among 300,000 lots of 60 kinds in all counties 100,000 are open, and rates are known for every kind in every province.
Ours is what a supervisor's question costs the service, from the database's clock to the rows of the page: 50 areas by
province, the most at risk first, of the minute's snapshot, with forecasts and medians. The peer is one statement over
the same lots that does neither: their kilograms and their number by province and produce, and when the last of it ends.
No answer that looks at every lot when it is asked can be quicker than that, so the bar is to be as quick as it.

The snapshot is measured beside it: one a minute, whoever asks.
"""

from __future__ import annotations

import asyncio
import os

from sqlalchemy import text

from bench.harness import Bar, Measured, Outcome, Plan, Side, Stopwatch, interleave, main
from bench.servers import postgres
from catalogue import places, produce
from catalogue.places import Level
from chassis.db import Database
from services.listing.backlog import service
from services.listing.backlog.queries import Wanted
from services.listing.backlog.service import Shelf

BARS = (
    Bar(
        "backlog_page", "a page of the backlog at 10⁵ open lots", "one plain GROUP BY of them", "1/s", 1.0, 2.0, "more"
    ),
    Bar(
        "backlog_snapshot",
        "a minute's snapshot of 10⁵ open lots",
        "one plain GROUP BY of them",
        "s",
        20.0,
        10.0,
        "less",
    ),
)
KINDS = 60
PAGE = 50
LOTS = """
INSERT INTO listings (id, producer_id, lifecycle, version, produce, grade, quantity_g, min_price_fen_per_kg,
    origin_adcode, harvested_at, available_from, temperature_class, spoils_at, shelf_life_source, divisible, auto_agree,
    supply_version, remaining_g, held_g, agreed_g)
SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 3 = 0 THEN 'open' ELSE 'withdrawn' END, 1,
    (CAST(:kinds AS text[]))[CAST(1 + n * 7919 % cardinality(CAST(:kinds AS text[])) AS int)],
    'B', 10000 + n % 997 * 1000, 100,
    (CAST(:counties AS text[]))[CAST(1 + n * 104729 % cardinality(CAST(:counties AS text[])) AS int)],
    now(), now(), 'ambient',
    now() + make_interval(hours => CAST(48 + n % 400 AS int)), 'catalogue', true, true,
    0, 10000 + n % 997 * 1000, 0, 0
FROM generate_series(1, CAST(:count AS bigint)) n
"""
RATES = """
INSERT INTO backlog_hazards (produce, adcode, rates, fitted_at)
SELECT kind, area, ARRAY[0.001, 0.002, 0.004, 0.01, 0.02, 0.03], now()
FROM unnest(CAST(:kinds AS text[])) kind, unnest(CAST(:provinces AS text[])) area
"""
PLAIN = """
SELECT left(origin_adcode, 2), produce, sum(remaining_g), count(*), max(least(spoils_at, available_until)) FROM listings
WHERE lifecycle = 'open' AND remaining_g > 0 AND least(spoils_at, available_until) > now() GROUP BY 1, 2
"""


async def fill(db: Database, open_lots: int) -> None:
    counties = [place.adcode for place in places.all_places()]
    kinds = [each.slug for each in produce.all_produce()][:KINDS]
    provinces = ["", *sorted({county[:2] for county in counties})]
    async with db.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(text(LOTS), {"kinds": kinds, "counties": counties, "count": 3 * open_lots})
        await session.execute(text(RATES), {"kinds": kinds, "provinces": provinces})
    async with db.at_once() as connection:
        await connection.execute(text("VACUUM (ANALYZE) listings, backlog_hazards"))


async def program(plan: Plan) -> list[Outcome]:
    open_lots, asked = plan.pick(100_000, 2_000), plan.pick(10, 2)
    async with postgres("listing") as server:
        db = Database(server.url("listing"), source="/duijie/listing")
        await fill(db, open_lots)
        shelf, cost = Shelf(), Side()

        async def pages(_: int) -> Measured:
            watch = Stopwatch(os.getpid())
            for _ in range(asked):
                _, rows = await service.areas(db, shelf, Level.PROVINCE, Wanted(None, None, None), None, PAGE)
                assert len(rows) == PAGE
            return watch.stop(asked)

        async def plain(_: int) -> Measured:
            watch = Stopwatch(os.getpid())
            for _ in range(asked):
                async with db.reading() as session:
                    rows = (await session.execute(text(PLAIN))).all()
                assert sum(row.count for row in rows) == open_lots
            return watch.stop(asked)

        async def snapshot() -> Measured:
            async with db.transaction() as session:
                await session.execute(text("TRUNCATE backlog_snapshots"))
            watch = Stopwatch(os.getpid())
            await service.keep_snapshot(db)
            return watch.stop(1)

        await snapshot()
        kept = asyncio.create_task(_keep(db))
        try:
            ours, peer = await interleave(plan.repeats, pages, plain)
        finally:
            kept.cancel()
        for _ in peer.values:
            cost.add((await snapshot()).seconds)
        await db.close()
    return [Outcome(BARS[0], ours, peer), Outcome(BARS[1], cost, Side([1 / each for each in peer.values]))]


async def _keep(db: Database) -> None:
    """As the worker does, so that no snapshot grows old meanwhile."""
    while True:
        await asyncio.sleep(5)
        await service.keep_snapshot(db)


if __name__ == "__main__":
    main(program)
