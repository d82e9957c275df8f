"""Events as the services tell them, for benchmarks of what carries them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from chassis.outbox import to_record
from chassis.transport.base import Record
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from contracts.supply import RemainingChanged
from contracts.topics import TOPICS

TOPIC = RemainingChanged.TOPIC
PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == TOPIC)
CHANGES_A_LISTING = 10


def supply_records(count: int) -> list[Record]:
    """The changes of some listings, in turns, in envelopes of their own."""
    listings = [uuid4() for _ in range(max(1, count // CHANGES_A_LISTING))]
    return [
        to_record(_changed(listings[number % len(listings)], number // len(listings) + 1), "/duijie/matching")
        for number in range(count)
    ]


async def publish(bootstrap: str, topic: str, partitions: int, records: Sequence[Record]) -> None:
    await ensure_topics(bootstrap, {topic: partitions})
    async with KafkaTransport(bootstrap) as transport:
        for start in range(0, len(records), 1000):
            await transport.publish(records[start : start + 1000])


def _changed(listing_id: UUID, version: int) -> RemainingChanged:
    return RemainingChanged(
        listing_id=listing_id,
        version=version,
        listing_version=1,
        quantity_g=1_000_000,
        remaining_g=1_000_000 - version,
        held_g=version,
        agreed_g=0,
    )
