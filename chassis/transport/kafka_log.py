"""Reading Apache Kafka's topics without taking part: no group, from the beginning to the present end."""

# mypy: allow-untyped-calls

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.dead_letters import Written
from chassis.transport.kafka_clients import bounded, settings_of
from chassis.transport.kafka_consuming import record_of

POLL_MS = 200
FETCH_MS = 50  # a broker holds a question for so long when nothing is there, and ending waits for it

T = TypeVar("T")


class KafkaLog:
    """`connection` holds aiokafka's settings for TLS and SASL; `timeout_s` is how long it may tell nothing."""

    def __init__(self, bootstrap: str, *, timeout_s: float = 10.0, connection: Mapping[str, Any] | None = None) -> None:
        self._timeout_s = timeout_s
        self._settings = settings_of(bootstrap, timeout_s, connection)

    async def read(self, topics: Collection[str]) -> AsyncGenerator[Written, None]:
        """See `chassis.dead_letters.Log`."""
        async with self._consumer() as consumer:
            ends = await self._bounded(_ends(consumer, topics))
            while ends:
                for at, records in (await self._bounded(_more(consumer, ends))).items():
                    for read in records:
                        if read.offset < ends[at]:
                            yield Written(f"{at.partition}/{read.offset}", _instant(read.timestamp), record_of(read))
                ends = await self._bounded(_not_reached(consumer, ends))

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._settings,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # when what is read next was deleted meanwhile
            fetch_max_wait_ms=FETCH_MS,
        )
        try:
            await self._bounded(consumer.start())
            yield consumer
        finally:
            await consumer.stop()

    async def _bounded(self, asked: Awaitable[T]) -> T:
        return await bounded(asked, self._timeout_s)


async def _ends(consumer: AIOKafkaConsumer, topics: Collection[str]) -> dict[TopicPartition, int]:
    """Go to the beginning of these topics; where they end now, without the partitions that hold nothing."""
    cluster = await consumer._client.fetch_all_metadata()  # the consumer itself knows topics only by subscribing
    partitions = [
        TopicPartition(topic, number)
        for topic in sorted(set(topics))
        for number in sorted(cluster.partitions_for_topic(topic) or ())
    ]
    if not partitions:
        return {}
    consumer.assign(partitions)
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    for at, begin in begins.items():
        consumer.seek(at, begin)
    return {at: end for at, end in ends.items() if end > begins[at]}


async def _more(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[Any]]:
    """Wait for records; none when there are none any more before one of the ends."""
    while True:
        found: dict[TopicPartition, list[Any]] = await consumer.getmany(*ends, timeout_ms=POLL_MS)
        if found or len(await _not_reached(consumer, ends)) < len(ends):
            return found


async def _not_reached(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    return {at: end for at, end in ends.items() if await consumer.position(at) < end}


def _instant(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
