"""Kafka as the tests see it, past every proxy of ours: what is on the topics, how far each group is, and meddling.

The meddler's records carry a header by which the oracles know them: repeats in another order, and poison.
"""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import MessageSizeTooLargeError

from chassis.transport.kafka_topics import ensure_topics

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it meets the faults, too, and is tried again

MEDDLED = "faults_meddled"
REPEAT, POISON = "repeat", "poison"
TOPICS = (
    "listing.listings.v1",
    "matching.supply.v1",
    "matching.matches.v1",
    "matching.rounds.v1",
    "logistics.shipments.v1",
    "logistics.parcels.v1",
    "logistics.programmes.v1",
    "gateway.accounts.v1",
)
DEAD = tuple(f"{topic}.dlq" for topic in TOPICS)
TOO_LARGE_B = 5_000_000
LARGE_TOPIC = "logistics.shipments.v1"
BEYOND = "more than its column holds"
SOUND = Path(__file__).parents[2] / "contracts" / "golden" / "duijie.listing.published.v1.json"
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Read:
    """One record as it lies on a topic."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: str
    digest: str
    headers: Mapping[str, str]

    @property
    def meddled(self) -> bool:
        return MEDDLED in self.headers

    @property
    def poison(self) -> bool:
        """Whether the meddler meant it to die; a repeat of a sound record must live like the first."""
        return self.headers.get(MEDDLED) == POISON


async def read_all(bootstrap: str, topics: Sequence[str] = TOPICS + DEAD) -> list[Read]:
    """Every record that lies on these topics now; partition by partition in order."""
    found: list[Read] = []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=4 << 20
    )
    await consumer.start()
    try:
        places = await _partitions(consumer, topics)
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        reached = await consumer.beginning_offsets(places)
        async with asyncio.timeout(PATIENCE_S):
            while any(reached[place] < end for place, end in ends.items()):
                for place, records in (await consumer.getmany(timeout_ms=500, max_records=5000)).items():
                    reached[place] = records[-1].offset + 1
                    found += [_read(record) for record in records]
    finally:
        await consumer.stop()
    return found


async def count(bootstrap: str, topics: Sequence[str] = TOPICS) -> int:
    """How many records were ever written to these topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(await _partitions(consumer, topics))).values())
    finally:
        await consumer.stop()


