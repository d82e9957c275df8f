"""Helpers for tests that publish and consume records."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import aclosing

from chassis.transport.base import Record, Transport


def records(topic: str, *keys: str, start: int = 0) -> list[Record]:
    """One record a key, numbered on from `start` in its value."""
    return [
        Record(topic, key, str(number).encode(), {"ce_id": f"{key}-{number}"}) for number, key in enumerate(keys, start)
    ]


async def take(
    transport: Transport,
    group: str,
    topics: Collection[str],
    count: int,
    *,
    acknowledge: bool = True,
    limit: int = 500,
    within_s: float = 30.0,
) -> list[Record]:
    """Join the group, read at least `count` records, leave."""
    taken: list[Record] = []
    async with asyncio.timeout(within_s), aclosing(transport.consume(group, topics, limit=limit)) as batches:
        async for batch in batches:
            taken += batch.records
            if acknowledge:
                await batch.acknowledge()
            if len(taken) >= count:
                break
    return taken


def of_key(taken: Sequence[Record], key: str) -> list[bytes]:
    return [record.value for record in taken if record.key == key]
