"""Events as the services tell them, for benchmarks of what carries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from chassis.outbox import to_record
from chassis.transport.base import Record
from chassis.transport.kafka import KafkaTransport
from chassis.transport.kafka_topics import ensure_topics
from contracts.listings import Place
from contracts.matches import MatchEvent, MatchStatus
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


SIYANG, NANJING = Place(adcode="321323", lon=118.69, lat=33.72), Place(adcode="320102", lon=118.80, lat=32.06)
Kind = TypeVar("Kind", bound=MatchEvent)


def match_event(kind: type[Kind], status: MatchStatus, quantity_g: int) -> Kind:
    """A match of so many strawberries from Siyang to Nanjing, as of now."""
    now = datetime.now(UTC)
    return kind(
        match_id=uuid4(),
        version=1,
        status=status,
        listing_id=uuid4(),
        order_id=uuid4(),
        producer_id=uuid4(),
        buyer_id=uuid4(),
        produce="strawberry",
        quantity_g=quantity_g,
        price_fen_per_kg=1600,
        freight_fen_per_kg=53,
        amount_fen=1600 * quantity_g // 1000,
        distance_m=240_000,
        temperature_class="chilled",
        origin=SIYANG,
        destination=NANJING,
        ready_at=now,
        arrives_at=now + timedelta(hours=8),
        deliver_by=now + timedelta(days=3),
        spoils_at=now + timedelta(days=3),
        min_remaining_life_h=24,
        round_id=uuid4(),
    )


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
