"""A consumer that joins under load: its share within seconds, every key in its order, nothing lost."""

import asyncio
import time
from collections import defaultdict
from contextlib import aclosing
from uuid import uuid4

from chassis.transport.base import Record
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics

KEYS, RECORDS, PARTITIONS = 60, 30_000, 12
SHARE_WITHIN_S = 5.0


class Member:
    """One process's consumer: what it had, and when it was first given something."""

    def __init__(self, bootstrap: str, topic: str, seen: dict[str, list[int]]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._seen = seen
        self.records = 0
        self.first_s: float | None = None

    async def run(self) -> None:
        async with (
            KafkaTransport(self._bootstrap) as transport,
            aclosing(transport.consume("g", [self._topic], limit=200)) as batches,
        ):
            async for batch in batches:
                self.first_s = self.first_s or time.monotonic()
                await asyncio.sleep(0.02)  # its work
                for record in batch.records:
                    self._seen[record.key].append(int(record.value))
                self.records += len(batch.records)
                await batch.acknowledge()


async def test_a_consumer_added_under_load_has_its_share_within_5_s_and_every_key_its_order(
    kafka_bootstrap: str,
) -> None:
    topic = f"test.{uuid4().hex}.v1"
    await ensure_topics(kafka_bootstrap, {topic: PARTITIONS})
    seen: dict[str, list[int]] = defaultdict(list)
    first, second = Member(kafka_bootstrap, topic, seen), Member(kafka_bootstrap, topic, seen)

    async def load() -> None:
        async with KafkaTransport(kafka_bootstrap) as transport:
            for start in range(0, RECORDS, 1_000):
                numbers = range(start, start + 1_000)
                await transport.publish([Record(topic, f"key-{n % KEYS}", str(n).encode(), {}) for n in numbers])
                await asyncio.sleep(0.2)

    def distinct() -> int:
        return sum(len(set(numbers)) for numbers in seen.values())

    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        loading = group.create_task(load())
        working = [group.create_task(first.run())]
        while first.records < RECORDS // 5:
            await asyncio.sleep(0.05)
        joined_s = time.monotonic()
        working.append(group.create_task(second.run()))
        while distinct() < RECORDS:
            await asyncio.sleep(0.05)
        await loading
        for task in working:
            task.cancel()
    assert second.first_s is not None
    assert second.first_s - joined_s < SHARE_WITHIN_S
    assert min(first.records, second.records) > RECORDS // 10, "both work"
    for key, numbers in seen.items():
        arrivals = list(dict.fromkeys(numbers))
        assert arrivals == sorted(arrivals), key
    print(f"its share after {second.first_s - joined_s:.2f} s; {first.records} and {second.records} records")
