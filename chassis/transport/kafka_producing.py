"""Publishing to Apache Kafka: one idempotent producer, made when it is first needed and anew when it failed."""

# mypy: allow-untyped-calls

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerClosed, RecordListTooLargeError
from aiokafka.partitioner import murmur2

from chassis.transport.base import Record, RecordTooLarge, TransportUnavailable
from chassis.transport.headers import encoded
from chassis.transport.kafka_clients import closed, start
from chassis.turns import in_turns

BATCH_BYTES = 512 * 1024  # half of what a broker accepts by default
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Producing:
    """`settings` are aiokafka's; `timeout_s` bounds a publish."""

    def __init__(self, settings: Mapping[str, Any], timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._producer: AIOKafkaProducer | None = None
        self._producer_wanted = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        self._discard_producer(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def publish(self, records: Sequence[Record], after: Awaitable[object] | None) -> None:
        """See `base.Transport`."""
        if not records:
            return
        made_ready = await self._made_ready(records)
        if after is not None:
            await after
            if made_ready.producer is not self._producer:  # it failed meanwhile, and its batches with it
                made_ready = await self._made_ready(records)
        with self._refusing(made_ready.producer):
            async with asyncio.timeout(self._timeout_s):
                await made_ready.send()

    async def _made_ready(self, records: Sequence[Record]) -> "_Sending":
        with self._refusing(self._producer):
            async with asyncio.timeout(self._timeout_s):
                return await _Sending.of(await self._started_producer(), records)

    @contextmanager
    def _refusing(self, producer: AIOKafkaProducer | None) -> Iterator[None]:
        """Raise in the transport's own words."""
        try:
            yield
        except (KafkaError, OSError, TimeoutError) as error:
            # After a failure the sequence numbers of an idempotent producer may have a hole, which the
            # broker refuses for ever: a new producer starts a new sequence.
            self._discard_producer(producer)
            if isinstance(error, TOO_LARGE):
                raise RecordTooLarge(f"Kafka refused: {error!r}") from error
            raise TransportUnavailable(f"Kafka did not acknowledge: {error!r}") from error

    async def _started_producer(self) -> AIOKafkaProducer:
        async with self._producer_wanted:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._settings, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
                )
                try:
                    await start(producer, self._settings)
                except BaseException:
                    await producer.stop()
                    raise
                _tell_nothing_of_transactions(producer)
                self._producer = producer
            return self._producer

    def _discard_producer(self, producer: AIOKafkaProducer | None) -> None:
        """Stop it in the background; whoever else publishes through it fails, too, and tries again."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        closing = asyncio.create_task(_abandoned(producer, self._timeout_s))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


@lru_cache(maxsize=16_384)
def _partition(key: str, count: int) -> int:
    """Where Kafka's own clients would put the key. aiokafka's murmur2 is pure Python, hence the cache."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % count)


@dataclass(frozen=True, slots=True)
class _Sending:
    """Records in the batches of their partitions, as they go over the wire."""

    producer: AIOKafkaProducer
    batches: Mapping[TopicPartition, Sequence[Any]]

    @classmethod
    async def of(cls, producer: AIOKafkaProducer, records: Sequence[Record]) -> Self:
        partitions = {topic: len(await producer.partitions_for(topic)) for topic in {r.topic for r in records}}
        batches: dict[str, list[list[Any]]] = {topic: [[] for _ in range(n)] for topic, n in partitions.items()}

        def append(record: Record) -> None:
            topic, key, value, headers = record
            these = batches[topic][_partition(key, partitions[topic])]
            name, wire = key.encode(), encoded(headers)
            if not these or these[-1].append(timestamp=None, key=name, value=value, headers=wire) is None:
                these.append(producer.create_batch())
                these[-1].append(timestamp=None, key=name, value=value, headers=wire)

        await in_turns(append, records)
        return cls(
            producer,
            {TopicPartition(topic, at): those for topic in batches for at, those in enumerate(batches[topic]) if those},
        )

    async def send(self) -> None:
        """Return when all are acknowledged."""
        sent = [self._send_in_order(at, those) for at, those in self.batches.items()]
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _send_in_order(self, at: TopicPartition, batches: Sequence[Any]) -> None:
        """A batch only after the one before it was acknowledged.

        With several batches waiting, the first may time out and the second arrive: out of order for its keys.
        """
        for batch in batches:
            batch.close()
            await (await self.producer.send_batch(batch, at.topic, partition=at.partition))


def _tell_nothing_of_transactions(producer: AIOKafkaProducer) -> None:
    """What aiokafka does when its sender fails, but for the end of a transaction: it has none, and raises for that."""
    sender = producer._sender

    def fail_all(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            producer._message_accumulator.fail_all(error)

    sender.sender_task.remove_done_callback(sender._fail_all)
    sender.sender_task.add_done_callback(fail_all)


async def _abandoned(producer: AIOKafkaProducer, timeout_s: float) -> None:
    """aiokafka never gives up a batch of an idempotent producer, and `stop` alone would wait for it."""
    accumulator = producer._message_accumulator
    batches = [*accumulator._pending_batches, *(batch for those in accumulator._batches.values() for batch in those)]
    accumulator.fail_all(ProducerClosed())
    for batch in batches:  # whoever waited has gone; asked for, so that they are not reported as forgotten
        for told in (batch.future, batch._drain_waiter):
            if told.done() and not told.cancelled():
                told.exception()
    await closed(producer._sender.close(), timeout_s)
    await closed(producer.stop(), timeout_s)
