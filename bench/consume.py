"""Kafka consume + inbox + a handler that does nothing, against raw aiokafka `getmany`.

Ours is `chassis.inbox.Consumer` over `KafkaTransport`, with its events decoded and their ids in PostgreSQL before the
offsets are committed. The peer reads the same topic, as many records at a time, and commits the offsets of each batch.
The clock starts with the first batch, so that joining the group counts for nobody, and ends with the last commit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing, suppress
from functools import partial

from aiokafka import AIOKafkaConsumer

from bench.events import PARTITIONS, TOPIC, publish, supply_records
from bench.harness import Bar, Measured, Outcome, Plan, Stopwatch, interleave, main
from bench.servers import kafka, new_group, postgres
from chassis.db import Database, WriteSession
from chassis.inbox import BATCH, Consumer, Subscription
from chassis.transport.base import Batch
from chassis.transport.kafka import KafkaTransport
from contracts.event import Event
from duijie.postgres import EmbeddedPostgres

BARS = (
    Bar(
        "consume",
        "Kafka consume, inbox, no-op handler",
        "raw aiokafka getmany, offsets committed by the batch",
        "events/s",
        0.40,
        0.70,
        "more",
    ),
)


class Watched(KafkaTransport):
    """Tells when the first batch came, and when as many records as expected were acknowledged."""

    def __init__(self, bootstrap: str, expected: int, pids: Sequence[int]) -> None:
        super().__init__(bootstrap)
        self._expected = expected
        self._pids = pids
        self._acknowledged = 0
        self._watch: Stopwatch | None = None
        self.done: asyncio.Future[Measured] = asyncio.get_running_loop().create_future()

    async def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        async with aclosing(super().consume(group, topics, limit=limit)) as batches:
            async for batch in batches:
                self._watch = self._watch or Stopwatch(*self._pids)
                yield Batch(batch.records, partial(self._count, batch))

    async def _count(self, batch: Batch) -> None:
        await batch.acknowledge()
        self._acknowledged += len(batch.records)
        if self._acknowledged >= self._expected and not self.done.done() and self._watch is not None:
            self.done.set_result(self._watch.stop(self._acknowledged))


async def ours(bootstrap: str, server: EmbeddedPostgres, count: int, pids: Sequence[int]) -> Measured:
    handled = 0

    async def nothing(session: WriteSession, events: Sequence[Event]) -> None:
        nonlocal handled
        handled += len(events)

    db = Database(server.url("matching"), source="/duijie/matching")
    async with Watched(bootstrap, count, pids) as transport:
        consumer = Consumer(new_group(), db, transport, [Subscription(TOPIC, nothing)])
        running = asyncio.create_task(consumer.run())
        await asyncio.wait([running, transport.done], return_when=asyncio.FIRST_COMPLETED)
        measured = await transport.done if transport.done.done() else await running
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await db.close()
    assert measured is not None
    assert handled == count, f"{handled} of {count} events had their effect"
    return measured


async def raw(bootstrap: str, count: int, pids: Sequence[int]) -> Measured:
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, group_id=new_group(), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        watch, read = None, 0
        while read < count:
            found = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
            if found:
                watch = watch or Stopwatch(*pids)
                read += sum(map(len, found.values()))
                await consumer.commit({at: records[-1].offset + 1 for at, records in found.items()})
        assert watch is not None
        return watch.stop(read)
    finally:
        await consumer.stop()


async def program(plan: Plan) -> list[Outcome]:
    count = plan.pick(50_000, 2_000)
    async with postgres("matching") as server, kafka() as broker:
        await publish(broker.bootstrap, TOPIC, PARTITIONS, supply_records(count))
        pids = [os.getpid()]  # whose children the servers are
        sides = await interleave(
            plan.repeats,
            lambda _: ours(broker.bootstrap, server, count, pids),
            lambda _: raw(broker.bootstrap, count, pids),
        )
    return [Outcome(BARS[0], *sides)]


if __name__ == "__main__":
    main(program)