async def lag(bootstrap: str, hears: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """By group: how many records of its topics it has not acknowledged."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        await admin.start()
        behind = {}
        for group, topics in hears.items():
            places = await _partitions(consumer, topics)
            ends = await consumer.end_offsets(places)
            offsets = await admin.list_consumer_group_offsets(group)
            behind[group] = sum(
                end - (offsets[place].offset if place in offsets and offsets[place].offset >= 0 else 0)
                for place, end in ends.items()
            )
        return behind
    finally:
        await consumer.stop()
        await admin.close()


async def rewind(bootstrap: str, group: str, topics: Sequence[str]) -> int:
    """Set a group that has no member back to the beginning: it will hear everything again. How many records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = await _partitions(consumer, topics)
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.commit(dict.fromkeys(places, 0))
        return sum(ends.values())
    finally:
        await consumer.stop()


class Meddler:
    """Writes to the topics what a broken producer would; `poison` is what must come to the dead letters."""

    def __init__(self, bootstrap: str, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.poison: list[tuple[str, bytes]] = []
        self.harmless: list[tuple[str, bytes]] = []
        self.too_large = 0
        """How many of TOO_LARGE_B a broker took that an operator had told to."""
        self._bootstrap = bootstrap
        self._chance = Random(f"{seed}/meddler")

    async def repeat(self, share: float, topics: Sequence[str] = TOPICS) -> int:
        """So much of what lies on the topics comes once more: late, and shuffled across keys and partitions."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        chosen = []
        try:
            places = await _partitions(consumer, topics)
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends, reached = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
            async with asyncio.timeout(PATIENCE_S):
                while any(reached[place] < end for place, end in ends.items()):
                    for place, records in (await consumer.getmany(timeout_ms=500, max_records=5000)).items():
                        reached[place] = records[-1].offset + 1
                        original = [each for each in records if MEDDLED not in dict(each.headers)]
                        chosen += [each for each in original if self._chance.random() < share]
        finally:
            await consumer.stop()
        self._chance.shuffle(chosen)
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=20) as producer:
            sent = [
                await producer.send(
                    each.topic, each.value, each.key, headers=[*each.headers, (MEDDLED, REPEAT.encode())]
                )
                for each in chosen
            ]
            await asyncio.gather(*sent)
        self.done["repeats"] += len(chosen)
        return len(chosen)

    async def let_large_ones_in(self) -> None:
        """As an operator may: one topic takes what no dead letter can hold."""
        await ensure_topics(
            self._bootstrap, {LARGE_TOPIC: 1}, configs={LARGE_TOPIC: {"max.message.bytes": str(2 * TOO_LARGE_B)}}
        )

    async def spread_poison(self, rounds: int = 1) -> None:
        """Records that are not what they say, on every topic that somebody hears."""
        async with AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", max_request_size=2 * TOO_LARGE_B
        ) as producer:
            for _ in range(rounds):
                for topic, type_ in (
                    ("matching.supply.v1", "duijie.supply.remaining_changed"),
                    ("matching.matches.v1", "duijie.match.agreed"),
                    ("listing.listings.v1", "duijie.listing.published"),
                    ("logistics.parcels.v1", "duijie.parcel.scanned"),
                    ("logistics.shipments.v1", "duijie.shipment.delivered"),
                ):
                    await self._poison_one(producer, topic, type_)

    async def _poison_one(self, producer: AIOKafkaProducer, topic: str, type_: str) -> None:
        mark = uuid4().hex
        deadly = {
            "bad JSON": (f'{{"mark": "{mark}", '.encode(), headers(type_)),
            "wrong types": (json.dumps({"mark": mark, "quantity_g": "many", "version": []}).encode(), headers(type_)),
            "not UTF-8": (b"\xff\xfe" + mark.encode(), headers(type_)),
            "no headers": (json.dumps({"mark": mark}).encode(), []),
            "large": (json.dumps({"mark": mark, "filler": "x" * 700_000}).encode(), headers(type_)),
        }
        if topic == "listing.listings.v1":
            beyond = json.loads(SOUND.read_text(encoding="utf-8")) | {"listing_id": str(uuid4()), "quantity_g": 10**30}
            deadly[BEYOND] = (json.dumps(beyond).encode(), headers(type_))
        harmless = {
            "future version": (
                json.dumps({"mark": mark, "of": "tomorrow"}).encode(),
                headers("duijie.something.of_tomorrow"),
            ),
        }
        for name, (value, named) in (deadly | harmless).items():
            key = self._chance.choice([b"", mark.encode(), None])
            await producer.send_and_wait(topic, value, key, headers=[*named, (MEDDLED, POISON.encode())])
            self.done[f"poison: {name}"] += 1
            (self.poison if name in deadly else self.harmless).append((topic, value))
        try:
            await producer.send_and_wait(topic, b"x" * TOO_LARGE_B, headers=[(MEDDLED, POISON.encode())])
        except MessageSizeTooLargeError:
            self.done["poison: 5 MB, refused by the broker"] += 1
        else:
            self.done["poison: 5 MB, taken by the broker"] += 1
            self.too_large += 1


def headers(type_: str) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(uuid4()).encode()),
        ("ce_source", b"/faults"),
        ("ce_type", type_.encode()),
        ("ce_subject", b"poison"),
        ("ce_time", b"2026-01-01T00:00:00+00:00"),
    ]


async def _partitions(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    await consumer._client.set_topics(topics)
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(consumer._client.cluster.partitions_for_topic(topic) or ())
    ]


def _read(record: object) -> Read:
    value = record.value or b""  # type: ignore[attr-defined]
    named = {name: content.decode(errors="replace") for name, content in record.headers}  # type: ignore[attr-defined]
    return Read(
        record.topic,  # type: ignore[attr-defined]
        record.partition,  # type: ignore[attr-defined]
        record.offset,  # type: ignore[attr-defined]
        (record.key or b"").decode(errors="replace"),  # type: ignore[attr-defined]
        named.get("ce_id", ""),
        hashlib.md5(value).hexdigest(),
        named,
    )
