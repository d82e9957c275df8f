"""The outbox relay against a raw aiokafka batch producer, acks=all, of the same records.

Ours is `chassis.outbox.Relay` over `KafkaTransport`: it reads the rows, publishes them in order, and deletes what was
acknowledged. The clock ends when the outbox is empty. The peer holds the records in memory, as bytes; it sorts them by
their partitions, with a cached hash as ours, and sends each partition's as full batches, one after the other,
idempotent too.

Ours is bound by the relay's own Python: a row, its headers, its part of a batch. Headers stand in the outbox in one
piece: as JSONB they cost PostgreSQL, the relay's reading and its encoding more than all the rest. Batches of 1,000 wait
too often for a round trip. Tried and dropped: header values as arrays of bytes; uvloop, which serves both sides alike.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from bench.events import PARTITIONS, TOPIC, supply_records
from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.servers import kafka, postgres
from chassis.db import Database
from chassis.outbox import Relay
from chassis.transport.base import Record
from chassis.transport.headers import PackedHeaders
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_producing import BATCH_BYTES
from chassis.transport.kafka_topics import ensure_topics
from duijie.postgres import EmbeddedPostgres

BARS = (
    Bar(
        "relay",
        "outbox relay: rows read, published in order, deleted",
        "raw aiokafka batch producer, acks=all, the same records from memory",
        "events/s",
        0.50,
        0.80,
        "more",
    ),
)

LOOK_EVERY_S = 0.002


class Counting(KafkaTransport):
    """Counts what was acknowledged."""

    acknowledged = 0

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        await super().publish(records, after=after)
        self.acknowledged += len(records)


async def ours(bootstrap: str, server: EmbeddedPostgres, records: Sequence[Record], pids: Sequence[int]) -> Measured:
    db = Database(server.url("matching"), source="/duijie/matching")
    looking = await asyncpg.connect(server.superuser_dsn("matching"), ssl=False)
    try:
        await fill(looking, records)
        async with Counting(bootstrap) as transport:
            watch = Stopwatch(*pids)
            relaying = asyncio.create_task(Relay(db, transport).run())
            while not await _sent(transport, looking, len(records)):
                if relaying.done():
                    await relaying
                await asyncio.sleep(LOOK_EVERY_S)
            measured = watch.stop(len(records))
            relaying.cancel()
            with suppress(asyncio.CancelledError):
                await relaying
        assert transport.acknowledged == len(records), f"{transport.acknowledged} of {len(records)} were sent"
        return measured
    finally:
        await looking.close()
        await db.close()


async def _sent(transport: Counting, connection: asyncpg.Connection, count: int) -> bool:
    """All were acknowledged and their rows are gone; the rows are not looked at before."""
    return transport.acknowledged >= count and not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")


async def fill(connection: asyncpg.Connection, records: Sequence[Record]) -> None:
    rows = [(each.topic, each.key, PackedHeaders.of(each.headers).packed, each.value) for each in records]
    await connection.copy_records_to_table("outbox", records=rows, columns=["topic", "key", "headers", "value"])
    await connection.execute("VACUUM ANALYZE outbox")


def as_bytes(records: Sequence[Record]) -> list[dict[str, Any]]:
    """As aiokafka takes them."""
    return [
        {
            "timestamp": None,
            "key": each.key.encode(),
            "value": each.value,
            "headers": [(name, value.encode()) for name, value in each.headers.items()],
        }
        for each in records
    ]


@cache
def partition_of(key: bytes) -> int:
    """Where Kafka's clients put the key. aiokafka's hash is pure Python, so ours is spared from computing it, too."""
    return int((murmur2(key) & 0x7FFFFFFF) % PARTITIONS)


async def raw(bootstrap: str, rows: Sequence[Mapping[str, Any]], pids: Sequence[int]) -> Measured:
    watch = Stopwatch(*pids)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES
    )
    await producer.start()
    try:
        by_partition: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for row in rows:
            by_partition[partition_of(row["key"])].append(row)
        sent = await asyncio.gather(*(_send_all(producer, at, those) for at, those in by_partition.items()))
        return watch.stop(sum(sent))
    finally:
        await producer.stop()


async def _send_all(producer: AIOKafkaProducer, partition: int, rows: Sequence[Mapping[str, Any]]) -> int:
    batch = producer.create_batch()
    for row in rows:
        if batch.append(**row) is None:
            await (await producer.send_batch(batch, TOPIC, partition=partition))
            batch = producer.create_batch()
            batch.append(**row)
    await (await producer.send_batch(batch, TOPIC, partition=partition))
    return len(rows)


async def program(plan: Plan) -> list[Outcome]:
    records = supply_records(plan.pick(50_000, 2_000))
    async with postgres("matching") as server, kafka() as broker:
        await ensure_topics(broker.bootstrap, {TOPIC: PARTITIONS})
        rows = as_bytes(records)
        pids = [os.getpid()]  # whose children the servers are
        sides = await interleave(
            plan.repeats,
            lambda _: ours(broker.bootstrap, server, records, pids),
            lambda _: raw(broker.bootstrap, rows, pids),
        )
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
