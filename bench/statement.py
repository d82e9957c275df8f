"""A statement's cost where the ledger has 10⁷ entries, against where it has 10⁵.

The statement is one carrier's month of 2,000 parcels, frozen by the service as an officer does, looked at by the rules
of fraud, and read to its last line. All other subsidies and parcels of the same programme lie around it: 10⁵ of them,
then 10⁷, written by the server itself. Both are measured on one server, one after the other; the figure is the time of
the larger by that of the smaller.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from bench.harness import Bar, Outcome, Plan, Side, Stopwatch, main
from bench.servers import postgres
from chassis.auth import Caller
from chassis.db import Database
from services.logistics.settlements import queries, service
from services.logistics.settlements.schemas import NewSettlement
from services.logistics.subsidy import service as subsidy

BARS = (Bar("statement", "a statement of 2,000 lines among 10⁷ entries", "the same among 10⁵", "s", 1.3, 1.1, "less"),)
LINES = 2_000
RATE_FEN = 200
NOW = datetime(2026, 12, 1, tzinfo=UTC)
BEGAN = NOW - timedelta(days=365)

OPEN = """
INSERT INTO programmes (id, name, funder, kind, starts_at, ends_at, created_by)
VALUES (:id, 'bench', 'bench', 'courier_parcel', :starts, :ends, :id)
"""
RULES = """
INSERT INTO programme_rules (programme_id, version, effective_at, rate_fen, adcodes, produce)
VALUES (:id, 1, :starts, :rate, '{}', '{}')
"""
# An id of version 7 begins with its milliseconds.
ENTRIES = """
WITH added AS (
    INSERT INTO parcels (id, identity, waybill, carrier_id, match_id, weight_g, counted_g, recipient_adcode, order_ref,
                         registered_at, deadline_at, seen, version)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000'
            || '8' || lpad(to_hex(CAST(:first AS bigint) + n), 15, '0'))::uuid,
           'W' || CAST(:first AS bigint) + n, 'W' || CAST(:first AS bigint) + n,
           coalesce(CAST(:payee AS uuid), md5('c' || n % 500)::uuid),
           md5('m' || n % 1000)::uuid, 1000, 1000, '320102', 'O' || CAST(:first AS bigint) + n, at, NULL, 4, 3
    FROM (SELECT n, CAST(:starts AS timestamptz) + n * (CAST(:lasts AS interval) / CAST(:count AS int)) AS at
          FROM generate_series(1, CAST(:count AS int)) n) made
    RETURNING id, match_id, carrier_id, order_ref, registered_at
)
INSERT INTO subsidies (subject_id, match_id, buyer_id, order_ref, status, first_status, programme_id, amount_fen,
                       rule_version, turn, payee_id, posted_at)
SELECT id, match_id, md5('b' || match_id)::uuid, order_ref, 'posted', 'reserved', CAST(:programme AS uuid), :rate, 1, 1,
       carrier_id, registered_at + interval '2 days'
FROM added
"""


async def opened(db: Database) -> UUID:
    programme_id = uuid4()
    async with db.transaction() as session:
        times = {"starts": BEGAN, "ends": NOW + timedelta(days=365)}
        await session.execute(text(OPEN), {"id": programme_id, **times})
        await session.execute(text(RULES), {"id": programme_id, "rate": RATE_FEN, "starts": BEGAN})
        await subsidy.open_fund(session, programme_id, 10**12, RATE_FEN, BEGAN)
    return programme_id


class Ledger:
    """Entries of one programme, and whoever asks for a statement."""

    def __init__(self, db: Database, programme_id: UUID) -> None:
        self._db, self._programme_id = db, programme_id
        self._officer = Caller(account_id=uuid4(), role="programme_officer")
        self._entries = 0

    async def add(self, count: int, payee: UUID | None = None) -> None:
        """So many more: of others over the year, or of this payee over the last month."""
        starts = BEGAN if payee is None else NOW - timedelta(days=30)
        values = {"first": self._entries, "payee": payee, "count": count, "starts": starts}
        values |= {"lasts": NOW - timedelta(days=3) - starts, "programme": self._programme_id, "rate": RATE_FEN}
        async with self._db.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            await session.execute(text(ENTRIES), values)
        self._entries += count

    async def settled(self) -> None:
        """What the server would do by itself in the course of a year."""
        async with self._db.at_once() as connection:
            await connection.execute(text("SET statement_timeout = 0"))
            await connection.execute(text("VACUUM (ANALYZE) parcels, subsidies"))

    async def statement(self) -> float:
        """The seconds that it takes to freeze one and read all of it."""
        payee = uuid4()
        await self.add(LINES, payee)
        watch = Stopwatch(os.getpid())
        body = {"programme_id": self._programme_id, "carrier_id": payee, "from": "2026-10-01", "to": "2026-11-30"}
        async with self._db.transaction() as session:
            made = await service.freeze(session, self._officer, NewSettlement.model_validate(body))
        read = 0
        async for page in queries.pages_of(self._db, made.id):
            read += len(page)
        measured = watch.stop(1)
        assert (made.lines, made.amount_fen, read) == (LINES, LINES * RATE_FEN, LINES)
        return measured.seconds


async def program(plan: Plan) -> list[Outcome]:
    few, many = plan.pick((100_000, 10_000_000), (2_000, 20_000))
    large, small = Side(), Side()
    async with postgres("logistics") as server:
        db = Database(server.url("logistics"), source="/duijie/logistics")
        ledger = Ledger(db, await opened(db))
        await ledger.add(few)
        await ledger.settled()
        await ledger.statement()  # warm
        for _ in range(plan.repeats):
            small.add(await ledger.statement())
        step = 500_000
        for start in range(few, many, step):
            await ledger.add(min(step, many - start))
        await ledger.settled()
        await ledger.statement()
        for _ in range(plan.repeats):
            large.add(await ledger.statement())
        await db.close()
    return [Outcome(BARS[0], large, small)]


if __name__ == "__main__":
    main(program)
