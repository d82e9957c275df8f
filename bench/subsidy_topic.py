"""Subsidy postings from the topic, in batches, with inbox and outbox, against raw SQL in batches of 1,000.

Fulfilled matches lie on a Kafka topic; each is worth one reservation and one posting of produce support. Ours is the
logistics consumer with the programmes' own handler: it decodes them, writes their ids, asks who pays, writes what each
match was granted, two chained transfers and the head. The peer writes as many transfers, made before the clock starts,
1,000 at a time and the head with each, in one transaction a batch: what the money alone costs. Afterwards our chain is
walked: every fen has to be where it should.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text

from bench.events import match_event, publish
from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.payers import payers as consumers
from bench.servers import kafka, new_group, postgres
from chassis.db import Database
from chassis.outbox import to_record
from contracts.matches import MatchFulfilled
from contracts.topics import TOPICS
from duijie.postgres import EmbeddedPostgres
from services.logistics.subsidy import ledger
from services.logistics.subsidy import service as subsidy
from services.logistics.subsidy.ledger import Head, Posting, Transfer

PEER = "raw SQL: the same transfers and the head, in batches of 1,000"
BARS = (
    Bar(
        "subsidy_topic",
        "subsidy postings from the topic, batched, with inbox and outbox, two workers",
        PEER,
        "postings/s",
        0.40,
        0.70,
        "more",
    ),
    Bar("subsidy_topic_alone", "the same, one worker", PEER, "postings/s", 0.40, 0.70, "more"),
)
LOOK_S = 0.005
RATE_FEN = 20
MATCH_G = 500_000
FEN = RATE_FEN * MATCH_G // 1000
RAW_BATCH = 1000
TOPIC = MatchFulfilled.TOPIC
PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == TOPIC)

OPEN = """
INSERT INTO programmes (id, name, funder, kind, starts_at, ends_at, created_by)
VALUES (:id, 'bench', 'bench', 'produce_support', :starts, :ends, :id)
"""
RULES = """
INSERT INTO programme_rules (programme_id, version, effective_at, rate_fen, adcodes, produce)
VALUES (:id, 1, :starts, :rate, '{}', '{}')
"""
POSTED = "SELECT posted_fen FROM ledger_heads WHERE programme_id = $1"
CLOSE = "UPDATE programmes SET ends_at = now()"
RAW_TRANSFERS = """
INSERT INTO transfers (programme_id, seq, id, kind, debit, credit, amount_fen, match_id, rule_version, at, prev, hash)
SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::uuid[],
                         $9::int[], $10::timestamptz[], $11::text[], $12::text[])
"""
RAW_HEAD = "UPDATE ledger_heads SET seq = $2, hash = $3, at = $4 WHERE programme_id = $1"
RAW_LOCK = "SELECT seq FROM ledger_heads WHERE programme_id = $1 FOR UPDATE"


async def opened(server: EmbeddedPostgres, matches: int) -> UUID:
    """The one active programme of its kind, with money for all of them."""
    programme_id, now = uuid4(), datetime.now(UTC)
    db = Database(server.url("logistics"), source="/duijie/logistics")
    async with db.transaction() as session:
        await session.execute(text(CLOSE))
        times = {"starts": now - timedelta(days=1), "ends": now + timedelta(days=30)}
        await session.execute(text(OPEN), {"id": programme_id, **times})
        await session.execute(text(RULES), {"id": programme_id, "rate": RATE_FEN, "starts": times["starts"]})
        await subsidy.open_fund(session, programme_id, matches * FEN, RATE_FEN, now)
    await db.close()
    return programme_id


def fulfilled(count: int) -> list[MatchFulfilled]:
    return [match_event(MatchFulfilled, "fulfilled", MATCH_G) for _ in range(count)]


async def ours(payers: int, bootstrap: str, server: EmbeddedPostgres, count: int, pids: Sequence[int]) -> Measured:
    await emptied(server)
    programme_id = await opened(server, count)
    url = server.url("logistics")
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    try:
        async with consumers(payers, bootstrap, url, new_group()) as begun:
            await begun
            watch = Stopwatch(*pids)
            while await connection.fetchval(POSTED, programme_id) < count * FEN:
                await asyncio.sleep(LOOK_S)
            measured = watch.stop(2 * count)
    finally:
        await connection.close()
    db = Database(url, source="/duijie/logistics")
    verified = await subsidy.verify(db, programme_id)
    await db.close()
    assert (verified.ok, verified.transfers) == (True, 2 * count + 1), "not every fen is posted"
    return measured


def transfers(programme_id: UUID, count: int) -> list[Transfer]:
    """The chain that the peer writes."""
    now = datetime.now(UTC)
    head = ledger.apply(Head.genesis(str(programme_id)), [Posting("fund", "opening", now, count * FEN, 1)], {}).head
    postings = [
        Posting(kind, subject, now, FEN, 1, None, subject)
        for subject in (str(uuid4()) for _ in range(count))
        for kind in ("reserve", "post")
    ]
    return ledger.apply(head, postings, {}).transfers  # type: ignore[arg-type]


async def raw(server: EmbeddedPostgres, count: int, pids: Sequence[int]) -> Measured:
    await emptied(server)
    programme_id = await opened(server, count)
    made = transfers(programme_id, count)
    url = server.url("logistics").replace("+asyncpg", "")
    connection = await asyncpg.connect(url, ssl=False)
    try:
        watch = Stopwatch(*pids)
        for start in range(0, len(made), RAW_BATCH):
            batch = made[start : start + RAW_BATCH]
            async with connection.transaction():
                await connection.fetchval(RAW_LOCK, programme_id)
                await connection.execute(RAW_TRANSFERS, programme_id, *_columns(batch))
                last = batch[-1]
                await connection.execute(RAW_HEAD, programme_id, last.seq, last.hash, datetime.fromisoformat(last.at))
        return watch.stop(len(made))
    finally:
        await connection.close()


def _columns(batch: Sequence[Transfer]) -> list[list[object]]:
    names = [name for name in Transfer._fields if name != "parcel_id"]
    columns: list[list[object]] = [[getattr(each, name) for each in batch] for name in names]
    for place, name in enumerate(names):
        if name in {"id", "match_id"}:
            columns[place] = [UUID(str(value)) for value in columns[place]]
        if name == "at":
            columns[place] = [datetime.fromisoformat(str(value)) for value in columns[place]]
    return columns


async def emptied(server: EmbeddedPostgres) -> None:
    """Both sides begin with tables of the same size: none."""
    connection = await asyncpg.connect(server.url("logistics").replace("+asyncpg", ""), ssl=False)
    try:
        # transfers are never deleted, not even here: they lie in programmes of their own
        await connection.execute("TRUNCATE subsidies, inbox, outbox CASCADE")
    finally:
        await connection.close()


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(40_000, 1_000)
    async with postgres("logistics") as server, kafka() as broker:
        records = [to_record(each, "/duijie/matching") for each in fulfilled(count)]
        await publish(broker.bootstrap, TOPIC, PARTITIONS, records)
        pids = [os.getpid()]  # whose children the servers are
        outcomes = []
        for bar, payers in zip(BARS, (2, 1), strict=True):
            sides = await interleave(
                plan.repeats,
                lambda _, payers=payers: ours(payers, broker.bootstrap, server, count, pids),
                lambda _: raw(server, count, pids),
            )
            outcomes.append(Outcome(bar, *sides))
    return outcomes


if __name__ == "__main__":
    main(program)
